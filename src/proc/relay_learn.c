/* What a new link learns. It goes on the ledger bit by bit (link.learnt: what is new since the last one), and the keeper hands it to the next relay
 * (LINK_ORDER_LEARNT), so that a restart costs nothing of it, nor of the time.
 *
 * Invariants
 *  1. Nothing is told before the keeper has said what earlier relays learnt, or that there is nothing: else the time would begin anew.
 *  2. A record has what no record of this link had before, except where two relays learnt the same before either was heard of.
 *  3. The record that ends the time (learn.over) comes when everything else is told. */
#include "proc/relay_role.h"

#include "proc/log.h"

#include <stdlib.h>

#define TOLD_EVERY (10 * TIME_SECOND)
#define TEXTS (64u << 10) /* bytes in one record */
#define NAMES 150         /* … and names, of RECORD_FIELDS fields */
#define ROOM 4            /* what is proposed is so many times the largest message, and the busiest minute, that was seen … */
#define LEAST_RATE 60     /* … and this many a minute at least */

static tq_time until_of(const struct line *l)
{
    return l->learn_from + l->config.learn * TIME_SECOND;
}

/* In the engine's time. 0 would mean that it does not learn at all. */
static tq_time engine_until(const struct line *l)
{
    tq_time until = rr.now + (l->learning_until - rr.wall);
    return until > 0 ? until : 1;
}

tq_time learn_begin(struct line *l)
{
    if (l->config.learn <= 0)
        return 0;
    if (l->learn_from == 0)
        return INT64_MAX; /* it begins with the first message */
    l->learning_until = until_of(l);
    return l->proposed ? 1 : engine_until(l);
}

static void each_word(struct relay_link *link, enum relay_learnt what, struct span words)
{
    while (words.n > 0) {
        bool more = false;
        struct span word = span_until(&words, '\n', &more);
        relay_learnt_known(link, what, word);
    }
}

static void feed_known(struct line *l, const struct link_order *x)
{
    each_word(l->link, RELAY_LEARNT_TYPE, x->policy.types);
    each_word(l->link, RELAY_LEARNT_SENDER, x->policy.senders);
    each_word(l->link, RELAY_LEARNT_TEST, x->policy.tests);
    relay_learnt_limits(l->link, x->policy.size / ROOM, x->policy.rate / ROOM);
    l->learn_size = x->policy.size / ROOM > l->learn_size ? x->policy.size / ROOM : l->learn_size;
    l->learn_rate = x->policy.rate > l->learn_rate ? x->policy.rate : l->learn_rate;
    l->learn_told = true;
    if (!l->proposed)
        relay_learn_until(l->link, engine_until(l));
}

void learn_fed(struct line *l)
{
    struct link_order x;
    if (l->known.n > 0 && l->link != NULL && link_order_decode(buf_span(&l->known), &x, NULL) == 0)
        feed_known(l, &x);
    buf_release(&l->known);
}

void learn_known(struct line *l, const struct link_order *x, struct span order)
{
    if (l->config.learn <= 0 || x->from <= 0)
        return;
    l->learn_from = x->from;
    l->learning_until = until_of(l);
    l->proposed = l->proposed || x->on;
    buf_release(&l->known);
    l->known = BUF_INIT(LINK_ORDER_MAX);
    buf_add_span(&l->known, order);
    learn_fed(l); /* else when it has begun */
}

struct telling {
    struct record r;
    struct buf texts; /* its memory does not move while the record points into it */
    size_t names;
};

static bool add_news(void *context, enum relay_learnt what, struct span text)
{
    static const enum record_key keys[] = {
        [RELAY_LEARNT_TYPE] = KEY_LINK_TYPE, [RELAY_LEARNT_SENDER] = KEY_LINK_SENDER, [RELAY_LEARNT_TEST] = KEY_LINK_TEST};
    struct telling *t = context;
    if (t->names == NAMES || text.n > t->texts.size - t->texts.n)
        return false;
    t->names++;
    buf_add_span(&t->texts, text);
    record_text(&t->r, keys[what], span_of(t->texts.p + t->texts.n - text.n, text.n));
    return true;
}

static void tell(struct line *l, bool over)
{
    static struct telling t;
    uint32_t size = 0;
    uint32_t rate = 0;
    t.names = 0;
    t.texts = BUF_INIT(TEXTS);
    if (!buf_reserve(&t.texts, TEXTS))
        return;
    record_start(&t.r, EVENT_LINK_LEARNT, rr.wall, NULL);
    record_str(&t.r, KEY_LINK, l->config.name);
    bool whole = relay_learnt_news(l->link, true, add_news, &t);
    relay_proposed_limits(l->link, &size, &rate);
    rate = rate * ROOM > LEAST_RATE ? rate * ROOM : LEAST_RATE;
    record_int(&t.r, KEY_LINK_SIZE, (int64_t)size * ROOM);
    record_int(&t.r, KEY_LINK_RATE, rate);
    record_int(&t.r, KEY_LEARN_FROM, l->learn_from);
    record_int(&t.r, KEY_LEARN_UNTIL, l->learning_until);
    if (over && whole)
        record_int(&t.r, KEY_LEARN_OVER, 1);
    bool news = t.names > 0 || size > l->learn_size || rate > l->learn_rate || !l->learn_told || (over && whole);
    if (news && talk_put(&t.r) == 0) {
        (void)relay_learnt_news(l->link, false, add_news, &t); /* no room: all of it comes again */
    } else if (news) {
        l->learn_told = true;
        l->learn_size = size > l->learn_size ? size : l->learn_size;
        l->learn_rate = rate > l->learn_rate ? rate : l->learn_rate;
        l->proposed = over && whole;
    }
    buf_release(&t.texts);
}

/* The time begins with the first message: a link may stand in lab.yaml for days before an analyzer is pointed at it. */
static void begin_when_used(struct line *l)
{
    uint32_t size = 0;
    uint32_t rate = 0;
    relay_proposed_limits(l->link, &size, &rate);
    if (size == 0)
        return;
    l->learn_from = rr.wall;
    l->learning_until = until_of(l);
    relay_learn_until(l->link, engine_until(l));
}

void learn_step(struct line *l, bool last)
{
    if (l->config.learn <= 0 || l->link == NULL || l->proposed || l->approved.n > 0)
        return;
    if (l->learn_from == 0)
        begin_when_used(l);
    if (l->learn_from == 0 || !rr.heard)
        return;
    relay_learn_until(l->link, engine_until(l)); /* the wall clock may have been put right meanwhile */
    bool over = rr.wall >= l->learning_until;
    if (!over && !last && l->learn_at != 0 && rr.now - l->learn_at < TOLD_EVERY)
        return;
    l->learn_at = rr.now;
    tell(l, over);
}
