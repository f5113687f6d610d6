/* recovery: who has lost every way to sign in is let in again by two others: one asks, another one approves, and a code goes to the person by hand.
 * It is good once, for a new passkey or a new password; what was lost opens nothing any more. */
#ifndef TQ_LAB_RECOVERY_H
#define TQ_LAB_RECOVERY_H

#include "base/error.h"
#include "base/time.h"
#include "lab/people/account.h"
#include "record/store/store.h"

#define RECOVERY_ID 17
#define RECOVERY_HASH 65
#define RECOVERY_AGE (INT64_C(24) * 3600 * TIME_SECOND)

struct recovery {
    char id[RECOVERY_ID];
    char account[ACCOUNT_NAME_MAX + 1];
    char asked_by[ACCOUNT_NAME_MAX + 32];
    char approved_by[ACCOUNT_NAME_MAX + 32]; /* "": not yet */
    char hash[RECOVERY_HASH];                /* SHA-256 of the code; "": not yet */
    tq_time asked_at;
    tq_time until;   /* asked: to be approved; approved: to be used */
    struct span why; /* holds during each */
};

int recovery_get(struct store_conn *c, struct span id, tq_time now, struct recovery *ret, bool *ret_found, struct error *e); /* open ones only */
int recovery_of(struct store_conn *c, struct span account, tq_time now, struct recovery *ret, bool *ret_found, struct error *e);
typedef void recovery_each(void *context, const struct recovery *r);
int recovery_list(struct store_conn *c, tq_time now, recovery_each *each, void *context, struct error *e);

#endif
