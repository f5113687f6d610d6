/* Time zones: days over changes of the clock, against the C library's own reading of the same files. */
#include "base/buf.h"
#include "base/zone.h"

#include "../cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {"America/Chicago",     "America/New_York", "Europe/Madrid", "Europe/Dublin",    "Asia/Kolkata",
                                    "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia",  "Asia/Kathmandu",   "America/Mexico_City",
                                    "Africa/Casablanca",   "Asia/Beirut",      "Etc/UTC",       "America/St_Johns", "Asia/Gaza"};

static void load(const char *name, struct buf *file)
{
    char path[128];
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    ssize_t n = 1;
    while (n > 0 && buf_reserve(file, 4096)) {
        n = read(fd, file->p + file->n, 4096);
        file->n += n > 0 ? (size_t)n : 0;
    }
    (void)close(fd);
}

static void zone_of(const char *name, struct zone *z)
{
    struct buf file = BUF_INIT(ZONE_FILE);
    struct error e = {0};
    load(name, &file);
    if (zone_read(buf_span(&file), z, &e) != 0)
        fail_msg("%s: %s", name, e.text);
    buf_release(&file);
}

static void test_as_the_c_library(void **state)
{
    (void)state;
    struct zone *z = malloc(sizeof *z);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        zone_of(names[i], z);
        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        for (int64_t s = INT64_C(631152000); s < INT64_C(4102444800); s += 7 * 3600 + 1801) { /* 1990 to 2100 */
            struct tm there;
            time_t t = (time_t)s;
            assert_non_null(localtime_r(&t, &there));
            if (zone_offset(z, s * TIME_SECOND) != there.tm_gmtoff)
                fail_msg("%s at %lld: %d, and the C library says %ld", names[i], (long long)s, zone_offset(z, s * TIME_SECOND), there.tm_gmtoff);
            assert_int_equal(zone_day(z, s * TIME_SECOND), day_from_civil(there.tm_year + 1900, (unsigned)there.tm_mon + 1, (unsigned)there.tm_mday));
        }
    }
    assert_int_equal(unsetenv("TZ"), 0);
    free(z);
}

static tq_time at(const char *text)
{
    tq_time t = 0;
    assert_true(time_parse(span_str(text), &t));
    return t;
}

/* The last second of a day is that day's, whatever the clock did on it. */
static void test_the_end_of_a_day(void **state)
{
    (void)state;
    struct zone *z = malloc(sizeof *z);
    char text[DAY_TEXT];
    zone_of("America/Chicago", z);
    assert_string_equal(day_format(zone_day(z, at("2026-03-08T05:59:59Z")), text), "2026-03-07"); /* 23 hours follow */
    assert_string_equal(day_format(zone_day(z, at("2026-03-08T06:00:00Z")), text), "2026-03-08");
    assert_string_equal(day_format(zone_day(z, at("2026-03-09T04:59:59Z")), text), "2026-03-08");
    assert_string_equal(day_format(zone_day(z, at("2026-03-09T05:00:00Z")), text), "2026-03-09");
    assert_string_equal(day_format(zone_day(z, at("2026-11-02T05:59:59Z")), text), "2026-11-01"); /* 25 hours */
    assert_string_equal(day_format(zone_day(z, at("2026-11-02T06:00:00Z")), text), "2026-11-02");
    zone_of("Pacific/Apia", z); /* the 30th of December 2011 was left out */
    assert_int_equal(zone_day(z, at("2011-12-30T10:00:00Z")) - zone_day(z, at("2011-12-30T09:59:59Z")), 2);
    free(z);
}

static void test_months(void **state)
{
    (void)state;
    static const struct {
        const char *day, *then;
        int months;
    } cases[] = {{"2026-01-31", "2026-02-28", 1},  {"2024-02-29", "2025-02-28", 12}, {"2024-02-29", "2028-02-29", 48},
                 {"2026-12-15", "2027-12-15", 12}, {"2026-03-31", "2026-02-28", -1}, {"1999-12-31", "2000-02-29", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t day;
        char text[DAY_TEXT];
        assert_true(day_parse(span_str(cases[i].day), &day));
        assert_string_equal(day_format(day_add_months(day, cases[i].months), text), cases[i].then);
    }
    int64_t day;
    static const char *const none[] = {"2026-02-29", "2026-13-01", "2026-00-10", "2026-1-10", "2026-01-32",
                                       "1969-12-31", "20260110",   "2026-01-1x", ""};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(day_parse(span_str(none[i]), &day));
    for (int64_t d = -800; d < 90000; d++) {
        char text[DAY_TEXT];
        int64_t y;
        unsigned m;
        unsigned n;
        day_to_civil(d, &y, &m, &n);
        assert_int_equal(day_from_civil(y, m, n), d);
        if (d >= 0 && y <= 2200) {
            assert_true(day_parse(span_str(day_format(d, text)), &day));
            assert_int_equal(day, d);
        }
    }
}

static void test_what_is_none(void **state)
{
    (void)state;
    struct zone *z = malloc(sizeof *z);
    struct error e = {0};
    struct buf file = BUF_INIT(ZONE_FILE);
    load("America/Chicago", &file);
    for (size_t n = 0; n < file.n; n++) /* cut anywhere: the footer's last sign ends it */
        if (n + 1 < file.n)
            assert_int_equal(zone_read(span_of(file.p, n), z, &e) == 0 && n + 40 < file.n, 0);
    assert_int_equal(zone_read(SPAN_LIT("TZif"), z, &e), -1);
    assert_int_equal(zone_read(SPAN_LIT(""), z, &e), -1);
    assert_int_equal(zone_offset(z, 0), 0); /* what is none is left as UTC */
    buf_release(&file);
    free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_the_c_library), cmocka_unit_test(test_the_end_of_a_day),
                                       cmocka_unit_test(test_months), cmocka_unit_test(test_what_is_none)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
