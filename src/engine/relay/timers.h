/* timers: deadlines in a heap, for the relay's own use. */
#ifndef TQ_RELAY_TIMERS_H
#define TQ_RELAY_TIMERS_H

#include "base/time.h"

#define TIMER_NEVER INT64_MAX

struct timer {
    tq_time due;
    size_t at; /* its place in the heap, from 1; 0: it does not run */
    void (*fire)(struct timer *t, tq_time now);
};

struct timers {
    struct timer **heap; /* from 1 */
    size_t n;
    size_t size;
};

/* Fires at `due` or soon after; a timer that runs already is moved. False: no memory. */
bool timer_set(struct timers *all, struct timer *t, tq_time due);
/* As timer_set, but never later than it is set already. */
bool timer_by(struct timers *all, struct timer *t, tq_time due);
void timer_stop(struct timers *all, struct timer *t);
tq_time timers_next(const struct timers *all); /* TIMER_NEVER: none runs */
/* Fires those that are due; each is stopped before, and may be set again. */
void timers_fire(struct timers *all, tq_time now);
void timers_release(struct timers *all);

#endif
