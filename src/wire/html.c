#include "wire/html.h"

#include "base/text.h"
#include "wire/mail_head.h"

static bool space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool letter(uint8_t c)
{
    c |= 0x20;
    return c >= 'a' && c <= 'z';
}

/* Takes a tag's name. */
static void take_name(struct span *s, char out[HTML_NAME])
{
    size_t n = 0;
    while (s->n > 0 && !space(s->p[0]) && s->p[0] != '>' && s->p[0] != '/') {
        uint8_t c = span_u8(s);
        if (n + 1 < HTML_NAME)
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    out[n] = 0;
}

/* Takes everything up to the > that ends the tag, quotes of values minded. A quote that never closes does not hide the rest of the text. */
static struct span take_attributes(struct span *s)
{
    size_t i = 0;
    while (i < s->n && s->p[i] != '>') {
        uint8_t c = s->p[i];
        size_t back = i;
        while (back > 0 && space(s->p[back - 1]))
            back--;
        if ((c == '"' || c == '\'') && back > 0 && s->p[back - 1] == '=') {
            struct span value = span_of(s->p + i + 1, s->n - i - 1);
            size_t end = span_find(&value, c);
            if (end < value.n)
                i += end + 1;
        }
        i++;
    }
    struct span attributes = span_of(s->p, i < s->n ? i : s->n);
    (void)span_skip(s, i < s->n ? i + 1 : s->n);
    return attributes;
}

static size_t find_text(struct span s, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= s.n;) {
        struct span rest = span_of(s.p + i, s.n - i);
        i += span_find(&rest, (uint8_t)text[0]);
        if (i + n <= s.n && memcmp(s.p + i, text, n) == 0)
            return i;
        i++;
    }
    return s.n;
}

static bool is_raw(const char *name)
{
    return strcmp(name, "script") == 0 || strcmp(name, "style") == 0 || strcmp(name, "textarea") == 0 || strcmp(name, "title") == 0 ||
           strcmp(name, "xmp") == 0;
}

static enum html_kind raw_text(struct html *h, struct html_token *t)
{
    struct span s = h->rest;
    char end[HTML_NAME + 2] = "</";
    (void)memcpy(end + 2, h->raw, strlen(h->raw) + 1);
    size_t at = mail_find(s, end);
    t->text = span_take(&h->rest, at);
    t->kind = strcmp(h->raw, "title") == 0 || strcmp(h->raw, "textarea") == 0 ? HTML_TEXT : HTML_RAW;
    (void)memcpy(t->name, h->raw, sizeof t->name);
    h->raw[0] = 0;
    return t->kind;
}

static enum html_kind markup(struct html *h, struct html_token *t)
{
    struct span s = h->rest;
    (void)span_skip(&s, 1);
    if (span_starts(s, SPAN_LIT("!--"))) {
        (void)span_skip(&s, 3);
        size_t end = find_text(s, "-->");
        t->text = span_take(&s, end);
        (void)span_skip(&s, s.n >= 3 ? 3 : s.n);
        t->kind = HTML_COMMENT;
    } else if (s.n > 0 && (s.p[0] == '!' || s.p[0] == '?')) {
        t->text = span_until(&s, '>', NULL);
        t->kind = HTML_COMMENT;
    } else {
        t->kind = s.p[0] == '/' ? HTML_CLOSE : HTML_OPEN;
        if (t->kind == HTML_CLOSE)
            (void)span_skip(&s, 1);
        take_name(&s, t->name);
        t->attributes = take_attributes(&s);
        t->closed = t->attributes.n > 0 && t->attributes.p[t->attributes.n - 1] == '/';
        if (t->kind == HTML_OPEN && is_raw(t->name))
            (void)memcpy(h->raw, t->name, sizeof h->raw);
    }
    h->rest = s;
    return t->kind;
}

static bool begins_markup(struct span s)
{
    return s.n > 1 && (letter(s.p[1]) || s.p[1] == '!' || s.p[1] == '?' || (s.p[1] == '/' && s.n > 2 && letter(s.p[2])));
}

enum html_kind html_next(struct html *h, struct html_token *t)
{
    *t = (struct html_token){0};
    if (h->rest.n == 0)
        return HTML_END;
    if (h->raw[0] != 0) {
        enum html_kind kind = raw_text(h, t);
        if (t->text.n > 0)
            return kind;
        *t = (struct html_token){0};
        if (h->rest.n == 0)
            return HTML_END;
    }
    if (h->rest.p[0] == '<' && begins_markup(h->rest))
        return markup(h, t);
    size_t n = 0;
    do {
        n++;
        struct span rest = span_of(h->rest.p + n, h->rest.n - n);
        n += span_find(&rest, '<');
    } while (n < h->rest.n && !begins_markup(span_of(h->rest.p + n, h->rest.n - n)));
    t->text = span_take(&h->rest, n);
    t->kind = HTML_TEXT;
    return HTML_TEXT;
}

bool html_attribute_next(struct span *rest, struct span *ret_name, struct span *ret_value)
{
    struct span s = *rest;
    while (s.n > 0 && (space(s.p[0]) || s.p[0] == '/'))
        (void)span_skip(&s, 1);
    size_t n = 0;
    while (n < s.n && !space(s.p[n]) && s.p[n] != '=' && !(s.p[n] == '/' && n > 0))
        n++;
    if (n == 0 && s.n > 0)
        n = 1;
    *ret_name = span_take(&s, n);
    *ret_value = (struct span){0};
    struct span after = s;
    while (after.n > 0 && space(after.p[0]))
        (void)span_skip(&after, 1);
    if (after.n > 0 && after.p[0] == '=') {
        (void)span_skip(&after, 1);
        while (after.n > 0 && space(after.p[0]))
            (void)span_skip(&after, 1);
        if (after.n > 0 && (after.p[0] == '"' || after.p[0] == '\'')) {
            uint8_t quote = span_u8(&after);
            *ret_value = span_until(&after, quote, NULL);
        } else {
            size_t end = 0;
            while (end < after.n && !space(after.p[end]))
                end++;
            *ret_value = span_take(&after, end);
        }
        s = after;
    }
    *rest = s;
    return ret_name->n > 0;
}

bool html_attribute(const struct html_token *t, const char *name, struct span *ret_value)
{
    struct span rest = t->attributes;
    struct span key;
    struct span value;
    while (html_attribute_next(&rest, &key, &value))
        if (mail_is(key, name)) {
            *ret_value = value;
            return true;
        }
    return false;
}

/* ── character references ── */

static void put_utf8(struct buf *out, uint32_t c)
{
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    uint8_t utf8[4];
    buf_add(out, utf8, text_utf8_put(utf8, c));
}

static bool number_reference(struct span *s, struct buf *out)
{
    struct span at = *s; /* behind "&#" */
    unsigned base = 10;
    uint32_t v = 0;
    size_t digits = 0;
    if (at.n > 0 && (at.p[0] | 0x20) == 'x') {
        base = 16;
        (void)span_skip(&at, 1);
    }
    for (; at.n > 0; digits++) {
        uint8_t c = at.p[0];
        unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0') : letter(c) && base == 16 && (c | 0x20) <= 'f' ? (c | 0x20U) - 'a' + 10 : 99;
        if (d >= base)
            break;
        v = v > 0x110000 ? v : v * base + d;
        (void)span_skip(&at, 1);
    }
    if (digits == 0)
        return false;
    if (at.n > 0 && at.p[0] == ';')
        (void)span_skip(&at, 1);
    put_utf8(out, v);
    *s = at;
    return true;
}

static bool name_reference(struct span *s, struct buf *out)
{
    static const struct {
        const char *name;
        uint32_t c;
    } names[] = {{"amp", '&'},     {"lt", '<'},       {"gt", '>'},      {"quot", '"'},    {"apos", '\''},     {"nbsp", ' '},     {"copy", 0xa9},
                 {"reg", 0xae},    {"trade", 0x2122}, {"colon", ':'},   {"sol", '/'},     {"period", '.'},    {"commat", '@'},   {"num", '#'},
                 {"quest", '?'},   {"equals", '='},   {"percnt", '%'},  {"shy", 0xad},    {"zwnj", 0x200c},   {"zwj", 0x200d},   {"ensp", ' '},
                 {"emsp", ' '},    {"thinsp", ' '},   {"ndash", '-'},   {"mdash", '-'},   {"hellip", 0x2026}, {"lsquo", '\''},   {"rsquo", '\''},
                 {"ldquo", '"'},   {"rdquo", '"'},    {"aacute", 0xe1}, {"eacute", 0xe9}, {"iacute", 0xed},   {"oacute", 0xf3},  {"uacute", 0xfa},
                 {"ntilde", 0xf1}, {"Aacute", 0xc1},  {"Eacute", 0xc9}, {"Iacute", 0xcd}, {"Oacute", 0xd3},   {"Uacute", 0xda},  {"Ntilde", 0xd1},
                 {"uuml", 0xfc},   {"iquest", 0xbf},  {"iexcl", 0xa1},  {"euro", 0x20ac}, {"Tab", '\t'},      {"NewLine", '\n'}, {"lbrace", '{'}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i].name);
        if (s->n >= n && memcmp(s->p, names[i].name, n) == 0 && (span_peek(s, n) == ';' || !letter(span_peek(s, n)))) {
            (void)span_skip(s, n + (span_peek(s, n) == ';' ? 1 : 0));
            put_utf8(out, names[i].c);
            return true;
        }
    }
    return false;
}

void html_decode(struct buf *out, struct span text)
{
    while (text.n > 0) {
        size_t n = span_find(&text, '&');
        buf_add_span(out, span_take(&text, n));
        if (text.n == 0)
            return;
        struct span at = text;
        (void)span_skip(&at, 1);
        bool number = at.n > 0 && at.p[0] == '#';
        if (number)
            (void)span_skip(&at, 1);
        if (number ? number_reference(&at, out) : name_reference(&at, out)) {
            text = at;
        } else {
            buf_u8(out, '&');
            (void)span_skip(&text, 1);
        }
    }
}
