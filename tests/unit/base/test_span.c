#include "base/span.h"

#include "../cmocka_all.h"

static void reads_integers_in_both_orders(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct span s = span_of(bytes, sizeof bytes);
    assert_int_equal(span_u8(&s), 1);
    assert_int_equal(span_be16(&s), 0x0203);
    assert_int_equal(span_le16(&s), 0x0504);
    assert_int_equal(span_be24(&s), 0x060708);
    assert_int_equal(span_le32(&s), 0x0c0b0a09);
    assert_int_equal(s.n, 3);
    assert_false(s.bad);
    assert_int_equal(span_be32(&s), 0);
    assert_true(s.bad);
    assert_int_equal(s.n, 0);
}

static void bad_is_sticky_and_inherited(void **state)
{
    (void)state;
    struct span s = SPAN_LIT("abc");
    struct span child = span_take(&s, 4);
    assert_true(child.bad && s.bad);
    assert_int_equal(child.n, 0);
    assert_true(span_take(&s, 0).bad);
    assert_int_equal(span_u8(&s), 0);
}

static void too_long_is_bad(void **state)
{
    (void)state;
    const uint8_t byte = 1;
    struct span s = span_of(&byte, (size_t)UINT32_MAX + 2);
    assert_true(s.bad);
    assert_int_equal(s.n, 0);
    assert_false(span_of(&byte, 1).bad);
}

static void is_put_whole(void **state)
{
    (void)state;
    struct span s;
    memset(&s, 0xff, sizeof s);
    span_put(&s, SPAN_LIT("abc"));
    assert_true(s.n == 3 && !s.bad && memcmp(s.p, "abc", 3) == 0);
    span_put(&s, (struct span){.n = UINT32_MAX, .bad = true});
    assert_true(s.p == NULL && s.n == UINT32_MAX && s.bad);
}

static void sixty_four_bits(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct span s = span_of(bytes, 8);
    assert_true(span_be64(&s) == UINT64_C(0x0102030405060708));
    s = span_of(bytes, 8);
    assert_true(span_le64(&s) == UINT64_C(0x0807060504030201));
    s = span_of(bytes, 7);
    (void)span_be64(&s);
    assert_true(s.bad);
}

static void splits_at_separators(void **state)
{
    (void)state;
    struct span s = SPAN_LIT("a||bc");
    bool more;
    assert_true(span_is(span_until(&s, '|', &more), "a") && more);
    assert_true(span_until(&s, '|', &more).n == 0 && more);
    assert_true(span_is(span_until(&s, '|', &more), "bc") && !more);
    assert_true(span_until(&s, '|', &more).n == 0 && !more);
    assert_false(s.bad);
}

/* Texts of up to 150 bytes, which is some blocks and what is left of one, over an alphabet where separators lie at all distances, with neighbours of
 * the separator: as span_until splits them. */
static void splits_all_at_once(void **state)
{
    (void)state;
    static const char alphabet[] = "|||{}\xfc\x00\x7c\x01";
    uint32_t random = 1;
    for (size_t round = 0; round < 20000; round++) {
        uint8_t text[150];
        size_t n = round % (sizeof text + 1);
        size_t max = 1 + round % (round % 2 == 0 ? 7 : 160);
        for (size_t i = 0; i < n; i++) {
            random = random * 1664525u + 1013904223u;
            text[i] = (uint8_t)alphabet[(random >> 16) % (sizeof alphabet - 1)];
        }
        struct span parts[160];
        size_t got = span_split(span_of(text, n), '|', parts, max);
        struct span rest = span_of(text, n);
        bool more = true;
        size_t want = 0;
        for (; more && want < max; want++) {
            struct span part = span_until(&rest, '|', &more);
            assert_true(want < got && parts[want].p == part.p && parts[want].n == part.n);
        }
        assert_int_equal(got, want);
    }
    struct span none;
    assert_int_equal(span_split((struct span){0}, '|', &none, 1), 1);
    assert_int_equal(none.n, 0);
}

/* Against a search byte for byte, in texts on both sides of a block's length. */
static void finds_the_nth(void **state)
{
    (void)state;
    static const char text[] = "|a||bcdefghijklmnopqrst|u|vwxyz0123456789ABCDEFGHIJ||K|";
    for (size_t length = 0; length < sizeof text; length++) {
        struct span s = span_of(text, length);
        size_t seen = 0;
        for (size_t i = 0; i < length; i++)
            if (text[i] == '|')
                assert_int_equal(span_find_nth(&s, '|', ++seen), i);
        assert_int_equal(span_find_nth(&s, '|', seen + 1), length);
        assert_int_equal(span_find_nth(&s, '|', seen + 9), length);
    }
}

static void decimal_numbers_are_strict(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_true(span_decimal(SPAN_LIT("0"), 10, &v) && v == 0);
    assert_true(span_decimal(SPAN_LIT("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX);
    assert_false(span_decimal(SPAN_LIT("18446744073709551616"), UINT64_MAX, &v));
    assert_false(span_decimal(SPAN_LIT("007"), 100, &v));
    assert_false(span_decimal(SPAN_LIT("+7"), 100, &v));
    assert_false(span_decimal(SPAN_LIT(" 7"), 100, &v));
    assert_false(span_decimal(SPAN_LIT(""), 100, &v));
    assert_false(span_decimal(SPAN_LIT("101"), 100, &v));
}

/* Where so many bytes without a separator are, one is found; where none is much shorter, none. */
static void runs_are_found(void **state)
{
    (void)state;
    uint8_t text[400];
    for (size_t run = 0; run < 200; run++) {
        for (size_t at = 0; at + run + 1 < sizeof text; at += 3) {
            for (size_t i = 0; i < sizeof text; i++)
                text[i] = i % 11 == 0 ? '|' : i % 7 == 0 ? '^' : 'a';
            memset(text + at, 'b', run);
            bool found = span_has_run(span_of(text, sizeof text), '|', '^', 64);
            if (run >= 64)
                assert_true(found);
            if (run < 64 - 2 * SPAN_BLOCK - 11)
                assert_false(found);
            assert_false(span_has_run(span_of(text, run < 32 ? run : 32), '|', '^', 64));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_found),
        cmocka_unit_test(reads_integers_in_both_orders),
        cmocka_unit_test(bad_is_sticky_and_inherited),
        cmocka_unit_test(too_long_is_bad),
        cmocka_unit_test(is_put_whole),
        cmocka_unit_test(sixty_four_bits),
        cmocka_unit_test(splits_at_separators),
        cmocka_unit_test(splits_all_at_once),
        cmocka_unit_test(finds_the_nth),
        cmocka_unit_test(decimal_numbers_are_strict),
    };
    return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
