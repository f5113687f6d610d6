/* A bounded memory of things seen: from a 128-bit keyed digest to a value of one fixed size.
 *
 * All memory is taken at birth. Entries live in buckets of eight; where a bucket is full, the entry that goes is one that is not held, else one that
 * is, and of those the one used longest ago (to about a second). So a flood of new keys pushes out other new keys before anything that was learnt. */
#ifndef TQ_MEMO_H
#define TQ_MEMO_H

#include "base/hash.h"
#include "base/time.h"

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

struct memo;

/* entries: rounded up to a power of two. NULL: no memory. */
struct memo *memo_new(size_t entries, size_t value_size);
void memo_free(struct memo *m);

/* Asks the memory for what a look-up of this key will touch; the second, when the first is here, for the entry's first MEMO_HOT bytes. */
#define MEMO_HOT 192
void memo_expect(const struct memo *m, struct digest key);
void memo_expect_entry(const struct memo *m, struct digest key, tq_time now);

/* The value, or NULL. */
void *memo_get(const struct memo *m, struct digest key);

/* The value, made (all zeros) where it is new; *ret_new (may be NULL) says so. now counts as its last use. Never NULL. */
void *memo_put(struct memo *m, struct digest key, tq_time now, bool *ret_new);

/* Values by number: below entries rounded up; of an entry that there is. */
uint32_t memo_number(const struct memo *m, const void *value);
void *memo_at(const struct memo *m, uint32_t number);

/* now counts as the last use of this value. */
void memo_use(struct memo *m, uint32_t number, tq_time now);

/* Marks an entry as one to keep before others. */
void memo_hold(struct memo *m, struct digest key);

/* Walks the held entries: start with *at = 0; false at the end. */
bool memo_next_held(const struct memo *m, size_t *at, struct digest *ret_key, const void **ret_value);

#endif
