/* The newest packets: what is picked, in which order, what goes first, at every place of the ring's end. */
#include "../cmocka_all.h"

#include "engine/sense/recent.h"
#include "engine/sense/source.h"

#include <stdlib.h>

#define RING (1u << 20)

struct feed {
    struct span rest;
};

static ssize_t feed_read(void *context, void *into, size_t n)
{
    struct feed *f = context;
    n = n < f->rest.n ? n : f->rest.n;
    if (n > 0)
        memcpy(into, f->rest.p, n);
    (void)span_skip(&f->rest, n);
    return (ssize_t)n;
}

/* The file, read by our own reader: every packet says in its first 8 bytes which it is. */
static size_t numbers(struct span file, uint64_t *out, size_t max, uint32_t linktype)
{
    struct error e = {0};
    struct feed f = {file};
    struct source *s = source_new(feed_read, &f, &e);
    struct packet p;
    size_t n = 0;
    int r;
    assert_non_null(s);
    while ((r = source_next(s, &p, &e)) == 1) {
        struct span b = p.bytes;
        uint64_t number = span_be64(&b);
        assert_true(n < max);
        assert_int_equal(p.time, (tq_time)number * 1001 + 7); /* to the nanosecond */
        assert_int_equal(p.wire_length, p.bytes.n + 3);
        if (linktype != 0)
            assert_int_equal(p.linktype, linktype);
        for (size_t i = 0; i < b.n; i++)
            assert_int_equal(b.p[i], (uint8_t)(number + i));
        out[n++] = number;
    }
    assert_int_equal(r, 0);
    assert_int_equal(source_damage(s, NULL), 0);
    source_free(s);
    return n;
}

static void add(struct recent *r, uint64_t number, size_t size, uint32_t linktype, uint64_t flow)
{
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    for (size_t i = 8; i < size; i++)
        bytes[i] = (uint8_t)(number + i - 8);
    recent_add(r, (tq_time)number * 1001 + 7, linktype, span_of(bytes, size), (uint32_t)size + 3, flow);
    free(bytes);
}

static void test_of_some_flows(void **state)
{
    (void)state;
    struct recent *r = recent_new(RING);
    struct buf file = BUF_INIT(RING);
    uint64_t got[64];
    const uint64_t wanted[] = {5, 9, 0};
    assert_non_null(r);
    assert_int_equal(recent_pick(r, wanted, 3, RING, &file), 0);
    assert_int_equal(file.n, 0);
    for (uint64_t i = 1; i <= 20; i++)
        add(r, i, 8 + i, i % 2 == 0 ? 1 : 101, i % 4 == 0 ? 5 : i % 7 == 0 ? 9 : i % 3 == 0 ? 0 : 100 + i); /* flow 0 is nobody's */
    assert_int_equal(recent_pick(r, wanted, 3, RING, &file), 7);
    assert_int_equal(numbers(buf_span(&file), got, 64, 0), 7);
    static const uint64_t expected[] = {4, 7, 8, 12, 14, 16, 20};
    assert_memory_equal(got, expected, sizeof expected);
    buf_release(&file);
    recent_free(r);
}

/* Of more than fits the newest; a limit is a limit. */
static void test_newest_within_limit(void **state)
{
    (void)state;
    struct recent *r = recent_new(RING);
    uint64_t got[256];
    const uint64_t flow = 1;
    for (uint64_t i = 1; i <= 200; i++)
        add(r, i, 100 + i % 4, 1, flow);
    for (size_t limit = 0; limit < 30000; limit += 997) {
        struct buf file = BUF_INIT(RING);
        uint32_t n = recent_pick(r, &flow, 1, limit, &file);
        assert_true(file.n <= limit);
        if (n > 0) {
            assert_int_equal(numbers(buf_span(&file), got, 256, 1), n);
            for (uint32_t i = 0; i < n; i++)
                assert_int_equal(got[i], 200 - n + 1 + i);
        }
        if (limit > 29000)
            assert_int_equal(n, 200);
        buf_release(&file);
    }
    recent_free(r);
}

/* The ring goes round and round, with packets of every size: what is there is always the newest, whole and in order. */
static void test_round_and_round(void **state)
{
    (void)state;
    struct recent *r = recent_new(RING);
    static uint64_t got[65536];
    const uint64_t flow = 3;
    unsigned seed = 20261128;
    size_t most = 0;
    for (uint64_t i = 1; i <= 6000; i++) {
        seed = seed * 1103515245 + 12345;
        size_t size = 8 + (seed >> 16) % (i % 50 == 0 ? 60000 : 1500);
        add(r, i, size, 1, flow);
        if (i % 97 != 0)
            continue;
        struct buf file = BUF_INIT(4 * RING);
        uint32_t n = recent_pick(r, &flow, 1, 4 * RING, &file);
        assert_int_equal(numbers(buf_span(&file), got, 65536, 1), n);
        assert_true(n > 0 && got[n - 1] == i);
        for (uint32_t k = 1; k < n; k++)
            assert_int_equal(got[k], got[k - 1] + 1);
        assert_true(file.n <= RING + RING / 4);
        most = file.n > most ? file.n : most;
        buf_release(&file);
    }
    assert_true(most > RING - 131072); /* it is used */
    recent_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_some_flows),
        cmocka_unit_test(test_newest_within_limit),
        cmocka_unit_test(test_round_and_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
