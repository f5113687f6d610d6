/* culture: how the lab stands with what protects it through its people, beside how it stood before, and what helps most now.
 *
 * The next best action is the first of these that holds, in this order (docs/culture.md says why):
 *  1. a critical or high finding that nobody has taken   2. a report that waits for an answer for more than two days
 *  3. people who are late with training                  4. roles that nobody confirmed within CULTURE_DAYS
 *  5. no phishing simulation within CULTURE_DAYS         6. of the last simulations, fewer than half of the mails were reported
 *  else nothing presses. */
#ifndef TQ_LAB_CULTURE_H
#define TQ_LAB_CULTURE_H

#include "base/error.h"
#include "base/time.h"
#include "base/zone.h"
#include "lab/phishing/phishing.h"
#include "record/store/store.h"

#define CULTURE_DAYS 90

/* What came to pass in a stretch of time. */
struct culture_window {
    int64_t trained, trained_late;     /* completions, and those after their day */
    int64_t reports, reports_answered; /* filed in it; answered or closed by now */
    int64_t answer_s;                  /* how long those answered waited, on average, in seconds; -1: none was */
    struct phishing_counts phishing;   /* mails that went in it */
    int64_t mails;                     /* that somebody asked about */
    int64_t reviews;                   /* times that somebody confirmed roles */
    int64_t findings;                  /* seen first in it, of medium severity or worse */
};

struct culture {
    struct culture_window now, before;          /* the last CULTURE_DAYS, and those before them */
    int64_t people, people_late, duties, done;  /* training, today */
    int64_t reports_waiting, reports_old;       /* open; for more than two days */
    int64_t mails_waiting, mails_old;           /* mails that nobody has decided about; for more than two days */
    int64_t accounts, reviews_due;              /* open accounts; whose roles nobody confirmed within CULTURE_DAYS */
    int64_t tasks, tasks_untaken, tasks_urgent; /* open findings of medium or worse; of them nobody's; of those high or critical */
};

enum culture_next {
    CULTURE_FINDINGS,
    CULTURE_REPORTS,
    CULTURE_MAILS,
    CULTURE_ASSIGN, /* nobody has anything to learn */
    CULTURE_TRAINING,
    CULTURE_REVIEWS,
    CULTURE_SIMULATE,
    CULTURE_TALK,
    CULTURE_NOTHING
};

int culture_get(struct store_conn *c, const struct zone *zone, tq_time now, struct culture *ret, struct error *e);
/* n: how many it is about. can_simulate: a simulation can be sent from here. */
enum culture_next culture_next(const struct culture *c, bool can_simulate, int64_t *ret_n);
const char *culture_next_name(enum culture_next n); /* "findings", "reports" … "nothing" */

#endif
