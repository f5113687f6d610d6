/* skew: how far the clock that stamped a message is from the one that saw it pass. */
#ifndef TQ_SKEW_H
#define TQ_SKEW_H

#include "base/time.h"

/* The stamp less `seen`, in seconds. stamp: ISO 8601 as the sensor writes it ("2026-11-22T14:02:03", to the minute at least; then its middle counts).
 * Most senders name no zone: then the nearest multiple of a quarter of an hour that a zone explains (UTC-12 to UTC+14) is taken away, and what is
 * left is at most 7½ minutes each way; a date that no zone explains counts whole. False: no such stamp. */
bool skew_of(struct span stamp, tq_time seen, int64_t *ret_seconds);

#endif
