/* What the scribe writes in a thread of its own against what it writes in the caller's: the same files, byte for byte, whatever the frames' sizes and
 * however their sealing goes on; a disk that refuses; a frame that is dropped. */
#include "record/ledger/scribe.h"

#include "ledger_place.h"

#include "record/ledger/sealing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 (INT64_C(1795000000) * TIME_SECOND)
#define FRAME_MAX (64u << 20)

static struct keyring *ring;
static const uint8_t payload[700] = {5, 7};

static int setup(void **state)
{
    struct error e = {0};
    ring = keyring_new(&e);
    return ring == NULL || keyring_take(ring, LEDGER_CUSTODY, T0, NULL, 0, &e) == NULL ? -1 : place_make(state);
}

static int teardown(void **state)
{
    keyring_free(ring);
    return place_remove(state);
}

/* n records of both streams, some of another day, into an empty frame. */
static void add(struct sealing *s, struct buf *frame, uint64_t first, unsigned n)
{
    static const uint8_t salt[ENTRY_SALT] = {3};
    frame->n = 0;
    buf_add(frame, payload, 64); /* where a head stands */
    for (unsigned i = 0; i < n; i++) {
        uint64_t index = first + i;
        enum ledger_stream stream = index % 3 == 0 ? LEDGER_OBSERVATION : LEDGER_CUSTODY;
        tq_time time = T0 + (tq_time)(index / 500) * 86400 * TIME_SECOND;
        assert_true(sealing_add(s, frame, keyring_at(ring, 0), index, stream, time, salt, span_of(payload, index * 31 % sizeof payload)));
    }
}

/* Frames of these sizes, each sealed and written as a commit does it. */
static void write_frames(const char *folder, bool own_thread)
{
    static const unsigned sizes[] = {1, 15, 16, 300, 5, 1000, 1, 64, 17, 3};
    struct error e = {0};
    struct buf frames[2] = {BUF_SECRET(FRAME_MAX), BUF_SECRET(FRAME_MAX)};
    uint64_t first = 0;
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct sealing *sealing = sealing_new(ring, own_thread ? 1 : 0);
    struct scribe *s = scribe_new(dir, ring->log_id, own_thread);
    assert_true(dir >= 0 && sealing != NULL && s != NULL);
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; first += sizes[i++]) {
        struct buf *frame = &frames[i % 2];
        add(sealing, frame, first, sizes[i]); /* meanwhile the one before may still be written */
        assert_int_equal(scribe_done(s, &e), 0);
        assert_int_equal(scribe_edge(s)->tree.size, first);
        scribe_begin(s, frame->p, 64, frame->n, sizes[i], sealing_leaves(sealing));
        for (size_t sealed = 0; sealed < frame->n;)
            scribe_more(s, sealed = sealing_wait(sealing, frame));
        assert_int_equal(scribe_stored(s, &e), 0);
        sealing_turn(sealing);
    }
    assert_int_equal(scribe_done(s, &e), 0);
    assert_int_equal(scribe_edge(s)->tree.size, first);
    assert_int_equal(edge_publish(scribe_edge(s), 0, &e), 0);
    scribe_free(s);
    sealing_free(sealing);
    (void)close(dir);
    buf_release(&frames[0]);
    buf_release(&frames[1]);
}

static struct snapshot *written(bool own_thread)
{
    folder_remove(ledger_path);
    assert_int_equal(mkdir(ledger_path, 0700), 0);
    write_frames(ledger_path, own_thread);
    return snapshot_take(ledger_path);
}

static void the_same_in_a_thread(void **state)
{
    (void)state;
    struct snapshot *alone = written(false);
    assert_true(alone->n > 20);
    for (int round = 0; round < 5; round++) {
        struct snapshot *s = written(true);
        assert_int_equal(s->n, alone->n);
        for (size_t i = 0; i < s->n; i++) {
            const struct buf *expected = snapshot_file(alone, s->files[i].path);
            if (s->files[i].folder)
                continue;
            assert_non_null(expected);
            assert_true(span_equal(buf_span(&s->files[i].bytes), buf_span(expected)));
        }
        snapshot_free(s);
    }
    snapshot_free(alone);
}

/* The tree cannot be written: the segments can, so the commit is one; who comes next is told, and nothing is written any more. */
static void refused(bool own_thread)
{
    struct error e = {0};
    struct buf frame = BUF_SECRET(FRAME_MAX);
    folder_remove(ledger_path);
    assert_int_equal(mkdir(ledger_path, 0700), 0);
    put_file("tile", span_str("no folder"));
    int dir = open(ledger_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct sealing *sealing = sealing_new(ring, 0);
    struct scribe *s = scribe_new(dir, ring->log_id, own_thread);
    assert_true(dir >= 0 && sealing != NULL && s != NULL);
    add(sealing, &frame, 0, 400);
    while (sealing_wait(sealing, &frame) < frame.n)
        ;
    scribe_begin(s, frame.p, 64, frame.n, 400, sealing_leaves(sealing));
    scribe_more(s, frame.n);
    assert_int_equal(scribe_done(s, &e), -1);
    assert_int_equal(e.class, ERR_SYSTEM);
    assert_int_equal(scribe_stored(s, NULL), -1);
    scribe_begin(s, frame.p, 64, frame.n, 400, sealing_leaves(sealing));
    scribe_more(s, frame.n);
    assert_int_equal(scribe_stored(s, NULL), -1);
    scribe_drop(s);
    scribe_free(s);
    sealing_free(sealing);
    (void)close(dir);
    buf_release(&frame);
}

static void refusal_is_told(void **state)
{
    (void)state;
    refused(false);
    refused(true);
}

/* Half of a frame was handed over when its commit failed: once it is dropped, nobody reads it. */
static void dropped(void **state)
{
    (void)state;
    folder_remove(ledger_path);
    assert_int_equal(mkdir(ledger_path, 0700), 0);
    int dir = open(ledger_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned round = 0; round < 20; round++) {
        struct buf frame = BUF_SECRET(FRAME_MAX);
        struct sealing *sealing = sealing_new(ring, 0);
        struct scribe *s = scribe_new(dir, ring->log_id, round % 2 == 0);
        assert_true(dir >= 0 && sealing != NULL && s != NULL);
        add(sealing, &frame, 0, 500);
        scribe_begin(s, frame.p, 64, frame.n, 500, sealing_leaves(sealing));
        scribe_more(s, sealing_wait(sealing, &frame));
        scribe_drop(s);
        buf_release(&frame);
        sealing_reset(sealing);
        sealing_free(sealing);
        scribe_free(s);
    }
    (void)close(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_in_a_thread),
        cmocka_unit_test(refusal_is_told),
        cmocka_unit_test(dropped),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
