/* Random numbers from a seed: xoshiro256** (Blackman and Vigna), started by splitmix64. Integers only, so that every machine draws the same. */
#ifndef TQ_SIMULATE_RANDOM_H
#define TQ_SIMULATE_RANDOM_H

#include "base/span.h"

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);

uint32_t rng_below(struct rng *r, uint32_t n);                 /* 0 … n-1; n ≥ 1 */
int64_t rng_between(struct rng *r, int64_t low, int64_t high); /* both included */
bool rng_one_in(struct rng *r, uint32_t n);                    /* true once in n */
void rng_fill(struct rng *r, void *p, size_t n);

/* Bell-shaped around 0 in thousandths of a standard deviation, within about ±3,400 (a sum of twelve). */
int32_t rng_bell(struct rng *r);

/* The wait until the next of events that come once in `mean` on average (exponential, between 2 % and 400 % of mean). */
int64_t rng_wait(struct rng *r, int64_t mean);

#endif
