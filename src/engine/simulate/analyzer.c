/* How each kind of analyzer asks for work and reports what it measured. */
#include "engine/simulate/lab.h"

#include <stdio.h>
#include <string.h>

#define KEPT_BACK (1200 * TIME_SECOND) /* how long a delayed result lies in the middleware */
#define SENT_ANEW (75 * TIME_SECOND)

static const struct {
    const char *model;
    const char *host;
    const char *ip; /* of the first; the next ones follow */
    uint8_t maker[3];
    uint16_t vlan;
} kinds[ANALYZER_KINDS] = {
    [ANALYZER_CHEMISTRY] = {"BS-380", "BS380", "10.20.20.", {0x00, 0x0f, 0x14}, 20},
    [ANALYZER_IMMUNOASSAY] = {"Alinity ci-series", "ALINITY", "10.20.20.", {0x00, 0x13, 0xdd}, 20},
    [ANALYZER_COMPACT] = {"c111", "C111", "10.20.10.", {0x00, 0x60, 0x19}, 0},
    [ANALYZER_HAEMATOLOGY] = {"XN-550", "XN550", "10.20.20.", {0x00, 0x06, 0x6b}, 20},
    [ANALYZER_SERIAL_CBC] = {"XP-300", "NPORT", "10.20.20.", {0x00, 0x90, 0xe8}, 20}, /* the host is the terminal server */
    [ANALYZER_SERIAL_A1C] = {"D-10", "NPORT", "10.20.20.", {0x00, 0x90, 0xe8}, 20},
};

const char *analyzer_model(const struct analyzer *a)
{
    return kinds[a->kind].model;
}

size_t astm_frame_limit(const struct analyzer *a)
{
    return a->kind == ANALYZER_COMPACT ? 0 : a->kind == ANALYZER_SERIAL_A1C ? 64000 : 240;
}

static uint16_t upstream_port(const struct analyzer *a)
{
    if (a->kind == ANALYZER_COMPACT)
        return PORT_LIS_ASTM;
    return a->kind == ANALYZER_HAEMATOLOGY ? PORT_MIDDLEWARE_ASTM : PORT_MIDDLEWARE;
}

void analyzer_start(struct simulate *s, unsigned number)
{
    struct analyzer *a = &s->analyzers[number];
    char name[24];
    *a = (struct analyzer){.kind = (enum analyzer_kind)(number % NETWORKED_KINDS)};
    snprintf(name, sizeof name, "%s-%02u", kinds[a->kind].host, number / NETWORKED_KINDS + 1);
    snprintf(a->serial, sizeof a->serial, "%u", 10000 + rng_below(&s->rng, 80000));
    a->host = lab_host(s, name, kinds[a->kind].maker, lab_ip(kinds[a->kind].ip, 101 + number).text, kinds[a->kind].vlan);
    a->upstream = a->kind == ANALYZER_COMPACT ? s->lis : s->middleware_lab;
    a->up.trouble = 160;
    char prefix[8];
    snprintf(prefix, sizeof prefix, "%c%02u", a->kind == ANALYZER_CHEMISTRY ? 'B' : 'A', number);
    if (a->kind == ANALYZER_CHEMISTRY) {
        party_init(&a->party, "Mindray", "BS-380", "2.3.1", "8859/1", prefix);
        a->up.mss = 536; /* a small stack of its own */
    } else if (a->kind == ANALYZER_IMMUNOASSAY)
        party_init(&a->party, "Alinity ci-series", "Abbott", "2.5.1", "UNICODE UTF-8", prefix);
}

void analyzer_start_serial(struct simulate *s, unsigned group)
{
    char name[24];
    const enum analyzer_kind first = ANALYZER_SERIAL_CBC;
    snprintf(name, sizeof name, "%s-%02u", kinds[first].host, group + 1);
    struct host *server = lab_host(s, name, kinds[first].maker, lab_ip(kinds[first].ip, 40 + group).text, kinds[first].vlan);
    for (unsigned i = 0; i < SERIAL_LINES; i++) {
        struct analyzer *a = &s->analyzers[s->analyzers_n++];
        *a = (struct analyzer){
            .kind = first + i, .host = server, .upstream = s->middleware_lab, .side = 1, .line = (uint16_t)(PORT_SERIAL + i), .up = {.trouble = 160}};
        snprintf(a->serial, sizeof a->serial, "%u", 10000 + rng_below(&s->rng, 80000));
    }
}

/* Opens the analyzer's lasting connection if it is not open; now and then it drops it first, as instruments do. */
static struct conn *lasting(struct simulate *s, struct analyzer *a, tq_time at)
{
    conn_at(&a->up, at);
    if (a->up.open && rng_one_in(&s->rng, 60)) {
        if (rng_one_in(&s->rng, 2))
            conn_reset(&a->up, 0);
        else
            conn_close(&a->up, 0);
        a->up.clock += rng_between(&s->rng, 300 * TIME_MS, 900 * TIME_MS);
    }
    if (!a->up.open && a->side == 1)
        conn_open(&s->net, &a->up, a->upstream, a->host, a->line, a->up.clock, false);
    else if (!a->up.open)
        conn_open(&s->net, &a->up, a->host, a->upstream, upstream_port(a), a->up.clock, false);
    return &a->up;
}

/* One exchange on a connection of its own. */
static tq_time one_exchange(struct simulate *s, struct host *client, struct host *server, uint16_t port, tq_time at)
{
    struct conn c = {.trouble = 120};
    conn_open(&s->net, &c, client, server, port, at, false);
    mllp_exchange(s, &c, 0, buf_span(&s->message), buf_span(&s->answer));
    c.clock += rng_between(&s->rng, 1 * TIME_MS, 40 * TIME_MS);
    conn_close(&c, 0);
    return c.clock;
}

/* LAW: the analyzer asks (LAB-27), the middleware sends the steps on a connection of its own (LAB-28). */
static void arrive_law(struct simulate *s, struct analyzer *a, struct sample *sample, tq_time at)
{
    char control[CONTROL_TEXT];
    buf_clear(&s->message);
    buf_clear(&s->answer);
    hl7_law_query(s, &s->message, a, sample, at, control);
    hl7_law_answer(s, &s->answer, a, sample, at, control);
    tq_time then = one_exchange(s, a->host, a->upstream, PORT_MIDDLEWARE, at) + rng_between(&s->rng, 80 * TIME_MS, 500 * TIME_MS);
    buf_clear(&s->message);
    buf_clear(&s->answer);
    hl7_law_order(s, &s->message, a, sample, then, control);
    attack_ordered(s, sample, then, control);
    hl7_law_accept(s, &s->answer, a, sample, then, control);
    one_exchange(s, a->upstream, a->host, PORT_ANALYZER_LAW, then);
}

static void arrive_astm(struct simulate *s, struct analyzer *a, struct sample *sample, tq_time at)
{
    struct conn *c = lasting(s, a, at);
    buf_clear(&s->message);
    astm_query(&s->message, a, sample, c->clock);
    struct astm_transfer query = {.from = a->side, .most = astm_frame_limit(a), .damage = 40};
    astm_transfer(s, c, &query, buf_span(&s->message));
    c->clock += rng_between(&s->rng, 100 * TIME_MS, 900 * TIME_MS);
    buf_clear(&s->message);
    astm_order(&s->message, a, sample, c->clock);
    struct astm_transfer order = {.from = !a->side, .most = astm_frame_limit(a), .damage = 40};
    astm_transfer(s, c, &order, buf_span(&s->message));
}

void analyzer_arrive(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct sample *sample = what;
    struct analyzer *a = sample->analyzer;
    if (a->kind == ANALYZER_IMMUNOASSAY)
        arrive_law(s, a, sample, at);
    else if (a->kind != ANALYZER_CHEMISTRY && !rng_one_in(&s->rng, 4))
        arrive_astm(s, a, sample, at);
    lab_later(s, at + rng_between(&s->rng, 40 * TIME_SECOND, 110 * TIME_SECOND), analyzer_report, sample);
    sample_release(s, sample);
}

/* The message in s->message and its answer; in between somebody sends the end of the message once more, with another value in it. */
static void exchange_disturbed(struct simulate *s, struct conn *c)
{
    uint8_t end[200];
    mllp_say(s, c, 0, buf_span(&s->message), true);
    size_t n = s->frame.n < sizeof end ? s->frame.n : sizeof end;
    memcpy(end, s->frame.p + s->frame.n - n, n);
    for (size_t i = 0; i < n; i++)
        end[i] = end[i] >= '0' && end[i] <= '8' ? (uint8_t)(end[i] + 1) : end[i];
    conn_inject(c, 0, span_of(end, n));
    c->clock += rng_between(&s->rng, 4 * TIME_MS, 35 * TIME_MS);
    mllp_say(s, c, 1, buf_span(&s->answer), false);
}

/* Both report functions give the time when the report was through. */
static tq_time report_hl7(struct simulate *s, struct analyzer *a, struct sample *sample, tq_time at, char control[CONTROL_TEXT])
{
    buf_clear(&s->message);
    buf_clear(&s->answer);
    if (a->kind == ANALYZER_CHEMISTRY) {
        struct conn *c = lasting(s, a, at);
        hl7_oru_analyzer(&s->message, a, sample, &s->middleware_party, c->clock, control);
        hl7_ack(&s->answer, &s->middleware_party, &a->party, "R01", c->clock, control, "AA", NULL);
        if (sample->attack == ATTACK_OVERLAP)
            exchange_disturbed(s, c);
        else
            mllp_exchange(s, c, 0, buf_span(&s->message), buf_span(&s->answer));
        return c->clock;
    }
    hl7_oul(&s->message, a, sample, &s->middleware_party, at, control);
    hl7_ack(&s->answer, &s->middleware_party, &a->party, "R22", at, control, "AA", NULL);
    return one_exchange(s, a->host, a->upstream, PORT_MIDDLEWARE, at);
}

static tq_time report_astm(struct simulate *s, struct analyzer *a, const struct sample *sample, tq_time at)
{
    struct conn *c = lasting(s, a, at);
    struct astm_transfer how = {.from = a->side, .most = astm_frame_limit(a), .damage = 40};
    how.contended = rng_one_in(&s->rng, 18);
    how.busy = !how.contended && rng_one_in(&s->rng, 40);
    buf_clear(&s->message);
    astm_result(&s->message, a, sample, c->clock);
    astm_transfer(s, c, &how, buf_span(&s->message));
    return c->clock;
}

/* What may follow a report: a second run of a preliminary one, a correction of a final one, an attacker's second version. */
static void follow_up(struct simulate *s, struct sample *sample, tq_time at)
{
    int64_t wait = rng_between(&s->rng, 45 * TIME_SECOND, 90 * TIME_SECOND);
    bool first = sample->stage == STAGE_FIRST;
    if (first && attack_comes_again(sample))
        sample->stage = STAGE_RESENT;
    else if (sample->attack != ATTACK_NONE || sample->patient == NULL || sample->stage == STAGE_CORRECTION)
        return;
    else if (first && sample->values[0].status == 'P')
        sample->stage = STAGE_SECOND_RUN;
    else if (rng_one_in(&s->rng, 90))
        sample->stage = STAGE_CORRECTION;
    else
        return;
    lab_later(s, at + wait, analyzer_report, sample);
}

/* Prepares the values of this report. */
static void measure(struct simulate *s, struct sample *sample, tq_time at)
{
    char status = 'F';
    if (sample->stage == STAGE_FIRST) {
        sample_measure(&s->rng, sample);
        status = sample->patient != NULL && sample->attack == ATTACK_NONE && rng_one_in(&s->rng, 30) ? 'P' : 'F';
    } else if (sample->stage == STAGE_SECOND_RUN)
        sample_measure_again(&s->rng, sample);
    if (sample->stage == STAGE_FIRST || sample->stage == STAGE_SECOND_RUN)
        sample->measured = at - rng_between(&s->rng, 5 * TIME_SECOND, 30 * TIME_SECOND);
    for (size_t i = 0; i < sample->values_n; i++)
        sample->values[i].status = status;
    if (sample->stage == STAGE_CORRECTION)
        sample_correct(&s->rng, sample);
}

void analyzer_report(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct sample *sample = what;
    struct analyzer *a = sample->analyzer;
    char control[CONTROL_TEXT] = "";
    a->runs++;
    if (sample->patient == NULL && sample->panel == PANEL_BMP)
        memcpy(s->control, sample->barcode, sizeof s->control);
    measure(s, sample, at);
    attack_shape(s, sample);
    bool hl7 = a->kind == ANALYZER_CHEMISTRY || a->kind == ANALYZER_IMMUNOASSAY;
    tq_time done = hl7 ? report_hl7(s, a, sample, at, control) : report_astm(s, a, sample, at);
    attack_reported(s, sample, done, control);
    if (a->kind != ANALYZER_COMPACT && sample->patient != NULL && sample->attack != ATTACK_RESULT_MISSING) {
        tq_time then = done + rng_between(&s->rng, 1200 * TIME_MS, 4000 * TIME_MS);
        lab_later(s, sample->attack == ATTACK_DELAYED ? then + KEPT_BACK : then, middleware_forward, sample);
        if (sample->attack == ATTACK_REPLAYED_RENUMBERED)
            lab_later(s, then + SENT_ANEW, middleware_forward, sample);
    }
    follow_up(s, sample, at);
    sample_release(s, sample);
}
