/* drill: sends the mails of phishing simulations, on the reminder's thread: one after the other, as slowly as the simulation says, to people whose
 * address is in a domain that lab.yaml allows and who got none lately. Before a mail goes its record stands on the ledger (phish.sent), with a hash
 * of the token that its link carries; where it does not go in the end, a second record says why. Between any two mails the views are asked anew: who
 * stops a simulation stops its very next mail. */
#ifndef TQ_PROC_DRILL_H
#define TQ_PROC_DRILL_H

#include "base/record.h"
#include "engine/mail/mail.h"
#include "proc/programme.h"
#include "record/store/store.h"

struct drill;
struct reminder;

/* programme and exercise outlive it; decide: as api_host's. NULL: no memory. */
struct drill *drill_new(struct reminder *m, const struct programme *programme, const struct mail_secret *exercise,
                        int (*decide)(void *context, const struct record *r, uint64_t *ret_index, struct error *e), void *context);
void drill_free(struct drill *d); /* may be NULL */

/* Sends at most one mail of each simulation that is on. */
void drill_pass(struct drill *d, struct store_conn *db, tq_time now);

#endif
