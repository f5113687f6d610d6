/* Points in time. Nothing here reads a clock: only proc/ and cmd/ do, and hand the time down as an argument. */
#ifndef TQ_BASE_TIME_H
#define TQ_BASE_TIME_H

#include "base/span.h"

typedef int64_t tq_time; /* nanoseconds since 1970-01-01 UTC */

#define TIME_SECOND INT64_C(1000000000)
#define TIME_MS INT64_C(1000000)
#define TIME_TEXT 36 /* room that time_format needs, with the final zero */

/* Writes RFC 3339 in UTC with nanoseconds, "2026-11-22T14:02:03.000000000Z", and a final zero; returns its length (30). Years outside 0000-9999 are
 * held at the ends. */
size_t time_format(tq_time t, char out[TIME_TEXT]);

/* Reads RFC 3339 with 0-9 digits of fraction and Z or an offset. False: not such a time, or outside what tq_time holds (1678-2262). */
bool time_parse(struct span text, tq_time *ret);

/* Seconds since 1970 of a civil date and time in UTC (proleptic Gregorian calendar). */
int64_t time_from_civil(int64_t year, unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second);

#endif
