/* mllp: HL7's Minimal Lower Layer Protocol, release 1 and 2, as an incremental reader of one direction of a byte stream.
 *
 *   block:         0x0B  content  0x1C 0x0D        (content normally ends in 0x0D itself)
 *   commit block:  0x0B 0x06 0x1C 0x0D stored, 0x0B 0x15 0x1C 0x0D not stored (release 2); for this reader a block with one byte of content
 *
 * Source: HL7 "Transport Specification: MLLP, Release 2"; release 1 in HL7 v2 implementation guide, appendix C.4. The reader allocates nothing and
 * copies nothing: content comes out as spans of the input, except the few bytes that had to be held back over the end of an input, which come from
 * `held`. */
#ifndef TQ_WIRE_MLLP_H
#define TQ_WIRE_MLLP_H

#include "base/span.h"

#define MLLP_START_BYTE 0x0B
#define MLLP_END_BYTE 0x1C
#define MLLP_NAMED 6 /* 0x0B, "MSH", and two delimiters: what tells the start of an HL7 block from a stray 0x0B */
#define MLLP_HELD 9  /* the same with a byte order mark (EF BB BF) behind the 0x0B, which some writers of UTF-8 put there */

enum mllp_event {
    MLLP_MORE,    /* the input is used up */
    MLLP_JUNK,    /* *ret: bytes outside any block */
    MLLP_START,   /* a block begins */
    MLLP_CONTENT, /* *ret: bytes of the open block, in order */
    MLLP_END,     /* the block is complete; end_without_cr says whether its 0x0D is missing */
    MLLP_RESTART, /* the open block was cut off by the start of another one, which is open now */
};

enum mllp_state { MLLP_IDLE, MLLP_BODY, MLLP_TAIL };

struct mllp {
    enum mllp_state state;
    bool any_block;      /* in: accept any content after 0x0B (the stream is known to be MLLP); else only MSH, FHS or BHS with sane delimiters */
    bool end_without_cr; /* out, with MLLP_END */
    uint8_t held_n;
    uint8_t held[MLLP_HELD];
    uint8_t out[MLLP_HELD];
};

/* Steps over as much of `in` as makes one event. `ret` is set with JUNK and CONTENT and holds until the next call. A reader starts zeroed. */
enum mllp_event mllp_next(struct mllp *m, struct span *in, struct span *ret);

/* The stream ended: MLLP_END where only the last 0x0D is missing, MLLP_CONTENT never, MLLP_RESTART where a block was left unfinished, else MLLP_MORE.
 */
enum mllp_event mllp_close(struct mllp *m);

/* Bytes are missing here: a half-read start is forgotten; an open block stays open (its content has a hole). */
void mllp_gap(struct mllp *m);

/* How far the bytes of s (s.n ≥ 1, the first being 0x0B) look like the start of an HL7 block: -1 no, 0 so far, 1 yes. */
int mllp_signature(struct span s);

#endif
