/* letter: a mail as text (RFC 5322, RFC 2047): headers, and a plain text in UTF-8 as base64. Lines end in CR LF. */
#ifndef TQ_PROC_LETTER_H
#define TQ_PROC_LETTER_H

#include "base/buf.h"
#include "base/time.h"

struct letter {
    const char *sender;    /* the name that is shown; NULL: the address alone */
    const char *from, *to; /* addresses */
    const char *subject;
    const char *id;       /* Message-ID, up to the "@"; the host is that of `from` */
    const char *exercise; /* ID.MARK: a mail of ours that lies, to be known by (engine/mail: mail_ours); NULL */
    bool automatic;       /* it says so (RFC 3834) */
    tq_time now;
    struct span text; /* lines that end in LF */
};
void letter_write(struct buf *out, const struct letter *l);

#endif
