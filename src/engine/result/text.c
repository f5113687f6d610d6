#include "engine/result/text.h"

#include "engine/result/number.h"

#include <string.h>

#define IDENTITY_MAX 64

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static uint8_t capital(uint8_t c)
{
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
}

/* ── ranges ── */

/* The number at the front, taken off; false: there is none. */
static bool take_number(struct span *s, double *ret)
{
    size_t n = 0;
    while (span_peek(s, 0) == ' ')
        (void)span_skip(s, 1);
    if (span_peek(s, 0) == '-' || span_peek(s, 0) == '+')
        n = 1;
    while (n < s->n && (is_digit(s->p[n]) || s->p[n] == '.' || (s->p[n] == ',' && n + 1 < s->n && is_digit(s->p[n + 1]))))
        n++;
    struct number v;
    if (!number_read(span_of(s->p, n), &v))
        return false;
    *ret = number_value(&v);
    return span_skip(s, n);
}

/* What stands between the two numbers: a dash (also the long ones), "to", or a component sign. */
static bool take_between(struct span *s)
{
    static const char *const signs[] = {"-", "\xe2\x80\x93", "\xe2\x80\x94", "to", "TO", "^", "~", ":", ".."};
    while (span_peek(s, 0) == ' ')
        (void)span_skip(s, 1);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (span_starts(*s, span_str(signs[i])))
            return span_skip(s, strlen(signs[i]));
    return false;
}

bool range_read(struct span s, struct range *ret)
{
    *ret = (struct range){0};
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '(' || s.p[0] == '['))
        (void)span_skip(&s, 1);
    bool less = span_peek(&s, 0) == '<' || span_starts(s, SPAN_LIT("\xe2\x89\xa4"));
    bool more = span_peek(&s, 0) == '>' || span_starts(s, SPAN_LIT("\xe2\x89\xa5"));
    if (less || more) {
        (void)span_skip(&s, s.p[0] >= 0x80 ? 3 : 1);
        if (span_peek(&s, 0) == '=')
            (void)span_skip(&s, 1);
        ret->has_high = less;
        ret->has_low = more;
        return take_number(&s, less ? &ret->high : &ret->low);
    }
    if (!take_number(&s, &ret->low) || !take_between(&s) || !take_number(&s, &ret->high))
        return false;
    ret->has_low = ret->has_high = true;
    return ret->low <= ret->high;
}

/* ── flags and statuses ── */

enum flag flag_read(struct span s)
{
    uint8_t a = capital(span_peek(&s, 0));
    uint8_t b = capital(span_peek(&s, 1));
    if (s.n == 0)
        return FLAG_NONE;
    if (s.n == 1) {
        switch (a) {
        case 'N': return FLAG_NORMAL;
        case 'L': return FLAG_LOW;
        case 'H': return FLAG_HIGH;
        case 'A': return FLAG_ABNORMAL;
        case '<': return FLAG_BELOW_SCALE;
        case '>': return FLAG_ABOVE_SCALE;
        default: return FLAG_OTHER;
        }
    }
    if (s.n == 2 && a == b)
        return a == 'H' ? FLAG_VERY_HIGH : a == 'L' ? FLAG_VERY_LOW : a == 'A' ? FLAG_ABNORMAL : FLAG_OTHER;
    if (s.n == 2 && (b == 'H' || b == 'L') && (a == 'C' || a == 'P')) /* critical, panic */
        return b == 'H' ? FLAG_VERY_HIGH : FLAG_VERY_LOW;
    return FLAG_OTHER;
}

int flag_fits(enum flag flag, double value, const struct range *range, double slack)
{
    bool low = range->has_low && value < range->low - slack;
    bool high = range->has_high && value > range->high + slack;
    bool at_low = range->has_low && value <= range->low + slack;
    bool at_high = range->has_high && value >= range->high - slack;
    switch (flag) {
    case FLAG_NORMAL: return low || high ? -1 : 1;
    case FLAG_LOW:
    case FLAG_VERY_LOW: return low || at_low ? 1 : -1;
    case FLAG_HIGH:
    case FLAG_VERY_HIGH: return high || at_high ? 1 : -1;
    default: return 0;
    }
}

enum status status_read(struct span s)
{
    switch (capital(span_peek(&s, 0))) {
    case 0:
    case 'F':
    case 'U':
    case 'V': return STATUS_FINAL;
    case 'P':
    case 'R':
    case 'S':
    case 'I': return STATUS_PRELIMINARY;
    case 'C':
    case 'A': return STATUS_CORRECTED;
    case 'D':
    case 'W':
    case 'X': return STATUS_WITHDRAWN;
    default: return STATUS_OTHER;
    }
}

/* ── identifiers ── */

uint64_t identity_digest(const struct hash_key *key, struct span s)
{
    uint8_t plain[IDENTITY_MAX];
    size_t n = 0;
    bool started = false;
    for (size_t i = 0; i < s.n && s.p[i] != '^' && n < IDENTITY_MAX; i++) {
        uint8_t c = capital(s.p[i]);
        if (c == ' ' || c == '-' || (c == '0' && !started))
            continue;
        started = true;
        plain[n++] = c;
    }
    if (n == 0)
        return 0;
    uint64_t h = hash_bytes(key, plain, n);
    return h == 0 ? 1 : h;
}

/* Is this word in the text, with no letter before or behind it? */
static bool has_word(struct span s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= s.n; i++) {
        size_t k = 0;
        while (k < n && capital(s.p[i + k]) == (uint8_t)word[k])
            k++;
        uint8_t before = i == 0 ? 0 : capital(s.p[i - 1]);
        uint8_t after = i + n == s.n ? 0 : capital(s.p[i + n]);
        if (k == n && !(before >= 'A' && before <= 'Z') && !(after >= 'A' && after <= 'Z'))
            return true;
    }
    return false;
}

bool identity_is_control(struct span s)
{
    static const char *const words[] = {"QC",      "IQC",       "EQC",       "EQA",    "CTRL",        "CTL",   "CONTROL",   "CONTROLS",
                                        "LEVEL",   "LOT",       "CAL",       "CALIB",  "CALIBRATOR",  "BLANK", "PRECINORM", "PRECIPATH",
                                        "XNCHECK", "LYPHOCHEK", "MULTIQUAL", "SURVEY", "PROFICIENCY", "DUMMY", "BACKGROUND"};
    bool letter = false;
    for (size_t i = 0; i < s.n && !letter; i++)
        letter = capital(s.p[i]) >= 'A' && capital(s.p[i]) <= 'Z';
    for (size_t i = 0; letter && i < sizeof words / sizeof words[0]; i++)
        if (has_word(s, words[i]))
            return true;
    return false;
}
