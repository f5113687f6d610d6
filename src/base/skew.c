#include "base/skew.h"

#include <string.h>

#define QUARTER 900 /* seconds */

bool skew_of(struct span stamp, tq_time seen, int64_t *ret_seconds)
{
    uint8_t whole[48];
    size_t n = 16; /* "2026-11-22T14:02", then ":03", a fraction, a zone: each may be missing */
    tq_time sent = 0;
    if (stamp.n < n || stamp.n > 36)
        return false;
    const uint8_t *text = stamp.p;
    bool zone = text[stamp.n - 1] == 'Z' || text[stamp.n - 6] == '+' || text[stamp.n - 6] == '-';
    memcpy(whole, text, n);
    if (stamp.n == n || text[n] != ':') {
        static const uint8_t half[3] = {':', '3', '0'};
        memcpy(whole + n, half, sizeof half);
        memcpy(whole + n + 3, text + n, stamp.n - n);
        n = stamp.n + 3;
    } else {
        memcpy(whole + n, text + n, stamp.n - n);
        n = stamp.n;
    }
    if (!zone)
        whole[n++] = 'Z';
    if (!time_parse(span_of(whole, n), &sent))
        return false;
    int64_t seconds = (sent - seen) / TIME_SECOND;
    if (!zone) {
        int64_t quarters = (seconds + (seconds < 0 ? -QUARTER / 2 : QUARTER / 2)) / QUARTER;
        if (quarters >= -48 && quarters <= 56)
            seconds -= quarters * QUARTER;
    }
    *ret_seconds = seconds;
    return true;
}
