#include "base/room.h"

#include "../cmocka_all.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Of every size all is zeros and can be written, also where two lie side by side. */
static void is_zeros_and_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 4096, 1048575, 1048576, 2097152, 2097153, 5000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *a = room_new(sizes[i]);
        uint8_t *b = room_new(sizes[i]);
        assert_non_null(a);
        assert_non_null(b);
        assert_int_equal((uintptr_t)a % 4096, 0);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(a[at], 0);
        memset(a, 0xff, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at += 511)
            assert_int_equal(b[at], 0);
        room_free(a, sizes[i]);
        assert_int_equal(b[sizes[i] - 1], 0);
        room_free(b, sizes[i]);
    }
}

/* Large ones lie where a large page can. */
static void large_ones_are_aligned(void **state)
{
    (void)state;
    void *a = room_new(1500000);
    void *b = room_new(3000000);
    assert_int_equal((uintptr_t)a % 2097152, 0);
    assert_int_equal((uintptr_t)b % 2097152, 0);
    room_free(a, 1500000);
    room_free(b, 3000000);
}

/* Pages of this process that are in memory. */
static size_t resident(void)
{
    unsigned long all = 0;
    unsigned long here = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &all, &here), 2);
    assert_int_equal(fclose(f), 0);
    return here;
}

#define TAKEN ((size_t)8 << 20)

/* What is taken is there, and is zeros still. */
static void what_is_taken_is_there(void **state)
{
    (void)state;
    uint8_t *a = room_new(TAKEN);
    assert_non_null(a);
    bool can = madvise(a, 4096, MADV_POPULATE_WRITE) == 0;
    size_t before = resident();
    a[TAKEN - 1] = 7;
    room_take(a, TAKEN);
    if (can)
        assert_true((resident() - before) * (size_t)sysconf(_SC_PAGESIZE) >= TAKEN / 2);
    assert_int_equal(a[TAKEN - 1], 7);
    for (size_t at = 0; at + 1 < TAKEN; at += 511)
        assert_int_equal(a[at], 0);
    room_free(a, TAKEN);
}

static void none_is_no_error(void **state)
{
    (void)state;
    assert_null(room_new(SIZE_MAX));
    assert_null(room_new(SIZE_MAX / 2));
    room_free(NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_zeros_and_whole),
        cmocka_unit_test(large_ones_are_aligned),
        cmocka_unit_test(what_is_taken_is_there),
        cmocka_unit_test(none_is_no_error),
    };
    return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
