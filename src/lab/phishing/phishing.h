/* phishing: simulations of phishing. Planned and stopped by people, sent by the keeper's reminder (proc/drill.h), followed and reported by whom a
 * mail reached.
 *
 * Rules
 *  1. Whom a mail went to, and who followed or reported it, stands in the ledger sealed only; counts of fewer than PHISHING_FAIR people are shown to
 *     nobody, and names to nobody but the person.
 *  2. A person gets at most one mail of a simulation, and at most one of all simulations within the days that lab.yaml says.
 *  3. The link's token is random and kept as a hash only. Whoever reports has done well, whether or not they followed the link before.
 *  4. What a person counts as (role, site) is what they were when the mail went. */
#ifndef TQ_LAB_PHISHING_H
#define TQ_LAB_PHISHING_H

#include "base/error.h"
#include "base/time.h"
#include "lab/people/account.h"
#include "record/store/store.h"

#define PHISHING_CAMPAIGN 33 /* an id, with the final zero */
#define PHISHING_TOKEN 32    /* characters of a link's token: lower-case hexadecimal digits */
#define PHISHING_HASH 65     /* of a token, with the final zero */
#define PHISHING_FAIR 5      /* people: fewer are not shown */
#define PHISHING_MOST 500    /* simulations that are kept */
#define PHISHING_AUDIENCE 400
#define PHISHING_REPORT_DAYS 7 /* so long a report of "a message" counts for a simulated mail */

struct phishing_campaign {
    char id[PHISHING_CAMPAIGN];
    char template[48];
    char language[4];
    char audience[PHISHING_AUDIENCE]; /* "\nphlebotomist\nIT\n"; "": everybody */
    char site[44];
    char course[60];
    char by[ACCOUNT_NAME_MAX + 1];
    char stopped_by[ACCOUNT_NAME_MAX + 1];
    char stopped_why[512];
    tq_time starts, until, time, stopped;
    int64_t rate;
    uint64_t record, changed;
};
/* planned, running, over, stopped */
const char *phishing_state(const struct phishing_campaign *p, tq_time now);

typedef void phishing_campaign_each(void *context, const struct phishing_campaign *p);
int phishing_campaigns(struct store_conn *c, phishing_campaign_each *each, void *context, struct error *e); /* newest first */
int phishing_campaign_get(struct store_conn *c, struct span id, struct phishing_campaign *ret, bool *ret_found, struct error *e);
int64_t phishing_campaign_count(struct store_conn *c, struct error *e); /* -1: the store failed */

/* Who may get the campaign's next mail: of its audience, none of it yet, and none of any after `since`. Accounts in no order that means something. */
typedef void phishing_target_each(void *context, struct span account, struct span display_name);
int phishing_targets(struct store_conn *c, const struct phishing_campaign *p, tq_time since, int64_t most, phishing_target_each *each, void *context,
                     struct error *e);
/* Is the address in one of the domains (a line each)? Subdomains are other domains. */
bool phishing_allowed(const char *domains, struct span mail);
/* When the last mail of it went; 0: none did. */
tq_time phishing_last(struct store_conn *c, const char *campaign);

/* ── one mail ── */

struct phishing_mail {
    char campaign[PHISHING_CAMPAIGN];
    char account[ACCOUNT_NAME_MAX + 1];
    tq_time time, visited, reported;
    bool signed_in, failed;
};
void phishing_hash(struct span token, char out[PHISHING_HASH]);
int phishing_mail_find(struct store_conn *c, const char *hash, struct phishing_mail *ret, bool *ret_found, struct error *e);
/* A person's, newest first; of at most 100. */
typedef void phishing_mail_each(void *context, const struct phishing_mail *m);
int phishing_mails(struct store_conn *c, struct span account, phishing_mail_each *each, void *context, struct error *e);

/* ── counts ── */

struct phishing_counts {
    int64_t sent, failed, reported, visited, both, neither; /* reported, visited: also those that did both */
};
typedef void phishing_count_each(void *context, struct span name, const struct phishing_counts *n);
enum phishing_by { PHISHING_BY_ALL, PHISHING_BY_ROLE, PHISHING_BY_SITE };
/* campaign "": all that went in [from, to). Groups are given whole: fairness is the reader's. */
int phishing_counts(struct store_conn *c, enum phishing_by by, struct span campaign, tq_time from, tq_time to, phishing_count_each *each,
                    void *context, struct error *e);

#endif
