/* measure: how long messages are delayed, and how many come a minute. A histogram of logarithmic steps (a quarter of an octave), of the minutes past.
 */
#ifndef TQ_RELAY_MEASURE_H
#define TQ_RELAY_MEASURE_H

#include "base/time.h"

#define MEASURE_STEPS 160
#define MEASURE_WINDOW (300 * TIME_SECOND)

struct measure {
    uint32_t count[2][MEASURE_STEPS]; /* this window, the one before */
    uint32_t total[2];
    tq_time window; /* when this one began */
    tq_time minute; /* when the present minute began */
    uint32_t in_minute;
    uint32_t last_minute;
    uint32_t busiest;
};

void measure_delay(struct measure *m, tq_time now, tq_time delay);
void measure_message(struct measure *m, tq_time now);
uint32_t measure_in_minute(struct measure *m, tq_time now); /* messages in the present minute */
/* The delay that `share` (0-100) per cent of messages do not pass, rounded up to its step; 0: there were none. */
tq_time measure_percentile(struct measure *m, tq_time now, unsigned share);
uint32_t measure_rate(struct measure *m, tq_time now);

#endif
