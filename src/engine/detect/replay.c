/* Whole messages with results that come again unchanged (result.replayed). What our own relay sends to the LIS is not judged: where it repeats one it
 * had no answer to (`again`), and somebody repeats one to it, that shows where it is received. Nor is one that the LIS had refused for good: whoever
 * sends it again does what was asked of them. Nothing but keyed digests is kept. */
#include "engine/detect/detect_private.h"

#define UNTIMED_LEAST 4 /* so many numbers are not the same once more by chance */
/* A sender that was not sure to have been heard sends again, from the same address. It is a replay when it comes later than this, or after the sender
 * went on to other messages. */
#define REPLAY_AFTER (10 * 60 * TIME_SECOND)
/* … or than this where its connection still stands: an answer that was seen on it arrived, and no sender waits so long for one. */
#define REPLAY_SAME_AFTER (3 * 60 * TIME_SECOND)
/* Sooner than that it is sent again by one that waited for an answer, and had none. Where an answer was seen on the same connection so long before,
 * its sender had it. */
#define ANSWERED_BEFORE TIME_SECOND
/* Who was switched off and on sends its last results again: behind a silence of so long, on a new connection, one after the other, up to the very
 * last; what is from before so long, or comes so long after, nobody does. */
#define RESTART_SILENT (15 * TIME_SECOND)
#define RESTART_PACE (60 * TIME_SECOND)
#define RESTART_WITHIN (30 * 60 * TIME_SECOND)
#define KNOWN_WELL 10  /* messages of a link by which it shows whether its sender repeats what was answered */
#define HABIT_SHARE 20 /* one message in so many is repeated soon: that is how this sender is */
#define ALWAYS_SHARE 4 /* … or so many, at whatever time */
#define ALWAYS_LEAST 4
/* Two people's results may be the same by chance: bits that a panel has to have beyond what the number of comparisons takes away, so that a busy day
 * brings such a pair once in a thousand days; and those beyond that it has where nobody would say chance. */
#define ALIKE_WITHIN (2 * 3600 * TIME_SECOND)
#define ALIKE_BEYOND 10
#define ALIKE_BITS 17 /* at least */
#define ALIKE_HIGH 8
#define PANELS_A_DAY 8192
#define ALIKE_LEAST 4  /* numbers of a panel */
#define PANELS_LEAST 8 /* of a link, all different: its sender does not make its values up */
/* So many in so short a time come of no measuring: of a test of the link, which makes them up, or of a queue that empties. */
#define PANELS_QUICK 100
#define PACE (10 * TIME_SECOND)
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
    tq_time accepted_at;
    uint64_t patient; /* of a panel: whose, and the digest of its specimen in `content`; 0: not said */
    uint32_t panel;   /* … and which of its link it was */
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
    d->replay.told = d->replay.placed = d->replay.restart = false;
    d->replay.expected = m->ours || m->again;
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
    if (k->accepted == 0)
        k->accepted_at = r->time;
    k->accepted = 1;
}

static bool elsewhere(const struct kept_message *k, const struct link *l)
{
    return k->from.family != l->sender.family || memcmp(k->from.bytes, l->sender.bytes, sizeof k->from.bytes) != 0;
}

/* One cause is one device that repeats another's (or its own) messages to one receiver, however many. r: NULL where it is not the open message, but
 * the latest of its link. */
static void replayed(struct detect *d, const struct record *r, const struct link *l, const struct kept_message *k, bool other_name, bool doubt)
{
    UNCLEARED struct parties p;
    bool other = elsewhere(k, l);
    link_text(l, &p);
    char home[46];
    char also[MESSAGE_ID_TEXT];
    address_format(&k->from, home);
    struct buf cause = BUF_INIT(CAUSE_MAX);
    buf_addf(&cause, "%s>%s:%u|%s%s", p.sender_text, p.receiver_text, (unsigned)l->port, home, other_name ? "|renamed" : "");
    struct finding f = {
        .kind = KIND_RESULT_REPLAYED,
        .severity = other   ? SEVERITY_HIGH
                    : doubt ? SEVERITY_LOW
                            : SEVERITY_MEDIUM,
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
        .also = k->flow == 0 ? (struct span){0} : message_id_text(k->flow, k->direction, k->ordinal, also),
        .also_flow = k->flow,
        .cause = buf_span(&cause),
    };
    const struct sent *last = r == NULL ? sent_at(d, l->sent_last) : NULL;
    if (last != NULL)
        finding_put_sent(d, last, &f);
    if (r == NULL) {
        buf_release(&cause);
        return;
    }
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

/* Its sender repeats what was answered so often, or was heard so seldom, that this is no sign of anybody else. Counts this one, judged or not. */
static bool is_habit(struct link *l, tq_time since)
{
    bool habit = l->again > 0 && l->again >= l->whole / HABIT_SHARE;
    bool always = l->again >= ALWAYS_LEAST && l->again >= l->whole / ALWAYS_SHARE;
    l->again++;
    return always || (since < REPLAY_SAME_AFTER && (habit || l->whole < KNOWN_WELL));
}

/* It was no device that started again: that would have gone on to the last that it had sent. */
static void judge_resent(struct detect *d, struct link *l)
{
    const struct kept_message k = {.from = l->sender};
    if (l->resending)
        replayed(d, NULL, l, &k, l->resent_as, false);
    l->resending = false;
}

/* One more message of the link that is open. first: when the same was sent first, on this flow; 0: it is new. True: its sender has started again, as
 * far as can be told by now. */
static bool starts_again(struct detect *d, const struct record *r, tq_time first, uint64_t flow)
{
    struct link *l = open_link(d);
    tq_time silent = r->time - l->said;
    bool follows = l->resent != 0 && first > l->resent && silent < RESTART_PACE;
    bool begins = l->said != 0 && flow != r->flow.id && silent >= RESTART_SILENT && silent <= RESTART_WITHIN && l->fresh - first <= RESTART_WITHIN;
    bool restart = first != 0 && first <= l->fresh && (follows || begins);
    if (!restart || !follows)
        judge_resent(d, l);
    l->resent = restart ? first : 0;
    l->said = r->time;
    l->fresh = first == 0 ? r->time : l->fresh;
    d->replay.restart = restart;
    return restart;
}

/* Is it told as a doubt? What is no habit of the sender and seems to be a start is looked at again when the next message is here. */
static bool restart_told(struct link *l, bool restart, bool habit, tq_time first, bool other_name)
{
    l->again -= restart && !habit;
    l->resending = restart && !habit && first < l->fresh;
    l->resent_as = other_name;
    return restart || habit;
}

void resent_end(struct detect *d)
{
    for (uint16_t i = 0; i < links_count(d->links); i++)
        judge_resent(d, links_at(d->links, i));
}

/* Did it come again to whoever passes it on here, from a device that started again? Then what is to be told of it is told there. */
static bool came_again(const struct detect *d, const struct sent *s)
{
    const struct link *here = open_link(d);
    const struct specimen *of = specimen_get(d, s->ids[0]);
    for (size_t i = 0; of != NULL && i < SIGHTINGS; i++) {
        const struct sent *c = of->seen[i].used ? sent_at(d, of->seen[i].sent) : NULL;
        const struct link *l = c == NULL ? NULL : links_at(d->links, c->link);
        if (l != NULL && c->restart && c->link != d->open.link && c->time > s->time && l->receiver.family == here->sender.family &&
            memcmp(l->receiver.bytes, here->sender.bytes, sizeof here->sender.bytes) == 0)
            return true;
    }
    return false;
}

/* Was it answered on this connection well before it came again? */
static bool answered_before(const struct detect *d, const struct record *r, uint64_t flow, tq_time answered)
{
    return flow == r->flow.id && answered != 0 && r->time - answered >= ANSWERED_BEFORE && d->now - r->time <= LATE;
}

/* r: of the last result. Only a message that came whole is compared. */
void judge_replay(struct detect *d, const struct record *r)
{
    if (!d->replay.complete || r == NULL)
        return;
    d->replay.complete = false;
    struct link *l = open_link(d);
    bool named = d->replay.identity.a != 0 || d->replay.identity.b != 0;
    struct kept_message now = {.content = d->replay.content,
                               .flow = r->flow.id,
                               .from = l->sender,
                               .time = r->time,
                               .link = d->open.link,
                               .accepted_at = d->open.astm ? r->time : 0,
                               .accepted = d->open.astm}; /* each frame of it was acknowledged, or it would not be whole */
    message_id_read(span_of(d->open.id, d->open.id_n), &now.direction, &now.ordinal);
    if (named) {
        bool is_new;
        struct kept_message *k = memo_put(d->messages, d->replay.identity, r->time, &is_new);
        bool same = !is_new && k->accepted && k->content == now.content;
        bool late = same && !d->replay.expected && comes_late(d, r, k);
        d->replay.told = late || (same && !d->replay.expected && answered_before(d, r, k->flow, k->accepted_at));
        bool own = same && !d->replay.expected && !elsewhere(k, l);
        bool restart = own && starts_again(d, r, k->time, k->flow);
        bool habit = own && is_habit(l, r->time - k->time);
        d->replay.placed = own;
        if (d->replay.told)
            replayed(d, r, l, k, false, own && restart_told(l, restart, habit, k->time, false));
        if (!same) /* else the first one stays what later ones are compared with */
            *k = now;
    }
    l->whole += l->whole < UINT32_MAX;
    struct kept_message *last = memo_put(d->messages, d->open.latest, r->time, NULL);
    if (r->time < last->time)
        return;
    last->content = now.content;
    last->time = r->time;
    open_link(d)->content_last = now.content;
}

/* The message whose results these are once more, all of them and nothing else; NULL: there is none. Where nothing says when they were measured, they
 * are many: chance does not make that. */
static const struct sent *once_more(const struct detect *d, bool *ret_same_status)
{
    const struct sent *s = NULL;
    size_t untimed = 0;
    size_t numbers = 0;
    *ret_same_status = true;
    for (size_t i = 0; i < d->open.n; i++) {
        const struct gathered *g = &d->open.all[i];
        if (g->merged)
            continue;
        bool same = g->again && !g->differs && g->before->exact == g->is.exact;
        bool corrected = same && g->is.status == STATUS_CORRECTED && g->before->status != STATUS_CORRECTED; /* by less than is said here */
        const struct sent *from = same && !corrected ? sent_at(d, g->before->sent) : NULL;
        *ret_same_status = *ret_same_status && same && g->before->status == g->is.status;
        untimed += g->is.observed == 0;
        numbers += g->is.numeric;
        if (from == NULL || (s != NULL && s != from) || from->patient != d->open.groups[g->group].patient)
            return NULL;
        s = from;
    }
    return untimed > 0 && numbers < UNTIMED_LEAST ? NULL : s;
}

/* The same results once more on this link under another message number (or none), after they had been accepted and their sender went on. */
void judge_renumbered(struct detect *d, const struct record *r)
{
    struct link *l = open_link(d);
    bool same_status;
    if (!d->replay.whole || d->replay.expected || r == NULL)
        return;
    const struct sent *s = once_more(d, &same_status);
    bool restart = !d->replay.placed && starts_again(d, r, s == NULL ? 0 : s->time, s == NULL ? 0 : s->flow);
    if (s == NULL || d->replay.told)
        return;
    bool accepted = (s->answered && !s->refused) || d->open.astm;
    tq_time least = s->flow == r->flow.id ? REPLAY_SAME_AFTER : REPLAY_AFTER;
    bool late = accepted && r->time >= s->time && (r->time - s->time >= least || l->sent_last != s->number);
    bool soon = !late && accepted && same_status && answered_before(d, r, s->flow, d->open.astm ? s->time : s->answered_at);
    if (!accepted || r->time < s->time || (s->control == d->open.control.a && s->named))
        return;
    bool habit = is_habit(l, r->time - s->time) || came_again(d, s);
    const struct kept_message k = {.flow = s->flow, .direction = s->direction, .ordinal = s->ordinal, .from = l->sender};
    if (late || soon)
        replayed(d, r, l, &k, s->named, restart_told(l, restart, habit, s->time, s->named));
}

/* ── the values of one specimen for another ── */

static void for_another(struct detect *d, const struct record *r, const struct group *g, const struct kept_message *k, bool high)
{
    UNCLEARED struct parties p;
    char also[MESSAGE_ID_TEXT];
    link_text(open_link(d), &p);
    struct buf cause = BUF_INIT(CAUSE_MAX);
    const struct span more[] = {span_of(g->name, g->name_n), SPAN_LIT("alike")};
    struct finding f = {
        .kind = KIND_RESULT_REPLAYED,
        .severity = high ? SEVERITY_HIGH : SEVERITY_MEDIUM,
        .title = "{0} sent to {1} the results of one specimen as those of another: a whole panel with the very same values.",
        .advice =
            "Two people do not have all values alike. Compare both specimens with the analyzer's own display, and hold both back until it is known "
            "whose these results are. If nobody gave a specimen another number, have the path between {0} and {1} examined.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text)},
        .n_subjects = 2,
        .also = message_id_text(k->flow, k->direction, k->ordinal, also),
        .also_flow = k->flow,
        .cause = cause_on(&cause, &p, more, 2),
    };
    finding_put(d, r, &f);
    struct step again = {.verdict = "replayed", .finding = &f};
    for (size_t i = g->from; i < g->to; i++)
        step_add(d, r, &again, (uint32_t)(d->open.judged + i), NULL, NO_PLACE);
    step_put(d, r, &again);
    buf_release(&cause);
}

/* About how unlikely it is that somebody else has these numbers too: tests of one panel go together, and most people's are near the middle. */
static unsigned bits_of(const struct detect *d, const struct group *g, uint16_t number)
{
    static const unsigned of_digits[] = {0, 4, 7, 9}; /* halves */
    unsigned halves = 0;
    unsigned n = 0;
    for (size_t i = g->from; i < g->to; i++) {
        const struct gathered *t = &d->open.all[i];
        if (t->group != number || t->merged || !t->is.numeric || t->is.number.comparator != COMPARES_EQUAL)
            continue;
        int64_t v = t->is.number.digits < 0 ? -t->is.number.digits : t->is.number.digits;
        unsigned digits = v == 0 ? 0 : v < 10 ? 1 : v < 100 ? 2 : 3;
        n += digits > 0;
        halves += of_digits[digits];
    }
    return n < ALIKE_LEAST ? 0 : halves / 2;
}

static unsigned log2_of(uint32_t n)
{
    return n < 2 ? 0 : 32 - (unsigned)__builtin_clz(n - 1);
}

/* As many as make it unlikely: each of a day's panels is compared with those that came between these two. */
static unsigned bits_wanted(const struct link *l, const struct kept_message *k)
{
    unsigned wanted = ALIKE_BEYOND + log2_of(l->panels < PANELS_A_DAY ? l->panels : PANELS_A_DAY) + log2_of(l->panels - k->panel + 1);
    return wanted < ALIKE_BITS ? ALIKE_BITS : wanted;
}

/* Does more come than is measured? Then for as long as its panels are compared: what was made up comes round later, too. */
static bool comes_quickly(struct link *l, tq_time now)
{
    if (now - l->quick_from >= PACE || now < l->quick_from) {
        l->quick_from = now;
        l->quick = 0;
    }
    if (++l->quick > PANELS_QUICK) {
        l->quick = PANELS_QUICK;
        l->quick_last = now;
    }
    return l->quick_last != 0 && now - l->quick_last < ALIKE_WITHIN;
}

void judge_alike(struct detect *d, const struct record *r, uint16_t number)
{
    const struct group *g = &d->open.groups[number];
    struct link *l = open_link(d);
    if (g->n < ALIKE_LEAST || g->ids[0] == 0 || g->unnumbered || d->replay.expected || !d->replay.whole || r == NULL)
        return;
    const struct digest key = {.a = g->values ^ l->key, .b = (g->values + l->key) * UINT64_C(0x9e3779b97f4a7c15)};
    struct kept_message now = {.content = g->ids[0],
                               .patient = g->patient,
                               .panel = l->panels,
                               .flow = r->flow.id,
                               .time = r->time,
                               .from = l->sender,
                               .link = d->open.link};
    message_id_read(span_of(d->open.id, d->open.id_n), &now.direction, &now.ordinal);
    bool is_new;
    bool quick = comes_quickly(l, r->time);
    struct kept_message *k = memo_put(d->messages, key, r->time, &is_new);
    tq_time since = r->time - k->time;
    if (is_new || since > ALIKE_WITHIN || quick) {
        *k = now;
        l->panels++;
        return;
    }
    bool own = k->flow == now.flow && k->direction == now.direction && k->ordinal == now.ordinal;
    for (size_t i = 0; i < IDS; i++)
        own = own || g->ids[i] == k->content;
    bool one_patient = k->patient == g->patient ? g->patient != 0 : k->patient == 0 || g->patient == 0; /* as far as is known */
    if (own || one_patient || since < 0)
        return;
    unsigned bits = bits_of(d, g, number);
    if (bits < ALIKE_BITS)
        return;
    l->canned = l->canned || l->panels < PANELS_LEAST;
    unsigned wanted = bits_wanted(l, k);
    if (!l->canned && bits >= wanted)
        for_another(d, r, g, k, bits >= wanted + ALIKE_HIGH);
}
