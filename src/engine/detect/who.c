/* Who talks to whom, as digests. All messages of one conversation in one direction, under one name, are looked up by the same dozen of keys, in as
 * many memories: they are made once, and what the look-ups touch is asked for at once, before the first of them needs it. */
#include "engine/detect/detect_private.h"

#include "base/room.h"

/* What a large page holds, for some thousand conversations at once; whoever chooses some that meet has their keys made each time, and no more. */
#define ROOM ((size_t)2 << 20)
#define PLACES (ROOM / sizeof(struct who))

struct who *whos_new(void)
{
    return room_new(ROOM);
}

void whos_free(struct who *w)
{
    room_free(w, ROOM);
}

static struct who *place_of(const struct detect *d, uint64_t flow, bool back, struct span name)
{
    uint64_t start = name.n < 8 ? hash_tail(name.p, name.n) : hash_word(name.p);
    uint64_t spread = (flow * 2 + back + (start ^ start >> 29) * 3) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    return &d->whos[spread * PLACES >> 32];
}

static bool is_same(const struct who *w, const struct flow_ref *f, bool back, struct span name)
{
    return w->flow.id == f->id && w->back == back && w->known && same_text(name, w->name, w->name_n) && w->flow.sport == f->sport &&
           w->flow.dport == f->dport && memcmp(&w->flow.src, &f->src, sizeof f->src) == 0 && memcmp(&w->flow.dst, &f->dst, sizeof f->dst) == 0;
}

static void make_whole(const struct detect *d, struct who *w, const struct flow_ref *f, const struct parties *p, struct span name)
{
    const struct link there = {.sender = *p->sender, .receiver = *p->receiver, .port = p->port, .receiver_listens = p->receiver_listens};
    w->keys[WHO_LINK] = links_key(&d->key, &there);
    w->keys[WHO_CLEAR] = clear_text_key(d, p);
    w->keys[WHO_TALKS] = conversation_key(d, f);
    w->keys[WHO_LATEST] = latest_key(d, f->id);
    sender_keys(d, p, name, w->keys);
    w->whole = true;
}

static void make_back(const struct detect *d, struct who *w, const struct parties *p)
{
    const struct link back = {.sender = *p->receiver, .receiver = *p->sender, .port = p->port, .receiver_listens = !p->receiver_listens};
    w->keys[WHO_LINK_BACK] = links_key(&d->key, &back);
    w->answers = true;
}

struct who *who_of(const struct detect *d, const struct record *r, const struct parties *p, struct span name, bool answers, bool whole)
{
    struct who *w = place_of(d, r->flow.id, !p->receiver_listens, name);
    if (!is_same(w, &r->flow, !p->receiver_listens, name)) {
        w->flow = r->flow;
        w->back = !p->receiver_listens;
        w->known = name.n <= sizeof w->name;
        w->name_n = keep_text(name, w->name, sizeof w->name);
        w->answers = w->whole = false;
        w->card = 0;
        w->keys[WHO_CLOCK] = clock_key(d, p->sender, name);
    }
    if (answers && !w->answers)
        make_back(d, w, p);
    if (whole && !w->whole)
        make_whole(d, w, &r->flow, p, name);
    return w;
}

static const struct memo *memory_of(const struct detect *d, enum who_key k)
{
    switch (k) {
    case WHO_LINK:
    case WHO_LINK_BACK: return links_memory(d->links);
    case WHO_CLOCK: return d->clocks;
    case WHO_CLEAR: return d->causes;
    case WHO_TALKS: return d->conversations;
    case WHO_LATEST: return d->messages;
    default: return d->known;
    }
}

/* What an answer is looked up by stands first, and what else a message is behind it. */
static void range_of(bool answers, enum who_key *from, enum who_key *to)
{
    *from = answers ? 0 : WHO_CLOCK;
    *to = answers ? WHO_CLOCK + 1 : WHO_KEYS;
}

void who_expect(const struct detect *d, const struct who *w, bool answers)
{
    enum who_key from, to;
    range_of(answers, &from, &to);
    for (enum who_key k = from; k < to; k++)
        memo_expect(memory_of(d, k), w->keys[k]);
}

void who_expect_entries(const struct detect *d, const struct who *w, bool answers, tq_time now)
{
    enum who_key from, to;
    range_of(answers, &from, &to);
    for (enum who_key k = from; k < to; k++)
        memo_expect_entry(memory_of(d, k), w->keys[k], now);
}
