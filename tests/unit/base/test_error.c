#include "base/error.h"

#include "../cmocka_all.h"

#include <errno.h>
#include <string.h>

static void says_what_where_and_class(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(err_exit_status(&e), 0);
    assert_int_equal(err_sys(&e, ENOENT, "opening %s", "x.pcap"), -1);
    assert_string_equal(e.text, "opening x.pcap: No such file or directory");
    assert_int_equal(err_exit_status(&e), 3);
    assert_int_equal(err_context(&e, "demo"), -1);
    assert_string_equal(e.text, "demo: opening x.pcap: No such file or directory");
    assert_int_equal(err_set(NULL, ERR_PEER, "x"), -1);
    (void)err_set(&e, ERR_CORRUPT, "leaf 5");
    assert_int_equal(err_exit_status(&e), 1);
    (void)err_set(&e, ERR_PEER, "x");
    assert_int_equal(err_exit_status(&e), 2);
}

static void cuts_what_is_too_long(void **state)
{
    (void)state;
    struct error e = {0};
    (void)err_set(&e, ERR_LIMIT, "%1000s", "x");
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    (void)err_context(&e, "%1000s", "y");
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_what_where_and_class), cmocka_unit_test(cuts_what_is_too_long)};
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
