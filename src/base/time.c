#include "base/time.h"

#include <stdio.h>

/* Days since 1970-01-01 and back: the usual reckoning in eras of 400 years with March as the first month. */
static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (int64_t)doe - 719468;
}

int64_t time_from_civil(int64_t year, unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second)
{
    return days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

static void put2(char *out, unsigned v)
{
    out[0] = (char)('0' + v / 10 % 10);
    out[1] = (char)('0' + v % 10);
}

size_t time_format(tq_time t, char out[TIME_TEXT])
{
    int64_t secs = t / TIME_SECOND;
    int64_t nanos = t % TIME_SECOND;
    if (nanos < 0) {
        nanos += TIME_SECOND;
        secs -= 1;
    }
    int64_t days = secs / 86400;
    int64_t rest = secs % 86400;
    if (rest < 0) {
        rest += 86400;
        days -= 1;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    unsigned day = doy - (153 * mp + 2) / 5 + 1;
    unsigned month = mp < 10 ? mp + 3 : mp - 9;
    unsigned year = (unsigned)((int64_t)yoe + era * 400 + (month <= 2)); /* tq_time spans 1677-2262 */
    put2(out, year / 100);
    put2(out + 2, year % 100);
    out[4] = '-';
    put2(out + 5, month);
    out[7] = '-';
    put2(out + 8, day);
    out[10] = 'T';
    put2(out + 11, (unsigned)(rest / 3600));
    out[13] = ':';
    put2(out + 14, (unsigned)(rest / 60 % 60));
    out[16] = ':';
    put2(out + 17, (unsigned)(rest % 60));
    out[19] = '.';
    for (int i = 28; i >= 20; i--) {
        out[i] = (char)('0' + nanos % 10);
        nanos /= 10;
    }
    out[29] = 'Z';
    out[30] = 0;
    return 30;
}

/* Two digits; p: two bytes. */
static bool two(const uint8_t *p, unsigned *ret)
{
    unsigned tens = (unsigned)p[0] - '0';
    unsigned ones = (unsigned)p[1] - '0';
    *ret = tens * 10 + ones;
    return tens < 10 && ones < 10;
}

#define DATE_AND_TIME 19 /* bytes of "2026-11-22T14:02:03" */

bool time_parse(struct span text, tq_time *ret)
{
    struct span s = text;
    unsigned century;
    unsigned y;
    unsigned mo;
    unsigned d;
    unsigned h;
    unsigned mi;
    unsigned sec;
    const uint8_t *p = span_take(&s, DATE_AND_TIME).p;
    if (s.bad)
        return false;
    bool numbers = two(p, &century) && two(p + 2, &y) && two(p + 5, &mo) && two(p + 8, &d) && two(p + 11, &h) && two(p + 14, &mi) &&
                   two(p + 17, &sec);
    bool marks = p[4] == '-' && p[7] == '-' && p[13] == ':' && p[16] == ':' && (p[10] == 'T' || p[10] == 't' || p[10] == ' ');
    if (!numbers || !marks)
        return false;
    y += century * 100;
    static const unsigned month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (mo < 1 || mo > 12 || d < 1 || h > 23 || mi > 59 || sec > 60)
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (d > month_days[mo - 1] + (mo == 2 && leap ? 1 : 0))
        return false;
    int64_t nanos = 0;
    if (span_peek(&s, 0) == '.') {
        (void)span_skip(&s, 1);
        int64_t unit = TIME_SECOND / 10;
        size_t count = 0;
        while (span_peek(&s, 0) >= '0' && span_peek(&s, 0) <= '9') {
            nanos += unit * (span_u8(&s) - '0');
            unit /= 10;
            count++;
        }
        if (count < 1 || count > 9)
            return false;
    }
    int64_t offset = 0;
    uint8_t zone = span_u8(&s);
    if (zone == '+' || zone == '-') {
        unsigned zh;
        unsigned zm;
        struct span z = span_take(&s, 5);
        if (z.bad || !two(z.p, &zh) || z.p[2] != ':' || !two(z.p + 3, &zm) || zh > 23 || zm > 59)
            return false;
        offset = (int64_t)(zh * 3600 + zm * 60) * (zone == '+' ? 1 : -1);
    } else if (zone != 'Z' && zone != 'z') {
        return false;
    }
    if (s.bad || s.n != 0)
        return false;
    int64_t secs = time_from_civil(y, mo, d, h, mi, sec) - offset;
    int64_t total;
    if (__builtin_mul_overflow(secs, TIME_SECOND, &total) || __builtin_add_overflow(total, nanos, &total))
        return false;
    *ret = total;
    return true;
}
