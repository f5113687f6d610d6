#include "base/time.h"

#include "../cmocka_all.h"

static void formats(void **state)
{
    (void)state;
    char out[TIME_TEXT];
    assert_int_equal(time_format(0, out), 30);
    assert_string_equal(out, "1970-01-01T00:00:00.000000000Z");
    (void)time_format(-1, out);
    assert_string_equal(out, "1969-12-31T23:59:59.999999999Z");
    (void)time_format(INT64_C(951782400) * TIME_SECOND + 5, out);
    assert_string_equal(out, "2000-02-29T00:00:00.000000005Z");
    (void)time_format(INT64_MAX, out);
    assert_string_equal(out, "2262-04-11T23:47:16.854775807Z");
    (void)time_format(INT64_MIN, out);
    assert_string_equal(out, "1677-09-21T00:12:43.145224192Z");
}

static void every_day_of_two_centuries_comes_back(void **state)
{
    (void)state;
    char out[TIME_TEXT];
    for (int64_t day = -36525; day < 36525; day++) {
        tq_time t = day * 86400 * TIME_SECOND + 12345678901;
        tq_time back;
        assert_true(time_parse(span_of(out, time_format(t, out)), &back));
        assert_true(back == t);
    }
}

static void parses_offsets_and_fractions(void **state)
{
    (void)state;
    tq_time a;
    tq_time b;
    assert_true(time_parse(SPAN_LIT("2026-11-22T14:02:03.5+05:30"), &a));
    assert_true(time_parse(SPAN_LIT("2026-11-22T08:32:03.500Z"), &b));
    assert_true(a == b);
}

static void refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2026-11-22",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:00:00",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00.1234567890Z",
                                      "2026-01-01T00:00:00Zx",
                                      "9999-01-01T00:00:00Z",
                                      "2026-01-01T00:00:00+0530",
                                      "2026-00-10T00:00:00Z"};
    tq_time t;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(time_parse(span_str(bad[i]), &t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(formats), cmocka_unit_test(every_day_of_two_centuries_comes_back),
                                       cmocka_unit_test(parses_offsets_and_fractions), cmocka_unit_test(refuses_what_is_no_time)};
    return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
