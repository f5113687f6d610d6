/* astm_link: the low level of ASTM E1381 / CLSI LIS1-A, LIS01-A2: frames with checksums, as an incremental reader of one direction of a byte stream.
 *
 *   <STX> FN text <ETB|ETX> C1 C2 [CR] [LF]     FN: one digit 0-7, 1 after ENQ, then counting modulo 8
 *
 * C1 C2: sum of all bytes from FN to ETB/ETX, modulo 256, two hexadecimal digits. Frames end at the two digits: CR and LF behind them are optional
 * (devices leave them out), and are stepped over.
 *
 * Some senders (MAGLUMI) number no frame and send no checksum: STX, records, ETX. A letter and a delimiter behind STX are such a frame's text; and a
 * checksum may be missing where the text begins like a record, as long as this direction never sent one that holds. Such a frame counts as good:
 * nothing in it says otherwise. That a frame without a checksum is over is known with the next byte, or at the end.
 *
 * How frames are counted (equal to the truth files of captures): a frame is good when its checksum holds, damaged when it does not, when its checksum
 * is missing, or when it is cut off by another control byte. Text counts once: a good frame with the number and the content of the last accepted one
 * is a repeat, whatever the receiver answered (its ACK was lost, or it said NAK to a good frame). The receiver's bytes travel in the other direction
 * and are not needed to decide this. Frames that are cut by a hole in the stream are neither good nor damaged.
 *
 * Nothing is allocated or copied: text comes out in pieces as it arrives, and the frame's verdict after its last piece: a consumer that got a bad
 * verdict forgets the pieces since FRAME_START. */
#ifndef TQ_WIRE_ASTM_LINK_H
#define TQ_WIRE_ASTM_LINK_H

#include "base/span.h"

enum astm_event {
    ASTM_MORE, /* the input is used up */
    ASTM_ENQ,  /* the sender opens a session */
    ASTM_EOT,  /* the sender closes it (a receiver may also send it to interrupt) */
    ASTM_ACK,  /* this direction answers */
    ASTM_NAK,
    ASTM_FRAME_START,
    ASTM_TEXT,         /* *ret: a piece of the frame's text */
    ASTM_FRAME_GOOD,   /* checksum holds: its text counts */
    ASTM_FRAME_REPEAT, /* checksum holds, but it is the last frame again: its text does not count */
    ASTM_FRAME_DAMAGED,
    ASTM_JUNK, /* *ret: bytes outside frames that mean nothing */
};

enum astm_link_state {
    ASTM_LINK_IDLE,
    ASTM_LINK_NUMBER,
    ASTM_LINK_LETTER,
    ASTM_LINK_TEXT,
    ASTM_LINK_SUM1,
    ASTM_LINK_SUM2,
    ASTM_LINK_CR,
    ASTM_LINK_LF
};

struct astm_link {
    enum astm_link_state state;
    bool last_of_message; /* with FRAME_GOOD: the frame ended with ETX */
    bool out_of_order;    /* with FRAME_GOOD: its number is not the one expected */
    bool tail_missing;    /* CR or LF was missing after the frame before the current one */
    bool number_known;    /* a frame was accepted since the start, ENQ or the last hole */
    bool bare;            /* the current frame has no number */
    bool record;          /* its text begins like a record */
    bool summed;          /* a checksum held in this direction */
    bool unsummed;        /* a frame without one was accepted */
    uint8_t first_n;
    uint8_t first[2]; /* its first bytes of text */
    uint8_t number;   /* of the current frame */
    uint8_t expected;
    uint8_t sum;
    uint8_t claimed;
    uint64_t digest; /* of the current frame's text, but for its last word_n bytes, which are in word */
    uint64_t word;
    uint8_t word_n;
    uint64_t last_digest; /* of the last accepted one */
};

/* Steps over as much of `in` as makes one event; `ret` is set with TEXT and JUNK. A reader starts zeroed. */
enum astm_event astm_link_next(struct astm_link *l, struct span *in, struct span *ret);

/* Bytes are missing here: an open frame is forgotten (true: there was one), the next frame may have any number. */
bool astm_link_gap(struct astm_link *l);

/* The stream ended. An open frame is damaged; or good or a repeat where only a checksum that this sender leaves out could have followed. ASTM_MORE:
 * none was open. */
enum astm_event astm_link_close(struct astm_link *l);

/* The checksum of a frame's bytes from its number to ETB or ETX inclusive. */
uint8_t astm_checksum(struct span s);

#endif
