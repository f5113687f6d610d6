/* The bytes of messages, as the keeper seals them: whole, however the stream is cut, once a message, and only where they are asked for. */
#include "../cmocka_all.h"

#include "app_collect.h"
#include "app_frames.h"
#include "wire/sha256.h"

#include <stdio.h>

#define APP_KEPT 4096 /* of a message over the limit */

struct bodies {
    struct buf text; /* of every message, one behind the other, with a line of what is said beside it */
    size_t messages;
};

static void put(void *context, const struct record *r)
{
    struct bodies *b = context;
    if (r->event != EVENT_LAB_MESSAGE) {
        for (size_t i = 0; i < r->n; i++)
            assert_true(key_info(r->fields[i].key)->class != FIELD_BODY);
        return;
    }
    size_t n = 0;
    b->messages++;
    for (size_t i = 0; i < r->n; i++)
        if (r->fields[i].key == KEY_BODY) {
            buf_add_span(&b->text, r->fields[i].text);
            n += r->fields[i].text.n;
        }
    buf_addf(&b->text, "<%zu of %lld>", n, (long long)record_number(r, KEY_BODY_BYTES, 0));
    if (record_get(r, KEY_BODY_DIGEST).n > 0)
        buf_add_span(&b->text, record_get(r, KEY_BODY_DIGEST));
}

static void read_pieces(struct span stream, size_t step, bool wanted, size_t limit, struct bodies *ret)
{
    struct collect k;
    *ret = (struct bodies){.text = BUF_INIT(64 << 20)};
    collect_open(&k, 0, true);
    app_context_free(k.c);
    struct sense_options options = {.limits = sense_default_limits, .flow_records = true, .bodies = wanted, .sink = {.put = put, .context = ret}};
    struct error e;
    if (limit > 0)
        options.limits.message = limit;
    k.c = app_context_new(&options, &k.stats, &e);
    assert_non_null(k.c);
    while (stream.n > 0)
        collect_data(&k, 0, span_take(&stream, stream.n < step ? stream.n : step));
    collect_end_flow(&k);
    collect_close(&k);
}

static void expect(const char *stream, const char *bodies)
{
    struct span s = span_str(stream);
    for (size_t step = s.n; step >= 1; step--) {
        struct bodies b;
        read_pieces(s, step, true, 0, &b);
        assert_string_equal(buf_text(&b.text), bodies);
        buf_release(&b.text);
    }
    struct bodies none;
    read_pieces(s, s.n, false, 0, &none);
    assert_true(none.messages > 0);
    assert_null(strchr(buf_text(&none.text), '|'));
    assert_null(memmem(none.text.p, none.text.n, "<HEL", 4));
    buf_release(&none.text);
}

#define ORU "MSH|^~\\&|A|B|C|D|20260302||ORU^R01|1|P|2.5.1\rPID|1||7777^^^L||DOE^J\xd6RG\rOBX|1|NM|K||4.10|mmol/L|||||F\r"
#define ACK "MSH|^~\\&|C|D|A|B|20260302||ACK|2|P|2.5.1\rMSA|AA|1"

static void test_hl7(void **state)
{
    (void)state;
    expect("\x0b" ORU "\x1c\r"
           "\x0b" ACK "\x1c\r",
           ORU "<101 of 101>" ACK "<49 of 49>");
}

/* Each message of a batch has its own bytes; what encloses them is nobody's. */
static void test_batch(void **state)
{
    (void)state;
    expect("\x0b"
           "BHS|^~\\&|A\r" ORU ORU "BTS|2\r\x1c\r",
           ORU "<101 of 101>" ORU "<101 of 101>");
}

static void test_astm(void **state)
{
    (void)state;
    expect("H|\\^&||PSWD|M^X^7\rP|1||PAT-1\rO|1|S1||^^^K\rR|1|^^^K|4.10|mmol/L\rL|1|N\r",
           "H|\\^&||PSWD|M^X^7\rP|1||PAT-1\rO|1|S1||^^^K\rR|1|^^^K|4.10|mmol/L\rL|1|N\r<69 of 69>");
    struct buf framed = BUF_INIT(4096); /* of frames their text, with the records that lie in several in one piece */
    buf_u8(&framed, 0x05);
    frame(&framed, 1, "H|\\^&||PSWD|M^X^7\rP|1||PA", 0x17, 0);
    frame(&framed, 2, "T-1\rO|1|S1||^^^K\r", 0x03, 0);
    frame(&framed, 3, "R|1|^^^K|4.10|mmol/L\rL|1|N\r", 0x03, 0);
    buf_u8(&framed, 0x04);
    expect(buf_text(&framed), "H|\\^&||PSWD|M^X^7\rP|1||PAT-1\rO|1|S1||^^^K\rR|1|^^^K|4.10|mmol/L\rL|1|N\r<69 of 69>");
    buf_release(&framed);
}

static void test_poct1a(void **state)
{
    (void)state;
#define HEL "<HEL.R01><HDR><HDR.control_id V=\"1\"/></HDR><DEV><DEV.model_id V=\"X\"/></DEV></HEL.R01>"
    expect("\r\n" HEL "\r\n" HEL, HEL "<85 of 85>" HEL "<85 of 85>");
}

/* Of a long message the beginning is kept, and the digest of the whole; of one over the limit, what sense itself kept, and no digest. */
static void test_long(void **state)
{
    (void)state;
    struct buf stream = BUF_INIT(16 << 20);
    buf_add_str(&stream, "\x0bMSH|^~\\&|A|B|C|D|20260302||ORU^R01|1|P|2.5.1\rOBX|1|ED|DOC||");
    while (stream.n < RECORD_BODY + 100001)
        buf_u8(&stream, (uint8_t)('a' + stream.n % 26));
    struct span message = span_of(stream.p + 1, stream.n - 1);
    size_t whole = message.n;
    buf_add_str(&stream, "\x1c\r");
    message = span_of(stream.p + 1, whole);
    struct bodies b;
    read_pieces(buf_span(&stream), 1460, true, 0, &b);
    assert_int_equal(b.messages, 1);
    assert_memory_equal(b.text.p, message.p, RECORD_BODY);
    char says[64];
    int n = snprintf(says, sizeof says, "<%d of %zu>", RECORD_BODY, whole);
    assert_memory_equal(b.text.p + RECORD_BODY, says, (size_t)n);
    struct sha256 sum;
    uint8_t digest[SHA256_BYTES];
    sha256_start(&sum);
    sha256_add(&sum, message);
    sha256_end(&sum, digest);
    assert_int_equal(b.text.n, RECORD_BODY + (size_t)n + SHA256_BYTES);
    assert_memory_equal(b.text.p + b.text.n - SHA256_BYTES, digest, SHA256_BYTES);
    buf_release(&b.text);

    read_pieces(buf_span(&stream), 1460, true, 100000, &b);
    n = snprintf(says, sizeof says, "<%d of %zu>", APP_KEPT, whole);
    assert_int_equal(b.text.n, APP_KEPT + (size_t)n);
    assert_memory_equal(b.text.p, message.p, APP_KEPT);
    assert_memory_equal(b.text.p + APP_KEPT, says, (size_t)n);
    buf_release(&b.text);
    buf_release(&stream);
}

/* Every patient that the message names, each with a comma; and whether some found no room. */
static void put_who(void *context, const struct record *r)
{
    struct bodies *b = context;
    for (size_t i = 0; i < r->n && r->event == EVENT_LAB_MESSAGE; i++) {
        struct span rest = r->fields[i].key == KEY_WHO_MORE ? r->fields[i].text : (struct span){0};
        if (r->fields[i].key == KEY_WHO)
            buf_addf(&b->text, "%.*s,", (int)r->fields[i].text.n, (const char *)r->fields[i].text.p);
        while (rest.n > 0) {
            struct span id = span_take(&rest, span_be16(&rest));
            assert_false(id.bad);
            buf_addf(&b->text, "%.*s,", (int)id.n, (const char *)id.p);
            b->messages++;
        }
    }
    if (record_number(r, KEY_WHO_LOST, 0) != 0)
        buf_add_str(&b->text, "lost");
}

static void who(struct span stream, struct bodies *ret)
{
    struct collect k;
    *ret = (struct bodies){.text = BUF_INIT(1 << 20)};
    collect_open(&k, 0, true);
    app_context_free(k.c);
    struct sense_options options = {.limits = sense_default_limits, .bodies = true, .sink = {.put = put_who, .context = ret}};
    struct error e;
    k.c = app_context_new(&options, &k.stats, &e);
    assert_non_null(k.c);
    collect_data(&k, 0, stream);
    collect_end_flow(&k);
    collect_close(&k);
}

/* Behind the 32nd patient as before it: unescaped, so that the same person is the same; and told where there are more than a record takes. */
static void test_many_patients(void **state)
{
    (void)state;
    struct buf stream = BUF_INIT(1 << 20);
    struct buf expected = BUF_INIT(1 << 20);
    struct bodies b;
    buf_add_str(&stream, "\x0bMSH|^~\\&|A|B|C|D|20260302||ORU^R01|1|P|2.5.1\r");
    for (unsigned i = 0; i < 70; i++) {
        buf_addf(&stream, "PID|1||P\\T\\%u^^^L\rOBX|1|NM|K||4.10|mmol/L|||||F\r", i);
        buf_addf(&expected, "P&%u,", i);
    }
    buf_add_str(&stream, "PID|1||P\\T\\3^^^L\r\x1c\r"); /* one of the first again */
    who(buf_span(&stream), &b);
    assert_string_equal(buf_text(&b.text), buf_text(&expected));
    assert_int_equal(b.messages, 38);
    buf_release(&b.text);
    buf_clear(&stream);
    buf_clear(&expected);
    buf_add_str(&stream, "H|\\^&||PSWD|M^X^7\r");
    for (unsigned i = 0; i < 40; i++) {
        buf_addf(&stream, "P|%u||PAT-%u\rO|1|S%u||^^^K\rR|1|^^^K|4.10|mmol/L\r", i + 1, i, i);
        buf_addf(&expected, "PAT-%u,", i);
    }
    buf_add_str(&stream, "L|1|N\r");
    who(buf_span(&stream), &b);
    assert_string_equal(buf_text(&b.text), buf_text(&expected));
    buf_release(&b.text);
    buf_clear(&stream);
    buf_add_str(&stream, "\x0bMSH|^~\\&|A|B|C|D|20260302||ORU^R01|1|P|2.5.1\r");
    for (unsigned i = 0; i < 6000; i++)
        buf_addf(&stream, "PID|1||IDENTIFIER-%u^^^L\r", i);
    buf_add_str(&stream, "\x1c\r");
    who(buf_span(&stream), &b);
    assert_non_null(strstr(buf_text(&b.text), "lost"));
    assert_true(b.messages > 3000);
    buf_release(&b.text);
    buf_release(&stream);
    buf_release(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hl7),  cmocka_unit_test(test_batch),  cmocka_unit_test(test_many_patients),
        cmocka_unit_test(test_astm), cmocka_unit_test(test_poct1a), cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
