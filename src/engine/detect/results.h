/* The results seen lately, and the tests ordered: from a 64-bit keyed digest of (specimen, test, link) to what a result was. Every result is looked
 * up, so a bucket keeps its digests in one cache line. All memory is taken at birth; in a full bucket the entry used longest ago goes. */
#ifndef TQ_RESULTS_H
#define TQ_RESULTS_H

#include "base/time.h"
#include "engine/result/number.h"
#include "engine/result/unit.h"

struct seen_result {
    struct number number;
    struct unit unit;
    uint32_t exact;
    uint32_t observed; /* 0: not said */
    uint32_t message;  /* digest of its id */
    uint32_t sent;     /* the ring's number of the message (links.h) */
    uint32_t used;     /* seconds, modulo 2^32 */
    uint32_t range;    /* 0: not said */
    uint8_t flag;
    uint8_t status;
    bool numeric : 1;
    bool several : 1; /* one message held this result several times with different content (replicates, sub-tests): not comparable */
    bool went_on : 1; /* it was seen on the next link */
    bool told : 1;
    uint8_t place; /* in its sent entry */
};

struct results;

/* entries: rounded up to buckets of six, their number a power of two. NULL: no memory. */
struct results *results_new(size_t entries);
void results_free(struct results *s);

/* Asks the memory for the bucket of a key that will be looked up soon. */
void results_expect(const struct results *s, uint64_t key);

/* The same for the entry itself, once its bucket is here. */
void results_expect_entry(const struct results *s, uint64_t key);

struct seen_result *results_get(const struct results *s, uint64_t key);

/* The entry of key, made where it is new (zeros, but for used); *ret_new says so. */
struct seen_result *results_put(struct results *s, uint64_t key, tq_time now, bool *ret_new);

#endif
