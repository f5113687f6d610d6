/* opened: one record of the custody stream, opened for a look. */
#ifndef TQ_PROC_OPENED_H
#define TQ_PROC_OPENED_H

#include "door/api/api.h"
#include "record/ledger/ledger.h"

#include <pthread.h>

/* api_host.ledger_open_record: any thread; lock is held while the ledger is asked. */
int opened_record(struct ledger *l, pthread_mutex_t *lock, uint64_t index, struct buf *opened, struct api_record *ret, struct error *e);

#endif
