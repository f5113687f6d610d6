#include "wire/http.h"

#include <strings.h>

enum state { START, FIELDS, LENGTH, CHUNK_LINE, CHUNK, CHUNK_END, TRAILER, TO_CLOSE, DONE, BAD };

int http_signature(struct span s)
{
    static const char *const starts[] = {"POST ", "PUT ", "HTTP/1."};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t n = strlen(starts[i]);
        if (memcmp(s.p, starts[i], s.n < n ? s.n : n) == 0)
            return s.n >= n;
    }
    return -1;
}

static enum http_event bad(struct http_reader *r)
{
    r->state = BAD;
    return HTTP_BAD;
}

/* Takes bytes up to a line feed. True: the line is whole; its beginning is in r->line. */
static bool take_line(struct http_reader *r, struct span *in)
{
    bool whole;
    struct span part = span_until(in, '\n', &whole);
    uint64_t header = (uint64_t)r->header_n + part.n + whole;
    r->header_n = header <= HTTP_HEADER_MAX ? (uint32_t)header : HTTP_HEADER_MAX + 1;
    size_t room = HTTP_LINE - (size_t)r->line_n;
    size_t n = part.n < room ? part.n : room;
    if (n > 0)
        memcpy(r->line + r->line_n, part.p, n);
    r->line_n = (uint8_t)(r->line_n + n);
    if (whole && r->line_n > 0 && r->line_n < HTTP_LINE && r->line[r->line_n - 1] == '\r')
        r->line_n--;
    return whole;
}

static struct span trimmed(struct span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        (void)span_skip(&s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool is_text(struct span s, const char *text)
{
    return s.n == strlen(text) && strncasecmp((const char *)s.p, text, s.n) == 0;
}

static bool contains(struct span s, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= s.n; i++)
        if (strncasecmp((const char *)s.p + i, text, n) == 0)
            return true;
    return false;
}

static bool read_start(struct http_reader *r, struct span line)
{
    struct span first = span_until(&line, ' ', NULL);
    if (r->response) {
        uint64_t status;
        if (!span_starts(first, SPAN_LIT("HTTP/1.")) || !span_decimal(span_until(&line, ' ', NULL), 999, &status))
            return false;
        r->status = (unsigned)status;
        return status >= 100;
    }
    if (first.n == 0 || first.n > 24 || line.n == 0)
        return false;
    for (size_t i = 0; i < first.n; i++)
        if ((first.p[i] < 'A' || first.p[i] > 'Z') && first.p[i] != '-')
            return false;
    r->method = span_is(first, "HEAD") ? HTTP_IS_HEAD : span_is(first, "CONNECT") ? HTTP_CONNECT : HTTP_OTHER;
    return true;
}

static void read_content_type(struct http_reader *r, struct span value)
{
    bool more = true;
    struct span type = trimmed(span_until(&value, ';', &more));
    r->hl7 = contains(type, "hl7") && !contains(type, "xml") && !contains(type, "json");
    while (more) {
        struct span parameter = trimmed(span_until(&value, ';', &more));
        struct span name = span_until(&parameter, '=', NULL);
        if (!is_text(trimmed(name), "charset"))
            continue;
        parameter = trimmed(parameter);
        if (parameter.n >= 2 && parameter.p[0] == '"')
            parameter = span_of(parameter.p + 1, parameter.n - 2);
        r->charset_n = (uint8_t)(parameter.n <= sizeof r->charset ? parameter.n : 0);
        if (r->charset_n > 0)
            memcpy(r->charset, parameter.p, r->charset_n);
    }
}

static void read_field(struct http_reader *r, struct span line)
{
    bool colon;
    struct span name = span_until(&line, ':', &colon);
    struct span value = trimmed(line);
    if (!colon)
        return;
    if (is_text(name, "Content-Length")) {
        uint64_t n;
        if (!span_decimal(value, UINT64_MAX >> 1, &n) || (r->sized && n != r->left)) {
            r->wrong = true;
            return;
        }
        r->sized = true;
        r->left = n;
    } else if (is_text(name, "Transfer-Encoding")) {
        r->transfer = true;
        r->chunked = value.n >= 7 && strncasecmp((const char *)value.p + value.n - 7, "chunked", 7) == 0;
    } else if (is_text(name, "Content-Type")) {
        read_content_type(r, value);
    } else if (is_text(name, "Content-Encoding")) {
        r->coded = value.n > 0 && !is_text(value, "identity");
    }
}

static void start_message(struct http_reader *r)
{
    r->state = START;
    r->bodiless = r->hl7 = r->coded = r->to_close = r->chunked = r->transfer = r->sized = r->wrong = false;
    r->method = HTTP_OTHER;
    r->status = r->charset_n = r->line_n = 0;
    r->left = 0;
    r->header_n = 0;
}

/* The header is read: how the body is framed (RFC 9112, 6.3). */
static enum http_event end_header(struct http_reader *r)
{
    r->line_n = 0;
    r->header_n = 0;
    if (r->transfer && (r->chunked || !r->response))
        r->wrong = !r->chunked; /* a length beside it does not count */
    if (r->wrong || (r->response && r->status == 101))
        return bad(r);
    bool none = r->response && (r->status < 200 || r->status == 204 || r->status == 304);
    if (none)
        r->state = DONE;
    else if (r->chunked)
        r->state = CHUNK_LINE;
    else if (r->sized && !r->transfer)
        r->state = r->left > 0 ? LENGTH : DONE;
    else
        r->state = r->response ? TO_CLOSE : DONE;
    r->to_close = r->state == TO_CLOSE;
    return HTTP_HEAD;
}

/* A line of a header is whole. HTTP_MORE: nothing is to be told. */
static enum http_event header_line(struct http_reader *r)
{
    struct span line = span_of(r->line, r->line_n);
    if (r->state == START) {
        if (line.n == 0) /* line ends between messages are passed over (2.2) */
            return HTTP_MORE;
        if (!read_start(r, line))
            return bad(r);
        r->state = FIELDS;
    } else if (line.n == 0) {
        return end_header(r);
    } else {
        read_field(r, line);
    }
    r->line_n = 0;
    return HTTP_MORE;
}

static unsigned hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16;
}

/* The line before a chunk: its size in hexadecimal, then perhaps extensions. */
static bool chunk_size(struct http_reader *r)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < r->line_n; i++) {
        uint8_t c = r->line[i];
        unsigned v = hex_digit(c);
        if (v == 16)
            break;
        if (i >= 15)
            return false;
        n = n << 4 | v;
    }
    if (i == 0 || (i < r->line_n && r->line[i] != ';' && r->line[i] != ' ' && r->line[i] != '\t'))
        return false;
    r->left = n;
    r->state = n > 0 ? CHUNK : TRAILER;
    r->line_n = 0;
    r->header_n = 0;
    return true;
}

static enum http_event lines(struct http_reader *r, struct span *in)
{
    bool whole = take_line(r, in);
    if (r->header_n > HTTP_HEADER_MAX)
        return bad(r);
    if (!whole)
        return HTTP_MORE;
    if (r->state == START || r->state == FIELDS)
        return header_line(r);
    if (r->state == CHUNK_LINE)
        return chunk_size(r) ? HTTP_MORE : bad(r);
    bool empty = r->line_n == 0;
    r->line_n = 0;
    if (r->state == CHUNK_END) {
        r->state = CHUNK_LINE;
        return empty ? HTTP_MORE : bad(r);
    }
    if (empty) /* the end of the trailer */
        r->state = DONE;
    return HTTP_MORE;
}

static enum http_event body(struct http_reader *r, struct span *in, struct span *ret)
{
    size_t n = r->state != TO_CLOSE && r->left < in->n ? (size_t)r->left : in->n;
    *ret = span_take(in, n);
    if (r->state != TO_CLOSE)
        r->left -= n;
    if (r->left == 0 && r->state != TO_CLOSE)
        r->state = r->state == CHUNK ? CHUNK_END : DONE;
    return HTTP_BODY;
}

enum http_event http_next(struct http_reader *r, struct span *in, struct span *ret)
{
    for (;;) {
        enum http_event event = HTTP_MORE;
        if (r->state == BAD)
            return HTTP_BAD;
        if (r->state == DONE || (r->bodiless && r->state != START && r->state != FIELDS)) {
            start_message(r);
            return HTTP_END;
        }
        if (in->n == 0)
            return HTTP_MORE;
        if (r->state == LENGTH || r->state == CHUNK || r->state == TO_CLOSE)
            return body(r, in, ret);
        event = lines(r, in);
        if (event != HTTP_MORE)
            return event;
    }
}

bool http_gap(struct http_reader *r, uint64_t bytes)
{
    bool open = r->state == TO_CLOSE || ((r->state == LENGTH || r->state == CHUNK) && bytes < r->left);
    if (!open) {
        r->state = BAD;
        return false;
    }
    if (r->state != TO_CLOSE)
        r->left -= bytes;
    return true;
}

bool http_inside(const struct http_reader *r)
{
    return r->state >= LENGTH && r->state <= TO_CLOSE;
}
