/* ASTM: frames (E1381, LIS1-A) and records (E1394, LIS2-A2). Checksum vectors: computed by hand from the rule, and one frame of a real analyzer's
 * end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/astm.h"
#include "wire/astm_link.h"

static void checksum(void **state)
{
    (void)state;
    assert_int_equal(astm_checksum(SPAN_LIT("1H|\\^&\r\x03")), 0xE5);
    assert_int_equal(astm_checksum(SPAN_LIT("2L|1|N\r\x03")), 0x05);
    assert_int_equal(astm_checksum(SPAN_LIT("7L|1|N\r\x03")), 0x0A);
}

/* Events as text: Q ENQ, T EOT, A ACK, N NAK, [ frame start, text as it is, ] good with ETX, ) good with ETB, } good but out of order, R repeat, D
 * damaged, J junk. */
static void feed(struct astm_link *l, struct span in, struct buf *out)
{
    static const char letter[] = {[ASTM_ENQ] = 'Q',         [ASTM_EOT] = 'T',          [ASTM_ACK] = 'A',          [ASTM_NAK] = 'N',
                                  [ASTM_FRAME_START] = '[', [ASTM_FRAME_REPEAT] = 'R', [ASTM_FRAME_DAMAGED] = 'D'};
    struct span got = {0};
    enum astm_event event;
    while ((event = astm_link_next(l, &in, &got)) != ASTM_MORE) {
        if (event == ASTM_TEXT)
            buf_add_span(out, got);
        else if (event == ASTM_JUNK)
            buf_add_str(out, out->n > 0 && out->p[out->n - 1] == 'J' ? "" : "J"); /* junk comes in pieces when the input does */
        else if (event == ASTM_FRAME_GOOD)
            buf_u8(out, l->out_of_order ? '}' : l->last_of_message ? ']' : ')');
        else
            buf_u8(out, (uint8_t)letter[event]);
    }
    assert_int_equal(in.n, 0);
}

static void expect(struct span stream, const char *want)
{
    for (size_t step = 1; step <= stream.n; step++) {
        struct astm_link l = {0};
        struct buf out = BUF_INIT(4096);
        for (size_t at = 0; at < stream.n; at += step)
            feed(&l, span_of(stream.p + at, stream.n - at < step ? stream.n - at : step), &out);
        assert_string_equal(buf_text(&out), want);
        buf_release(&out);
    }
}

#define EXPECT(stream, want) expect(SPAN_LIT(stream), (want))

static void frames(void **state)
{
    (void)state;
    EXPECT("\x05\x02"
           "1H|\\^&\r\x03"
           "E5\r\n\x02"
           "2L|1|N\r\x03"
           "05\r\n\x04",
           "Q[H|\\^&\r][L|1|N\r]T");
    EXPECT("\x05\x02"
           "1H|\\^&\r\x03"
           "e5\x02"
           "2L|1|N\r\x03"
           "05\n\x04",
           "Q[H|\\^&\r][L|1|N\r]T"); /* small digits, tails missing */
    EXPECT("\x06\x15\x06\x06", "ANAA");
    EXPECT("\x05\x02"
           "1AB\x17"
           "CB\r\n",
           "Q[AB)");
    EXPECT("\x02"
           "7L|1|N\r\x03"
           "0A\r\n\x04",
           "[L|1|N\r]T"); /* without ENQ any number may be first */
    EXPECT("\x05\x04", "QT");
}

static void bad_frames(void **state)
{
    (void)state;
    EXPECT("\x05\x02"
           "1H|\\^&\r\x03"
           "E6\r\n\x02"
           "1H|\\^&\r\x03"
           "E5\r\n",
           "Q[H|\\^&\rD[H|\\^&\r]"); /* wrong sum, then again */
    EXPECT("\x05\x02"
           "1H|\\^&\r\x03"
           "E5\r\n\x02"
           "1H|\\^&\r\x03"
           "E5\r\n\x02"
           "2L|1|N\r\x03"
           "05\r\n",
           "Q[H|\\^&\r][H|\\^&\rR[L|1|N\r]"); /* its ACK was lost */
    EXPECT("\x05\x02"
           "1H|\\^&\r\x03"
           "E5\r\n\x02"
           "7L|1|N\r\x03"
           "0A\r\n",
           "Q[H|\\^&\r][L|1|N\r}"); /* a number is skipped */
    EXPECT("\x05\x02"
           "1H|\x02"
           "1H|\\^&\r\x03"
           "E5\r\n",
           "Q[H|D[H|\\^&\r]"); /* cut off by the next */
    EXPECT("\x05\x02"
           "1H|\x04",
           "Q[H|DT");
    EXPECT("\x02"
           "24/10/29\x03\n",
           "[4/10/29DJ"); /* no checksum */
    EXPECT("\x02"
           "9x\x03",
           "[DJ");
}

static void holes(void **state)
{
    (void)state;
    struct astm_link l = {0};
    struct buf out = BUF_INIT(256);
    feed(&l,
         SPAN_LIT("\x05\x02"
                  "1H|"),
         &out);
    assert_true(astm_link_gap(&l));
    feed(&l,
         SPAN_LIT("\x02"
                  "7L|1|N\r\x03"
                  "0A\r\n"),
         &out);
    assert_string_equal(buf_text(&out), "Q[H|[L|1|N\r]");
    assert_false(astm_link_gap(&l));
    assert_int_equal(astm_link_close(&l), ASTM_MORE);
    buf_release(&out);
}

static void records(void **state)
{
    (void)state;
    struct hl7_delims d;
    struct span f[16];
    assert_true(astm_delims(SPAN_LIT("H|\\^&|||XN-10^00-22^12345"), &d));
    assert_int_equal(d.repetition, '\\');
    assert_int_equal(d.component, '^');
    assert_int_equal(d.escape, '&');
    assert_int_equal(astm_fields(&d, SPAN_LIT("R|1|^^^GLU|5.4|mmol/L||N||F||||20260302080000"), f, 16), 14);
    assert_true(span_is(f[1], "R"));
    assert_true(span_is(f[4], "5.4"));
    assert_true(span_is(f[13], "20260302080000"));
    assert_int_equal(astm_type(&d, SPAN_LIT("l|1")), 'L');
    assert_int_equal(astm_type(&d, SPAN_LIT("L")), 'L');
    assert_int_equal(astm_type(&d, SPAN_LIT("LX|")), 0);
    assert_true(astm_delims(SPAN_LIT("H|@^\\|id"), &d)); /* another order, as GeneXpert sends it */
    assert_int_equal(d.repetition, '@');
    assert_int_equal(d.escape, '\\');
    assert_false(astm_delims(SPAN_LIT("H||||"), &d));
    assert_false(astm_delims(SPAN_LIT("H|\\^&x"), &d));
    assert_false(astm_delims(SPAN_LIT("P|\\^&"), &d));
    struct span rest = SPAN_LIT("H|\\^&\r\nP|1\r\r\nL|1\r");
    size_t n = 0;
    while (astm_record(&rest, &f[0]))
        n++;
    assert_int_equal(n, 3);
}

static void tests_and_names(void **state)
{
    (void)state;
    struct hl7_delims d;
    struct span code, text;
    assert_true(astm_delims(SPAN_LIT("H|\\^&|"), &d));
    astm_test(&d, SPAN_LIT("^^^GLU^Glucose"), &code, &text);
    assert_true(span_is(code, "GLU"));
    assert_true(span_is(text, "Glucose"));
    astm_test(&d, SPAN_LIT("^^^^WBC^1"), &code, &text);
    assert_true(span_is(code, "WBC"));
    astm_test(&d, SPAN_LIT("NA"), &code, &text);
    assert_true(span_is(code, "NA"));
    astm_test(&d, SPAN_LIT("LN^2951-2"), &code, &text);
    assert_true(span_is(code, "LN"));
    assert_true(span_is(astm_first_component(&d, SPAN_LIT("^^   113^A")), "113"));
    assert_int_equal(astm_first_component(&d, SPAN_LIT("^ ^")).n, 0);
    static const char *const specimens[][2] = {
        {"10023", "10023"},
        {"T20 10134GA D28^^6", "T20 10134GA D28"},
        {"10023^A123^5", "10023"},
        {"2^1^               10023^B", "10023"},
        {"000003^01^                 113^M", "113"},
        {"^^   113^A", "113"},
        {"2^1^      ^B", "2"},
        {"S-7^^Serum tube, red", "S-7"},
        {"4711^R2^LITHIUM HEPARIN", "4711"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof specimens / sizeof specimens[0]; i++)
        assert_true(span_equal(astm_specimen(&d, span_str(specimens[i][0])), span_str(specimens[i][1])));
}

static void sender_is(const char *field, const char *maker, const char *model, const char *software, const char *serial)
{
    struct hl7_delims d;
    struct astm_sender s;
    assert_true(astm_delims(SPAN_LIT("H|\\^&|"), &d));
    astm_sender(&d, span_str(field), &s);
    assert_true(span_is(s.maker, maker));
    assert_true(span_is(s.model, model));
    assert_true(span_is(s.software, software));
    assert_true(span_is(s.serial, serial));
}

static void senders(void **state)
{
    (void)state;
    sender_is("XN-10^00-22^12345", "", "XN-10", "00-22", "12345");
    sender_is("ACME^Chem5^SN77", "ACME", "Chem5", "", "SN77");
    sender_is("XY-100^00-13^^^^A1^B2", "", "XY-100", "00-13", "A1");
    sender_is("HOST^Maker^m111^4.2.2^1^13147", "Maker", "m111", "4.2.2", "13147");
    sender_is("Place^Xpert^4.8", "", "Xpert", "4.8", "");
    sender_is("Place^Xpert^Dx4.8", "", "Xpert", "Dx4.8", "");
    sender_is("ACME^Chem5^V2.1", "ACME", "Chem5", "V2.1", "");
    sender_is("ACME^VISION^5.14.0.47342^J6000", "ACME", "VISION", "5.14.0.47342", "J6000");
    sender_is("ACCESS^500123", "", "ACCESS", "", "500123");
    sender_is("AB80 BASIC^319053", "", "AB80 BASIC", "", "319053");
    sender_is("H5^601YOXH00231^1.2.3", "", "H5", "1.2.3", "601YOXH00231");
    sender_is("cobas6000^1", "", "cobas6000", "", "");
    sender_is("CHEM-ALPHA^8000", "CHEM-ALPHA", "8000", "", "");
    sender_is("ACME^XN-1000", "ACME", "XN-1000", "", "");
    sender_is("LIS", "", "LIS", "", "");
    sender_is("", "", "", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(checksum), cmocka_unit_test(frames),  cmocka_unit_test(bad_frames),
                                       cmocka_unit_test(holes),    cmocka_unit_test(records), cmocka_unit_test(tests_and_names),
                                       cmocka_unit_test(senders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
