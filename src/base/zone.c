#include "base/zone.h"

#include <stdio.h>
#include <string.h>

#define DAY_SECONDS INT64_C(86400)
#define OFFSET_MOST (26 * 3600) /* what a file may say: RFC 8536, section 3.2 */

void zone_utc(struct zone *ret)
{
    memset(ret, 0, sizeof *ret);
}

/* ── days ── */

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

int64_t day_from_civil(int64_t year, unsigned month, unsigned day)
{
    return time_from_civil(year, month, day, 0, 0, 0) / DAY_SECONDS;
}

/* Years of 400 repeat; counted from March, a leap day is a year's last. */
void day_to_civil(int64_t day, int64_t *year, unsigned *month, unsigned *ret_day)
{
    int64_t z = day + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *ret_day = (unsigned)(of_year - (153 * m + 2) / 5 + 1);
    *month = (unsigned)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static bool leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned month_days(int64_t year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && leap(year) ? 29 : days[(month - 1) % 12];
}

int64_t day_add_months(int64_t day, int64_t months)
{
    int64_t year;
    unsigned month;
    unsigned d;
    day_to_civil(day, &year, &month, &d);
    int64_t count = year * 12 + (month - 1) + months;
    year = floor_div(count, 12);
    month = (unsigned)(count - year * 12) + 1;
    unsigned last = month_days(year, month);
    return day_from_civil(year, month, d < last ? d : last);
}

const char *day_format(int64_t day, char out[DAY_TEXT])
{
    int64_t year;
    unsigned month;
    unsigned d;
    out[0] = 0;
    if (day < -100000 || day > 1000000)
        return out;
    day_to_civil(day, &year, &month, &d);
    (void)snprintf(out, DAY_TEXT, "%04d-%02u-%02u", (int)year, month, d);
    return out;
}

bool day_parse(struct span text, int64_t *ret)
{
    static const char form[] = "dddd-dd-dd";
    int64_t part[3] = {0};
    size_t at = 0;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        uint8_t c = span_peek(&text, i);
        if (form[i] == '-' ? c != '-' : c < '0' || c > '9')
            return false;
        if (c == '-')
            at++;
        else
            part[at] = part[at] * 10 + (c - '0');
    }
    if (text.n != sizeof form - 1 || part[0] < 1970 || part[0] > 2200 || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
        part[2] > month_days(part[0], (unsigned)part[1]))
        return false;
    *ret = day_from_civil(part[0], (unsigned)part[1], (unsigned)part[2]);
    return true;
}

int64_t zone_day(const struct zone *z, tq_time t)
{
    return floor_div(floor_div(t, TIME_SECOND) + zone_offset(z, t), DAY_SECONDS);
}

/* ── the footer's rules (RFC 8536, section 3.3: a POSIX TZ string) ── */

static bool skip_name(struct span *s)
{
    size_t n = 0;
    if (span_peek(s, 0) == '<') {
        while (n < s->n && s->p[n] != '>')
            n++;
        return n < s->n && span_skip(s, n + 1);
    }
    while (n < s->n && ((s->p[n] | 0x20) >= 'a' && (s->p[n] | 0x20) <= 'z'))
        n++;
    return n >= 3 && span_skip(s, n);
}

static bool number(struct span *s, int32_t most, int32_t *ret)
{
    int32_t v = 0;
    size_t n = 0;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9' && n < 4)
        v = v * 10 + (s->p[n++] - '0');
    *ret = v;
    return n > 0 && v <= most && span_skip(s, n);
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool hours(struct span *s, int32_t *ret)
{
    int32_t part[3] = {0};
    int sign = 1;
    if (span_peek(s, 0) == '-' || span_peek(s, 0) == '+')
        sign = span_u8(s) == '-' ? -1 : 1;
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            if (span_peek(s, 0) != ':')
                break;
            (void)span_skip(s, 1);
        }
        if (!number(s, i == 0 ? 167 : 59, &part[i]))
            return false;
    }
    *ret = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
    return true;
}

static bool change(struct span *s, struct zone_rule *r)
{
    int32_t v[3] = {0};
    if (span_u8(s) != ',')
        return false;
    uint8_t kind = span_peek(s, 0);
    r->kind = kind == 'M' || kind == 'J' ? kind : 'D';
    if (r->kind != 'D')
        (void)span_skip(s, 1);
    if (r->kind == 'M') {
        if (!number(s, 12, &v[0]) || span_u8(s) != '.' || !number(s, 5, &v[1]) || span_u8(s) != '.' || !number(s, 6, &v[2]) || v[0] == 0 || v[1] == 0)
            return false;
    } else if (!number(s, 365, &v[2]) || (r->kind == 'J' && v[2] == 0)) {
        return false;
    }
    r->month = (uint16_t)v[0];
    r->week = (uint16_t)v[1];
    r->day = (uint16_t)v[2];
    r->at = 2 * 3600;
    if (span_peek(s, 0) != '/')
        return true;
    (void)span_skip(s, 1);
    return hours(s, &r->at);
}

static bool footer(struct span s, struct zone *z)
{
    int32_t west = 0;
    if (!skip_name(&s) || !hours(&s, &west) || west < -OFFSET_MOST || west > OFFSET_MOST)
        return false;
    z->standard = z->saving = -west;
    z->rules = true;
    if (s.n == 0)
        return true;
    if (!skip_name(&s))
        return false;
    z->saving = z->standard + 3600;
    if (span_peek(&s, 0) != ',') {
        if (!hours(&s, &west) || west < -OFFSET_MOST || west > OFFSET_MOST)
            return false;
        z->saving = -west;
    }
    z->summer = change(&s, &z->begins) && change(&s, &z->ends) && s.n == 0 && !s.bad;
    return z->summer;
}

/* When a rule's change comes in this year: seconds since 1970, on a clock that shows `offset`. */
static int64_t change_at(const struct zone_rule *r, int64_t year, int32_t offset)
{
    int64_t day;
    if (r->kind == 'M') {
        day = day_from_civil(year, r->month, 1);
        int64_t weekday = (day % 7 + 7 + 4) % 7; /* 1970 began on a Thursday */
        day += ((int64_t)r->day - weekday + 7) % 7 + (r->week - 1) * 7;
        if (day >= day_from_civil(year, r->month, 1) + month_days(year, r->month))
            day -= 7;
    } else {
        day = day_from_civil(year, 1, 1) + r->day;
        if (r->kind == 'J')
            day -= leap(year) && r->day >= 60 ? 0 : 1;
    }
    return day * DAY_SECONDS + r->at - offset;
}

static int32_t by_rules(const struct zone *z, int64_t seconds)
{
    int64_t year;
    unsigned month;
    unsigned day;
    if (!z->summer)
        return z->standard;
    day_to_civil(floor_div(seconds + z->standard, DAY_SECONDS), &year, &month, &day);
    int64_t begins = change_at(&z->begins, year, z->standard);
    int64_t ends = change_at(&z->ends, year, z->saving);
    bool saving = begins < ends ? seconds >= begins && seconds < ends : seconds >= begins || seconds < ends;
    return saving ? z->saving : z->standard;
}

int32_t zone_offset(const struct zone *z, tq_time t)
{
    int64_t seconds = floor_div(t, TIME_SECOND);
    uint32_t low = 0;
    uint32_t high = z->n;
    while (low < high) { /* how many changes are behind us */
        uint32_t middle = low + (high - low) / 2;
        if (z->at[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == z->n && z->rules)
        return by_rules(z, seconds);
    return low == 0 ? z->before : z->offset[low - 1];
}

/* ── the file ── */

struct head {
    uint8_t version;
    uint32_t utc, wall, leaps, changes, types, letters;
};

static bool read_head(struct span *s, struct head *h)
{
    struct span magic = span_take(s, 4);
    h->version = span_u8(s);
    (void)span_skip(s, 15);
    h->utc = span_be32(s);
    h->wall = span_be32(s);
    h->leaps = span_be32(s);
    h->changes = span_be32(s);
    h->types = span_be32(s);
    h->letters = span_be32(s);
    return !s->bad && span_is(magic, "TZif") && h->types > 0 && h->types <= 256 && h->changes <= ZONE_CHANGES && h->leaps <= 256 && h->utc <= 256 &&
           h->wall <= 256 && h->letters <= 4096;
}

static bool read_block(struct span *s, const struct head *h, size_t wide, struct zone *z)
{
    int32_t offsets[256] = {0};
    struct span times = span_take(s, h->changes * wide);
    struct span kinds = span_take(s, h->changes);
    struct span types = span_take(s, (size_t)h->types * 6);
    (void)span_skip(s, h->letters + h->leaps * (wide + 4) + h->wall + h->utc);
    if (s->bad)
        return false;
    for (uint32_t i = 0; i < h->types; i++) {
        offsets[i] = (int32_t)span_be32(&types);
        (void)span_skip(&types, 2);
        if (offsets[i] < -OFFSET_MOST || offsets[i] > OFFSET_MOST)
            return false;
    }
    z->n = h->changes;
    z->before = offsets[0];
    for (uint32_t i = 0; i < h->changes; i++) {
        uint8_t kind = span_u8(&kinds);
        z->at[i] = wide == 8 ? (int64_t)span_be64(&times) : (int32_t)span_be32(&times);
        if (kind >= h->types || (i > 0 && z->at[i] <= z->at[i - 1]))
            return false;
        z->offset[i] = offsets[kind];
    }
    return true;
}

int zone_read(struct span file, struct zone *ret, struct error *e)
{
    struct head h;
    struct span s = file;
    zone_utc(ret);
    bool good = file.n <= ZONE_FILE && read_head(&s, &h) && read_block(&s, &h, 4, ret);
    if (good && h.version >= '2') { /* the same once more, with wide times, and the footer */
        zone_utc(ret);
        good = read_head(&s, &h) && read_block(&s, &h, 8, ret) && span_u8(&s) == '\n';
        struct span rules = good ? span_until(&s, '\n', NULL) : span_of(NULL, 0);
        good = good && (rules.n == 0 || footer(rules, ret));
    }
    if (good)
        return 0;
    zone_utc(ret);
    return err_set(e, ERR_MISUSE, "it is no time zone file (TZif, as in /usr/share/zoneinfo)");
}
