#include "base/text.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_hex_to(char *out, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex_digits[p[i] >> 4];
        out[2 * i + 1] = hex_digits[p[i] & 15];
    }
    out[2 * n] = 0;
}

void text_hex(struct buf *out, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        buf_u8(out, (uint8_t)hex_digits[bytes.p[i] >> 4]);
        buf_u8(out, (uint8_t)hex_digits[bytes.p[i] & 15]);
    }
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool text_unhex(struct span text, uint8_t *out, size_t n)
{
    if (text.bad || text.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(text.p[2 * i]);
        int low = hex_value(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void text_base64(struct buf *out, struct span s)
{
    if (!buf_reserve(out, (s.n + 2) / 3 * 4))
        return;
    while (s.n > 0) {
        size_t have = s.n < 3 ? s.n : 3;
        uint32_t v = (uint32_t)s.p[0] << 16 | (have > 1 ? (uint32_t)s.p[1] << 8 : 0) | (have > 2 ? s.p[2] : 0);
        buf_u8(out, (uint8_t)base64_digits[v >> 18]);
        buf_u8(out, (uint8_t)base64_digits[v >> 12 & 63]);
        buf_u8(out, have > 1 ? (uint8_t)base64_digits[v >> 6 & 63] : '=');
        buf_u8(out, have > 2 ? (uint8_t)base64_digits[v & 63] : '=');
        (void)span_skip(&s, have);
    }
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool text_unbase64(struct span s, struct buf *out)
{
    if (s.bad || s.n % 4 != 0)
        return false;
    while (s.n > 0) {
        size_t pad = s.n > 4 ? 0 : s.p[2] == '=' && s.p[3] == '=' ? 2 : s.p[3] == '=' ? 1 : 0;
        uint32_t v = 0;
        for (size_t i = 0; i < 4; i++) {
            int d = i >= 4 - pad ? 0 : base64_value(s.p[i]);
            if (d < 0)
                return false;
            v = v << 6 | (uint32_t)d;
        }
        if ((pad == 1 && (v & 0xff) != 0) || (pad == 2 && (v & 0xffff) != 0))
            return false;
        buf_add(out, (uint8_t[]){(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}, 3 - pad);
        (void)span_skip(&s, 4);
    }
    return buf_ok(out);
}

void text_base64url(struct buf *out, struct span s)
{
    size_t start = out->n;
    text_base64(out, s);
    if (!buf_ok(out))
        return;
    for (size_t i = start; i < out->n; i++)
        out->p[i] = out->p[i] == '+' ? '-' : out->p[i] == '/' ? '_' : out->p[i];
    while (out->n > start && out->p[out->n - 1] == '=')
        out->n--;
}

bool text_unbase64url(struct span s, struct buf *out)
{
    if (s.bad || s.n % 4 == 1)
        return false;
    while (s.n > 0) {
        uint8_t four[4] = {'=', '=', '=', '='};
        struct span some = span_take(&s, s.n < 4 ? s.n : 4);
        for (size_t i = 0; i < some.n; i++) {
            uint8_t c = some.p[i];
            if (c == '+' || c == '/' || c == '=')
                return false;
            four[i] = c == '-' ? '+' : c == '_' ? '/' : c;
        }
        if (!text_unbase64(span_of(four, 4), out))
            return false;
    }
    return true;
}

size_t text_utf8_len(struct span s)
{
    if (s.n == 0)
        return 0;
    uint8_t c = s.p[0];
    if (c < 0x80)
        return 1;
    size_t n = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    if (n == 0 || n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s.p[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && s.p[1] < 0xa0) || (c == 0xed && s.p[1] > 0x9f) || (c == 0xf0 && s.p[1] < 0x90) || (c == 0xf4 && s.p[1] > 0x8f))
        return 0;
    return n;
}

bool text_is_utf8(struct span s)
{
    while (s.n > 0) {
        size_t n = text_utf8_len(s);
        if (n == 0)
            return false;
        (void)span_skip(&s, n);
    }
    return true;
}

size_t text_utf8_put(uint8_t out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
    return n;
}

char *text_decimal(char *out, uint64_t v)
{
    char digits[TEXT_DECIMAL];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    while (n > 0)
        *out++ = digits[--n];
    return out;
}

static bool atom(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != 0 && strchr(".!#$%&'*+/=?^_`{|}~-", c) != NULL);
}

/* The plain form of RFC 5322, section 3.4.1 (dot-atom @ host name): no quotes, no comments, nothing that a mail server could take for two addresses.
 */
bool text_is_mail(struct span mail)
{
    size_t at = span_find(&mail, '@');
    if (mail.n > 254 || at == 0 || at > 64 || at + 3 >= mail.n)
        return false;
    bool dot = true;
    for (size_t i = 0; i < at; i++) {
        if (!atom(mail.p[i]) || (mail.p[i] == '.' && dot))
            return false;
        dot = mail.p[i] == '.';
    }
    if (dot)
        return false;
    dot = true;
    for (size_t i = at + 1; i < mail.n; i++) {
        uint8_t c = mail.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '.')
            return false;
        if (c == '.' && dot)
            return false;
        dot = c == '.';
    }
    return !dot;
}
