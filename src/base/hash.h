/* SipHash-1-3: a keyed hash for tables whose keys come from outside, so that nobody can choose keys that collide. Not for signatures or tokens. */
#ifndef TQ_BASE_HASH_H
#define TQ_BASE_HASH_H

#include "base/span.h"

#include <endian.h>

struct hash_key {
    uint64_t k0;
    uint64_t k1;
};

#define HASH_ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))
#define HASH_ROUND(v0, v1, v2, v3)                                                                                                                   \
    do {                                                                                                                                             \
        (v0) += (v1), (v1) = HASH_ROTL(v1, 13), (v1) ^= (v0), (v0) = HASH_ROTL(v0, 32);                                                              \
        (v2) += (v3), (v3) = HASH_ROTL(v3, 16), (v3) ^= (v2);                                                                                        \
        (v0) += (v3), (v3) = HASH_ROTL(v3, 21), (v3) ^= (v0);                                                                                        \
        (v2) += (v1), (v1) = HASH_ROTL(v1, 17), (v1) ^= (v2), (v2) = HASH_ROTL(v2, 32);                                                              \
    } while (0)

static inline uint64_t hash_word(const uint8_t *p)
{
    uint64_t m;
    memcpy(&m, p, 8);
    return le64toh(m);
}

/* The last n % 8 of n bytes, the first of them lowest. */
static inline uint64_t hash_tail(const uint8_t *p, size_t n)
{
    unsigned left = n % 8;
    if (left == 0)
        return 0;
    if (n >= 8)
        return hash_word(p + n - 8) >> (64 - 8 * left);
    uint64_t tail = 0;
    for (unsigned i = 0; i < left; i++)
        tail |= (uint64_t)p[i] << (8 * i);
    return tail;
}

/* SipHash-1-3 of n bytes under key (Aumasson and Bernstein; the byte order is little-endian as in the reference). */
static inline uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t v0 = UINT64_C(0x736f6d6570736575) ^ key->k0;
    uint64_t v1 = UINT64_C(0x646f72616e646f6d) ^ key->k1;
    uint64_t v2 = UINT64_C(0x6c7967656e657261) ^ key->k0;
    uint64_t v3 = UINT64_C(0x7465646279746573) ^ key->k1;
    for (size_t left = n; left >= 8; left -= 8, p += 8) {
        uint64_t m = hash_word(p);
        v3 ^= m;
        HASH_ROUND(v0, v1, v2, v3);
        v0 ^= m;
    }
    uint64_t tail = (uint64_t)n << 56 | hash_tail(data, n);
    v3 ^= tail;
    HASH_ROUND(v0, v1, v2, v3);
    v0 ^= tail;
    v2 ^= 0xff;
    HASH_ROUND(v0, v1, v2, v3);
    HASH_ROUND(v0, v1, v2, v3);
    HASH_ROUND(v0, v1, v2, v3);
    return v0 ^ v1 ^ v2 ^ v3;
}

#endif
