/* Records of the relay on their way: order, room, and what is handed on again. */
#include "../cmocka_all.h"

#include "proc/outbox.h"

#include <stdlib.h>

static struct outbox o;
static struct outbox_arena arena;

static bool outbox_put(struct outbox *to, uint64_t seq, struct span encoded, tq_time now)
{
    struct outbox_record *r = outbox_copy(&arena, encoded, 64);
    assert_non_null(r);
    assert_true(r->size - r->n == 64);
    bool room = outbox_room(to, sizeof *r + r->size);
    if (room)
        outbox_add(to, r, seq, now);
    else
        outbox_drop(r);
    return room;
}

static void put(uint64_t seq, size_t n)
{
    uint8_t *bytes = calloc(1, n);
    assert_non_null(bytes);
    assert_true(outbox_put(&o, seq, span_of(bytes, n), (tq_time)seq));
    free(bytes);
}

static uint64_t next(void)
{
    uint64_t seq = o.unsent == NULL ? 0 : o.unsent->seq;
    outbox_sent(&o);
    return seq;
}

/* Records of all sizes keep what is in them while others come and go. */
static void test_memory(void **state)
{
    (void)state;
    static uint8_t bytes[90000];
    outbox_init(&o);
    for (uint64_t i = 1; i <= 3000; i++) {
        size_t n = i % 97 == 0 ? 80000 : i * 7919 % 3000;
        memset(bytes, (int)(i & 0xff), n);
        put(i, 1); /* one that is gone before its neighbours */
        outbox_drop(outbox_copy(&arena, span_of(bytes, n), 0));
        assert_true(outbox_put(&o, i, span_of(bytes, n), 1));
        if (i > 40)
            outbox_recorded(&o, i - 40);
        while (o.unsent != NULL)
            outbox_sent(&o);
        for (const struct outbox_record *r = o.first; r != NULL; r = r->next)
            for (size_t at = OUTBOX_HEAD; r->n > OUTBOX_HEAD + 1 && at < r->n; at += 61)
                assert_int_equal(r->bytes[at], r->seq & 0xff);
    }
    outbox_recorded(&o, 3000);
    assert_null(o.first);
    assert_int_equal(o.bytes, 0);
    outbox_release(&o);
}

static void test_order(void **state)
{
    (void)state;
    outbox_init(&o);
    for (uint64_t i = 1; i <= 5; i++)
        put(i, 10);
    assert_int_equal(next(), 1);
    assert_int_equal(next(), 2);
    outbox_recorded(&o, 1);
    assert_int_equal(o.first->seq, 2);
    outbox_rewind(&o); /* who took 2 is gone */
    for (uint64_t i = 2; i <= 5; i++)
        assert_int_equal(next(), i);
    assert_null(o.unsent);
    put(6, 10);
    assert_int_equal(next(), 6);
    outbox_recorded(&o, 6);
    assert_null(o.first);
    assert_int_equal(o.bytes, 0);
    put(7, 10);
    assert_int_equal(next(), 7);
    outbox_release(&o);
}

/* What is not handed on yet is never dropped, whatever was said of it: a word about the future is none. */
static void test_unsent_stays(void **state)
{
    (void)state;
    outbox_init(&o);
    put(1, 10);
    put(2, 10);
    outbox_recorded(&o, 2);
    assert_int_equal(o.first->seq, 1);
    assert_int_equal(next(), 1);
    outbox_recorded(&o, 2);
    assert_int_equal(o.first->seq, 2);
    outbox_release(&o);
}

static void test_worth_no_waiting(void **state)
{
    (void)state;
    outbox_init(&o);
    put(0, 10);
    put(1, 10);
    put(0, 10);
    (void)next();
    assert_int_equal(o.first->seq, 1);
    (void)next();
    (void)next();
    assert_null(o.loose->next->next); /* behind 1 the second of number 0 waits for nothing */
    assert_int_equal(o.loose->seq, 1);
    outbox_spooled(&o, 1);
    assert_null(o.loose);
    outbox_release(&o);
}

/* Given to a spool that breaks: loose again, but for what was durable by then. */
static void test_loose(void **state)
{
    (void)state;
    outbox_init(&o);
    for (uint64_t i = 1; i <= 4; i++)
        put(i, 10);
    assert_int_equal(o.loose->seq, 1);
    outbox_given(&o);
    outbox_given(&o);
    outbox_given(&o);
    assert_int_equal(o.loose->seq, 4);
    outbox_spooled(&o, 1);
    outbox_loosen(&o);
    assert_int_equal(o.loose->seq, 2);
    outbox_given(&o);
    outbox_spooled(&o, 4);
    assert_null(o.loose);
    put(5, 10);
    assert_int_equal(o.loose->seq, 5);
    for (int i = 0; i < 5; i++)
        (void)next();
    outbox_recorded(&o, 5);
    assert_null(o.loose);
    assert_null(o.first);
    outbox_release(&o);
}

static void test_recorded(void **state)
{
    (void)state;
    outbox_init(&o);
    assert_true(outbox_is_recorded(&o));
    put(1, 10);
    assert_false(outbox_is_recorded(&o));
    put(0, 10); /* worth no waiting */
    assert_int_equal(next(), 1);
    outbox_recorded(&o, 1);
    assert_true(outbox_is_recorded(&o));
    o.left = 1;
    assert_false(outbox_is_recorded(&o));
    outbox_release(&o);
}

static void test_room(void **state)
{
    (void)state;
    size_t piece = 1u << 20;
    uint64_t seq = 0;
    outbox_init(&o);
    while (o.bytes + piece + 4096 < OUTBOX_MAX)
        put(++seq, piece);
    uint8_t *bytes = calloc(1, piece);
    assert_non_null(bytes);
    assert_false(outbox_put(&o, seq + 1, span_of(bytes, piece), 0)); /* nothing of it is durable */
    outbox_spooled(&o, 1);
    assert_true(outbox_put(&o, seq + 1, span_of(bytes, piece), 0));
    assert_int_equal(o.first->seq, 2);
    assert_int_equal(o.left, 1); /* it was not handed on, and is on the spool alone */
    outbox_recorded(&o, 1);
    assert_false(outbox_is_recorded(&o));
    assert_false(outbox_put(&o, seq + 2, span_of(bytes, piece), 0));
    assert_int_equal(next(), 2);
    outbox_spooled(&o, 2);
    assert_true(outbox_put(&o, seq + 2, span_of(bytes, piece), 0));
    assert_int_equal(o.gone, 2); /* it was: perhaps the ledger has it soon */
    assert_int_equal(o.left, 1);
    outbox_recorded(&o, 2);
    assert_int_equal(o.gone, 0);
    assert_int_equal(next(), 3);
    outbox_spooled(&o, 3);
    assert_true(outbox_put(&o, seq + 3, span_of(bytes, piece), 0));
    outbox_rewind(&o); /* who had it is gone */
    assert_int_equal(o.left, 3);
    outbox_read_in(&o, 3);
    assert_int_equal(o.left, 0);
    assert_int_equal(next(), 4);
    free(bytes);
    outbox_release(&o);
}

/* In a burst what is durable goes early: it is read in from the spool anyway. */
/* What was taken already has room that others have not. */
static void test_reserve(void **state)
{
    (void)state;
    outbox_init(&o);
    for (uint64_t i = 1; outbox_room(&o, 70000); i++)
        put(i, 60000);
    assert_true(outbox_reserve(&o, 70000));
    assert_true(outbox_reserve(&o, OUTBOX_MAX + OUTBOX_RESERVE - o.bytes));
    assert_false(outbox_reserve(&o, OUTBOX_MAX + OUTBOX_RESERVE - o.bytes + 1));
    outbox_release(&o);
}

static void test_burst(void **state)
{
    size_t piece = 1u << 20;
    (void)state;
    outbox_init(&o);
    o.burst = true;
    put(1, piece);
    uint8_t *bytes = calloc(1, piece);
    assert_non_null(bytes);
    assert_true(outbox_put(&o, 2, span_of(bytes, piece), 0)); /* nothing is durable yet: it stays, and there is room */
    assert_int_equal(o.first->seq, 1);
    outbox_spooled(&o, 2);
    assert_true(outbox_put(&o, 3, span_of(bytes, piece), 0));
    assert_int_equal(o.first->seq, 3);
    assert_int_equal(o.left, 2);
    free(bytes);
    outbox_release(&o);
}

/* What was read in is not handed on any more; what no spool has is, and in its place. */
static void test_read_in(void **state)
{
    (void)state;
    outbox_init(&o);
    put(1, 10);
    put(0, 10);
    put(2, 10);
    put(3, 10);
    outbox_spooled(&o, 3);
    outbox_doubt(&o, 3);
    assert_int_equal(o.left, 3);
    assert_int_equal(o.left_at, 1);
    outbox_read_in(&o, 2);
    assert_int_equal(o.left, 3);
    assert_int_equal(o.first->seq, 0);
    outbox_read_in(&o, 3);
    assert_int_equal(o.left, 0);
    put(4, 10);
    assert_int_equal(next(), 0);
    assert_int_equal(next(), 4);
    outbox_recorded(&o, 4);
    assert_true(outbox_is_recorded(&o));
    outbox_release(&o);
    outbox_init(&o);
    outbox_doubt(&o, 3); /* nothing is missing */
    assert_int_equal(o.left, 0);
    outbox_release(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory), cmocka_unit_test(test_order),    cmocka_unit_test(test_unsent_stays), cmocka_unit_test(test_worth_no_waiting),
        cmocka_unit_test(test_loose),  cmocka_unit_test(test_recorded), cmocka_unit_test(test_room),         cmocka_unit_test(test_read_in),
        cmocka_unit_test(test_burst),  cmocka_unit_test(test_reserve)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
