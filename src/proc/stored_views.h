/* stored_views: the views in their sealed store, opened or rebuilt, and caught up from the ledger.
 *
 * Whatever is wrong with the store, the keeper starts: one that does not hold, is of another ledger, another program, another catalog or another root
 * key is dropped and rebuilt; where the disk takes no store at all, the views are in memory, as long as this keeper lives. */
#ifndef TQ_PROC_STORED_VIEWS_H
#define TQ_PROC_STORED_VIEWS_H

#include "proc/projector.h"

#define STORE_DIR "store"

struct stored_views_options {
    const char *dir;    /* made where it is missing */
    const uint8_t *key; /* 32 bytes, during the call */
    const char *site;
    int (*prepare)(void *context, struct keeper_views *views, struct error *e); /* adds the lab's own catalog; an error of it ends the opening */
    void (*damaged)(void *context, const struct error *why);                    /* as struct store_options has it */
    struct projector_options projector; /* store and views are filled in here; its context is everyone's; checkpointed is needed */
};

struct stored_views {
    struct store *store;
    struct keeper_views *views;
    struct projector *projector;
    bool in_memory;
    uint64_t from;    /* the first record that had to be read */
    char mended[512]; /* what was wrong with the store, and what was done; empty: nothing */
};

/* -1: not even memory is there, the ledger cannot be read, or `prepare` failed. */
int stored_views_open(const struct stored_views_options *options, struct stored_views *ret, struct found *ret_found, struct error *e);

#endif
