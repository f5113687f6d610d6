/* mailroom: the keeper's side of the reader. Request handlers bring a mail, wait, and get what the reader tells of it; nothing of a mail is looked at
 * here.
 *
 * Invariants
 *  1. The reader's channel is the main thread's; a mail that waits for it lies in one place, under the lock.
 *  2. One mail at a time: the next handler waits for its turn, not for ever.
 *  3. An answer that nobody waits for any more is dropped; a reader that dies, or says what it may not, is an answer too. */
#ifndef TQ_PROC_MAILROOM_H
#define TQ_PROC_MAILROOM_H

#include "base/buf.h"
#include "proc/mail_job.h"
#include "proc/message.h"

struct mailroom;

struct mailroom *mailroom_new(void (*wake)(void *context), struct error *e);

/* ── main thread ── */
void mailroom_reader(struct mailroom *m, int fd); /* a new channel */
int mailroom_fd(const struct mailroom *m);
short mailroom_events(const struct mailroom *m);
int mailroom_read(struct mailroom *m, struct error *e); /* -1: the reader is to be complained of */
void mailroom_step(struct mailroom *m);                 /* sends what waits */
void mailroom_stop(struct mailroom *m);                 /* nobody waits any more */

/* ── any thread ── */

/* Has a mail read: appends mailed.h's form. ERR_AGAIN: there is no reader now, or it is busy; ERR_MISUSE: that is no mail; ERR_CORRUPT: it cannot be
 * read: it is too much, or its reading came to harm. */
int mailroom_ask(struct mailroom *m, struct mail_job *job, struct buf *out, struct error *e);

#endif
