/* act: what people did, were refused, or had done to their accounts: who, when, what, by what right, why. The newest 100,000; the ledger has all. */
#ifndef TQ_LAB_ACT_H
#define TQ_LAB_ACT_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct act_row {
    uint64_t record;
    tq_time time;
    struct span person;       /* who did it; empty: the program, or nobody known */
    struct span display_name; /* … as it is shown; the name where there is no such account */
    struct span account;      /* whose account it is about; empty: none */
    struct span event;
    struct span what; /* in words */
    struct span permission, role;
    struct span why, origin;
    struct span object; /* what it was done to, for a sentence in another language; empty: nothing */
    struct span asset;  /* the device's id; empty: none */
};

struct act_query {
    struct span person;     /* who did it, exactly; empty: all */
    struct span account;    /* whose account it is about; with `person` equal to it: either of the two */
    struct span event;      /* its name, or the beginning before a dot; empty: all */
    struct span text;       /* in what, why, origin */
    struct span asset;      /* id of a device that it was done to; empty: all */
    struct span permission; /* by this right ("noun.verb"), or by one about this noun; empty: all */
    tq_time since, until;   /* from this time on, and before that; 0: any */
    int64_t record;         /* that one alone; -1: all */
    int64_t before;         /* go on behind this record; 0: from the start */
    int64_t limit;
};

typedef void act_each(void *context, const struct act_row *row);
int act_list(struct store_conn *c, const struct act_query *query, act_each *each, void *context, struct error *e); /* newest first */
int64_t act_total(struct store_conn *c, const struct act_query *query, struct error *e);

/* What lab.yaml said at the last start that the ledger tells of: a digest a setting. */
#define SETTINGS_MOST 64
bool setting_any(struct store_conn *c);
bool setting_same(struct store_conn *c, const char *name, const char *digest);

#endif
