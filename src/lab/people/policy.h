/* policy: the site's own rules for signing in. Passwords: NIST SP 800-63B-4 asks for none of a longest age (section 3.1.1.2: verifiers shall not
 * require that passwords be changed periodically), so there is none until a site whose contract or insurer demands one switches it on. */
#ifndef TQ_LAB_POLICY_H
#define TQ_LAB_POLICY_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

#define POLICY_DAYS_LEAST 30
#define POLICY_DAYS_MOST 1095

/* Whose roles count only in a session that was opened with a passkey, or with a code of an app beside the password. */
enum second_factor { SECOND_FACTOR_NONE, SECOND_FACTOR_MANAGERS, SECOND_FACTOR_EVERYBODY };
const char *second_factor_name(enum second_factor f); /* "none", "managers" (jobs_manage), "everybody" */
bool second_factor_find(struct span name, enum second_factor *ret);

struct access_policy {
    int64_t password_days; /* 0: no longest age */
    enum second_factor second_factor;
    char by[96]; /* "": nobody changed it yet */
    tq_time time;
    char why[2001];
};

int access_policy_get(struct store_conn *c, struct access_policy *ret, struct error *e); /* 0, or -1 when the store failed */

#endif
