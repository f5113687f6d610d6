/* link_words: what a link learnt, or what may pass it, in clear: from the views, and where a name had to be hidden, from its sealed record. */
#ifndef TQ_PROC_LINK_WORDS_H
#define TQ_PROC_LINK_WORDS_H

#include "lab/link_view.h"
#include "proc/link.h"
#include "record/ledger/ledger.h"

#include <pthread.h>

struct link_clear {
    struct buf words[LINK_WORD_KINDS]; /* secret; a line each, as MESSAGE_ORDER has them */
    size_t missing;                    /* names whose record cannot be opened any more */
};
/* The thread's own reader and its look at the store; the lock is held while the ledger is asked. -1: ERR_SYSTEM, or the store's error. */
int link_clear_get(struct store_conn *c, struct ledger *l, pthread_mutex_t *lock, struct span name, enum link_words list, struct link_clear *ret,
                   struct error *e);
void link_clear_release(struct link_clear *x);

#endif
