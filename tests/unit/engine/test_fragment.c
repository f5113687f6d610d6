#include "engine/sense/fragment.h"

#include "../cmocka_all.h"

static uint8_t whole[60000];

static struct ip piece(uint32_t id, size_t offset, size_t n, bool more)
{
    static const uint8_t addresses[8] = {10, 0, 0, 1, 10, 0, 0, 2};
    return (struct ip){.version = 4,
                       .proto = 17,
                       .fragment = true,
                       .more = more,
                       .offset = (uint16_t)offset,
                       .id = id,
                       .src = span_of(addresses, 4),
                       .dst = span_of(addresses + 4, 4),
                       .payload = span_of(whole + offset, n)};
}

static void fill(void)
{
    for (size_t i = 0; i < sizeof whole; i++)
        whole[i] = (uint8_t)(i * 7 + i / 256);
}

static bool add(struct fragments *t, struct ip ip, tq_time now, struct span *ret)
{
    uint8_t proto;
    return fragments_add(t, &ip, 0, now, ret, &proto) && proto == 17;
}

static void any_order_with_repetitions(void **state)
{
    (void)state;
    fill();
    for (int from = 0; from < 7; from++) {
        struct fragments *t = fragments_new(1 << 20);
        struct span got = {0};
        bool complete = false;
        for (int k = 0; k < 7; k++) {
            int i = (from + k * 3) % 7;
            assert_false(complete);
            if (k > 0) /* the one before once more */
                assert_false(add(t, piece(7, (size_t)((from + (k - 1) * 3) % 7) * 1480, 1480, (from + (k - 1) * 3) % 7 < 6), 0, &got));
            complete = add(t, piece(7, (size_t)i * 1480, 1480, i < 6), 0, &got);
        }
        assert_true(complete);
        assert_int_equal(got.n, 7 * 1480);
        assert_memory_equal(got.p, whole, got.n);
        fragments_free(t);
    }
}

static void contradictions_drop_the_packet(void **state)
{
    (void)state;
    fill();
    struct fragments *t = fragments_new(1 << 20);
    struct span got;
    assert_false(add(t, piece(1, 0, 16, true), 0, &got));
    struct ip other = piece(1, 8, 16, true);
    other.payload = span_of(whole + 1000, 16);
    assert_false(add(t, other, 0, &got));
    assert_false(add(t, piece(1, 16, 16, false), 0, &got));
    assert_false(add(t, piece(1, 8, 8, true), 0, &got));
    /* an end in front of what is there */
    assert_false(add(t, piece(2, 64, 16, true), 0, &got));
    assert_false(add(t, piece(2, 0, 32, false), 0, &got));
    assert_false(add(t, piece(2, 32, 32, true), 0, &got));
    /* a piece that is no multiple of 8; an end behind 65535 */
    assert_false(add(t, piece(3, 0, 9, true), 0, &got));
    struct ip beyond = piece(4, 0, 2000, false);
    beyond.offset = 65528;
    assert_false(add(t, beyond, 0, &got));
    fragments_free(t);
}

static void time_and_room_are_bounded(void **state)
{
    (void)state;
    fill();
    struct fragments *t = fragments_new(64 << 10);
    struct span got;
    assert_false(add(t, piece(1, 0, 16, true), 0, &got));
    assert_false(add(t, piece(1, 16, 16, false), 31 * TIME_SECOND, &got)); /* the first half is forgotten */
    for (uint32_t id = 100; id < 5000; id++)
        assert_false(add(t, piece(id, 0, 1480, true), 31 * TIME_SECOND, &got));
    assert_true(add(t, piece(4999, 1480, 8, false), 31 * TIME_SECOND, &got)); /* the newest are there */
    assert_int_equal(got.n, 1488);
    assert_false(add(t, piece(100, 1480, 8, false), 31 * TIME_SECOND, &got)); /* the oldest are not */
    fragments_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_with_repetitions),
        cmocka_unit_test(contradictions_drop_the_packet),
        cmocka_unit_test(time_and_room_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
