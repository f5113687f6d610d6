/* HL7 in the bodies of HTTP/1.x messages ("HL7 over HTTP", and text that begins with MSH): bodies → messages.
 *
 * 1. A body is HL7 when it begins like a message, or when Content-Type says so. Compressed ones are not read.
 * 2. Ordinary HTTP must cost next to nothing: bodies are counted, not looked at, and a flow in which no body was HL7 among its first LOOK_MESSAGES
 * messages or LOOK_BYTES bytes is given up like any other; only APP_HTTP_FLOWS are looked at at once.
 * 3. A message is counted when its body is complete. The flow stays labelled "http". */
#include "engine/sense/app_hl7_private.h"

#include "wire/http.h"

#include <stdlib.h>

#define APP_HTTP_FLOWS 4096
#define LOOK_MESSAGES 8
#define LOOK_BYTES 65536
#define HEAD_MOST 64 /* HEAD requests whose answers are not here yet */
#define START 9      /* bytes of a body that tell: a byte order mark, then MSH and two delimiters */

enum body { BODY_NONE, BODY_START, BODY_HL7, BODY_OTHER };

struct http_side {
    struct http_reader reader;
    enum body body;
    bool lost;
    uint8_t start_n;
    uint8_t start[START];
};

struct app_http {
    struct http_side side[2];
    uint64_t skipped; /* bytes of bodies that are no HL7 */
    unsigned messages;
    bool certain;    /* a body was HL7: the flow is read to its end */
    uint8_t awaited; /* requests without an answer so far, as far as they are kept */
    uint64_t head;   /* those that were HEAD: bit 0 is the oldest */
};

/* ── recognition ── */

bool app_http_probe(const struct app_where *w, struct span bytes, bool first)
{
    struct app_side *side = &w->f->side[w->direction];
    if (!first && side->http_n == 0)
        return false;
    uint8_t start[sizeof side->http];
    size_t held = first ? 0 : side->http_n;
    memcpy(start, side->http, held);
    size_t n = bytes.n < sizeof start - held ? bytes.n : sizeof start - held;
    memcpy(start + held, bytes.p, n);
    int verdict = http_signature(span_of(start, held + n));
    side->http_n = 0;
    if (verdict == 0) {
        memcpy(side->http, start, held + n);
        side->http_n = (uint8_t)(held + n);
    } else if (verdict > 0) {
        side->http_n = (uint8_t)held;
    }
    return verdict > 0;
}

void app_http_begin(const struct app_where *w, struct span bytes)
{
    struct app_context *c = w->c;
    struct app_flow *f = w->f;
    struct app_side *side = &f->side[w->direction];
    if (c->http_flows == APP_HTTP_FLOWS || f->http != NULL || (f->http = calloc(1, sizeof *f->http)) == NULL)
        return;
    c->http_flows++;
    uint8_t start[5] = {0};
    size_t held = side->http_n < sizeof start ? side->http_n : sizeof start;
    size_t n = bytes.n < sizeof start - held ? bytes.n : sizeof start - held;
    memcpy(start, side->http, held);
    memcpy(start + held, bytes.p, n);
    bool answer = memcmp(start, "HTTP/", sizeof start) == 0;
    f->http->side[w->direction].reader.response = answer;
    f->http->side[!w->direction].reader.response = !answer;
    f->kind = APP_HTTP;
    f->side[0].done = f->side[1].done = false;
    if (side->http_n > 0)
        app_http_data(w, span_of(side->http, side->http_n));
    if (f->http != NULL)
        app_http_data(w, bytes);
}

void app_http_forget(struct app_context *c, struct app_flow *f)
{
    if (f->http == NULL)
        return;
    free(f->http);
    f->http = NULL;
    c->http_flows--;
}

/* Ends what is open in a direction. */
static void end_side(const struct app_where *w, int direction, const char *cut_off)
{
    struct app_where one = *w;
    struct http_side *s = &w->f->http->side[direction];
    one.direction = direction;
    if (s->body == BODY_HL7)
        app_hl7_body_end(&one, cut_off);
    s->body = BODY_NONE;
    app_hl7_body_forget(&one);
}

/* Nothing more is to be learnt from this direction, or from both. */
static void lose(const struct app_where *w, bool both, const char *cut_off)
{
    struct app_flow *f = w->f;
    end_side(w, w->direction, cut_off);
    f->http->side[w->direction].lost = true;
    f->side[w->direction].done = true;
    if (!both && !f->http->side[!w->direction].lost)
        return;
    end_side(w, !w->direction, cut_off);
    f->side[!w->direction].done = true;
    f->kind = APP_OTHER;
    app_http_forget(w->c, f);
}

/* ── bodies ── */

/* Does a body begin like HL7? -1 no, 0 so far, 1 yes. */
static int begins(struct span s)
{
    static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};
    uint8_t framed[MLLP_HELD] = {MLLP_START_BYTE};
    if (charset_by_start(s) > CHARSET_UTF8)
        return 1;
    if (s.n < 3 && s.n > 0 && (memcmp(s.p, mark, s.n) == 0 || s.p[0] >= 0xfe || s.p[0] == 0 || (s.n == 2 && s.p[1] == 0)))
        return 0;
    if (s.n >= 3 && memcmp(s.p, mark, 3) == 0)
        (void)span_skip(&s, 3);
    if (s.n == 0)
        return 0;
    size_t n = s.n < MLLP_HELD - 1 ? s.n : MLLP_HELD - 1;
    memcpy(framed + 1, s.p, n);
    return mllp_signature(span_of(framed, n + 1));
}

static void begin_hl7(const struct app_where *w, struct http_side *s)
{
    enum charset set = CHARSET_NONE;
    (void)charset_named(span_of(s->reader.charset, s->reader.charset_n), &set);
    app_hl7_body_start(w, set);
    s->body = BODY_HL7;
    w->f->http->certain = true;
}

static void take_body(const struct app_where *w, struct http_side *s, struct span bytes, struct span input)
{
    if (s->body == BODY_START && s->start_n == 0 && bytes.n >= START) { /* the usual: it can be read where it lies */
        if (begins(span_of(bytes.p, START)) > 0 || s->reader.hl7)
            begin_hl7(w, s);
        else
            s->body = BODY_OTHER;
    }
    while (s->body == BODY_START && bytes.n > 0) {
        s->start[s->start_n++] = span_u8(&bytes);
        int verdict = s->reader.hl7 ? 1 : begins(span_of(s->start, s->start_n));
        if (verdict < 0 || (verdict == 0 && s->start_n == START)) {
            s->body = BODY_OTHER;
        } else if (verdict > 0) {
            begin_hl7(w, s);
            app_hl7_body(w, span_of(s->start, s->start_n), input);
        }
    }
    if (s->body == BODY_HL7)
        app_hl7_body(w, bytes, input);
    else
        w->f->http->skipped += bytes.n;
}

static bool tired(const struct app_http *h)
{
    return h->messages > LOOK_MESSAGES || h->skipped > LOOK_BYTES;
}

/* A request's header: whether its answer will have a body depends on it. An answer's: what it answers. */
static bool take_header(struct app_http *h, struct http_side *s)
{
    struct http_reader *r = &s->reader;
    if (!r->response) {
        if (r->method == HTTP_CONNECT || h->awaited == HEAD_MOST)
            return false;
        h->head |= (uint64_t)(r->method == HTTP_IS_HEAD) << h->awaited++;
    } else if (r->status >= 200 && h->awaited > 0) {
        r->bodiless = h->head & 1;
        h->head >>= 1;
        h->awaited--;
    }
    s->body = r->coded ? BODY_OTHER : BODY_START;
    s->start_n = 0;
    h->messages++;
    return h->certain || !tired(h);
}

void app_http_data(const struct app_where *w, struct span bytes)
{
    struct app_http *h = w->f->http;
    struct http_side *s = &h->side[w->direction];
    struct span in = bytes;
    struct span got = {0};
    if (s->lost)
        return;
    for (;;) {
        switch (http_next(&s->reader, &in, &got)) {
        case HTTP_MORE:
            if (s->body == BODY_HL7)
                app_hl7_body_pause(w);
            else if (!h->certain && h->skipped > LOOK_BYTES)
                lose(w, true, NULL);
            return;
        case HTTP_HEAD:
            if (!take_header(h, s)) {
                lose(w, true, "the body is not followed to its end");
                return;
            }
            break;
        case HTTP_BODY: take_body(w, s, got, bytes); break;
        case HTTP_END:
            if (s->body == BODY_HL7)
                app_hl7_body_end(w, NULL);
            s->body = BODY_NONE;
            break;
        case HTTP_BAD: lose(w, false, "the body is not ended as its header says"); return;
        }
    }
}

void app_http_gap(const struct app_where *w, uint64_t bytes)
{
    struct http_side *s = &w->f->http->side[w->direction];
    if (s->lost)
        return;
    if (s->body == BODY_HL7)
        app_hl7_body_gap(w);
    else if (s->body == BODY_START)
        s->body = BODY_OTHER; /* its beginning is not known */
    if (!http_gap(&s->reader, bytes))
        lose(w, false, "its end is lost");
}

void app_http_close(const struct app_where *w)
{
    const struct http_side *s = &w->f->http->side[w->direction];
    end_side(w, w->direction, s->reader.to_close ? NULL : "the stream ends before the body does");
}
