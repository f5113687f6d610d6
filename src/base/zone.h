/* A time zone as the tz database has it: when it is which day there. Read from a file of the machine's zoneinfo (TZif, RFC 8536); afterwards it is a
 * value, and any thread may use it. */
#ifndef TQ_BASE_ZONE_H
#define TQ_BASE_ZONE_H

#include "base/error.h"
#include "base/time.h"

#define ZONE_FILE 65536   /* largest file */
#define ZONE_CHANGES 1024 /* most changes of the clock that a file may list */
#define ZONE_DAY_NEVER INT64_C(99999999)

struct zone_rule { /* a day of the year, as the footer of a file says it: RFC 8536, section 3.3 */
    uint8_t kind;  /* 'M': month, week, weekday; 'J': 1-365, never the 29th of February; 'D': 0-365 */
    uint16_t month, week, day;
    int32_t at; /* seconds of the local day; may be negative or over a day */
};

struct zone {
    uint32_t n;
    int64_t at[ZONE_CHANGES];     /* seconds since 1970, growing */
    int32_t offset[ZONE_CHANGES]; /* from then on: seconds east of Greenwich */
    int32_t before;               /* before the first change */
    bool rules;                   /* behind the last one the footer's rules hold */
    bool summer;                  /* … with another time for a part of the year */
    int32_t standard, saving;
    struct zone_rule begins, ends;
};

void zone_utc(struct zone *ret);

/* Reads a TZif file of version 1 to 4. -1: ERR_MISUSE: it is none, or beyond the limits above. */
int zone_read(struct span file, struct zone *ret, struct error *e);

/* Seconds east of Greenwich at that time. */
int32_t zone_offset(const struct zone *z, tq_time t);

/* ── days: a number each, 0 is the first of January 1970 ── */

int64_t zone_day(const struct zone *z, tq_time t); /* the day that it is there at that time */
int64_t day_from_civil(int64_t year, unsigned month, unsigned day);
void day_to_civil(int64_t day, int64_t *year, unsigned *month, unsigned *ret_day);

/* The same day of the month so many months later, or that month's last. */
int64_t day_add_months(int64_t day, int64_t months);

#define DAY_TEXT 16
/* "2026-12-14" and a final zero; "" for ZONE_DAY_NEVER. */
const char *day_format(int64_t day, char out[DAY_TEXT]);
/* Reads YYYY-MM-DD of the years 1970 to 2200. False: there is no such day. */
bool day_parse(struct span text, int64_t *ret);

#endif
