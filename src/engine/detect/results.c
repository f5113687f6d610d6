#include "engine/detect/results.h"

#include "base/room.h"

#include <stdlib.h>

#define WAYS 6
#define LINE 64

struct bucket {
    uint64_t keys[WAYS]; /* 0: free */
    uint8_t rest[LINE - WAYS * sizeof(uint64_t)];
    struct seen_result entries[WAYS];
};

_Static_assert(offsetof(struct bucket, entries) == LINE, "the digests fill a cache line");

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
    __builtin_prefetch(bucket_of(s, key), 1);
}

void results_expect_entry(const struct results *s, uint64_t key)
{
    const struct bucket *b = bucket_of(s, key);
    for (size_t i = 0; i < WAYS; i++)
        if (b->keys[i] == key || b->keys[i] == 0) {
            __builtin_prefetch(&b->entries[i], 1);
            __builtin_prefetch((const uint8_t *)&b->entries[i + 1] - 1, 1);
            return;
        }
}

struct seen_result *results_get(const struct results *s, uint64_t key)
{
    struct bucket *b = bucket_of(s, key);
    key = key == 0 ? 1 : key;
    for (size_t i = 0; i < WAYS; i++)
        if (b->keys[i] == key)
            return &b->entries[i];
    return NULL;
}

struct seen_result *results_put(struct results *s, uint64_t key, tq_time now, bool *ret_new)
{
    struct seen_result *known = results_get(s, key);
    struct bucket *b = bucket_of(s, key);
    uint32_t seconds = (uint32_t)((uint64_t)now / TIME_SECOND);
    *ret_new = known == NULL;
    if (known != NULL) {
        known->used = seconds;
        return known;
    }
    size_t oldest = 0;
    for (size_t i = 0; i < WAYS && b->keys[oldest] != 0; i++)
        if (b->keys[i] == 0 || seconds - b->entries[i].used > seconds - b->entries[oldest].used)
            oldest = i;
    b->keys[oldest] = key == 0 ? 1 : key;
    b->entries[oldest] = (struct seen_result){.used = seconds};
    return &b->entries[oldest];
}
