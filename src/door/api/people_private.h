/* What the files about people share: people.c decides, people_show.c answers, people_import.c reads lists, account.c is one's own account. */
#ifndef TQ_DOOR_API_PEOPLE_PRIVATE_H
#define TQ_DOOR_API_PEOPLE_PRIVATE_H

#include "door/api/api_private.h"
#include "lab/people/code.h"
#include "record/crypto/crypto.h"

#define PEOPLE_PERMISSION "people.manage"
#define EMERGENCY_NAME ACCOUNT_EMERGENCY
#define PEOPLE_MOST 100000
#define PEOPLE_WHY_MAX 500
#define PEOPLE_REVIEWED 150                       /* accounts in one record */
#define PEOPLE_DAY (INT64_C(86400) * TIME_SECOND) /* … */
#define PEOPLE_LONGEST (5 * 366 * PEOPLE_DAY)     /* farthest end of a grant */
#define PEOPLE_OUTSIDER (366 * PEOPLE_DAY)        /* … of somebody from outside */
#define INVITE_GROUPS 5                           /* 125 bits */
#define INVITE_TIME (7 * PEOPLE_DAY)

struct wanted_role {
    enum job job;
    tq_time until; /* 0: no end */
};

/* A one-time code, shown once; only its hash is kept. */
struct invitation {
    char code[CODE_TEXT(INVITE_GROUPS)];
    char hash[2 * SHA256_SIZE + 1];
    tq_time until;
};
/* Narrows a list to those whose access waits for whoever asks to confirm it. */
void people_due(const struct call *c, struct account_query *ret);

void invitation_make(tq_time now, struct invitation *ret);
void invitation_hash(struct span typed, char out[2 * SHA256_SIZE + 1]);

/* These set the problem where they give false. */
bool people_why(struct call *c, struct span why);
bool people_role(struct call *c, struct span role, struct span until, struct wanted_role *ret);
bool people_get(struct call *c, struct account *ret); /* the account of the address */
bool people_grant(struct call *c, const char *account, const struct wanted_role *role, struct span site, struct span maker, struct span why);
bool people_maker(struct call *c, const struct wanted_role *role, struct span maker); /* may it be said of this role? */
bool people_invite(struct call *c, const char *name, struct span display_name, struct span why, struct invitation *ret);
bool people_decide(struct call *c, struct record *r); /* takes r over; NULL: the problem is set already */

/* False: no day ("2027-01-31", its end), or no time to come within five years. Empty: 0. */
bool people_until(struct span text, tq_time now, tq_time *ret);

struct record *people_record(struct call *c, enum event event, const char *account, struct span why);

/* Ends the sessions of an account, each with a record, but the one with this handle (NULL: all). */
void people_end_sessions(struct call *c, const char *account, const char *but, const char *why);

void people_answer(struct call *c, const char *name); /* as GET /people/{name} */

#endif
