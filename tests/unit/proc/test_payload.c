#include "../cmocka_all.h"

#include "base/text.h"
#include "proc/payload.h"
#include "proc/start.h"
#include "record/ledger/ledger.h"

static const uint8_t run_id[RUN_ID] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static struct payload decoded;

static void test_round_trip(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf b = BUF_INIT(LEDGER_PAYLOAD_MAX);
    payload_start(&b, run_id);
    assert_int_equal(payload_count(&b), 0);
    payload_add(&b, &(struct payload_record){.position = {7, 0}, .veiled = SPAN_LIT("{\"a\":1}"), .private = SPAN_LIT("{\"b\":2}")});
    static const uint8_t digest[PAYLOAD_DIGEST] = {9};
    payload_add(&b, &(struct payload_record){.position = {UINT64_MAX, UINT32_MAX},
                                             .veiled = SPAN_LIT("{}"),
                                             .body = {.bytes = SPAN_LIT("MSH|"), .whole = 400, .digest = span_of(digest, sizeof digest)}});
    assert_int_equal(payload_count(&b), 2);
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), 0);
    assert_memory_equal(decoded.run, run_id, RUN_ID);
    assert_int_equal(decoded.n, 2);
    assert_true(span_is(decoded.records[0].veiled, "{\"a\":1}") && span_is(decoded.records[0].private, "{\"b\":2}"));
    assert_true(decoded.records[1].position.seq == UINT64_MAX && decoded.records[1].position.ordinal == UINT32_MAX &&
                decoded.records[1].private.n == 0);
    assert_true(decoded.records[0].body.whole == 0 && decoded.records[0].body.bytes.n == 0);
    assert_true(span_is(decoded.records[1].body.bytes, "MSH|") && decoded.records[1].body.whole == 400);
    assert_true(span_equal(decoded.records[1].body.digest, span_of(digest, sizeof digest)));
    for (size_t n = 0; n < b.n; n++) { /* every cut is noticed */
        assert_int_equal(payload_decode(span_of(b.p, n), &decoded, &e), -1);
        assert_int_equal(e.class, ERR_CORRUPT);
    }
    buf_u8(&b, 0);
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), -1);
    b.p[0] = 3;
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), -1);
    assert_non_null(strstr(e.text, "version 3"));
    buf_release(&b);
}

/* More bytes than the whole had, or a body without its head. */
static void test_impossible_bodies(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf b = BUF_INIT(4096);
    payload_start(&b, run_id);
    payload_add(&b, &(struct payload_record){.position = {1, 0}, .veiled = SPAN_LIT("{}"), .body = {.bytes = SPAN_LIT("MSH|"), .whole = 4}});
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), 0);
    b.p[b.n - 4 - PAYLOAD_DIGEST - 1] = 3;
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), -1);
    assert_int_equal(e.class, ERR_CORRUPT);
    b.n -= 4 + PAYLOAD_DIGEST;
    b.p[b.n - 9] = 8;
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), -1);
    buf_release(&b);
}

/* A payload as version 1 wrote it: read for ever. */
static void test_version_1(void **state)
{
    (void)state;
    static const char *const hex = "01"
                                   "0102030405060708090a0b0c0d0e0f10"
                                   "0002"
                                   "0000000000000007"
                                   "00000000"
                                   "00000007"
                                   "7b2261223a317d" /* {"a":1} */
                                   "00000007"
                                   "7b2262223a327d" /* {"b":2} */
                                   "0000000000000007"
                                   "00000001"
                                   "00000002"
                                   "7b7d" /* {} */
                                   "00000000";
    uint8_t bytes[128];
    struct error e = {0};
    size_t n = strlen(hex) / 2;
    assert_true(text_unhex(span_str(hex), bytes, n));
    assert_int_equal(payload_decode(span_of(bytes, n), &decoded, &e), 0);
    assert_memory_equal(decoded.run, run_id, RUN_ID);
    assert_int_equal(decoded.n, 2);
    assert_true(span_is(decoded.records[0].veiled, "{\"a\":1}") && span_is(decoded.records[0].private, "{\"b\":2}"));
    assert_true(decoded.records[1].position.ordinal == 1 && span_is(decoded.records[1].veiled, "{}"));
    assert_true(decoded.records[0].body.whole == 0 && decoded.records[1].body.whole == 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(payload_decode(span_of(bytes, i), &decoded, &e), -1);
}

static void test_caps(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf b = BUF_INIT(LEDGER_PAYLOAD_MAX);
    struct payload_record r = {.position = {1, 0}, .veiled = SPAN_LIT("{}")};
    payload_start(&b, run_id);
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), -1); /* none */
    for (size_t i = 0; i < PAYLOAD_RECORDS; i++)
        payload_add(&b, &r);
    assert_true(buf_ok(&b));
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), 0);
    assert_int_equal(decoded.n, PAYLOAD_RECORDS);
    payload_add(&b, &r);
    assert_false(buf_ok(&b));
    buf_release(&b);
}

static void test_positions(void **state)
{
    (void)state;
    assert_true(position_after((struct position){2, 0}, (struct position){1, 9}));
    assert_true(position_after((struct position){2, 1}, (struct position){2, 0}));
    assert_false(position_after((struct position){2, 1}, (struct position){2, 1}));
    assert_false(position_after((struct position){1, 9}, (struct position){2, 0}));
}

static void test_start(void **state)
{
    (void)state;
    struct error e = {0};
    struct start s = {.unprivileged = true,
                      .replay = true,
                      .bodies = true,
                      .packets = 64,
                      .witnesses = 3,
                      .uid = 65104,
                      .hash_key = {1, UINT64_MAX},
                      .site = "lab",
                      .name = "lab.pcap",
                      .address = "::1"};
    struct start t = {0};
    memcpy(s.run, run_id, RUN_ID);
    s.settings_n = 2;
    s.settings[0] = (struct start_setting){"backup", {1, 2, 3, 4, 5, 6, 7, 8}};
    s.settings[1] = (struct start_setting){"relay", {0}};
    struct buf b = BUF_INIT(4096);
    start_encode(&b, &s);
    assert_int_equal(start_decode(buf_span(&b), &t, &e), 0);
    assert_true(t.bodies && t.packets == 64 && t.witnesses == 3);
    assert_true(t.unprivileged && t.replay && t.uid == s.uid && t.hash_key.k1 == UINT64_MAX);
    assert_string_equal(t.name, "lab.pcap");
    assert_string_equal(t.address, "::1");
    assert_true(t.settings_n == 2 && strcmp(t.settings[1].name, "relay") == 0 && t.settings[0].digest[7] == 8);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(start_decode(span_of(b.p, n), &t, &e), -1);
    b.p[3] ^= 1; /* what a part of another build would say */
    assert_int_equal(start_decode(buf_span(&b), &t, &e), -1);
    assert_int_equal(e.class, ERR_PEER);
    assert_non_null(strstr(e.text, "another build"));
    buf_release(&b);
}

static void test_progress(void **state)
{
    (void)state;
    struct error e = {0};
    struct progress p = {true, 1, 2, 3, 4, 5, 6, 7};
    struct progress q = {0};
    struct buf b = BUF_INIT(256);
    progress_encode(&b, &p);
    assert_int_equal(progress_decode(buf_span(&b), &q, &e), 0);
    assert_true(q.ended && q.ledger == 1 && q.records == 2 && q.messages == 3 && q.results == 4 && q.findings == 5 && q.packets == 6 &&
                q.damaged == 7);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(progress_decode(span_of(b.p, n), &q, &e), -1);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_impossible_bodies), cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_caps),       cmocka_unit_test(test_positions),         cmocka_unit_test(test_start),
        cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
