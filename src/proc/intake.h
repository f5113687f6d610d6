/* intake: what the detector sends, checked before the keeper takes it. A bad record is the sender's fault and must not stop the appender; and what a
 * detector, or a sensor behind it, may not say (event_maker) is refused whole, however well it is formed. */
#ifndef TQ_PROC_INTAKE_H
#define TQ_PROC_INTAKE_H

#include "base/record.h"
#include "proc/payload.h"

/* Takes a record's position and its encoded bytes off a message. last: of the record before on this channel, moved on. ERR_PEER: out of order,
 * malformed, or not the pipeline's to say. Not reentrant: one thread. */
int intake_record(struct span body, struct position *last, struct position *ret, struct span *ret_encoded, struct error *e);

/* The same of packets, which stand under the position of a finding that came before. */
int intake_evidence(struct span body, struct position last, struct position *ret, struct span *ret_encoded, struct error *e);

/* Whether the pipeline may say this: evidence under a finding's position, else a record. */
bool intake_may(enum event event, bool evidence);

/* Whether a relay may say this: what was seen on its links, how they are, and what is wrong with them. */
bool intake_relay_may(const struct record *r);

#endif
