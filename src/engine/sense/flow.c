#include "engine/sense/flow.h"

#include "base/room.h"

#include <stdlib.h>

#define SLOTS_FIRST 1024u /* a power of two: doubled whenever half of the slots are taken, so that a small network's table stays in the cache */
#define VICTIM_STEPS 64   /* most flows looked at to find one to drop */

/* Silence after which a flow is over. Analyzers keep a connection open between results: over a night, a long weekend; a request over UDP is answered
 * at once or not at all. */
#define LAB_HURRY (7200 * TIME_SECOND) /* of a lab's flow while room for unfinished messages is short */
static const tq_time idle_after[FLOW_CLASSES] = {
    [FLOW_CLOSING] = FLOW_SILENT_LEAST, [FLOW_OPENING] = 60 * TIME_SECOND,    [FLOW_UDP] = 60 * TIME_SECOND,
    [FLOW_OPEN] = 7200 * TIME_SECOND,   [FLOW_LAB] = 7 * 86400 * TIME_SECOND,
};

struct slot {
    uint32_t hash;
    uint32_t index; /* 1 + index of the flow; 0: empty */
};

struct queue {
    struct flow *oldest;
    struct flow *newest;
};

struct flows {
    struct hash_key key;
    struct slot *slots;
    uint32_t mask;
    size_t count;
    size_t max;
    struct flow *all;  /* room for max: pages come as flows do */
    uint32_t made;     /* flows ever taken from it */
    struct flow *free; /* chained by newer */
    struct queue queues[FLOW_CLASSES];
    uint64_t last_id;
    bool hurry;
};

static struct slot *slots_new(uint32_t mask)
{
    return room_new(((size_t)mask + 1) * sizeof(struct slot));
}

static void slots_free(struct slot *slots, uint32_t mask)
{
    room_free(slots, ((size_t)mask + 1) * sizeof(struct slot));
}

struct flows *flows_new(const struct hash_key *key, size_t max)
{
    if (max == 0 || max > (1u << 24))
        return NULL;
    struct flows *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->key = *key;
    t->max = max;
    t->mask = SLOTS_FIRST - 1;
    t->slots = slots_new(t->mask);
    t->all = room_new(max * sizeof *t->all);
    if (t->slots == NULL || t->all == NULL) {
        flows_free(t);
        return NULL;
    }
    return t;
}

void flows_free(struct flows *t)
{
    if (t == NULL)
        return;
    room_free(t->all, t->max * sizeof *t->all);
    slots_free(t->slots, t->mask);
    free(t);
}

size_t flows_count(const struct flows *t)
{
    return t->count;
}

void flows_begin_behind(struct flows *t, uint64_t id)
{
    t->last_id = id;
}

uint32_t flows_hash(const struct flows *t, const struct flow_key *key)
{
    size_t n = flow_key_size(key);
    struct hash_state s = hash_start(&t->key);
    hash_add(&s, (uint64_t)key->ports << 32 | key->meta);
    for (size_t i = 8; i < n; i += 8)
        hash_add(&s, hash_word(key->addresses + i - 8));
    hash_add(&s, (uint64_t)n << 56);
    uint64_t h = hash_end(s);
    return (uint32_t)(h ^ h >> 32);
}

struct flow *flows_find(const struct flows *t, const struct flow_key *key, uint32_t hash)
{
    for (uint32_t i = hash & t->mask; t->slots[i].index != 0; i = (i + 1) & t->mask) {
        if (t->slots[i].hash != hash)
            continue;
        struct flow *f = &t->all[t->slots[i].index - 1];
        __builtin_prefetch(&f->app, 1); /* with many flows none of this is near: ask for all of it at once */
        __builtin_prefetch(&f->side[1], 1);
        __builtin_prefetch(&f->ref, 1);
        if (flow_key_equal(&f->key, key))
            return f;
    }
    return NULL;
}

static void enqueue(struct flows *t, struct flow *f, tq_time now)
{
    struct queue *q = &t->queues[f->class];
    f->queued = now;
    f->newer = NULL;
    f->older = q->newest;
    if (q->newest != NULL)
        q->newest->newer = f;
    else
        q->oldest = f;
    q->newest = f;
}

static void dequeue(struct flows *t, struct flow *f)
{
    struct queue *q = &t->queues[f->class];
    if (f->older != NULL)
        f->older->newer = f->newer;
    else
        q->oldest = f->newer;
    if (f->newer != NULL)
        f->newer->older = f->older;
    else
        q->newest = f->older;
}

static void put_slot(struct slot *slots, uint32_t mask, struct slot new)
{
    uint32_t i = new.hash &mask;
    while (slots[i].index != 0)
        i = (i + 1) & mask;
    slots[i] = new;
}

/* Makes sure that at least half of the slots are free. */
static bool room_for_one(struct flows *t)
{
    if (t->count < (t->mask + 1) / 2)
        return true;
    uint32_t mask = t->mask * 2 + 1;
    struct slot *slots = slots_new(mask);
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i <= t->mask; i++)
        if (t->slots[i].index != 0)
            put_slot(slots, mask, t->slots[i]);
    slots_free(t->slots, t->mask);
    t->slots = slots;
    t->mask = mask;
    return true;
}

static struct flow *take_free(struct flows *t)
{
    struct flow *f = t->free;
    if (f != NULL) {
        t->free = f->newer;
        return f;
    }
    f = &t->all[t->made];
    f->index = t->made++;
    return f;
}

struct flow *flows_add(struct flows *t, const struct flow_key *key, uint32_t hash, enum flow_class class, tq_time now)
{
    if (t->count == t->max || !room_for_one(t))
        return NULL;
    struct flow *f = take_free(t);
    uint32_t index = f->index;
    *f = (struct flow){.key = *key, .hash = hash, .index = index, .class = (uint8_t) class, .first = now, .last = now};
    f->ref.id = ++t->last_id;
    put_slot(t->slots, t->mask, (struct slot){.hash = hash, .index = index + 1});
    t->count++;
    enqueue(t, f, now);
    return f;
}

void flows_remove(struct flows *t, struct flow *f)
{
    uint32_t i = f->hash & t->mask;
    while (t->slots[i].index != f->index + 1)
        i = (i + 1) & t->mask;
    /* pull back whatever probed past this slot */
    for (uint32_t j = (i + 1) & t->mask; t->slots[j].index != 0; j = (j + 1) & t->mask) {
        uint32_t home = t->slots[j].hash & t->mask;
        if (((j - home) & t->mask) >= ((j - i) & t->mask)) {
            t->slots[i] = t->slots[j];
            i = j;
        }
    }
    t->slots[i] = (struct slot){0};
    t->count--;
    dequeue(t, f);
    f->newer = t->free;
    t->free = f;
}

void flows_reclass(struct flows *t, struct flow *f, enum flow_class class, tq_time now)
{
    dequeue(t, f);
    f->class = (uint8_t) class;
    enqueue(t, f, now);
}

bool flow_idle(const struct flow *f, tq_time now)
{
    return now - f->last > idle_after[f->class];
}

void flows_hurry(struct flows *t, bool hurry)
{
    t->hurry = hurry;
}

struct flow *flows_expired(struct flows *t, tq_time now)
{
    for (int c = 0; c < FLOW_CLASSES; c++) {
        tq_time after = t->hurry && c == FLOW_LAB ? LAB_HURRY : idle_after[c];
        for (;;) {
            struct flow *f = t->queues[c].oldest;
            if (f == NULL || now - f->queued <= after)
                break;
            if (now - f->last > after)
                return f;
            dequeue(t, f);
            enqueue(t, f, now);
        }
    }
    return NULL;
}

struct flow *flows_victim(struct flows *t, tq_time now)
{
    for (int c = 0; c < FLOW_CLASSES; c++) {
        struct flow *best = t->queues[c].oldest;
        if (best == NULL)
            continue;
        for (int i = 0; i < VICTIM_STEPS; i++) {
            struct flow *f = t->queues[c].oldest;
            if (f->last <= f->queued)
                return f;
            if (f->last < best->last)
                best = f;
            dequeue(t, f);
            enqueue(t, f, now);
        }
        return best;
    }
    return NULL;
}

struct flow *flows_any(const struct flows *t)
{
    for (int c = 0; c < FLOW_CLASSES; c++) {
        if (t->queues[c].oldest != NULL)
            return t->queues[c].oldest;
    }
    return NULL;
}
