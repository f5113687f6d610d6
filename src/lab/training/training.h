/* training: who is to learn what by when, what was done, and what is counted of it.
 *
 * People's decisions (assign, attempt, sign, teach, acknowledge) are records. From them, and from accounts and their roles, the projector keeps:
 * duties (a person and a course, with the day by which it is to be done or done again), counts of duties (by course, role, site, state and day), and
 * what was done. Nothing here reads a clock: which duties are late follows from the day that the reader gives.
 *
 * Rules
 *  1. A day is a day of the lab's time zone; a duty is late when the day after its due day has begun there.
 *  2. Of several rules that ask one person for the same course, the earliest day counts, and the shortest renewal.
 *  3. Who gets an account or a role gets its duties from that day on; with the account or the role they go. What was done stays.
 *  4. A policy is a course whose id begins with "policy:"; what was acknowledged of an older version counts no more.
 *  5. Single answers are sealed records; the store forgets them when the attempt is signed. Of all people together it counts answers by question. */
#ifndef TQ_LAB_TRAINING_H
#define TQ_LAB_TRAINING_H

#include "base/error.h"
#include "base/time.h"
#include "base/zone.h"
#include "lab/people/account.h"
#include "record/store/store.h"

#define TRAINING_POLICY "policy:"
#define TRAINING_COURSE 56  /* bytes of a course's id, or a policy's with what stands before it */
#define TRAINING_ATTEMPT 33 /* an attempt's id, with the final zero */
#define TRAINING_SITE 41
#define TRAINING_RULES 500  /* that hold */
#define TRAINING_DAYS 730   /* most days to do something in */
#define TRAINING_MONTHS 120 /* longest renewal */
#define TRAINING_SOON 30    /* days before its end, what was done may be done again */

/* What a duty is on a given day. */
enum training_state {
    TRAINING_DONE,  /* done, and nothing to do yet */
    TRAINING_RENEW, /* done, and to be done again within TRAINING_SOON days */
    TRAINING_OPEN,  /* to be done */
    TRAINING_LATE,  /* the day is over: of what was never done, or has to be done again */
    TRAINING_STATES
};
const char *training_state_name(enum training_state s); /* "done", "renew", "open", "late" */
enum training_state training_state(bool done, int64_t due, int64_t today);

struct training_duty {
    struct span account, display_name; /* the latter where it was asked for */
    struct span course;
    int64_t assigned, due; /* days; ZONE_DAY_NEVER */
    int64_t renew;         /* months */
    bool done;
    int64_t record;    /* of the last time that counts; -1 */
    int64_t done_day;  /* of it; ZONE_DAY_NEVER */
    int64_t version;   /* of it; 0 */
    struct span how;   /* of it */
    int64_t refresher; /* its record; -1 */
    struct span why;   /* of the refresher */
    enum training_state state;
};
typedef void training_duty_each(void *context, const struct training_duty *d);

/* What one person has to do, first due first. */
int training_duties(struct store_conn *c, struct span account, int64_t today, training_duty_each *each, void *context, struct error *e);
/* Duties of all, by account and course, behind `after_account`, `after_course`; course, role, site: only those; state -1: all. */
struct training_query {
    struct span course, role, site;
    int state;
    int64_t today;
    struct span after_account, after_course;
    int64_t limit;
};
int training_duty_list(struct store_conn *c, const struct training_query *q, training_duty_each *each, void *context, struct error *e);

/* ── people ── */

struct training_person {
    struct span account, display_name;
    int64_t duties, done, late, next; /* next: a day */
    struct span manager;
    bool mail; /* an address is known */
};
typedef void training_person_each(void *context, const struct training_person *p);

enum training_order { TRAINING_BY_DUE, TRAINING_BY_NAME };
struct training_people {
    struct span text;               /* in name or display name */
    struct span course, role, site; /* who has such a duty, such a role */
    int state;                      /* who has a duty in this state; -1: all */
    int64_t today;
    enum training_order order;
    bool after; /* go on behind these */
    int64_t after_next;
    struct span after_account;
    int64_t limit;
};
int training_people(struct store_conn *c, const struct training_people *q, training_person_each *each, void *context, struct error *e);

/* ── counts ── */

struct training_counts {
    int64_t n[TRAINING_STATES];
};
/* Of course, role and site ("" all) on a day; `by` says what rows are made of. Calls each with the row's name and counts, in the names' order. */
enum training_by { TRAINING_BY_ALL, TRAINING_BY_COURSE, TRAINING_BY_ROLE, TRAINING_BY_SITE };
typedef void training_count_each(void *context, struct span name, const struct training_counts *n);
int training_counts(struct store_conn *c, enum training_by by, struct span course, struct span role, struct span site, int64_t today,
                    training_count_each *each, void *context, struct error *e);
/* People with a duty, and those of them with a late one. */
int training_totals(struct store_conn *c, int64_t today, int64_t *ret_people, int64_t *ret_late, struct error *e);

struct training_month {
    int64_t month; /* year * 100 + month */
    int64_t on_time, late;
};
typedef void training_month_each(void *context, const struct training_month *m);
/* The last `most` months in which something was done, oldest first; course "": all. */
int training_months(struct store_conn *c, struct span course, int64_t most, training_month_each *each, void *context, struct error *e);
struct training_standing {
    int64_t day, assigned, done, late;
    uint64_t record;
};
typedef void training_standing_each(void *context, const struct training_standing *s);
int training_standings(struct store_conn *c, int64_t most, training_standing_each *each, void *context, struct error *e); /* oldest first */

/* ── rules, what was done, classes ── */

struct training_rule {
    int64_t n;
    struct span course, role, site, account;
    int64_t from_day, days, renew;
    struct span by, why;
    tq_time time;
};
typedef void training_rule_each(void *context, const struct training_rule *r);
int training_rules(struct store_conn *c, training_rule_each *each, void *context, struct error *e); /* those that hold; of policies none */
int64_t training_rule_count(struct store_conn *c, struct error *e);                                 /* -1: the store failed */
bool training_rule_holds(struct store_conn *c, int64_t n);

struct training_done {
    uint64_t record;
    struct span account, display_name, course, title, how, by;
    int64_t version, day;
    tq_time time;
    bool late;
};
typedef void training_done_each(void *context, const struct training_done *d);
/* Of one account ("" all), behind this record, from this day to that one; oldest first. */
int training_history(struct store_conn *c, struct span account, int64_t from, int64_t to, uint64_t after, struct span after_account, int64_t limit,
                     training_done_each *each, void *context, struct error *e);
/* One; false: there is none. Its texts are copied. */
struct training_certificate {
    char account[ACCOUNT_NAME_MAX + 1];
    char display_name[4 * ACCOUNT_DISPLAY_MAX + 1];
    char course[TRAINING_COURSE];
    char title[128];
    char how[24];
    char by[4 * ACCOUNT_DISPLAY_MAX + 1];
    int64_t version, day, until; /* until: by when it has to be done again; ZONE_DAY_NEVER; 0: it counts no more */
    tq_time time;
};
bool training_certificate(struct store_conn *c, uint64_t record, struct span account, struct training_certificate *ret);

struct training_class {
    uint64_t record;
    struct span course, topic, trainer, sha256, by;
    int64_t day, people;
};
typedef void training_class_each(void *context, const struct training_class *k);
int training_classes(struct store_conn *c, uint64_t before, int64_t limit, training_class_each *each, void *context,
                     struct error *e); /* newest first */

/* ── policies and texts ── */

struct training_policy {
    struct span id, title, sha256; /* id without what stands before it */
    int64_t version, day;
    uint64_t record;
};
typedef void training_policy_each(void *context, const struct training_policy *p);
int training_policies(struct store_conn *c, training_policy_each *each, void *context, struct error *e);
bool training_text_known(struct store_conn *c, const char *sha256);
int training_text(struct store_conn *c, const char *sha256, struct buf *out, struct error *e); /* appends; nothing where it is not known */

/* ── attempts ── */

struct training_attempt {
    char id[TRAINING_ATTEMPT];
    char account[ACCOUNT_NAME_MAX + 1];
    char course[TRAINING_COURSE];
    char sha256[65];
    char state[8]; /* open, passed, failed, signed */
    char drawn[2048];
    int64_t version, asked, pass, answered, right;
    uint64_t record;
    tq_time begun, ended;
};
/* By id; or where id is empty the newest one of this account and course. */
int training_attempt_get(struct store_conn *c, struct span id, struct span account, struct span course, struct training_attempt *ret, bool *ret_found,
                         struct error *e);
/* When the n-th last one failed (1: the last); 0: so many did not fail since it was last signed. */
tq_time training_failed(struct store_conn *c, struct span account, struct span course, int64_t n);

struct training_answer {
    int64_t place;
    struct span chosen;
    bool right;
};
typedef void training_answer_each(void *context, const struct training_answer *a);
int training_answers(struct store_conn *c, const char *attempt, training_answer_each *each, void *context, struct error *e);

/* How often a question was answered by all together, and rightly. */
struct training_question {
    struct span question;
    int64_t answered, right;
};
typedef void training_question_each(void *context, const struct training_question *q);
int training_questions(struct store_conn *c, struct span course, training_question_each *each, void *context, struct error *e);

/* How many people passed a course. -1: the store failed. */
int64_t training_passed(struct store_conn *c, struct span course, struct error *e);

/* ── reminding ── */

struct training_contact {
    char mail[256]; /* ""; an account whose name is an address has that one */
    char manager[ACCOUNT_NAME_MAX + 1];
};
int training_contact_get(struct store_conn *c, struct span account, struct training_contact *ret, struct error *e);
/* Whose address is this (large and small letters are one)? Found: just one account that is not closed has it. */
int training_contact_find(struct store_conn *c, struct span mail, char ret_account[ACCOUNT_NAME_MAX + 1], bool *ret_found, struct error *e);

/* Who is to be told what today: kind "soon" (so many days before), "due" (today), "late" (the first day after, and each seventh), "manager" (so many
 * days after: once). Calls each for what was not told yet. */
struct training_notice {
    struct span account, display_name;
    const char *kind;
    int64_t due, n; /* the first day, and how many duties are due by then or late */
};
typedef void training_notice_each(void *context, const struct training_notice *n);
int training_notices(struct store_conn *c, int64_t today, int64_t soon, int64_t escalate, int64_t most, training_notice_each *each, void *context,
                     struct error *e);
/* Accounts with duties of a role that ended by itself before that time. */
typedef void training_account_each(void *context, struct span account);
int training_ended(struct store_conn *c, tq_time now, int64_t most, training_account_each *each, void *context, struct error *e);

#endif
