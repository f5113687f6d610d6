/* HL7 in HTTP bodies: found and read like any other, however the stream is cut; other HTTP is let go. */
#include "../cmocka_all.h"

#include "app_collect.h"

#define ORU(id) "MSH|^~\\&|A||B||2026||ORU^R01|" id "|P|2.5.1\rPID|||P1||Ann\rOBX|1|NM|T" id "||1||||||F\r" /* 75 bytes */
#define ACK(id) "MSH|^~\\&|B||A||2026||ACK|" id "9|P|2.5.1\rMSA|AA|" id "\r"                                /* 45 bytes */
#define POST(type) "POST /hl7 HTTP/1.1\r\nHost: lis\r\nContent-Type: " type "\r\n"
#define ER7 "x-application/hl7-v2+er7; charset=utf-8"

static void has(struct collect *k, const char *text)
{
    if (strstr(buf_text(&k->lines), text) == NULL)
        fail_msg("\"%s\" is not in:\n%s", text, buf_text(&k->lines));
}

/* A conversation: requests, then their answers. Whole; cut in two everywhere; byte for byte: the same records. */
static void conversation(struct collect *k, struct span requests, struct span answers)
{
    struct span both[2] = {requests, answers};
    collect_open(k, 0, true);
    for (int side = 0; side < 2; side++)
        collect_data(k, side, both[side]);
    assert_string_equal(app_label(k->flow), "http");
    collect_end_flow(k);
    for (size_t at = 0; at < requests.n + answers.n; at++) {
        struct collect cut;
        collect_open(&cut, 0, true);
        for (int side = 0; side < 2; side++) {
            size_t here = side == 0 ? at : at > requests.n ? at - requests.n : 0;
            here = here < both[side].n ? here : both[side].n;
            if (at == 0)
                for (size_t i = 0; i < both[side].n; i++)
                    collect_data(&cut, side, span_of(both[side].p + i, 1));
            else {
                collect_data(&cut, side, span_of(both[side].p, here));
                collect_data(&cut, side, span_of(both[side].p + here, both[side].n - here));
            }
        }
        assert_string_equal(app_label(cut.flow), "http");
        collect_end_flow(&cut);
        if (strcmp(buf_text(&cut.lines), buf_text(&k->lines)) != 0)
            fail_msg("cut at %zu:\n%s\nnot\n%s", at, buf_text(&cut.lines), buf_text(&k->lines));
        assert_memory_equal(&cut.stats, &k->stats, sizeof cut.stats);
        collect_close(&cut);
    }
}

static void requests_and_answers(void **state)
{
    (void)state;
    struct collect k;
    conversation(
        &k,
        SPAN_LIT(POST(ER7) "Content-Length: 75\r\n\r\n" ORU("1")                         /* length */
                 POST("text/plain") "Transfer-Encoding: chunked\r\n\r\n1\r\nM\r\n3C\r\n" /* chunks, no word of HL7 */
                                    "SH|^~\\&|A||B||2026||ORU^R01|2|P|2.5.1\rPID|||P1||Ann\rOBX|1|NM\r\na\r\n|T2||1|||\r\n0\r\n\r\n" /* pipelined */
                                    "GET /status HTTP/1.1\r\nHost: lis\r\n\r\n"),
        SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Type: " ER7 "\r\nContent-Length: 45\r\n\r\n" ACK(
            "1") "HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n" ACK("2") "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    has(&k,
        "lab.message; id=f7.0.1; protocol=hl7; type=ORU^R01; control_id=1; sender=A; receiver=B; version=2.5.1; sent_at=2026; results=1; patients=1; "
        "bytes=75; patient=P1; private=Ann\n");
    has(&k, "test.code=T1; patient=P1; value=1;");
    has(&k, "id=f7.0.2; protocol=hl7; type=ORU^R01; control_id=2;");
    has(&k, "test.code=T2; patient=P1; value=1;");
    has(&k, "id=f7.1.1; protocol=hl7; type=ACK; control_id=19;");
    has(&k, "ack.code=AA; ack.for=2\n");
    has(&k, "role=lis;");
    assert_int_equal(k.stats.hl7_messages, 4);
    assert_int_equal(k.stats.malformed, 0);
    collect_close(&k);
}

static void character_set_of_http(void **state)
{
    (void)state;
    struct collect k;
    conversation(&k,
                 SPAN_LIT("PUT / HTTP/1.0\r\nContent-Type: application/hl7-v2;charset=iso-8859-5\r\nContent-Length: 60\r\n\r\n"
                          "MSH|^~\\&|A||B||2026||ORU^R01|1|P|2.5\rOBX|1|NM|T^\xb8\xd2||1|\r"
                          "\r\r"),
                 SPAN_LIT("HTTP/1.1 500 No\r\nContent-Type: text/html\r\n\r\n<html>"));
    has(&k, "test.text=Ив;");
    collect_close(&k);
}

static void what_is_wrong(void **state)
{
    (void)state;
    struct collect k;
    /* says HL7, and is none */
    conversation(&k, SPAN_LIT(POST(ER7) "Content-Length: 2\r\n\r\nhi"), SPAN_LIT("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"));
    has(&k, "bytes=2; malformed=MSH: the message does not begin");
    collect_close(&k);
    conversation(&k, SPAN_LIT(POST(ER7) "Content-Length: 200\r\n\r\n" ORU("1")), SPAN_LIT("HTTP/1.1 200 OK\r\n\r\n" ACK("1")));
    has(&k, "control_id=1; sender=A; receiver=B; version=2.5.1; sent_at=2026; results=1; patients=1; bytes=75; patient=P1; malformed=framing: the "
            "stream ends "
            "before the body does at byte 75;");
    has(&k, "type=ACK; control_id=19;"); /* an answer without a length goes to the end of the stream */
    assert_int_equal(k.stats.hl7_messages, 1);
    collect_close(&k);
    conversation(&k, SPAN_LIT(POST(ER7) "Transfer-Encoding: chunked\r\n\r\n4b\r\n" ORU("1") "\r\nzz"),
                 SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    collect_close(&k);
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT(POST(ER7) "Content-Length: 75\r\n\r\nMSH|^~\\&|A||B||2026||ORU^R01|1|P|2.5.1\rPID|||P1|"));
    app_gap(k.c, &k.flow, &k.ref, 0, 5, 1000);
    collect_data(&k, 0, SPAN_LIT("\rOBX|1|NM|T1||1|||||||" POST(ER7) "Content-Length: 75\r\n\r\n" ORU("2")));
    has(&k,
        "control_id=1; sender=A; receiver=B; version=2.5.1; sent_at=2026; results=1; patients=0; bytes=70; malformed=bytes are missing at byte 48");
    has(&k, "control_id=2;"); /* how many bytes are lost is known: the next message is found */
    collect_data(&k, 0, SPAN_LIT(POST(ER7) "Content-Length: 75\r\n\r\nMSH|^~\\&|A||B||2026||ORU^R01|3|P|2.5.1\r"));
    app_gap(k.c, &k.flow, &k.ref, 0, 500, 1000);
    has(&k,
        "control_id=3; sender=A; receiver=B; version=2.5.1; sent_at=2026; results=0; patients=0; bytes=39; malformed=bytes are missing at byte 39");
    assert_int_equal(k.stats.hl7_messages, 2);
    collect_close(&k);
}

/* Other HTTP is let go, soon, and holds no memory. */
static void ordinary(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT("GET / HTTP/1.1\r\n\r\n"));
    assert_false(app_done(k.flow, 0));
    for (int i = 0; i < 8; i++)
        collect_data(&k, 0, SPAN_LIT("GET / HTTP/1.1\r\n\r\n"));
    assert_true(app_done(k.flow, 0) && app_done(k.flow, 1));
    assert_string_equal(app_label(k.flow), "http");
    collect_data(&k, 0, SPAN_LIT(POST(ER7) "Content-Length: 75\r\n\r\n" ORU("1")));
    assert_int_equal(k.stats.hl7_messages, 0);
    collect_end_flow(&k);
    collect_data(&k, 0, SPAN_LIT("GET /large HTTP/1.1\r\n\r\n"));
    collect_data(&k, 1, SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"));
    static uint8_t zeros[70000];
    collect_data(&k, 1, span_of(zeros, sizeof zeros));
    assert_true(app_done(k.flow, 0) && app_done(k.flow, 1));
    collect_end_flow(&k);
    /* many at once: beyond what is looked at they are labelled, and that is all */
    enum { MANY = 5000 };
    static struct app_flow *flows[MANY];
    size_t done = 0;
    for (size_t i = 0; i < MANY; i++) {
        app_data(k.c, &flows[i], &k.ref, 0, SPAN_LIT("POST / HTTP/1.1\r\n"), 5);
        assert_string_equal(app_label(flows[i]), "http");
        done += app_done(flows[i], 0);
    }
    assert_int_equal(done, MANY - 4096);
    for (size_t i = 0; i < MANY; i++)
        app_close(k.c, &flows[i], &k.ref, 5);
    collect_data(&k, 0, SPAN_LIT("POST / HTTP/1.1\r\n"));
    assert_false(app_done(k.flow, 0)); /* there is room again */
    collect_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_answers),
        cmocka_unit_test(character_set_of_http),
        cmocka_unit_test(what_is_wrong),
        cmocka_unit_test(ordinary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
