/* report: what somebody in the lab, or somebody who came by, saw and told: in their words, with a picture or without, under their name or nobody's.
 *
 * received → looking (somebody has taken it) → answered; closed where there is nothing to answer. Each step is a record; whoever reported sees the
 * state and the answer. A report without a name has no account and no address on its record: its state is asked for with a code that the reporter's
 * own device made, and of which only a hash is kept. The picture lies sealed in the report's record and is shown by a look. */
#ifndef TQ_LAB_REPORT_H
#define TQ_LAB_REPORT_H

#include "lab/respond/filed.h"

#define REPORT_TEXT_MAX 2000 /* characters */
#define REPORT_ID 37         /* a UUIDv7 and a final zero */
#define REPORT_CLAIM 65      /* hash of a claim code, and a final zero */

struct report_row {
    int64_t n;
    struct span id;
    uint64_t record;  /* the one that began it: it holds the picture */
    uint64_t changed; /* its ETag */
    tq_time time;
    struct span kind; /* device, person, message, result, lost, other */
    struct span text;
    bool urgent;                      /* it is going on, says who reported */
    struct span person, display_name; /* empty: without a name */
    struct span photo;                /* image/jpeg, image/png; empty: none */
    struct span state, taken_by, answer;
    tq_time answered; /* 0: never */
};

/* A state may also be "open": received and looking. */
typedef void report_each(void *context, const struct report_row *row);
int report_list(struct store_conn *c, const struct filed_query *query, report_each *each, void *context, struct error *e); /* newest first */
int64_t report_total(struct store_conn *c, const struct filed_query *query, struct error *e);                              /* -1: the store failed */
int report_get(struct store_conn *c, struct span id, report_each *each, void *context, bool *ret_found, struct error *e);
int report_by_claim(struct store_conn *c, const char *claim, report_each *each, void *context, bool *ret_found, struct error *e);
int64_t report_count_since(struct store_conn *c, struct span person, tq_time since, struct error *e); /* -1: the store failed */
int64_t report_waiting(struct store_conn *c, struct error *e); /* those that nobody has taken; -1: the store failed */

typedef void report_event_each(void *context, tq_time time, struct span event, struct span person, struct span why, uint64_t record);
int report_history(struct store_conn *c, int64_t n, report_event_each *each, void *context, struct error *e); /* oldest first */

bool report_kind_valid(struct span kind);
bool report_state_valid(struct span state);
/* May this step be made in this state? event: "report.taken" … */
bool report_may(const char *event, struct span state);

/* A new id: UUIDv7's layout (RFC 9562, section 5.7). */
void report_id(tq_time now, char out[REPORT_ID]);
/* The hash under which a claim code is kept. False: it is none: four groups of five letters, whatever the case and the dashes. */
bool report_claim(struct span typed, char out[REPORT_CLAIM]);

#endif
