/* Where something lies: from a 64-bit keyed digest to a number of 32 bits that grows with time. A look-up touches one cache line, a bucket of eight.
 * Half of the digest is kept: whoever must be sure compares the rest where the number leads. All memory is taken at birth; in a full bucket the
 * number that is furthest behind the new one goes. */
#ifndef TQ_INDEX_H
#define TQ_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDEX_WAYS 8

struct index_bucket {
    uint32_t tags[INDEX_WAYS]; /* 0: free */
    uint32_t numbers[INDEX_WAYS];
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

/* The number of key, to be changed at will; NULL: there is none. */
static inline uint32_t *index_get(const struct index *x, uint64_t key)
{
    struct index_bucket *b = index_bucket_of(x, key);
    uint32_t tag = (uint32_t)(key >> 32) | 1;
    for (size_t i = 0; i < INDEX_WAYS; i++)
        if (b->tags[i] == tag)
            return &b->numbers[i];
    return NULL;
}

void index_put(struct index *x, uint64_t key, uint32_t number);

#endif
