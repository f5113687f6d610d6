/* finding_mail: tells new findings by mail to the addresses that lab.yaml names (mail.findings), on the reminder's thread. Findings from a severity
 * on (mail.findings_from) go together: the first at once, then at most one mail in a quarter of an hour, in two minutes where one is critical. What
 * was told is a record (finding.mailed), so that a restart tells nothing twice and loses nothing; before the first one, what opened in the last day
 * is told. A mail has titles and what to do, no link, and nothing of a patient. One that finds no server is tried again each minute. */
#ifndef TQ_PROC_FINDING_MAIL_H
#define TQ_PROC_FINDING_MAIL_H

#include "base/record.h"
#include "lab/respond/finding.h"
#include "proc/programme.h"

struct finding_mail;
struct reminder;

/* programme and site outlive it; decide: as api_host's. NULL: no memory. */
struct finding_mail *finding_mail_new(struct reminder *m, const struct programme *programme, const char *site,
                                      int (*decide)(void *context, const struct record *r, uint64_t *ret_index, struct error *e), void *context);
void finding_mail_free(struct finding_mail *x); /* may be NULL */

/* Sends what is to be sent now; test: somebody wants a mail that only says that it came. */
void finding_mail_pass(struct finding_mail *x, struct store_conn *db, bool test);

/* The mail itself. */
#define FINDING_MAIL_ROWS 20
struct finding_mail_text {
    const char *language, *from, *to, *site;
    int64_t total;     /* findings; 0: a test */
    const char *worst; /* its severity */
    struct span rows;  /* what finding_mail_row wrote */
    int64_t rows_n;
    tq_time now;
    uint64_t number; /* of the mail: in its Message-ID */
};
void finding_mail_row(struct buf *out, const char *language, const struct finding_row *row);
void finding_mail_write(struct buf *out, const struct finding_mail_text *t);

#endif
