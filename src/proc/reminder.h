/* reminder: the keeper's thread that writes to people: what they have to learn, what was found (finding_mail.h), what became of a mail that they
 * reported, and that what they sign in with was changed. Each hour from seven in the morning, lab's time, it looks who is to be told
 * (lab/training/remind.c); by mail through the courier where lab.yaml names a server and an address is known, else on the page, which says it anyway.
 * What was told is a record (training.reminded), so that nobody is told twice, not even by the next start. At the beginning of a month it writes down
 * how training stands (training.standing), each day whose role ended by itself (training.left).
 *
 * Between two looks it sends the mails of phishing simulations (drill.h). One mail is on its way at a time. A mail that is refused for good is told
 * so; one that finds no server is tried again with the next look. */
#ifndef TQ_PROC_REMINDER_H
#define TQ_PROC_REMINDER_H

#include "door/api/api.h"
#include "engine/mail/mail.h"
#include "proc/errand.h"
#include "proc/programme.h"

#define REMINDER_ERRAND 0x80000000u /* ids of its errands; those of the witnesses are smaller */

struct reminder;

struct reminder_options {
    const struct programme *programme; /* copied, with what it points to */
    struct store *store;
    struct keeper_views *views;
    const char *site;
    const struct mail_secret *exercise;                                                         /* marks mails of simulations; outlives it */
    const char *origin;                                                                         /* of the page: https://host */
    int (*decide)(void *context, const struct record *r, uint64_t *ret_index, struct error *e); /* as api_host's */
    int (*settle)(void *context, struct error *e); /* called once at first, on the thread; again with the next look where it gives -1 */
    void (*changed)(void *context);                /* there is an errand to take; any thread */
    void *context;
};

struct reminder *reminder_start(const struct reminder_options *options, struct error *e); /* NULL: ERR_SYSTEM */
void reminder_stop(struct reminder *m); /* no record is made and no errand given after this; m may be NULL */

void reminder_ask(struct reminder *m, struct span account); /* any thread: a mail to this person, now */
/* Any thread: a letter to this person about a mail that they reported (mail_answer.h), where there is a server and an address; the page says the
 * same.
 */
void reminder_answer(struct reminder *m, struct span account, struct span mail, bool attached);

/* Any thread: a mail to this person, now, that what they sign in with was changed (alert.h). One that finds no server is tried again each minute;
 * what waits when the program stops is lost, and stands on the page and the ledger all the same. */
void reminder_alert(struct reminder *m, struct span account, enum event event);

/* Any thread: a mail to whom new findings are told, that only says that it came (finding_mail.h). */
void reminder_test_findings(struct reminder *m);

/* Main thread, as the witnesses' (witnesses.h). */
bool reminder_errand(struct reminder *m, struct buf *out);
int reminder_outcome(struct reminder *m, const struct outcome *o, struct error *e);
void reminder_courier_gone(struct reminder *m);

/* Sends one mail through the courier and waits for what came of it; on the reminder's thread only. 1: it went; 0: refused for good, why says so; -1:
 * not now. */
int reminder_send(struct reminder *m, struct span letter, const char *from, const char *to, char why[200]);

/* The mail itself (RFC 5322), lines that end in CR LF. kind: soon, due, late, asked, manager; of manager, to and name are the manager's and `about`
 * names who is late. */
struct reminder_text {
    const char *kind, *language, *from, *to, *name, *about, *site, *origin;
    int64_t due, n;
    tq_time now;
    uint64_t number; /* of the mail: in its Message-ID */
};
void reminder_write(struct buf *out, const struct reminder_text *t);

#endif
