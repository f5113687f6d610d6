#include "proc/clock.h"

#include <time.h>

static tq_time read_clock(clockid_t which)
{
    struct timespec t = {0};
    (void)clock_gettime(which, &t);
    return (tq_time)t.tv_sec * TIME_SECOND + t.tv_nsec;
}

tq_time clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

tq_time clock_monotonic(void)
{
    return read_clock(CLOCK_BOOTTIME);
}
