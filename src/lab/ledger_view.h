/* ledger_view: the newest leaves of the ledger as a list, and what the last check said. */
#ifndef TQ_LAB_LEDGER_VIEW_H
#define TQ_LAB_LEDGER_VIEW_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct ledger_row {
    uint64_t record;
    bool custody;
    tq_time time; /* recorded */
    struct span event, summary;
    int64_t events, flows, evidence; /* in the leaf */
};

typedef void ledger_each(void *context, const struct ledger_row *row);
int ledger_list(struct store_conn *c, int64_t before, int64_t limit, ledger_each *each, void *context,
                struct error *e); /* newest first; before < 0: from the start */
int64_t ledger_rows(struct store_conn *c, struct error *e);

/* When record 0 was recorded; 0: it is not among the rows kept. */
tq_time ledger_since(struct store_conn *c);

struct ledger_check_row {
    bool any; /* false: never checked */
    bool holds;
    tq_time at;
    int64_t records;
    int64_t first_bad; /* -1: none, or not known */
    char why[512];
};
struct event_view;
/* What it was done to: an account, a role, a device's name …; empty: nothing. */
struct span ledger_object(const struct event_view *ev);
void ledger_say_what(const struct event_view *ev, struct buf *out); /* what was done, in words, without by whom and why */

int ledger_check_get(struct store_conn *c, struct ledger_check_row *ret, struct error *e);

#endif
