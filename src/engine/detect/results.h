/* The results seen lately, in the order in which they came: a ring, so that those of one message lie side by side, with an index from the 64-bit
 * keyed digest of (specimen, test, link, time of observation) to the latest of them. All memory is taken at birth; the oldest go. */
#ifndef TQ_RESULTS_H
#define TQ_RESULTS_H

#include "engine/detect/index.h"
#include "engine/result/number.h"
#include "engine/result/text.h"
#include "engine/result/unit.h"

/* One cache line. */
struct seen_result {
    uint64_t key;
    uint64_t test;
    struct number number;
    struct unit unit;
    uint32_t exact;    /* digest of the value, precision left out; of a text as it is */
    uint32_t range;    /* digest; 0: not said */
    uint32_t observed; /* digest; 0: not said */
    uint32_t sent;     /* the ring's number of the message (links.h) */
    uint16_t habit;    /* what stands there is of this test only while its test and link are */
    uint16_t place;    /* in its message; NO_PLACE: too far behind */
    uint8_t flag : 4;  /* enum flag */
    uint8_t status : 4;
    bool numeric : 1;
    bool several : 1;  /* one message held this result several times with different content (replicates, sub-tests): not comparable */
    bool went_on : 1;  /* it was seen on the next link */
    bool repeated : 1; /* it had been sent before, the same, and went on then */
    bool guessed : 1;  /* it went on, as it seems, under another code */
    bool parted : 1;   /* others of its code in the same message are kept as tests of their own */
};

_Static_assert(FLAG_OTHER < 16 && STATUS_OTHER < 16, "they fit in four bits");

struct results {
    struct index index; /* key → number in the ring */
    struct seen_result *ring;
    uint32_t mask;
    uint32_t next; /* numbers are counted for ever, modulo 2^32 */
};

/* entries: rounded up to a power of two. NULL: no memory. */
struct results *results_new(size_t entries);
void results_free(struct results *s);

static inline struct seen_result *results_at(const struct results *s, uint32_t number)
{
    return &s->ring[number & s->mask];
}

/* How many were kept before this one, from the number first on. */
static inline size_t results_nth(const struct results *s, const struct seen_result *k, uint32_t first)
{
    return ((uint32_t)(k - s->ring) - first) & s->mask;
}

/* Asks the memory for what a look-up of this key will touch; the second when the first is here. */
static inline void results_expect(const struct results *s, uint64_t key)
{
    index_expect(&s->index, key);
}

static inline void results_expect_entry(const struct results *s, uint64_t key)
{
    const uint32_t *number = index_get(&s->index, key);
    if (number != NULL)
        __builtin_prefetch(results_at(s, *number));
}

/* The latest of key; NULL: there is none. */
static inline struct seen_result *results_get(const struct results *s, uint64_t key)
{
    const uint32_t *number = index_get(&s->index, key);
    struct seen_result *k = number == NULL ? NULL : results_at(s, *number);
    return k != NULL && k->key == key ? k : NULL;
}

/* Keeps one, over the oldest: it is the latest of its key from now on. Where the latest is of the same message, that one stays: *ret_new says so. */
struct seen_result *results_add(struct results *s, const struct seen_result *one, bool *ret_new);

#endif
