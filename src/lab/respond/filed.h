/* filed: what people hand in, reports and mails, as lists are read of them: of a state, of a person, newest first, some rows at a time. The SQL is
 * the noun's own; which ?N is what is the same for all. */
#ifndef TQ_LAB_FILED_H
#define TQ_LAB_FILED_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct filed_query {
    struct span state;  /* empty: all */
    struct span person; /* empty: everybody's */
    int64_t before;     /* go on behind the row with this n; 0: from the newest */
    int64_t limit;
};

/* Hands on one row, which stands in q. */
typedef void filed_row(struct store_stmt *q, void *context);

/* q: ?1 the state, ?2 the person, ?3 the n that rows are below, ?4 how many. */
int filed_list(struct store_stmt *q, const struct filed_query *query, filed_row *row, void *context, struct error *e);
int64_t filed_total(struct store_stmt *q, const struct filed_query *query, struct error *e); /* ?1 and ?2; -1: the store failed */
int filed_one(struct store_stmt *q, filed_row *row, void *context, bool *ret_found, struct error *e);
int64_t filed_since(struct store_stmt *q, struct span person, tq_time since, struct error *e); /* ?1 the person, ?2 the time; -1: the store failed */

#endif
