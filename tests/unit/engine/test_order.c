/* detect: orders on their way from the LIS to a middleware and on to an analyzer, and answers to what was never sent; also where the capture has
 * holes. */
#include "engine/detect/detect_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EPOCH INT64_C(1700000000000000000)

static struct {
    size_t orders;
    size_t answers;
    char severity[12];
    char title[200];
} seen;

static void copy(char *out, size_t size, struct span s)
{
    (void)snprintf(out, size, "%.*s", (int)s.n, (const char *)s.p);
}

static void take(void *context, const struct record *r)
{
    (void)context;
    bool order = span_is(record_get(r, KEY_KIND), "order.mismatch");
    bool answer = span_is(record_get(r, KEY_KIND), "protocol.violation");
    seen.orders += order;
    seen.answers += answer;
    if (order || answer) {
        copy(seen.severity, sizeof seen.severity, record_get(r, KEY_SEVERITY));
        copy(seen.title, sizeof seen.title, record_get(r, KEY_TITLE));
    }
}

static struct detect *d;

static int set_up(void **state)
{
    const struct detect_options options = {.hash_key = {11, 22}, .sink = {take, NULL}};
    struct error e = {0};
    (void)state;
    memset(&seen, 0, sizeof seen);
    d = detect_new(&options, &e);
    assert_non_null(d);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    detect_free(d);
    return 0;
}

/* hop 0: the LIS asks the middleware; 1: the middleware asks the analyzer, in its own words. */
static void order(int hop, int specimen, double at, size_t tests, const char *priority)
{
    static const char *const codes[2][4] = {{"2345-7", "2823-3", "2951-2", "2160-0"}, {"101", "102", "103", "104"}};
    static struct record r;
    static unsigned ordinal;
    char id[64];
    char name[16];
    struct flow_ref f = {.id = (uint64_t)hop + 1, .proto = 6, .sport = 40000, .dport = hop == 0 ? 2575 : 5000};
    assert_true(address_parse(hop == 0 ? SPAN_LIT("10.0.5.3") : SPAN_LIT("10.0.5.2"), &f.src));
    assert_true(address_parse(hop == 0 ? SPAN_LIT("10.0.5.2") : SPAN_LIT("10.0.5.11"), &f.dst));
    (void)snprintf(id, sizeof id, "f%d.0.%u", hop + 1, ++ordinal);
    (void)snprintf(name, sizeof name, "SP%06d", specimen);
    record_start(&r, EVENT_LAB_MESSAGE, EPOCH + (tq_time)(at * 1e9), &f);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_MESSAGE_TYPE, "OML^O33");
    record_str(&r, KEY_SENDER, hop == 0 ? "LIS" : "MW");
    detect_record(d, &r);
    for (size_t i = 0; i < tests; i++) {
        record_start(&r, EVENT_LAB_ORDER, EPOCH + (tq_time)(at * 1e9), &f);
        record_str(&r, KEY_MESSAGE, id);
        record_str(&r, KEY_TEST_CODE, codes[hop][(i + (size_t)specimen) % 4]);
        record_str(&r, KEY_SPECIMEN, name);
        record_str(&r, KEY_ACTION, "new");
        record_str(&r, KEY_PRIORITY, priority);
        detect_record(d, &r);
    }
}

static void passed_on(int first, int n)
{
    for (int i = first; i < first + n; i++) {
        order(0, i, i * 10, (size_t)(1 + i % 4), i % 5 == 0 ? "stat" : "routine");
        order(1, i, i * 10 + 1, (size_t)(1 + i % 4), i % 5 == 0 ? "stat" : "routine");
    }
}

static void a_priority_that_is_changed_is_told(void **state)
{
    (void)state;
    passed_on(0, 12);
    assert_int_equal(seen.orders, 0);
    order(0, 50, 500, 2, "stat");
    order(1, 50, 501, 2, "routine");
    passed_on(60, 1);
    assert_int_equal(seen.orders, 1);
    assert_string_equal(seen.severity, "medium");
    assert_non_null(strstr(seen.title, "priority"));
}

static void an_order_that_does_not_go_on_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        order(0, 1000 + i, -50 + i, 2, "routine"); /* before the middleware was there */
    passed_on(0, 40);
    order(0, 50, 405, 2, "routine");
    detect_advance(d, EPOCH + 500 * TIME_SECOND);
    assert_int_equal(seen.orders, 0); /* none that came later went on either */
    passed_on(51, 2);
    detect_advance(d, EPOCH + 540 * TIME_SECOND);
    assert_int_equal(seen.orders, 0); /* five were kept of forty */
    passed_on(60, 300);
    order(0, 400, 3605, 2, "routine");
    passed_on(361, 2);
    detect_advance(d, EPOCH + 3700 * TIME_SECOND);
    assert_int_equal(seen.orders, 1);
    assert_string_equal(seen.severity, "medium");
    assert_non_null(strstr(seen.title, "not passed on"));
    passed_on(380, 10);
    detect_end(d);
    assert_int_equal(seen.orders, 1);
}

/* Who gives an analyzer its orders when it asks for them keeps those of specimens that never came. */
static void orders_that_wait_for_their_specimen_are_not(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        order(0, i, i * 10, 2, "routine");
        if (i >= 12 && i % 20 != 0)
            order(1, i - 12, i * 10 + 5, 2, "routine");
    }
    detect_end(d);
    assert_int_equal(seen.orders, 0);
}

/* What was passed on last did go on, however long the next one takes. */
static void the_last_order_went_on(void **state)
{
    (void)state;
    passed_on(0, 40);
    order(0, 50, 500, 2, "routine");
    order(0, 51, 500.3, 2, "routine");
    order(1, 51, 500.8, 2, "routine");
    order(1, 50, 501.1, 2, "routine");
    detect_advance(d, EPOCH + 530 * TIME_SECOND);
    assert_int_equal(seen.orders, 0);
}

/* Where the middleware always asks at its own priority it says nothing. */
static void a_priority_that_always_changes_is_not(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        order(0, i, i * 10, 2, i % 3 == 0 ? "stat" : "routine");
        order(1, i, i * 10 + 1, 2, "routine");
    }
    order(0, 60, 600, 2, NULL);
    order(1, 60, 601, 2, "routine");
    detect_end(d);
    assert_int_equal(seen.orders, 0);
}

static void a_test_added_under_other_codes_is_told(void **state)
{
    (void)state;
    passed_on(0, 12);
    order(0, 50, 500, 2, "routine");
    order(1, 50, 501, 3, "routine");
    passed_on(60, 1);
    assert_int_equal(seen.orders, 1);
    assert_string_equal(seen.severity, "high");
}

/* A result that one machine of the lab sends to another. */
static void report(const char *from, const char *to, int specimen, double at)
{
    static struct record r;
    static unsigned ordinal;
    char id[64];
    char name[16];
    char value[16];
    struct flow_ref f = {.id = hash_bytes(&(struct hash_key){1, 1}, from, strlen(from)) | 1, .proto = 6, .sport = 41000, .dport = 6661};
    assert_true(address_parse(span_str(from), &f.src));
    assert_true(address_parse(span_str(to), &f.dst));
    (void)snprintf(id, sizeof id, "f%llu.0.%u", (unsigned long long)f.id, ++ordinal);
    (void)snprintf(name, sizeof name, "SP%06d", specimen);
    (void)snprintf(value, sizeof value, "%d.%d", 4 + specimen % 3, specimen % 10);
    record_start(&r, EVENT_LAB_MESSAGE, EPOCH + (tq_time)(at * 1e9), &f);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_MESSAGE_TYPE, "ORU^R01");
    record_int(&r, KEY_RESULTS, 1);
    detect_record(d, &r);
    record_start(&r, EVENT_LAB_RESULT, EPOCH + (tq_time)(at * 1e9), &f);
    record_str(&r, KEY_MESSAGE, id);
    record_str(&r, KEY_TEST_CODE, "2345-7");
    record_str(&r, KEY_SPECIMEN, name);
    record_str(&r, KEY_VALUE, value);
    record_str(&r, KEY_STATUS, "F");
    detect_record(d, &r);
}

/* A device at the bedside measures what nobody ordered: what comes from there is no mismatch either where it is passed on. */
static void what_is_never_ordered_is_none_further_on(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        order(0, i, i * 10, 2, "routine");
        report("10.0.5.11", "10.0.5.2", i, i * 10 + 5);
        report("10.0.5.2", "10.0.5.3", i, i * 10 + 6);
    }
    report("10.0.5.12", "10.0.5.2", 50, 500);
    report("10.0.5.2", "10.0.5.3", 50, 501);
    assert_int_equal(seen.orders, 0);
    for (int i = 60; i < 100; i++) {
        order(0, i, i * 10, 2, "routine");
        report("10.0.5.11", "10.0.5.2", i, i * 10 + 5);
        report("10.0.5.2", "10.0.5.3", i, i * 10 + 6);
    }
    report("10.0.5.2", "10.0.5.3", 120, 1200); /* it comes from nowhere */
    assert_int_equal(seen.orders, 1);
}

/* Where people key in one specimen in four, thirty in a row have their orders by chance now and then. */
static void where_many_are_keyed_in_none_is_told(void **state)
{
    (void)state;
    int specimen = 0;
    for (int keyed = 1; keyed >= 0; keyed--) {
        for (int device = 20; keyed == 1 && device < 30; device++)
            for (int i = 0; i < 12; i++, specimen++) {
                char from[16];
                (void)snprintf(from, sizeof from, "10.0.5.%d", device);
                if (i % 4 != 3)
                    order(0, specimen, specimen * 10, 2, "routine");
                report(from, "10.0.5.2", specimen, specimen * 10 + 5);
            }
        for (int i = 0; i < 41; i++, specimen++) {
            if (i != 40)
                order(0, specimen, specimen * 10, 2, "routine");
            report("10.0.5.11", "10.0.5.2", specimen, specimen * 10 + 5);
        }
        assert_int_equal(seen.orders, 1 - keyed);
        (void)tear_down(NULL);
        (void)set_up(NULL);
    }
}

static void hole(double at)
{
    static struct record r;
    struct flow_ref f = {.id = 1, .proto = 6, .sport = 40000, .dport = 2575};
    record_start(&r, EVENT_FLOW_CLOSED, EPOCH + (tq_time)(at * 1e9), &f);
    record_int(&r, KEY_GAPS, 1);
    detect_record(d, &r);
}

static void beside_a_hole_it_is_a_doubt(void **state)
{
    (void)state;
    passed_on(0, 12);
    hole(499);
    order(0, 50, 500, 2, "routine");
    order(1, 50, 501, 3, "routine");
    passed_on(60, 1);
    assert_int_equal(seen.orders, 1);
    assert_string_equal(seen.severity, "low");
}

/* ── answers ── */

static void answer(int n, double at)
{
    static struct record r;
    char id[64];
    char control[16];
    struct flow_ref f = {.id = 1, .proto = 6, .sport = 40000, .dport = 2575};
    assert_true(address_parse(SPAN_LIT("10.0.5.3"), &f.src));
    assert_true(address_parse(SPAN_LIT("10.0.5.2"), &f.dst));
    (void)snprintf(id, sizeof id, "f1.0.%d", n);
    (void)snprintf(control, sizeof control, "C%d", n);
    record_start(&r, EVENT_LAB_MESSAGE, EPOCH + (tq_time)(at * 1e9), &f);
    if (n < 100) {
        record_str(&r, KEY_MESSAGE_ID, id);
        record_str(&r, KEY_MESSAGE_TYPE, "ORU^R01");
        record_str(&r, KEY_CONTROL_ID, control);
        detect_record(d, &r);
    }
    (void)snprintf(id, sizeof id, "f1.1.%d", n);
    record_start(&r, EVENT_LAB_MESSAGE, EPOCH + (tq_time)(at * 1e9), &f);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_MESSAGE_TYPE, "ACK");
    record_str(&r, KEY_ACK_CODE, "AA");
    record_str(&r, KEY_ACK_FOR, control);
    detect_record(d, &r);
}

static void an_answer_to_nothing_is_told(void **state)
{
    (void)state;
    for (int i = 1; i < 10; i++)
        answer(i, i);
    answer(100, 20);
    detect_advance(d, EPOCH + 360 * TIME_SECOND);
    assert_int_equal(seen.answers, 1);
    answer(101, 370);
    detect_end(d);
    assert_int_equal(seen.answers, 1); /* the same cause */
}

/* The hole shows when the connection is over. */
static void an_answer_to_what_was_lost_is_not(void **state)
{
    (void)state;
    for (int i = 1; i < 10; i++)
        answer(i, i);
    answer(100, 20);
    hole(25);
    detect_advance(d, EPOCH + 360 * TIME_SECOND);
    detect_end(d);
    assert_int_equal(seen.answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_never_ordered_is_none_further_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_priority_that_is_changed_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(orders_that_wait_for_their_specimen_are_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_order_that_does_not_go_on_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_order_went_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_many_are_keyed_in_none_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_priority_that_always_changes_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_test_added_under_other_codes_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(beside_a_hole_it_is_a_doubt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_to_nothing_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_to_what_was_lost_is_not, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
