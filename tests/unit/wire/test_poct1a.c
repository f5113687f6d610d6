/* wire/poct1a: where messages begin and end however the stream is cut, and what is not well formed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/poct1a.h"

/* The events of a stream as letters, each with where it came: the offset behind what was read. */
static void events(struct span s, size_t step, struct buf *out)
{
    struct poct1a_frame f = {0};
    size_t at = 0;
    while (s.n > 0) {
        struct span piece = span_take(&s, s.n < step ? s.n : step);
        size_t size = piece.n;
        for (;;) {
            enum poct1a_event event = poct1a_frame_next(&f, &piece);
            if (event == POCT1A_MORE)
                break;
            buf_addf(out, "%c%zu ", event == POCT1A_START ? 'S' : event == POCT1A_END ? 'E' : 'L', at + size - piece.n);
            if (event == POCT1A_START)
                buf_addf(out, "%.*s ", (int)f.root_n, (const char *)f.root);
        }
        at += size;
    }
}

static void stream_is(const char *text, const char *want)
{
    struct span s = span_str(text);
    for (size_t step = 1; step <= s.n; step++) {
        struct buf out = BUF_INIT(65536);
        events(s, step, &out);
        assert_string_equal(buf_text(&out), want);
        buf_release(&out);
    }
}

static void messages_in_a_stream(void **state)
{
    (void)state;
    stream_is("<A.R01>", "");
    stream_is("<HEL.R01></HEL.R01>", "S8 HEL.R01 E19 ");
    stream_is("<HEL.R01/>  <ACK.R01 ></ACK.R01 >", "S8 HEL.R01 E10 S20 ACK.R01 E33 ");
    stream_is("\xef\xbb\xbf<?xml version='1.0'?>\r\n<!-- <OBS.R01> --><OBS.R01><HDR/></OBS.R01>", "S52 OBS.R01 E69 ");
    stream_is("<DTV.SIEM.DVCMD><a V='</DTV.SIEM.DVCMD>'/></DTV.SIEM.DVCMD>", "S15 DTV.SIEM.DVCMD E39 ");
    stream_is("<OBS.R01><![CDATA[</OBS.R01>]]></OBS.R01>", "S8 OBS.R01 E41 ");
    stream_is("<OBS.R01><a V=\"x>y/\"/><b V='>'></b></OBS.R01>", "S8 OBS.R01 E45 ");
    stream_is("<OBS.R01><HDR><OBS.R01></OBS.R01>", "S8 OBS.R01 L22 S22 OBS.R01 E33 ");
    stream_is("<OBS.R01><?xml version=\"1.0\"?><END.R01></END.R01>", "S8 OBS.R01 L14 S38 END.R01 E49 ");
    stream_is("<OBS.R01><HDR.control_id V=\"1</OBS.R01>", "S8 OBS.R01 E39 ");
    stream_is("<OBS.R1> <obs.R01> <OBS.R01x> <OBS_R01> <ORU_R01.OBS> <DTV.small>", "");
    stream_is("<<OBS.R01></OBS.R01>", "S9 OBS.R01 E20 ");
}

static void what_is_lost(void **state)
{
    (void)state;
    struct poct1a_frame f = {0};
    struct span s = SPAN_LIT("<OBS.R01><HDR>");
    assert_int_equal(poct1a_frame_next(&f, &s), POCT1A_START);
    assert_int_equal(poct1a_frame_next(&f, &s), POCT1A_MORE);
    assert_false(poct1a_frame_idle(&f));
    assert_true(poct1a_frame_gap(&f));
    assert_true(poct1a_frame_idle(&f));
    s = SPAN_LIT("V=\"1\"/></HDR></OBS.R01>");
    assert_int_equal(poct1a_frame_next(&f, &s), POCT1A_MORE);
    assert_false(poct1a_frame_gap(&f));
    s = SPAN_LIT("<!DOCTYPE OBS.R01 [<!ENTITY x \"y\">]><OBS.R01>");
    assert_int_equal(poct1a_frame_next(&f, &s), POCT1A_START);
    assert_true(f.doctype);
}

static void elements(void **state)
{
    (void)state;
    struct poct1a_reader r;
    struct span text = SPAN_LIT(
        "<HEL.R01>\n <HDR.control_id V=\"10&amp;1\" SN = 'x>y'/><!-- a --><n ENC=\"B64\">aGk&#61;</n>\n<![CDATA[<z>]]></HEL.R01>\n");
    uint8_t out[32];
    poct1a_start(&r, text);
    assert_int_equal(poct1a_next(&r), POCT1A_OPEN);
    assert_true(span_is(r.name, "HEL.R01"));
    assert_int_equal(poct1a_next(&r), POCT1A_OPEN);
    assert_true(span_is(r.name, "HDR.control_id"));
    assert_true(span_is(poct1a_attribute(&r, "V"), "10&amp;1"));
    assert_true(span_is(poct1a_attribute(&r, "SN"), "x>y"));
    assert_int_equal(poct1a_attribute(&r, "SV").n, 0);
    assert_int_equal(poct1a_text(poct1a_attribute(&r, "V"), out), 4);
    assert_memory_equal(out, "10&1", 4);
    assert_int_equal(poct1a_next(&r), POCT1A_CLOSE);
    assert_true(span_is(r.name, "HDR.control_id"));
    assert_int_equal(poct1a_next(&r), POCT1A_OPEN);
    assert_int_equal(poct1a_next(&r), POCT1A_TEXT);
    assert_int_equal(poct1a_text(r.text, out), 4);
    assert_memory_equal(out, "aGk=", 4);
    assert_int_equal(poct1a_next(&r), POCT1A_CLOSE);
    assert_int_equal(poct1a_next(&r), POCT1A_TEXT);
    assert_true(span_is(r.text, "<z>"));
    assert_int_equal(poct1a_next(&r), POCT1A_CLOSE);
    assert_int_equal(poct1a_next(&r), POCT1A_DONE);
}

static void flaw_is(struct span text, const char *flaw, size_t at, bool declares)
{
    struct poct1a_reader r;
    enum poct1a_token token;
    poct1a_start(&r, text);
    do
        token = poct1a_next(&r);
    while (token != POCT1A_DONE && token != POCT1A_BAD);
    assert_int_equal(token, POCT1A_BAD);
    assert_string_equal(r.flaw, flaw);
    assert_int_equal(r.at, at);
    assert_int_equal(r.declares, declares);
    assert_int_equal(poct1a_next(&r), POCT1A_BAD);
}

static void flaws(void **state)
{
    (void)state;
    flaw_is(SPAN_LIT("<a><b></a>"), "an end tag that does not fit", 9, false);
    flaw_is(SPAN_LIT("<a>"), "an element that is not closed", 3, false);
    flaw_is(SPAN_LIT(""), "an element that is not closed", 0, false);
    flaw_is(SPAN_LIT("<a/><b/>"), "an element behind the root", 5, false);
    flaw_is(SPAN_LIT("<a/>x"), "text outside of the root", 5, false);
    flaw_is(SPAN_LIT("<a V=1/>"), "an attribute without quotes", 5, false);
    flaw_is(SPAN_LIT("<a V=\"1/>"), "an attribute that does not end", 5, false);
    flaw_is(SPAN_LIT("<a V=\"1\"V=\"2\"/>"), "a tag that is not well formed", 8, false);
    flaw_is(SPAN_LIT("<a V=\"1\" V=\"2\"/>"), "an attribute that is given twice", 11, false);
    flaw_is(SPAN_LIT("<a V=\"<\"/>"), "a character that an attribute may not hold", 5, false);
    flaw_is(SPAN_LIT("<a V=\"\x01\"/>"), "a character that an attribute may not hold", 5, false);
    flaw_is(SPAN_LIT("<a V=\"&x;\"/>"), "an entity that is not one of the five of XML", 5, true);
    flaw_is(SPAN_LIT("<a>&#xd800;</a>"), "an entity that is not one of the five of XML", 11, true);
    flaw_is(SPAN_LIT("<a>&#0;</a>"), "an entity that is not one of the five of XML", 7, true);
    flaw_is(SPAN_LIT("<a><!DOCTYPE x></a>"), "a document type or entity declaration", 3, true);
    flaw_is(SPAN_LIT("<a><?php </a>"), "a processing instruction that does not end", 3, false);
    flaw_is(SPAN_LIT("<a><?xml version='1.0'?></a>"), "a declaration at a wrong place", 3, false);
    flaw_is(SPAN_LIT("<a><!-- </a>"), "a comment that does not end", 7, false);
    flaw_is(SPAN_LIT("<a>\x02</a>"), "a control character", 4, false);
    struct buf deep = BUF_INIT(1024);
    for (int i = 0; i < 17; i++)
        buf_add_str(&deep, "<a>");
    flaw_is(buf_span(&deep), "elements nested deeper than 16", 49, false);
    buf_clear(&deep);
    buf_add_str(&deep, "<a");
    for (int i = 0; i < 17; i++)
        buf_addf(&deep, " a%d=''", i);
    buf_add_str(&deep, "/>");
    flaw_is(buf_span(&deep), "more than 16 attributes in a tag", deep.n - 4, false);
    buf_release(&deep);
    struct buf wide = BUF_INIT(8192);
    buf_add_str(&wide, "<a V='");
    for (int i = 0; i < POCT1A_VALUE + 1; i++)
        buf_u8(&wide, 'x');
    buf_add_str(&wide, "'/>");
    flaw_is(buf_span(&wide), "an attribute over the limit of 4096 bytes", 5, false);
    buf_release(&wide);
}

static void texts(void **state)
{
    (void)state;
    uint8_t out[64];
    size_t n = poct1a_text(SPAN_LIT("&lt;&gt;&quot;&apos;&#x20AC;&#228;&#x1F600;&&amp;lt;"), out);
    assert_int_equal(n, strlen("<>\"'\u20ac\u00e4\U0001F600&&lt;"));
    assert_memory_equal(out, "<>\"'\u20ac\u00e4\U0001F600&&lt;", n);
    assert_int_equal(poct1a_text((struct span){0}, out), 0);
}

static void times(void **state)
{
    (void)state;
    char out[POCT1A_TIME_TEXT];
    assert_int_equal(poct1a_time(SPAN_LIT("2018-07-26T15:51:26"), out), 19);
    assert_string_equal(out, "2018-07-26T15:51:26");
    assert_int_equal(poct1a_time(SPAN_LIT("2018-07-26T15:51:26.5+02:00"), out), 27);
    assert_int_equal(poct1a_time(SPAN_LIT("2018-07-26T15:51Z"), out), 17);
    assert_int_equal(poct1a_time(SPAN_LIT("2018-07-26T15:51-05:00"), out), 22);
    assert_int_equal(poct1a_time(SPAN_LIT("2018-07-26"), out), 0);
    assert_int_equal(poct1a_time(SPAN_LIT("2018-07-26T15:51 John"), out), 0);
    assert_int_equal(poct1a_time(SPAN_LIT("2018-07-26T15:51:26.00000000000000000000000000000"), out), 0);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_in_a_stream),
        cmocka_unit_test(what_is_lost),
        cmocka_unit_test(elements),
        cmocka_unit_test(flaws),
        cmocka_unit_test(texts),
        cmocka_unit_test(times),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
