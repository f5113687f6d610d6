/* ber: one element of BER or DER (X.690) at a time, with definite lengths. */
#ifndef TQ_WIRE_BER_H
#define TQ_WIRE_BER_H

#include "base/span.h"

enum { BER_INTEGER = 0x02, BER_OCTETS = 0x04, BER_OID = 0x06, BER_SEQUENCE = 0x30, BER_SET = 0x31 };

/* Takes the next element from *s: its tag (one byte) and its contents. False: there is none, or it does not fit; then *s is bad. */
static inline bool ber_next(struct span *s, uint8_t *tag, struct span *contents)
{
    *tag = span_u8(s);
    size_t n = span_u8(s);
    if ((*tag & 0x1f) == 0x1f || n == 0x80 || n > 0x84)
        return span_fail(s);
    if (n > 0x80) {
        size_t bytes = n & 0x7f;
        for (n = 0; bytes > 0; bytes--)
            n = n << 8 | span_u8(s);
    }
    *contents = span_take(s, n);
    return !s->bad;
}

/* The contents of the next element where it has this tag; otherwise an empty, bad span, and *s is bad. */
static inline struct span ber_take(struct span *s, uint8_t want)
{
    uint8_t tag;
    struct span contents;
    if (ber_next(s, &tag, &contents) && tag == want)
        return contents;
    (void)span_fail(s);
    return (struct span){.bad = true};
}

#endif
