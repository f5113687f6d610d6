#include "base/room.h"

#include "../cmocka_all.h"

#include <stdint.h>
#include <string.h>

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
        cmocka_unit_test(none_is_no_error),
    };
    return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
