#include "door/api/api_private.h"

#include "base/text.h"
#include "door/spoken.h"

#include <stdio.h>

/* Reading requests and writing answers. */

bool answered(const struct call *c)
{
    return c->reply->r.status != 0;
}

/* ── answers ── */

#define SPOKEN_MAX 8192

struct span said(struct call *c, struct span english)
{
    enum tongue tongue = tongue_of(c->request->language);
    if (tongue == TONGUE_ENGLISH)
        return english;
    if (c->spoken.max == 0)
        c->spoken = BUF_INIT(SPOKEN_MAX);
    buf_clear(&c->spoken);
    speak(&c->spoken, tongue, english);
    return buf_ok(&c->spoken) ? buf_span(&c->spoken) : english;
}

static const char *status_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } table[] = {{400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {409, "Conflict"},
                 {412, "Precondition Failed"},
                 {413, "Content Too Large"},
                 {422, "Unprocessable Content"},
                 {428, "Precondition Required"},
                 {429, "Too Many Requests"},
                 {500, "Internal Server Error"},
                 {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status)
            return table[i].title;
    return "Error";
}

void problem_later(struct call *c, int status, const char *code, const char *detail, int64_t retry_after_s)
{
    buf_clear(&c->reply->body);
    c->json = jsonw_to(&c->reply->body);
    c->reply->etag[0] = 0;
    c->reply->r.status = (uint16_t)status;
    (void)snprintf(c->reply->type, sizeof c->reply->type, "application/problem+json");
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_key(j, "type");
    struct buf type = BUF_INIT(128);
    buf_addf(&type, "urn:tourniquet:problem:%s", code);
    jsonw_text(j, buf_span(&type));
    buf_release(&type);
    jsonw_put_str(j, "title", status_title(status));
    jsonw_put_int(j, "status", status);
    jsonw_put_text(j, "detail", said(c, span_str(detail)));
    jsonw_put_str(j, "code", code);
    if (retry_after_s > 0)
        jsonw_put_int(j, "retry_after_s", retry_after_s);
    jsonw_object_end(j);
}

void problem(struct call *c, int status, const char *code, const char *detail)
{
    problem_later(c, status, code, detail, 0);
}

void problem_store(struct call *c, const struct error *e)
{
    (void)e; /* the words are for a log, not for whoever asks */
    problem_later(c, 503, "views", "The keeper cannot read its views now. Try again in a moment.", 5);
}

void set_etag(struct call *c, uint64_t index)
{
    (void)snprintf(c->reply->etag, sizeof c->reply->etag, "%llu", (unsigned long long)index);
}

void put_time(struct jsonw *j, const char *key, tq_time t)
{
    char text[TIME_TEXT];
    jsonw_key(j, key);
    if (t == 0)
        jsonw_null(j);
    else
        jsonw_text(j, span_of(text, time_format(t, text)));
}

void put_optional(struct jsonw *j, const char *key, struct span text)
{
    jsonw_key(j, key);
    if (text.n == 0)
        jsonw_null(j);
    else
        jsonw_text(j, text);
}

void put_ready(struct jsonw *j, const char *key, struct span json, const char *missing)
{
    jsonw_key(j, key);
    jsonw_raw(j, json.n > 0 ? json : span_str(missing));
}

/* ── query ── */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoding (RFC 3986, section 2.1); "+" is a space, as browsers write it. */
static bool decode(struct span in, char *out, size_t size)
{
    size_t n = 0;
    while (in.n > 0) {
        uint8_t ch = span_u8(&in);
        if (ch == '%') {
            int high = hex_digit(span_peek(&in, 0));
            int low = hex_digit(span_peek(&in, 1));
            if (in.n < 2 || high < 0 || low < 0)
                return false;
            ch = (uint8_t)(high << 4 | low);
            (void)span_skip(&in, 2);
        } else if (ch == '+') {
            ch = ' ';
        }
        if (ch < 0x20 || ch == 0x7f || n + 1 >= size)
            return false;
        out[n++] = (char)ch;
    }
    out[n] = 0;
    return text_is_utf8(span_of(out, n));
}

static bool query_raw(struct call *c, const char *name, char *out, size_t size)
{
    struct span query = c->request->query;
    out[0] = 0;
    while (query.n > 0) {
        struct span value = span_until(&query, '&', NULL);
        struct span key = span_until(&value, '=', NULL);
        if (!span_is(key, name))
            continue;
        if (decode(value, out, size))
            return true;
        char detail[96];
        (void)snprintf(detail, sizeof detail, "\"%s\" in the address is too long or not well written.", name);
        problem(c, 400, "query", detail);
        return false;
    }
    return true;
}

bool query_text(struct call *c, const char *name, char out[PARAM_MAX + 1])
{
    return query_raw(c, name, out, PARAM_MAX + 1);
}

bool query_named(struct call *c, const char *name, char out[NAMED_MAX + 1])
{
    return query_raw(c, name, out, NAMED_MAX + 1);
}

void lower(char *text)
{
    for (; *text != 0; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text | 0x20);
}

/* ── cursors ──
 * Hexadecimal of "list|number|order|text": no secret, but nothing to build on either. */

void cursor_write(struct buf *out, const char *list, const struct page *at)
{
    struct buf clear = BUF_INIT(1024);
    buf_addf(&clear, "%s|%lld|%lld|%s", list, (long long)at->number, (long long)at->order, at->text);
    text_hex(out, buf_span(&clear));
    buf_release(&clear);
}

static bool signed_number(struct span text, int64_t *ret)
{
    bool negative = span_peek(&text, 0) == '-';
    if (negative)
        (void)span_skip(&text, 1);
    uint64_t v = 0;
    if (!span_decimal(text, INT64_MAX, &v))
        return false;
    *ret = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

bool cursor_read(struct span cursor, const char *list, struct page *ret)
{
    uint8_t clear[512];
    if (cursor.n / 2 > sizeof clear || !text_unhex(cursor, clear, cursor.n / 2))
        return false;
    struct span s = span_of(clear, cursor.n / 2);
    struct span name = span_until(&s, '|', NULL);
    struct span number = span_until(&s, '|', NULL);
    bool more = false;
    struct span order = span_until(&s, '|', &more);
    struct page page = {.limit = ret->limit, .after = true};
    if (!more || !span_is(name, list) || !signed_number(number, &page.number) || !signed_number(order, &page.order) || s.n >= sizeof page.text ||
        memchr(s.p, 0, s.n) != NULL || !text_is_utf8(s))
        return false;
    if (s.n > 0)
        memcpy(page.text, s.p, s.n);
    page.text[s.n] = 0;
    *ret = page;
    return true;
}

bool query_page(struct call *c, const char *list, struct page *ret)
{
    char text[1024];
    uint64_t limit = LIST_DEFAULT;
    *ret = (struct page){.limit = LIST_DEFAULT};
    if (!query_raw(c, "limit", text, sizeof text))
        return false;
    if (text[0] != 0 && (!span_decimal(span_str(text), LIST_MAX, &limit) || limit == 0)) {
        problem(c, 400, "limit", "\"limit\" is a number from 1 to 200.");
        return false;
    }
    ret->limit = (int64_t)limit;
    if (!query_raw(c, "cursor", text, sizeof text))
        return false;
    if (text[0] != 0 && !cursor_read(span_str(text), list, ret)) {
        problem(c, 400, "cursor", "This cursor does not belong to this list. Start again without one.");
        return false;
    }
    return true;
}

void put_next(struct jsonw *j, const char *list, bool more, const struct page *at)
{
    jsonw_key(j, "next");
    if (!more) {
        jsonw_null(j);
        return;
    }
    struct buf cursor = BUF_INIT(2048);
    cursor_write(&cursor, list, at);
    jsonw_text(j, buf_span(&cursor));
    buf_release(&cursor);
}

void list_begin(struct call *c)
{
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
}

void list_end(struct call *c, const char *list, bool more, const struct page *last, int64_t total, const struct error *e)
{
    jsonw_array_end(&c->json);
    put_next(&c->json, list, more, last);
    jsonw_put_int(&c->json, "total", total);
    jsonw_object_end(&c->json);
    if (total < 0)
        problem_store(c, e);
}

/* ── conditions (RFC 9110, section 13) ── */

static bool names(struct span header, uint64_t etag)
{
    char want[24];
    (void)snprintf(want, sizeof want, "%llu", (unsigned long long)etag);
    while (header.n > 0) {
        struct span one = span_until(&header, ',', NULL);
        while (one.n > 0 && (one.p[0] == ' ' || one.p[0] == '"'))
            (void)span_skip(&one, 1);
        while (one.n > 0 && (one.p[one.n - 1] == ' ' || one.p[one.n - 1] == '"'))
            one.n--;
        if (span_is(one, want))
            return true;
    }
    return false;
}

bool if_match(struct call *c, uint64_t etag)
{
    if (names(c->request->if_match, etag))
        return true;
    problem(c, 412, "changed", "Not saved: it changed since you looked. Compare, then try again.");
    return false;
}

bool not_modified(struct call *c, uint64_t etag)
{
    set_etag(c, etag);
    if (c->request->if_none_match.n == 0 || !names(c->request->if_none_match, etag))
        return false;
    c->reply->r.status = 304;
    return true;
}

bool body_open(struct call *c, struct body *b, struct body_field *fields, size_t n)
{
    char why[160];
    if (body_parse(b, c->request->body, fields, n, why))
        return true;
    problem(c, 400, "body", why);
    return false;
}
