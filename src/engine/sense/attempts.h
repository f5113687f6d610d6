/* attempts: connections that were tried and over which not a byte passed, told where they are many: network.attempts.
 *
 * Two small memories of fixed size: by address that tries (how many ends it tried: a scan), and by end that is tried (how often: a flood). Where a
 * bucket is full, the entry goes that has the least to tell, so that a flood from made-up addresses does not push out one that scans.
 *
 * A record is made when an address has tried ATTEMPTS_ENDS ends within ten minutes, again at ATTEMPTS_ENDS_MANY, and when an end has been tried
 * ATTEMPTS_FLOOD times within ten seconds; then not before the time is over. Slower scans are not told. */
#ifndef TQ_SENSE_ATTEMPTS_H
#define TQ_SENSE_ATTEMPTS_H

#include "base/hash.h"
#include "base/record.h"

#define ATTEMPTS_ENDS 15       /* pairs of address and port; nobody in a lab tries so many in vain */
#define ATTEMPTS_ENDS_MANY 180 /* about: they are counted in a bitmap */
#define ATTEMPTS_FLOOD 2000    /* 200 a second: fifty devices that knock every second on the door of a LIS that is down stay below */

struct attempts;

/* NULL: no memory. */
struct attempts *attempts_new(const struct hash_key *key, const struct record_sink *sink);
void attempts_free(struct attempts *t);

/* The connection flow->src → flow->dst was tried at `time` and is over without a byte. */
void attempts_add(struct attempts *t, const struct flow_ref *flow, tq_time time);

#endif
