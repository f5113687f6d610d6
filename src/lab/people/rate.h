/* rate: how often one session or token may ask within a minute, and when it last did. In memory only. Thread-safe. */
#ifndef TQ_LAB_RATE_H
#define TQ_LAB_RATE_H

#include "base/error.h"
#include "base/span.h"
#include "base/time.h"

#define RATE_SESSION 6000 /* requests a minute: the page's own work is far below */
#define RATE_TOKEN 600
#define RATE_KEPT 4096 /* askers that are remembered; the longest silent ones go */

struct rates;

struct rates *rates_new(struct error *e);
void rates_free(struct rates *r);

/* Counts one request. False: too many; *ret_wait says in how many seconds it may be again. now: monotonic; wall: to be told by rate_last. */
bool rate_take(struct rates *r, struct span who, int64_t most, tq_time now, tq_time wall, int64_t *ret_wait);
tq_time rate_last(struct rates *r, struct span who); /* wall; 0: not since the start */

#endif
