#include "wire/mail_head.h"

#include "base/text.h"
#include "wire/charset.h"
#include "wire/mail_transfer.h"

#define PARAMETER_PIECES 32

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool mail_same(struct span a, struct span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool mail_is(struct span a, const char *b)
{
    return mail_same(a, span_str(b));
}

size_t mail_find(struct span a, const char *b)
{
    struct span needle = span_str(b);
    if (needle.n == 0 || needle.n > a.n)
        return a.n;
    uint8_t first = lower(needle.p[0]);
    uint8_t other = first >= 'a' && first <= 'z' ? first & 0xdf : first;
    for (size_t i = 0; i + needle.n <= a.n;) {
        struct span rest = span_of(a.p + i, a.n - i);
        i += span_find_either(&rest, first, other);
        if (i + needle.n > a.n)
            break;
        if (mail_same(span_of(a.p + i, needle.n), needle))
            return i;
        i++;
    }
    return a.n;
}

struct span mail_trim(struct span s)
{
    while (s.n > 0 && blank(s.p[0]))
        (void)span_skip(&s, 1);
    while (s.n > 0 && blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* ── fields ── */

/* Takes one line; *ret is without its end. */
static struct span line_next(struct span *rest)
{
    struct span line = span_until(rest, '\n', NULL);
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool field_name(struct span line, size_t *ret_colon)
{
    size_t colon = span_find(&line, ':');
    size_t end = colon;
    while (end > 0 && (line.p[end - 1] == ' ' || line.p[end - 1] == '\t'))
        end--;
    if (colon == line.n || end == 0 || end > 126)
        return false;
    for (size_t i = 0; i < end; i++)
        if (line.p[i] <= ' ' || line.p[i] >= 127)
            return false;
    *ret_colon = colon;
    return true;
}

bool mail_field_next(struct span *rest, struct mail_field *ret)
{
    while (rest->n > 0) {
        struct span line = line_next(rest);
        size_t colon = 0;
        if (line.n == 0)
            return false;
        bool named = line.p[0] != ' ' && line.p[0] != '\t' && field_name(line, &colon);
        while (rest->n > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t')) { /* what is folded */
            struct span more = line_next(rest);
            if (mail_trim(more).n == 0 && named)
                break; /* a line of blanks only: some writers end the header so */
            line.n = (uint32_t)(more.p + more.n - line.p);
        }
        if (!named)
            continue;
        ret->name = mail_trim(span_of(line.p, colon));
        ret->value = mail_trim(span_of(line.p + colon + 1, line.n - colon - 1));
        return true;
    }
    return false;
}

bool mail_field_find(struct span message, const char *name, size_t n, struct span *ret_value)
{
    struct mail_field f;
    while (mail_field_next(&message, &f)) {
        if (!mail_is(f.name, name))
            continue;
        if (n-- == 0) {
            *ret_value = f.value;
            return true;
        }
    }
    return false;
}

/* ── character sets ── */

/* Sets that charset_named does not have under these names. */
static enum charset mail_charset(struct span name)
{
    enum charset set = CHARSET_NONE;
    if (charset_named(name, &set))
        return set;
    if (mail_is(name, "us-ascii") || mail_is(name, "ansi_x3.4-1968"))
        return CHARSET_ASCII;
    if (mail_is(name, "gb2312") || mail_is(name, "gbk") || mail_is(name, "x-gbk"))
        return CHARSET_GB18030;
    if (mail_is(name, "euc-kr") || mail_is(name, "ks_c_5601-1987"))
        return CHARSET_KS_X_1001;
    if (mail_is(name, "iso-2022-jp"))
        return CHARSET_ISO_2022;
    if (mail_is(name, "latin1"))
        return CHARSET_8859_1;
    return CHARSET_NONE;
}

bool mail_charset_decode(struct buf *out, struct span charset, struct span bytes)
{
    enum charset set = mail_charset(charset);
    enum charset_look looks = charset_look(bytes);
    bool wide = set >= CHARSET_UTF16BE && set <= CHARSET_UTF32LE;
    bool lie = charset.n > 0 && set == CHARSET_NONE;
    if (wide && span_find(&bytes, 0) == bytes.n && bytes.n > 8) { /* text in 16 bits has zeros, but where it is not Latin at all */
        lie = looks == CHARSET_LOOKS_ASCII;
        set = lie ? CHARSET_UTF8 : set;
    }
    if (!wide && set != CHARSET_ISO_2022 && looks == CHARSET_LOOKS_ASCII) {
        buf_add_span(out, bytes);
        return lie;
    }
    if (set == CHARSET_NONE || set == CHARSET_ASCII)
        set = looks == CHARSET_LOOKS_UTF8 ? CHARSET_UTF8 : CHARSET_WINDOWS_1252;
    struct charset_reader r = {.base = set, .switches = set == CHARSET_ISO_2022};
    while (bytes.n > 0 && buf_ok(out)) {
        uint8_t piece[1024];
        struct span before = bytes;
        size_t n = charset_read(&r, &bytes, piece, sizeof piece);
        buf_add(out, piece, n);
        if (bytes.n >= before.n)
            break;
    }
    return lie || r.latin1 || r.lost;
}

/* ── encoded words ── */

/* Takes =?charset?B|Q?text?= at the start of *s. */
static bool encoded_word(struct span *s, struct buf *out)
{
    struct span at = *s;
    if (!span_starts(at, SPAN_LIT("=?")))
        return false;
    (void)span_skip(&at, 2);
    bool more = false;
    struct span charset = span_until(&at, '?', &more);
    struct span way = more ? span_until(&at, '?', &more) : at;
    if (!more || way.n != 1 || charset.n > 64)
        return false;
    size_t end = 0;
    while (end + 1 < at.n && !(at.p[end] == '?' && at.p[end + 1] == '='))
        end++;
    if (end + 1 >= at.n)
        return false;
    struct span text = span_of(at.p, end);
    struct span language = charset;
    charset = span_until(&language, '*', NULL); /* RFC 2231, section 5 */
    struct buf bytes = BUF_INIT(text.n + 4);
    if (lower(way.p[0]) == 'b')
        mail_base64_decode(&bytes, text);
    else if (lower(way.p[0]) == 'q')
        mail_q_decode(&bytes, text);
    else
        return false;
    (void)mail_charset_decode(out, charset, buf_span(&bytes));
    buf_release(&bytes);
    (void)span_skip(&at, end + 2);
    *s = at;
    return true;
}

void mail_words_decode(struct buf *out, struct span value)
{
    size_t start = out->n;
    struct buf raw = BUF_INIT((size_t)value.n * 3 + 64);
    bool last_encoded = false;
    while (value.n > 0) {
        struct span gap = value;
        while (value.n > 0 && blank(value.p[0]))
            (void)span_skip(&value, 1);
        gap.n -= value.n;
        size_t before = raw.n;
        if (gap.n > 0)
            buf_u8(&raw, ' ');
        size_t mark = raw.n;
        struct buf word = BUF_INIT(65536);
        if (encoded_word(&value, &word)) {
            if (last_encoded)
                raw.n = before; /* blanks between encoded words are not shown */
            buf_add_span(&raw, buf_span(&word));
            last_encoded = true;
        } else {
            size_t n = 0;
            while (n < value.n && !blank(value.p[n]) && !(n > 0 && span_starts(span_of(value.p + n, value.n - n), SPAN_LIT("=?"))))
                n++;
            struct span plain = span_take(&value, n);
            (void)mail_charset_decode(&raw, (struct span){0}, plain);
            last_encoded = last_encoded && raw.n == mark;
        }
        buf_release(&word);
        if (!buf_ok(&raw))
            break;
    }
    buf_add_span(out, buf_span(&raw));
    buf_release(&raw);
    for (size_t i = start; i < out->n; i++)
        if (out->p[i] < 0x20 || out->p[i] == 0x7f)
            out->p[i] = ' ';
}

/* ── addresses ── */

/* The end of a quoted string or a comment that begins at i; its last byte's place + 1. */
static size_t quoted_end(struct span s, size_t i)
{
    uint8_t close = s.p[i] == '(' ? ')' : '"';
    unsigned depth = 0;
    for (; i < s.n; i++) {
        if (s.p[i] == '\\') {
            i++;
        } else if (close == ')' && s.p[i] == '(') {
            depth++;
        } else if (s.p[i] == close) {
            if (close == ')' ? --depth == 0 : depth++ > 0)
                return i + 1;
        }
    }
    return s.n;
}

static struct mail_address mailbox(struct span s)
{
    struct mail_address a = {0};
    s = mail_trim(s);
    size_t open = s.n;
    for (size_t i = 0; i < s.n;) {
        if (s.p[i] == '"') {
            i = quoted_end(s, i);
            continue;
        }
        if (s.p[i] == '<')
            open = i; /* the last one counts: a display name may hold another */
        i++;
    }
    if (open < s.n) {
        struct span inside = span_of(s.p + open + 1, s.n - open - 1);
        a.display = mail_trim(span_of(s.p, open));
        a.address = mail_trim(span_until(&inside, '>', NULL));
        size_t colon = span_find(&a.address, ':'); /* an old route: @a,@b:c@d */
        if (a.address.n > 0 && a.address.p[0] == '@' && colon < a.address.n)
            (void)span_skip(&a.address, colon + 1);
        return a;
    }
    size_t comment = span_find(&s, '(');
    struct span before = mail_trim(span_of(s.p, comment));
    if (comment < s.n) {
        a.display = span_of(s.p + comment + 1, s.n - comment - 1);
        if (a.display.n > 0 && a.display.p[a.display.n - 1] == ')')
            a.display.n--;
    }
    if (span_find(&before, '@') < before.n)
        a.address = before;
    else
        a.display = s;
    return a;
}

bool mail_address_next(struct span *rest, struct mail_address *ret)
{
    while (rest->n > 0) {
        size_t i = 0;
        bool inside = false;
        while (i < rest->n) {
            uint8_t c = rest->p[i];
            if (c == '"' || c == '(') {
                size_t end = quoted_end(*rest, i);
                i = end > i ? end : i + 1;
                continue;
            }
            if (c == '<')
                inside = true;
            else if (c == '>')
                inside = false;
            else if (!inside && (c == ',' || c == ';'))
                break;
            i++;
        }
        struct span one = span_of(rest->p, i);
        (void)span_skip(rest, i < rest->n ? i + 1 : i);
        if (mail_trim(one).n == 0)
            continue;
        *ret = mailbox(one);
        return true;
    }
    return false;
}

struct span mail_domain(struct span address)
{
    for (size_t i = address.n; i > 0; i--)
        if (address.p[i - 1] == '@') {
            struct span d = span_of(address.p + i, address.n - i);
            while (d.n > 0 && (d.p[d.n - 1] == '.' || d.p[d.n - 1] == '>' || blank(d.p[d.n - 1])))
                d.n--;
            return d;
        }
    return (struct span){0};
}

void mail_display_decode(struct buf *out, struct span display)
{
    display = mail_trim(display);
    if (display.n >= 2 && display.p[0] == '"' && display.p[display.n - 1] == '"') {
        struct buf plain = BUF_INIT(display.n);
        for (size_t i = 1; i + 1 < display.n; i++) {
            if (display.p[i] == '\\' && i + 2 < display.n)
                i++;
            buf_u8(&plain, display.p[i]);
        }
        mail_words_decode(out, buf_span(&plain));
        buf_release(&plain);
        return;
    }
    mail_words_decode(out, display);
}

/* ── parameters ── */

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void percent_decode(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        int high = i + 2 < s.n && s.p[i] == '%' ? hex(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex(s.p[i + 2]) : -1;
        if (low >= 0) {
            buf_u8(out, (uint8_t)(high << 4 | low));
            i += 2;
        } else {
            buf_u8(out, s.p[i]);
        }
    }
}

struct piece {
    unsigned number;
    bool encoded;
    struct span value;
};

/* Takes the next name=value of *rest. */
static bool pair_next(struct span *rest, struct span *name, struct span *value)
{
    while (rest->n > 0) {
        size_t semicolon = 0;
        while (semicolon < rest->n && rest->p[semicolon] != ';')
            semicolon = rest->p[semicolon] == '"' ? quoted_end(*rest, semicolon) : semicolon + 1;
        struct span one = mail_trim(span_of(rest->p, semicolon < rest->n ? semicolon : rest->n));
        (void)span_skip(rest, semicolon < rest->n ? semicolon + 1 : rest->n);
        bool has = false;
        *name = mail_trim(span_until(&one, '=', &has));
        *value = mail_trim(one);
        if (has && name->n > 0)
            return true;
    }
    return false;
}

/* name, name*, name*N or name*N*: which piece it is. */
static bool piece_of(struct span key, const char *name, struct piece *p)
{
    struct span wanted = span_str(name);
    if (key.n < wanted.n || !mail_same(span_of(key.p, wanted.n), wanted))
        return false;
    (void)span_skip(&key, wanted.n);
    *p = (struct piece){0};
    if (key.n == 0)
        return true;
    if (span_u8(&key) != '*')
        return false;
    while (key.n > 0 && key.p[0] >= '0' && key.p[0] <= '9' && p->number < 1000)
        p->number = p->number * 10 + (unsigned)(span_u8(&key) - '0');
    p->encoded = key.n == 0 ? p->number == 0 : key.p[0] == '*'; /* name*=, name*N*=; name*0= too where it has no quotes */
    return true;
}

static void unquote(struct buf *out, struct span v)
{
    if (v.n > 0 && v.p[0] == '"') {
        for (size_t i = 1; i < v.n && v.p[i] != '"'; i++) {
            if (v.p[i] == '\\' && i + 1 < v.n && (v.p[i + 1] == '"' || v.p[i + 1] == '\\'))
                i++;
            buf_u8(out, v.p[i]);
        }
    } else {
        buf_add_span(out, v);
    }
}

bool mail_parameter(struct span value, const char *name, struct buf *out)
{
    struct piece pieces[PARAMETER_PIECES];
    size_t n = 0;
    struct span key;
    struct span v;
    (void)span_until(&value, ';', NULL);
    while (n < PARAMETER_PIECES && pair_next(&value, &key, &v)) {
        if (!piece_of(key, name, &pieces[n]))
            continue;
        pieces[n].value = v;
        n++;
    }
    if (n == 0)
        return false;
    struct buf whole = BUF_INIT(8192);
    struct span charset = {0};
    bool coded = false;
    for (unsigned want = 0; want < PARAMETER_PIECES; want++) {
        for (size_t i = 0; i < n; i++) {
            if (pieces[i].number != want)
                continue;
            struct span p = pieces[i].value;
            bool quoted = p.n > 0 && p.p[0] == '"';
            if (pieces[i].encoded && !quoted) {
                struct span after = p;
                bool more = false;
                if (want == 0) {
                    struct span set = span_until(&after, '\'', &more);
                    if (more) {
                        (void)span_until(&after, '\'', &more);
                        charset = more ? set : charset;
                        p = more ? after : p;
                    }
                }
                percent_decode(&whole, p);
                coded = true;
            } else {
                unquote(&whole, p);
            }
            break;
        }
    }
    if (coded)
        (void)mail_charset_decode(out, charset, buf_span(&whole));
    else
        mail_words_decode(out, buf_span(&whole)); /* not allowed there, and everywhere */
    buf_release(&whole);
    return true;
}

void mail_token(struct span value, char *out, size_t room)
{
    struct span v = mail_trim(span_until(&value, ';', NULL));
    size_t n = 0;
    for (size_t i = 0; i < v.n && n + 1 < room; i++)
        if (v.p[i] > ' ' && v.p[i] < 127)
            out[n++] = (char)lower(v.p[i]);
    out[n] = 0;
}
