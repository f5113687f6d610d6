/* What the handlers of training share. Only files of door/api include it. */
#ifndef TQ_DOOR_API_TRAINING_H
#define TQ_DOOR_API_TRAINING_H

#include "door/api/api_private.h"
#include "lab/courses/course.h"
#include "lab/training/training.h"
#include "record/crypto/crypto.h"

#define TRAINING_READ "training.read"
#define TRAINING_MANAGE "training.manage"
#define TRAINING_PEOPLE 150 /* accounts in one request */
#define TRAINING_FAIR 5     /* answers of fewer people are not added up for anybody to see */

static inline int64_t training_today(const struct call *c)
{
    return zone_day(views_zone(c->api->views), c->now.wall);
}

const struct courses *courses_of(struct call *c);            /* NULL: the problem is set */
void put_day(struct jsonw *j, const char *key, int64_t day); /* "2026-12-14"; never: null */
/* A course's or policy's title as it is now; its id where it is gone. */
struct span course_title(const struct call *c, struct span course);
/* The order in which somebody who learns is shown a question's answers: the same each time, and not to be guessed. context: the call. */
void practice_order(void *context, const struct course *course, const struct course_question *q, struct course_order *ret);
void course_sha256(struct span file, char out[2 * SHA256_SIZE + 1]);
/* The account of whoever asks. False: the problem is set. */
bool training_account(struct call *c, struct account *ret);
struct record *training_record(struct call *c, enum event event, const char *account, const char *course); /* NULL: the problem is set */
bool training_decide(struct call *c, struct record *r, uint64_t *ret_index);                               /* takes r over */

void training_put_person(struct call *c, struct span account); /* "duties" and "history" */

/* Asks somebody for a short course again, because of something that happened (`cause`, a record, or -1): a phishing simulation, a finding about their
 * own bench. False: the problem is set. */
#define TRAINING_REFRESHER_DAYS 14
bool training_refresher(struct call *c, struct span account, struct span course, struct span why, int64_t cause, int64_t days, uint64_t *ret_index);

/* Paper of a certificate (train_paper.c). */
struct certificate_paper {
    const struct training_certificate *what;
    const char *site;
    const char *title;
    const char *url;  /* goes into the QR code */
    const char *root; /* of the ledger */
    uint64_t record, records;
};
int certificate_pdf(struct buf *out, const struct certificate_paper *p); /* -1: no memory */

#endif
