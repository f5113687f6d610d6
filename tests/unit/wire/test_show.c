/* Kept messages taken apart for showing. Messages are written for these tests. */
#include "../cmocka_all.h"

#include "wire/show.h"

static void shows(enum show_form form, struct span bytes, const char *charset, const char *expected)
{
    struct buf plain = BUF_INIT(CHARSET_GROWTH * bytes.n + 8);
    struct buf out = BUF_INIT(65536);
    const char *said = NULL;
    struct show_reader r;
    struct show_line line;
    struct show_field f;
    show_start(&r, form, show_text(form, bytes, &plain, &said));
    while (show_line(&r, &line)) {
        for (size_t i = 0; i < line.depth; i++)
            buf_add_str(&out, " ");
        buf_add_span(&out, line.name);
        while (show_field(&r, &f)) {
            buf_addf(&out, " %zu", f.number);
            buf_add_span(&out, f.name);
            buf_add_str(&out, f.withheld ? "!" : "=");
            buf_add_span(&out, f.text);
        }
        buf_add_str(&out, "\n");
    }
    if (show_left(&r) > 0)
        buf_addf(&out, "%zu left\n", show_left(&r));
    assert_string_equal(said, charset);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&plain);
    buf_release(&out);
}

static void test_hl7(void **state)
{
    (void)state;
    shows(SHOW_HL7, SPAN_LIT("MSH|^~\\&|A^B||C\rPID|1||7^^^L\r\nOBX|1|NM|K||4\\F\\1||\r\r"), "ASCII",
          "MSH 1=| 2=^~\\& 3=A^B 5=C\nPID 1=1 3=7^^^L\nOBX 1=1 2=NM 3=K 5=4\\F\\1\n");
    shows(SHOW_HL7, SPAN_LIT("MSH#*~\\&#A#B\rZ\rPID#1#2|3\r"), "ASCII", "MSH 1=# 2=*~\\& 3=A 4=B\n 1=Z\nPID 1=1 2=2|3\n");
    shows(SHOW_HL7, SPAN_LIT("MSH|^~\\&|A\rnot a segment|x\r"), "ASCII", "MSH 1=| 2=^~\\& 3=A\n 1=not a segment 2=x\n");
    shows(SHOW_HL7, SPAN_LIT(""), "ASCII", "");
}

static void test_charsets(void **state)
{
    (void)state;
    shows(SHOW_HL7, SPAN_LIT("MSH|^~\\&||||||||||||||||8859/5\rPID|1||\xb0\r"), "as MSH-18 says", "MSH 1=| 2=^~\\& 18=8859/5\nPID 1=1 3=\xd0\x90\n");
    shows(SHOW_HL7, SPAN_LIT("MSH|^~\\&|A\rPID|1||\xd6\r"), "ISO 8859-1", "MSH 1=| 2=^~\\& 3=A\nPID 1=1 3=\xc3\x96\n");
    shows(SHOW_HL7, SPAN_LIT("MSH|^~\\&||||||||||||||||8859/1\rPID|1||\xc3\x96\r"), "UTF-8", "MSH 1=| 2=^~\\& 18=8859/1\nPID 1=1 3=\xc3\x96\n");
    shows(SHOW_HL7, SPAN_LIT("MSH|^~\\&||||||||||||||||UNICODE UTF-16\rPID|1||a\r"), "ASCII", "MSH 1=| 2=^~\\& 18=UNICODE UTF-16\nPID 1=1 3=a\n");
    shows(SHOW_HL7, SPAN_LIT("MSH|^~\\&||||||||||||||||ISO IR6~ISO IR87\rPID|1||\x1b$B;3\x1b(B\r"), "as MSH-18 says",
          "MSH 1=| 2=^~\\& 18=ISO IR6~ISO IR87\nPID 1=1 3=\xe5\xb1\xb1\n");
}

/* A password is nobody's business, also who may see a patient's values. */
static void test_astm(void **state)
{
    (void)state;
    shows(SHOW_ASTM, SPAN_LIT("H|\\^&||PSWD|M^X\rP|1||PAT-1\rnoise\rR|1|^^^K|4.10\rL|1|N\r"), "ASCII",
          "H 2=\\^& 4! 5=M^X\nP 2=1 4=PAT-1\n 1=noise\nR 2=1 3=^^^K 4=4.10\nL 2=1 3=N\n");
}

static void test_poct1a(void **state)
{
    (void)state;
    shows(SHOW_POCT1A, SPAN_LIT("<OBS.R01 a='1'><p:PT><PT.patient_id V=\"7&lt;\" E=\"\" F='b'/>some text</p:PT></OBS.R01>"), "ASCII",
          "OBS.R01 1a=1\n p:PT\n  PT.patient_id 1V=7&lt; 3F=b\n   1=some text\n");
    shows(SHOW_POCT1A, SPAN_LIT("<A><B V=\"1\"/><<<"), "ASCII", "A\n B 1V=1\n2 left\n");
}

static void test_lines(void **state)
{
    (void)state;
    shows(SHOW_LINES, SPAN_LIT("a\r\nb\n\xff"), "ISO 8859-1", " 1=a\n\n 1=b\n 1=\xc3\xbf\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hl7),    cmocka_unit_test(test_charsets), cmocka_unit_test(test_astm),
        cmocka_unit_test(test_poct1a), cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
