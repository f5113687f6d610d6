/* told: which findings were told by mail to those whom lab.yaml names (mail.findings), and which are to be told. */
#ifndef TQ_LAB_TOLD_H
#define TQ_LAB_TOLD_H

#include "lab/respond/finding.h"

/* The last mail. */
struct told {
    tq_time time;
    uint64_t record;
    int64_t until; /* findings that opened by records up to this one are told */
    int64_t findings, addresses;
    char why[200]; /* it did not go to all of them; "" */
};
/* test: the last test in place of the last that told something. 0, or -1 when the store failed. */
int told_last(struct store_conn *c, bool test, struct told *ret, bool *ret_found, struct error *e);

/* Open findings from a severity on that opened, opened again or got worse by a record behind `after` (-1: any) at a time from `since` on; that they
 * were met again as they were is no news. */
struct told_query {
    int64_t rank_min;
    int64_t after;
    tq_time since;
    int64_t limit; /* rows that are given */
};
struct told_news {
    int64_t total;
    int64_t rank;  /* the worst */
    int64_t until; /* the newest record by which one of them opened */
};
/* Worst, then oldest first. 0, or -1 when the store failed. */
int told_due(struct store_conn *c, const struct told_query *query, struct told_news *ret, finding_each *each, void *context, struct error *e);

/* Is it time for a mail? The first news goes at once, what comes behind it waits: a quarter of an hour, two minutes where one is critical. last NULL:
 * there was none. */
bool told_now(const struct told *last, int64_t rank, tq_time now);

#endif
