/* A witness as a service; for cmd/ledger.c. */
#ifndef TQ_CMD_WITNESS_H
#define TQ_CMD_WITNESS_H

#include "base/error.h"

struct witness_service {
    const char *folder;
    const char *listen;      /* address:port */
    const char *certificate; /* PEM files, both or none: NULL */
    const char *key;
};

/* Does not return where it works. -1: ERR_MISUSE, ERR_SYSTEM. */
int witness_serve(const struct witness_service *s, struct error *e);

#endif
