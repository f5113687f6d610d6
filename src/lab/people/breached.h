/* breached: the site's own list of passwords that leaked elsewhere (NIST SP 800-63B-4, section 3.1.1.2: a chosen password is compared with those). A
 * file of lines: a password, or its SHA-1 in 40 hexadecimal digits as the public lists have it, with or without ":COUNT" behind. Read once at the
 * start; of each line eight bytes of the SHA-1 are kept, so a list does not become one more place that passwords can be taken from. */
#ifndef TQ_LAB_BREACHED_H
#define TQ_LAB_BREACHED_H

#include "base/error.h"
#include "base/span.h"

#define BREACHED_MOST 2000000 /* lines; 16 MiB */

/* Takes the place of the list in use. Before the first thread. ERR_LIMIT: more lines; ERR_SYSTEM: no memory. */
int breached_load(struct span file, struct error *e);
bool breached_has(struct span password);
size_t breached_count(void);

#endif
