/* look: somebody was shown what is hidden in a record: who, when, what, why. Written down before anything is shown. */
#ifndef TQ_LAB_LOOK_H
#define TQ_LAB_LOOK_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct look_row {
    int64_t n;
    uint64_t record;
    tq_time time;
    struct span person, display_name, what, why;
    uint64_t subject; /* the record that was looked at */
    struct span event;
    struct span patient; /* a token; empty: of nobody, or of several */
};

struct look_query {
    struct span person; /* exactly; empty: all */
    int64_t subject;    /* the record looked at; -1: all */
    int64_t before;     /* go on behind the row with this n (0: from the start) */
    int64_t limit;
};

typedef void look_each(void *context, const struct look_row *row);
int look_list(struct store_conn *c, const struct look_query *query, look_each *each, void *context, struct error *e); /* newest first */
int64_t look_total(struct store_conn *c, const struct look_query *query, struct error *e);

/* How often this person looked since then. -1: the store failed. */
int64_t look_count(struct store_conn *c, struct span person, tq_time since, struct error *e);
/* Whether this person looked at that record since then, with a look that stands behind record `after`. */
bool look_of_record(struct store_conn *c, struct span person, uint64_t subject, uint64_t after, tq_time since, struct error *e);

#endif
