/* detect: each finding fires on what it is for, once, and not on what looks like it. */
#include "engine/detect/detect_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MOST 64

struct seen {
    char kind[MOST][24];
    char severity[MOST][12];
    char title[MOST][256];
    char subjects[MOST][160];
    char cause[MOST][256];
    size_t n;
};

static void copy(char *out, size_t size, struct span s)
{
    (void)snprintf(out, size, "%.*s", (int)s.n, (const char *)s.p);
}

static void take(void *context, const struct record *r)
{
    struct seen *s = context;
    assert_true(s->n < MOST);
    assert_int_equal(r->event, EVENT_FINDING);
    assert_true(record_get(r, KEY_ADVICE).n > 20);
    assert_true(record_get(r, KEY_CAUSE).n > 0);
    copy(s->kind[s->n], sizeof s->kind[0], record_get(r, KEY_KIND));
    copy(s->severity[s->n], sizeof s->severity[0], record_get(r, KEY_SEVERITY));
    copy(s->title[s->n], sizeof s->title[0], record_get(r, KEY_TITLE));
    copy(s->cause[s->n], sizeof s->cause[0], record_get(r, KEY_CAUSE));
    s->subjects[s->n][0] = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->fields[i].key == KEY_SUBJECT) {
            size_t used = strlen(s->subjects[s->n]);
            (void)snprintf(s->subjects[s->n] + used, sizeof s->subjects[0] - used, "%s%.*s", used > 0 ? "," : "", (int)r->fields[i].text.n,
                           (const char *)r->fields[i].text.p);
        }
    s->n++;
}

static size_t count(const struct seen *s, const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += strcmp(s->kind[i], kind) == 0;
    return n;
}

static const char *severity(const struct seen *s, const char *kind)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->kind[i], kind) == 0)
            return s->severity[i];
    return "";
}

static struct detect *detector(struct seen *s)
{
    memset(s, 0, sizeof *s);
    const struct detect_options options = {.hash_key = {11, 22}, .sink = {take, s}};
    struct error e = {0};
    struct detect *d = detect_new(&options, &e);
    assert_non_null(d);
    return d;
}

struct say {
    const char *src;
    uint64_t flow; /* 0: one made of the source address */
    double at;     /* seconds */
    const char *sender;
    const char *type;
    int results;
    const char *malformed;
    const char *hostile;
    const char *control_id;
    const char *ack_for;
    bool back; /* from the listening end */
    const char *sent_at;
    uint16_t port; /* 0: 2575 */
    const char *mac;
};

static struct flow_ref flow_of(const char *src, uint64_t id)
{
    struct flow_ref f = {.proto = 6, .sport = 40000, .dport = 2575};
    assert_true(address_parse(span_str(src), &f.src));
    assert_true(address_parse(SPAN_LIT("10.0.5.2"), &f.dst));
    f.id = id != 0 ? id : hash_bytes(&(struct hash_key){1, 1}, src, strlen(src)) | 1;
    return f;
}

static void message(struct detect *d, struct say m)
{
    static struct record r;
    static unsigned ordinal;
    struct flow_ref f = flow_of(m.src, m.flow);
    f.dport = m.port != 0 ? m.port : f.dport;
    char id[64];
    (void)snprintf(id, sizeof id, "f%llu.%d.%u", (unsigned long long)f.id, m.back ? 1 : 0, ++ordinal);
    record_start(&r, EVENT_LAB_MESSAGE, (tq_time)(m.at * 1e9) + INT64_C(1700000000000000000), &f);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_MESSAGE_TYPE, m.type != NULL ? m.type : "ORU^R01");
    record_str(&r, KEY_SENDER, m.sender);
    record_int(&r, KEY_RESULTS, m.results);
    record_str(&r, KEY_MALFORMED, m.malformed);
    record_str(&r, KEY_HOSTILE, m.hostile);
    record_str(&r, KEY_CONTROL_ID, m.control_id);
    record_str(&r, KEY_SENT_AT, m.sent_at);
    record_str(&r, KEY_ACK_FOR, m.ack_for);
    record_str(&r, KEY_ACK_CODE, m.ack_for != NULL ? "AA" : NULL);
    record_str(&r, KEY_MAC, m.mac);
    detect_record(d, &r);
}

struct value {
    const char *src;
    uint64_t flow;
    double at;
    const char *message;
    const char *specimen;
    const char *value;
    const char *status;
    const char *observed;
};

static void result(struct detect *d, struct value v)
{
    static struct record r;
    struct flow_ref f = flow_of(v.src, v.flow);
    record_start(&r, EVENT_LAB_RESULT, (tq_time)(v.at * 1e9) + INT64_C(1700000000000000000), &f);
    record_str(&r, KEY_MESSAGE, v.message);
    record_str(&r, KEY_TEST_CODE, "GLU");
    record_str(&r, KEY_SPECIMEN, v.specimen);
    record_str(&r, KEY_VALUE, v.value);
    record_str(&r, KEY_UNITS, "mmol/L");
    record_str(&r, KEY_STATUS, v.status);
    record_str(&r, KEY_OBSERVED_AT, v.observed != NULL ? v.observed : "2026-03-02T08:00:00");
    detect_record(d, &r);
}

/* Two analyzers that speak every ten seconds for two minutes. */
static void quiet_lab(struct detect *d)
{
    for (int t = 0; t < 120; t += 10) {
        message(d, (struct say){.src = "10.0.5.11", .at = t, .sender = "COAG", .results = 3});
        message(d, (struct say){.src = "10.0.5.11", .at = t + 0.1, .sender = "LIS", .type = "ACK", .ack_for = "1", .back = true});
        message(d, (struct say){.src = "10.0.5.12", .at = t, .sender = "HEMA", .results = 3});
    }
}

static void clear_text_once_a_link(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    quiet_lab(d);
    assert_int_equal(s.n, 2);
    assert_int_equal(count(&s, "phi.cleartext"), 2);
    assert_string_equal(s.severity[0], "low");
    assert_string_equal(s.title[0], "Results from {0} to {1} pass in clear text.");
    assert_string_equal(s.subjects[0], "10.0.5.11,10.0.5.2 port 2575");
    message(d, (struct say){.src = "8.8.4.4", .at = 1, .sender = "COAG", .results = 3});
    assert_string_equal(s.severity[2], "high"); /* over public addresses */
    message(d, (struct say){.src = "203.0.113.9", .at = 2, .sender = "URIN", .results = 3});
    assert_string_equal(s.severity[3], "high"); /* beside a local one it stands for the outside */
    detect_free(d);
}

static void unknown_sender(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    quiet_lab(d);
    s.n = 0;
    message(d, (struct say){.src = "10.0.5.66", .at = 130, .sender = "NEW", .results = 1});
    message(d, (struct say){.src = "10.0.5.66", .at = 131, .sender = "NEW", .results = 1});
    assert_int_equal(count(&s, "sender.unknown"), 1);
    assert_string_equal(severity(&s, "sender.unknown"), "high");
    assert_int_equal(count(&s, "sender.spoofed"), 0);
    s.n = 0;
    message(d, (struct say){.src = "10.0.5.11", .at = 132, .sender = "COAG2", .results = 1}); /* a known device with a new name */
    assert_string_equal(severity(&s, "sender.unknown"), "low");
    s.n = 0;
    message(d, (struct say){.src = "10.0.5.11", .at = 133, .sender = "LIS", .type = "OML^O33", .back = true}); /* the LIS sends its first order */
    assert_int_equal(s.n, 0);
    detect_free(d);
}

static void learning_takes_all(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    message(d, (struct say){.src = "10.0.5.11", .at = 0, .sender = "COAG", .results = 1});
    message(d, (struct say){.src = "10.0.5.12", .at = 59, .sender = "HEMA", .results = 1});
    assert_int_equal(count(&s, "sender.unknown"), 0);
    message(d, (struct say){.src = "10.0.5.13", .at = 60, .sender = "CHEM", .results = 1});
    assert_int_equal(count(&s, "sender.unknown"), 1);
    detect_free(d);
}

/* Ten analyzers of which each has something to say every two minutes: half of them are heard first when learning is over. A stranger who comes when
 * all were heard again is one. */
static void a_lab_is_not_heard_in_a_minute(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    for (int i = 0; i < 50; i++) {
        char src[16];
        char name[8];
        (void)snprintf(src, sizeof src, "10.0.5.%d", 11 + i % 10);
        (void)snprintf(name, sizeof name, "A%d", i % 10);
        message(d, (struct say){.src = src, .at = i * 12, .sender = name, .results = 1});
        if (i % 10 == 9 && i < 12) {
            assert_int_equal(count(&s, "sender.unknown"), 5);
            for (size_t k = 0; k < s.n; k++)
                assert_string_equal(s.severity[k], "low");
        }
    }
    assert_int_equal(count(&s, "sender.unknown"), 5);
    message(d, (struct say){.src = "10.0.5.66", .at = 601, .sender = "NEW", .results = 1});
    assert_int_equal(count(&s, "sender.unknown"), 6);
    assert_string_equal(s.severity[s.n - 1], "high");
    detect_free(d);
}

/* Five analyzers that speak every three seconds are known after a minute, also where none of them ever pauses. */
static void a_busy_lab_is_known_soon(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    for (int t = 0; t < 90; t += 3)
        for (int i = 0; i < 5; i++) {
            char src[16];
            (void)snprintf(src, sizeof src, "10.0.5.%d", 11 + i);
            message(d, (struct say){.src = src, .at = t, .sender = src, .results = 1});
        }
    message(d, (struct say){.src = "10.0.5.66", .at = 91, .sender = "NEW", .results = 1});
    assert_int_equal(count(&s, "sender.unknown"), 1);
    assert_string_equal(severity(&s, "sender.unknown"), "high");
    detect_free(d);
}

/* Four that speak now and then: who was heard twice so far says that others may not have been heard yet. */
static void a_quiet_lab_is_not(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    for (int t = 0; t < 320; t += 40)
        message(d, (struct say){.src = t % 240 == 40 ? "10.0.5.13" : t % 80 == 0 ? "10.0.5.11" : "10.0.5.12", .at = t, .sender = "A", .results = 1});
    s.n = 0;
    message(d, (struct say){.src = "10.0.5.14", .at = 320, .sender = "D", .results = 1});
    assert_string_equal(severity(&s, "sender.unknown"), "low");
    detect_free(d);
}

/* Five analyzers of which one has little to say: if all were heard more than once, nobody is expected any more. */
static void one_that_is_heard_seldom_hides_nobody(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    for (int i = 0; i < 60; i++) {
        char src[16];
        (void)snprintf(src, sizeof src, "10.0.5.%d", 11 + i % 4);
        message(d, (struct say){.src = i == 4 || i == 40 ? "10.0.5.15" : src, .at = i * 12, .sender = "A", .results = 1});
    }
    message(d, (struct say){.src = "10.0.5.66", .at = 721, .sender = "NEW", .results = 1});
    assert_string_equal(s.severity[s.n - 1], "high");
    detect_free(d);
}

/* Where each device has a port of its own, one that waited for somebody is no sign of a stranger. */
static void a_port_that_waited_is_no_strangers(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    quiet_lab(d);
    s.n = 0;
    message(d, (struct say){.src = "10.0.5.14", .at = 200, .sender = "URIN", .results = 1, .port = 2577});
    assert_string_equal(severity(&s, "sender.unknown"), "low");
    s.n = 0;
    message(d, (struct say){.src = "10.0.5.15", .at = 2000, .sender = "GAS", .results = 1, .port = 2578});
    assert_string_equal(severity(&s, "sender.unknown"), "medium");
    detect_free(d);
}

/* A replay of an old capture: the sensor says in today's clock that it starts; the packets have another. */
static void learning_goes_by_the_packets_clock(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    static struct record r;
    record_start(&r, EVENT_CAPTURE_STARTED, INT64_C(1900000000000000000), NULL);
    detect_record(d, &r);
    message(d, (struct say){.src = "10.0.5.11", .at = 0, .sender = "COAG", .results = 1});
    message(d, (struct say){.src = "10.0.5.13", .at = 600, .sender = "CHEM", .results = 1});
    assert_int_equal(count(&s, "sender.unknown"), 1);
    detect_free(d);
}

static void first_sender_is_not_unknown(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    static struct record r;
    struct flow_ref f = flow_of("10.0.5.50", 9);
    record_start(&r, EVENT_FLOW_CLOSED, INT64_C(1700000000000000000), &f);
    detect_record(d, &r);
    message(d, (struct say){.src = "10.0.5.11", .at = 500, .sender = "COAG", .results = 1}); /* nobody was known: nothing to compare with */
    assert_int_equal(count(&s, "sender.unknown"), 0);
    detect_free(d);
}

static void spoofed_sender(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    quiet_lab(d);
    s.n = 0;
    message(d, (struct say){.src = "10.0.5.66", .at = 130, .sender = "COAG", .results = 1}); /* COAG spoke 20 s ago from .11 */
    assert_int_equal(count(&s, "sender.spoofed"), 1);
    assert_int_equal(count(&s, "sender.unknown"), 0);
    assert_string_equal(severity(&s, "sender.spoofed"), "critical");
    s.n = 0;
    message(d, (struct say){.src = "10.0.5.67", .at = 5000, .sender = "HEMA", .results = 1}); /* HEMA was silent: perhaps it has moved */
    assert_int_equal(count(&s, "sender.unknown"), 1);
    assert_int_equal(count(&s, "sender.spoofed"), 0);
    message(d, (struct say){.src = "10.0.5.12", .at = 5100, .sender = "HEMA", .results = 1}); /* it has not */
    assert_int_equal(count(&s, "sender.spoofed"), 1);
    detect_free(d);
}

/* Two devices that had one name from the start are twins, not a spoof. */
static void twins_are_no_spoof(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    for (int t = 0; t < 200; t += 10) {
        message(d, (struct say){.src = "10.0.5.11", .at = t, .sender = "COAG", .results = 1});
        message(d, (struct say){.src = "10.0.5.12", .at = t, .sender = "COAG", .results = 1});
    }
    assert_int_equal(count(&s, "sender.spoofed") + count(&s, "sender.unknown"), 0);
    detect_free(d);
}

/* A device that is given another address keeps its card; one that is given another name keeps its address; and nobody is mistaken for somebody by
 * that one. */
static void another_address_or_name(void **state)
{
    (void)state;
    struct seen s;
    for (int moved = 0; moved < 2; moved++) {
        struct detect *d = detector(&s);
        message(d, (struct say){.src = "10.0.5.9", .at = 0, .sender = "HEMA", .results = 1, .mac = "00:1b:21:00:00:09"});
        for (int i = 0; i < 10; i++)
            message(d, (struct say){.src = "10.0.5.7", .at = i * 60, .sender = "CHEM", .results = 1, .mac = i == 0 ? "00:1b:21:00:00:01" : NULL});
        message(d, (struct say){
                       .src = "10.0.5.8", .at = 660, .sender = "CHEM", .results = 1, .mac = moved == 1 ? "00:1b:21:00:00:01" : "00:1b:21:00:00:02"});
        assert_int_equal(count(&s, "sender.spoofed"), 1 - moved);
        assert_int_equal(count(&s, "sender.unknown"), moved);
        assert_string_equal(severity(&s, "sender.unknown"), moved == 1 ? "low" : "");
        message(d, (struct say){.src = "10.0.5.7", .at = 700, .sender = "CHEM", .results = 1}); /* it was not the same */
        assert_string_equal(severity(&s, "sender.spoofed"), "critical");
        detect_free(d);
    }

    /* One card stands for all, as in a capture that was made up, or behind a router: it says nothing of who comes. */
    for (int others = 0; others < 2; others++) {
        struct detect *d = detector(&s);
        for (int i = 0; i < 10; i++) {
            message(d, (struct say){.src = "10.0.5.7", .at = i * 60, .sender = "CHEM", .results = 1, .mac = i == 0 ? "00:1b:21:00:00:01" : NULL});
            if (others == 1)
                message(d, (struct say){.src = "10.0.5.9", .at = i * 60, .sender = "HEMA", .results = 1, .mac = i == 0 ? "00:1b:21:00:00:01" : NULL});
        }
        message(d, (struct say){.src = "10.0.5.8", .at = 660, .sender = "CHEM", .results = 1, .mac = "00:1b:21:00:00:01"});
        assert_int_equal(count(&s, "sender.spoofed"), 1);
        detect_free(d);
    }

    struct detect *d = detector(&s); /* heard for long, though not in the time of learning */
    for (int i = 0; i < 20; i++)
        message(d, (struct say){.src = "10.0.5.7", .at = i * 60, .sender = "CHEM", .results = 1});
    for (int i = 0; i < 20; i++)
        message(d, (struct say){.src = "10.0.5.8", .at = 1200 + i * 60, .sender = "HEMA", .results = 1});
    size_t told = count(&s, "sender.unknown");
    message(d, (struct say){.src = "10.0.5.8", .at = 2500, .sender = "HEMA-2", .results = 1});
    assert_int_equal(count(&s, "sender.unknown"), told + 1);
    assert_string_equal(s.severity[s.n - 1], "low");
    detect_free(d);

    d = detector(&s); /* the LIS to a middleware that calls itself LIS towards the analyzers */
    for (int i = 0; i < 10; i++)
        message(d, (struct say){.src = "10.0.5.7", .at = i * 60, .sender = "LIS", .type = "OML^O21", .back = true});
    message(d, (struct say){.src = "10.0.5.9", .at = 610, .sender = "LIS", .type = "OML^O21"});
    assert_int_equal(count(&s, "sender.spoofed"), 0);
    detect_free(d);
}

static void malformed_joins_by_reason(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    message(d, (struct say){.src = "10.0.5.11", .sender = "COAG", .malformed = "segment 4 (byte 812): does not begin with a segment name"});
    message(d, (struct say){.src = "10.0.5.11", .sender = "COAG", .malformed = "segment 12 (byte 90): does not begin with a segment name"});
    assert_int_equal(count(&s, "message.malformed"), 1);
    assert_string_equal(s.severity[0], "medium");
    message(d, (struct say){.src = "10.0.5.11", .sender = "COAG", .malformed = "MSH-9: the message type is missing"});
    message(d, (struct say){.src = "10.0.5.12", .sender = "HEMA", .malformed = "MSH-9: the message type is missing"});
    assert_int_equal(count(&s, "message.malformed"), 3);
    s.n = 0;
    message(d, (struct say){.src = "10.0.5.11", .sender = "COAG", .malformed = "bytes are missing at byte 7: the capture lost them"});
    assert_string_equal(severity(&s, "message.malformed"), "info");
    message(d, (struct say){.src = "10.0.5.11", .sender = "COAG", .malformed = "tcp: bytes of this stream were sent twice with different content"});
    assert_string_equal(severity(&s, "protocol.violation"), "high");
    message(d, (struct say){.src = "10.0.5.11", .sender = "COAG", .hostile = "control character in PID-5 (byte 90)"});
    assert_string_equal(severity(&s, "message.hostile"), "high");
    s.n = 0;
    message(d, (struct say){.src = "10.0.5.11", .sender = "COAG", .hostile = "shell command in PID-5 (byte 90)"});
    assert_string_equal(severity(&s, "message.hostile"), "critical");
    detect_free(d);
}

static void altered_result(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.1", .specimen = "S1", .value = "5.1", .status = "F"});
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.2", .specimen = "S1", .value = "5.1", .status = "F"}); /* the same again */
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.3", .specimen = "S2", .value = "7.0", .status = "F"}); /* another specimen */
    result(d, (struct value){
                  .src = "10.0.5.11", .message = "f1.0.4", .specimen = "S1", .value = "7.0", .status = "F", .observed = "2026-03-02T09:00:00"});
    result(d, (struct value){.src = "10.0.5.12", .message = "f2.0.1", .specimen = "S1", .value = "7.0", .status = "F"}); /* another link */
    assert_int_equal(s.n, 0);
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.5", .specimen = "S1", .value = "9.9", .status = "F"});
    assert_int_equal(count(&s, "result.altered"), 1);
    assert_string_equal(s.severity[0], "critical");
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.6", .specimen = "S1", .value = "8.8", .status = "F"}); /* the same cause */
    assert_int_equal(s.n, 1);
    detect_free(d);
}

/* A value that came in several pieces is one: a change in the last of them counts. */
static void altered_in_a_later_piece(void **state)
{
    (void)state;
    static const char *const last[] = {"ccc", "ccc", "ccd"};
    struct seen s;
    struct detect *d = detector(&s);
    for (size_t i = 0; i < 3; i++) {
        static struct record r;
        struct flow_ref f = flow_of("10.0.5.11", 0);
        char id[16];
        (void)snprintf(id, sizeof id, "f1.0.%zu", i + 1);
        record_start(&r, EVENT_LAB_RESULT, INT64_C(1700000000000000000), &f);
        record_str(&r, KEY_MESSAGE, id);
        record_str(&r, KEY_TEST_CODE, "IMG");
        record_str(&r, KEY_SPECIMEN, "S1");
        record_str(&r, KEY_VALUE, "aaa");
        record_str(&r, KEY_VALUE, "bbb");
        record_str(&r, KEY_VALUE, last[i]);
        record_str(&r, KEY_OBSERVED_AT, "2026-03-02T08:00:00");
        assert_int_equal(s.n, 0);
        detect_record(d, &r);
    }
    assert_int_equal(count(&s, "result.altered"), 1);
    detect_free(d);
}

static void corrections_and_progress_are_no_alteration(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.1", .specimen = "S1", .value = "5.1", .status = "F"});
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.2", .specimen = "S1", .value = "5.3", .status = "C"});
    assert_int_equal(s.n, 1);
    assert_string_equal(s.kind[0], "result.corrected");
    assert_string_equal(s.severity[0], "info");
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.3", .specimen = "S9", .value = "5.1", .status = "P"});
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.4", .specimen = "S9", .value = "5.4", .status = "F"});
    for (int i = 0; i < 3; i++) { /* replicates within one message, sent twice */
        result(d, (struct value){.src = "10.0.5.11",
                                 .message = "f1.0.5",
                                 .specimen = "S5",
                                 .value = i == 0   ? "1"
                                          : i == 1 ? "2"
                                                   : "3",
                                 .status = "F"});
        result(d, (struct value){.src = "10.0.5.11",
                                 .message = "f1.0.5",
                                 .specimen = "S5",
                                 .value = i == 0   ? "4"
                                          : i == 1 ? "5"
                                                   : "6",
                                 .status = "F"});
    }
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.6", .specimen = "S5", .value = "1", .status = "F"});
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.7", .specimen = "", .value = "1", .status = "F"}); /* no specimen: not comparable */
    result(d, (struct value){.src = "10.0.5.11", .message = "f1.0.8", .specimen = "", .value = "2", .status = "F"});
    assert_int_equal(s.n, 1);
    detect_free(d);
}

/* One message with one result, acknowledged. ours: our relay forwards it. */
static void exchange_with(struct detect *d, const char *control_id, const char *src, uint64_t flow, double when, const char *value, bool ours)
{
    static struct record r;
    struct flow_ref f = flow_of(src, flow);
    char id[32];
    (void)snprintf(id, sizeof id, "f%llu.0.1", (unsigned long long)flow);
    record_start(&r, EVENT_LAB_MESSAGE, (tq_time)(when * 1e9) + INT64_C(1700000000000000000), &f);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_MESSAGE_TYPE, "ORU^R01");
    record_str(&r, KEY_SENDER, "COAG");
    record_str(&r, KEY_CONTROL_ID, control_id);
    record_int(&r, KEY_RESULTS, 1);
    if (ours)
        record_str(&r, KEY_LINK_LEG, "forwarded");
    detect_record(d, &r);
    result(d, (struct value){.src = src, .flow = flow, .at = when, .message = id, .specimen = "S1", .value = value, .status = "F"});
    message(d, (struct say){.src = src, .flow = flow, .at = when, .sender = "LIS", .type = "ACK", .ack_for = control_id, .back = true});
}

static void exchange_as(struct detect *d, const char *control_id, const char *src, uint64_t flow, double when, const char *value)
{
    exchange_with(d, control_id, src, flow, when, value, false);
}

static void exchange(struct detect *d, const char *src, uint64_t flow, double when, const char *value)
{
    exchange_as(d, "A45-1", src, flow, when, value);
}

static void replayed_message(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    exchange(d, "10.0.5.11", 5, 1, "5.1");
    exchange(d, "10.0.5.11", 6, 30, "5.1"); /* soon again: the sender was not sure */
    assert_int_equal(count(&s, "result.replayed"), 0);
    exchange(d, "10.0.5.11", 7, 7200, "5.1");
    assert_int_equal(count(&s, "result.replayed"), 1);
    assert_string_equal(severity(&s, "result.replayed"), "medium");
    s.n = 0;
    exchange(d, "10.0.5.66", 8, 7300, "5.1");
    assert_string_equal(severity(&s, "result.replayed"), "high");
    s.n = 0;
    exchange(d, "10.0.5.66", 9, 9300, "6.6"); /* other content: no replay */
    assert_int_equal(count(&s, "result.replayed"), 0);
    detect_free(d);

    d = detector(&s);
    exchange(d, "10.0.5.11", 5, 1, "5.1");
    exchange_as(d, "A45-2", "10.0.5.11", 5, 2, "5.5");
    exchange(d, "10.0.5.11", 6, 30, "5.1"); /* soon, but its connection had gone on to another message */
    assert_int_equal(count(&s, "result.replayed"), 1);
    detect_free(d);

    d = detector(&s);
    exchange(d, "10.0.5.11", 5, 1, "5.1");
    exchange_as(d, "A45-2", "10.0.5.11", 5, 2, "5.5");
    exchange_with(d, "A45-1", "10.0.5.11", 6, 7200, "5.1", true); /* a relay that stopped in between, and is not sure */
    assert_int_equal(count(&s, "result.replayed"), 0);
    exchange(d, "10.0.5.11", 7, 9000, "5.1");
    assert_int_equal(count(&s, "result.replayed"), 1);
    detect_free(d);
}

/* A device that connects anew for each message went on to others on other connections. */
static void replayed_on_connections_of_their_own(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    exchange(d, "10.0.5.11", 5, 1, "5.1");
    exchange_as(d, "A45-2", "10.0.5.11", 6, 20, "5.5");
    exchange(d, "10.0.5.11", 7, 60, "5.1");
    assert_int_equal(count(&s, "result.replayed"), 1);
    detect_free(d);

    d = detector(&s);
    exchange(d, "10.0.5.11", 5, 1, "5.1");
    exchange(d, "10.0.5.11", 6, 300, "5.1"); /* it had to connect anew: the answer may be lost */
    assert_int_equal(count(&s, "result.replayed"), 0);
    detect_free(d);

    d = detector(&s);
    exchange(d, "10.0.5.11", 5, 1, "5.1");
    exchange(d, "10.0.5.11", 5, 300, "5.1"); /* it had not */
    assert_int_equal(count(&s, "result.replayed"), 1);
    detect_free(d);
}

/* One result in a message of its own, sent ten minutes after it was measured. */
static void late_result(struct detect *d, unsigned ordinal, double at, const char *specimen, const char *status)
{
    static struct record r;
    char id[16];
    struct flow_ref f = flow_of("10.0.5.11", 5);
    (void)snprintf(id, sizeof id, "f5.0.%u", ordinal);
    record_start(&r, EVENT_LAB_MESSAGE, (tq_time)(at * 1e9) + INT64_C(1700000000000000000), &f);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_MESSAGE_TYPE, "ORU^R01");
    record_str(&r, KEY_SENT_AT, "2026-03-02T08:10:00");
    record_int(&r, KEY_RESULTS, 1);
    detect_record(d, &r);
    result(d, (struct value){.src = "10.0.5.11", .flow = 5, .at = at, .message = id, .specimen = specimen, .value = "5.1", .status = status});
}

/* What it corrects was never sent, or the capture lost it. */
static void a_correction_of_nothing(void **state)
{
    (void)state;
    struct seen s;
    for (int lost = 0; lost < 2; lost++) {
        struct detect *d = detector(&s);
        late_result(d, 1, 0, "S1", "F");
        if (lost == 1)
            message(d, (struct say){.src = "10.0.5.11", .flow = 5, .at = 3300, .malformed = "bytes are missing"});
        late_result(d, 2, 3600, "S2", "C");
        assert_int_equal(count(&s, "result.altered"), 1 - lost);
        detect_free(d);
    }
}

/* A correction that says the same, because it was rounded, is none of old results that come again. */
static void a_correction_is_no_replay(void **state)
{
    static const char *const status[] = {"F", "F", "C"};
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    for (unsigned i = 0; i < 3; i++) {
        char id[] = "f5.0.1001";
        char control[] = "A1";
        id[8] = (char)('1' + i);
        control[1] = (char)('1' + i);
        static struct record r;
        struct flow_ref f = flow_of("10.0.5.11", 5);
        record_start(&r, EVENT_LAB_MESSAGE, (tq_time)(i * 1e9) + INT64_C(1700000000000000000), &f);
        record_str(&r, KEY_MESSAGE_ID, id);
        record_str(&r, KEY_MESSAGE_TYPE, "ORU^R01");
        record_str(&r, KEY_CONTROL_ID, control);
        record_int(&r, KEY_RESULTS, 1);
        detect_record(d, &r);
        result(d, (struct value){
                      .src = "10.0.5.11", .flow = 5, .at = i, .message = id, .specimen = i == 1 ? "S2" : "S1", .value = "0.3", .status = status[i]});
        message(d, (struct say){.src = "10.0.5.11", .flow = 5, .at = i, .type = "ACK", .ack_for = control, .back = true});
    }
    assert_int_equal(count(&s, "result.replayed"), 0);
    detect_free(d);
}

static void state_survives(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    quiet_lab(d);
    struct buf saved = BUF_INIT(1 << 24);
    detect_save(d, &saved);
    assert_true(buf_ok(&saved));
    detect_free(d);

    d = detector(&s);
    struct error e = {0};
    assert_int_equal(detect_restore(d, buf_span(&saved), &e), 0);
    message(d, (struct say){.src = "10.0.5.11", .at = 90000, .sender = "COAG", .results = 1});
    assert_int_equal(count(&s, "sender.unknown"), 0);
    message(d, (struct say){.src = "10.0.5.66", .at = 90001, .sender = "NEW", .results = 1}); /* no second learning time */
    assert_int_equal(count(&s, "sender.unknown"), 1);
    assert_int_equal(detect_restore(d, buf_span(&saved), &e), -1); /* too late */
    detect_free(d);

    for (size_t cut = 0; cut < saved.n; cut += 7) {
        d = detector(&s);
        assert_int_equal(detect_restore(d, span_of(saved.p, cut), &e), -1);
        assert_int_equal(e.class, ERR_CORRUPT);
        detect_free(d);
    }
    /* names are kept as digests only */
    for (size_t i = 0; i + 4 <= saved.n; i++)
        assert_memory_not_equal(saved.p + i, "COAG", 4);
    buf_release(&saved);
}

static void add_kind(void *context, const char *kind, uint64_t n)
{
    char *text = context;
    size_t used = strlen(text);
    (void)snprintf(text + used, 256 - used, "%s=%llu ", kind, (unsigned long long)n);
}

static void kinds_are_counted(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    quiet_lab(d);
    message(d, (struct say){.src = "10.0.5.11", .at = 130, .sender = "COAG", .malformed = "MSH-9: the message type is missing"});
    char text[256] = "";
    detect_kinds(d, add_kind, text);
    assert_string_equal(text, "message.malformed=1 phi.cleartext=2 ");
    detect_free(d);
}

/* What is kept of a conversation's keys is what they would be if they were made anew: for each name, direction and port. */
static void keys_are_those_of_the_conversation(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *id;
        uint64_t flow;
        uint16_t port;
    } all[] = {{"XN-1000", "f7.0.1", 7, 2575},
               {"XN-2000", "f7.0.2", 7, 2575},
               {"XN-1000", "f7.1.1", 7, 2575},
               {"XN-1000", "f7.0.3", 7, 2576},
               {"", "f7.0.4", 7, 2575},
               {"a name that is longer than what is kept of names: the first", "f7.0.5", 7, 2575},
               {"a name that is longer than what is kept of names: the other", "f7.0.6", 7, 2575},
               {"XN-1000", "f8.0.1", 8, 2575}};
    enum { N = sizeof all / sizeof all[0] };
    struct digest fresh[N][WHO_KEYS];
    struct seen s;
    struct detect *d = detector(&s);
    for (size_t round = 0; round < 4 * N; round++) {
        size_t i = round % N;
        struct record r = {.flow = {.id = all[i].flow, .proto = 6, .sport = 40000, .dport = all[i].port}};
        r.flow.src = (struct address){.bytes = {10, 0, 5, 11}, .family = 4};
        r.flow.dst = (struct address){.bytes = {10, 0, 5, 1}, .family = 4};
        struct parties p;
        parties_of(&r, span_str(all[i].id), &p);
        if (round < N) {
            struct seen none;
            struct detect *other = detector(&none);
            memcpy(fresh[i], who_of(other, &r, &p, span_str(all[i].name), true, true)->keys, sizeof fresh[i]);
            detect_free(other);
        }
        const struct who *w = who_of(d, &r, &p, span_str(all[i].name), round / N % 2 == 0, round / N % 2 == 1); /* a part of them first */
        enum who_key first = round / N % 2 == 0 ? WHO_LINK_BACK : WHO_CLOCK;
        enum who_key last = round / N % 2 == 0 ? WHO_CLOCK : WHO_LATEST;
        assert_memory_equal(&w->keys[first], &fresh[i][first], (last - first + 1) * sizeof fresh[i][0]);
        if (round >= 2 * N)
            assert_memory_equal(who_of(d, &r, &p, span_str(all[i].name), true, true)->keys, fresh[i], sizeof fresh[i]);
    }
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(memcmp(fresh[i], fresh[k], sizeof fresh[i]) != 0);
    assert_true(digest_equal(fresh[0][WHO_LINK], fresh[2][WHO_LINK_BACK]));
    assert_false(digest_equal(fresh[5][WHO_PAIR], fresh[6][WHO_PAIR]));
    detect_free(d);
}

static void attempts(struct detect *d, const char *src, const char *role, int64_t n, int64_t ends)
{
    static struct record r;
    struct flow_ref f = flow_of(src, 0);
    record_start(&r, EVENT_NETWORK_ATTEMPTS, INT64_C(1700000000000000000), &f);
    record_str(&r, KEY_IP, strcmp(role, "target") == 0 ? "10.0.5.2" : src);
    record_str(&r, KEY_ROLE, role);
    record_int(&r, KEY_ATTEMPTS, n);
    record_int(&r, KEY_ENDS, ends);
    detect_record(d, &r);
}

static void scans_and_floods(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    attempts(d, "10.0.5.77", "source", 15, 15);
    attempts(d, "10.0.5.77", "source", 20, 15);
    assert_int_equal(s.n, 1); /* one cause */
    assert_string_equal(severity(&s, "network.scan"), "medium");
    attempts(d, "10.0.5.77", "source", 200, 128);
    assert_int_equal(s.n, 2); /* it got worse */
    assert_string_equal(s.severity[1], "high");
    attempts(d, "10.0.5.78", "target", 2000, 1);
    attempts(d, "10.0.5.79", "target", 2000, 256);
    assert_int_equal(s.n, 3); /* one end is flooded, by whomever */
    assert_string_equal(severity(&s, "network.flood"), "high");
    detect_free(d);
}

/* n messages, one a second, stamped by a clock that is so many seconds off and in such a zone; jitter: seconds by which stamps differ. */
static void stamped(struct detect *d, double from, int n, int64_t off, const char *zone, int jitter)
{
    for (int i = 0; i < n; i++) {
        char stamp[TIME_TEXT + 8];
        (void)time_format(((int64_t)from + i + off + (jitter > 0 ? i * 37 % jitter : 0)) * TIME_SECOND + INT64_C(1700000000000000000), stamp);
        (void)snprintf(stamp + 19, sizeof stamp - 19, "%s", zone);
        message(d, (struct say){.src = "10.0.5.7", .at = from + i, .sender = "CHEM", .results = 1, .sent_at = stamp});
    }
}

static void wrong_clocks_are_told(void **state)
{
    (void)state;
    static const struct {
        int64_t off;
        const char *zone;
        int jitter;
        const char *severity; /* "": no finding */
    } cases[] = {
        {0, "", 0, ""},
        {0, "Z", 0, ""},
        {-6 * 3600, "", 0, ""}, /* another zone is no wrong clock */
        {119, "", 0, ""},
        {240, "", 0, "low"},
        {-240, "", 0, "low"},
        {5 * 3600 + 1800 + 300, "", 0, "low"},
        {300, "Z", 20, "low"},
        {7200, "Z", 0, "medium"},
        {-86400 * 400, "", 0, "medium"},
        {300, "", 200, ""}, /* not steady: kept for later */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct seen s;
        struct detect *d = detector(&s);
        stamped(d, 1, 14, cases[i].off, cases[i].zone, cases[i].jitter);
        assert_int_equal(count(&s, "device.clock"), 0); /* too early to say */
        stamped(d, 15, 30, cases[i].off, cases[i].zone, cases[i].jitter);
        assert_int_equal(count(&s, "device.clock"), cases[i].severity[0] != 0);
        assert_string_equal(severity(&s, "device.clock"), cases[i].severity);
        detect_free(d);
    }
    struct seen s;
    struct detect *d = detector(&s);
    stamped(d, 1, 20, 240, "", 0);
    stamped(d, 30, 20, 0, "", 0); /* it was set */
    message(d, (struct say){.src = "10.0.5.7", .at = 60, .sender = "CHEM", .results = 1, .sent_at = "yesterday"});
    assert_int_equal(count(&s, "device.clock"), 1);
    detect_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_clocks_are_told),
        cmocka_unit_test(clear_text_once_a_link),
        cmocka_unit_test(unknown_sender),
        cmocka_unit_test(scans_and_floods),
        cmocka_unit_test(learning_takes_all),
        cmocka_unit_test(a_lab_is_not_heard_in_a_minute),
        cmocka_unit_test(a_busy_lab_is_known_soon),
        cmocka_unit_test(a_quiet_lab_is_not),
        cmocka_unit_test(one_that_is_heard_seldom_hides_nobody),
        cmocka_unit_test(a_port_that_waited_is_no_strangers),
        cmocka_unit_test(learning_goes_by_the_packets_clock),
        cmocka_unit_test(first_sender_is_not_unknown),
        cmocka_unit_test(spoofed_sender),
        cmocka_unit_test(twins_are_no_spoof),
        cmocka_unit_test(a_correction_of_nothing),
        cmocka_unit_test(another_address_or_name),
        cmocka_unit_test(malformed_joins_by_reason),
        cmocka_unit_test(altered_result),
        cmocka_unit_test(altered_in_a_later_piece),
        cmocka_unit_test(corrections_and_progress_are_no_alteration),
        cmocka_unit_test(replayed_message),
        cmocka_unit_test(replayed_on_connections_of_their_own),
        cmocka_unit_test(a_correction_is_no_replay),
        cmocka_unit_test(state_survives),
        cmocka_unit_test(kinds_are_counted),
        cmocka_unit_test(keys_are_those_of_the_conversation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
