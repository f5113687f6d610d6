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

static inline uint64_t hash_half(const uint8_t *p)
{
    uint32_t m;
    memcpy(&m, p, 4);
    return le32toh(m);
}

/* The last n % 8 of n bytes, the first of them lowest. */
static inline uint64_t hash_tail(const uint8_t *p, size_t n)
{
    unsigned left = n % 8;
    if (left == 0)
        return 0;
    if (n >= 8)
        return hash_word(p + n - 8) >> (64 - 8 * left);
    if (n >= 4) /* two halves that overlap */
        return hash_half(p) | hash_half(p + n - 4) << (8 * (n - 4));
    return p[0] | (uint64_t)p[n / 2] << (8 * (n / 2)) | (uint64_t)p[n - 1] << (8 * (n - 1));
}

/* A hash in the making. */
struct hash_state {
    uint64_t v0;
    uint64_t v1;
    uint64_t v2;
    uint64_t v3;
};

static inline struct hash_state hash_start(const struct hash_key *key)
{
    return (struct hash_state){.v0 = UINT64_C(0x736f6d6570736575) ^ key->k0,
                               .v1 = UINT64_C(0x646f72616e646f6d) ^ key->k1,
                               .v2 = UINT64_C(0x6c7967656e657261) ^ key->k0,
                               .v3 = UINT64_C(0x7465646279746573) ^ key->k1};
}

static inline __attribute__((always_inline)) void hash_add(struct hash_state *s, uint64_t word)
{
    s->v3 ^= word;
    HASH_ROUND(s->v0, s->v1, s->v2, s->v3);
    s->v0 ^= word;
}

static inline uint64_t hash_end(struct hash_state s)
{
    s.v2 ^= 0xff;
    HASH_ROUND(s.v0, s.v1, s.v2, s.v3);
    HASH_ROUND(s.v0, s.v1, s.v2, s.v3);
    HASH_ROUND(s.v0, s.v1, s.v2, s.v3);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* 128 bits of one state: what SipHash does for an output of that length. */
static inline void hash_end_two(struct hash_state s, uint64_t *ret_a, uint64_t *ret_b)
{
    s.v2 ^= 0xee;
    for (int i = 0; i < 3; i++)
        HASH_ROUND(s.v0, s.v1, s.v2, s.v3);
    *ret_a = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    s.v1 ^= 0xdd;
    for (int i = 0; i < 3; i++)
        HASH_ROUND(s.v0, s.v1, s.v2, s.v3);
    *ret_b = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* SipHash-1-3 of n bytes under key (Aumasson and Bernstein; the byte order is little-endian as in the reference). */
static inline uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t n)
{
    const uint8_t *p = data;
    struct hash_state s = hash_start(key);
    for (size_t left = n; left >= 8; left -= 8, p += 8)
        hash_add(&s, hash_word(p));
    hash_add(&s, (uint64_t)(n & 0xff) << 56 | hash_tail(data, n));
    return hash_end(s);
}

/* Takes one of several pieces, its length before it: ("ab", "c") and ("a", "bc") differ. Not what hash_bytes makes of the same bytes. */
static inline __attribute__((always_inline)) void hash_piece(struct hash_state *s, struct span piece)
{
    bool long_one = piece.n >= 0xff;
    hash_add(s, (uint64_t)(long_one ? 0xff : piece.n) << 56 | hash_tail(piece.p, piece.n));
    if (long_one)
        hash_add(s, piece.n);
    for (; piece.n >= 8; piece.n -= 8, piece.p += 8)
        hash_add(s, hash_word(piece.p));
}

#endif
