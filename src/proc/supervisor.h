/* The supervisor: starts the roles, hands each what it needs, restarts what dies, stops all in order. It holds no data itself. */
#ifndef TQ_PROC_SUPERVISOR_H
#define TQ_PROC_SUPERVISOR_H

#include "base/error.h"
#include "proc/config.h"
#include "proc/start.h"

struct supervisor_options {
    const struct config *config;
    const char *replay;  /* a capture file to feed through, or NULL */
    bool exit_when_read; /* stop when the capture is read and durable */
    bool unprivileged;   /* keep the uid (implied where this process is not root) */
    /* May be NULL. Called once: the capture is read and durable. */
    void (*read_all)(void *context, const struct progress *progress);
    void *context;
};

/* Runs until SIGTERM, SIGINT, or the capture's end. On 0 and on -1 *ret_progress is what was durable last. -1: ERR_MISUSE (configuration, capture,
 * port, data folder), ERR_SYSTEM. The caller has one thread, and no other children. */
int supervisor_run(const struct supervisor_options *options, struct progress *ret_progress, struct error *e);

#endif
