/* What supervisor, relay and keeper tell each other about links: written, read, and refused where it is not whole. */
#include "../cmocka_all.h"

#include "proc/link.h"

static void cut_everywhere(struct span whole, int (*decode)(struct span in))
{
    for (uint32_t n = 0; n < whole.n; n++)
        assert_int_equal(decode(span_of(whole.p, n)), -1);
    struct buf more = BUF_INIT(LINK_STATUS_MAX);
    buf_add_span(&more, whole);
    buf_u8(&more, 0);
    assert_int_equal(decode(buf_span(&more)), -1);
    buf_release(&more);
}

static int told(struct span in)
{
    struct config_relay r;
    return link_told_decode(in, &r, NULL);
}

static int status(struct span in)
{
    static struct link_status s;
    return link_status_decode(in, &s, NULL);
}

static int order(struct span in)
{
    struct link_order o;
    return link_order_decode(in, &o, NULL);
}

static int recorded(struct span in)
{
    struct link_recorded r;
    return link_recorded_decode(in, &r, NULL);
}

static int queued(struct span in)
{
    struct link_queued q;
    return link_queued_decode(in, &q, NULL);
}

static void test_told(void **state)
{
    (void)state;
    struct config_relay r = {
        .name = "chem", .listen = {"127.0.0.1", 1}, .forward = {"lis.example", 2575}, .protocol = "mllp", .policy_types = "ORU^R01\n"};
    struct config_relay again;
    struct error e = {0};
    struct buf b = BUF_INIT(8192);
    r.record_wait = 200;
    r.policy_rate = 60;
    link_told_encode(&b, &r);
    assert_int_equal(link_told_decode(buf_span(&b), &again, &e), 0);
    assert_memory_equal(&r, &again, sizeof r);
    cut_everywhere(buf_span(&b), told);
    buf_release(&b);
}

static void test_status(void **state)
{
    (void)state;
    static struct link_status s = {.link = 1, .links = 2, .name = "chem", .state = LINK_HELD, .rate = 5, .queue_oldest = 77};
    static struct link_status again;
    struct error e = {0};
    struct buf b = BUF_INIT(LINK_STATUS_MAX);
    s.side[1].peer.family = 4;
    s.side[1].port = 2575;
    s.counters[5] = 9;
    link_status_encode(&b, &s);
    assert_int_equal(link_status_decode(buf_span(&b), &again, &e), 0);
    assert_memory_equal(&s, &again, sizeof s);
    cut_everywhere(buf_span(&b), status);
    s.link = 2; /* behind the last */
    buf_clear(&b);
    link_status_encode(&b, &s);
    assert_int_equal(link_status_decode(buf_span(&b), &again, &e), -1);
    assert_int_equal(e.class, ERR_PEER);
    buf_release(&b);
}

static void test_orders(void **state)
{
    (void)state;
    struct error e = {0};
    struct link_order o = {.kind = LINK_ORDER_POLICY, .link = SPAN_LIT("chem"), .on = true};
    struct link_order again;
    struct buf b = BUF_INIT(LINK_ORDER_MAX);
    o.policy = (struct link_policy){.types = SPAN_LIT("ORU^R01\n"), .unknown = SPAN_LIT("refuse"), .size = 7};
    link_order_encode(&b, &o);
    assert_int_equal(link_order_decode(buf_span(&b), &again, &e), 0);
    assert_true(span_is(again.policy.types, "ORU^R01\n") && again.policy.size == 7 && again.on);
    cut_everywhere(buf_span(&b), order);
    b.p[0] = 0;
    assert_int_equal(order(buf_span(&b)), -1);
    buf_release(&b);
}

static void test_keeper(void **state)
{
    (void)state;
    static const uint8_t key[LINK_KEY] = {1};
    struct error e = {0};
    struct buf b = BUF_INIT(LINK_QUEUED_MAX);
    struct link_recorded r = {.recording = true, .seq = UINT64_C(1) << 40, .ledger = 7, .key = span_of(key, sizeof key)};
    struct link_recorded r2;
    link_recorded_encode(&b, &r);
    assert_int_equal(link_recorded_decode(buf_span(&b), &r2, &e), 0);
    assert_true(r2.recording && r2.seq == r.seq && r2.ledger == 7 && span_equal(r2.key, r.key));
    cut_everywhere(buf_span(&b), recorded);
    buf_clear(&b);
    r.key.n = 31;
    link_recorded_encode(&b, &r);
    assert_int_equal(recorded(buf_span(&b)), -1);
    buf_clear(&b);
    struct link_queued q = {.link = SPAN_LIT("chem"), .record = 12, .sent = true, .time = 1700000000 * TIME_SECOND, .raw = SPAN_LIT("MSH|")};
    struct link_queued q2;
    link_queued_encode(&b, &q);
    assert_int_equal(link_queued_decode(buf_span(&b), &q2, &e), 0);
    assert_true(q2.record == 12 && q2.sent && q2.time == 1700000000 * TIME_SECOND && span_is(q2.raw, "MSH|"));
    cut_everywhere(buf_span(&b), queued);
    buf_release(&b);
}

static void test_numbers(void **state)
{
    (void)state;
    const uint8_t run[RUN_ID] = {0xa1, 0xb2, 0xc3, 0xd4, 0xff};
    char text[LINK_SEQ_TEXT];
    uint8_t again[4];
    uint64_t seq = 0;
    link_seq_write(text, run, UINT64_C(1099511627777));
    assert_string_equal(text, "a1b2c3d4.1099511627777");
    assert_true(link_seq_read(span_str(text), again, &seq));
    assert_memory_equal(again, run, 4);
    assert_int_equal(seq, UINT64_C(1099511627777));
    static const char *const wrong[] = {"",           "a1b2c3d4",   "a1b2c3d4.",    "a1b2c3d.1",
                                        "a1b2c3d4.x", "g1b2c3d4.1", "a1b2c3d4.1.2", "a1b2c3d4.99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(link_seq_read(span_str(wrong[i]), again, &seq));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_told), cmocka_unit_test(test_status), cmocka_unit_test(test_orders),
                                       cmocka_unit_test(test_keeper), cmocka_unit_test(test_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
