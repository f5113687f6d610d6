/* cbor: one item of CBOR at a time, as CTAP2 writes it (FIDO CTAP 2.1, section 8: definite lengths, shortest heads, no tags, no floats; RFC 8949).
 *
 * Anything else is refused: what authenticators sign has one encoding only. */
#ifndef TQ_WIRE_CBOR_H
#define TQ_WIRE_CBOR_H

#include "base/span.h"

#define CBOR_DEPTH 4 /* levels of nesting that CTAP2 allows */

enum cbor_type { CBOR_UNSIGNED = 0, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_SIMPLE = 7 };

struct cbor_item {
    enum cbor_type type;
    uint64_t value;    /* unsigned: itself; negative: -1 - itself; array: items; map: pairs; simple: 20 false, 21 true, 22 null */
    struct span bytes; /* of bytes and text */
};

/* Takes the head of the next item, and its bytes where it is bytes or text. Of an array or map only the head: its items follow. False: it is none,
 * or it does not fit; then *s is bad. */
bool cbor_next(struct span *s, struct cbor_item *ret);

/* Steps over one whole item, nested at most CBOR_DEPTH levels. */
bool cbor_skip(struct span *s);

/* The next item as a number. False: it is no integer, or beyond 63 bits; *s is bad. */
bool cbor_int(struct span *s, int64_t *ret);

/* The pairs of a map that comes next. False: there is none, or it says more pairs than `most`; *s is bad. */
bool cbor_map(struct span *s, uint64_t most, uint64_t *ret_pairs);

/* The bytes (or the text) that come next; an empty, bad span, and *s bad, where something else does. */
struct span cbor_take(struct span *s, enum cbor_type want);

#endif
