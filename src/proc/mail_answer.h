/* mail_answer: the letter to whoever reported a mail: what the program thinks of it, or what a person decided, with the reasons. Nothing in it can be
 * followed: names of hosts are taken apart. */
#ifndef TQ_PROC_MAIL_ANSWER_H
#define TQ_PROC_MAIL_ANSWER_H

#include "base/buf.h"
#include "lab/respond/mail.h"

struct mail_answer {
    const char *language; /* en, es */
    const char *from, *to;
    const char *name; /* of whom it goes to */
    const char *site;
    bool attached; /* the mail came whole: else its own head was lost, and less could be looked at */
    tq_time now;
    uint64_t number; /* of the letter: in its Message-ID */
};

/* Appends the letter (RFC 5322). */
void mail_answer_write(struct buf *out, const struct mail_row *mail, const struct mail_answer *a);

#endif
