#include "../cmocka_all.h"

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
    payload_add(&b, &(struct payload_record){.position = {UINT64_MAX, UINT32_MAX}, .veiled = SPAN_LIT("{}")});
    assert_int_equal(payload_count(&b), 2);
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), 0);
    assert_memory_equal(decoded.run, run_id, RUN_ID);
    assert_int_equal(decoded.n, 2);
    assert_true(span_is(decoded.records[0].veiled, "{\"a\":1}") && span_is(decoded.records[0].private, "{\"b\":2}"));
    assert_true(decoded.records[1].position.seq == UINT64_MAX && decoded.records[1].position.ordinal == UINT32_MAX &&
                decoded.records[1].private.n == 0);
    for (size_t n = 0; n < b.n; n++) { /* every cut is noticed */
        assert_int_equal(payload_decode(span_of(b.p, n), &decoded, &e), -1);
        assert_int_equal(e.class, ERR_CORRUPT);
    }
    buf_u8(&b, 0);
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), -1);
    b.p[0] = 2;
    assert_int_equal(payload_decode(buf_span(&b), &decoded, &e), -1);
    assert_non_null(strstr(e.text, "version 2"));
    buf_release(&b);
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
    struct start s = {
        .unprivileged = true, .replay = true, .uid = 65104, .hash_key = {1, UINT64_MAX}, .site = "lab", .name = "lab.pcap", .address = "::1"};
    struct start t = {0};
    memcpy(s.run, run_id, RUN_ID);
    struct buf b = BUF_INIT(4096);
    start_encode(&b, &s);
    assert_int_equal(start_decode(buf_span(&b), &t, &e), 0);
    assert_true(t.unprivileged && t.replay && t.uid == s.uid && t.hash_key.k1 == UINT64_MAX);
    assert_string_equal(t.name, "lab.pcap");
    assert_string_equal(t.address, "::1");
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
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_caps),     cmocka_unit_test(test_positions),
        cmocka_unit_test(test_start),      cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
