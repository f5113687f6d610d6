/* waiting: from a locked ledger to one that is open with all that was spooled meanwhile on it.
 *
 *   LOCKED, FRESH ── right passphrase ──► OPENING ── views read ──► READING the spool in ── all of it durable ──► done
 *
 * Invariants
 *  1. Until it is done, what the pipeline sends goes into the spool, behind what waits there: order is kept, and reading in never stops the sensors.
 *  2. Only while the last records become durable is the pipeline held up: then the spool is removed, and records go to the appender as always.
 *  3. The passphrase is tried on a reader's thread and the views are read on a thread of their own: the main thread goes on spooling.
 *  4. Whenever the machine stops, what is in the spool and not on the ledger is read in later, and nothing twice (readin.h). */
#ifndef TQ_PROC_WAITING_H
#define TQ_PROC_WAITING_H

#include "door/api/gate.h"
#include "proc/appender.h"
#include "proc/locked.h"

struct waiting;

struct waiting_options {
    struct locked_options spool;
    const char *site;
    enum gate_stage stage; /* GATE_LOCKED, GATE_FRESH; GATE_OPEN: nothing is locked, but an old spool is to be read in */
    /* Opens the ledger with this passphrase; a reader's thread. */
    int (*open)(struct span passphrase, struct error *e);
    /* Then everything else, on a thread of its own; it calls waiting_prepare before the appender starts. */
    int (*rest)(struct error *e);
    void (*wake)(void *context); /* any thread: waiting_opened or waiting_step has something to do */
};

struct waiting *waiting_new(const struct waiting_options *options, struct error *e);

/* Any thread. */
void waiting_answer(struct waiting *w, struct api_clock now, const struct request *request, struct api_reply *ret);
void waiting_metrics(struct waiting *w, struct buf *out);

/* Between opening the ledger and starting the appender. */
int waiting_prepare(struct waiting *w, struct ledger *ledger, struct error *e);

/* Main thread, from here on. 1: it was opened just now (told once); 0: no news; -1: it could not, and the keys are gone with this process. */
int waiting_opened(struct waiting *w, struct error *e);

bool waiting_locked(struct waiting *w);      /* a person has to come */
bool waiting_takes(const struct waiting *w); /* may the pipeline be read? */
void waiting_put(struct waiting *w, enum spooled what, struct position place, struct span encoded);
void waiting_note(struct waiting *w, const struct record *r);

/* Reads in and syncs as far as that goes now. Returns in how many ms to call again at the latest; *ret_done: all of it is on the ledger, free it. */
int waiting_step(struct waiting *w, struct appender *a, tq_time now, bool *ret_done, struct error *e);

/* A part of the spool is whole: this process ends in order. */
void waiting_end(struct waiting *w);
void waiting_free(struct waiting *w);

#endif
