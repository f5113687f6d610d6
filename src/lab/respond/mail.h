/* mail: what somebody was not sure about, what the program said of it, what a person decided; incidents, and what an attack may be known by again.
 *
 * waiting (the program calls it dangerous or suspicious) → dangerous, harmless; or answered: it is fine, or one of the program's own exercises, and
 * nobody has to decide, though somebody may. A decision can be taken back: waiting again. Each step is a record; a mail's subject and text are in no
 * view: they lie sealed in the record that began it. */
#ifndef TQ_LAB_MAIL_H
#define TQ_LAB_MAIL_H

#include "lab/respond/filed.h"

#define MAIL_TOGETHER 50 /* most mails that are decided in one step */

struct mail_row {
    int64_t n;
    struct span id;
    uint64_t record, changed;
    tq_time time;
    struct span person, display_name;
    struct span verdict;
    int64_t score;
    struct span reasons; /* a line each: code, tab, what it was seen in */
    struct span sender;
    struct span sketch;     /* hexadecimal digits */
    struct span indicators; /* a line each: kind, space, value */
    int64_t files, links;
    struct span scanned, exercise;
    struct span state, decided_by, answer, incident;
    tq_time decided; /* 0: never */
};

/* Everybody's mails: but exercises, which are shown to nobody but their own. */
typedef void mail_each(void *context, const struct mail_row *row);
int mail_list(struct store_conn *c, const struct filed_query *query, mail_each *each, void *context, struct error *e); /* newest first */
int64_t mail_total(struct store_conn *c, const struct filed_query *query, struct error *e);                            /* -1: the store failed */
int mail_get(struct store_conn *c, struct span id, mail_each *each, void *context, bool *ret_found, struct error *e);
/* The newest of this person whose bytes have this SHA-256. */
int mail_by_digest(struct store_conn *c, struct span person, struct span digest, mail_each *each, void *context, bool *ret_found, struct error *e);
int64_t mail_count_since(struct store_conn *c, struct span person, tq_time since, struct error *e); /* -1: the store failed */

bool mail_state_valid(struct span state);
/* May this be decided in this state? */
bool mail_may(struct span verdict, struct span state);

struct indicator_row {
    int64_t n;
    struct span kind, value, incident, title;
    tq_time time;
    uint64_t record;
};

typedef void indicator_each(void *context, const struct indicator_row *row);
int indicator_list(struct store_conn *c, int64_t before, int64_t limit, indicator_each *each, void *context, struct error *e); /* newest first */
int64_t indicator_total(struct store_conn *c, struct error *e);
/* Is one of these lines ("kind value") kept? */
int indicator_find(struct store_conn *c, struct span lines, indicator_each *each, void *context, bool *ret_found, struct error *e);

#endif
