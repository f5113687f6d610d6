#include "engine/result/number.h"

#define DIGITS_MAX 15

static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static void trim(struct span *s)
{
    while (s->n > 0 && s->p[0] == ' ')
        (void)span_skip(s, 1);
    while (s->n > 0 && s->p[s->n - 1] == ' ')
        s->n--;
}

static bool skip_text(struct span *s, const char *text)
{
    size_t n = strlen(text);
    if (s->n < n || memcmp(s->p, text, n) != 0)
        return false;
    return span_skip(s, n);
}

static uint8_t read_comparator(struct span *s)
{
    static const struct {
        const char *text;
        enum comparator is;
    } signs[] = {{"<=", COMPARES_LESS_EQUAL},
                 {">=", COMPARES_MORE_EQUAL},
                 {"\xe2\x89\xa4", COMPARES_LESS_EQUAL},
                 {"\xe2\x89\xa5", COMPARES_MORE_EQUAL},
                 {"<", COMPARES_LESS},
                 {">", COMPARES_MORE},
                 {"=", COMPARES_EQUAL}};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (skip_text(s, signs[i].text))
            return (uint8_t)signs[i].is;
    return COMPARES_EQUAL;
}

/* Which of '.' and ',' stands before the decimals: the last one, unless it comes several times. 0: neither does. */
static uint8_t decimal_sign(struct span s)
{
    size_t points = 0;
    size_t commas = 0;
    bool comma_last = false;
    for (size_t i = 0; i < s.n; i++) {
        points += s.p[i] == '.';
        commas += s.p[i] == ',';
        comma_last = s.p[i] == ',' || (comma_last && s.p[i] != '.');
    }
    if (commas == 0)
        return '.';
    if (points == 0)
        return commas == 1 ? ',' : 0;
    return comma_last ? ',' : '.';
}

/* The exponent of "1.2E+3", taken off. False: what stands there is none. */
static bool read_exponent(struct span *s, int *ret)
{
    *ret = 0;
    size_t at = 0;
    while (at < s->n && (s->p[at] | 0x20) != 'e')
        at++;
    if (at == s->n)
        return true;
    struct span e = span_of(s->p + at + 1, s->n - at - 1);
    bool negative = span_peek(&e, 0) == '-';
    if (negative || span_peek(&e, 0) == '+')
        (void)span_skip(&e, 1);
    uint64_t v = 0;
    if (!span_decimal(e, 12, &v))
        return false;
    *ret = negative ? -(int)v : (int)v;
    s->n = (uint32_t)at;
    return true;
}

static bool read_digits(struct span s, uint8_t sign, struct number *ret)
{
    size_t digits = 0;
    bool behind = false;
    bool any = false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c == sign && !behind) {
            behind = true;
        } else if ((c == '.' || c == ',') && any && !behind) {
            continue; /* thousands */
        } else if (c >= '0' && c <= '9') {
            any = true;
            digits += digits > 0 || c != '0';
            if (digits > DIGITS_MAX)
                return false;
            ret->digits = ret->digits * 10 + (c - '0');
            ret->decimals = (uint8_t)(ret->decimals + behind);
            if (ret->decimals > DIGITS_MAX)
                return false;
        } else {
            return false;
        }
    }
    return any;
}

/* What nearly all values are: digits, perhaps a point. False: it is anything else, or no number. */
static inline bool read_plain(struct span s, struct number *ret)
{
    int64_t digits = 0;
    size_t point = s.n;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)(s.p[i] - '0');
        if (c <= 9)
            digits = digits * 10 + c;
        else if (s.p[i] == '.' && point == s.n)
            point = i;
        else
            return false;
    }
    *ret = (struct number){.digits = digits, .decimals = point == s.n ? 0 : (uint8_t)(s.n - point - 1)};
    return s.n > (point < s.n);
}

bool number_read(struct span s, struct number *ret)
{
    if (s.n > 0 && s.n <= DIGITS_MAX && read_plain(s, ret))
        return true;
    *ret = (struct number){0};
    if (s.n == 0 || s.n > 40)
        return false;
    trim(&s);
    ret->comparator = read_comparator(&s);
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '^')) /* HL7's SN: <^5 */
        (void)span_skip(&s, 1);
    while (s.n > 0 && s.p[s.n - 1] == '^')
        s.n--;
    bool negative = span_peek(&s, 0) == '-';
    if (negative || span_peek(&s, 0) == '+')
        (void)span_skip(&s, 1);
    int exponent = 0;
    if (!read_exponent(&s, &exponent) || !read_digits(s, decimal_sign(s), ret))
        return false;
    for (; exponent > 0; exponent--) {
        if (ret->decimals > 0)
            ret->decimals--;
        else if (ret->digits < INT64_C(100000000000000000))
            ret->digits *= 10;
        else
            return false;
    }
    if (ret->decimals - exponent > DIGITS_MAX)
        return false;
    ret->decimals = (uint8_t)(ret->decimals - exponent);
    if (negative)
        ret->digits = -ret->digits;
    return true;
}

double number_value(const struct number *n)
{
    return (double)n->digits / powers[n->decimals];
}

double number_half_step(const struct number *n)
{
    return 0.5 / powers[n->decimals];
}

bool number_close(const struct number *a, const struct number *b, double factor)
{
    if (a->decimals == b->decimals && factor == 1.0)
        return a->digits == b->digits;
    double x = number_value(a);
    double y = number_value(b) * factor;
    double step_a = number_half_step(a);
    double step_b = number_half_step(b) * factor;
    double most = step_a > step_b ? step_a : step_b;
    double distance = x > y ? x - y : y - x;
    double size = x < 0 ? -x : x;
    return distance <= most * 1.0001 + size * 1e-12;
}
