/* Records that are shown to somebody who has neither the ledger nor its keys: each with its proof under one checkpoint, and with the key that opens
 * it and no other. docs/formats/proof.md. */
#ifndef TQ_LEDGER_SHOWN_H
#define TQ_LEDGER_SHOWN_H

#include "record/ledger/ledger.h"

#define SHOWN_RECORDS 64       /* most records of one bundle */
#define SHOWN_BYTES (8u << 20) /* most bytes of its text */

struct shown_wish {
    uint64_t index; /* of the custody stream */
    bool open;      /* with its key; else only that it is there, and when it was recorded */
};

/* Appends a bundle of these records under the present checkpoint of the ledger in `dir`, which l has open. Any thread. ERR_MISUSE: there is no such
 * custody record, or none are wished for; ERR_AGAIN: one is under no checkpoint yet; ERR_CLOSED: the key of one was erased. */
int ledger_show(struct ledger *l, const char *dir, const struct shown_wish *wishes, size_t n, struct buf *out, struct error *e);

struct shown_record {
    uint64_t index;
    tq_time time;        /* recorded, by the keeper's clock */
    bool open;           /* its key is there, and fits */
    struct span payload; /* in clear; holds during the call */
};

/* Checks a bundle with nothing but its text and the public key, all of it; then calls `each` (may be NULL) for every record, in the order of the
 * bundle. *ret_size: records under its checkpoint. -1 ERR_CORRUPT: it does not hold, and what of it. */
int ledger_check_shown(struct span bundle, const char *verifier, void (*each)(void *context, const struct shown_record *r), void *context,
                       uint64_t *ret_size, struct error *e);

/* Does this text say that it is a bundle? */
bool ledger_is_shown(struct span text);

/* Reads a bundle and writes it again. ERR_CORRUPT. What was read is written the same, byte for byte. */
int ledger_copy_shown(struct span bundle, struct buf *out, struct error *e);

#endif
