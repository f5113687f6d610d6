/* erasure: whose records were erased, as the ledger says it (keys.erased), and what the views drop with them. */
#ifndef TQ_LAB_ERASURE_H
#define TQ_LAB_ERASURE_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct erasure_row {
    uint64_t record;
    tq_time time;
    struct span patient; /* a token */
    uint32_t from, to;   /* months, year * 100 + month; 0 and UINT32_MAX: all */
    uint64_t last;       /* the last record that goes … */
    bool none;           /* … but none does, of those that the decision found */
};

/* Calls each for every erasure that a record from `record` on says, oldest first. */
typedef void erasure_each(void *context, const struct erasure_row *row);
int erasure_list(struct store_conn *c, uint64_t record, erasure_each *each, void *context, struct error *e);

#endif
