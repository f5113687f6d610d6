#include "base/json.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

static void before(struct jsonw *j)
{
    if (j->comma)
        buf_u8(j->out, ',');
    j->comma = true;
}

static void open_with(struct jsonw *j, char c)
{
    before(j);
    buf_u8(j->out, (uint8_t)c);
    j->comma = false;
}

static void close_with(struct jsonw *j, char c)
{
    buf_u8(j->out, (uint8_t)c);
    j->comma = true;
}

void jsonw_object(struct jsonw *j)
{
    open_with(j, '{');
}

void jsonw_object_end(struct jsonw *j)
{
    close_with(j, '}');
}

void jsonw_array(struct jsonw *j)
{
    open_with(j, '[');
}

void jsonw_array_end(struct jsonw *j)
{
    close_with(j, ']');
}

/* Keys are short: two pieces that overlap cost less than a call. */
static inline void copy_short(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n > 16) {
        memcpy(to, from, n);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = from[i];
    }
}

void jsonw_name(struct jsonw *j, struct span key)
{
    struct buf *b = j->out;
    if (buf_reserve(b, key.n + 4)) { /* asked once: a record has some thirty keys */
        uint8_t *p = b->p + b->n;
        if (j->comma)
            *p++ = ',';
        *p++ = '"';
        copy_short(p, key.p, key.n);
        p += key.n;
        *p++ = '"';
        *p++ = ':';
        b->n = (size_t)(p - b->p);
    }
    j->comma = false;
}

static void escaped(struct buf *out, uint8_t c)
{
    switch (c) {
    case '"': buf_add(out, "\\\"", 2); break;
    case '\\': buf_add(out, "\\\\", 2); break;
    case '\n': buf_add(out, "\\n", 2); break;
    case '\r': buf_add(out, "\\r", 2); break;
    case '\t': buf_add(out, "\\t", 2); break;
    default: {
        char digits[3];
        text_hex_to(digits, &c, 1);
        buf_add(out, "\\u00", 4);
        buf_add(out, digits, 2);
    }
    }
}

/* Bytes that stand for themselves in a JSON text. */
static const bool as_it_is[256] = {[0x20 ... 0x21] = true, [0x23 ... 0x5b] = true, [0x5d ... 0x7e] = true};

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not 0: one of eight bytes does not stand for itself. In what is left of a subtraction from a byte that was smaller its top bit is set; a borrow
 * disturbs bytes behind the first such one alone. */
static uint64_t not_as_it_is(uint64_t x)
{
    uint64_t quote = x ^ EACH('"');
    uint64_t slash = x ^ EACH('\\');
    return (((x - EACH(0x20)) & ~x) | ((quote - EACH(1)) & ~quote) | ((slash - EACH(1)) & ~slash) | x | (x + EACH(1))) & EACH(0x80);
}

/* Copies bytes as long as they stand for themselves: how many. There is room for all of s, and it is all that is read. */
static size_t copy_plain(uint8_t *to, struct span s)
{
    size_t i = 0;
    for (uint64_t x; s.n - i >= sizeof x; i += sizeof x) {
        memcpy(&x, s.p + i, sizeof x);
        if (not_as_it_is(x) != 0)
            break;
        memcpy(to + i, &x, sizeof x);
    }
    if (s.n - i < sizeof(uint64_t) && s.n >= sizeof(uint32_t)) { /* what is left is less than a word: one that ends there, or two halves */
        uint32_t first, last;
        size_t from = s.n < sizeof(uint64_t) ? 0 : s.n - sizeof(uint64_t);
        memcpy(&first, s.p + from, sizeof first);
        memcpy(&last, s.p + s.n - sizeof last, sizeof last);
        if (not_as_it_is((uint64_t)last << 32 | first) == 0) {
            memcpy(to + from, &first, sizeof first);
            memcpy(to + s.n - sizeof last, &last, sizeof last);
            return s.n;
        }
    }
    for (; i < s.n && as_it_is[s.p[i]]; i++)
        to[i] = s.p[i];
    return i;
}

void jsonw_text(struct jsonw *j, struct span s)
{
    struct buf *b = j->out;
    if (!buf_reserve(b, s.n + 3)) /* most texts are plain: these are written at once */
        return;
    if (j->comma)
        b->p[b->n++] = ',';
    b->p[b->n++] = '"';
    j->comma = true;
    while (s.n > 0) {
        size_t plain = buf_reserve(b, s.n + 1) ? copy_plain(b->p + b->n, s) : 0;
        if (b->failed)
            return;
        b->n += plain;
        (void)span_skip(&s, plain);
        if (s.n == 0)
            break;
        if (s.p[0] < 0x80) {
            escaped(j->out, span_u8(&s));
            continue;
        }
        size_t n = text_utf8_len(s);
        if (n > 0) {
            buf_add_span(j->out, span_take(&s, n));
        } else {
            uint8_t c = span_u8(&s);
            buf_u8(j->out, (uint8_t)(0xc0 | c >> 6));
            buf_u8(j->out, (uint8_t)(0x80 | (c & 0x3f)));
        }
    }
    buf_u8(j->out, '"');
}

void jsonw_str(struct jsonw *j, const char *text)
{
    if (text == NULL)
        jsonw_null(j);
    else
        jsonw_text(j, span_str(text));
}

void jsonw_uint(struct jsonw *j, uint64_t v)
{
    char digits[20];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    before(j);
    buf_add(j->out, digits + n, sizeof digits - n);
}

void jsonw_int(struct jsonw *j, int64_t v)
{
    if (v >= 0) {
        jsonw_uint(j, (uint64_t)v);
        return;
    }
    before(j);
    buf_u8(j->out, '-');
    j->comma = false;
    jsonw_uint(j, (uint64_t)0 - (uint64_t)v);
}

void jsonw_real(struct jsonw *j, double v, int decimals)
{
    if (!isfinite(v)) {
        jsonw_null(j);
        return;
    }
    before(j);
    buf_addf(j->out, "%.*f", decimals, v);
}

void jsonw_bool(struct jsonw *j, bool v)
{
    before(j);
    buf_add_str(j->out, v ? "true" : "false");
}

void jsonw_null(struct jsonw *j)
{
    before(j);
    buf_add(j->out, "null", 4);
}

void jsonw_raw(struct jsonw *j, struct span ready)
{
    before(j);
    buf_add_span(j->out, ready);
}

void jsonw_put_text(struct jsonw *j, const char *key, struct span v)
{
    jsonw_key(j, key);
    jsonw_text(j, v);
}

void jsonw_put_str(struct jsonw *j, const char *key, const char *v)
{
    jsonw_key(j, key);
    jsonw_str(j, v);
}

void jsonw_put_int(struct jsonw *j, const char *key, int64_t v)
{
    jsonw_key(j, key);
    jsonw_int(j, v);
}

void jsonw_put_uint(struct jsonw *j, const char *key, uint64_t v)
{
    jsonw_key(j, key);
    jsonw_uint(j, v);
}

void jsonw_put_bool(struct jsonw *j, const char *key, bool v)
{
    jsonw_key(j, key);
    jsonw_bool(j, v);
}
