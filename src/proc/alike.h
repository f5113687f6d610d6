/* alike: acknowledgements that say the same of another message are not read again.
 *
 * Of the answers that go over a connection most differ from the one before in two places: their own control id (MSH-10), and that of the message
 * which they answer (MSA-2). The record of such a one is that of the one before, with these two and its bytes in their places. */
#ifndef TQ_PROC_ALIKE_H
#define TQ_PROC_ALIKE_H

#include "base/record.h"

#define ALIKE_MOST 1024 /* bytes of an acknowledgement, and of an id in it 64; a longer one is read */

struct alike; /* one direction of one connection; a caller has NULL until there is one */

/* `content`, a message without its framing, was read, and told in r alone: where it is a plain acknowledgement it is kept in *a, else *a forgets. */
void alike_note(struct alike **a, struct span content, const struct record *r);
/* Is `content` like the one that was kept? Then its record is in *ret, but for its id, time and flow, which are those of the one before; its spans
 * point into a and content. False: it must be read. */
bool alike_next(const struct alike *a, struct span content, struct record *ret);
void alike_free(struct alike *a);

#endif
