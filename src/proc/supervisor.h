/* The supervisor: starts the roles, hands each what it needs, restarts what dies, stops all in order. It holds no data itself. Between a role's death
 * and its next start it waits 1 s, 2 s, … 30 s (the relay's: 2 s); TOURNIQUET_BACKOFF_MOST in its environment makes that shorter, in whole seconds.
 */
#ifndef TQ_PROC_SUPERVISOR_H
#define TQ_PROC_SUPERVISOR_H

#include "base/error.h"
#include "proc/config.h"
#include "proc/start.h"

struct handover;

struct supervisor_options {
    const struct config *config;
    const char *replay;        /* a capture file to feed through, or NULL */
    bool exit_when_read;       /* stop when the capture is read and durable */
    bool unprivileged;         /* keep the uid (implied where this process is not root) */
    bool hands_over;           /* `tourniquet run`: another program may take its place in this process (handover.h) … */
    struct span config_text;   /* … by this text of lab.yaml */
    struct handover *handover; /* what the one before left; NULL: this is the first */
    /* May be NULL. Called once: the capture is read and durable. */
    void (*read_all)(void *context, const struct progress *progress);
    void *context;
};

/* Whether this program could go on with what the one before left: 0, or -1 and why not. Changes nothing. */
int supervisor_look(const struct supervisor_options *options, struct error *e);

/* Runs until SIGTERM, SIGINT, or the capture's end. On 0 and on -1 *ret_progress is what was durable last. -1: ERR_MISUSE (configuration, capture,
 * port, data folder), ERR_SYSTEM. The caller has one thread, and no other children. */
int supervisor_run(const struct supervisor_options *options, struct progress *ret_progress, struct error *e);

#endif
