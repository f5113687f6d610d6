#include "engine/simulate/random.h"

void rng_seed(struct rng *r, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r->s[i] = z ^ z >> 31;
    }
}

static uint64_t rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t rng_next(struct rng *r)
{
    uint64_t result = rotate(r->s[1] * 5, 7) * 9;
    uint64_t t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotate(r->s[3], 45);
    return result;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

int64_t rng_between(struct rng *r, int64_t low, int64_t high)
{
    return high <= low ? low : low + (int64_t)(rng_next(r) % (uint64_t)(high - low + 1));
}

bool rng_one_in(struct rng *r, uint32_t n)
{
    return rng_below(r, n) == 0;
}

void rng_fill(struct rng *r, void *p, size_t n)
{
    uint8_t *at = p;
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(rng_next(r) >> 56);
}

int32_t rng_bell(struct rng *r)
{
    int32_t sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (int32_t)rng_below(r, 1001);
    return sum - 6000;
}

int64_t rng_wait(struct rng *r, int64_t mean)
{
    /* -ln of the middle of each of 32 equal slices, in thousandths */
    static const uint16_t wait[32] = {4159, 3060, 2549, 2213, 1962, 1761, 1594, 1451, 1326, 1214, 1114, 1024, 940, 863, 792, 725,
                                      663,  604,  548,  495,  445,  398,  352,  309,  268,  228,  190,  154,  119, 85,  52,  20};
    int64_t thousandths = wait[rng_below(r, 32)];
    return mean / 1000 * (thousandths > 4000 ? 4000 : thousandths);
}
