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
    const struct hash_key *key;
    size_t n;
    uint8_t bytes[192];
};

#define PIECE_MAX 48 /* longer pieces go in as their hashes */

static inline void digest_start(struct digester *d, const struct hash_key *key, char purpose)
{
    d->key = key;
    d->n = 1;
    d->bytes[0] = (uint8_t)purpose;
}

static inline void digest_put(struct digester *d, uint8_t mark, struct span piece)
{
    d->bytes[d->n++] = mark;
    if (piece.n > 0)
        memcpy(d->bytes + d->n, piece.p, piece.n);
    d->n += piece.n;
}

/* A piece that is long, or for which there is no room. */
void digest_add_long(struct digester *d, struct span piece);

static inline void digest_add(struct digester *d, struct span piece)
{
    if (piece.n <= PIECE_MAX && d->n + 1 + piece.n <= sizeof d->bytes)
        digest_put(d, (uint8_t)piece.n, piece);
    else
        digest_add_long(d, piece);
}

struct digest digest_end(struct digester *d);

/* Half of it, for half the work. */
static inline uint64_t digest_end_half(const struct digester *d)
{
    return hash_bytes(d->key, d->bytes, d->n);
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
