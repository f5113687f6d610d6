/* projector: the keeper's thread that follows the ledger and writes the views; the only SQL writer.
 *
 * It reads what is committed from the ledger itself, so that the appender never waits for SQL and a slow view costs no memory. Before the threads
 * start, projector_catch_up replays the whole ledger and finds how far this run had come. */
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
    pthread_mutex_t *ledger_lock;
    struct keeper_views *views;
    uint8_t run[RUN_ID];
    /* Tells the page; on the projector's thread. */
    void (*notice)(void *context, const char *topic, const char *id, const char *etag);
    void *context;
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

/* Applies the whole ledger, on the caller's thread; records that do not hold are stepped over (projector_holes). -1: the machine failed. */
int projector_catch_up(struct projector *p, struct found *ret, struct error *e);

int projector_start(struct projector *p, struct error *e);
void projector_stop(struct projector *p); /* applies what is committed, ends the thread, frees; p may be NULL */
void projector_wake(struct projector *p); /* something was committed */

/* Waits until record `index` is visible in the views. -1: ERR_AGAIN: not within `most`. */
int projector_wait(struct projector *p, uint64_t index, tq_time most, struct error *e);

/* How many records do not hold and were stepped over; where there are any, the first of them and why it does not hold. */
uint64_t projector_holes(struct projector *p, uint64_t *ret_first, struct error *e);

#endif
