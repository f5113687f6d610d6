/* Sealing on several threads against sealing on one: the same bytes, whatever the sizes, keys and order; and batches that are dropped. */
#include "record/ledger/sealing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define T0 (INT64_C(1795000000) * TIME_SECOND)
#define FRAME_MAX (64u << 20)
#define KEYS 4

static struct keyring *ring;
static uint8_t big[LEDGER_PAYLOAD_MAX];

static int setup(void **state)
{
    (void)state;
    struct error e = {0};
    ring = keyring_new(&e);
    if (ring == NULL)
        return -1;
    crypto_random(ring->log_id, sizeof ring->log_id);
    for (int i = 0; i < KEYS; i++)
        if (keyring_take(ring, LEDGER_CUSTODY, T0 + i * 40 * INT64_C(86400) * TIME_SECOND, NULL, 0, &e) == NULL)
            return -1;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 131 + i / 251);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    keyring_free(ring);
    return 0;
}

/* How record i of a batch looks: its size, and which key it has. */
typedef void shape(unsigned i, size_t *ret_n, unsigned *ret_key);

static void small(unsigned i, size_t *ret_n, unsigned *ret_key)
{
    *ret_n = i * 37 % 300;
    *ret_key = 0;
}

static void mixed(unsigned i, size_t *ret_n, unsigned *ret_key)
{
    *ret_n = i % 97 == 3 ? 300000 : i % 13 == 0 ? 20000 : i % 5;
    *ret_key = i / 3 % KEYS;
}

static void largest(unsigned i, size_t *ret_n, unsigned *ret_key)
{
    *ret_n = sizeof big - i;
    *ret_key = i % KEYS;
}

static void add_all(struct sealing *s, struct buf *frame, uint64_t first, unsigned n, shape *of)
{
    for (unsigned i = 0; i < n; i++) {
        size_t bytes = 0;
        unsigned key = 0;
        uint8_t salt[ENTRY_SALT];
        memset(salt, (int)(i % 251), sizeof salt);
        of(i, &bytes, &key);
        assert_true(sealing_add(s, frame, keyring_at(ring, key), first + i, LEDGER_CUSTODY, T0 + i, salt,
                                span_of(big + i % 1000 % (sizeof big - bytes + 1), bytes)));
        assert_true(frame->size - frame->n >= SHA256_SIZE);
    }
}

static void seal_all(struct sealing *s, struct buf *frame, uint64_t first, unsigned n, shape *of)
{
    add_all(s, frame, first, n, of);
    for (size_t sealed = 0; sealed < frame->n;) {
        size_t more = sealing_wait(s, frame);
        assert_true(more > sealed);
        sealed = more;
    }
    assert_int_equal(sealing_wait(s, frame), frame->n);
}

/* Whether each record of a frame opens to what was put in. */
static void assert_opens(struct span body, uint64_t first, unsigned n, shape *of)
{
    struct error e = {0};
    static uint8_t clear[LEDGER_PAYLOAD_MAX];
    for (unsigned i = 0; i < n; i++) {
        struct sealed_record r;
        struct entry entry;
        struct erased_key erased;
        size_t bytes = 0;
        unsigned key = 0;
        of(i, &bytes, &key);
        assert_int_equal(sealed_record_take(&body, &r), 1);
        assert_int_equal(r.index, first + i);
        assert_int_equal(entry_parse(r.entry, &entry, &e), 0);
        assert_memory_equal(entry.key_id, keyring_at(ring, key)->id, KEY_ID);
        assert_int_equal(entry.clear_n, bytes);
        assert_int_equal(entry_open(ring, &r, &entry, clear, &erased, &e), 0);
        if (bytes > 0)
            assert_memory_equal(clear, big + i % 1000 % (sizeof big - bytes + 1), bytes);
    }
    assert_int_equal(body.n, 0);
}

static void compare(unsigned n, shape *of, unsigned rounds)
{
    struct sealing *alone = sealing_new(ring, 0);
    struct buf expected = BUF_SECRET(FRAME_MAX);
    assert_non_null(alone);
    seal_all(alone, &expected, 7, n, of);
    assert_opens(buf_span(&expected), 7, n, of);
    for (unsigned helpers = 1; helpers <= SEALING_HELPERS_MAX; helpers++) {
        struct sealing *s = sealing_new(ring, helpers);
        struct buf frame = BUF_SECRET(FRAME_MAX);
        assert_non_null(s);
        for (unsigned round = 0; round < rounds; round++) {
            frame.n = 0;
            seal_all(s, &frame, 7, n, of);
            assert_int_equal(frame.n, expected.n);
            assert_memory_equal(frame.p, expected.p, frame.n);
            assert_memory_equal(sealing_leaves(s), sealing_leaves(alone), n * sizeof(struct tree_hash));
            sealing_reset(s);
        }
        sealing_free(s);
        buf_release(&frame);
    }
    sealing_free(alone);
    buf_release(&expected);
}

static void the_same_on_any_number_of_threads(void **state)
{
    (void)state;
    compare(1, small, 3);
    compare(16, small, 3);
    compare(17, small, 3);
    compare(5000, small, 20);
    compare(600, mixed, 5);
    compare(5, largest, 3);
}

static void a_batch_that_is_dropped(void **state)
{
    (void)state;
    struct sealing *s = sealing_new(ring, SEALING_HELPERS_MAX);
    struct buf frame = BUF_SECRET(FRAME_MAX);
    assert_non_null(s);
    for (unsigned i = 0; i < 50; i++) {
        add_all(s, &frame, 1000 * i, 200 + 13 * i, i % 2 == 0 ? small : mixed);
        if (i % 3 == 0)
            (void)sealing_wait(s, &frame);
        sealing_reset(s);
        buf_clear(&frame);
    }
    seal_all(s, &frame, 1, 700, small);
    assert_opens(buf_span(&frame), 1, 700, small);
    sealing_reset(s);
    buf_clear(&frame);
    add_all(s, &frame, 1, 2000, small);
    sealing_free(s); /* threads are in the midst of it */
    buf_release(&frame);
}

static void a_frame_that_may_not_grow(void **state)
{
    (void)state;
    struct sealing *s = sealing_new(ring, 1);
    struct buf frame = BUF_SECRET(1000);
    static const uint8_t salt[ENTRY_SALT];
    assert_non_null(s);
    assert_true(sealing_add(s, &frame, keyring_at(ring, 0), 0, LEDGER_CUSTODY, T0, salt, span_of(big, 600)));
    assert_false(sealing_add(s, &frame, keyring_at(ring, 0), 1, LEDGER_CUSTODY, T0, salt, span_of(big, 600)));
    sealing_reset(s);
    sealing_free(s);
    buf_release(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_on_any_number_of_threads),
        cmocka_unit_test(a_batch_that_is_dropped),
        cmocka_unit_test(a_frame_that_may_not_grow),
    };
    return cmocka_run_group_tests_name("sealing", tests, setup, teardown);
}
