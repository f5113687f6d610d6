#include "engine/sense/attempts.h"

#include <stdlib.h>

#define BUCKETS 512u /* a power of two */
#define WAYS 4
#define BITS 256u

struct entry {
    uint64_t key; /* keyed hash of who tries, or of what is tried; 0: free */
    tq_time since;
    uint32_t count;
    uint32_t ends; /* bits set */
    uint32_t told; /* thresholds passed */
    uint64_t bitmap[BITS / 64];
};

struct memory {
    tq_time window;
    struct entry entries[BUCKETS][WAYS];
};

struct attempts {
    struct hash_key key;
    struct record_sink sink;
    struct memory by_source;
    struct memory by_target;
    struct record record;
};

struct attempts *attempts_new(const struct hash_key *key, const struct record_sink *sink)
{
    struct attempts *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->key = *key;
    t->sink = *sink;
    t->by_source.window = 600 * TIME_SECOND;
    t->by_target.window = 10 * TIME_SECOND;
    return t;
}

void attempts_free(struct attempts *t)
{
    free(t);
}

/* port 0: of an address alone. */
static uint64_t end_hash(const struct attempts *t, const struct address *a, uint16_t port)
{
    struct hash_state s = hash_start(&t->key);
    hash_piece(&s, span_of(a->bytes, a->family == 4 ? 4 : sizeof a->bytes));
    hash_add(&s, port);
    return hash_end(s) | 1;
}

/* How much an entry has to tell: what goes first is what is over, then what has seen the fewest. */
static uint32_t worth(const struct memory *m, const struct entry *e, tq_time time)
{
    if (e->key == 0)
        return 0;
    return time - e->since > m->window ? 1 : 1 + (e->ends > e->count ? e->ends : e->count);
}

static struct entry *find(struct memory *m, uint64_t key, tq_time time)
{
    struct entry *bucket = m->entries[key >> 8 & (BUCKETS - 1)];
    struct entry *found = &bucket[0];
    for (size_t i = 0; i < WAYS && found->key != key; i++)
        if (bucket[i].key == key || worth(m, &bucket[i], time) < worth(m, found, time))
            found = &bucket[i];
    if (found->key != key || time - found->since > m->window || found->since - time > m->window)
        *found = (struct entry){.key = key, .since = time};
    return found;
}

static void count(struct entry *e, uint64_t end)
{
    uint32_t bit = (uint32_t)(end >> 32) % BITS;
    uint64_t *word = &e->bitmap[bit / 64];
    e->count += e->count < UINT32_MAX;
    e->ends += !(*word >> bit % 64 & 1);
    *word |= UINT64_C(1) << bit % 64;
}

static void tell(struct attempts *t, const struct flow_ref *flow, tq_time time, const struct entry *e, const struct address *who, const char *role)
{
    char ip[46];
    address_format(who, ip);
    struct record *r = &t->record;
    record_start(r, EVENT_NETWORK_ATTEMPTS, time, flow);
    record_str(r, KEY_IP, ip);
    record_str(r, KEY_ROLE, role);
    record_int(r, KEY_ATTEMPTS, e->count);
    record_int(r, KEY_ENDS, e->ends);
    record_put(&t->sink, r);
}

void attempts_add(struct attempts *t, const struct flow_ref *flow, tq_time time)
{
    uint64_t target = end_hash(t, &flow->dst, flow->dport);
    uint64_t source = end_hash(t, &flow->src, 0);
    struct entry *by_source = find(&t->by_source, source, time);
    struct entry *by_target = find(&t->by_target, target, time);
    count(by_source, target);
    count(by_target, source);
    /* 128 of 256 bits are set after some 180 different ends (256 ln 2) */
    uint32_t passed = by_source->ends >= BITS / 2 ? 2 : by_source->ends >= ATTEMPTS_ENDS ? 1 : 0;
    if (passed > by_source->told) {
        by_source->told = passed;
        tell(t, flow, time, by_source, &flow->src, "source");
    }
    if (by_target->count >= ATTEMPTS_FLOOD && by_target->told == 0) {
        by_target->told = 1;
        tell(t, flow, time, by_target, &flow->dst, "target");
    }
}
