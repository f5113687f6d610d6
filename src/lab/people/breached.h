/* breached: the site's own list of passwords that leaked elsewhere (NIST SP 800-63B-4, section 3.1.1.2: a chosen password is compared with those). A
 * file of lines: a password, or its SHA-1 in 40 hexadecimal digits as the public lists have it, with or without ":COUNT" behind. It is read once at
 * the start, by the supervisor; the keeper is handed eight bytes of each SHA-1, so that the list is not one more place that passwords can be taken
 * from. */
#ifndef TQ_LAB_BREACHED_H
#define TQ_LAB_BREACHED_H

#include "base/buf.h"
#include "base/error.h"

#define BREACHED_MOST 2000000          /* lines */
#define BREACHED_MARK 8                /* bytes that are kept of each */
#define BREACHED_FILE_MAX (192u << 20) /* bytes of a file */

/* Appends the mark of each line. ERR_MISUSE: more than BREACHED_MOST lines. */
int breached_read(struct span file, struct buf *out, struct error *e);

/* Takes the place of the list in use; before the first thread that asks. ERR_SYSTEM: no memory. */
int breached_use(struct span marks, struct error *e);

bool breached_has(struct span password);
size_t breached_count(void);

#endif
