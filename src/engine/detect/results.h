/* The results seen lately: from a 64-bit keyed digest to what a result was. Every result is looked up, so a bucket is two cache lines, and an entry
 * holds no more than is compared. All memory is taken at birth; in a full bucket the entry used longest ago goes. */
#ifndef TQ_RESULTS_H
#define TQ_RESULTS_H

#include "base/time.h"

struct seen_result {
    uint64_t key; /* 0: free */
    uint32_t content;
    uint32_t message;
    uint32_t used; /* seconds, modulo 2^32 */
    uint8_t final;
    uint8_t several; /* one message held this result several times with different content (replicates, sub-tests): not comparable */
};

struct results;

/* entries: rounded up to buckets of five, their number a power of two. NULL: no memory. */
struct results *results_new(size_t entries);
void results_free(struct results *s);

/* Asks the memory for the bucket of a key that will be looked up soon. */
void results_expect(const struct results *s, uint64_t key);

/* The entry of key, made where it is new (zeros, but for key and used); *ret_new says so. */
struct seen_result *results_put(struct results *s, uint64_t key, tq_time now, bool *ret_new);

#endif
