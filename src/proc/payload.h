/* What one leaf of the ledger holds in clear: docs/formats/payload.md. Written by the keeper's appender, read by its projector. */
#ifndef TQ_PROC_PAYLOAD_H
#define TQ_PROC_PAYLOAD_H

#include "base/buf.h"
#include "base/error.h"

#define RUN_ID 16           /* bytes; random, one a run */
#define PAYLOAD_RECORDS 256 /* most records of one leaf */
#define PAYLOAD_HEAD (1 + RUN_ID + 2)

/* Where a record stands in its run: the sensor's record that caused it, and the place among the records with that cause. 0, 0: the keeper's own. */
struct position {
    uint64_t seq;
    uint32_t ordinal;
};

#define PAYLOAD_DIGEST 32

/* Bytes as they were received: of a lab message, or of packets kept as evidence. bytes.n < whole: cut, only the beginning is kept. */
struct payload_body {
    struct span bytes;
    uint64_t whole;     /* bytes of the whole; 0: there is no body */
    struct span digest; /* SHA-256 of the whole, 32 bytes; all zero: there was no whole to digest. Empty is written as zeros */
};

struct payload_record {
    struct position position;
    struct span veiled;  /* JSON: what anybody signed in may see */
    struct span private; /* JSON: what only a person permitted may see; may be empty */
    struct payload_body body;
};

struct payload {
    uint8_t run[RUN_ID];
    size_t n;
    struct payload_record records[PAYLOAD_RECORDS];
};

static inline bool position_after(struct position a, struct position b)
{
    return a.seq != b.seq ? a.seq > b.seq : a.ordinal > b.ordinal;
}

/* Starts a payload in an empty buffer, then adds records one by one. */
void payload_start(struct buf *out, const uint8_t run[RUN_ID]);
void payload_add(struct buf *out, const struct payload_record *record);
size_t payload_count(const struct buf *out);

/* Spans of *ret point into in. ERR_CORRUPT: not a payload of a known version. */
int payload_decode(struct span in, struct payload *ret, struct error *e);

#endif
