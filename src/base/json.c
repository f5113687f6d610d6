#include "base/json.h"

#include "base/text.h"

#include <math.h>

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

void jsonw_name(struct jsonw *j, struct span key)
{
    before(j);
    buf_u8(j->out, '"');
    buf_add_span(j->out, key);
    buf_add(j->out, "\":", 2);
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

void jsonw_text(struct jsonw *j, struct span s)
{
    before(j);
    buf_u8(j->out, '"');
    while (s.n > 0) {
        size_t plain = 0;
        while (plain < s.n && as_it_is[s.p[plain]])
            plain++;
        buf_add(j->out, s.p, plain);
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
