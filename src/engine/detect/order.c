/* Results and their orders (order.mismatch): a result that nobody ordered, or whose order was taken back; an order that reaches the analyzer with
 * other tests than it was placed with, or never goes on to one. Only where orders are the habit. */
#include "engine/detect/detect_private.h"

#define CAUSE_MAX 512
#define ORDERED_RUN 30             /* specimens in a row whose order was seen, before one without is told */
#define TESTS_USUAL 60             /* tests in a row that were among the ordered ones */
#define TRANSLATED 5               /* orders that were translated in the same way, before another way is told */
#define ALIKE 10                   /* orders that were passed on whole, or in part, before one that is not is told */
#define PASSED_ON 30               /* orders that a middleware passed on at once, before one that it keeps is told; at most one in fifty kept */
#define AT_ONCE (60 * TIME_SECOND) /* who waits until the analyzer asks for the specimen is slower */
#define KEPT_LEAST (10 * TIME_SECOND)
#define SILENT_MOST (10 * 60 * TIME_SECOND) /* where none goes on, nothing is said */
#define NONE_GOES_ON 64                     /* orders of which none was passed on: whoever has them does them */
#define LOST_ORDER (3600 * TIME_SECOND)     /* results come so long after their order, which the capture may have lost */
#define LOST_PART (60 * TIME_SECOND)
#define LINK_ORDERED (LINK_NONE - 1)

/* r: NULL where it is about the order that is being taken. */
static void mismatch(struct detect *d, const struct record *r, const struct link *l, struct span specimen, struct span test, const char *title,
                     enum severity severity)
{
    UNCLEARED struct parties p;
    struct buf cause = BUF_INIT(CAUSE_MAX);
    link_text(l, &p);
    const struct span more[] = {specimen, test};
    struct finding f = {
        .kind = KIND_ORDER_MISMATCH,
        .severity = lost_lately(d, r != NULL ? r->time - LOST_ORDER : d->ordering.time - LOST_PART) ? SEVERITY_LOW : severity,
        .title = title,
        .advice = "Find the order in the LIS and compare it with what was measured. If nobody added or took back a test by hand, somebody may be "
                  "changing orders or "
                  "inventing results: have the path between {0} and {1} examined.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text), test},
        .n_subjects = 3,
        .cause = cause_on(&cause, &p, more, 2),
    };
    const struct ordering *o = &d->ordering;
    if (r != NULL)
        finding_put(d, r, &f);
    else
        finding_put_at(d, &o->flow, o->seq, span_of(o->id, o->id_n), &f);
    buf_release(&cause);
}

/* ── orders ── */

/* Whoever passes orders on changes their priority for all that it sends to, or for none. */
static struct digest translation_key(const struct detect *d, char purpose, uint16_t to, const struct specimen *s, uint64_t sum)
{
    struct hash_state g = digest_start(&d->key, purpose);
    const struct link *l = links_at(d->links, to);
    hash_add(&g, links_at(d->links, s->order_link)->key);
    hash_add(&g, purpose == 'P' ? hash_bytes(&d->key, l->sender.bytes, sizeof l->sender.bytes) : l->key);
    hash_add(&g, sum);
    return digest_end(g);
}

struct translation {
    uint64_t sum;
    uint32_t same;
    uint32_t other;
};

struct memo *translations_new(void)
{
    return memo_new(TRANSLATIONS_MAX, sizeof(struct translation));
}

static void other_tests(struct detect *d)
{
    const struct ordering *o = &d->ordering;
    mismatch(d, NULL, links_at(d->links, o->link), span_of(o->name, o->name_n), SPAN_LIT("order"),
             "An order reached {1} from {0} with other tests than it was placed with.", SEVERITY_HIGH);
}

/* True where the order breaks what always held of those that went this way. */
static bool breaks_habit(struct detect *d, const struct specimen *s, char purpose, bool holds)
{
    const struct ordering *o = &d->ordering;
    struct translation *t = memo_put(d->translations, translation_key(d, purpose, o->link, s, 0), o->time, NULL);
    bool usual = t->same >= ALIKE && t->other <= t->same / 20;
    t->same += holds;
    t->other += !holds;
    return usual && !holds;
}

static void judge_priority(struct detect *d, const struct specimen *s)
{
    const struct ordering *o = &d->ordering;
    if (o->priority != 0 && s->order_priority != 0 && breaks_habit(d, s, 'P', o->priority == s->order_priority))
        mismatch(d, NULL, links_at(d->links, o->link), span_of(o->name, o->name_n), SPAN_LIT("priority"),
                 "An order reached {1} from {0} with another priority than it was placed with.", SEVERITY_MEDIUM);
}

/* The order went on to another link: were the same tests always asked for there when these were here? Where tests keep their codes: was it ever
 * passed on otherwise than whole, or with a test that it did not have? */
static void judge_translation(struct detect *d, const struct specimen *s)
{
    const struct ordering *o = &d->ordering;
    bool whole = breaks_habit(d, s, 'E', o->sum == s->order_sum);
    bool part = breaks_habit(d, s, 'S', o->known == o->n);
    bool many = breaks_habit(d, s, 'N', o->n == s->order_n); /* in whichever words */
    struct translation *t = memo_put(d->translations, translation_key(d, 'O', o->link, s, s->order_sum), o->time, NULL);
    if (whole || part || many) {
        other_tests(d);
        return;
    }
    if (t->same == 0) {
        t->sum = o->sum;
        t->same = 1;
        return;
    }
    if (t->sum == o->sum) {
        t->same++;
        return;
    }
    bool usual = t->same >= TRANSLATED && t->other <= t->same / 20;
    t->other++;
    if (t->other > t->same) /* what is asked for has changed for good */
        *t = (struct translation){.sum = o->sum, .same = 1};
    if (usual)
        other_tests(d);
}

/* ── orders that do not go on ── */

static struct placed *placed_at(const struct detect *d, uint32_t number)
{
    struct placed *w = &d->placed[number % PLACED_MAX];
    return number != 0 && w->number == number ? w : NULL;
}

/* The open order waits to be passed on: its number; 0: its like are not, or not at once. */
static uint32_t order_wait(struct detect *d)
{
    const struct ordering *o = &d->ordering;
    const struct link *l = links_at(d->links, o->link);
    if (l->orders_slowest > AT_ONCE || (l->orders_on == 0 && l->orders_kept >= NONE_GOES_ON))
        return 0;
    uint32_t number = d->placed_next++;
    d->placed_next += d->placed_next == 0;
    struct placed *w = &d->placed[number % PLACED_MAX];
    *w = (struct placed){.number = number, .link = o->link, .time = o->time, .flow = o->flow, .seq = o->seq, .name_n = o->name_n, .id_n = o->id_n};
    memcpy(w->name, o->name, o->name_n);
    memcpy(w->id, o->id, o->id_n);
    if (d->placed_next - d->placed_first > PLACED_MAX) /* nothing is said of those for which there is no room */
        d->placed_first = d->placed_next - PLACED_MAX;
    return number;
}

/* The open order is one that was placed elsewhere: by whom it was received there? */
static void order_went_on(struct detect *d, const struct specimen *s)
{
    const struct ordering *o = &d->ordering;
    struct placed *w = placed_at(d, s->order_waits);
    struct link *from = w == NULL ? NULL : links_at(d->links, w->link);
    const struct link *to = links_at(d->links, o->link);
    if (from == NULL || from->receiver.family != to->sender.family || memcmp(from->receiver.bytes, to->sender.bytes, sizeof to->sender.bytes) != 0)
        return;
    tq_time delay = o->time - w->time;
    w->number = 0;
    count_up(&from->orders_on);
    from->orders_slowest = delay > from->orders_slowest ? delay : from->orders_slowest;
    from->orders_last = w->time > from->orders_last ? w->time : from->orders_last;
}

static void judge_kept(struct detect *d, const struct placed *w, struct link *l)
{
    UNCLEARED struct parties p;
    bool usual = l->orders_on >= PASSED_ON && l->orders_kept <= l->orders_on / 50 && l->orders_slowest <= AT_ONCE;
    count_up(&l->orders_kept);
    if (!usual || lost_lately(d, w->time - LOST_PART))
        return;
    struct buf cause = BUF_INIT(CAUSE_MAX);
    link_text(l, &p);
    const struct span more[] = {span_of(w->name, w->name_n), SPAN_LIT("kept")};
    struct finding f = {
        .kind = KIND_ORDER_MISMATCH,
        .severity = SEVERITY_MEDIUM,
        .title = "An order that {0} placed with {1} was not passed on to any analyzer, as all those before were.",
        .advice =
            "See whether the tests of this specimen are done, and order them again if not. If nobody took the order back by hand and {1} had no "
            "reason to keep it, somebody may be taking orders out: have {1} and its paths to the analyzers examined.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text)},
        .n_subjects = 2,
        .cause = cause_on(&cause, &p, more, 2),
    };
    finding_put_at(d, &w->flow, w->seq, span_of(w->id, w->id_n), &f);
    buf_release(&cause);
}

/* Only when one that was placed later went on. An order is whole when its second is over: what was passed on last did go on. */
void orders_sweep(struct detect *d)
{
    if (d->now - d->ordering.time >= TIME_SECOND)
        order_close(d);
    for (; d->placed_first != d->placed_next; d->placed_first++) {
        struct placed *w = placed_at(d, d->placed_first);
        if (w == NULL)
            continue;
        struct link *l = links_at(d->links, w->link);
        tq_time wait = l->orders_slowest * 4 > KEPT_LEAST ? l->orders_slowest * 4 : KEPT_LEAST;
        tq_time since = d->now - w->time;
        if (since < wait || (l->orders_last <= w->time && since < (l->orders_on == 0 ? AT_ONCE : SILENT_MOST)))
            return;
        w->number = 0;
        if (l->orders_last > w->time || l->orders_on == 0)
            judge_kept(d, w, l);
    }
}

void order_close(struct detect *d)
{
    struct ordering *o = &d->ordering;
    if (o->n == 0)
        return;
    for (size_t i = 0; i < IDS && o->ids[i] != 0; i++) {
        struct specimen *s = specimen_put(d, o->ids[i], o->time);
        bool elsewhere = s->order_sum != 0 && s->order_link != o->link;
        if (elsewhere) {
            order_went_on(d, s);
            judge_priority(d, s);
            judge_translation(d, s);
            break;
        }
    }
    uint32_t waits = 0;
    for (size_t i = 0; i < IDS && o->ids[i] != 0; i++) {
        struct specimen *s = specimen_put(d, o->ids[i], o->time);
        if (s->order_sum == 0 && o->sum != 0) {
            waits = waits != 0 ? waits : order_wait(d);
            s->order_waits = waits;
        }
        if (s->order_sum == 0 || s->order_link == o->link) { /* where it came from first stays what later links are held against */
            bool more = s->order_sum != 0 && s->order_link == o->link && s->order_message == o->message;
            s->order_sum = more ? s->order_sum + o->sum : o->sum;
            s->order_n = (uint16_t)(more ? s->order_n + o->n : o->n);
            s->order_priority = o->priority;
            s->order_link = o->link;
            s->order_message = o->message;
        }
    }
    o->n = 0;
}

static uint64_t address_digest(const struct detect *d, const struct address *a)
{
    return hash_bytes(&d->key, a->bytes, sizeof a->bytes);
}

static void order_test(struct detect *d, uint64_t id, uint64_t test, tq_time now, bool cancel)
{
    index_put(&d->ordered, result_key(id, test, LINK_ORDERED, 0), (uint32_t)(now / TIME_SECOND) << 1 | cancel);
}

static bool was_ordered(const struct detect *d, const uint64_t ids[IDS], uint64_t test)
{
    for (size_t i = 0; i < IDS && ids[i] != 0; i++)
        if (index_get(&d->ordered, result_key(ids[i], test, LINK_ORDERED, 0)) != NULL)
            return true;
    return false;
}

void order_take(struct detect *d, const struct record *r, const struct result *t)
{
    struct ordering *o = &d->ordering;
    UNCLEARED struct parties p;
    uint64_t ids[IDS];
    uint64_t message = hash_bytes(&d->key, t->message.p, t->message.n);
    uint8_t role = span_peek(&t->role, 0) & 0xdf;
    if (ids_of(d, t, ids) == 0 || (role != 0 && role != 'P' && role != 'U'))
        return;
    if (o->n > 0 && (o->message != message || o->ids[0] != ids[0]))
        order_close(d);
    parties_of(r, t->message, &p);
    struct link ends = {.sender = *p.sender, .receiver = *p.receiver, .port = p.port, .receiver_listens = p.receiver_listens};
    uint64_t test = words_code(d->words, &d->key, d->analytes, t->code)->test;
    uint64_t to = address_digest(d, p.receiver);
    bool cancel = span_is(t->action, "cancel");
    if (o->n == 0) {
        *o = (struct ordering){.message = message, .time = r->time, .link = links_put(d->links, links_key(&d->key, &ends), &ends, r->time)};
        memcpy(o->ids, ids, sizeof o->ids);
        o->name_n = (uint8_t)span_copy(t->specimen, o->name, sizeof o->name);
        o->flow = r->flow;
        o->seq = r->seq;
        o->id_n = (uint8_t)span_copy(t->message, o->id, sizeof o->id);
    }
    o->n++;
    o->priority = o->priority == 0 ? span_peek(&t->priority, 0) & 0x7f : o->priority;
    o->known += was_ordered(d, ids, test);
    if (!cancel)
        o->sum += test * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (size_t i = 0; i < IDS && ids[i] != 0; i++) {
        struct specimen *s = specimen_put(d, ids[i], r->time);
        s->order_at = r->time;
        count_up(cancel ? &s->cancelled : &s->orders);
        if (s->order_to[0] != to) {
            s->order_to[1] = s->order_to[0];
            s->order_to[0] = to;
        }
        if (t->patient.n > 0)
            s->order_patient = identity_digest(&d->key, t->patient);
        order_test(d, ids[i], test, r->time, cancel);
        if (t->alternate.n > 0)
            order_test(d, ids[i], words_code(d->words, &d->key, d->analytes, t->alternate)->test, r->time, cancel);
    }
}

/* ── results ── */

enum ordered { ORDERED_NOT, ORDERED, ORDERED_BACK };

static enum ordered ordered_test(const struct detect *d, const struct group *of, const struct habit *h)
{
    const uint32_t *k = NULL;
    for (size_t i = 0; k == NULL && i < IDS && of->ids[i] != 0; i++) {
        k = index_get(&d->ordered, result_key(of->ids[i], h->test, LINK_ORDERED, 0));
        if (k == NULL && h->alternate != 0)
            k = index_get(&d->ordered, result_key(of->ids[i], h->alternate, LINK_ORDERED, 0));
    }
    return k == NULL ? ORDERED_NOT : (*k & 1) != 0 ? ORDERED_BACK : ORDERED;
}

static void judge_tests(struct detect *d, const struct record *r, const struct group *of, struct link *l)
{
    for (size_t i = of->from; i < of->to; i++) {
        const struct gathered *g = &d->open.all[i];
        if (&d->open.groups[g->group] != of || g->again || g->part)
            continue;
        enum ordered ordered = ordered_test(d, of, g->habit);
        struct span name = span_of(of->name, of->name_n);
        if (ordered == ORDERED_BACK && r != NULL)
            mismatch(d, r, l, name, test_name(g->habit), "{0} sent to {1} a result of test {2} whose order was taken back.", SEVERITY_HIGH);
        bool usual = l->test_ordered >= TESTS_USUAL && l->test_unordered <= l->test_ordered / 100;
        if (ordered == ORDERED_NOT && usual && r != NULL)
            mismatch(d, r, l, name, test_name(g->habit), "{0} sent to {1} a result of test {2} that was not ordered for this specimen.",
                     SEVERITY_MEDIUM);
        l->test_ordered += ordered != ORDERED_NOT;
        l->test_unordered += ordered == ORDERED_NOT;
    }
}

void judge_orders(struct detect *d, const struct record *r, struct group *g)
{
    struct link *l = open_link(d);
    bool ordered = false;
    bool cancelled = false;
    bool asked = false;
    uint64_t here = address_digest(d, &l->sender);
    if (g->ids[0] == 0 || g->unnumbered || g->before_here)
        return;
    for (size_t i = 0; i < IDS && g->ids[i] != 0; i++) {
        const struct specimen *s = i == 0 ? g->of : specimen_get(d, g->ids[i]);
        cancelled = cancelled || (s != NULL && s->cancelled >= s->orders && s->cancelled > 0);
        ordered = ordered || (s != NULL && s->order_at != 0);
        asked = asked || (s != NULL && (s->order_to[0] == here || s->order_to[1] == here));
    }
    if (cancelled && r != NULL)
        mismatch(d, r, l, span_of(g->name, g->name_n), SPAN_LIT("all"), "{0} sent to {1} results of a specimen whose order was taken back.",
                 SEVERITY_HIGH);
    if (ordered) {
        l->ordered++;
        d->ordered_all++;
        l->ordered_run++;
        if (asked) /* others were asked in their own words */
            judge_tests(d, r, g, l);
        return;
    }
    if (g->origin != LINK_NONE) /* told, or usual, where it came from */
        return;
    bool usual = l->ordered_run >= ORDERED_RUN && l->unordered <= l->ordered / 50 + 2;
    /* where people key in specimens, many in a row have their orders by chance on one of many links: not on all of them together */
    usual = usual && d->unordered_all <= d->ordered_all / 20 + 2;
    l->unordered += l->ordered_run > 0;
    d->unordered_all += l->ordered_run > 0;
    l->ordered_run = 0;
    if (usual && r != NULL)
        mismatch(d, r, l, span_of(g->name, g->name_n), SPAN_LIT("all"), "{0} sent to {1} results of a specimen that nobody ordered.",
                 SEVERITY_MEDIUM);
}
