#include "base/json_read.h"

#include "base/text.h"

static void skip_spaces(struct span *s)
{
    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\n' || s->p[0] == '\r' || s->p[0] == '\t'))
        (void)span_skip(s, 1);
}

static bool take(struct span *s, uint8_t c)
{
    skip_spaces(s);
    return span_peek(s, 0) == c && span_skip(s, 1);
}

static uint32_t hex_digits(struct span *s, bool *good)
{
    uint8_t bytes[2] = {0};
    *good = text_unhex(span_take(s, 4), bytes, 2) && *good;
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* Behind a backslash: what it stands for. */
static uint32_t escaped(struct span *s, bool *good)
{
    uint8_t c = span_u8(s);
    switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': break;
    default: *good = false; return 0;
    }
    uint32_t high = hex_digits(s, good);
    if (high < 0xd800 || high > 0xdfff)
        return high;
    *good = high < 0xdc00 && span_u8(s) == '\\' && span_u8(s) == 'u' && *good;
    uint32_t low = *good ? hex_digits(s, good) : 0;
    *good = low >= 0xdc00 && low <= 0xdfff && *good;
    return 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
}

/* Bytes that need no look of their own: neither quote nor backslash, nor a control character, nor beyond ASCII. */
static size_t plain_run(struct span s)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; s.n - i >= 16; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(s.p + i));
        __m128i stops = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
        stops = _mm_or_si128(stops, _mm_cmplt_epi8(x, _mm_set1_epi8(' '))); /* signed: what is beyond ASCII, too */
        unsigned mask = (unsigned)_mm_movemask_epi8(stops);
        if (mask != 0)
            return i + (size_t)__builtin_ctz(mask);
    }
#endif
    while (i < s.n && s.p[i] >= ' ' && s.p[i] < 0x80 && s.p[i] != '"' && s.p[i] != '\\')
        i++;
    return i;
}

static bool skip_character(struct span *s)
{
    size_t n = text_utf8_len(*s);
    return n > 0 && span_skip(s, n);
}

/* From the first quote to the last. A name has no zero character. */
static bool skip_text(struct span *s, bool name)
{
    bool good = span_u8(s) == '"';
    while (good) {
        (void)span_skip(s, plain_run(*s));
        uint8_t c = span_peek(s, 0);
        if (c == '"')
            return span_skip(s, 1);
        if (c == '\\' && span_skip(s, 1))
            good = (escaped(s, &good) != 0 || !name) && good;
        else
            good = c >= 0x80 && skip_character(s);
    }
    return false;
}

static size_t skip_digits(struct span *s)
{
    size_t n = 0;
    for (; s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9'; n++)
        (void)span_skip(s, 1);
    return n;
}

static bool skip_number(struct span *s)
{
    struct span whole = *s;
    (void)take(s, '-');
    bool zero = span_peek(s, 0) == '0';
    size_t digits = skip_digits(s);
    bool good = digits > 0 && (!zero || digits == 1);
    uint8_t c = span_peek(s, 0);
    bool real = c == '.' || c == 'e' || c == 'E';
    int64_t v;
    if (!real)
        return good && jsonr_int(span_take(&whole, whole.n - s->n), &v);
    if (c == '.') {
        (void)span_skip(s, 1);
        good = skip_digits(s) > 0 && good;
        c = span_peek(s, 0);
    }
    if (c == 'e' || c == 'E') {
        (void)span_skip(s, 1);
        c = span_peek(s, 0);
        if (c == '+' || c == '-')
            (void)span_skip(s, 1);
        good = skip_digits(s) > 0 && good;
    }
    return good;
}

static bool skip_value(struct span *s, unsigned depth);

static bool skip_parts(struct span *s, uint8_t end, unsigned depth)
{
    (void)span_skip(s, 1);
    if (take(s, end))
        return true;
    do {
        skip_spaces(s);
        if (end == '}' && (!skip_text(s, true) || !take(s, ':')))
            return false;
        if (!skip_value(s, depth + 1))
            return false;
    } while (take(s, ','));
    return take(s, end);
}

static bool skip_value(struct span *s, unsigned depth)
{
    skip_spaces(s);
    switch (span_peek(s, 0)) {
    case '"': return skip_text(s, false);
    case '{': return depth < JSONR_DEPTH && skip_parts(s, '}', depth);
    case '[': return depth < JSONR_DEPTH && skip_parts(s, ']', depth);
    case 't': return span_equal(span_take(s, 4), SPAN_LIT("true"));
    case 'f': return span_equal(span_take(s, 5), SPAN_LIT("false"));
    case 'n': return span_equal(span_take(s, 4), SPAN_LIT("null"));
    default: return skip_number(s);
    }
}

/* ── walks ── */

static struct jsonr begin(struct span value, uint8_t with, uint8_t end)
{
    struct jsonr r = {.rest = value, .end = end, .first = true};
    if (!take(&r.rest, with))
        (void)span_fail(&r.rest);
    return r;
}

struct jsonr jsonr_object(struct span value)
{
    return begin(value, '{', '}');
}

struct jsonr jsonr_list(struct span value)
{
    return begin(value, '[', ']');
}

/* Up to the next part. */
static bool next(struct jsonr *r)
{
    if (r->over || r->rest.bad)
        return false;
    if (take(&r->rest, r->end)) {
        r->over = true;
        return false;
    }
    bool there = r->first || take(&r->rest, ',');
    r->first = false;
    skip_spaces(&r->rest);
    return there || span_fail(&r->rest);
}

bool jsonr_item(struct jsonr *r, struct span *ret_value)
{
    struct span from;
    if (!next(r))
        return false;
    from = r->rest;
    if (!skip_value(&r->rest, 1))
        return span_fail(&r->rest);
    *ret_value = span_take(&from, from.n - r->rest.n);
    return true;
}

bool jsonr_member(struct jsonr *r, struct span *ret_name, struct span *ret_value)
{
    struct span from;
    if (!next(r))
        return false;
    from = r->rest;
    if (!skip_text(&r->rest, true))
        return span_fail(&r->rest);
    (void)jsonr_quoted(span_take(&from, from.n - r->rest.n), ret_name);
    bool colon = take(&r->rest, ':');
    skip_spaces(&r->rest);
    from = r->rest;
    if (!colon || !skip_value(&r->rest, 1))
        return span_fail(&r->rest);
    *ret_value = span_take(&from, from.n - r->rest.n);
    return true;
}

bool jsonr_ended(const struct jsonr *r)
{
    struct span rest = r->rest;
    skip_spaces(&rest);
    return r->over && rest.n == 0;
}

/* ── values ── */

bool jsonr_quoted(struct span value, struct span *ret)
{
    if (value.n < 2 || value.p[0] != '"' || value.p[value.n - 1] != '"')
        return false;
    (void)span_skip(&value, 1);
    *ret = span_take(&value, value.n - 1);
    return true;
}

bool jsonr_is_plain(struct span quoted)
{
    return span_find(&quoted, '\\') == quoted.n;
}

void jsonr_unescape(struct span quoted, struct buf *out)
{
    while (quoted.n > 0) {
        buf_add_span(out, span_take(&quoted, span_find(&quoted, '\\')));
        if (quoted.n == 0)
            break;
        bool good = true;
        uint8_t bytes[4];
        (void)span_skip(&quoted, 1);
        uint32_t c = escaped(&quoted, &good);
        if (good)
            buf_add(out, bytes, text_utf8_put(bytes, c));
    }
}

bool jsonr_int(struct span value, int64_t *ret)
{
    bool negative = span_peek(&value, 0) == '-' && span_skip(&value, 1);
    uint64_t most = (uint64_t)INT64_MAX + negative;
    uint64_t v = 0;
    if (value.n == 0)
        return false;
    while (value.n > 0) {
        uint8_t c = span_u8(&value);
        unsigned digit = (unsigned)c - '0';
        if (digit > 9 || v > (most - digit) / 10)
            return false;
        v = 10 * v + digit;
    }
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

void jsonr_compact(struct span value, struct buf *out)
{
    while (value.n > 0) {
        skip_spaces(&value);
        struct span from = value;
        if (span_peek(&value, 0) == '"')
            (void)(skip_text(&value, false) || span_fail(&value));
        else if (value.n > 0)
            (void)span_skip(&value, 1);
        buf_add_span(out, span_take(&from, from.n - value.n));
    }
}
