#include "wire/url.h"

#include "base/text.h"
#include "wire/mail_head.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool alnum(uint8_t c)
{
    return digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

static int hex(uint8_t c)
{
    return digit(c) ? c - '0' : lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

void url_unescape(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        int high = text.p[i] == '%' && i + 2 < text.n ? hex(text.p[i + 1]) : -1;
        int low = high >= 0 ? hex(text.p[i + 2]) : -1;
        if (low >= 0) {
            buf_u8(out, (uint8_t)(high << 4 | low));
            i += 2;
        } else {
            buf_u8(out, text.p[i]);
        }
    }
}

/* A number as inet_aton reads it. */
static bool loose_number(struct span s, uint64_t *ret, bool *dressed)
{
    unsigned base = 10;
    uint64_t v = 0;
    if (s.n > 1 && s.p[0] == '0') {
        base = lower(s.p[1]) == 'x' ? 16 : 8;
        (void)span_skip(&s, base == 16 ? 2 : 1);
        *dressed = true;
    }
    if (s.n > 12)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        int d = hex(s.p[i]);
        if (d < 0 || (unsigned)d >= base)
            return false;
        v = v * base + (unsigned)d;
    }
    *ret = v;
    return s.n > 0 || base == 16;
}

static bool is_ip(struct span host, bool *dressed)
{
    struct span part[5];
    if (host.n > 0 && host.p[0] == '[')
        return true;
    if (host.n == 0 || !digit(host.p[0]))
        return false;
    size_t n = span_split(host, '.', part, 5);
    if (n > 4)
        return false;
    bool odd = n < 4;
    for (size_t i = 0; i < n; i++) {
        uint64_t v = 0;
        if (!loose_number(part[i], &v, &odd) || (i + 1 < n && v > 255) || v > UINT32_MAX)
            return false;
    }
    *dressed = odd;
    return true;
}

static void read_host(struct span s, struct url *u)
{
    struct buf plain = BUF_INIT(1024);
    url_unescape(&plain, s);
    u->dressed = span_find(&s, '%') < s.n;
    struct span h = mail_trim(buf_span(&plain));
    while (h.n > 0 && h.p[h.n - 1] == '.')
        h.n--;
    for (size_t i = 0; i < h.n && u->host_n + 1 < sizeof u->host; i++) {
        if (h.n - i >= 3 && memcmp(h.p + i, "\xe3\x80\x82", 3) == 0) { /* the ideographic full stop is a dot */
            u->host[u->host_n++] = '.';
            i += 2;
        } else if (h.n - i >= 2 && h.p[i] == 0xc2 && h.p[i + 1] == 0xad) { /* a soft hyphen is nothing */
            i++;
            u->dressed = true;
        } else if (h.p[i] > ' ') {
            u->host[u->host_n++] = (char)lower(h.p[i]);
        }
    }
    u->host[u->host_n] = 0;
    bool dressed = false;
    u->ip = is_ip(span_of(u->host, u->host_n), &dressed);
    u->dressed |= dressed;
    buf_release(&plain);
}

static void read_authority(struct span *rest, struct url *u)
{
    size_t end = 0;
    while (end < rest->n && rest->p[end] != '/' && rest->p[end] != '?' && rest->p[end] != '#')
        end++;
    struct span authority = span_take(rest, end);
    for (size_t i = authority.n; i > 0; i--)
        if (authority.p[i - 1] == '@') {
            u->userinfo = span_of(authority.p, i - 1);
            authority = span_of(authority.p + i, authority.n - i);
            break;
        }
    size_t colon = authority.n;
    for (size_t i = authority.n; i > 0 && (digit(authority.p[i - 1]) || authority.p[i - 1] == ':'); i--)
        if (authority.p[i - 1] == ':') {
            colon = i - 1;
            break;
        }
    uint64_t port = 0;
    if (authority.n > 0 && authority.p[0] == '[' && span_find(&authority, ']') > colon)
        colon = authority.n;
    if (colon < authority.n && span_decimal(span_of(authority.p + colon + 1, authority.n - colon - 1), 65535, &port))
        u->port = (uint32_t)port;
    read_host(span_of(authority.p, colon), u);
}

bool url_read(struct span text, struct buf *scratch, struct url *ret)
{
    static const char *const with_host[] = {"http", "https", "ftp", "ftps", "file", "smb", "ms-word", "ms-excel", "search-ms", "webcal", "ws", "wss"};
    static const char *const without[] = {"mailto", "data", "javascript", "vbscript", "tel", "sms", "cid", "about", "blob", "intent"};
    *ret = (struct url){0};
    text = mail_trim(text);
    buf_clear(scratch);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '\n' && text.p[i] != '\r' && text.p[i] != '\t')
            buf_u8(scratch, text.p[i]);
    if (!buf_ok(scratch))
        return false;
    struct span s = buf_span(scratch);
    while (s.n > 0 && s.p[0] <= ' ')
        (void)span_skip(&s, 1);
    size_t colon = span_find(&s, ':');
    if (colon == s.n || colon == 0 || colon >= sizeof ret->scheme)
        return false;
    for (size_t i = 0; i < colon; i++)
        ret->scheme[i] = (char)lower(s.p[i]);
    bool hosted = false;
    bool known = false;
    for (size_t i = 0; i < sizeof with_host / sizeof with_host[0]; i++)
        hosted |= strcmp(ret->scheme, with_host[i]) == 0;
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
        known |= strcmp(ret->scheme, without[i]) == 0;
    if (!hosted && !known)
        return false;
    (void)span_skip(&s, colon + 1);
    if (!hosted) {
        ret->path = s;
        return true;
    }
    for (size_t i = 0; i < s.n && s.p[i] != '?' && s.p[i] != '#'; i++)
        if (scratch->p[(size_t)(s.p - scratch->p) + i] == '\\')
            scratch->p[(size_t)(s.p - scratch->p) + i] = '/';
    while (s.n > 0 && s.p[0] == '/')
        (void)span_skip(&s, 1);
    read_authority(&s, ret);
    ret->path = s;
    struct span tail = s;
    ret->path = span_of(s.p, span_find(&s, '#'));
    (void)span_until(&tail, '#', NULL);
    ret->fragment = tail;
    struct span q = ret->path;
    ret->path = span_of(q.p, span_find(&q, '?'));
    (void)span_until(&q, '?', NULL);
    ret->query = q;
    return true;
}

static bool ends_link(uint8_t c)
{
    return c <= ' ' || c == '<' || c == '>' || c == '"' || c == '`' || c == '{' || c == '}' || c == '|' || c == '^';
}

bool url_next(struct span *rest, struct span *ret)
{
    static const char *const starts[] = {"http://", "https://", "ftp://", "www.", "hxxp://", "hxxps://"};
    for (size_t i = 0; i < rest->n; i++) {
        uint8_t c = lower(rest->p[i]);
        if ((c != 'h' && c != 'w' && c != 'f') || (i > 0 && alnum(rest->p[i - 1])))
            continue;
        struct span here = span_of(rest->p + i, rest->n - i);
        for (size_t k = 0; k < sizeof starts / sizeof starts[0]; k++) {
            size_t m = strlen(starts[k]);
            if (here.n <= m || !mail_is(span_of(here.p, m), starts[k]) || !(alnum(here.p[m]) || here.p[m] >= 0x80 || here.p[m] == '['))
                continue;
            size_t n = m;
            while (n < here.n && !ends_link(here.p[n]))
                n++;
            while (n > m && strchr(".,;:!?)]'*_", here.p[n - 1]) != NULL)
                n--;
            *ret = span_of(here.p, n);
            (void)span_skip(rest, i + n);
            return true;
        }
    }
    (void)span_skip(rest, rest->n);
    return false;
}

bool url_shown_host(struct span text, char ret_host[URL_HOST])
{
    struct buf scratch = BUF_INIT(4096);
    struct url u;
    text = mail_trim(text);
    bool found = false;
    ret_host[0] = 0;
    if (text.n >= 4 && text.n < 2048) {
        bool scheme = mail_find(text, "://") < 12;
        if (scheme) {
            found = url_read(text, &scratch, &u) && u.host_n > 3;
        } else {
            struct buf whole = BUF_INIT(4096);
            buf_add_str(&whole, "http://");
            buf_add_span(&whole, text);
            found = url_read(buf_span(&whole), &scratch, &u) && u.host_n > 3 && u.userinfo.n == 0;
            buf_release(&whole);
        }
    }
    size_t dots = 0;
    for (size_t i = 0; found && i < u.host_n; i++) {
        uint8_t c = (uint8_t)u.host[i];
        dots += c == '.';
        found = alnum(c) || c == '.' || c == '-' || c >= 0x80;
    }
    size_t last = 0; /* letters of the last label: "report.v2" and "10.5" are no hosts */
    while (found && last < u.host_n && u.host[u.host_n - 1 - last] != '.')
        last++;
    for (size_t i = 0; found && i < last; i++)
        found = !digit((uint8_t)u.host[u.host_n - 1 - i]);
    found = found && dots > 0 && last >= 2 && last <= 18 && u.host[0] != '.';
    if (found)
        (void)memcpy(ret_host, u.host, u.host_n + 1);
    buf_release(&scratch);
    return found;
}

/* ── RFC 3492 ── */

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
    uint32_t k = 0;
    delta = first ? delta / 700 : delta / 2;
    delta += delta / points;
    for (; delta > 455; k += 36)
        delta /= 35;
    return k + 36 * delta / (delta + 38);
}

bool url_punycode(struct span label, struct buf *out)
{
    uint32_t points[64];
    size_t n = 0;
    if (label.n <= 4 || label.n > 63 || !mail_is(span_of(label.p, 4), "xn--"))
        return false;
    (void)span_skip(&label, 4);
    size_t dash = label.n;
    while (dash > 0 && label.p[dash - 1] != '-')
        dash--;
    for (size_t i = 0; i + 1 < dash; i++)
        points[n++] = label.p[i];
    if (dash > 0)
        (void)span_skip(&label, dash);
    uint64_t at = 0;
    uint64_t c = 128;
    uint32_t bias = 72;
    while (label.n > 0) {
        uint64_t start = at;
        uint64_t weight = 1;
        for (uint32_t k = 36;; k += 36) {
            uint8_t b = lower(span_u8(&label));
            if (label.bad)
                return false;
            uint32_t d = b >= 'a' && b <= 'z' ? (uint32_t)(b - 'a') : digit(b) ? (uint32_t)(b - '0') + 26 : 36;
            if (d >= 36)
                return false;
            at += d * weight;
            uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
            if (d < t)
                break;
            weight *= 36 - t;
            if (at > UINT32_MAX || weight > UINT32_MAX)
                return false;
        }
        if (n == 64)
            return false;
        bias = adapt((uint32_t)(at - start), (uint32_t)n + 1, start == 0);
        c += at / (n + 1);
        at %= n + 1;
        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return false;
        (void)memmove(points + at + 1, points + at, (n - at) * sizeof points[0]);
        points[at++] = (uint32_t)c;
        n++;
    }
    uint8_t utf8[4];
    for (size_t i = 0; i < n; i++)
        buf_add(out, utf8, text_utf8_put(utf8, points[i]));
    return n > 0;
}
