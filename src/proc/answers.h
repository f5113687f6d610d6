/* answers: what the keeper tells the request handlers about the ledger. Any thread; `lock` is held during each call on the ledger. */
#ifndef TQ_PROC_ANSWERS_H
#define TQ_PROC_ANSWERS_H

#include "door/api/api.h"
#include "record/ledger/ledger.h"

#include <pthread.h>

/* All but verifier, first_time and verifying. */
void answers_state(struct ledger *ledger, pthread_mutex_t *lock, const char *dir, struct api_ledger_state *ret);
int answers_prove(struct ledger *ledger, pthread_mutex_t *lock, const char *dir, uint64_t index, struct buf *out, struct error *e);

#endif
