/* projector: the keeper's thread that follows the ledger and writes the views; the only SQL writer.
 *
 * It reads what is committed from the ledger itself, so that the appender never waits for SQL and a slow view costs no memory. Before the threads
 * start, projector_catch_up applies what the store does not hold yet and finds how far this run had come.
 *
 * Invariants
 *  1. What is known of the run and of damaged records is kept in the store, in the same transaction as the rows (`struct kept`): rows and it are
 * always of one index, and a function of the ledger up to there.
 *  2. The store is never believed over the ledger: it goes on only from a ledger whose record before `next` is the one that was applied.
 *  3. A store that cannot be written stops nothing: the batch is forgotten and tried again; meanwhile the page is old and says so to who waits. */
#ifndef TQ_PROC_PROJECTOR_H
#define TQ_PROC_PROJECTOR_H

#include "lab/views.h"
#include "proc/payload.h"
#include "proc/start.h"
#include "record/ledger/ledger.h"

#include <pthread.h>

struct projector;

struct projector_options {
    struct ledger *ledger;
    struct keeper_views *views;
    struct store *store;
    uint8_t run[RUN_ID];
    /* The store made a checkpoint with records before `applied`; on the projector's thread (or in projector_catch_up). May be NULL. */
    void (*checkpointed)(void *context, const struct store_mark *mark, uint64_t applied);
    /* The store cannot be written, or (NULL) can again; on the projector's thread. May be NULL. */
    void (*trouble)(void *context, const struct error *why);
    /* Tells the page; on the projector's thread. */
    void (*notice)(void *context, const char *topic, const char *id, const char *etag);
    void *context;
    tq_time patience; /* so long a stop goes on applying what the views lack; 0: a second */
};

/* What the ledger said about this run when the keeper started. */
struct found {
    struct position custody;
    struct position observation;
    struct position evidence; /* of the last finding with packets */
    struct progress progress;
    bool run_started;   /* run.started of this run is there */
    tq_time first_time; /* recorded time of record 0; 0: the ledger is empty */
};

struct projector *projector_new(const struct projector_options *options, struct error *e);

/* Applies what the store does not hold of the ledger, on the caller's thread; records that do not hold are stepped over (projector_holes).
 * *ret_from (may be NULL): the first record that was read. -1: ERR_MISUSE: the store is not of this ledger as it is, or of another program: to be
 * dropped; else the store or the machine failed. */
int projector_catch_up(struct projector *p, struct found *ret, uint64_t *ret_from, struct error *e);

int projector_start(struct projector *p, struct error *e);

/* Ends the thread and frees; p may be NULL. What is committed is applied before, unless that takes longer than options.patience: what is left then,
 * the next start applies. */
void projector_stop(struct projector *p);

void projector_wake(struct projector *p); /* something was committed */

/* Waits until record `index` is visible in the views. -1: ERR_AGAIN: not within `most`. */
int projector_wait(struct projector *p, uint64_t index, tq_time most, struct error *e);

/* How many records do not hold and were stepped over; where there are any, the first of them and why it does not hold. */
uint64_t projector_holes(struct projector *p, uint64_t *ret_first, struct error *e);

#endif
