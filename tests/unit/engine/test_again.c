/* Somebody else's address, and what is sent again: from two network cards, by ARP, within seconds, for another specimen. */
#include "engine/detect/detect_private.h"

#include "../cmocka_all.h"

#include <stdio.h>

#define MOST 64
#define EPOCH INT64_C(1700000000000000000)

struct seen {
    char kind[MOST][24];
    char severity[MOST][12];
    char subjects[MOST][160];
    size_t n;
};

static void copy(char *out, size_t size, struct span s)
{
    (void)snprintf(out, size, "%.*s", (int)s.n, (const char *)s.p);
}

static void take(void *context, const struct record *r)
{
    struct seen *s = context;
    if (r->event != EVENT_FINDING || span_is(record_get(r, KEY_KIND), "phi.cleartext"))
        return;
    assert_true(s->n < MOST);
    copy(s->kind[s->n], sizeof s->kind[0], record_get(r, KEY_KIND));
    copy(s->severity[s->n], sizeof s->severity[0], record_get(r, KEY_SEVERITY));
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

/* The severity that was told last of this kind. */
static const char *latest(const struct seen *s, const char *kind)
{
    for (size_t i = s->n; i-- > 0;)
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
    uint64_t flow;
    double at;
    const char *control;
    const char *mac;
    const char *specimen;
    const char *patient;
    const char *const *values; /* of a panel, to a NULL; NULL: one value */
    double answered;           /* so long after; 0: never */
    const char *answer_mac;
    uint16_t port; /* from which it comes; 0: one of the flow's own */
    bool far;      /* to a LIS in another network */
};

static void record_of(struct record *r, enum event event, const struct say *m, double at)
{
    struct flow_ref f = {.id = m->flow, .proto = 6, .sport = (uint16_t)(m->port != 0 ? m->port : 40000 + m->flow), .dport = 2575};
    assert_true(address_parse(SPAN_LIT("10.0.5.7"), &f.src));
    assert_true(address_parse(m->far ? SPAN_LIT("10.0.6.2") : SPAN_LIT("10.0.5.2"), &f.dst));
    record_start(r, event, EPOCH + (tq_time)(at * 1e9), &f);
}

static void say(struct detect *d, struct say m)
{
    static const char *const one[] = {"5.1", NULL};
    static struct record r;
    static unsigned ordinal;
    const char *const *values = m.values != NULL ? m.values : one;
    size_t n = 0;
    while (values[n] != NULL)
        n++;
    char id[64];
    char code[32];
    (void)snprintf(id, sizeof id, "f%llu.0.%u", (unsigned long long)m.flow, ++ordinal);
    record_of(&r, EVENT_LAB_MESSAGE, &m, m.at);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_PROTOCOL, "hl7");
    record_str(&r, KEY_MESSAGE_TYPE, "ORU^R01");
    record_str(&r, KEY_SENDER, "CHEM");
    record_str(&r, KEY_CONTROL_ID, m.control);
    record_int(&r, KEY_RESULTS, (int64_t)n);
    record_str(&r, KEY_MAC, m.mac);
    detect_record(d, &r);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(code, sizeof code, "T%zu", i);
        record_of(&r, EVENT_LAB_RESULT, &m, m.at);
        record_str(&r, KEY_MESSAGE, id);
        record_str(&r, KEY_TEST_CODE, code);
        record_str(&r, KEY_SPECIMEN, m.specimen);
        record_str(&r, KEY_PATIENT, m.patient);
        record_str(&r, KEY_VALUE, values[i]);
        record_str(&r, KEY_STATUS, "F");
        record_str(&r, KEY_OBSERVED_AT, "2023-11-14T22:00:00");
        detect_record(d, &r);
    }
    if (m.answered <= 0)
        return;
    record_of(&r, EVENT_LAB_MESSAGE, &m, m.at + m.answered);
    (void)snprintf(id, sizeof id, "f%llu.1.%u", (unsigned long long)m.flow, ordinal);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_MESSAGE_TYPE, "ACK");
    record_str(&r, KEY_ACK_CODE, "AA");
    record_str(&r, KEY_ACK_FOR, m.control);
    record_str(&r, KEY_MAC, m.answer_mac);
    detect_record(d, &r);
}

static void claim(struct detect *d, const char *role)
{
    static struct record r;
    record_start(&r, EVENT_NETWORK_CLAIMS, INT64_C(1700000000000000000), NULL);
    record_str(&r, KEY_IP, "10.0.5.2");
    record_str(&r, KEY_MAC, "66:77:88:99:aa:bb");
    record_str(&r, KEY_HOLDER, "00:1b:21:00:00:01");
    record_str(&r, KEY_ROLE, role);
    detect_record(d, &r);
}

static void claimed_addresses_are_told(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    claim(d, "shared");
    claim(d, "shared");
    assert_int_equal(s.n, 1);
    assert_string_equal(latest(&s, "network.arp_spoof"), "medium");
    claim(d, "pushed");
    assert_int_equal(s.n, 2);
    assert_string_equal(s.severity[1], "high");
    assert_string_equal(s.subjects[1], "10.0.5.2,66:77:88:99:aa:bb,00:1b:21:00:00:01");
    detect_free(d);
}

#define HOME "00:1b:21:00:00:01"
#define OTHER "66:77:88:99:aa:bb"

/* n messages on one connection, one in ten seconds; the first says its card. */
static void from_card(struct detect *d, uint64_t flow, double at, int n, const char *mac)
{
    for (int i = 0; i < n; i++) {
        char specimen[24];
        (void)snprintf(specimen, sizeof specimen, "S%llu-%d", (unsigned long long)flow, i);
        say(d, (struct say){.flow = flow, .at = at + i * 10, .specimen = specimen, .mac = i == 0 ? mac : NULL});
    }
}

static void two_cards_with_one_address(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    from_card(d, 1, 0, 20, HOME);
    from_card(d, 5, 205, 1, OTHER);
    assert_string_equal(latest(&s, "sender.spoofed"), "low"); /* a new card, for all that is known */
    from_card(d, 1, 210, 1, NULL);                            /* the connection that was there before still speaks */
    assert_string_equal(latest(&s, "sender.spoofed"), "high");
    detect_free(d);

    d = detector(&s); /* who connects anew for each message */
    for (uint64_t i = 0; i < 20; i++)
        from_card(d, 1 + i, (double)i * 20, 1, HOME);
    from_card(d, 30, 405, 1, OTHER);
    from_card(d, 31, 420, 1, HOME);
    assert_string_equal(latest(&s, "sender.spoofed"), "medium");
    from_card(d, 32, 440, 1, HOME);
    assert_string_equal(latest(&s, "sender.spoofed"), "high");
    detect_free(d);
}

static void a_card_that_is_replaced(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s); /* another machine takes over, and is replaced in turn long after */
    from_card(d, 1, 0, 20, HOME);
    from_card(d, 5, 205, 120, OTHER);
    from_card(d, 6, 1500, 1, OTHER);
    from_card(d, 7, 1700, 20, HOME);
    assert_string_equal(latest(&s, "sender.spoofed"), "low");
    detect_free(d);

    d = detector(&s); /* a standby that takes over for a while, of a device that connects anew for each message */
    for (uint64_t i = 0; i < 60; i++)
        from_card(d, 1 + i, (double)i * 20, 1, i < 20 || i >= 30 ? HOME : OTHER);
    assert_int_equal(count(&s, "sender.spoofed"), 1);
    assert_string_equal(latest(&s, "sender.spoofed"), "low");
    detect_free(d);

    d = detector(&s); /* one connection, seen in front of somebody in between and behind him, since he is there */
    for (int i = 0; i < 40; i++) {
        say(d, (struct say){.flow = 1, .port = 4000, .at = i * 10, .specimen = "S", .mac = i == 0 ? HOME : NULL});
        if (i >= 20)
            say(d, (struct say){.flow = 2, .port = 4000, .at = i * 10 + 0.1, .specimen = "S", .mac = i == 20 ? OTHER : NULL});
    }
    assert_string_equal(latest(&s, "sender.spoofed"), "low");
    detect_free(d);

    d = detector(&s); /* a habit */
    for (uint64_t i = 0; i < 40; i++)
        from_card(d, 1 + i, (double)i * 20, 1, i % 3 == 1 ? OTHER : HOME);
    assert_int_equal(count(&s, "sender.spoofed"), 0);
    detect_free(d);

    d = detector(&s); /* two who have not sent often: which of both is the usual one is not known */
    from_card(d, 1, 0, 1, HOME);
    from_card(d, 2, 90, 1, HOME);
    from_card(d, 3, 180, 1, OTHER);
    from_card(d, 4, 270, 1, HOME);
    assert_string_equal(latest(&s, "sender.spoofed"), "low");
    detect_free(d);
}

/* A message and its answer, each from the card that is said. */
static void both_ends(struct detect *d, uint64_t flow, double at, const char *device, const char *lis, bool far)
{
    char control[16];
    (void)snprintf(control, sizeof control, "C%g", at);
    say(d,
        (struct say){.flow = flow, .at = at, .control = control, .specimen = control, .mac = device, .answered = 0.1, .answer_mac = lis, .far = far});
}

static void somebody_in_between(void **state)
{
    static const char lis[] = "00:1b:21:00:00:02";
    (void)state;
    struct seen s;
    struct detect *d = detector(&s); /* since before the capture began: each leg is a connection */
    for (int i = 0; i < 3; i++) {
        both_ends(d, 1, i * 20, i == 0 ? HOME : NULL, i == 0 ? OTHER : NULL, false);
        both_ends(d, 2, i * 20 + 0.05, i == 0 ? OTHER : NULL, i == 0 ? lis : NULL, false);
    }
    assert_int_equal(count(&s, "sender.spoofed"), 1);
    assert_string_equal(latest(&s, "sender.spoofed"), "high");
    detect_free(d);

    d = detector(&s); /* a router or a firewall has a card on each side */
    for (int i = 0; i < 3; i++) {
        both_ends(d, 1, i * 20, i == 0 ? HOME : NULL, i == 0 ? OTHER : NULL, false);
        both_ends(d, 2, i * 20 + 0.05, i == 0 ? "66:77:88:99:aa:bc" : NULL, i == 0 ? lis : NULL, false);
    }
    assert_int_equal(count(&s, "sender.spoofed"), 0);
    detect_free(d);

    d = detector(&s); /* … or one for several networks, and is heard in two of them */
    for (int i = 0; i < 3; i++) {
        both_ends(d, 1, i * 20, i == 0 ? HOME : NULL, i == 0 ? OTHER : NULL, true);
        both_ends(d, 2, i * 20 + 0.05, i == 0 ? OTHER : NULL, i == 0 ? lis : NULL, true);
    }
    assert_int_equal(count(&s, "sender.spoofed"), 0);
    detect_free(d);

    d = detector(&s); /* one card stands for all: the capture does not show theirs */
    for (int i = 0; i < 3; i++)
        both_ends(d, 1 + (uint64_t)i, i * 20, OTHER, OTHER, false);
    assert_int_equal(count(&s, "sender.spoofed"), 0);
    detect_free(d);
}

/* n messages of different specimens, ten seconds apart, each answered at once. */
static void ordinary(struct detect *d, int first, int n)
{
    for (int i = first; i < first + n; i++) {
        char control[16];
        char specimen[16];
        char patient[16];
        char values[6][12];
        const char *panel[7] = {0};
        (void)snprintf(control, sizeof control, "C%d", i);
        (void)snprintf(specimen, sizeof specimen, "S%d", i);
        (void)snprintf(patient, sizeof patient, "P%d", i);
        for (int k = 0; k < 6; k++) {
            (void)snprintf(values[k], sizeof values[k], "%d.%d", 100 + i * 7 % (40 + k), (i + k) % 10);
            panel[k] = values[k];
        }
        say(d, (struct say){.flow = 1, .at = i * 10, .control = control, .specimen = specimen, .patient = patient, .values = panel, .answered = 0.1});
    }
}

/* The message of ordinary() once more. */
static void once_more_on(struct detect *d, uint64_t flow, int of, double at, const char *control, const char *specimen, const char *patient)
{
    char values[6][12];
    const char *panel[7] = {0};
    for (int k = 0; k < 6; k++) {
        (void)snprintf(values[k], sizeof values[k], "%d.%d", 100 + of * 7 % (40 + k), (of + k) % 10);
        panel[k] = values[k];
    }
    say(d, (struct say){.flow = flow, .at = at, .control = control, .specimen = specimen, .patient = patient, .values = panel, .answered = 0.1});
}

static void once_more(struct detect *d, int of, double at, const char *control, const char *specimen, const char *patient)
{
    once_more_on(d, 1, of, at, control, specimen, patient);
}

/* … for the same specimen, on another connection. */
static void sent_on(struct detect *d, uint64_t flow, int of, double at, const char *control)
{
    char specimen[16];
    char patient[16];
    (void)snprintf(specimen, sizeof specimen, "S%d", of);
    (void)snprintf(patient, sizeof patient, "P%d", of);
    once_more_on(d, flow, of, at, control, specimen, patient);
}

static void again_within_seconds(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    ordinary(d, 0, 20);
    once_more(d, 19, 195, "C19", "S19", "P19");
    assert_string_equal(latest(&s, "result.replayed"), "medium");
    detect_free(d);

    d = detector(&s); /* under a new number */
    ordinary(d, 0, 20);
    once_more(d, 19, 195, "C900", "S19", "P19");
    assert_string_equal(latest(&s, "result.replayed"), "medium");
    detect_free(d);

    d = detector(&s); /* its answer was on its way */
    ordinary(d, 0, 20);
    once_more(d, 19, 190.5, "C19", "S19", "P19");
    assert_int_equal(count(&s, "result.replayed"), 0);
    detect_free(d);
}

/* A device that was switched off and on sends its last results again, up to the very last. One old message alone is not that; nor is what comes after
 * hours. */
static void a_device_that_starts_again(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    ordinary(d, 0, 20);
    for (int i = 17; i < 20; i++)
        sent_on(d, 2, i, 250 + i, (char[]){'N', (char)('0' + i - 10), 0});
    ordinary(d, 40, 5);
    detect_end(d);
    assert_string_equal(latest(&s, "result.replayed"), "low");
    detect_free(d);

    for (int follows = 0; follows < 2; follows++) {
        d = detector(&s);
        ordinary(d, 0, 20);
        sent_on(d, 2, 17, 250, follows == 0 ? "C17" : "N1");
        assert_string_equal(latest(&s, "result.replayed"), "low"); /* so far */
        if (follows == 1)
            ordinary(d, 40, 1);
        else
            detect_end(d);
        assert_string_equal(latest(&s, "result.replayed"), "medium");
        detect_free(d);
    }

    d = detector(&s);
    ordinary(d, 0, 20);
    sent_on(d, 2, 19, 7200, "N1");
    assert_string_equal(latest(&s, "result.replayed"), "medium");
    detect_free(d);
}

/* Where the capture has a hole in it, nobody can say what is wrong with a message. */
static void damaged_by_the_capture(void **state)
{
    (void)state;
    static struct record r;
    struct seen s;
    for (int gaps = 0; gaps < 2; gaps++) {
        struct detect *d = detector(&s);
        const struct say m = {.flow = 1};
        record_of(&r, EVENT_LAB_MESSAGE, &m, gaps);
        record_str(&r, KEY_MESSAGE_ID, gaps == 0 ? "f1.0.1" : "f1.0.2");
        record_str(&r, KEY_MESSAGE_TYPE, "ASTM.RESULT");
        record_str(&r, KEY_MALFORMED, "H: the message has no header record");
        record_int(&r, KEY_RESULTS, 0);
        if (gaps > 0)
            record_int(&r, KEY_GAPS, gaps);
        detect_record(d, &r);
        assert_string_equal(latest(&s, "message.malformed"), gaps == 0 ? "medium" : "info");
        detect_free(d);
    }
}

/* There are devices that say everything twice. */
static void a_habit_of_repeating(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    for (int i = 0; i < 20; i++) {
        char control[16];
        char specimen[16];
        (void)snprintf(control, sizeof control, "C%d", i);
        (void)snprintf(specimen, sizeof specimen, "S%d", i);
        ordinary(d, i, 1);
        once_more(d, i, i * 10 + 3, control, specimen, specimen[1] != 0 ? (char[]){'P', specimen[1], specimen[2], 0} : NULL);
    }
    assert_true(count(&s, "result.replayed") > 0);
    assert_string_equal(latest(&s, "result.replayed"), "low");
    detect_free(d);
}

/* A result with four values, over a connection of its own. */
static void repeated(struct detect *d, int i, int again, double at)
{
    char text[4][16];
    (void)snprintf(text[0], sizeof text[0], "S%d", i);
    (void)snprintf(text[1], sizeof text[1], "P%d", i);
    (void)snprintf(text[2], sizeof text[2], "%d.%d", 3 + i % 7, i % 10);
    (void)snprintf(text[3], sizeof text[3], "C%d-%d", i, again);
    const char *const values[] = {text[2], "7.1", "8.2", "9.3", NULL};
    say(d, (struct say){.flow = 1 + (uint64_t)i * 2 + (uint64_t)again,
                        .at = at,
                        .control = text[3],
                        .specimen = text[0],
                        .patient = text[1],
                        .values = values,
                        .answered = 0.1});
}

/* … also where the first repetition comes when the next message was sent already, and each comes over a connection of its own. */
static void a_habit_of_repeating_late(void **state)
{
    (void)state;
    struct seen s;
    for (int known = 0; known < 2; known++) {
        struct detect *d = detector(&s);
        for (int i = 0; i < 40; i++) {
            bool late = known == 0 || i >= 20; /* at first, nothing comes between */
            repeated(d, i, 0, i * 30);
            if (!late || i > 0)
                repeated(d, late ? i - 1 : i, 1, i * 30 + 10);
        }
        assert_true(known == 1 || count(&s, "result.replayed") > 0);
        assert_true(count(&s, "result.replayed") == 0 || strcmp(latest(&s, "result.replayed"), "low") == 0);
        detect_free(d);
    }
}

static void values_of_another_specimen(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    ordinary(d, 0, 20);
    once_more(d, 15, 300, "C901", "S901", "P901");
    assert_int_equal(count(&s, "result.replayed"), 1);
    assert_string_equal(latest(&s, "result.replayed"), "high");
    detect_free(d);

    d = detector(&s); /* another specimen of the same person: it may have got a new number */
    ordinary(d, 0, 20);
    once_more(d, 15, 300, "C901", "S901", "P15");
    assert_int_equal(count(&s, "result.replayed"), 0);
    detect_free(d);

    d = detector(&s); /* on a busy day some two of thousands have the same values: not one after the other */
    ordinary(d, 0, 700);
    once_more(d, 40, 7010, "C901", "S901", "P901");
    assert_int_equal(count(&s, "result.replayed"), 0);
    once_more(d, 695, 7020, "C902", "S902", "P902");
    assert_string_equal(latest(&s, "result.replayed"), "medium");
    detect_free(d);

    d = detector(&s); /* much later: by then chance can do that */
    ordinary(d, 0, 20);
    once_more(d, 15, 9000, "C901", "S901", "P901");
    assert_int_equal(count(&s, "result.replayed"), 0);
    detect_free(d);
}

/* A link that is tried out with more in a second than is measured in an hour: its values come round. */
static void values_that_come_round(void **state)
{
    (void)state;
    struct seen s;
    struct detect *d = detector(&s);
    for (int i = 0; i < 400; i++) {
        char text[3][16];
        (void)snprintf(text[0], sizeof text[0], "C%d", i);
        (void)snprintf(text[1], sizeof text[1], "S%d", i);
        (void)snprintf(text[2], sizeof text[2], "P%d", i);
        char values[6][16];
        const char *panel[7] = {0};
        for (int k = 0; k < 6; k++) {
            (void)snprintf(values[k], sizeof values[k], "%d.%d", 100 + i % 150, k);
            panel[k] = values[k];
        }
        say(d,
            (struct say){.flow = 1, .at = i * 0.05, .control = text[0], .specimen = text[1], .patient = text[2], .values = panel, .answered = 0.01});
    }
    assert_int_equal(count(&s, "result.replayed"), 0);
    detect_free(d);
}

/* What is alike for most people, and what is made up. */
static void values_that_many_have(void **state)
{
    static const char *const negative[] = {"negative", "negative", "negative", "negative", "negative", NULL};
    static const char *const strip[] = {"negative", "6", "5", "negative", "1", "0", "0", NULL};
    static const char *const made_up[] = {"101.5", "4.25", "88.8", "12.75", "139.4", NULL};
    const char *const *const all[] = {negative, strip, made_up};
    (void)state;
    for (size_t which = 0; which < 3; which++) {
        struct seen s;
        struct detect *d = detector(&s);
        for (int i = 0; i < 30; i++) {
            char text[3][16];
            (void)snprintf(text[0], sizeof text[0], "C%d", i);
            (void)snprintf(text[1], sizeof text[1], "S%d", i);
            (void)snprintf(text[2], sizeof text[2], "P%d", i);
            say(d, (struct say){
                       .flow = 1, .at = i * 10, .control = text[0], .specimen = text[1], .patient = text[2], .values = all[which], .answered = 0.1});
        }
        assert_int_equal(count(&s, "result.replayed"), 0);
        detect_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claimed_addresses_are_told), cmocka_unit_test(two_cards_with_one_address), cmocka_unit_test(a_card_that_is_replaced),
        cmocka_unit_test(a_device_that_starts_again), cmocka_unit_test(damaged_by_the_capture),     cmocka_unit_test(again_within_seconds),
        cmocka_unit_test(a_habit_of_repeating),       cmocka_unit_test(values_of_another_specimen), cmocka_unit_test(values_that_many_have),
        cmocka_unit_test(values_that_come_round),     cmocka_unit_test(somebody_in_between),        cmocka_unit_test(a_habit_of_repeating_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
