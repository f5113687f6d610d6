/* account: who may sign in, and which roles each has (job.h says what a role may do).
 *
 * An account is invited (a one-time code stands in for a password), active, or closed; its name is never given to somebody else. A role is granted by
 * somebody, for a reason, at one site or at all, and may end by itself; grants that ended stay, so that it can be said who could do what at any time.
 */
#ifndef TQ_LAB_ACCOUNT_H
#define TQ_LAB_ACCOUNT_H

#include "base/error.h"
#include "base/time.h"
#include "lab/people/job.h"
#include "record/store/store.h"

#define ACCOUNT_NAME_MAX 64
#define ACCOUNT_DISPLAY_MAX 80
#define ACCOUNT_HASH_MAX 160
#define ACCOUNT_EMERGENCY "emergency" /* the account in the sealed envelope */

struct account {
    char name[ACCOUNT_NAME_MAX + 1];
    char display_name[4 * ACCOUNT_DISPLAY_MAX + 1];
    bool closed;
    char password_hash[ACCOUNT_HASH_MAX]; /* "": none */
    tq_time password_set;
    bool password_known; /* somebody else may know it: it counts no more */
    char invite_hash[ACCOUNT_HASH_MAX];
    tq_time invite_until;
    tq_time created;
    char created_by[ACCOUNT_NAME_MAX + 32];
    tq_time closed_at;
    tq_time reviewed;
    char reviewed_by[ACCOUNT_NAME_MAX + 32];
    tq_time last_sign_in;
    uint64_t changed; /* the last record that changed it */
};

/* The form in which names are compared and kept: ASCII letters small. False: not 1-64 of a-z 0-9 . _ - @ starting with a letter or digit. */
bool account_name(struct span name, char out[ACCOUNT_NAME_MAX + 1]);
bool account_display_name_valid(struct span name); /* 1-80 characters of UTF-8 without control characters */

/* 0, or -1 when the store failed. */
int account_get(struct store_conn *c, struct span name, struct account *ret, bool *ret_found, struct error *e);
int64_t account_total(struct store_conn *c, struct error *e); /* -1: the store failed */

/* Has this person signed in from there since then? */
bool account_knows(struct store_conn *c, struct span account, struct span origin, tq_time since);

/* "invited", "active", "closed" */
const char *account_state(const struct account *a);

struct account_query {
    struct span text; /* in name or display name; empty: all */
    bool closed;      /* closed ones too */
    tq_time due;      /* not 0: open ones whose access nobody confirmed since then, without that of `but`, nor the emergency account's */
    struct span but;  /* who asks: nobody confirms their own access */
    tq_time ending;   /* not 0: open ones of which a role or an API token ends within ACCOUNT_ENDS_SOON from then */
    struct span after;
    int64_t limit;
};
typedef void account_each(void *context, const struct account *a);
int account_list(struct store_conn *c, const struct account_query *query, account_each *each, void *context, struct error *e); /* by name */
int64_t account_count(struct store_conn *c, const struct account_query *query, struct error *e);

/* Access that nobody has confirmed for this long is due for a review. */
#define ACCOUNT_REVIEW_DUE (INT64_C(90) * 86400 * TIME_SECOND)
/* Roles and API tokens that end by themselves are told this long before. */
#define ACCOUNT_ENDS_SOON (INT64_C(14) * 86400 * TIME_SECOND)

/* ── grants ── */

struct account_grant {
    enum job role;
    struct span site; /* empty: every site */
    tq_time since;
    tq_time until; /* 0: no end */
    struct span by, why;
    struct span maker; /* of a maker's engineer: whose; empty: not said */
    uint64_t record;
    tq_time ended; /* 0: it was not taken back */
    struct span ended_by, ended_why;
    int64_t ended_record; /* -1 */
};
typedef void grant_each(void *context, const struct account_grant *g);
/* Of one account, newest first. */
int account_grants(struct store_conn *c, struct span account, grant_each *each, void *context, struct error *e);
bool grant_in_force(const struct account_grant *g, const char *site, tq_time at);

/* The roles that an account had at this site at that time, as a set of ROLE_BITs. 0 also when the store failed. */
unsigned account_roles(struct store_conn *c, struct span account, const char *site, tq_time at);

/* How many accounts that are not closed have this role now. -1: the store failed. */
int64_t account_holders(struct store_conn *c, enum job role, const char *site, tq_time at, struct error *e);

#endif
