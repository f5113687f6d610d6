/* learnt: what the detector has learnt (docs/formats/detector-state.md), kept by the keeper from one detector to the next in DATA/detector.sealed. */
#ifndef TQ_PROC_LEARNT_H
#define TQ_PROC_LEARNT_H

#include "base/buf.h"
#include "proc/message.h"

struct learnt {
    uint8_t key[32];
    bool open;         /* the key is there, and what was kept is read; before, a detector begins as new */
    bool told;         /* the present detector heard what an earlier one had learnt, or that there is nothing */
    bool untaught;     /* … the latter, because nothing could be read: what it learns is not kept */
    struct buf kept;   /* as it is kept and handed to the next one */
    struct buf coming; /* what the present one sent; kept once what it read is durable, so that a capture read again meets the same detector */
};

#define LEARNT_INIT                                                                                                                                  \
    {                                                                                                                                                \
        .kept = {.max = STATE_MAX}, .coming = {.max = STATE_MAX }                                                                                    \
    }

/* Reads what is kept. A file that does not open costs a new learning time, not the start. */
void learnt_open(struct learnt *l);

/* A new detector is there, and waits for this. may: what it sends can be kept; else it is not told, and sends nothing. */
void learnt_give(struct learnt *l, struct channel *detector, bool may);

/* The detector sent its state. */
void learnt_take(struct learnt *l, struct span body);

/* All that it was made from is durable. */
void learnt_keep(struct learnt *l);

#endif
