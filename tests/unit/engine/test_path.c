/* detect: results on their way from an analyzer to a middleware and on to the LIS: held, sent once more, from another address, and where the capture
 * has holes. */
#include "engine/detect/detect_private.h"

#include "../cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define EPOCH INT64_C(1700000000)
#define MOST 256

#define DEVICE "10.0.5.11"
#define MIDDLE "10.0.5.2"
#define LIS "10.0.5.3"

static struct {
    char kind[MOST][32];
    char severity[MOST][12];
    size_t n;
} seen;

static struct detect *d;

static void take(void *context, const struct record *r)
{
    (void)context;
    if (r->event != EVENT_FINDING)
        return;
    assert_true(seen.n < MOST);
    struct span kind = record_get(r, KEY_KIND);
    struct span severity = record_get(r, KEY_SEVERITY);
    (void)snprintf(seen.kind[seen.n], sizeof seen.kind[0], "%.*s", (int)kind.n, (const char *)kind.p);
    (void)snprintf(seen.severity[seen.n], sizeof seen.severity[0], "%.*s", (int)severity.n, (const char *)severity.p);
    seen.n++;
}

/* Findings of this kind, or of any (NULL), above low. */
static size_t above_low(const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < seen.n; i++)
        n += (kind == NULL || strcmp(seen.kind[i], kind) == 0) && strcmp(seen.severity[i], "info") != 0 && strcmp(seen.severity[i], "low") != 0;
    return n;
}

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

struct said {
    const char *from;
    const char *to;
    uint64_t flow; /* 0: one of its own for these two */
    int specimen;  /* measured ten seconds times its number after the start */
    double at;
    const char *value; /* NULL: one of the specimen's own */
    const char *status;
    bool unanswered;
};

static struct flow_ref flow_of(const struct said *m)
{
    struct flow_ref f = {.id = m->flow, .proto = 6, .sport = 41000, .dport = 6661};
    if (f.id == 0)
        f.id = hash_bytes(&(struct hash_key){1, 1}, m->from, strlen(m->from)) | 1;
    assert_true(address_parse(span_str(m->from), &f.src));
    assert_true(address_parse(span_str(m->to), &f.dst));
    return f;
}

static const char *stamp(double at, char out[32])
{
    time_t t = EPOCH + (time_t)at;
    struct tm tm;
    (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%S", gmtime_r(&t, &tm));
    return out;
}

static tq_time moment(double at)
{
    return EPOCH * TIME_SECOND + (tq_time)(at * 1e9);
}

/* A result, and its answer. */
static void say(struct said m)
{
    static struct record r;
    static unsigned ordinal;
    const struct flow_ref f = flow_of(&m);
    char id[64];
    char control[16];
    char sent[32];
    char measured[32];
    char specimen[16];
    char patient[16];
    char value[16];
    (void)snprintf(id, sizeof id, "f%llu.0.%u", (unsigned long long)f.id, ++ordinal);
    (void)snprintf(control, sizeof control, "C%u", ordinal);
    record_start(&r, EVENT_LAB_MESSAGE, moment(m.at), &f);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_MESSAGE_TYPE, "ORU^R01");
    record_str(&r, KEY_SENDER, strcmp(m.from, MIDDLE) == 0 ? "MW" : "CHEM");
    record_str(&r, KEY_CONTROL_ID, control);
    record_str(&r, KEY_SENT_AT, stamp(m.at, sent));
    record_int(&r, KEY_RESULTS, 1);
    detect_record(d, &r);
    record_start(&r, EVENT_LAB_RESULT, moment(m.at), &f);
    record_str(&r, KEY_MESSAGE, id);
    record_str(&r, KEY_TEST_CODE, "2345-7");
    (void)snprintf(specimen, sizeof specimen, "SP%06d", m.specimen);
    record_str(&r, KEY_SPECIMEN, specimen);
    (void)snprintf(patient, sizeof patient, "P%d", m.specimen);
    record_str(&r, KEY_PATIENT, patient);
    (void)snprintf(value, sizeof value, "%d.%d", 4 + m.specimen % 3, m.specimen % 10);
    record_str(&r, KEY_VALUE, m.value != NULL ? m.value : value);
    record_str(&r, KEY_STATUS, m.status != NULL ? m.status : "F");
    record_str(&r, KEY_OBSERVED_AT, stamp(m.specimen * 10, measured));
    detect_record(d, &r);
    if (m.unanswered)
        return;
    record_start(&r, EVENT_LAB_MESSAGE, moment(m.at + 0.1), &f);
    (void)snprintf(id, sizeof id, "f%llu.1.%u", (unsigned long long)f.id, ordinal);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_MESSAGE_TYPE, "ACK");
    record_str(&r, KEY_ACK_CODE, "AA");
    record_str(&r, KEY_ACK_FOR, control);
    detect_record(d, &r);
}

static void was_measured(int specimen, double at)
{
    say((struct said){.from = DEVICE, .to = MIDDLE, .specimen = specimen, .at = at});
}

static void went_on(int specimen, double at)
{
    say((struct said){.from = MIDDLE, .to = LIS, .specimen = specimen, .at = at});
}

/* One each ten seconds, passed on at once. */
static void ordinary(int first, int n)
{
    for (int i = first; i < first + n; i++) {
        was_measured(i, i * 10 + 2);
        went_on(i, i * 10 + 3);
    }
}

static void hole(const char *from, const char *to, double at)
{
    static struct record r;
    const struct said m = {.from = from, .to = to};
    const struct flow_ref f = flow_of(&m);
    record_start(&r, EVENT_FLOW_CLOSED, moment(at), &f);
    record_int(&r, KEY_GAPS, 1);
    detect_record(d, &r);
}

/* A person looks at it when there is time; what never goes on is missing. */
static void what_is_held_is_waited_for(void **state)
{
    (void)state;
    ordinary(0, 100);
    was_measured(100, 1002);
    ordinary(101, 170);
    went_on(100, 2702);
    was_measured(271, 2712);
    ordinary(272, 350);
    assert_int_equal(above_low("result.missing"), 0);
    ordinary(622, 20);
    assert_int_equal(above_low("result.missing"), 1);
}

/* Of whoever never holds anything it is told sooner. */
static void where_nothing_is_held_it_is_missed_soon(void **state)
{
    (void)state;
    ordinary(0, 310);
    was_measured(310, 3102);
    ordinary(311, 115);
    assert_int_equal(above_low("result.missing"), 0);
    ordinary(426, 20);
    assert_int_equal(above_low("result.missing"), 1);
}

/* The capture lost something of where it goes: that may have been it. */
static void what_the_capture_lost_is_not_missing(void **state)
{
    (void)state;
    ordinary(0, 310);
    was_measured(310, 3102);
    ordinary(311, 60);
    hole(MIDDLE, LIS, 3715);
    ordinary(372, 200);
    detect_end(d);
    assert_int_equal(above_low("result.missing"), 0);
}

/* An answer that the capture lost: the hole shows with a later one. */
static void an_answer_that_the_capture_lost(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        for (int i = 0; i < 90; i++) {
            say((struct said){.from = DEVICE, .to = LIS, .specimen = i, .at = i * 10 + 2, .unanswered = i == 40});
            if (lost == 1 && i == 50)
                hole(DEVICE, LIS, 505);
        }
        assert_int_equal(above_low("result.missing"), 1 - lost);
        (void)tear_down(NULL);
        (void)set_up(NULL);
    }
}

/* It came when the capture had a hole, and was held. */
static void what_came_in_a_hole_needs_no_origin(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        ordinary(0, 80);
        if (lost == 1)
            hole(DEVICE, MIDDLE, 805);
        ordinary(82, 10);
        went_on(80, 925);
        ordinary(93, 20);
        detect_end(d);
        assert_int_equal(above_low("result.extra"), 1 - lost);
        (void)tear_down(NULL);
        (void)set_up(NULL);
    }
}

/* A device that has another address since corrects a result that the middleware passed on long ago. */
static void a_correction_from_another_address(void **state)
{
    (void)state;
    ordinary(0, 60);
    say((struct said){.from = "10.0.5.12", .to = MIDDLE, .specimen = 50, .at = 1002, .value = "9.9", .status = "C"});
    say((struct said){.from = MIDDLE, .to = LIS, .specimen = 50, .at = 1003, .value = "9.9", .status = "C"});
    detect_end(d);
    assert_int_equal(above_low("result.altered_in_transit"), 0);
}

/* … and somebody who changes a result on the way is found all the same. */
static void a_change_on_the_way(void **state)
{
    (void)state;
    ordinary(0, 60);
    was_measured(60, 602);
    say((struct said){.from = MIDDLE, .to = LIS, .specimen = 60, .at = 603, .value = "9.9"});
    assert_int_equal(above_low("result.altered_in_transit"), 1);
}

/* The device was switched off and on, and sends its last results again; the middleware passes them on. */
static void what_a_device_sends_again_is_passed_on(void **state)
{
    (void)state;
    for (int new_connection = 0; new_connection < 2; new_connection++) {
        ordinary(0, 60);
        for (int i = 58; i < 60; i++) {
            say((struct said){.from = DEVICE, .to = MIDDLE, .flow = new_connection == 1 ? 77 : 0, .specimen = i, .at = 630 + i});
            went_on(i, 631 + i);
        }
        ordinary(70, 10);
        detect_end(d);
        assert_int_equal(above_low("result.replayed") > 0, new_connection == 0);
        (void)tear_down(NULL);
        (void)set_up(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_held_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_nothing_is_held_it_is_missed_soon, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_capture_lost_is_not_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_that_the_capture_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_came_in_a_hole_needs_no_origin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_correction_from_another_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_on_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_device_sends_again_is_passed_on, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
