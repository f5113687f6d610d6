/* The middleware: takes the LIS's orders, and sends results on as its own messages. Most go one by one; some wait and share a segment with the next;
 * now and then the LIS cannot store one and gets it again. */
#include "engine/simulate/lab.h"

#include "wire/mllp_write.h"

#include <stdio.h>

#define HELD_LONGEST (9 * TIME_SECOND)

static struct conn *results_link(struct simulate *s, tq_time at)
{
    conn_at(&s->results, at);
    if (!s->results.open)
        conn_open(&s->net, &s->results, s->middleware, s->lis, PORT_LIS_RESULTS, s->results.clock, false);
    return &s->results;
}

/* Two messages in one write, two answers in one write. */
static void say_both(struct simulate *s, struct conn *c)
{
    struct buf both = BUF_INIT(2 * MESSAGE_MAX);
    const struct buf *parts[4] = {&s->held, &s->message, &s->held_answer, &s->answer};
    for (unsigned i = 0; i < 4; i += 2) {
        buf_clear(&both);
        for (unsigned k = i; k < i + 2; k++) {
            size_t before = both.n;
            mllp_write(&both, buf_span(parts[k]));
            truth_hl7(&s->truth, buf_span(parts[k]), both.n - before);
        }
        if (!buf_ok(&both))
            s->failed = true;
        conn_send(c, i == 0 ? 0 : 1, buf_span(&both), i == 0);
        c->clock += rng_between(&s->rng, 5 * TIME_MS, 30 * TIME_MS);
    }
    buf_release(&both);
    buf_clear(&s->held);
    buf_clear(&s->held_answer);
}

void middleware_say(struct simulate *s, struct span message, struct span answer, tq_time at)
{
    mllp_exchange(s, results_link(s, at), 0, message, answer);
}

/* Sends the held message if no other took it along meanwhile. */
static void flush_held(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    (void)what;
    if (s->held.n == 0)
        return;
    middleware_say(s, buf_span(&s->held), buf_span(&s->held_answer), at);
    buf_clear(&s->held);
    buf_clear(&s->held_answer);
}

/* Keeps the message in s->message for a while. */
static void hold(struct simulate *s, tq_time at)
{
    buf_clear(&s->held);
    buf_clear(&s->held_answer);
    buf_add_span(&s->held, buf_span(&s->message));
    buf_add_span(&s->held_answer, buf_span(&s->answer));
    lab_do(s, at + HELD_LONGEST, flush_held, NULL);
}

/* The LIS answers AE (its store is busy); the middleware sends the same message again after a moment. */
static void refuse_once(struct simulate *s, const char *control, tq_time at)
{
    struct buf refusal = BUF_INIT(4096);
    hl7_ack(&refusal, &s->lis_party, &s->middleware_party, "R01", at, control, "AE", "store busy");
    middleware_say(s, buf_span(&s->message), buf_span(&refusal), at);
    s->results.clock += rng_between(&s->rng, 2000 * TIME_MS, 4000 * TIME_MS);
    buf_release(&refusal);
}

void middleware_forward(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct sample *sample = what;
    sample->forwards++;
    struct sample copy = *sample;
    char control[CONTROL_TEXT];
    char answers[CONTROL_TEXT];
    bool document = rng_one_in(&s->rng, 25);
    copy.document = document && sample->attack != ATTACK_REPLAYED_RENUMBERED; /* the same results and nothing else */
    attack_shape_forward(s, &copy);
    buf_clear(&s->message);
    buf_clear(&s->answer);
    hl7_oru_forward(s, &s->message, &s->middleware_party, &copy, at, control);
    snprintf(answers, sizeof answers, copy.attack == ATTACK_FALSE_ANSWER ? "%.20s7" : "%s", control);
    hl7_ack(&s->answer, &s->lis_party, &s->middleware_party, "R01", at, answers, "AA", NULL);
    bool plain = copy.attack == ATTACK_NONE;
    if (s->held.n > 0 && plain)
        say_both(s, results_link(s, at));
    else if (plain && rng_one_in(&s->rng, 8))
        hold(s, at);
    else {
        if (plain && rng_one_in(&s->rng, 120))
            refuse_once(s, control, at);
        middleware_say(s, buf_span(&s->message), buf_span(&s->answer), at);
    }
    attack_forwarded(s, &copy, buf_span(&s->message), control, at);
    sample_release(s, sample);
}

void middleware_order(struct simulate *s, const struct sample *sample, tq_time at)
{
    char control[CONTROL_TEXT];
    struct conn *c = &s->orders;
    conn_at(c, at);
    if (!c->open)
        conn_open(&s->net, c, s->lis, s->middleware, PORT_MIDDLEWARE, c->clock, false);
    buf_clear(&s->message);
    buf_clear(&s->answer);
    if (sample->analyzer->kind == ANALYZER_IMMUNOASSAY) {
        hl7_order_oml(s, &s->message, sample, at, control);
        hl7_order_answer(s, &s->answer, sample, at, control);
    } else {
        hl7_order_orm(s, &s->message, sample, at, control);
        hl7_ack(&s->answer, &s->middleware_party, &s->lis_party, "O01", at, control, "AA", NULL);
    }
    mllp_exchange(s, c, 0, buf_span(&s->message), buf_span(&s->answer));
}
