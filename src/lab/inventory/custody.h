/* custody: what became of a result on its way from the analyzer to the LIS, as the detector told it (result.followed). */
#ifndef TQ_LAB_CUSTODY_H
#define TQ_LAB_CUSTODY_H

#include "base/buf.h"
#include "lab/inventory/result.h"

/* Worse ones have higher numbers; they are in the store. What is told of a result at any place counts for its whole way, the worst of it. */
enum custody_state {
    CUSTODY_PENDING, /* it is still expected at the next place; in the store also: nothing was told yet */
    CUSTODY_ONE_SIDED,
    CUSTODY_AS_SENT,
    CUSTODY_UNCLEAR,
    CUSTODY_CORRECTED,
    CUSTODY_REPLAYED,
    CUSTODY_EXTRA,
    CUSTODY_MISSING,
    CUSTODY_CHANGED,
    CUSTODY_STATES
};

const char *custody_word(enum custody_state s);                  /* "as-sent" … */
int custody_of_word(struct span word);                           /* -1: none */
void custody_say(const struct result_row *row, struct buf *out); /* one sentence for a person */

/* Results kept, each counted once, where it was seen first. */
struct custody_summary {
    int64_t of[CUSTODY_STATES];
    int64_t total;
    tq_time since; /* of the oldest one; 0: there are none */
};

int custody_summary(struct store_conn *c, struct custody_summary *ret, struct error *e);

/* Every sighting of the result in this record, in the order in which it went; none where the record is not among those kept. */
int custody_chain(struct store_conn *c, uint64_t record, result_each *each, void *context, struct error *e);

/* The newest results of this specimen (its token) and test (code or text, whatever the capitals), as they were called at any place of their way: one
 * row of each, at most 8. */
int custody_find(struct store_conn *c, struct span specimen, struct span test, result_each *each, void *context, struct error *e);

#endif
