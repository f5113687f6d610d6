/* Tampering that the simulator does not stage: small captures, a few dozen reports of two analyzers, one of which is tampered with. Each is listened
 * to where an attacker would be seen from: one tap before the LIS, both sides of a middleware, or both sides of somebody who has put himself between
 * (whose packets have the same addresses and ports on both sides). Untouched, each of these labs gives no finding above low. */
#include "engine/detect/detect.h"
#include "engine/sense/sense.h"
#include "engine/simulate/net.h"
#include "wire/astm_write.h"
#include "wire/mllp_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define REPORTS 48
#define ATTACKED 33 /* the report that is tampered with */
#define EVERY (40 * TIME_SECOND)
#define T0 (1772438400 * TIME_SECOND) /* 2 March 2026, 08:00 */
#define ITEMS 7
#define FOUND_MAX 64

struct item {
    const char *code;
    const char *text;
    const char *unit;
    const char *range;
    char value[24];
    char flag[4];
    char status;
};

struct report {
    unsigned number;
    unsigned instrument;
    char control[24];
    char specimen[16];
    char patient[16];
    const char *note;
    tq_time measured;
    size_t n;
    struct item items[ITEMS];
};

enum route { ONE_TAP, TWO_HOPS, IN_PATH };
enum wording { HL7, ASTM };

struct scene {
    const struct scenario *of;
    struct net net;
    struct host analyzers[2];
    struct host middleware;
    struct host lis;
    struct host lis_for_analyzer; /* the LIS's address at the attacker's card */
    struct host analyzers_for_lis[2];
    struct host stranger;
    struct conn near[2]; /* from the analyzers */
    struct conn far[2];  /* to the LIS */
    struct report kept;
    bool attacked;
    struct buf text;
};

struct scenario {
    const char *name;
    const char *kind; /* NULL: nothing above low may be found */
    const char *or_kind;
    enum route route;
    enum wording wording;
    bool vlan;                                                    /* in path: the far side is another VLAN */
    bool joins;                                                   /* in path: he comes after some reports, into connections that stand */
    void (*change)(struct report *r);                             /* what is done on the way (one tap: at the analyzer) */
    void (*act)(struct scene *s, struct report *r, tq_time at);   /* in place of sending it as usual */
    void (*after)(struct scene *s, struct report *r, tq_time at); /* the same, on the report that comes next of the same analyzer */
};

/* ── reports ── */

static const struct item panel[ITEMS] = {
    {"2345-7", "Glucose", "mg/dL", "70-99", "", "", 'F'},   {"2823-3", "Potassium", "mmol/L", "3.5-5.1", "", "", 'F'},
    {"2951-2", "Sodium", "mmol/L", "136-145", "", "", 'F'}, {"2160-0", "Creatinine", "mg/dL", "0.60-1.30", "", "", 'F'},
    {"1988-5", "CRP", "mg/L", "<5.0", "", "", 'F'},         {"5195-3", "HBsAg", "", "", "", "", 'F'},
    {"1751-7", "Albumin", "g/dL", "3.5-5.2", "", "", 'F'},
};

static void set_value(struct item *i, int decimals, double v, double low, double high)
{
    (void)snprintf(i->value, sizeof i->value, "%.*f", decimals, v);
    (void)snprintf(i->flag, sizeof i->flag, "%s", v < low ? "L" : v > high ? "H" : "N");
}

static struct report report_of(struct scene *s, unsigned number, tq_time at)
{
    struct rng *g = &s->net.rng;
    struct report r = {.number = number, .instrument = number % 2, .measured = at - 90 * TIME_SECOND, .n = number % 3 == 0 ? ITEMS - 1 : ITEMS};
    (void)snprintf(r.control, sizeof r.control, "M%u-%05u", r.instrument, 100 + number);
    (void)snprintf(r.specimen, sizeof r.specimen, "S26%06u", 41200 + 7 * number);
    (void)snprintf(r.patient, sizeof r.patient, "P%06u", 733100 + 13 * number);
    memcpy(r.items, panel, sizeof panel);
    set_value(&r.items[0], 0, (double)rng_between(g, 72, 180), 70, 99);
    set_value(&r.items[1], 1, (double)rng_between(g, 34, 54) / 10, 3.5, 5.1);
    set_value(&r.items[2], 0, (double)rng_between(g, 133, 147), 136, 145);
    set_value(&r.items[3], 2, (double)rng_between(g, 55, 190) / 100, 0.6, 1.3);
    set_value(&r.items[4], 1, (double)rng_between(g, 6, 90) / 10, 0, 5);
    if (rng_one_in(g, 4))
        (void)snprintf(r.items[4].value, sizeof r.items[4].value, "<0.5");
    (void)snprintf(r.items[5].value, sizeof r.items[5].value, rng_one_in(g, 6) ? "Reactive" : "Nonreactive");
    set_value(&r.items[6], 1, (double)rng_between(g, 33, 54) / 10, 3.5, 5.2);
    return r;
}

static const char *clock_text(tq_time t, char out[16])
{
    int64_t seconds = (t - T0) / TIME_SECOND + 8 * 3600;
    (void)snprintf(out, 16, "20260302%02u%02u%02u", (unsigned)(seconds / 3600 % 24), (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
    return out;
}

static void write_hl7(struct buf *b, const struct report *r, const char *application, tq_time at)
{
    char now[16];
    char then[16];
    struct buf text = BUF_INIT(16384);
    buf_addf(&text, "MSH|^~\\&|%s|LAB|LIS|HOSP|%s||ORU^R01^ORU_R01|%s|P|2.5.1\rPID|1||%s^^^HOSP^MR||DOE^ROBIN||19700101|F\r", application,
             clock_text(at, now), r->control, r->patient);
    buf_addf(&text, "OBR|1|%s|%s|CHEM^Chemistry^L|||%s\r", r->specimen, r->specimen, clock_text(r->measured, then));
    for (size_t i = 0; i < r->n; i++) {
        const struct item *t = &r->items[i];
        bool number = t->value[0] < 'A';
        buf_addf(&text, "OBX|%zu|%s|%s^%s^LN||%s|%s|%s|%s|||%c|||%s\r", i + 1,
                 !number              ? "ST"
                 : t->value[0] == '<' ? "SN"
                                      : "NM",
                 t->code, t->text, t->value[0] == '<' ? "<^0.5" : t->value, t->unit, t->range, t->flag, t->status, then);
        if (r->note != NULL && i == 1)
            buf_addf(&text, "NTE|1|L|%s\r", r->note);
    }
    mllp_write(b, buf_span(&text));
    buf_release(&text);
}

static void astm_record(struct conn *c, unsigned *frame, const char *text)
{
    static const uint8_t ack[] = {ASTM_BYTE_ACK};
    struct buf b = BUF_INIT(2048);
    astm_write_frame(&b, ++*frame, span_str(text), true);
    conn_send(c, 0, buf_span(&b), true);
    conn_send(c, 1, span_of(ack, 1), true);
    buf_release(&b);
}

static void send_astm(struct conn *c, const struct report *r, tq_time at)
{
    static const uint8_t enq[] = {ASTM_BYTE_ENQ};
    static const uint8_t ack[] = {ASTM_BYTE_ACK};
    static const uint8_t eot[] = {ASTM_BYTE_EOT};
    char now[16];
    char text[512];
    unsigned frame = 0;
    conn_send(c, 0, span_of(enq, 1), true);
    conn_send(c, 1, span_of(ack, 1), true);
    (void)snprintf(text, sizeof text, "H|\\^&|||ChemA^1.0||||||||LIS2-A2|%s\r", clock_text(at, now));
    astm_record(c, &frame, text);
    (void)snprintf(text, sizeof text, "P|1||%s||Doe^Robin\r", r->patient);
    astm_record(c, &frame, text);
    (void)snprintf(text, sizeof text, "O|1|%s||^^^ALL|R\r", r->specimen);
    astm_record(c, &frame, text);
    for (size_t i = 0; i < r->n; i++) {
        const struct item *t = &r->items[i];
        (void)snprintf(text, sizeof text, "R|%zu|^^^%s|%s|%s|%s|%s||%c||||%s\r", i + 1, t->text, t->value, t->unit, t->range, t->flag, t->status,
                       clock_text(r->measured, now));
        astm_record(c, &frame, text);
    }
    astm_record(c, &frame, "L|1|N\r");
    conn_send(c, 0, span_of(eot, 1), true);
}

/* ── ways ── */

static void answer(struct conn *c, const char *control, const char *code)
{
    struct buf b = BUF_INIT(1024);
    char text[256];
    (void)snprintf(text, sizeof text, "MSH|^~\\&|LIS|HOSP|CHEM|LAB|20260302080000||ACK^R01^ACK|A%s|P|2.5.1\rMSA|%s|%s\r", control, code, control);
    mllp_write(&b, span_str(text));
    c->clock += 3 * TIME_MS;
    conn_send(c, 1, buf_span(&b), false);
    buf_release(&b);
}

static const char *application(const struct scene *s, const struct conn *c, const struct report *r)
{
    static const char *const names[] = {"CHEM1", "CHEM2"};
    return c->end[0] == &s->middleware ? "MIDDLE" : names[r->instrument];
}

static void say(struct scene *s, struct conn *c, const struct report *r, tq_time at, enum wording wording)
{
    conn_at(c, at);
    if (wording == ASTM) {
        send_astm(c, r, at);
        return;
    }
    struct buf b = BUF_INIT(16384);
    write_hl7(&b, r, application(s, c, r), at);
    conn_send(c, 0, buf_span(&b), true);
    buf_release(&b);
}

static void tell(struct scene *s, struct conn *c, const struct report *r, tq_time at, enum wording wording)
{
    say(s, c, r, at, wording);
    if (wording == HL7)
        answer(c, r->control, "AA");
}

static struct conn *near(struct scene *s, const struct report *r)
{
    return &s->near[r->instrument];
}

static struct conn *far(struct scene *s, const struct report *r)
{
    return s->of->route == TWO_HOPS ? &s->far[0] : &s->far[r->instrument];
}

static tq_time later(const struct scene *s, tq_time at)
{
    return s->of->route == TWO_HOPS ? at + 2 * TIME_SECOND : at + TIME_MS / 5;
}

static void first_leg(struct scene *s, const struct report *r, tq_time at)
{
    tell(s, near(s, r), r, at, s->of->wording);
}

#define JOINS 8 /* before this report */

static void join_path(struct scene *s)
{
    for (unsigned i = 0; i < 2; i++) {
        s->far[i] = s->near[i];
        s->far[i].end[0] = &s->analyzers_for_lis[i];
        s->near[i].end[1] = &s->lis_for_analyzer;
    }
}

static void second_leg(struct scene *s, const struct report *r, tq_time at)
{
    bool there = !s->of->joins || r->number >= JOINS;
    if (s->of->route != ONE_TAP && there)
        tell(s, far(s, r), r, later(s, at), s->of->route == TWO_HOPS ? HL7 : s->of->wording);
}

static void as_usual(struct scene *s, struct report *r, tq_time at)
{
    if (s->of->route == ONE_TAP && r->number == ATTACKED && s->of->change != NULL)
        s->of->change(r);
    first_leg(s, r, at);
    if (s->of->route != ONE_TAP && r->number == ATTACKED && s->of->change != NULL)
        s->of->change(r);
    second_leg(s, r, at);
}

static struct host host_of(uint8_t last, uint8_t mac)
{
    return (struct host){.ip = {10, 30, 5, last}, .mac = {0x02, 0, 0, 0, 5, mac}, .ttl = 64, .next_port = (uint16_t)(50000 + 100 * last)};
}

static void open_all(struct scene *s)
{
    for (unsigned i = 0; i < 2; i++) {
        struct host *to = s->of->route == ONE_TAP ? &s->lis : s->of->route == TWO_HOPS ? &s->middleware : &s->lis_for_analyzer;
        uint16_t port = s->of->wording == ASTM ? 4000 : 2575;
        struct rng same = s->net.rng;
        conn_open(&s->net, &s->near[i], &s->analyzers[i], to, port, T0 + i * TIME_SECOND, false);
        if (s->of->joins)
            s->near[i].end[1] = &s->lis;
        else if (s->of->route == IN_PATH) { /* the same connection, as it goes on behind him */
            s->net.rng = same;
            conn_open(&s->net, &s->far[i], &s->analyzers_for_lis[i], &s->lis, port, T0 + i * TIME_SECOND + TIME_MS / 5, false);
        }
    }
    if (s->of->route == TWO_HOPS)
        conn_open(&s->net, &s->far[0], &s->middleware, &s->lis, 6661, T0, false);
}

/* ── what is found ── */

struct found {
    char kind[32];
    char severity[12];
    char title[200];
    tq_time time;
};

struct watcher {
    struct detect *detect;
    struct found all[FOUND_MAX];
    size_t n;
};

static void copy(char *out, size_t size, struct span s)
{
    (void)snprintf(out, size, "%.*s", (int)s.n, (const char *)s.p);
}

static void take_finding(void *context, const struct record *r)
{
    struct watcher *w = context;
    char severity[12];
    copy(severity, sizeof severity, record_get(r, KEY_SEVERITY));
    if (strcmp(severity, "info") == 0 || strcmp(severity, "low") == 0 || w->n == FOUND_MAX)
        return;
    struct found *f = &w->all[w->n++];
    f->time = r->time;
    copy(f->severity, sizeof f->severity, record_get(r, KEY_SEVERITY));
    copy(f->kind, sizeof f->kind, record_get(r, KEY_KIND));
    copy(f->title, sizeof f->title, record_get(r, KEY_TITLE));
}

static void take_record(void *context, const struct record *r)
{
    struct watcher *w = context;
    detect_record(w->detect, r);
}

static void watch(struct scene *s, struct watcher *w)
{
    struct error e = {0};
    struct queue_item item;
    struct detect_options detect = {.hash_key = {7, 8}, .sink = {take_finding, w}};
    struct sense_options sense = {.hash_key = {3, 5}, .sink = {take_record, w}, .wants = detect_reads};
    w->detect = detect_new(&detect, &e);
    struct sense *sensor = sense_new(&sense, &e);
    assert_true(w->detect != NULL && sensor != NULL && !s->net.failed);
    while (queue_take(&s->net.packets, &item)) {
        struct packet *p = item.what;
        sense_packet(sensor, item.time, 1, span_of(p->bytes, p->n), (uint32_t)p->n);
        free(p);
    }
    sense_finish(sensor);
    detect_advance(w->detect, sense_stats(sensor)->last_time);
    detect_end(w->detect);
    sense_free(sensor);
    detect_free(w->detect);
}

static void set_stage(struct scene *s, const struct scenario *of, uint64_t seed)
{
    struct error e = {0};
    memset(s, 0, sizeof *s);
    s->of = of;
    assert_int_equal(net_init(&s->net, seed, &e), 0);
    s->middleware = host_of(50, 50);
    s->lis = host_of(60, 60);
    s->lis_for_analyzer = host_of(60, 99);
    s->stranger = host_of(77, 77);
    s->lis.vlan = of->vlan ? 7 : 0;
    for (uint8_t i = 0; i < 2; i++) {
        s->analyzers[i] = host_of((uint8_t)(10 + i), (uint8_t)(10 + i));
        s->analyzers_for_lis[i] = host_of((uint8_t)(10 + i), 99);
        s->analyzers_for_lis[i].vlan = of->vlan ? 7 : 0;
    }
}

static void play(const struct scenario *of, uint64_t seed, struct watcher *w, tq_time *ret_attacked)
{
    static struct scene s;
    set_stage(&s, of, seed);
    open_all(&s);
    tq_time at = T0 + 10 * TIME_SECOND;
    /* later the clock goes on by forty minutes: what is overdue is told */
    for (unsigned i = 0; i < REPORTS; i++, at += i == REPORTS - 4 ? 2400 * TIME_SECOND : EVERY) {
        struct report r = report_of(&s, i, at);
        if (i == JOINS && of->joins)
            join_path(&s);
        if (i == ATTACKED)
            *ret_attacked = at;
        if (i == ATTACKED && of->act != NULL)
            of->act(&s, &r, at);
        else if (i == ATTACKED + 2 && of->after != NULL)
            of->after(&s, &r, at);
        else
            as_usual(&s, &r, at);
    }
    watch(&s, w);
    net_release(&s.net);
}

/* ── tampering ── */

static void value_edited(struct report *r)
{
    (void)snprintf(r->items[1].value, sizeof r->items[1].value, r->items[1].value[0] == '6' ? "3.9" : "6.9");
}

static void value_longer(struct report *r)
{
    (void)snprintf(r->items[1].value, sizeof r->items[1].value, "11.25");
}

static void value_and_flag(struct report *r)
{
    set_value(&r->items[0], 0, r->items[0].flag[0] == 'N' ? 214 : 85, 70, 99);
}

static void decimal_shifted(struct report *r)
{
    double v = strtod(r->items[3].value, NULL);
    (void)snprintf(r->items[3].value, sizeof r->items[3].value, "%.1f", v * 10);
}

static void digits_swapped(struct report *r)
{
    (void)snprintf(r->items[2].value, sizeof r->items[2].value, strcmp(r->items[2].value, "141") == 0 ? "114" : "141");
}

static void unit_changed(struct report *r)
{
    r->items[0].unit = "mmol/L";
}

static void flag_only(struct report *r)
{
    (void)snprintf(r->items[1].flag, sizeof r->items[1].flag, r->items[1].flag[0] == 'N' ? "H" : "N");
}

static void range_widened(struct report *r)
{
    r->items[1].range = "2.5-8.1";
}

static void comparator_removed(struct report *r)
{
    (void)snprintf(r->items[4].value, sizeof r->items[4].value, r->items[4].value[0] == '<' ? "7.5" : "<0.5");
}

static void words_changed(struct report *r)
{
    (void)snprintf(r->items[5].value, sizeof r->items[5].value, r->items[5].value[0] == 'R' ? "Nonreactive" : "Reactive");
}

static void result_deleted(struct report *r)
{
    memmove(&r->items[1], &r->items[2], (ITEMS - 2) * sizeof r->items[0]);
    r->n--;
}

static void cut_short(struct report *r)
{
    r->n = 3;
}

static void result_added(struct report *r)
{
    r->n = ITEMS;
    set_value(&r->items[6], 1, 2.1, 3.5, 5.2);
}

static void novelty_added(struct report *r)
{
    r->items[r->n] = r->items[4];
    r->items[r->n].code = "6598-7";
    r->items[r->n].text = "Troponin T";
    (void)snprintf(r->items[r->n++].value, sizeof r->items[0].value, "2.5");
}

static void flag_wrong(struct report *r)
{
    set_value(&r->items[1], 1, 6.4, 3.5, 5.1);
    (void)snprintf(r->items[1].flag, sizeof r->items[1].flag, "N");
}

static void specimen_changed(struct report *r)
{
    (void)snprintf(r->specimen, sizeof r->specimen, "S26041999");
}

static void patient_changed(struct report *r)
{
    (void)snprintf(r->patient, sizeof r->patient, "P739999");
}

static void status_changed(struct report *r)
{
    for (size_t i = 0; i < r->n; i++)
        r->items[i].status = 'P';
}

static void marked_as_corrected(struct report *r)
{
    value_edited(r);
    r->items[1].status = 'C';
}

static void test_renamed(struct report *r)
{
    struct item i = r->items[1];
    r->items[1].code = r->items[2].code;
    r->items[1].text = r->items[2].text;
    r->items[2].code = i.code;
    r->items[2].text = i.text;
}

static void order_changed(struct report *r)
{
    struct item i = r->items[0];
    r->items[0] = r->items[3];
    r->items[3] = i;
}

static void impossible(struct report *r)
{
    set_value(&r->items[1], 1, 41, 3.5, 5.1);
}

static void hostile_note(struct report *r)
{
    r->note = "see ';DROP TABLE results;-- <script src=//198.51.100.7/x.js></script>";
}

static void value_hidden(struct report *r)
{
    (void)snprintf(r->items[1].value, sizeof r->items[1].value, "*****");
}

/* The results of another day. */
static void dated_back(struct report *r)
{
    r->measured -= 26 * 3600 * TIME_SECOND / 10;
}

/* Results of two tubes change places: the first waits for the second. */
static void swap_wait(struct scene *s, struct report *r, tq_time at)
{
    first_leg(s, r, at);
    s->kept = *r;
}

static void swap_two(struct scene *s, struct report *r, tq_time at)
{
    struct report here = *r;
    first_leg(s, r, at);
    memcpy(here.items, s->kept.items, sizeof here.items);
    memcpy(s->kept.items, r->items, sizeof here.items);
    second_leg(s, &s->kept, at);
    second_leg(s, &here, at + TIME_SECOND);
}

/* Held back, and answered in the LIS's name. */
static void swallow(struct scene *s, struct report *r, tq_time at)
{
    first_leg(s, r, at);
}

static void delay(struct scene *s, struct report *r, tq_time at)
{
    first_leg(s, r, at);
    s->kept = *r;
}

static void hand_over_late(struct scene *s, struct report *r, tq_time at)
{
    as_usual(s, r, at);
    second_leg(s, &s->kept, at + 25 * TIME_SECOND);
}

/* A middleware that rounds, and flags what it made of it. */
static void rounded(struct scene *s, struct report *r, tq_time at)
{
    set_value(&r->items[3], 2, 1.33, 0.6, 1.3);
    first_leg(s, r, at);
    set_value(&r->items[3], 1, 1.3, 0.6, 1.3);
    second_leg(s, r, at);
}

/* Another machine sends in the analyzer's name. */
static void third_host(struct scene *s, struct report *r, tq_time at)
{
    struct conn c = {0};
    struct report forged = *r;
    as_usual(s, r, at);
    (void)snprintf(forged.control, sizeof forged.control, "M%u-99999", r->instrument);
    (void)snprintf(forged.specimen, sizeof forged.specimen, "S26077777");
    conn_open(&s->net, &c, &s->stranger, &s->lis, s->far[0].end[0] != NULL ? 6661 : 2575, at + 5 * TIME_SECOND, false);
    tell(s, &c, &forged, at + 5 * TIME_SECOND, HL7);
    conn_close(&c, 0);
}

/* The same results once more, as a message of now. */
static void sent_again_later(struct scene *s, struct report *r, tq_time at)
{
    as_usual(s, r, at);
    s->kept = *r;
}

static void again(struct scene *s, struct report *r, tq_time at)
{
    as_usual(s, r, at);
    (void)snprintf(s->kept.control, sizeof s->kept.control, "M%u-88888", s->kept.instrument);
    tell(s, near(s, &s->kept), &s->kept, at + 15 * TIME_SECOND, s->of->wording);
}

/* … with another value, and nothing that says so. */
static void again_altered(struct scene *s, struct report *r, tq_time at)
{
    as_usual(s, r, at);
    value_edited(&s->kept);
    (void)snprintf(s->kept.control, sizeof s->kept.control, "M%u-88888", s->kept.instrument);
    tell(s, near(s, &s->kept), &s->kept, at + 15 * TIME_SECOND, s->of->wording);
}

/* Bytes that were sent already, sent again as others. */
static void overlap(struct scene *s, struct report *r, tq_time at)
{
    struct conn *c = near(s, r);
    struct buf b = BUF_INIT(16384);
    say(s, c, r, at, HL7);
    value_edited(r);
    write_hl7(&b, r, application(s, c, r), at);
    conn_inject(c, 0, buf_span(&b));
    buf_release(&b);
    answer(c, r->control, "AA");
}

/* An answer in the LIS's name before the LIS answers. */
static void forged_answer(struct scene *s, struct report *r, tq_time at)
{
    struct conn *c = near(s, r);
    struct conn forged;
    say(s, c, r, at, HL7);
    forged = *c;
    answer(&forged, r->control, "AA");
    answer(c, r->control, "AE");
}

static void wrong_answer(struct scene *s, struct report *r, tq_time at)
{
    struct conn *c = near(s, r);
    say(s, c, r, at, HL7);
    answer(c, "M0-00001", "AA");
}

static void cut_in_the_middle(struct scene *s, struct report *r, tq_time at)
{
    struct conn *c = near(s, r);
    struct buf b = BUF_INIT(16384);
    write_hl7(&b, r, application(s, c, r), at);
    conn_at(c, at);
    conn_send(c, 0, span_of(b.p, b.n * 2 / 3), true);
    buf_release(&b);
}

#define SPOOFED "sender.spoofed"
#define ALTERED "result.altered_in_transit"
static const struct scenario scenarios[] = {
    {.name = "untouched, one tap", .route = ONE_TAP},
    {.name = "untouched, one tap, ASTM", .route = ONE_TAP, .wording = ASTM},
    {.name = "untouched, two hops", .route = TWO_HOPS},
    {.name = "untouched, two hops, ASTM first", .route = TWO_HOPS, .wording = ASTM},
    {.name = "untouched, somebody in the path", .kind = SPOOFED, .route = IN_PATH},
    {.name = "untouched, somebody in the path, ASTM", .route = IN_PATH, .wording = ASTM},
    {.name = "untouched, somebody comes into the path", .kind = SPOOFED, .route = IN_PATH, .joins = true},
    {.name = "untouched, two VLANs", .route = IN_PATH, .vlan = true},
    {.name = "records in another order", .route = TWO_HOPS, .change = order_changed},
    {.name = "records in another order, ASTM first", .route = TWO_HOPS, .wording = ASTM, .change = order_changed},

    {.name = "rounded onto a limit", .route = TWO_HOPS, .act = rounded},

    {.name = "value", .kind = ALTERED, .route = TWO_HOPS, .change = value_edited},
    {.name = "value, ASTM first", .kind = ALTERED, .route = TWO_HOPS, .wording = ASTM, .change = value_edited},
    {.name = "value and flag", .kind = ALTERED, .route = TWO_HOPS, .change = value_and_flag},
    {.name = "decimal", .kind = ALTERED, .route = TWO_HOPS, .change = decimal_shifted},
    {.name = "digits", .kind = ALTERED, .route = TWO_HOPS, .change = digits_swapped},
    {.name = "unit", .kind = ALTERED, .route = TWO_HOPS, .change = unit_changed},
    {.name = "flag", .kind = ALTERED, .route = TWO_HOPS, .change = flag_only},
    {.name = "range", .kind = ALTERED, .route = TWO_HOPS, .change = range_widened},
    {.name = "comparator", .kind = ALTERED, .route = TWO_HOPS, .change = comparator_removed},
    {.name = "words", .kind = ALTERED, .route = TWO_HOPS, .change = words_changed},
    {.name = "value masked", .kind = ALTERED, .route = TWO_HOPS, .change = value_hidden},
    {.name = "status", .kind = ALTERED, .route = TWO_HOPS, .change = status_changed},
    {.name = "corrected by nobody", .kind = ALTERED, .route = TWO_HOPS, .change = marked_as_corrected},
    {.name = "tests change names", .kind = ALTERED, .route = TWO_HOPS, .change = test_renamed},
    {.name = "time", .kind = ALTERED, .route = TWO_HOPS, .change = dated_back},
    {.name = "specimen", .kind = ALTERED, .route = TWO_HOPS, .change = specimen_changed},
    {.name = "patient", .kind = "result.wrong_patient", .route = TWO_HOPS, .change = patient_changed},
    {.name = "one result deleted", .kind = "result.missing", .route = TWO_HOPS, .change = result_deleted},
    {.name = "cut short", .kind = "result.missing", .route = TWO_HOPS, .change = cut_short},
    {.name = "one result added", .kind = "result.extra", .route = TWO_HOPS, .change = result_added},
    {.name = "a result added of a test that nobody measures", .kind = "result.extra", .route = TWO_HOPS, .change = novelty_added},
    {.name = "in path: a result added of a test that nobody measures", .kind = "result.extra", .route = IN_PATH, .change = novelty_added},
    {.name = "results of two tubes swapped", .kind = ALTERED, .route = TWO_HOPS, .act = swap_wait, .after = swap_two},
    {.name = "held back", .kind = "result.missing", .route = TWO_HOPS, .act = swallow},
    {.name = "forged by a third host", .kind = "sender.spoofed", .or_kind = "result.extra", .route = TWO_HOPS, .act = third_host},

    {.name = "in path: value", .kind = ALTERED, .route = IN_PATH, .change = value_edited},
    {.name = "in path: longer value", .kind = ALTERED, .route = IN_PATH, .change = value_longer},
    {.name = "comes into the path: value", .kind = ALTERED, .route = IN_PATH, .joins = true, .change = value_edited},
    {.name = "comes into the path: longer value", .kind = ALTERED, .route = IN_PATH, .joins = true, .change = value_longer},
    {.name = "comes into the path: one result deleted", .kind = "result.missing", .route = IN_PATH, .joins = true, .change = result_deleted},
    {.name = "comes into the path: value, ASTM", .kind = ALTERED, .route = IN_PATH, .wording = ASTM, .joins = true, .change = value_edited},
    {.name = "in path: one result deleted, ASTM", .kind = "result.missing", .route = IN_PATH, .wording = ASTM, .change = result_deleted},
    {.name = "in path: patient, ASTM", .kind = "result.wrong_patient", .route = IN_PATH, .wording = ASTM, .change = patient_changed},
    {.name = "in path: specimen, ASTM", .kind = ALTERED, .route = IN_PATH, .wording = ASTM, .change = specimen_changed},
    {.name = "in path: unit, ASTM", .kind = ALTERED, .route = IN_PATH, .wording = ASTM, .change = unit_changed},
    {.name = "two VLANs: value", .kind = ALTERED, .route = IN_PATH, .vlan = true, .change = value_edited},
    {.name = "in path: value, ASTM", .kind = ALTERED, .route = IN_PATH, .wording = ASTM, .change = value_edited},
    {.name = "in path: time", .kind = ALTERED, .route = IN_PATH, .change = dated_back},
    {.name = "in path: flag", .kind = ALTERED, .route = IN_PATH, .change = flag_only},
    {.name = "in path: words", .kind = ALTERED, .route = IN_PATH, .change = words_changed},
    {.name = "in path: patient", .kind = "result.wrong_patient", .route = IN_PATH, .change = patient_changed},
    {.name = "in path: specimen", .kind = ALTERED, .route = IN_PATH, .change = specimen_changed},
    {.name = "in path: one result deleted", .kind = "result.missing", .route = IN_PATH, .change = result_deleted},
    {.name = "in path: swallowed and answered", .kind = "result.missing", .route = IN_PATH, .act = swallow},

    {.name = "one tap: impossible value", .kind = "result.implausible", .route = ONE_TAP, .change = impossible},
    {.name = "one tap: unit", .kind = "result.unit_changed", .route = ONE_TAP, .change = unit_changed},
    {.name = "one tap: flag", .kind = "result.flag_mismatch", .route = ONE_TAP, .change = flag_wrong},
    {.name = "one tap: hostile note", .kind = "message.hostile", .route = ONE_TAP, .change = hostile_note},
    {.name = "one tap: forged by a third host", .kind = "sender.spoofed", .route = ONE_TAP, .act = third_host},
    {.name = "one tap: sent again as new", .kind = "result.replayed", .route = ONE_TAP, .act = sent_again_later, .after = again},
    {.name = "one tap: sent again as new, ASTM",
     .kind = "result.replayed",
     .route = ONE_TAP,
     .wording = ASTM,
     .act = sent_again_later,
     .after = again},
    {.name = "one tap: sent again as another", .kind = "result.altered", .route = ONE_TAP, .act = sent_again_later, .after = again_altered},
    {.name = "one tap: sent again as another, ASTM",
     .kind = "result.altered",
     .route = ONE_TAP,
     .wording = ASTM,
     .act = sent_again_later,
     .after = again_altered},
    {.name = "one tap: other bytes in the same place", .kind = "protocol.violation", .route = ONE_TAP, .act = overlap},
    {.name = "one tap: forged answer", .kind = "protocol.violation", .route = ONE_TAP, .act = forged_answer},
    {.name = "one tap: answer to another message", .kind = "protocol.violation", .route = ONE_TAP, .act = wrong_answer},
    {.name = "one tap: cut in the middle", .kind = "message.malformed", .or_kind = "result.missing", .route = ONE_TAP, .act = cut_in_the_middle},
    {.name = "held back for a minute and passed on", .kind = "result.delayed", .route = TWO_HOPS, .act = delay, .after = hand_over_late},
};

static bool is_kind(const struct found *f, const struct scenario *of)
{
    return (of->kind != NULL && strcmp(f->kind, of->kind) == 0) || (of->or_kind != NULL && strcmp(f->kind, of->or_kind) == 0);
}

static void tampering_is_found(void **state)
{
    static struct watcher w;
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        for (uint64_t seed = 1; seed <= 3; seed++) {
            const struct scenario *of = &scenarios[i];
            tq_time attacked = 0;
            bool hit = of->kind == NULL;
            bool stray = false;
            memset(&w, 0, sizeof w);
            play(of, seed, &w, &attacked);
            for (size_t k = 0; k < w.n; k++) {
                if (strcmp(w.all[k].kind, SPOOFED) == 0 && of->route == IN_PATH && !of->vlan) { /* he speaks as both ends from one card */
                    hit = hit || is_kind(&w.all[k], of);
                    continue;
                }
                hit = hit || (is_kind(&w.all[k], of) && w.all[k].time >= attacked);
                stray = stray || of->kind == NULL || w.all[k].time < attacked;
            }
            if (hit && !stray)
                continue;
            wrong++;
            print_message("# %s, seed %u: %s\n", of->name, (unsigned)seed, hit ? "strange findings" : "not found");
            for (size_t k = 0; k < w.n && k < 6; k++)
                print_message("#   %+lld s %s (%s): %s\n", (long long)((w.all[k].time - attacked) / TIME_SECOND), w.all[k].kind, w.all[k].severity,
                              w.all[k].title);
        }
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tampering_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
