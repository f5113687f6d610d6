/* What is done to results is found, and what a lab does every day is not: labs from the simulator with every kind of attack, and the corpus's lab
 * (other software's messages) whose results are passed on to a second link in other words, changed here and there.
 *
 * 3 seeds; 10 and whole days with TOURNIQUET_LONG=1. The corpus part needs TOURNIQUET_CORPUS. */
#include "base/buf.h"
#include "engine/detect/detect.h"
#include "engine/sense/sense.h"
#include "engine/sense/source.h"
#include "engine/simulate/simulate.h"

#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define FOUND_MAX 4096

struct found {
    char kind[32];
    char severity[12];
    char title[200];
    char cause[200];
    tq_time time;
    size_t messages; /* of its evidence */
};

struct lab {
    struct sense *sense;
    struct detect *detect;
    struct found all[FOUND_MAX];
    size_t n;
    struct told *told; /* NULL: results are not followed */
    size_t told_n;
    size_t compared; /* results in steps of the verdicts same and converted */
};

/* A result as it was told, and what became of it. */
#define TOLD_MAX 65536

struct told {
    char message[32];
    uint32_t place;
    uint32_t test; /* hashes: equal texts have equal ones */
    uint32_t value;
    bool control;
    bool settled; /* it went on, or it was told what became of it */
};

static void copy(char *out, size_t size, struct span s)
{
    (void)snprintf(out, size, "%.*s", (int)s.n, (const char *)s.p);
}

static void take_step(struct lab *l, const struct record *r);
static void take_and_keep(void *context, const struct record *r);

static void take_finding(void *context, const struct record *r)
{
    struct lab *l = context;
    if (r->event == EVENT_RESULT_FOLLOWED) {
        take_step(l, r);
        return;
    }
    assert_true(l->n < FOUND_MAX);
    struct found *f = &l->all[l->n++];
    *f = (struct found){.time = r->time};
    copy(f->kind, sizeof f->kind, record_get(r, KEY_KIND));
    copy(f->severity, sizeof f->severity, record_get(r, KEY_SEVERITY));
    copy(f->title, sizeof f->title, record_get(r, KEY_TITLE));
    copy(f->cause, sizeof f->cause, record_get(r, KEY_CAUSE));
    for (size_t i = 0; i < r->n; i++)
        f->messages += r->fields[i].key == KEY_EVIDENCE_MESSAGE;
}

static void take_record(void *context, const struct record *r)
{
    struct lab *l = context;
    detect_record(l->detect, r);
}

static struct lab *lab_new(void (*take)(void *context, const struct record *r))
{
    struct error e = {0};
    struct lab *l = calloc(1, sizeof *l);
    assert_non_null(l);
    struct detect_options detect = {.hash_key = {7, 8}, .sink = {take_finding, l}, .follow = true};
    struct sense_options sense = {.hash_key = {3, 5}, .sink = {take, l}, .wants = detect_reads};
    l->detect = detect_new(&detect, &e);
    l->sense = sense_new(&sense, &e);
    assert_non_null(l->detect);
    assert_non_null(l->sense);
    return l;
}

static void lab_end(struct lab *l)
{
    sense_finish(l->sense);
    detect_advance(l->detect, sense_stats(l->sense)->last_time);
    detect_end(l->detect);
}

static void lab_free(struct lab *l)
{
    sense_free(l->sense);
    detect_free(l->detect);
    free(l->told);
    free(l);
}

static bool is_long(void)
{
    const char *want = getenv("TOURNIQUET_LONG");
    return want != NULL && strcmp(want, "1") == 0;
}

static bool alarms(const struct found *f)
{
    return strcmp(f->severity, "info") != 0 && strcmp(f->severity, "low") != 0;
}

/* ── the simulator's labs ── */

static bool feed(void *context, tq_time time, struct span bytes)
{
    struct lab *l = context;
    sense_packet(l->sense, time, 1, bytes, (uint32_t)bytes.n);
    return true;
}

static struct lab *run_lab_with(const struct simulate_options *options, void (*take)(void *context, const struct record *r), json_t **ret_truth)
{
    struct error e = {0};
    struct lab *l = lab_new(take);
    l->told = take == take_and_keep ? calloc(TOLD_MAX, sizeof *l->told) : NULL;
    struct simulate *s = simulate_new(options, &e);
    assert_non_null(s);
    assert_int_equal(simulate_run(s, feed, l, &e), 0);
    lab_end(l);
    struct buf text = BUF_INIT(1 << 22);
    simulate_truth(s, &text);
    *ret_truth = json_loads(buf_text(&text), 0, NULL);
    assert_non_null(*ret_truth);
    buf_release(&text);
    simulate_free(s);
    return l;
}

static struct lab *run_lab(const struct simulate_options *options, json_t **ret_truth)
{
    return run_lab_with(options, take_record, ret_truth);
}

/* ── what became of each result ── */

static uint32_t text_hash(struct span s)
{
    uint32_t h = 5381;
    for (size_t i = 0; i < s.n; i++)
        h = h * 33 + s.p[i];
    return h;
}

static struct told *told_at(struct lab *l, struct span message, int64_t place)
{
    for (size_t i = l->told_n; i-- > 0;)
        if (l->told[i].place == (uint32_t)place && span_is(message, l->told[i].message))
            return &l->told[i];
    return NULL;
}

static int64_t nth(const struct record *r, enum record_key key, size_t n)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->fields[i].key == key && n-- == 0)
            return r->fields[i].number;
    return -2;
}

/* Each result that a step names was told before; and what went on unchanged is the same test, with the same value where the unit is the same. */
static void take_step(struct lab *l, const struct record *r)
{
    struct span verdict = record_get(r, KEY_STEP_VERDICT);
    struct span message = record_get(r, KEY_MESSAGE);
    struct span from = record_get(r, KEY_STEP_FROM);
    assert_true(verdict.n > 0 && message.n > 0);
    size_t rows = 0;
    for (; nth(r, KEY_STEP_HERE, rows) != -2; rows++) {
        int64_t here = nth(r, KEY_STEP_HERE, rows);
        int64_t there = nth(r, KEY_STEP_THERE, rows);
        int64_t count = nth(r, KEY_STEP_COUNT, rows);
        assert_true(here >= 0 && count > 0);
        assert_int_equal(from.n > 0, there != -2);
        for (int64_t i = 0; l->told != NULL && i < count; i++) {
            struct told *a = told_at(l, message, here + i);
            struct told *b = there < 0 ? NULL : told_at(l, from, there + i);
            assert_non_null(a);
            a->settled = true;
            a->control = a->control || span_is(verdict, "control");
            if (b == NULL)
                continue;
            b->settled = true;
            if (span_is(verdict, "same")) {
                assert_int_equal(a->value, b->value);
                l->compared++;
            }
        }
    }
    assert_true(rows > 0);
    if (record_get(r, KEY_CAUSE).n == 0)
        return;
    for (size_t i = 0; i < l->n; i++) /* what it names was found */
        if (span_is(record_get(r, KEY_KIND), l->all[i].kind) && span_is(record_get(r, KEY_CAUSE), l->all[i].cause))
            return;
    fail_msg("%.*s: a finding that was not told", (int)record_get(r, KEY_KIND).n, record_get(r, KEY_KIND).p);
}

static void take_and_keep(void *context, const struct record *r)
{
    struct lab *l = context;
    if (r->event == EVENT_LAB_RESULT) {
        assert_true(l->told_n < TOLD_MAX);
        struct told *t = &l->told[l->told_n];
        copy(t->message, sizeof t->message, record_get(r, KEY_MESSAGE));
        const struct told *before = l->told_n == 0 ? NULL : t - 1;
        t->place = before != NULL && strcmp(before->message, t->message) == 0 ? before->place + 1 : 0;
        t->test = text_hash(record_get(r, KEY_TEST_CODE));
        t->value = text_hash(record_get(r, KEY_VALUE));
        l->told_n++;
    }
    detect_record(l->detect, r);
}

/* On a clean hour nearly all results of patients are followed to their end, and nothing is told to have changed; and every finding about what became
 * of a result says of which. */
static void every_result_is_followed(void **state)
{
    (void)state;
    struct simulate_options options = {.seed = 21, .analyzers = 20, .seconds = 3600};
    json_t *truth;
    struct lab *l = run_lab_with(&options, take_and_keep, &truth);
    size_t settled = 0;
    for (size_t i = 0; i < l->told_n; i++)
        settled += l->told[i].settled;
    assert_true(l->told_n > 3000);
    assert_true(l->compared > l->told_n / 3); /* each is one on two links */
    assert_true(settled * 100 > l->told_n * 90);
    json_decref(truth);
    lab_free(l);
}

static void nothing_above_low_on_clean_days(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed < 14; seed++) {
        struct simulate_options options = {.seed = seed, .analyzers = 60, .seconds = is_long() ? 24 * 3600 : 3600};
        json_t *truth;
        struct lab *l = run_lab(&options, &truth);
        for (size_t i = 0; i < l->n; i++)
            if (alarms(&l->all[i]))
                fail_msg("seed %llu: %s (%s): %s", (unsigned long long)seed, l->all[i].kind, l->all[i].severity, l->all[i].title);
        json_decref(truth);
        lab_free(l);
        if (!is_long() && seed == 12)
            break;
    }
}

static bool is_found(const struct lab *l, const char *kind, tq_time at)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct found *f = &l->all[i];
        /* a name that several used from the first minute on is nobody's: who takes it is a stranger */
        bool is_kind = strcmp(f->kind, kind) == 0 || (strcmp(kind, "sender.spoofed") == 0 && strcmp(f->kind, "sender.unknown") == 0);
        if (is_kind && alarms(f) && f->time >= at - 5 * TIME_SECOND && f->time <= at + 1500 * TIME_SECOND)
            return true;
    }
    return false;
}

/* Each kind is also found where it is the only one: no other attack of the same day gives it away. */
static void every_attack_is_found(void **state)
{
    (void)state;
    uint64_t seeds = is_long() ? 10 : 3;
    for (int kind = 0; kind < ATTACK_COUNT; kind++) { /* 0: all of them on one day */
        for (uint64_t seed = 1; seed <= (kind == 0 ? seeds : is_long() ? 2 : 1); seed++) {
            /* a shift needs patients: some hundred before it and fifty after */
            struct simulate_options options = {
                .seed = 40 * (uint64_t)kind + seed, .seconds = 3600, .analyzers = kind == 0 || kind == ATTACK_SHIFT ? 60 : 8};
            if (kind == 0)
                memset(options.attacks + 1, 1, ATTACK_COUNT - 1);
            else
                options.attacks[kind] = 1;
            json_t *truth;
            struct lab *l = run_lab(&options, &truth);
            json_t *attacks = json_object_get(truth, "attacks");
            assert_int_equal(json_array_size(attacks), kind == 0 ? ATTACK_COUNT - 1 : 1);
            for (size_t i = 0; i < json_array_size(attacks); i++) {
                json_t *a = json_array_get(attacks, i);
                tq_time at = 0;
                assert_true(time_parse(span_str(json_string_value(json_object_get(a, "time"))), &at));
                if (!is_found(l, json_string_value(json_object_get(a, "kind")), at))
                    fail_msg("seed %llu: not found: %s", (unsigned long long)options.seed, json_dumps(a, 0));
            }
            json_decref(truth);
            lab_free(l);
        }
    }
}

/* ── the corpus's lab, with a second hop ── */

enum variant {
    VARIANT_NONE,
    VARIANT_VALUE,
    VARIANT_DECIMAL,
    VARIANT_UNIT,
    VARIANT_FLAG,
    VARIANT_RANGE,
    VARIANT_STATUS,
    VARIANT_PATIENT,
    VARIANT_SPECIMEN,
    VARIANT_MISSING,
    VARIANT_PART,
    VARIANT_EXTRA,
    VARIANT_CORRECTION,
    VARIANT_COUNT
};

static const struct {
    const char *name;
    const char *kind;
} variants[VARIANT_COUNT] = {
    [VARIANT_VALUE] = {"value", "result.altered_in_transit"},
    [VARIANT_DECIMAL] = {"decimal", "result.altered_in_transit"},
    [VARIANT_UNIT] = {"unit", "result.altered_in_transit"},
    [VARIANT_FLAG] = {"flag", "result.altered_in_transit"},
    [VARIANT_RANGE] = {"range", "result.altered_in_transit"},
    [VARIANT_STATUS] = {"status", "result.altered_in_transit"},
    [VARIANT_PATIENT] = {"patient", "result.wrong_patient"},
    [VARIANT_SPECIMEN] = {"specimen", "result.altered_in_transit"},
    [VARIANT_MISSING] = {"missing", "result.missing"},
    [VARIANT_PART] = {"part", "result.missing"},
    [VARIANT_EXTRA] = {"extra", "result.extra"},
    [VARIANT_CORRECTION] = {"correction", "result.altered_in_transit"},
};

#define HELD_MAX 64

/* The middleware of the second hop: keeps a message's results until it is whole, and passes them on two seconds later in its own words. */
struct middleware {
    struct lab *lab;
    enum variant variant;
    size_t messages;  /* passed on so far */
    size_t attack_at; /* the message that is changed */
    tq_time attacked;
    uint64_t ordinal;
    int64_t left;
    size_t n;
    struct {
        char code[32], text[40], alternate[32], units[24], range[24], value[64], flag[8], status[4], specimen[40], patient[40], observed[40];
    } held[HELD_MAX];
    struct record record;
};

#define KEEP(field, key) copy(m->held[m->n].field, sizeof m->held[0].field, record_get(r, key))

/* The same unit as others write it. */
static const char *other_words(const char *units)
{
    static const char *const words[][2] = {{"10*9/L", "10^3/uL"}, {"10*12/L", "10^6/uL"}, {"mIU/L", "uIU/mL"},
                                           {"ug/L", "ng/mL"},     {"mg/L", "MG/L"},       {"U/L", "IU/L"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(units, words[i][0]) == 0)
            return words[i][1];
    return units;
}

static void change(struct middleware *m, size_t i)
{
    switch (m->variant) {
    case VARIANT_VALUE:
    case VARIANT_CORRECTION: (void)snprintf(m->held[i].value, sizeof m->held[i].value, "%s", m->held[i].value[0] == '7' ? "3.1" : "7.7"); break;
    case VARIANT_DECIMAL: {
        char *point = strchr(m->held[i].value, '.');
        if (point != NULL)
            memmove(point, point + 1, strlen(point));
        else
            (void)strcat(m->held[i].value, "0");
        break;
    }
    case VARIANT_UNIT:
        (void)snprintf(m->held[i].units, sizeof m->held[i].units, "%s", strcmp(m->held[i].units, "g/dL") == 0 ? "g/L" : "mg/dL");
        break;
    case VARIANT_FLAG: (void)snprintf(m->held[i].flag, sizeof m->held[i].flag, "%s", m->held[i].flag[0] == 'N' ? "HH" : "N"); break;
    case VARIANT_RANGE: (void)snprintf(m->held[i].range, sizeof m->held[i].range, "0-999"); break;
    default: break;
    }
    if (m->variant == VARIANT_CORRECTION)
        (void)snprintf(m->held[i].status, sizeof m->held[i].status, "C");
}

static void put_message(struct middleware *m, tq_time at, const char *specimen, const char *patient, const char *status, size_t skip)
{
    struct record *r = &m->record;
    struct flow_ref flow = {.id = 900000, .proto = 6, .sport = 50000, .dport = 2575};
    char id[40];
    assert_true(address_parse(SPAN_LIT("10.20.10.11"), &flow.src) && address_parse(SPAN_LIT("10.99.0.5"), &flow.dst));
    (void)snprintf(id, sizeof id, "f900000.0.%llu", (unsigned long long)++m->ordinal);
    record_start(r, EVENT_LAB_MESSAGE, at, &flow);
    record_str(r, KEY_MESSAGE_ID, id);
    record_str(r, KEY_PROTOCOL, "hl7");
    record_str(r, KEY_MESSAGE_TYPE, "ORU^R01");
    record_str(r, KEY_SENDER, "MIDDLE");
    record_int(r, KEY_RESULTS, (int64_t)(m->n - (skip < m->n)));
    detect_record(m->lab->detect, r);
    for (size_t i = 0; i < m->n; i++) {
        if (i == skip)
            continue;
        char other[48];
        char value[80];
        bool local = m->held[i].alternate[0] != 0; /* the LIS side uses the other code, leads specimens with zeros, and keeps one more decimal */
        (void)snprintf(other, sizeof other, "000%s", specimen);
        (void)snprintf(value, sizeof value, "%s%s", m->held[i].value, strchr(m->held[i].value, '.') != NULL ? "0" : "");
        record_start(r, EVENT_LAB_RESULT, at, &flow);
        record_str(r, KEY_MESSAGE, id);
        record_str(r, KEY_TEST_CODE, local ? m->held[i].alternate : m->held[i].code);
        record_str(r, KEY_PATIENT, patient);
        record_str(r, KEY_SPECIMEN, other);
        record_str(r, KEY_VALUE, value);
        record_str(r, KEY_UNITS, other_words(m->held[i].units));
        record_str(r, KEY_FLAGS, m->held[i].flag);
        record_str(r, KEY_STATUS, status != NULL ? status : m->held[i].status);
        record_str(r, KEY_OBSERVED_AT, m->held[i].observed);
        record_str(r, KEY_RANGE, m->held[i].range);
        detect_record(m->lab->detect, r);
    }
}

/* The first result of a test that the message holds once; m->n: there is none. */
static size_t sent_once(const struct middleware *m)
{
    for (size_t i = 0; i < m->n; i++) {
        size_t n = 0;
        for (size_t k = 0; k < m->n; k++)
            n += strcmp(m->held[i].code, m->held[k].code) == 0;
        if (n == 1)
            return i;
    }
    return m->n;
}

static void pass_on(struct middleware *m, tq_time at)
{
    size_t once = sent_once(m);
    bool now = m->variant != VARIANT_NONE && m->attacked == 0 && m->messages >= m->attack_at && m->n >= 3 && once < m->n;
    char specimen[48];
    char patient[48];
    const char *status = NULL;
    size_t skip = SIZE_MAX;
    m->messages++;
    (void)snprintf(specimen, sizeof specimen, "%s", m->held[0].specimen);
    (void)snprintf(patient, sizeof patient, "%s", m->held[0].patient);
    if (now) {
        m->attacked = at;
        change(m, once);
        if (m->variant == VARIANT_MISSING)
            return;
        size_t n = strlen(specimen);
        if (m->variant == VARIANT_SPECIMEN) {
            size_t k = n - 1;
            while (k > 1 && specimen[k] == specimen[k - 1])
                k--;
            char c = specimen[k];
            specimen[k] = specimen[k - 1];
            specimen[k - 1] = c;
        }
        status = m->variant == VARIANT_STATUS ? "P" : NULL;
        skip = m->variant == VARIANT_PART ? once : SIZE_MAX;
        if (m->variant == VARIANT_PATIENT)
            (void)snprintf(patient, sizeof patient, "999111");
    }
    put_message(m, at, specimen, patient, status, skip);
    if (now && m->variant == VARIANT_EXTRA)
        put_message(m, at + TIME_SECOND, "77112233", "889900", NULL, SIZE_MAX);
}

static void take_and_pass_on(void *context, const struct record *r)
{
    struct middleware *m = context;
    detect_record(m->lab->detect, r);
    if (r->event == EVENT_LAB_MESSAGE) {
        m->left = record_number(r, KEY_RESULTS, 0);
        m->n = 0;
        return;
    }
    if (r->event != EVENT_LAB_RESULT || m->left-- <= 0 || m->n == HELD_MAX)
        return;
    KEEP(code, KEY_TEST_CODE);
    KEEP(alternate, KEY_TEST_ALTERNATE);
    KEEP(units, KEY_UNITS);
    KEEP(range, KEY_RANGE);
    KEEP(value, KEY_VALUE);
    KEEP(flag, KEY_FLAGS);
    KEEP(status, KEY_STATUS);
    KEEP(specimen, KEY_SPECIMEN);
    KEEP(patient, KEY_PATIENT);
    KEEP(observed, KEY_OBSERVED_AT);
    m->n += record_get(r, KEY_VALUE).n < sizeof m->held[0].value; /* pictures stay here */
    if (m->left == 0 && m->n > 0)
        pass_on(m, r->time + TIME_MS);
}

static void read_corpus(struct middleware *m, const char *corpus)
{
    char path[512];
    struct error e = {0};
    struct packet p;
    (void)snprintf(path, sizeof path, "%s/pcap/lab/lab50.pcap.zst", corpus);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct detect_options detect = {.hash_key = {7, 8}};
    struct sense_options sense = {.hash_key = {3, 5}, .sink = {take_and_pass_on, m}};
    m->lab = calloc(1, sizeof *m->lab);
    detect.sink = (struct record_sink){take_finding, m->lab, NULL};
    m->lab->detect = detect_new(&detect, &e);
    m->lab->sense = sense_new(&sense, &e);
    assert_true(m->lab->detect != NULL && m->lab->sense != NULL);
    struct source *s = source_from_fd(fd, &e);
    while (source_next(s, &p, &e) > 0)
        sense_packet(m->lab->sense, p.time, p.linktype, p.bytes, p.wire_length);
    source_free(s);
    (void)close(fd);
    lab_end(m->lab);
}

/* The flags of this lab are drawn by chance and fit no range, tests come several times in a message, and units and codes change on the way: none of
 * it is a finding; what is changed in one message is. */
static void other_software_passes_results_on(void **state)
{
    (void)state;
    const char *corpus = getenv("TOURNIQUET_CORPUS");
    for (enum variant v = VARIANT_NONE; v < VARIANT_COUNT; v++) {
        for (size_t at = 1000; at <= (is_long() ? 2800 : 1000); at += 600) { /* by then each of the sixty links has sent some */
            static struct middleware m;
            m = (struct middleware){.variant = v, .attack_at = at};
            read_corpus(&m, corpus);
            bool hit = false;
            for (size_t i = 0; i < m.lab->n; i++) {
                const struct found *f = &m.lab->all[i];
                bool ours = v != VARIANT_NONE && strcmp(f->kind, variants[v].kind) == 0 && f->time >= m.attacked;
                hit = hit || ours;
                bool beside = v == VARIANT_UNIT || v == VARIANT_DECIMAL || v == VARIANT_VALUE ||
                              v == VARIANT_CORRECTION;                                              /* it can be absurd as well */
                beside = beside || (v == VARIANT_EXTRA && strcmp(f->kind, "result.replayed") == 0); /* they are those of another specimen */
                if (alarms(f) && !ours && !(beside && f->time >= m.attacked))
                    fail_msg("variant %s at %zu: %s (%s): %s", v == VARIANT_NONE ? "none" : variants[v].name, at, f->kind, f->severity, f->title);
            }
            if (v != VARIANT_NONE && !hit)
                fail_msg("variant %s at %zu was not found", variants[v].name, at);
            lab_free(m.lab);
            if (v == VARIANT_NONE)
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_result_is_followed),
        cmocka_unit_test(nothing_above_low_on_clean_days),
        cmocka_unit_test(every_attack_is_found),
        cmocka_unit_test(other_software_passes_results_on),
    };
    size_t n = sizeof tests / sizeof tests[0];
    if (getenv("TOURNIQUET_CORPUS") == NULL) {
        (void)puts("# the last one is left out: TOURNIQUET_CORPUS is not set");
        n--;
    }
    return _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
}
