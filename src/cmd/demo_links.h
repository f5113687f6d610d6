/* demo_links: analyzers and a LIS for the demo's links, over loopback. */
#ifndef TQ_CMD_DEMO_LINKS_H
#define TQ_CMD_DEMO_LINKS_H

#include "proc/config.h"

#include <sys/types.h>

#define DEMO_LINKS 2 /* one that speaks HL7 over MLLP, one that speaks ASTM */

struct demo_links {
    struct config_endpoint analyzer[DEMO_LINKS]; /* where the links listen for them */
    int lis_fd[DEMO_LINKS];                      /* listening sockets of the LIS */
};

/* Plays them in a process of its own, which ends with this one. -1: it could not be started. */
pid_t demo_links_start(const struct demo_links *d);

#endif
