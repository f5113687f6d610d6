/* spooler: the relay's thread that writes records into its spool and makes them durable: fdatasync may take long, and the relay never waits for it.
 * Records that come while it syncs share the next sync.
 * Whoever holds the public key can write; nobody here can read it back (record/spool). */
#ifndef TQ_PROC_SPOOLER_H
#define TQ_PROC_SPOOLER_H

#include "base/error.h"
#include "base/span.h"
#include "proc/payload.h"

#define SPOOLER_WAITS (32u << 20)       /* most bytes that wait for the thread */
#define SPOOLER_MAX (UINT64_C(1) << 30) /* most bytes of the file that are not read in; fewer where the disk is small (spooler_state) */

struct spooler;

/* fd: the caller's. wake: called on the thread when something changed. NULL: ERR_SYSTEM. */
struct spooler *spooler_new(int fd, const uint8_t run[RUN_ID], void (*wake)(void *context), void *context, struct error *e);
/* What it takes becomes durable; then the thread ends. */
void spooler_free(struct spooler *s);

/* What it is sealed to, and how long the ledger is at least; parts that are begun later say so. */
void spooler_key(struct spooler *s, struct span key, uint64_t ledger);
bool spooler_can(struct spooler *s); /* there is a key, and it is not broken */

/* Copied. False: there is no room, or it is broken: it is not taken. */
bool spooler_put(struct spooler *s, uint64_t seq, struct span encoded);

/* The disk took something not, or may not have: whatever is not durable has to be put again, in order, after spooler_mend. */
bool spooler_broken(struct spooler *s);
void spooler_mend(struct spooler *s);

/* Everything that was put up to this number is durable. */
uint64_t spooler_durable(struct spooler *s);

struct spooler_state {
    uint64_t bytes;   /* of the file, that are not read in … */
    uint64_t max;     /* … and how many there may be: SPOOLER_MAX, or a quarter of what the disk has left, which the ledger needs to take them */
    uint64_t records; /* written since the start */
    bool busy;        /* something waits */
    char trouble[200];
};
void spooler_state(struct spooler *s, struct spooler_state *ret);

/* Ends the part in hand, so that it can be read in; the next record begins another. */
void spooler_end(struct spooler *s);
/* What can be read in next: a whole part, or some. */
struct spooler_whole {
    uint64_t from; /* byte of the file; what stands before it is on the ledger */
    uint64_t to;
    uint64_t seq; /* highest number of this run up to there; 0: none */
};
void spooler_whole(struct spooler *s, struct spooler_whole *ret);
/* Up to this byte it is on the ledger: the file is emptied; where something stands behind it, it is up to there. */
void spooler_read_in(struct spooler *s, uint64_t to);
/* The ledger has everything of this run up to this number, and nothing of earlier ones is in the file: it is emptied, unless something behind the
 * number was written meanwhile. */
void spooler_forget(struct spooler *s, uint64_t seq);

#endif
