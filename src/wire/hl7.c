#include "wire/hl7.h"

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_name_byte(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_separator(uint8_t c)
{
    return c > 0x20 && c < 0x7f && !is_letter_or_digit(c);
}

static bool is_header(uint32_t name)
{
    return name == HL7_NAME('M', 'S', 'H') || name == HL7_NAME('F', 'H', 'S') || name == HL7_NAME('B', 'H', 'S');
}

bool hl7_delims(struct span message, struct hl7_delims *ret)
{
    if (!is_header(hl7_name(message)) || message.n < 4 || !is_separator(message.p[3]))
        return false;
    struct hl7_delims d = {.field = message.p[3], .component = '^', .repetition = '~', .escape = '\\', .sub = '&'};
    struct span rest = span_of(message.p + 4, message.n - 4 < 8 ? message.n - 4 : 8);
    struct span encoding = span_until(&rest, d.field, NULL);
    uint8_t *const places[5] = {&d.component, &d.repetition, &d.escape, &d.sub, &d.truncation};
    size_t n = 0;
    for (size_t i = 0; i < encoding.n && n < 5; i++) {
        uint8_t c = encoding.p[i];
        if (!is_separator(c))
            break;
        if (n > 0 && c == *places[n - 1])
            continue; /* "^~\\&": an escape character that some writer escaped */
        *places[n++] = c;
    }
    d.encoding_missing = n < 4;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (*places[i] == *places[j])
                return false;
    for (size_t i = n; i < 4; i++) /* what stands in must not be what another one is */
        for (size_t j = 0; j < i; j++)
            if (*places[i] == *places[j] || *places[i] == d.field)
                *places[i] = 0;
    *ret = d;
    return true;
}

bool hl7_header(struct span segment)
{
    struct hl7_delims own;
    return is_header(hl7_name(segment)) && hl7_delims(segment, &own) && !own.encoding_missing;
}

bool hl7_segment_named(const struct hl7_delims *d, struct span s)
{
    return s.n >= 3 && s.p[0] >= 'A' && s.p[0] <= 'Z' && is_name_byte(s.p[1]) && is_name_byte(s.p[2]) && (s.n == 3 || s.p[3] == d->field);
}

/* Where the next CR or LF is from offset `from` on; s.n: nowhere. */
static size_t find_end(struct span s, size_t from)
{
    struct span rest = span_of(s.p + from, s.n - from);
    return from + span_find_either(&rest, '\r', '\n');
}

/* Where the segment at the start of s ends, and how many bytes its end takes. */
static size_t segment_end(const struct hl7_delims *d, struct span s, size_t *ret_step)
{
    size_t at = find_end(s, 0);
    while (at < s.n && s.p[at] == '\n') {
        struct span behind = span_of(s.p + at + 1, s.n - at - 1);
        if (behind.n == 0 || behind.p[0] == '\r' || hl7_segment_named(d, behind) || hl7_header(behind))
            break;
        at = find_end(s, at + 1);
    }
    *ret_step = at < s.n ? 1 : 0;
    return at;
}

bool hl7_segment(const struct hl7_delims *d, struct span *rest, struct span *ret)
{
    while (rest->n > 0 && (rest->p[0] == '\r' || rest->p[0] == '\n'))
        (void)span_skip(rest, 1);
    if (rest->n == 0)
        return false;
    size_t step = 0;
    size_t end = segment_end(d, *rest, &step);
    span_put(ret, span_take(rest, end));
    (void)span_skip(rest, step);
    return true;
}

size_t hl7_fields(const struct hl7_delims *d, struct span segment, struct span *out, size_t max)
{
    bool header = segment.n > 3 && segment.p[3] == d->field && is_header(hl7_name(segment));
    size_t n;
    if (header) { /* field 1 is the separator behind the name */
        out[0] = span_of(segment.p, 3);
        out[1] = span_of(segment.p + 3, 1);
        n = 2 + span_split(span_of(segment.p + 4, segment.n - 4), d->field, out + 2, max - 2);
    } else {
        n = span_split(segment, d->field, out, max);
    }
    for (size_t i = n; i < max; i++)
        out[i] = (struct span){0};
    return n;
}

struct span hl7_part(struct span s, uint8_t separator, size_t n)
{
    if (n == 0)
        return (struct span){0};
    if (n > 1) {
        size_t before = span_find_nth(&s, separator, n - 1);
        if (before == s.n)
            return (struct span){0};
        (void)span_skip(&s, before + 1);
    }
    return span_until(&s, separator, NULL);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ── escapes ── */

#define HEX_MOST 512 /* bytes of one run of hexadecimal; more is no text */

/* Reads the hexadecimal of a sequence into raw. False: it is none, or too much of it. */
static bool hex_bytes(struct span digits, uint8_t *raw, size_t *n)
{
    if (digits.n == 0 || digits.n % 2 != 0 || digits.n / 2 > HEX_MOST - *n)
        return false;
    for (size_t i = 0; i < digits.n; i++)
        if (hex_digit(digits.p[i]) < 0)
            return false;
    for (size_t i = 0; i < digits.n; i += 2)
        raw[(*n)++] = (uint8_t)((unsigned)hex_digit(digits.p[i]) << 4 | (unsigned)hex_digit(digits.p[i + 1]));
    return true;
}

/* The sequence at the start of s, without its escape characters. False: it is not finished. */
static bool sequence_at(const struct hl7_delims *d, struct span s, struct span *ret)
{
    if (span_peek(&s, 0) != d->escape || s.n < 3)
        return false;
    struct span behind = span_of(s.p + 1, s.n - 1);
    *ret = span_of(behind.p, span_find(&behind, d->escape));
    return ret->n > 0 && ret->n < behind.n;
}

/* Takes a run of \Xhh..\ from *s and writes it as text: a character may be spread over several. 0: there is none. */
static size_t take_hex(const struct hl7_delims *d, struct span *s, uint8_t *out)
{
    uint8_t raw[HEX_MOST];
    struct span sequence;
    size_t n = 0;
    while (sequence_at(d, *s, &sequence) && sequence.p[0] == 'X' && hex_bytes(span_of(sequence.p + 1, sequence.n - 1), raw, &n))
        (void)span_skip(s, sequence.n + 2);
    struct span text = span_of(raw, n);
    struct charset_reader r = {.base = (enum charset)d->charset};
    size_t made = 0;
    while (text.n > 0)
        made += charset_read(&r, &text, out + made, CHARSET_GROWTH * text.n + 4);
    return made;
}

/* What a sequence of another kind stands for. False: it stays as it is. */
static bool undo(const struct hl7_delims *d, struct span sequence, uint8_t *out, size_t *n)
{
    static const struct {
        const char *name;
        bool space;
    } formats[] = {{".br", true}, {".sp", true}, {".ce", true}, {".sk", true}, {".in", false}, {".ti", false}, {".fi", false}, {".nf", false}};
    uint8_t made = 0;
    if (sequence.n == 1) {
        switch (sequence.p[0]) {
        case 'F': made = d->field; break;
        case 'S': made = d->component; break;
        case 'T': made = d->sub; break;
        case 'R': made = d->repetition; break;
        case 'E': made = d->escape; break;
        case 'P': made = d->truncation; break;
        case 'H':
        case 'N': return true;
        default: return false;
        }
        if (made != 0)
            out[(*n)++] = made;
        return made != 0;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (sequence.n > 8 || !span_starts(sequence, span_str(formats[i].name)))
            continue;
        if (formats[i].space)
            out[(*n)++] = ' ';
        return true;
    }
    return false;
}

size_t hl7_unescape(const struct hl7_delims *d, struct span s, uint8_t *out)
{
    size_t n = 0;
    while (s.n > 0) {
        size_t at = span_find(&s, d->escape);
        if (at > 0)
            memcpy(out + n, s.p, at);
        n += at;
        (void)span_skip(&s, at);
        if (s.n == 0)
            break;
        struct span sequence;
        size_t made = take_hex(d, &s, out + n);
        n += made;
        if (made > 0)
            continue;
        if (sequence_at(d, s, &sequence) && undo(d, sequence, out, &n)) {
            (void)span_skip(&s, sequence.n + 2);
            continue;
        }
        out[n++] = s.p[0]; /* one escape character stays; what follows may still hold a sequence */
        (void)span_skip(&s, 1);
    }
    return n;
}

static bool two_digits(struct span *s, unsigned low, unsigned high, char out[2])
{
    if (s->n < 2 || s->p[0] < '0' || s->p[0] > '9' || s->p[1] < '0' || s->p[1] > '9')
        return false;
    unsigned v = (unsigned)(s->p[0] - '0') * 10 + (unsigned)(s->p[1] - '0');
    if (v < low || v > high)
        return false;
    out[0] = (char)s->p[0];
    out[1] = (char)s->p[1];
    (void)span_skip(s, 2);
    return true;
}

static bool zone(struct span *s, char *out, size_t *n)
{
    uint8_t sign = span_peek(s, 0);
    if (sign != '+' && sign != '-')
        return true;
    (void)span_skip(s, 1);
    out[0] = (char)sign;
    out[3] = ':';
    *n += 6;
    return two_digits(s, 0, 15, out + 1) && two_digits(s, 0, 59, out + 4);
}

static bool fraction(struct span *s, char *out, size_t *n)
{
    if (span_peek(s, 0) != '.')
        return true;
    (void)span_skip(s, 1);
    size_t digits = 0;
    while (digits < s->n && s->p[digits] >= '0' && s->p[digits] <= '9')
        digits++;
    if (digits == 0 || digits > 9)
        return digits == 0; /* "120000." is seen: no fraction */
    out[0] = '.';
    memcpy(out + 1, s->p, digits);
    *n += digits + 1;
    (void)span_skip(s, digits);
    return true;
}

static bool parse_time(struct span s, char *out, size_t *n)
{
    static const struct {
        char before;
        unsigned low;
        unsigned high;
    } parts[] = {{'-', 1, 12}, {'-', 1, 31}, {'T', 0, 23}, {':', 0, 59}, {':', 0, 60}};
    if (!two_digits(&s, 0, 99, out) || !two_digits(&s, 0, 99, out + 2))
        return false;
    *n = 4;
    size_t i = 0;
    for (; i < 5 && s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9'; i++) {
        out[*n] = parts[i].before;
        if (!two_digits(&s, parts[i].low, parts[i].high, out + *n + 1))
            return false;
        *n += 3;
    }
    if (i == 5 && !fraction(&s, out + *n, n))
        return false;
    return zone(&s, out + *n, n) && s.n == 0;
}

size_t hl7_time(struct span s, char out[HL7_TIME_TEXT])
{
    size_t n = 0;
    struct span text = span_until(&s, '^', NULL);
    while (text.n > 0 && text.p[text.n - 1] == ' ')
        text.n--;
    if (text.n > 26 || !parse_time(text, out, &n))
        n = 0;
    out[n] = 0;
    return n;
}
