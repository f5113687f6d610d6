/* POCT1-A through app: a conversation cut anywhere gives the same records; patients stay private; hostile XML is named and never expanded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app_collect.h"

#define HEL                                                                                                                                          \
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><HEL.R01><HDR><HDR.message_type V=\"HEL.R01\"/><HDR.control_id V=\"10001\"/>"                         \
    "<HDR.version_id V=\"POCT1\"/><HDR.creation_dttm V=\"2024-03-01T08:00:00+01:00\"/></HDR><DEV><DEV.device_id V=\"00-1A-2B-3C\"/>"                 \
    "<DEV.vendor_id V=\"ACME\"/><DEV.model_id V=\"Glu&amp;Go 2\"/><DEV.serial_id V=\"SN-77\"/><DEV.manufacturer_name V=\"Acme Care\"/>"              \
    "<DEV.sw_version V=\"04.01\"/><DCP><DCP.application_timeout V=\"60\"/></DCP><DSC><DSC.max_message_sz V=\"16000\"/></DSC></DEV></HEL.R01>"
#define ACK "<ACK.R01><HDR><HDR.control_id V=\"1\"/></HDR><ACK><ACK.type_cd V=\"AA\"/><ACK.ack_control_id V=\"10001\"/></ACK></ACK.R01>\r\n"
#define OBS                                                                                                                                          \
    "<OBS.R01><HDR><HDR.control_id V=\"Miller\"/><HDR.version_id V=\"POCT1\"/></HDR><SVC><SVC.role_cd V=\"OBS\"/>"                                   \
    "<SVC.observation_dttm V=\"2024-03-01T07:55:10\"/><PT><PT.patient_id V=\"P4711\"/><PT.name V=\"Miller, Ann\"><GIV V=\"Ann\"/></PT.name>"         \
    "<OBS><OBS.observation_id V=\"GLU\" SN=\"LN\"><TRANSLTN V=\"Glucose\"/></OBS.observation_id><OBS.value V=\"98\" U=\"mg/dL\"/>"                   \
    "<OBS.method_cd V=\"M\"/><OBS.interpretation_cd V=\"H\"/></OBS><OBS><OBS.observation_id V=\"KET\"/><OBS.qualitative_value V=\"neg\"/>"           \
    "<OBS.method_cd V=\"C\"/></OBS><ORD><ORD.order_id V=\"O-9\"/></ORD></PT><OPR><OPR.operator_id V=\"nurse\"/><OPR.name V=\"N "                     \
    "N\"/></OPR></SVC></OBS.R01>"

static void feed_cut(struct collect *k, int direction, struct span s, size_t step)
{
    while (s.n > 0)
        collect_data(k, direction, span_take(&s, s.n < step ? s.n : step));
}

static void has(struct collect *k, const char *text)
{
    if (strstr(buf_text(&k->lines), text) == NULL)
        fail_msg("not there: %s\nin: %s", text, buf_text(&k->lines));
}

static void conversation(struct collect *k, size_t step)
{
    collect_open(k, 0, true);
    feed_cut(k, 0, SPAN_LIT(HEL), step);
    feed_cut(k, 1, SPAN_LIT(ACK), step);
    feed_cut(k, 0, SPAN_LIT(OBS "\n" OBS), step);
    feed_cut(k, 1, SPAN_LIT(ACK ACK), step);
    assert_string_equal(app_label(k->flow), "poct1a");
    collect_end_flow(k);
}

static void cut_anywhere(void **state)
{
    (void)state;
    struct collect whole;
    conversation(&whole, 1 << 20);
    for (size_t step = 1; step < sizeof OBS; step += step < 120 ? 1 : 37) {
        struct collect cut;
        conversation(&cut, step);
        assert_string_equal(buf_text(&cut.lines), buf_text(&whole.lines));
        assert_memory_equal(&cut.stats, &whole.stats, sizeof cut.stats);
        collect_close(&cut);
    }
    assert_int_equal(whole.stats.poct1a_messages, 6);
    assert_int_equal(whole.stats.hl7_messages + whole.stats.astm_messages, 0);
    assert_int_equal(whole.stats.results, 4);
    assert_int_equal(whole.stats.malformed, 0);
    collect_close(&whole);
}

static void fields(void **state)
{
    (void)state;
    struct collect k;
    conversation(&k, 1 << 20);
    has(&k, "lab.message; id=f7.0.1; protocol=poct1a; type=HEL.R01; control_id=10001; version=POCT1; sent_at=2024-03-01T08:00:00+01:00; results=0; "
            "patients=0; ");
    has(&k, "asset.evidence; ip=10.0.0.1; maker=Acme Care; model=Glu&Go 2; serial=SN-77; software=04.01; role=analyzer; source=poct1a.hel\n");
    has(&k, "type=ACK.R01; control_id=1; results=0; patients=0; ");
    has(&k, "; ack.code=AA; ack.for=10001\n");
    has(&k, "asset.evidence; ip=10.0.0.2; role=lis; source=poct1a.hel\n");
    has(&k, "type=OBS.R01; control_id=Miller; version=POCT1; results=2; patients=1; ");
    has(&k, "lab.result; message=f7.0.2; private=P4711; private=Miller, Ann; private=Miller; private=Ann; test.code=GLU; test.system=LN; "
            "test.text=Glucose; patient=P4711; value=98; units=mg/dL; flags=H; observed_at=2024-03-01T07:55:10; method=M\n");
    has(&k, "test.code=KET; patient=P4711; value=neg; observed_at=2024-03-01T07:55:10; method=C\n");
    assert_null(strstr(buf_text(&k.lines), "nurse"));
    collect_close(&k);
}

static void orders_and_controls(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 1,
                 SPAN_LIT("<OBS.R02><HDR><HDR.control_id V='7'/></HDR><SVC><SVC.role_cd V='LQC'/><SVC.observation_dttm V='yesterday, by John'/><CTC>"
                          "<CTC.name V='Level 1'/><OBS><OBS.observation_id V='GLU'/><OBS.value V='40' U='mg/dL'/></OBS></CTC></SVC></OBS.R02>"));
    collect_data(&k, 1,
                 SPAN_LIT("<OBS.R01><HDR><HDR.control_id V='8'/></HDR><SVC><PT><PT.patient_id V='A1&apos;B'/><ORD><ORD.order_id V='S-55'/></ORD>"
                          "<OBS><OBS.observation_id V='GLU'/><OBS.value V='&lt;41' U='mg/dL'/></OBS></PT></SVC></OBS.R01>"));
    has(&k, "lab.result; message=f7.1.1; test.code=GLU; value=40; units=mg/dL; specimen_role=Q\n");
    has(&k, "lab.result; message=f7.1.2; private=A1'B; test.code=GLU; patient=A1'B; specimen=S-55; order=S-55; value=<41; units=mg/dL\n");
    collect_close(&k);
}

/* What XML allows and some writer does: a mark of byte order, namespaces, instructions, comments, marked text, either quote, ISO 8859-1. */
static void odd_but_fine(void **state)
{
    (void)state;
    static const char text[] =
        "\xef\xbb\xbf<?xml version='1.0' encoding='iso-8859-1'?>\r\n<?style it's <here> ?><!-- a <OBS.R01> that is none -->\r\n"
        "<p:OBS.R02 xmlns:p='urn:x' xmlns=\"urn:y\"><p:HDR><p:HDR.control_id V='7'/></p:HDR><?pi \"?><p:SVC><p:SVC.role_cd V='LQC'/>"
        "<p:CTC><![CDATA[<OBS>]]><p:OBS ><p:OBS.observation_id\n V = 'GLU' /><p:OBS.value U='mg/dL' V='9&#56;'/><p:OBS.interpretation_cd "
        "V='erh\xf6ht'/></p:OBS></p:CTC></p:SVC></p:OBS.R02 >"
        "<KPA.R01><HDR><HDR.control_id V='8'/></HDR></KPA.R01><EVS.R01><HDR><HDR.control_id V='9'/></HDR><EVT/></EVS.R01>"
        "<ESC.R01><HDR><HDR.control_id V='10'/></HDR></ESC.R01><DTV.MAKER.DO_IT><HDR><HDR.control_id V='11'/></HDR></DTV.MAKER.DO_IT>";
    for (size_t step = 1; step < sizeof text; step++) {
        struct collect k;
        collect_open(&k, 0, false);
        feed_cut(&k, 0, span_of(text, sizeof text - 1), step);
        has(&k, "type=OBS.R02; control_id=7; ");
        has(&k, "test.code=GLU; value=98; units=mg/dL; flags=erh\xc3\xb6ht; specimen_role=Q");
        has(&k, "charset_read=ISO 8859-1");
        has(&k, "type=KPA.R01");
        has(&k, "type=EVS.R01");
        has(&k, "type=ESC.R01");
        has(&k, "type=DTV.MAKER.DO_IT");
        assert_int_equal(k.stats.poct1a_messages, 5);
        assert_int_equal(k.stats.malformed, 0);
        collect_close(&k);
    }
}

static void one(struct collect *k, const char *text, size_t limit)
{
    collect_open(k, limit, false);
    collect_data(k, 0, span_str(text));
    collect_end_flow(k);
}

static void malformed_and_hostile(void **state)
{
    (void)state;
    struct collect k;
    one(&k, "<OBS.R01><HDR><HDR.control_id V='7'/></OBS.R01>", 0);
    has(&k, "malformed=byte 46: an end tag that does not fit; private_cut=1\n");
    assert_int_equal(k.stats.poct1a_messages, 1);
    collect_close(&k);
    one(&k, "<END.R01><TRM/></END.R01>", 0);
    has(&k, "malformed=HDR.control_id: missing\n");
    collect_close(&k);
    one(&k, "<OBS.R01><HDR><HDR.control_id V='7'/></HDR><OBS/>", 0);
    has(&k, "malformed=framing: the stream ends before the message does (byte 49)");
    assert_int_equal(k.stats.poct1a_messages, 0);
    assert_int_equal(k.stats.results, 0);
    collect_close(&k);
    one(&k, "<OBS.R01><HDR><HDR.control_id V='7'/></HDR><END.R01><HDR><HDR.control_id V='8'/></HDR></END.R01>", 0);
    has(&k, "control_id=7; results=0; patients=0; bytes=43; malformed=framing: the next message begins before this one ends (byte 43)");
    has(&k, "type=END.R01; control_id=8; results=0; patients=0; bytes=53\n");
    collect_close(&k);
    one(&k,
        "<?xml version='1.0'?><!DOCTYPE OBS.R01 [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
        "<END.R01><HDR><HDR.control_id V='&x;'/></HDR></END.R01>",
        0);
    has(&k, "malformed=byte 32: an entity that is not one of the five of XML; hostile=a document type declaration before the root element; ");
    collect_close(&k);
    one(&k, "<END.R01><HDR><HDR.control_id V='7'/><n>&lol9;</n></HDR></END.R01>", 0);
    has(&k, "hostile=an entity that is not one of the five of XML (byte ");
    collect_close(&k);
}

static void holes(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT(HEL "<OBS.R01><HDR><HDR.control_id V='7'/>"));
    app_gap(k.c, &k.flow, &k.ref, 0, 100, 1000);
    collect_data(&k, 0, SPAN_LIT("<OBS.value V='1'/></OBS></OBS.R01>" OBS));
    collect_end_flow(&k);
    has(&k, "type=OBS.R01; control_id=7; results=0; patients=0; bytes=37; malformed=bytes are missing: the capture lost them (byte 37)");
    assert_int_equal(k.stats.poct1a_messages, 2);
    assert_int_equal(k.stats.malformed, 1);
    assert_int_equal(k.stats.results, 2);
    collect_close(&k);
}

static void limits(void **state)
{
    (void)state;
    for (size_t step = 100; step < 40000; step += 5000) {
        struct collect k;
        struct buf big = BUF_INIT(1 << 20);
        buf_add_str(&big, "<OBS.R01><HDR><HDR.control_id V='7'/></HDR>");
        for (int i = 0; i < 3000; i++)
            buf_add_str(&big, "<OBS></OBS>");
        buf_add_str(&big, "</OBS.R01>" ACK);
        collect_open(&k, 8192, false);
        feed_cut(&k, 0, buf_span(&big), step);
        collect_end_flow(&k);
        has(&k, "type=OBS.R01; control_id=7; results=0; patients=0; bytes=33053; malformed=message of 33053 bytes is over the limit of 8192");
        has(&k, "type=ACK.R01; control_id=1; ");
        assert_int_equal(k.stats.poct1a_messages, 2);
        collect_close(&k);
        buf_release(&big);
    }
    struct collect k;
    struct buf many = BUF_INIT(1 << 20);
    buf_add_str(&many, "<OBS.R01><HDR><HDR.control_id V='7'/></HDR><SVC>");
    for (int i = 0; i < 5000; i++)
        buf_add_str(&many, "<OBS></OBS>");
    buf_add_str(&many, "</SVC></OBS.R01>");
    collect_open(&k, 0, false);
    collect_data(&k, 0, buf_span(&many));
    has(&k, "malformed=OBS: results behind the first 4096 are not read");
    collect_close(&k);
    buf_release(&many);
}

static void recognition(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *label;
    } rows[] = {
        {"junk of a stream joined late 98\"/></OBS></OBS.R01>" ACK, "poct1a"},
        {"<ORU_R01><MSH.1>|</MSH.1></ORU_R01>", ""},
        {"<html><body>R01</body></html>", ""},
        {"GET / HTTP/1.1\r\n\r\n<HEL.R01></HEL.R01>", "http"},
        {"<OBS.R0", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct collect k;
        collect_open(&k, 0, false);
        collect_data(&k, 0, span_str(rows[i].text));
        assert_string_equal(app_label(k.flow), rows[i].label);
        collect_end_flow(&k);
        collect_close(&k);
    }
    struct collect k;
    collect_open(&k, 0, false);
    struct buf chatter = BUF_INIT(1 << 16);
    for (int i = 0; i < 1000; i++)
        buf_add_str(&chatter, "chatter! ");
    collect_data(&k, 0, buf_span(&chatter));
    assert_string_equal(app_label(k.flow), "");
    collect_data(&k, 0, SPAN_LIT(ACK)); /* late, at the start of a segment */
    assert_string_equal(app_label(k.flow), "poct1a");
    assert_int_equal(k.stats.poct1a_messages, 1);
    app_conflict(k.c, &k.flow, &k.ref, 0, (struct hops){0}, 1000);
    collect_end_flow(&k);
    has(&k, "protocol=poct1a; results=0; patients=0; bytes=0; malformed=tcp: ");
    collect_close(&k);
    buf_release(&chatter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_anywhere),          cmocka_unit_test(odd_but_fine), cmocka_unit_test(fields), cmocka_unit_test(orders_and_controls),
        cmocka_unit_test(malformed_and_hostile), cmocka_unit_test(holes),        cmocka_unit_test(limits), cmocka_unit_test(recognition),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
