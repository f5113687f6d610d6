/* Where something lies: from a 64-bit keyed digest to a number of 32 bits that grows with time. A look-up touches one cache line, a bucket of eight.
 * Half of the digest is kept: whoever must be sure compares the rest where the number leads. All memory is taken at birth; in a full bucket the
 * number that is furthest behind the new one goes. */
#ifndef TQ_INDEX_H
#define TQ_INDEX_H

#include "engine/detect/ways.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_bucket {
    uint32_t tags[WAYS]; /* 0: free */
    uint32_t numbers[WAYS];
};

struct index {
    size_t buckets; /* a power of two */
    struct index_bucket *all;
};

/* entries: rounded up to a power of two. False: no memory. */
bool index_init(struct index *x, size_t entries);
void index_release(struct index *x);

static inline struct index_bucket *index_bucket_of(const struct index *x, uint64_t key)
{
    return &x->all[key & (x->buckets - 1)];
}

/* Asks the memory for what a look-up of this key will touch. */
static inline void index_expect(const struct index *x, uint64_t key)
{
    __builtin_prefetch(index_bucket_of(x, key), 1);
}

/* A key for what is looked up beside others: those of one neighbourhood (16 bits of it count) lie in the same 4 KiB of the index, which is one place
 * to find for the processor instead of many. The other 48 bits are those of `key`. */
#define INDEX_NEAR ((uint64_t)0xffff << 6)
static inline uint64_t index_key(uint64_t key, uint64_t neighbourhood)
{
    return (key & ~INDEX_NEAR) | (neighbourhood & INDEX_NEAR);
}

/* The number of key, to be changed at will; NULL: there is none. */
static inline uint32_t *index_get(const struct index *x, uint64_t key)
{
    struct index_bucket *b = index_bucket_of(x, key);
    unsigned equal = ways_equal(b->tags, (uint32_t)(key >> 32) | 1);
    return equal != 0 ? &b->numbers[__builtin_ctz(equal)] : NULL;
}

void index_put(struct index *x, uint64_t key, uint32_t number);

#endif
