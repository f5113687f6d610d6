/* backup_view: backups and their tests, and what was removed after its time, as the ledger tells. */
#ifndef TQ_LAB_BACKUP_VIEW_H
#define TQ_LAB_BACKUP_VIEW_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct backup_row {
    struct span id, place, why;
    tq_time at;
    tq_time tested_at; /* 0: never */
    int64_t bytes, records;
    bool holds; /* where it was tested */
};

typedef void backup_each(void *context, const struct backup_row *row);
int backup_list(struct store_conn *c, backup_each *each, void *context, struct error *e); /* newest first */

/* When one was made and tested last (0: never), which passed its test last (""), and whether the findings about them are open. */
struct backup_summary {
    tq_time made;
    tq_time tested;
    char good[40];
    bool overdue;
    bool broken;
};
int backup_summary(struct store_conn *c, struct backup_summary *ret, struct error *e);

/* Is a finding of this kind open (or taken)? */
bool backup_finding_open(struct store_conn *c, const char *kind);
bool backup_finding_told(struct store_conn *c, const char *kind); /* and not told as over since: open, or dismissed by somebody */

/* The last day of a kind that was removed: 0, none was. */
tq_time retention_until(struct store_conn *c, const char *kind);

#endif
