/* A bounded memory of things seen: from a 128-bit keyed digest to a value of one fixed size.
 *
 * All memory is taken at birth. Entries live in buckets of eight; where a bucket is full, the entry that goes is one that is not held, else one that
 * is, and of those the one used longest ago. So a flood of new keys pushes out other new keys before anything that was learnt. */
#ifndef TQ_MEMO_H
#define TQ_MEMO_H

#include "base/hash.h"
#include "base/time.h"

struct digest {
    uint64_t a;
    uint64_t b;
};

/* Builds a digest piece by piece; each piece has its length before it, so that ("ab", "c") and ("a", "bc") differ. */
struct digester {
    struct hash_state a;
    struct hash_state b;
};

static inline void digest_start(struct digester *d, const struct hash_key *key, char purpose)
{
    const struct hash_key other = {.k0 = key->k1 ^ UINT64_C(0x6a09e667f3bcc908), .k1 = key->k0 ^ UINT64_C(0xbb67ae8584caa73b)};
    d->a = hash_start(key);
    d->b = hash_start(&other);
    hash_add(&d->a, (uint8_t)purpose);
    hash_add(&d->b, (uint8_t)purpose);
}

static inline void digest_add(struct digester *d, struct span piece)
{
    hash_piece(&d->a, piece);
    hash_piece(&d->b, piece);
}

static inline struct digest digest_end(const struct digester *d)
{
    return (struct digest){.a = hash_end(d->a), .b = hash_end(d->b)};
}

static inline bool digest_equal(struct digest a, struct digest b)
{
    return a.a == b.a && a.b == b.b;
}

struct memo;

/* entries: rounded up to a power of two. NULL: no memory. */
struct memo *memo_new(size_t entries, size_t value_size);
void memo_free(struct memo *m);

size_t memo_count(const struct memo *m);

/* The value, or NULL. */
void *memo_get(const struct memo *m, struct digest key);

/* The value, made (all zeros) where it is new; *ret_new (may be NULL) says so. now counts as its last use. Never NULL. */
void *memo_put(struct memo *m, struct digest key, tq_time now, bool *ret_new);

/* Marks an entry as one to keep before others. */
void memo_hold(struct memo *m, struct digest key);

/* Walks the held entries: start with *at = 0; false at the end. */
bool memo_next_held(const struct memo *m, size_t *at, struct digest *ret_key, const void **ret_value);

#endif
