/* The only clock of the program. Every other room gets the time as an argument. */
#ifndef TQ_PROC_CLOCK_H
#define TQ_PROC_CLOCK_H

#include "base/time.h"

tq_time clock_now(void);       /* the wall clock, UTC; it may step */
tq_time clock_monotonic(void); /* never steps and counts suspended time too: for timers and for noticing steps of the wall clock */

#endif
