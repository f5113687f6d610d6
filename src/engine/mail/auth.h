/* auth: what receivers say about where a message comes from (RFC 8601 Authentication-Results, RFC 8617 ARC, RFC 7208 Received-SPF). Of this room
 * only. */
#ifndef TQ_ENGINE_MAIL_AUTH_H
#define TQ_ENGINE_MAIL_AUTH_H

#include "engine/mail/facts.h"

enum auth_result { AUTH_NONE, AUTH_PASS, AUTH_FAIL, AUTH_SOFT };

struct auth {
    bool trusted; /* the lab's own receiver said so */
    enum auth_result spf, dkim, dmarc;
    bool aligned; /* what passed is of the domain in From */
    bool nobody;  /* both were looked at: DKIM passed for nobody, SPF not for the sender */
};

/* Only fields of the lab's own receiver are believed when they speak for a message; where that one is not known, the topmost field is believed when
 * it speaks against it: nobody forges that. */
void auth_read(const struct mail_known *k, const struct mail_lab *lab, const struct facts *f, struct auth *ret);

#endif
