#include "base/record.h"

#include "../cmocka_all.h"

static struct record r;
static struct record back;

static void fill(void)
{
    struct flow_ref flow = {.id = 77, .proto = 6, .sport = 1025, .dport = 2575, .vlan = 12};
    assert_true(address_parse(SPAN_LIT("10.0.5.1"), &flow.src));
    assert_true(address_parse(SPAN_LIT("fe80::1"), &flow.dst));
    record_start(&r, EVENT_LAB_RESULT, INT64_C(1700000000123456789), &flow);
    r.seq = 99;
    record_str(&r, KEY_TEST_CODE, "2823-3");
    record_text(&r, KEY_UNITS, (struct span){0});
    record_str(&r, KEY_FLAGS, "H");
    record_str(&r, KEY_FLAGS, "A");
    record_int(&r, KEY_RESULTS, -3);
}

static void comes_back_from_its_encoding(void **state)
{
    (void)state;
    fill();
    struct buf b = BUF_INIT(RECORD_ENCODED);
    record_encode(&b, &r);
    struct error e = {0};
    assert_int_equal(record_decode(buf_span(&b), &back, &e), 0);
    assert_int_equal(back.n, 4);
    assert_true(back.event == r.event && back.time == r.time && back.seq == 99);
    assert_memory_equal(&back.flow, &r.flow, sizeof r.flow);
    assert_true(span_is(record_get(&back, KEY_TEST_CODE), "2823-3"));
    assert_true(span_is(record_get(&back, KEY_FLAGS), "H"));
    assert_int_equal(record_get(&back, KEY_UNITS).n, 0);
    assert_int_equal(record_number(&back, KEY_RESULTS, 0), -3);
    assert_int_equal(record_number(&back, KEY_SID, 5), 5);
    buf_release(&b);
}

static void every_cut_and_every_stray_byte_is_refused(void **state)
{
    (void)state;
    fill();
    struct buf b = BUF_INIT(RECORD_ENCODED);
    record_encode(&b, &r);
    for (size_t n = 0; n < b.n; n++) {
        struct error e = {0};
        assert_int_equal(record_decode(span_of(b.p, n), &back, &e), -1);
        assert_int_equal(e.class, ERR_PEER);
    }
    buf_u8(&b, 0);
    struct error e = {0};
    assert_int_equal(record_decode(buf_span(&b), &back, &e), -1);
    buf_release(&b);
}

static void holds_no_more_than_its_cap(void **state)
{
    (void)state;
    record_start(&r, EVENT_LAB_MESSAGE, 0, NULL);
    for (int i = 0; i < RECORD_FIELDS + 5; i++)
        record_str(&r, KEY_PRIVATE, "x");
    assert_int_equal(r.n, RECORD_FIELDS);
    assert_true(r.cut);
}

static void every_key_and_event_has_a_name(void **state)
{
    (void)state;
    for (int k = 0; k < KEY_COUNT; k++)
        assert_true(key_info((enum record_key)k)->json != NULL && key_info((enum record_key)k)->json[0] != 0);
    for (int i = 1; i < EVENT_COUNT; i++) {
        assert_true(event_name((enum event)i) != NULL && event_name((enum event)i)[0] != 0);
        assert_int_not_equal(event_maker((enum event)i), MAKER_NOBODY); /* whoever adds one says whose word it is */
    }
}

static void addresses_both_ways(void **state)
{
    (void)state;
    static const char *const good[] = {"0.0.0.0", "10.0.5.1", "255.255.255.255", "::", "fe80::1", "2001:db8::8:800:200c:417a"};
    static const char *const bad[] = {"", "10.0.5", "10.0.5.256", "1.2.3.4.5", "fe80:::1", "host", "10.0.5.1 "};
    struct address a;
    char text[46];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(address_parse(span_str(good[i]), &a));
        address_format(&a, text);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(address_parse(span_str(bad[i]), &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(comes_back_from_its_encoding), cmocka_unit_test(every_cut_and_every_stray_byte_is_refused),
                                       cmocka_unit_test(holds_no_more_than_its_cap), cmocka_unit_test(every_key_and_event_has_a_name),
                                       cmocka_unit_test(addresses_both_ways)};
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
