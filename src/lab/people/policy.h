/* policy: the site's own rules for passwords. NIST SP 800-63B-4 asks for none of a longest age (section 3.1.1.2: verifiers shall not require that
 * passwords be changed periodically), so there is none until a site whose contract or insurer demands one switches it on. */
#ifndef TQ_LAB_POLICY_H
#define TQ_LAB_POLICY_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

#define POLICY_DAYS_LEAST 30
#define POLICY_DAYS_MOST 1095

struct access_policy {
    int64_t password_days; /* 0: no longest age */
    char by[96];           /* "": nobody changed it yet */
    tq_time time;
    char why[2001];
};

int access_policy_get(struct store_conn *c, struct access_policy *ret, struct error *e); /* 0, or -1 when the store failed */

#endif
