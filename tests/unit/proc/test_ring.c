/* Entries from one thread to another: order, room, the end of the memory, and that nothing of what is done with stays. */
#include "../cmocka_all.h"

#include "proc/ring.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 4096

static void in_order(void **state)
{
    (void)state;
    struct ring *r = ring_new(SIZE);
    assert_non_null(r);
    assert_true(ring_is_empty(r));
    assert_null(ring_first(r));
    for (int i = 0; i < 1000; i++) { /* of sizes that come to the memory's end in all ways */
        size_t n = (size_t)(i * 7919) % ring_most(r);
        uint8_t *to = ring_room(r, n);
        assert_non_null(to);
        assert_int_equal((uintptr_t)to % RING_ALIGN, 0);
        memset(to, i & 0xff, n);
        assert_null(ring_first(r)); /* it is not put yet */
        ring_put(r);
        assert_false(ring_is_empty(r));
        const uint8_t *got = ring_first(r);
        assert_non_null(got);
        assert_true(ring_is_last(r));
        for (size_t k = 0; k < n; k++)
            assert_int_equal(got[k], i & 0xff);
        ring_done(r);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(got[k], 0);
        assert_true(ring_is_empty(r));
    }
    ring_free(r);
}

static void room(void **state)
{
    (void)state;
    struct ring *r = ring_new(SIZE);
    assert_null(ring_room(r, ring_most(r) + 1));
    unsigned n = 0;
    for (uint8_t *to = ring_room(r, 200); to != NULL; to = ring_room(r, 200)) {
        *to = (uint8_t)n++;
        ring_put(r);
    }
    assert_true(n >= SIZE / 320 && n <= SIZE / 200);
    assert_true(ring_used(r) <= SIZE);
    for (unsigned i = 0; i < 3 * n; i++) { /* as many go as come */
        const uint8_t *got = ring_first(r);
        assert_non_null(got);
        assert_int_equal(*got, i & 0xff);
        assert_false(ring_is_last(r));
        ring_done(r);
        uint8_t *to = ring_room(r, 200);
        if (to == NULL) { /* the end of the memory is in the way: one more has to go */
            got = ring_first(r);
            assert_int_equal(*got, ++i & 0xff);
            ring_done(r);
            n--;
            to = ring_room(r, 200);
            assert_non_null(to);
        }
        *to = (uint8_t)(i + n);
        ring_put(r);
    }
    ring_free(r);
}

enum { ENTRIES = 200000 };

static void *taker(void *context)
{
    struct ring *r = context;
    uint64_t seed = 1;
    for (uint64_t i = 0; i < ENTRIES;) {
        const uint64_t *got = ring_first(r);
        if (got == NULL) {
            (void)sched_yield();
            continue;
        }
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t words = 1 + (seed >> 40) % 60;
        for (size_t k = 0; k < words; k++)
            if (got[k] != i + k)
                return NULL;
        ring_done(r);
        i++;
    }
    return r;
}

static void two_threads(void **state)
{
    (void)state;
    struct ring *r = ring_new(SIZE);
    pthread_t thread;
    void *done = NULL;
    uint64_t seed = 1;
    assert_int_equal(pthread_create(&thread, NULL, taker, r), 0);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t words = 1 + (seed >> 40) % 60;
        uint64_t *to = ring_room(r, words * sizeof *to);
        for (unsigned tries = 0; to == NULL && tries < 100000000; tries++) {
            (void)sched_yield();
            to = ring_room(r, words * sizeof *to);
        }
        assert_non_null(to); /* else the other one has seen something wrong */
        for (size_t k = 0; k < words; k++)
            to[k] = i + k;
        ring_put(r);
    }
    assert_int_equal(pthread_join(thread, &done), 0);
    assert_ptr_equal(done, r);
    assert_true(ring_is_empty(r));
    ring_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(room),
        cmocka_unit_test(two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
