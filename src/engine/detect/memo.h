/* A bounded memory of things seen: from a 128-bit keyed digest to a value of one fixed size.
 *
 * All memory is taken at birth. Entries live in buckets of eight; where a bucket is full, the entry that goes is one that is not held, else one that
 * is, and of those the one used longest ago (to about a second). So a flood of new keys pushes out other new keys before anything that was learnt. */
#ifndef TQ_MEMO_H
#define TQ_MEMO_H

#include "base/hash.h"
#include "base/time.h"
#include "engine/detect/ways.h"

struct digest {
    uint64_t a;
    uint64_t b;
};

/* A digest is built with hash_piece between these two. */
static inline struct hash_state digest_start(const struct hash_key *key, char purpose)
{
    struct hash_state s = hash_start(key);
    s.v1 ^= 0xee; /* 128 bits are wanted */
    hash_add(&s, (uint8_t)purpose);
    return s;
}

static inline struct digest digest_end(struct hash_state s)
{
    struct digest d;
    hash_end_two(s, &d.a, &d.b);
    return d;
}

static inline bool digest_equal(struct digest a, struct digest b)
{
    return a.a == b.a && a.b == b.b;
}

#define MEMO_LINE 64

/* A part of each key, which entry has the rest, when it was used last, and whether it is held: a look-up touches this and one entry. Entries are
 * given out in turn: those that came together lie together, and what is never needed is never touched. */
struct memo_bucket {
    uint16_t heads[WAYS]; /* 0: free */
    uint16_t numbers[WAYS];
    uint32_t used[WAYS]; /* about seconds, modulo 2^31, doubled; and 1 where it is held */
};

_Static_assert(sizeof(struct memo_bucket) == MEMO_LINE, "a bucket is a cache line");

struct memo {
    size_t count; /* of buckets: a power of two */
    size_t value_size;
    size_t stride; /* of entries */
    uint32_t made; /* entries given out */
    struct memo_bucket *buckets;
    uint8_t *entries; /* behind them */
};

static inline struct digest *memo_entry(const struct memo *m, size_t number)
{
    return (struct digest *)(void *)(m->entries + number * m->stride);
}

static inline struct memo_bucket *memo_bucket_of(const struct memo *m, struct digest key)
{
    return &m->buckets[key.b & (m->count - 1)];
}

/* entries: at most 65,536; rounded up to a power of two. NULL: no memory, or too many. */
struct memo *memo_new(size_t entries, size_t value_size);
void memo_free(struct memo *m);

/* Asks the memory for what a look-up of this key will touch; the second, when the first is here, for the entry's first MEMO_HOT bytes; the third for
 * the first bytes of an entry whose number is known, with its key. */
#define MEMO_HOT 192
static inline void memo_expect(const struct memo *m, struct digest key)
{
    __builtin_prefetch(memo_bucket_of(m, key), 1);
}

void memo_expect_entry(const struct memo *m, struct digest key, tq_time now);

static inline void memo_expect_number(const struct memo *m, uint32_t number, size_t hot)
{
    const uint8_t *entry = m->entries + number * m->stride;
    for (size_t n = 0; n < m->stride && n < hot; n += MEMO_LINE)
        __builtin_prefetch(entry + n, 1);
}

/* The value, or NULL. */
void *memo_get(const struct memo *m, struct digest key);

/* The value, made (all zeros) where it is new; *ret_new (may be NULL) says so. now counts as its last use. Never NULL. */
void *memo_put(struct memo *m, struct digest key, tq_time now, bool *ret_new);

/* Values by number: below entries rounded up; of an entry that there is. */
uint32_t memo_number(const struct memo *m, const void *value);
static inline void *memo_at(const struct memo *m, uint32_t number)
{
    return memo_entry(m, number) + 1;
}

/* now counts as the last use of this value. */
void memo_use(struct memo *m, uint32_t number, tq_time now);

/* Marks an entry as one to keep before others. */
void memo_hold(struct memo *m, struct digest key);

/* Walks the held entries: start with *at = 0; false at the end. */
bool memo_next_held(const struct memo *m, size_t *at, struct digest *ret_key, const void **ret_value);

#endif
