/* Whether results stay the same: one that comes again with other content (result.altered, result.corrected), and a whole message that comes again on
 * another connection (result.replayed). Nothing but keyed digests is kept. */
#include "engine/detect/detect_private.h"

/* A sender that was not sure to have been heard sends again, from the same address, on a new connection. It is a replay when it comes later than
 * this, or after the first connection went on to other messages. */
#define REPLAY_AFTER (10 * 60 * TIME_SECOND)
#define CAUSE_MAX 1024

/* Where 64 bits are enough. */
static inline struct hash_state half_digest(const struct detect *d, char purpose)
{
    struct hash_state s = hash_start(&d->key);
    hash_add(&s, (uint8_t)purpose);
    return s;
}

static uint64_t digest_text(const struct detect *d, char purpose, struct span text)
{
    struct hash_state s = half_digest(d, purpose);
    hash_piece(&s, text);
    return hash_end(s);
}

/* OBX-11 and E1394 R-9. Final: F, U, V, or nothing said. Changed on purpose: C corrected, A amended, W wrong, D deleted, X cannot be obtained. */
static uint8_t status_letter(struct span status)
{
    uint8_t c = span_peek(&status, 0);
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
}

static bool is_final(uint8_t c)
{
    return c == 0 || c == 'F' || c == 'U' || c == 'V' || c == 'C' || c == 'A';
}

static bool is_correction(uint8_t c)
{
    return c == 'C' || c == 'A' || c == 'W' || c == 'D' || c == 'X';
}

static struct span result_cause(struct buf *b, const struct result *t, struct parties *p)
{
    const struct span parts[] = {t->specimen, t->code, t->system, t->observed};
    buf_addf(b, "%s>%s:%u", p->sender_text, p->receiver_text, (unsigned)p->port);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_u8(b, '|');
        buf_add_span(b, parts[i].n > CAUSE_MAX / 8 ? span_of(parts[i].p, CAUSE_MAX / 8) : parts[i]);
    }
    return buf_span(b);
}

static void changed(struct detect *d, const struct record *r, const struct result *t, bool correction)
{
    struct buf cause = BUF_INIT(CAUSE_MAX);
    UNCLEARED struct parties ends;
    struct parties *p = &ends;
    parties_of(r, t->message, p);
    parties_text(p);
    struct finding f = {
        .kind = correction ? KIND_RESULT_CORRECTED : KIND_RESULT_ALTERED,
        .severity = correction ? SEVERITY_INFO : SEVERITY_CRITICAL,
        .title = correction ? "{0} corrected a result of test {2} that it had sent to {1} before."
                            : "A result of test {2} came from {0} to {1} a second time with different content, and not as a correction.",
        .advice =
            correction
                ? "Nothing to do if the lab corrected this result. If nobody did, treat it as altered: compare it with the analyzer's own record."
                : "Do not act on this result. Compare the value in the LIS with the analyzer's own display or printout, tell the physician if a "
                  "wrong value "
                  "went out, and have the path between {0} and {1} examined.",
        .technique = correction ? NULL : "T1565.002",
        .subjects = {span_str(p->sender_text), span_str(p->receiver_text), t->code},
        .n_subjects = 3,
        .cause = result_cause(&cause, t, p),
    };
    finding_put(d, r, &f);
    buf_release(&cause);
}

/* ── Whole messages ── */

/* A message with results, by its identity; or, under a flow's key, half the identity of its last such message in `content`. */
struct kept_message {
    uint64_t content; /* the sum of its results */
    uint64_t flow;
    struct address from;
    tq_time time;
    uint8_t accepted; /* the receiver said so */
};

struct memo *messages_new(void)
{
    return memo_new(MESSAGES_MAX, sizeof(struct kept_message));
}

static struct digest identity_of(const struct detect *d, const struct address *receiver, uint16_t port, struct span control_id)
{
    struct hash_state g = digest_start(&d->key, 'w');
    hash_piece(&g, span_of(receiver->bytes, sizeof receiver->bytes));
    hash_piece(&g, span_of(&port, sizeof port));
    hash_piece(&g, control_id);
    return digest_end(g);
}

void judge_replay_message(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    if (m->ack_for.n > 0) {
        /* An answer goes the other way: its sender received what it answers, and the listening port is the same. */
        struct kept_message *k = memo_get(d->messages, identity_of(d, p->sender, p->port, m->ack_for));
        if (k != NULL && m->ack_code.n == 2 && m->ack_code.p[1] == 'A' && k->flow == r->flow.id)
            k->accepted = 1;
    }
    d->open.results_left = 0;
    d->current.n = 0; /* a sensor that started again may use an id again */
    if (m->results <= 0 || m->control_id.n == 0 || m->malformed.n > 0)
        return;
    d->open.id = digest_text(d, 'm', m->id);
    d->open.identity = identity_of(d, p->receiver, p->port, m->control_id);
    d->open.content = 0;
    d->open.results_left = m->results;
}

static bool elsewhere(const struct kept_message *k, const struct parties *p)
{
    return k->from.family != p->sender->family || memcmp(k->from.bytes, p->sender->bytes, sizeof k->from.bytes) != 0;
}

/* One cause is one device that repeats another's (or its own) messages to one receiver, however many. */
static void replayed(struct detect *d, const struct record *r, struct parties *p, const struct kept_message *k)
{
    bool other = elsewhere(k, p);
    parties_text(p);
    char home[46];
    address_format(&k->from, home);
    struct buf cause = BUF_INIT(CAUSE_MAX);
    buf_addf(&cause, "%s>%s:%u|%s", p->sender_text, p->receiver_text, (unsigned)p->port, home);
    struct finding f = {
        .kind = KIND_RESULT_REPLAYED,
        .severity = other ? SEVERITY_HIGH : SEVERITY_MEDIUM,
        .title = other ? "{0} sent to {1} a message with results that {2} had sent before, unchanged."
                       : "{0} sent the same message with results to {1} once more, on a new connection, after it had been accepted.",
        .advice = other ? "Find the device with address {0}: somebody may be sending recorded results again. Check in the LIS that these results "
                          "were not filed twice "
                          "or for another order."
                        : "Ask whether somebody sent old results again on purpose. If not, check in the LIS that they were not filed twice or for "
                          "another order.",
        .technique = "T1565.002",
        .subjects = {span_str(p->sender_text), span_str(p->receiver_text), span_str(home)},
        .n_subjects = 3,
        .cause = buf_span(&cause),
    };
    finding_put(d, r, &f);
    buf_release(&cause);
}

/* Where the last message of a flow is remembered. */
static struct digest flow_key(const struct detect *d, uint64_t flow)
{
    struct hash_state g = digest_start(&d->key, 'f');
    hash_piece(&g, span_of(&flow, sizeof flow));
    return digest_end(g);
}

static bool went_on(const struct detect *d, uint64_t flow, struct digest identity)
{
    const struct kept_message *last = memo_get(d->messages, flow_key(d, flow));
    return last != NULL && last->content != identity.a;
}

static void message_complete(struct detect *d, const struct record *r, struct parties *p)
{
    bool is_new;
    struct kept_message *k = memo_put(d->messages, d->open.identity, r->time, &is_new);
    bool same = !is_new && k->accepted && k->content == d->open.content;
    if (same && k->flow != r->flow.id && (elsewhere(k, p) || r->time - k->time >= REPLAY_AFTER || went_on(d, k->flow, d->open.identity)))
        replayed(d, r, p, k);
    if (!same) /* else the first one stays what later ones are compared with */
        *k = (struct kept_message){.content = d->open.content, .flow = r->flow.id, .from = *p->sender, .time = r->time};
    struct kept_message *last = memo_put(d->messages, flow_key(d, r->flow.id), r->time, NULL);
    last->content = d->open.identity.a;
}

/* A result of the open message: its content goes into the sum, which the last one completes. */
static void replay_result(struct detect *d, const struct record *r, const struct result *t, uint64_t identity, uint64_t content)
{
    if (d->open.results_left <= 0 || d->open.id != d->current.message)
        return;
    d->open.content += (identity ^ (content << 31 | content >> 33)) * UINT64_C(0x9e3779b97f4a7c15);
    if (--d->open.results_left > 0)
        return;
    UNCLEARED struct parties p;
    parties_of(r, t->message, &p);
    message_complete(d, r, &p);
}

/* ── One result ── */

/* What all results of one message share, worked out once. */
static void enter_message(struct detect *d, const struct record *r, struct span id)
{
    if (id.n > 0 && id.n == d->current.n && memcmp(id.p, d->current.id, id.n) == 0)
        return;
    d->current.n = 0;
    if (id.n > 0 && id.n <= sizeof d->current.id) {
        memcpy(d->current.id, id.p, id.n);
        d->current.n = id.n;
    }
    d->current.message = digest_text(d, 'm', id);
    struct hash_state s = half_digest(d, 'l');
    UNCLEARED struct parties p;
    parties_of(r, id, &p);
    hash_piece(&s, span_of(p.sender->bytes, sizeof p.sender->bytes));
    hash_piece(&s, span_of(p.receiver->bytes, sizeof p.receiver->bytes));
    hash_add(&s, p.port);
    d->current.place = hash_end(s);
}

static uint64_t identity_of_result(const struct detect *d, const struct result *t)
{
    struct hash_state s = half_digest(d, 'i');
    hash_piece(&s, t->specimen);
    hash_piece(&s, t->code);
    hash_piece(&s, t->system);
    hash_piece(&s, t->observed);
    return hash_end(s);
}

static uint64_t content_of(const struct detect *d, const struct result *t)
{
    struct hash_state s = half_digest(d, 'v');
    for (size_t i = 0; i < t->pieces; i++)
        hash_piece(&s, t->value[i].text);
    hash_piece(&s, t->units);
    return hash_end(s);
}

void judge_result(struct detect *d, const struct record *r, const struct result *t)
{
    enter_message(d, r, t->message);
    uint64_t identity = identity_of_result(d, t);
    uint64_t key = identity ^ d->current.place;
    results_expect(d->results, key);
    uint64_t content = content_of(d, t);
    replay_result(d, r, t, identity, content);
    if (t->specimen.n == 0 || t->code.n == 0 || t->observed.n == 0)
        return; /* without all three, two results may rightly differ */
    bool is_new;
    struct seen_result *k = results_put(d->results, key, r->time, &is_new);
    uint8_t status = status_letter(t->status);
    bool differs = !is_new && k->content != (uint32_t)content;
    bool was_final = k->final;
    if (differs && k->message == (uint32_t)d->current.message)
        k->several = 1;
    k->content = (uint32_t)content;
    k->message = (uint32_t)d->current.message;
    k->final = is_final(status);
    if (differs && !k->several && was_final)
        changed(d, r, t, is_correction(status));
}
