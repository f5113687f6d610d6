/* detect, while records of a relay are outstanding: nothing is told as missing or as from nowhere before they are here; what is really missing is
 * told then; and after long in vain, as a doubt. */
#include "engine/detect/detect_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EPOCH INT64_C(1700000000000000000)
#define MOST 256

struct seen {
    char kind[MOST][32];
    char severity[MOST][12];
    char title[MOST][200];
    size_t n;
};

static struct seen seen;
static struct detect *d;

static void copy(char *out, size_t size, struct span s)
{
    (void)snprintf(out, size, "%.*s", (int)s.n, (const char *)s.p);
}

static void take(void *context, const struct record *r)
{
    (void)context;
    assert_true(seen.n < MOST);
    copy(seen.kind[seen.n], sizeof seen.kind[0], record_get(r, KEY_KIND));
    copy(seen.severity[seen.n], sizeof seen.severity[0], record_get(r, KEY_SEVERITY));
    copy(seen.title[seen.n], sizeof seen.title[0], record_get(r, KEY_TITLE));
    seen.n++;
}

static size_t count(const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < seen.n; i++)
        n += strcmp(seen.kind[i], kind) == 0;
    return n;
}

static const char *severity(const char *kind)
{
    for (size_t i = seen.n; i-- > 0;)
        if (strcmp(seen.kind[i], kind) == 0)
            return seen.severity[i];
    return "";
}

enum leg { RECEIVED, FORWARDED };

/* The specimen's one message on this leg: from the analyzer to the relay, or from the relay to the LIS. */
static bool middleware;  /* not our own relay passes them on, but somebody who may hold them */
static int run;          /* of the same specimen */
static const char *role; /* of the specimen: Q is a control */
static const char *patient;
static const char *other; /* value */
static const char *code;
static const char *range;

static void send_as(enum leg leg, int specimen, double at, bool queued, uint64_t flow)
{
    static struct record r;
    static unsigned ordinal;
    char id[64];
    char control[16];
    char name[16];
    char value[16];
    char sent_at[32];
    struct flow_ref f = {.id = flow, .proto = 6, .sport = 40000, .dport = leg == RECEIVED ? 2575 : 2576};
    assert_true(address_parse(leg == RECEIVED ? SPAN_LIT("10.0.5.11") : SPAN_LIT("10.0.5.2"), &f.src));
    assert_true(address_parse(leg == RECEIVED ? SPAN_LIT("10.0.5.2") : SPAN_LIT("10.0.5.3"), &f.dst));
    (void)snprintf(id, sizeof id, "f%llu.0.%u", (unsigned long long)flow, ++ordinal);
    (void)snprintf(control, sizeof control, "%s%d", middleware && leg == FORWARDED ? "W" : "C", specimen + run * 1000);
    (void)snprintf(name, sizeof name, "SP%06d", specimen);
    (void)snprintf(value, sizeof value, "%d.%d", 4 + specimen % 3 + run, specimen % 10);
    (void)snprintf(sent_at, sizeof sent_at, "2026-03-02T%02d:%02d:%02d", 8 + run, specimen / 60 % 60, specimen % 60);
    record_start(&r, EVENT_LAB_MESSAGE, EPOCH + (tq_time)(at * 1e9), &f);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_MESSAGE_TYPE, "ORU^R01");
    record_str(&r, KEY_SENDER, "CHEM");
    record_str(&r, KEY_CONTROL_ID, control);
    record_str(&r, KEY_SENT_AT, sent_at);
    record_int(&r, KEY_RESULTS, 1);
    if (!middleware) {
        record_str(&r, KEY_LINK, "chemistry");
        record_str(&r, KEY_LINK_LEG, leg == RECEIVED ? "received" : "forwarded");
    }
    if (queued)
        record_int(&r, KEY_LINK_QUEUED, 1);
    detect_record(d, &r);
    record_start(&r, EVENT_LAB_RESULT, EPOCH + (tq_time)(at * 1e9), &f);
    record_str(&r, KEY_MESSAGE, id);
    record_str(&r, KEY_TEST_CODE, code != NULL ? code : "GLU");
    record_str(&r, KEY_RANGE, range);
    record_str(&r, KEY_SPECIMEN, name);
    record_str(&r, KEY_VALUE, other != NULL ? other : value);
    record_str(&r, KEY_SPECIMEN_ROLE, role);
    record_str(&r, KEY_PATIENT, patient);
    record_str(&r, KEY_UNITS, "mmol/L");
    record_str(&r, KEY_STATUS, "F");
    record_str(&r, KEY_OBSERVED_AT, sent_at);
    detect_record(d, &r);
}

static void send(enum leg leg, int specimen, double at)
{
    send_as(leg, specimen, at, false, leg == RECEIVED ? 1 : 2);
}

static void both(int specimen, double at)
{
    send(RECEIVED, specimen, at);
    send(FORWARDED, specimen, at + 0.1);
}

static void behind(const char *state, double from, double until)
{
    static struct record r;
    record_start(&r, EVENT_RELAY_BEHIND, EPOCH, NULL);
    record_str(&r, KEY_STATE, state);
    if (from > 0)
        record_int(&r, KEY_FIRST_TIME, EPOCH + (tq_time)(from * 1e9));
    if (until > 0)
        record_int(&r, KEY_LAST_TIME, EPOCH + (tq_time)(until * 1e9));
    detect_record(d, &r);
}

/* Seventy specimens went on: what is usual is known. The next is number 71, at second 210. */
static int set_up(void **state)
{
    const struct detect_options options = {.hash_key = {11, 22}, .sink = {take, NULL}};
    struct error e = {0};
    (void)state;
    d = detect_new(&options, &e);
    assert_non_null(d);
    for (int i = 1; i <= 70; i++)
        both(i, i * 3);
    memset(&seen, 0, sizeof seen);
    return 0;
}

static int set_up_middleware(void **state)
{
    middleware = true;
    return set_up(state);
}

static int tear_down(void **state)
{
    (void)state;
    middleware = false;
    run = 0;
    role = patient = other = code = range = NULL;
    detect_free(d);
    return 0;
}

/* Others of the lab go on. */
static void go_on(int first, double from, double until)
{
    for (double at = from; at < until; at += 3)
        both(first++, at);
}

static void what_is_missing_is_told(void **state)
{
    (void)state;
    send(RECEIVED, 71, 213);
    go_on(100, 214, 240);
    assert_int_equal(count("result.missing"), 1);
    assert_string_equal(severity("result.missing"), "high");
    send(FORWARDED, 72, 241);
    go_on(200, 242, 260);
    assert_int_equal(count("result.extra"), 1);
}

static void what_is_read_in_is_not(void **state)
{
    (void)state;
    send(RECEIVED, 71, 213);
    behind("behind", 213.05, 0);
    send(FORWARDED, 72, 214); /* the record of the other leg is outstanding, too */
    go_on(100, 215, 300);
    assert_int_equal(count("result.missing"), 0);
    assert_int_equal(count("result.extra"), 0);
    send(FORWARDED, 71, 213.1);
    send(RECEIVED, 72, 213.9);
    behind("whole", 0, 0);
    go_on(200, 301, 340);
    assert_int_equal(seen.n, 0);
}

static void what_did_not_come_even_so_is_told(void **state)
{
    (void)state;
    send(RECEIVED, 71, 213);
    behind("behind", 213.05, 0);
    send(FORWARDED, 72, 214);
    go_on(100, 215, 300);
    assert_int_equal(seen.n, 0);
    behind("whole", 0, 0);
    go_on(200, 301, 310);
    assert_int_equal(count("result.missing"), 1);
    assert_string_equal(severity("result.missing"), "high");
    assert_int_equal(count("result.extra"), 1);
}

/* One relay after the other says it: the earliest counts. */
static void the_earliest_counts(void **state)
{
    (void)state;
    behind("behind", 210, 0);
    send(RECEIVED, 71, 213);
    behind("behind", 230, 0);
    go_on(100, 231, 300);
    assert_int_equal(seen.n, 0);
}

static void after_long_in_vain_it_is_a_doubt(void **state)
{
    (void)state;
    send(RECEIVED, 71, 213);
    behind("behind", 213.05, 0);
    send(FORWARDED, 72, 214);
    go_on(100, 215, 800);
    assert_int_equal(seen.n, 0);
    go_on(400, 801, 840);
    assert_int_equal(count("result.missing"), 1);
    assert_string_equal(severity("result.missing"), "low");
    assert_non_null(strstr(seen.title[0], "outstanding"));
    assert_non_null(strstr(seen.title[1], "outstanding"));
    assert_int_equal(count("result.extra"), 1);
    assert_string_equal(severity("result.extra"), "low");
    send(FORWARDED, 71, 213.1); /* it was not late */
    assert_int_equal(count("result.delayed"), 0);
}

/* Between what a relay made durable and its end. */
static void what_ended_with_a_relay_is_not_missed(void **state)
{
    (void)state;
    send(RECEIVED, 71, 213);
    behind("behind", 160, 0);
    behind("whole", 205, 215);
    behind("whole", 214, 215.5); /* and another one right after it */
    send(RECEIVED, 72, 216);
    behind("whole", 216.5, 216.6);
    go_on(100, 217, 250);
    assert_int_equal(count("result.missing"), 1); /* not the first */
}

static void what_the_relay_keeps_for_the_lis_is_not_missed(void **state)
{
    (void)state;
    send_as(RECEIVED, 71, 213, true, 1);
    go_on(100, 214, 300);
    assert_int_equal(seen.n, 0);
    send(FORWARDED, 71, 301);
    go_on(200, 302, 340);
    assert_int_equal(seen.n, 0);
    send_as(RECEIVED, 72, 341, true, 1);
    for (int i = 0; i < 60; i++)
        both(300 + i, 342 + i * 5 * 60);
    assert_int_equal(count("result.missing"), 1);
}

/* ── somebody who may hold results ── */

static void what_a_middleware_keeps_is_late_first(void **state)
{
    (void)state;
    send(RECEIVED, 71, 213);
    go_on(100, 214, 240);
    assert_int_equal(count("result.missing"), 1);
    assert_string_equal(severity("result.missing"), "low");
    go_on(200, 240, 1400);
    assert_int_equal(count("result.missing"), 1);
    go_on(2000, 1400, 1440);
    assert_int_equal(count("result.missing"), 2);
    assert_string_equal(seen.severity[seen.n - 1], "high");
}

static size_t alarms(void)
{
    size_t n = 0;
    for (size_t i = 0; i < seen.n; i++)
        n += strncmp(seen.kind[i], "result.", 7) == 0 && strcmp(seen.severity[i], "low") != 0 && strcmp(seen.severity[i], "info") != 0;
    return n;
}

/* A detector that knows nothing of this lab. */
static void start_anew(void)
{
    const struct detect_options options = {.hash_key = {11, 22}, .sink = {take, NULL}};
    struct error e = {0};
    detect_free(d);
    d = detect_new(&options, &e);
    assert_non_null(d);
    memset(&seen, 0, sizeof seen);
}

/* Whoever holds one result in twenty for a person's eyes may have held none of the first dozen, or one of the very first. */
static void the_first_that_are_held_are_no_alarm(void **state)
{
    (void)state;
    start_anew();
    for (int i = 0; i < 12; i++)
        both(400 + i, i);
    send(RECEIVED, 71, 13);
    for (int i = 0; i < 16; i++)
        both(420 + i, 20 + i * 60);
    send(FORWARDED, 71, 990);
    assert_int_equal(count("result.delayed"), 1);
    assert_int_equal(alarms(), 0);

    start_anew();
    send(RECEIVED, 71, 0);
    send(FORWARDED, 71, 90); /* before anything is usual */
    go_on(0, 91, 160);
    send(RECEIVED, 72, 161);
    go_on(100, 162, 660);
    send(FORWARDED, 72, 661);
    assert_int_equal(alarms(), 0);
}

/* A middleware may have a range of its own for a test that is seldom measured. */
static void a_range_of_its_own_is_no_change(void **state)
{
    (void)state;
    range = "3.5-5.1";
    go_on(100, 214, 260);
    code = "PH";
    range = "7.35-7.45";
    send(RECEIVED, 71, 261);
    range = "7.3-7.4";
    send(FORWARDED, 71, 262);
    assert_int_equal(alarms(), 0);
    code = NULL;
    range = "3.5-5.1";
    send(RECEIVED, 72, 263);
    range = "3.5-9.1";
    send(FORWARDED, 72, 264);
    assert_int_equal(count("result.altered_in_transit"), 1);
}

/* At the end of all nothing can come any more. */
static void what_is_late_at_the_end_is_missing(void **state)
{
    (void)state;
    send(RECEIVED, 71, 213);
    go_on(100, 214, 240);
    detect_end(d);
    assert_int_equal(count("result.missing"), 2);
    assert_string_equal(seen.severity[seen.n - 1], "high");
}

static void what_is_measured_again_is_not_missing(void **state)
{
    (void)state;
    send(RECEIVED, 71, 213);
    go_on(100, 214, 300);
    run = 1;
    send(RECEIVED, 71, 300.5);
    send(FORWARDED, 71, 301);
    run = 0;
    go_on(200, 302, 700);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.severity[0], "low");
}

static void a_control_is_compared_but_not_missed(void **state)
{
    (void)state;
    role = "Q";
    both(71, 213);
    send(RECEIVED, 72, 216);
    role = NULL;
    go_on(100, 217, 900);
    assert_int_equal(seen.n, 0);
    role = "Q";
    send(RECEIVED, 73, 901);
    other = "12.7";
    send(FORWARDED, 73, 902);
    assert_int_equal(count("result.altered_in_transit"), 1);
    assert_string_equal(severity("result.altered_in_transit"), "critical");
}

/* What was held goes on after something newer of it was sent. */
static void what_is_held_is_overtaken(void **state)
{
    (void)state;
    other = "5.0";
    send(RECEIVED, 71, 213);
    run = 1;
    other = "6.5";
    send(RECEIVED, 71, 214);
    run = 0;
    other = "5.0";
    send(FORWARDED, 71, 215);
    run = 1;
    other = "6.5";
    send(FORWARDED, 71, 216);
    assert_int_equal(count("result.altered_in_transit"), 0);
    other = "7.5"; /* neither */
    send(RECEIVED, 72, 217);
    other = "7.9";
    send(FORWARDED, 72, 218);
    assert_int_equal(count("result.altered_in_transit"), 1);
}

/* n results of as many patients under this range. */
static void in_range(const char *text, int first, int n)
{
    range = text;
    for (int i = 0; i < n; i++)
        send(RECEIVED, first + i, 300 + (first + i) * 2);
}

static void a_range_that_changes_for_good_is_told(void **state)
{
    (void)state;
    in_range("3.5-5.1", 1000, 30);
    in_range("3.5-7.5", 1030, 3);
    assert_int_equal(count("result.flag_mismatch"), 0);
    in_range("3.5-7.5", 1033, 1);
    assert_int_equal(count("result.flag_mismatch"), 1);
    assert_string_equal(severity("result.flag_mismatch"), "medium");
    in_range("3.5-7.5", 1034, 40);
    assert_int_equal(count("result.flag_mismatch"), 1);
}

static void ranges_go_by_sex_and_age(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++)
        in_range(i % 3 == 0 ? "3.5-5.1" : "3.4-4.9", 1000 + i * 2, 2);
    in_range("3.9-6.0", 1060, 8); /* from a children's ward */
    in_range("3.5-5.1", 1070, 10);
    in_range("3.9-6.0", 1080, 30);
    assert_int_equal(count("result.flag_mismatch"), 0);
    in_range("3.9-9.0", 1110, 12);
    assert_int_equal(count("result.flag_mismatch"), 1);
}

/* Numbers of two specimens that came one behind the other look like one that was written anew. */
static void a_number_beside_is_no_other_way_to_write_it(void **state)
{
    (void)state;
    other = "NEGATIVE";
    for (int i = 0; i < 4; i++) {
        patient = "P1";
        send(RECEIVED, 500 + i * 10, 213 + i * 20); /* is held */
        patient = "P2";
        send(FORWARDED, 501 + i * 10, 214 + i * 20); /* came before the capture began */
    }
    assert_int_equal(count("result.wrong_patient"), 0);
    assert_int_equal(count("result.altered_in_transit"), 0);
}

static void where_results_are_held_they_are_waited_for(void **state)
{
    (void)state;
    send(RECEIVED, 71, 213);
    send(RECEIVED, 75, 214);
    go_on(100, 215, 900);
    send(FORWARDED, 71, 901);
    send(FORWARDED, 75, 902);
    assert_int_equal(count("result.delayed"), 2);
    memset(&seen, 0, sizeof seen);
    send(RECEIVED, 72, 903);
    go_on(400, 904, 1700);
    send(FORWARDED, 72, 1701);
    for (size_t i = 0; i < seen.n; i++)
        assert_string_equal(seen.severity[i], "low");
    send(RECEIVED, 73, 1702);
    go_on(700, 1703, 5000);
    for (size_t i = 0; i < seen.n; i++)
        assert_string_equal(seen.severity[i], "low");
    go_on(2000, 5001, 5400);
    assert_string_equal(seen.severity[seen.n - 1], "high");
}

/* Where one is held, others are: where none is, that one was kept back. */
static void the_only_one_that_is_late_is_told_again(void **state)
{
    (void)state;
    send(RECEIVED, 71, 213);
    go_on(100, 214, 900);
    send(FORWARDED, 71, 901);
    assert_int_equal(count("result.delayed"), 1);
    assert_string_equal(severity("result.delayed"), "low");
    go_on(400, 902, 1050);
    assert_int_equal(count("result.delayed"), 1);
    go_on(600, 1050, 2000);
    assert_int_equal(count("result.delayed"), 2);
    assert_string_equal(seen.severity[seen.n - 1], "medium");
}

/* A sensor heard the same message when it passed, and others since. */
static void what_comes_late_is_no_replay(void **state)
{
    (void)state;
    static struct record r;
    struct flow_ref f = {.id = 1, .proto = 6, .sport = 40000, .dport = 2575};
    assert_true(address_parse(SPAN_LIT("10.0.5.11"), &f.src));
    assert_true(address_parse(SPAN_LIT("10.0.5.2"), &f.dst));
    both(71, 213);
    record_start(&r, EVENT_LAB_MESSAGE, EPOCH + INT64_C(213050000000), &f);
    record_str(&r, KEY_MESSAGE_ID, "f1.1.9");
    record_str(&r, KEY_ACK_CODE, "AA");
    record_str(&r, KEY_ACK_FOR, "C71");
    detect_record(d, &r);
    go_on(100, 214, 300);
    send_as(RECEIVED, 71, 213.01, false, 3);
    assert_int_equal(count("result.replayed"), 0);
    go_on(200, 301, 320);
    send_as(RECEIVED, 71, 320, false, 3); /* this one is */
    assert_int_equal(count("result.replayed"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_missing_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_middleware_keeps_is_late_first, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(the_first_that_are_held_are_no_alarm, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(a_range_of_its_own_is_no_change, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(what_is_late_at_the_end_is_missing, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(what_is_measured_again_is_not_missing, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(a_control_is_compared_but_not_missed, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(a_number_beside_is_no_other_way_to_write_it, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(where_results_are_held_they_are_waited_for, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(ranges_go_by_sex_and_age, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(a_range_that_changes_for_good_is_told, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(what_is_held_is_overtaken, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(the_only_one_that_is_late_is_told_again, set_up_middleware, tear_down),
        cmocka_unit_test_setup_teardown(what_is_read_in_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_did_not_come_even_so_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_earliest_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_long_in_vain_it_is_a_doubt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_ended_with_a_relay_is_not_missed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_relay_keeps_for_the_lis_is_not_missed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_late_is_no_replay, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
