/* HL7 v2: delimiters, segments, fields, escapes, times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/document.h"
#include "wire/hl7.h"

#define MESSAGE "MSH|^~\\&|XN-20^00-01|LAB|LIS|HOSP|20260302080000+0100||ORU^R01^ORU_R01|42|P|2.5.1\rPID|1||123^^^H^MR~456||DOE^JANE\r"

static struct hl7_delims usual(void)
{
    struct hl7_delims d;
    assert_true(hl7_delims(SPAN_LIT("MSH|^~\\&|"), &d));
    return d;
}

static void delimiters(void **state)
{
    (void)state;
    struct hl7_delims d;
    assert_true(hl7_delims(SPAN_LIT(MESSAGE), &d));
    assert_int_equal(d.field, '|');
    assert_int_equal(d.component, '^');
    assert_int_equal(d.repetition, '~');
    assert_int_equal(d.escape, '\\');
    assert_int_equal(d.sub, '&');
    assert_false(d.encoding_missing);
    assert_true(hl7_delims(SPAN_LIT("MSH#:+!*#x"), &d));
    assert_int_equal(d.field, '#');
    assert_int_equal(d.component, ':');
    assert_int_equal(d.sub, '*');
    assert_true(hl7_delims(SPAN_LIT("MSH|^~\\\\&|"), &d)); /* an escape character that was escaped */
    assert_int_equal(d.sub, '&');
    assert_true(hl7_delims(SPAN_LIT("MSH||app"), &d));
    assert_true(d.encoding_missing);
    assert_int_equal(d.component, '^');
    assert_int_equal(d.truncation, 0);
    assert_true(hl7_delims(SPAN_LIT("MSH|^~\\&#|"), &d)); /* 2.7: a truncation character */
    assert_int_equal(d.truncation, '#');
    assert_true(hl7_delims(SPAN_LIT("MSH|^~&|"), &d)); /* 2.1: no escape character, and nothing stands in for what is one */
    assert_true(d.encoding_missing);
    assert_int_equal(d.escape, '&');
    assert_int_equal(d.sub, 0);
    assert_false(hl7_delims(SPAN_LIT("MSH|^~^&|"), &d));
    assert_false(hl7_delims(SPAN_LIT("MSHa^~\\&a"), &d));
    assert_false(hl7_delims(SPAN_LIT("PID|1"), &d));
    assert_false(hl7_delims(SPAN_LIT("MSH"), &d));
}

static size_t count_segments(const char *text)
{
    struct hl7_delims d = usual();
    struct span rest = span_str(text);
    struct span segment;
    size_t n = 0;
    while (hl7_segment(&d, &rest, &segment))
        n++;
    return n;
}

static void segments(void **state)
{
    (void)state;
    assert_int_equal(count_segments("MSH|\rPID|\rOBX|"), 3);
    assert_int_equal(count_segments("MSH|\nPID|\nOBX|\n"), 3);
    assert_int_equal(count_segments("MSH|\r\nPID|\r\nOBX|\r\n"), 3);
    assert_int_equal(count_segments("MSH|\rNTE|1||two\nlines\rOBX|1\r"), 3);
    assert_int_equal(count_segments("\r\r"), 0);
    struct hl7_delims d = usual();
    assert_true(hl7_segment_named(&d, SPAN_LIT("ZZ1|x")));
    assert_true(hl7_segment_named(&d, SPAN_LIT("DSC")));
    assert_false(hl7_segment_named(&d, SPAN_LIT("ob1|x")));
    assert_false(hl7_segment_named(&d, SPAN_LIT("OBXX|x")));
}

static void fields(void **state)
{
    (void)state;
    struct hl7_delims d = usual();
    struct span rest = SPAN_LIT(MESSAGE);
    struct span segment;
    struct span f[20];
    assert_true(hl7_segment(&d, &rest, &segment));
    assert_int_equal(hl7_fields(&d, segment, f, 20), 13);
    assert_true(span_is(f[1], "|"));
    assert_true(span_is(f[2], "^~\\&"));
    assert_true(span_is(f[9], "ORU^R01^ORU_R01"));
    assert_true(span_is(f[12], "2.5.1"));
    assert_int_equal(f[18].n, 0);
    assert_true(hl7_segment(&d, &rest, &segment));
    assert_int_equal(hl7_fields(&d, segment, f, 4), 4);
    assert_true(span_is(f[3], "123^^^H^MR~456"));
    assert_true(span_is(hl7_part(f[3], '~', 2), "456"));
    assert_true(span_is(hl7_part(hl7_part(f[3], '~', 1), '^', 4), "H"));
    assert_int_equal(hl7_part(f[3], '~', 3).n, 0);
    assert_true(hl7_null(SPAN_LIT("\"\"")));
}

static void unescape_is(const char *in, const char *want)
{
    struct hl7_delims d = usual();
    uint8_t out[128];
    size_t n = hl7_unescape(&d, span_str(in), out);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(out, want, n);
}

static void escapes(void **state)
{
    (void)state;
    unescape_is("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f");
    unescape_is("\\X0D0a41\\", "\r\nA");
    unescape_is("10\\S\\9/L", "10^9/L");
    unescape_is("x\\.br\\y\\H\\z\\N\\.\\.sp+3\\\\.in+4\\e\\.ce\\", "x yz. e ");
    unescape_is("\\Z12\\\\C2842\\\\P\\\\.xx\\", "\\Z12\\\\C2842\\\\P\\\\.xx\\"); /* not ours to undo */
    unescape_is("M\\XFC\\ller \\XC3BC\\ \\XC3\\\\XBC\\", "Müller ü ü");
    unescape_is("open\\F", "open\\F");
    unescape_is("\\X0\\\\XZZ\\", "\\X0\\\\XZZ\\");
    unescape_is("C:\\dir\\F\\", "C:\\dir|");
    unescape_is("", "");
    struct hl7_delims d;
    uint8_t out[64];
    assert_true(hl7_delims(SPAN_LIT("MSH|^~\\&#|"), &d));
    d.charset = CHARSET_8859_5;
    assert_int_equal(hl7_unescape(&d, SPAN_LIT("\\P\\\\XB8D2\\"), out), 5);
    assert_memory_equal(out, "#Ив", 5);
}

static void time_is(const char *in, const char *want)
{
    char out[HL7_TIME_TEXT];
    size_t n = hl7_time(span_str(in), out);
    assert_string_equal(out, want);
    assert_int_equal(n, strlen(want));
}

static void times(void **state)
{
    (void)state;
    time_is("2026", "2026");
    time_is("202603", "2026-03");
    time_is("20260302", "2026-03-02");
    time_is("2026030208", "2026-03-02T08");
    time_is("202603020815", "2026-03-02T08:15");
    time_is("20260302081530", "2026-03-02T08:15:30");
    time_is("20260302081530.1234-0530", "2026-03-02T08:15:30.1234-05:30");
    time_is("20260302081530+0100^S", "2026-03-02T08:15:30+01:00");
    time_is("20261302", "");
    time_is("2026030225", "");
    time_is("yesterday", "");
    time_is("20260302081530Z", "");
    time_is("20260302081530.12345678901234567890", "");
    time_is("", "");
}

/* A document's digits are counted one by one at its start, and in rows behind it. */
static void documents_have_their_size(void **state)
{
    (void)state;
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
    struct hl7_delims d = {.field = '|', .component = '^', .repetition = '~', .escape = '\\', .sub = '&'};
    char value[300];
    static const char before[] = "^application^pdf^Base64^";
    size_t head = sizeof before - 1;
    memcpy(value, before, head);
    for (size_t n = sizeof "application"; n < 200; n++) /* the data are the longest component */
        for (size_t odd = 0; odd <= n; odd++) {
            for (size_t i = 0; i < n; i++)
                value[head + i] = digits[(i * 5 + n) % (sizeof digits - 1)];
            struct document doc;
            value[head + odd] = odd < n ? ' ' : value[head + odd];
            assert_true(document_read(&d, SPAN_LIT("ED"), span_of(value, head + n), &doc));
            assert_int_equal(doc.bytes, (n - (odd < n)) * 6 / 8);
            if (odd == n || odd < n - 1)
                continue;
            value[head + odd] = '!'; /* no digit: it is what it is */
            assert_true(document_read(&d, SPAN_LIT("ED"), span_of(value, head + n), &doc));
            assert_int_equal(doc.bytes, n);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(documents_have_their_size),
                                       cmocka_unit_test(delimiters),
                                       cmocka_unit_test(segments),
                                       cmocka_unit_test(fields),
                                       cmocka_unit_test(escapes),
                                       cmocka_unit_test(times)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
