/* mail_job: one mail for the reader, and what it makes of it (door/mailed.h). */
#ifndef TQ_PROC_MAIL_JOB_H
#define TQ_PROC_MAIL_JOB_H

#include "base/buf.h"
#include "base/error.h"
#include "engine/mail/mail.h"

#define MAIL_JOB_MESSAGE (24u << 20) /* most bytes of a mail that are read; of a larger one this much */
#define MAIL_JOB_MAX (MAIL_JOB_MESSAGE + 8192)

struct mail_job {
    uint32_t id; /* comes back with the answer */
    bool scan;   /* a virus scanner is to be asked */
    struct mail_lab lab;
    struct span message;
};

/* How it went, a byte in front of the answer. */
enum mail_read {
    MAIL_TOLD,
    MAIL_NONE,  /* it is no mail */
    MAIL_HARM,  /* reading it came to harm */
    MAIL_LATER, /* for no fault of the mail it was not read: it may be asked again */
};

/* Spans of *ret point into in. ERR_PEER. */
void mail_job_encode(struct buf *out, const struct mail_job *job);
int mail_job_decode(struct span in, struct mail_job *ret, struct error *e);

/* Does it: appends what mailed_encode makes. scanner: a connection to clamd, taken over; -1: there is none. -1: it is no mail (ERR_MISUSE), no
 * memory. */
int mail_job_do(const struct mail_known *known, const struct mail_job *job, int scanner, struct buf *out, struct error *e);

#endif
