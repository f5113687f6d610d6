/* judged: which of the relay's records the detector has judged (and the appender taken), and what it said of the newest. A record comes again when
 * the keeper was replaced before it was on the ledger, and by way of a spool: it is judged once, and what was said of it is said again, for whoever
 * heard it may be gone. */
#ifndef TQ_PROC_JUDGED_H
#define TQ_PROC_JUDGED_H

#include "base/record.h"

#define JUDGED_RANGES 256      /* of numbers without a gap; the oldest is forgotten */
#define JUDGED_KEPT (4u << 20) /* most bytes of what was said */

struct judged;

struct judged *judged_new(void); /* NULL: no memory */
void judged_free(struct judged *j);

/* True: this record is to be judged now; what judged_said is told until the next call belongs to it. A record without a number always is. */
bool judged_begin(struct judged *j, const struct record *r);
/* Something was said of the record in hand, encoded. Copied. */
void judged_said(struct judged *j, struct span encoded);
/* What was said of this record, in order, as far as it is kept. */
void judged_again(const struct judged *j, const struct record *r, void (*each)(void *context, struct span encoded), void *context);

#endif
