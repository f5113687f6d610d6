/* Sends what is written on its way to the disk, in a thread of its own, before a settling needs it there: for the last quarter of a journal commits
 * go on meanwhile, and the settling finds little left to wait for. It is help and no promise: the settling syncs everything itself. */
#ifndef TQ_LEDGER_SWEEP_H
#define TQ_LEDGER_SWEEP_H

#include "base/error.h"

#include <pthread.h>
#include <stdbool.h>

struct sweep {
    pthread_t thread;
    bool begun; /* since the last sweep_end */
    bool running;
    int dir;
    int rc;
    struct error why;
};

void sweep_begin(struct sweep *s, int dir); /* once until sweep_end; a machine that gives no thread goes without */

/* Waits for it. -1: something could not be written, and nobody else will be told so by the system. */
int sweep_end(struct sweep *s, struct error *e);

#endif
