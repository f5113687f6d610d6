#include "base/buf.h"

#include "../cmocka_all.h"

static void grows_up_to_its_cap(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1000);
    for (int i = 0; i < 1000; i++)
        buf_u8(&b, (uint8_t)i);
    assert_true(buf_ok(&b));
    assert_int_equal(b.n, 1000);
    assert_int_equal(b.p[999], 999 & 255);
    buf_u8(&b, 1);
    assert_false(buf_ok(&b));
    assert_int_equal(b.n, 1000);
    buf_clear(&b);
    assert_true(buf_ok(&b));
    buf_release(&b);
}

static void a_write_that_does_not_fit_writes_nothing(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(10);
    buf_add(&b, "12345678901", 11);
    assert_false(buf_ok(&b));
    assert_int_equal(b.n, 0);
    buf_add(&b, "1", 1);
    assert_int_equal(b.n, 0);
    buf_release(&b);
}

static void formats_and_ends_with_zero(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(64);
    buf_addf(&b, "%s-%d", "x", 42);
    assert_string_equal(buf_text(&b), "x-42");
    assert_int_equal(b.n, 4);
    buf_addf(&b, "%100s", "");
    assert_false(buf_ok(&b));
    assert_string_equal(buf_text(&b), "");
    buf_release(&b);
}

static void drops_from_the_front(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(64);
    buf_add_str(&b, "abcdef");
    buf_drop_front(&b, 2);
    assert_string_equal(buf_text(&b), "cdef");
    buf_drop_front(&b, 99);
    assert_int_equal(b.n, 0);
    buf_release(&b);
}

static void writes_integers(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(64);
    buf_be16(&b, 0x0102);
    buf_be24(&b, 0x030405);
    buf_be32(&b, 0x06070809);
    buf_le16(&b, 0x0b0a);
    buf_le32(&b, 0x0f0e0d0c);
    buf_be64(&b, UINT64_C(0x1011121314151617));
    for (size_t i = 0; i < b.n; i++)
        assert_int_equal(b.p[i], i + 1);
    assert_int_equal(b.n, 23);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_up_to_its_cap),
        cmocka_unit_test(a_write_that_does_not_fit_writes_nothing),
        cmocka_unit_test(formats_and_ends_with_zero),
        cmocka_unit_test(drops_from_the_front),
        cmocka_unit_test(writes_integers),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
