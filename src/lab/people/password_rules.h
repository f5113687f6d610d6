/* password_rules: which passwords may be chosen. NIST SP 800-63B-4, section 3.1.1.2: length counts, composition rules do not; what is commonly used,
 * expected or made from the context is refused. */
#ifndef TQ_LAB_PASSWORD_RULES_H
#define TQ_LAB_PASSWORD_RULES_H

#include "base/span.h"

#define PASSWORD_SHORTEST 15 /* characters: what NIST asks for where a password alone lets somebody in */
#define PASSWORD_LONGEST 128

/* NULL: good. Else one sentence for the person who chose it: what is wrong and what to do; it never repeats the password.
 * context: words that an attacker would try first at this place: account name, display name, site. */
const char *password_refused(struct span password, const struct span *context, size_t n);

#endif
