/* finding: something wrong, with evidence, severity, a plain sentence and what to do.
 *
 *            take                release
 *   open ──────────► taken ──────────────► open
 *   open, taken ── dismiss (why) ──► dismissed ── reopen (why) ──► open
 *
 * The same cause is the same finding: when it is found again its count and last time go up, in whatever state it is. When it comes back worse than it
 * was, a dismissed one opens again by itself, because what was judged then is not what happens now. Every step is kept as history. */
#ifndef TQ_LAB_FINDING_H
#define TQ_LAB_FINDING_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct finding_row {
    int64_t n;
    int64_t rank; /* of the severity: info 0 … critical 4 */
    struct span id;
    uint64_t changed; /* its ETag */
    struct span kind, severity, title, advice, technique, state, taken_by;
    struct span device, device_title; /* empty: about no known device */
    tq_time first_time, last_time;
    int64_t count;
    struct span flows, messages, records; /* JSON arrays */
};

struct finding_query {
    struct span state; /* open, taken, dismissed; empty: all */
    int64_t rank_min;  /* severities from … */
    int64_t rank_max;  /* … to; 0 and 0 is info alone */
    struct span kind;  /* empty: all */
    bool after;        /* go on behind the row with this rank and n */
    int64_t after_rank;
    int64_t after_n;
    int64_t limit;
};

typedef void finding_each(void *context, const struct finding_row *row);
int finding_list(struct store_conn *c, const struct finding_query *query, finding_each *each, void *context,
                 struct error *e); /* worst, then newest first */
int64_t finding_total(struct store_conn *c, const struct finding_query *query, struct error *e);

/* What needs a person: findings that are open and above info. Those of one kind that are medium or low are one need, shown by the worst and newest of
 * them; a high or critical one stands alone. */
struct finding_need {
    struct finding_row row;
    int64_t same;      /* further findings in this need */
    tq_time same_last; /* the newest last_time of them all */
};

typedef void finding_need_each(void *context, const struct finding_need *need);
int finding_needs(struct store_conn *c, int64_t limit, finding_need_each *each, void *context, struct error *e); /* worst, then newest first */
int64_t finding_needs_total(struct store_conn *c, struct error *e);

int finding_get(struct store_conn *c, struct span id, finding_each *each, void *context, bool *ret_found, struct error *e);

typedef void finding_event_each(void *context, tq_time time, struct span event, struct span person, struct span why, uint64_t record);
int finding_history(struct store_conn *c, int64_t n, finding_event_each *each, void *context, struct error *e); /* oldest first */

/* The packets that are kept of a finding, oldest first. */
struct finding_kept {
    uint64_t record;
    tq_time time;
    int64_t packets, bytes;
    tq_time removed; /* kept long enough, and made unreadable then; 0: it is there */
};
typedef void finding_packets_each(void *context, const struct finding_kept *kept);
int finding_packets(struct store_conn *c, struct span id, finding_packets_each *each, void *context, struct error *e);
/* When packets of all times at which finding n was told were removed; 0: not all of them. */
tq_time finding_packets_removed(struct store_conn *c, int64_t n);

/* Severities in order. Info tells and asks for nothing; from RANK_NEED a finding needs a person; up to RANK_SHARED those of one kind are one need. */
#define RANK_INFO 0
#define RANK_NEED 1
#define RANK_SHARED 2
#define RANK_CRITICAL 4
int finding_rank(struct span severity);      /* -1: no such severity */
const char *finding_rank_name(int64_t rank); /* "critical" …; NULL: no such rank */
bool finding_state_valid(struct span state);

/* May this decision be made in this state? event: "finding.taken" … */
bool finding_may(const char *event, struct span state);

#endif
