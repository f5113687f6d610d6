#include "engine/detect/results.h"

#include "base/room.h"

#include <stdlib.h>

#define WAYS 5
#define BUCKET 128

struct bucket {
    struct seen_result entries[WAYS];
    uint8_t rest[BUCKET - WAYS * sizeof(struct seen_result)];
};

_Static_assert(sizeof(struct bucket) == BUCKET, "a bucket is two cache lines");

struct results {
    size_t buckets; /* a power of two */
    struct bucket *all;
};

struct results *results_new(size_t entries)
{
    size_t buckets = 1;
    while (buckets * WAYS < entries)
        buckets *= 2;
    struct results *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->buckets = buckets;
    s->all = room_new(buckets * sizeof *s->all);
    if (s->all == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

void results_free(struct results *s)
{
    if (s == NULL)
        return;
    room_free(s->all, s->buckets * sizeof *s->all);
    free(s);
}

static struct bucket *bucket_of(const struct results *s, uint64_t key)
{
    return &s->all[key & (s->buckets - 1)];
}

void results_expect(const struct results *s, uint64_t key)
{
    const uint8_t *p = (const uint8_t *)bucket_of(s, key);
    __builtin_prefetch(p, 1);
    __builtin_prefetch(p + BUCKET / 2, 1);
}

struct seen_result *results_put(struct results *s, uint64_t key, tq_time now, bool *ret_new)
{
    key = key == 0 ? 1 : key;
    struct bucket *b = bucket_of(s, key);
    uint32_t seconds = (uint32_t)((uint64_t)now / TIME_SECOND);
    struct seen_result *oldest = &b->entries[0];
    for (size_t i = 0; i < WAYS; i++) {
        struct seen_result *r = &b->entries[i];
        if (r->key == key) {
            r->used = seconds;
            *ret_new = false;
            return r;
        }
        if (oldest->key != 0 && (r->key == 0 || seconds - r->used > seconds - oldest->used))
            oldest = r;
    }
    *oldest = (struct seen_result){.key = key, .used = seconds};
    *ret_new = true;
    return oldest;
}
