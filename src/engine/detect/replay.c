/* Whole messages with results that come again unchanged (result.replayed). What our own relay sends to the LIS is not judged: where it repeats one it
 * had no answer to (`again`), and somebody repeats one to it, that shows where it is received. Nothing but keyed digests is kept. */
#include "engine/detect/detect_private.h"

#define UNTIMED_LEAST 4 /* so many numbers are not the same once more by chance */
/* A sender that was not sure to have been heard sends again, from the same address. It is a replay when it comes later than this, or after the sender
 * went on to other messages. */
#define REPLAY_AFTER (10 * 60 * TIME_SECOND)
/* … or than this where its connection still stands: an answer that was seen on it arrived, and no sender waits so long for one. */
#define REPLAY_SAME_AFTER (3 * 60 * TIME_SECOND)
#define LATE (10 * TIME_SECOND)
#define CAUSE_MAX 1024

/* A message with results, by its identity or its content; or, under a flow's key, half the identity of its last such message in `content`. */
struct kept_message {
    uint64_t content; /* the sum of its results */
    uint64_t flow;
    struct address from;
    tq_time time;
    uint64_t ordinal;
    uint16_t link;
    uint8_t direction;
    uint8_t accepted; /* the receiver said so */
};

struct memo *messages_new(void)
{
    return memo_new(MESSAGES_MAX, sizeof(struct kept_message));
}

struct digest replay_identity(const struct detect *d, const struct address *receiver, uint16_t port, struct span control_id)
{
    struct hash_state g = digest_start(&d->key, 'w');
    if (control_id.n == 0)
        return (struct digest){.a = 0, .b = 0};
    hash_piece(&g, span_of(receiver->bytes, sizeof receiver->bytes));
    hash_piece(&g, span_of(&port, sizeof port));
    hash_piece(&g, control_id);
    return digest_end(g);
}

void replay_message(struct detect *d, const struct message *m)
{
    d->replay.content = 0;
    d->replay.told = false;
    d->replay.ours = m->ours;
    d->replay.complete = m->results > 0 && m->malformed.n == 0;
    d->replay.identity = m->identity;
}

/* An answer goes the other way: its sender received what it answers, and the listening port is the same. */
void replay_answer(struct detect *d, const struct record *r, const struct message *m)
{
    if (m->ack_for.n == 0 || m->ack_code.n != 2 || m->ack_code.p[1] != 'A')
        return;
    struct kept_message *k = memo_get(d->messages, m->accepted);
    if (k == NULL || k->flow != r->flow.id)
        return;
    k->accepted = 1;
}

static bool elsewhere(const struct kept_message *k, const struct link *l)
{
    return k->from.family != l->sender.family || memcmp(k->from.bytes, l->sender.bytes, sizeof k->from.bytes) != 0;
}

/* One cause is one device that repeats another's (or its own) messages to one receiver, however many. */
static void replayed(struct detect *d, const struct record *r, const struct kept_message *k, bool other_name)
{
    UNCLEARED struct parties p;
    const struct link *l = open_link(d);
    bool other = elsewhere(k, l);
    link_text(l, &p);
    char home[46];
    char also[MESSAGE_ID_TEXT];
    address_format(&k->from, home);
    struct buf cause = BUF_INIT(CAUSE_MAX);
    buf_addf(&cause, "%s>%s:%u|%s%s", p.sender_text, p.receiver_text, (unsigned)l->port, home, other_name ? "|renamed" : "");
    struct finding f = {
        .kind = KIND_RESULT_REPLAYED,
        .severity = other ? SEVERITY_HIGH : SEVERITY_MEDIUM,
        .title = other        ? "{0} sent to {1} a message with results that {2} had sent before, unchanged."
                 : other_name ? "{0} sent the same results to {1} once more, under a new message number, after they had been accepted."
                              : "{0} sent the same message with results to {1} once more, after it had been accepted.",
        .advice = other ? "Find the device with address {0}: somebody may be sending recorded results again. Check in the LIS that these results "
                          "were not filed twice "
                          "or for another order."
                        : "Ask whether somebody sent old results again on purpose. If not, check in the LIS that they were not filed twice or for "
                          "another order.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text), span_str(home)},
        .n_subjects = 3,
        .also = message_id_text(k->flow, k->direction, k->ordinal, also),
        .also_flow = k->flow,
        .cause = buf_span(&cause),
    };
    if (r != NULL)
        finding_put(d, r, &f);
    struct step again = {.verdict = "replayed", .finding = &f};
    for (size_t i = 0; i < d->open.judged + d->open.n; i++)
        step_add(d, r, &again, (uint32_t)i, NULL, NO_PLACE);
    step_put(d, r, &again);
    buf_release(&cause);
}

/* Where the last message of a flow is remembered. */
struct digest latest_key(const struct detect *d, uint64_t flow)
{
    struct hash_state g = digest_start(&d->key, 'f');
    hash_piece(&g, span_of(&flow, sizeof flow));
    return digest_end(g);
}

/* Where the message comes again on another connection, whatever this link sent meanwhile counts: there are devices that connect anew for each. */
static bool went_on(const struct detect *d, const struct record *r, const struct kept_message *k)
{
    const struct kept_message *last = memo_get(d->messages, latest_key(d, k->flow));
    const struct link *l = open_link(d);
    if (last != NULL && last->content != k->content)
        return true;
    return k->flow != r->flow.id && k->link == d->open.link && l->content_last != 0 && l->content_last != k->content;
}

/* Did this sender go on to other messages since, or did so much time pass, that this is no repetition out of doubt? What came by a spool is judged
 * late: the earlier one of two repeats nothing, and what others told in time may be the same message. */
static bool comes_late(const struct detect *d, const struct record *r, const struct kept_message *k)
{
    if (r->time < k->time || d->now - r->time > LATE)
        return false;
    tq_time least = k->flow == r->flow.id ? REPLAY_SAME_AFTER : REPLAY_AFTER;
    return elsewhere(k, open_link(d)) || r->time - k->time >= least || went_on(d, r, k);
}

/* r: of the last result. Only a message that came whole is compared. */
void judge_replay(struct detect *d, const struct record *r)
{
    if (!d->replay.complete || r == NULL)
        return;
    d->replay.complete = false;
    const struct link *l = open_link(d);
    bool named = d->replay.identity.a != 0 || d->replay.identity.b != 0;
    struct kept_message now = {.content = d->replay.content,
                               .flow = r->flow.id,
                               .from = l->sender,
                               .time = r->time,
                               .link = d->open.link,
                               .accepted = d->open.astm}; /* each frame of it was acknowledged, or it would not be whole */
    message_id_read(span_of(d->open.id, d->open.id_n), &now.direction, &now.ordinal);
    if (named) {
        bool is_new;
        struct kept_message *k = memo_put(d->messages, d->replay.identity, r->time, &is_new);
        bool same = !is_new && k->accepted && k->content == now.content;
        d->replay.told = same && !d->replay.ours && comes_late(d, r, k);
        if (d->replay.told)
            replayed(d, r, k, false);
        if (!same) /* else the first one stays what later ones are compared with */
            *k = now;
    }
    struct kept_message *last = memo_put(d->messages, d->open.latest, r->time, NULL);
    if (r->time < last->time)
        return;
    last->content = now.content;
    last->time = r->time;
    open_link(d)->content_last = now.content;
}

/* The same results once more on this link, all of them and nothing else, under another message number (or none), after they had been accepted and
 * their sender went on. Where nothing says when they were measured, they are many: chance does not make that. */
void judge_renumbered(struct detect *d, const struct record *r)
{
    const struct link *l = open_link(d);
    const struct sent *s = NULL;
    size_t untimed = 0;
    size_t numbers = 0;
    if (!d->replay.whole || d->replay.told || d->replay.ours || r == NULL)
        return;
    for (size_t i = 0; i < d->open.n; i++) {
        const struct gathered *g = &d->open.all[i];
        if (g->merged)
            continue;
        bool same = g->again && !g->differs && g->before->exact == g->is.exact;
        bool corrected = same && g->is.status == STATUS_CORRECTED && g->before->status != STATUS_CORRECTED; /* by less than is said here */
        const struct sent *from = same && !corrected ? sent_at(d, g->before->sent) : NULL;
        untimed += g->is.observed == 0;
        numbers += g->is.numeric;
        if (from == NULL || (s != NULL && s != from) || from->patient != d->open.groups[g->group].patient)
            return;
        s = from;
    }
    if (untimed > 0 && numbers < UNTIMED_LEAST)
        return;
    bool accepted = s != NULL && ((s->answered && !s->refused) || d->open.astm);
    tq_time least = s != NULL && s->flow == r->flow.id ? REPLAY_SAME_AFTER : REPLAY_AFTER;
    bool late = accepted && r->time >= s->time && (r->time - s->time >= least || l->sent_last != s->number);
    if (!late || (s->control == d->open.control.a && s->named))
        return;
    const struct kept_message k = {.flow = s->flow, .direction = s->direction, .ordinal = s->ordinal, .from = l->sender};
    replayed(d, r, &k, s->named);
}
