/* Buckets of eight: looked through at once. */
#ifndef TQ_WAYS_H
#define TQ_WAYS_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define WAYS 8

/* Which of the eight are this one: bit i stands for the i-th. */
static inline unsigned ways_equal(const uint32_t all[WAYS], uint32_t one)
{
#ifdef __SSE2__
    __m128i is = _mm_set1_epi32((int)one);
    __m128i first = _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i_u *)all), is);
    __m128i rest = _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i_u *)(all + 4)), is);
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(first, rest), _mm_setzero_si128()));
#else
    unsigned equal = 0;
    for (unsigned i = 0; i < WAYS; i++)
        equal |= (unsigned)(all[i] == one) << i;
    return equal;
#endif
}

/* The same for half as long ones. */
static inline unsigned ways_equal_short(const uint16_t all[WAYS], uint16_t one)
{
#ifdef __SSE2__
    __m128i equal = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i_u *)all), _mm_set1_epi16((short)one));
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
#else
    unsigned equal = 0;
    for (unsigned i = 0; i < WAYS; i++)
        equal |= (unsigned)(all[i] == one) << i;
    return equal;
#endif
}

#endif
