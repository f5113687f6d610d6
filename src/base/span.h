/* The bounds-checked cursor through which all bytes from outside are read.
 *
 * A span is a view: it owns nothing and must not outlive the bytes. A read past the end gives zeros (or an empty span) and makes the span bad;
 * bad is sticky, so that a decoder may read a whole header and check once. */
#ifndef TQ_BASE_SPAN_H
#define TQ_BASE_SPAN_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* 16 bytes, so that a span travels in two registers. Nothing here is as long as 4 GiB: span_of makes such a length an empty, bad span. */
struct span {
    const uint8_t *p;
    uint32_t n; /* bytes left */
    bool bad;
};

/* For a large local that the very next call fills: the build clears all other locals, which for an array in the path of every packet or result costs
 * more than what is done with it. */
#define UNCLEARED __attribute__((uninitialized))

static inline struct span span_of(const void *p, size_t n)
{
    bool fits = n <= UINT32_MAX;
    return (struct span){.p = p, .n = fits ? (uint32_t)n : 0, .bad = !fits};
}

/* Writes a span whose parts were just made, for somebody who takes it whole right behind: what lies behind the pointer in one piece, since a
 * processor waits where it reads at once what was written in several. */
static inline void span_put(struct span *to, struct span s)
{
#if BYTE_ORDER == LITTLE_ENDIAN
    uint64_t rest = s.n | (uint64_t)s.bad << 32;
    to->p = s.p;
    memcpy((uint8_t *)to + offsetof(struct span, n), &rest, sizeof rest);
#else
    *to = s;
#endif
}

static inline struct span span_str(const char *s)
{
    return span_of(s, strlen(s));
}

/* A string literal as a span, without its final zero. */
#define SPAN_LIT(s) ((struct span){.p = (const uint8_t *)("" s), .n = sizeof(s) - 1})

static inline bool span_fail(struct span *s)
{
    s->n = 0;
    s->bad = true;
    return false;
}

/* Nothing but zeros. */
static inline bool span_zero(struct span s)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < s.n; i++)
        any |= s.p[i];
    return any == 0;
}

/* Takes the next n bytes as a child span. Too few left: an empty, bad child, and s is bad. */
static inline struct span span_take(struct span *s, size_t n)
{
    if (n > s->n) {
        (void)span_fail(s);
        return (struct span){.p = s->p, .n = 0, .bad = true};
    }
    struct span child = {.p = s->p, .n = (uint32_t)n, .bad = s->bad};
    if (n > 0)
        s->p += n;
    s->n -= (uint32_t)n;
    return child;
}

static inline bool span_skip(struct span *s, size_t n)
{
    if (n > s->n)
        return span_fail(s);
    if (n > 0)
        s->p += n;
    s->n -= (uint32_t)n;
    return true;
}

static inline uint8_t span_u8(struct span *s)
{
    if (s->n < 1)
        return (uint8_t)span_fail(s);
    s->n -= 1;
    return *s->p++;
}

static inline uint16_t span_be16(struct span *s)
{
    if (s->n < 2)
        return (uint16_t)span_fail(s);
    uint16_t v = (uint16_t)(s->p[0] << 8 | s->p[1]);
    s->p += 2;
    s->n -= 2;
    return v;
}

static inline uint32_t span_be24(struct span *s)
{
    if (s->n < 3)
        return (uint32_t)span_fail(s);
    uint32_t v = (uint32_t)s->p[0] << 16 | (uint32_t)s->p[1] << 8 | s->p[2];
    s->p += 3;
    s->n -= 3;
    return v;
}

static inline uint32_t span_be32(struct span *s)
{
    if (s->n < 4)
        return (uint32_t)span_fail(s);
    uint32_t v = (uint32_t)s->p[0] << 24 | (uint32_t)s->p[1] << 16 | (uint32_t)s->p[2] << 8 | s->p[3];
    s->p += 4;
    s->n -= 4;
    return v;
}

static inline uint64_t span_be64(struct span *s)
{
    uint64_t high = span_be32(s);
    return high << 32 | span_be32(s);
}

static inline uint16_t span_le16(struct span *s)
{
    return __builtin_bswap16(span_be16(s));
}

static inline uint32_t span_le32(struct span *s)
{
    return __builtin_bswap32(span_be32(s));
}

static inline uint64_t span_le64(struct span *s)
{
    return __builtin_bswap64(span_be64(s));
}

/* The byte at offset i without moving, 0 past the end (never bad). */
static inline uint8_t span_peek(const struct span *s, size_t i)
{
    return i < s->n ? s->p[i] : 0;
}

/* Position of byte c, or s->n when it is not there. */
static inline size_t span_find(const struct span *s, uint8_t c)
{
    const uint8_t *hit = s->n == 0 ? NULL : memchr(s->p, c, s->n);
    return hit == NULL ? s->n : (size_t)(hit - s->p);
}

/* Which of the SPAN_BLOCK bytes at p are a or b: bit i stands for byte i. */
#ifdef __SSE2__
#define SPAN_BLOCK 16u
static inline uint64_t span_block(const uint8_t *p, uint8_t a, uint8_t b)
{
    __m128i block = _mm_loadu_si128((const __m128i_u *)p);
    __m128i hits = _mm_cmpeq_epi8(block, _mm_set1_epi8((char)a));
    if (a != b)
        hits = _mm_or_si128(hits, _mm_cmpeq_epi8(block, _mm_set1_epi8((char)b)));
    return (uint64_t)(uint32_t)_mm_movemask_epi8(hits);
}
#else
#define SPAN_BLOCK 8u
static inline uint64_t span_bytes_equal(uint64_t eight, uint8_t c)
{
    const uint64_t low = 0x7f * UINT64_C(0x0101010101010101);
    eight ^= c * UINT64_C(0x0101010101010101);
    return ~(((eight & low) + low) | eight | low);
}

static inline uint64_t span_block(const uint8_t *p, uint8_t a, uint8_t b)
{
    uint64_t eight;
    memcpy(&eight, p, 8);
    eight = le64toh(eight);
    eight = (span_bytes_equal(eight, a) | span_bytes_equal(eight, b)) >> 7;
    return eight * UINT64_C(0x0102040810204080) >> 56; /* the lowest bits of the bytes side by side */
}
#endif

/* Which of the first n bytes at p are a or b, n ≤ 64. Whole blocks, the last one over bytes that were looked at already: no loop over bytes but where
 * there are fewer than a block. */
static inline uint64_t span_hits(const uint8_t *p, size_t n, uint8_t a, uint8_t b)
{
    uint64_t hits = 0;
    size_t i = 0;
    if (n < SPAN_BLOCK) {
        for (; i < n; i++)
            hits |= (uint64_t)(p[i] == a || p[i] == b) << i;
        return hits;
    }
    for (; i + SPAN_BLOCK < n; i += SPAN_BLOCK)
        hits |= span_block(p + i, a, b) << i;
    return hits | span_block(p + n - SPAN_BLOCK, a, b) << (n - SPAN_BLOCK);
}

/* Position of the first byte that is a or b, or s->n. Better than two searches where one of them is near. */
static inline size_t span_find_either(const struct span *s, uint8_t a, uint8_t b)
{
    size_t i = 0;
    for (; s->n - i >= SPAN_BLOCK; i += SPAN_BLOCK) {
        uint64_t hits = span_block(s->p + i, a, b);
        if (hits != 0)
            return i + (size_t)__builtin_ctzll(hits);
    }
    while (i < s->n && s->p[i] != a && s->p[i] != b)
        i++;
    return i;
}

/* Position of the n-th c (n ≥ 1), or s->n when there are not so many. */
static inline size_t span_find_nth(const struct span *s, uint8_t c, size_t n)
{
    size_t i = 0;
    for (; s->n - i >= SPAN_BLOCK; i += SPAN_BLOCK)
        for (uint64_t hits = span_block(s->p + i, c, c); hits != 0; hits &= hits - 1)
            if (--n == 0)
                return i + (size_t)__builtin_ctzll(hits);
    for (; i < s->n; i++)
        if (s->p[i] == c && --n == 0)
            return i;
    return i;
}

/* May there be n bytes in a row (n ≥ 2 * SPAN_BLOCK) that are neither a nor b? Where there are, true. So many bytes hold `row` whole blocks: mostly
 * it is enough to look at one of so many, and to pass over all of them when there is an a or b in it. */
static inline bool span_has_run(struct span s, uint8_t a, uint8_t b, size_t n)
{
    const size_t row = n / SPAN_BLOCK - 1;
    const size_t blocks = s.n / SPAN_BLOCK;
    for (size_t i = row - 1; i < blocks; i += row) {
        size_t from = i + 1;
        size_t to = i + 1;
        while (from > 0 && i + 1 - from < row && span_block(s.p + (from - 1) * SPAN_BLOCK, a, b) == 0)
            from--;
        while (from <= i && to < blocks && to - from < row && span_block(s.p + to * SPAN_BLOCK, a, b) == 0)
            to++;
        if (to - from >= row)
            return true;
    }
    return false;
}

/* Splits s at every c into out, max ≥ 1 parts at most; what follows the last of so many is not looked at. Returns how many parts there are (at least
 * 1, an empty one where s is empty). 64 bytes at a time: for short parts this is faster than a search for each. */
static inline size_t span_split(struct span s, uint8_t c, struct span *out, size_t max)
{
    const struct span *first = out;
    const struct span *last = out + max - 1;
    const uint8_t *from = s.p;
    const uint8_t *p = s.p;
    for (size_t left = s.n; left > 0;) {
        size_t n = left < 64 ? left : 64;
        for (uint64_t hits = span_hits(p, n, c, c); hits != 0; hits &= hits - 1) {
            const uint8_t *at = p + __builtin_ctzll(hits);
            span_put(out, (struct span){.p = from, .n = (uint32_t)(at - from)});
            if (out == last)
                return max;
            from = at + 1;
            out++;
        }
        left -= n;
        p += n;
    }
    span_put(out, (struct span){.p = from, .n = (uint32_t)(p - from)});
    return (size_t)(out - first) + 1;
}

/* Takes everything up to separator c and steps over it; without one, takes all that is left. *more (may be NULL) says whether c was there. */
static inline struct span span_until(struct span *s, uint8_t c, bool *more)
{
    size_t at = span_find(s, c);
    bool found = at < s->n;
    struct span child = {.p = s->p, .n = (uint32_t)at, .bad = s->bad};
    size_t step = at + (found ? 1 : 0);
    if (step > 0) /* an empty span may have no pointer to step on */
        s->p += step;
    s->n -= (uint32_t)step;
    if (more != NULL)
        *more = found;
    return child;
}

/* Copies the first bytes of s, at most max, and returns how many: none of an empty span, which need not point anywhere. */
static inline size_t span_copy(struct span s, void *out, size_t max)
{
    size_t n = s.n < max ? s.n : max;
    if (n > 0)
        memcpy(out, s.p, n);
    return n;
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
    return span_equal(a, span_str(text));
}

static inline bool span_starts(struct span a, struct span prefix)
{
    return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

/* Reads a whole decimal number without sign, spaces or leading zeros (but "0" itself). False: not such a number, or over max. */
static inline bool span_decimal(struct span s, uint64_t max, uint64_t *ret)
{
    if (s.bad || s.n == 0 || s.n > 20 || (s.n > 1 && s.p[0] == '0'))
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (v > max)
        return false;
    *ret = v;
    return true;
}

#endif
