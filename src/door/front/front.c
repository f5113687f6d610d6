/* Invariants
 *  1. A slot of `pending` is in use exactly while the keeper owes a reply; its evhttp request stays ours until evhttp_send_reply, also when the
 * browser has left (libevent then sets its connection to NULL and the send frees it).
 *  2. The lines newest … oldest are the living SSL objects of the listener: added in new_connection, taken out when OpenSSL frees one. At the cap the
 * listener sleeps and the lines that were silent longest are shut, so that nobody keeps others out by holding connections. A line without a whole
 * request for LINE_BEATS is shut too, however it trickles. Shutting is shutdown(2): evhttp sees an end and frees what it owns.
 *  3. What the browser sends reaches the keeper only as a struct request whose every span is capped; what the keeper answers reaches the browser only
 * with the headers of front_secure_headers.
 *  4. A request for another host name is answered with 421 and reaches nobody: a name that an attacker points at us (DNS rebinding) is not ours. */
#include "door/front/front_private.h"
#include "door/spoken.h"

#include "base/text.h"
#include "base/wipe.h"
#include "door/front/asset.h"
#include "door/front/tls.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_SECONDS 60
#define HEADERS_MAX 16384
#define COOKIE "__Host-tourniquet"
#define BEAT_SECONDS 15
#define LINE_BEATS 5                 /* a line may take 60 to 75 s for a request, or for reading an answer */
#define PENDING_BEATS 3              /* the keeper has 30 to 45 s for an answer */
#define SHED (FRONT_CONNECTIONS / 8) /* lines that are shut when all are taken */
#define UNREAD_MAX 65536             /* bytes of a browser that lie unread while an answer is on its way */
#define LARGE_LINES 16               /* requests of more bytes (lists of devices) that may come in at once; further ones wait */

/* ── TLS ── */

static int ssl_owner = -1; /* index of our ex_data in SSL objects; set once */

static void put_newest(struct front *f, struct line *line)
{
    line->beat = f->beats;
    line->newer = NULL;
    line->older = f->newest;
    *(f->newest != NULL ? &f->newest->newer : &f->oldest) = line;
    f->newest = line;
}

static void take_out(struct front *f, struct line *line)
{
    *(line->newer != NULL ? &line->newer->older : &f->newest) = line->older;
    *(line->older != NULL ? &line->older->newer : &f->oldest) = line->newer;
}

static void ssl_gone(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    (void)parent, (void)ad, (void)index, (void)argl, (void)argp;
    struct line *line = ptr;
    if (line == NULL)
        return;
    struct front *f = line->front;
    take_out(f, line);
    f->large -= line->large;
    free(line);
    f->connections--;
    if (f->paused && f->connections < FRONT_CONNECTIONS && f->listener != NULL) {
        f->paused = false;
        (void)evconnlistener_enable(f->listener);
    }
}

static struct bufferevent *bufferevent_of(struct evhttp_request *http)
{
    struct evhttp_connection *connection = http == NULL ? NULL : evhttp_request_get_connection(http);
    return connection == NULL ? NULL : evhttp_connection_get_bufferevent(connection);
}

/* The keeper owes it an answer, or it is an event stream. */
static bool is_held(struct front *f, const struct line *line)
{
    for (size_t i = 0; i < FRONT_PENDING; i++)
        if (f->pending[i].id != 0 && bufferevent_of(f->pending[i].http) == line->bufferevent)
            return true;
    for (size_t i = 0; i < FRONT_STREAMS; i++)
        if (f->streams[i] != NULL && bufferevent_of(f->streams[i]) == line->bufferevent)
            return true;
    return false;
}

/* Shuts up to `most` lines that are not held and that were silent for `beats` at least, the most silent first. */
static void shut_lines(struct front *f, size_t most, unsigned beats)
{
    for (struct line *line = f->oldest; line != NULL && most > 0 && f->beats - line->beat >= beats; line = line->newer) {
        if (is_held(f, line))
            continue;
        (void)shutdown(bufferevent_getfd(line->bufferevent), SHUT_RDWR);
        most--;
    }
}

/* evhttp waits until all of a body lies in the buffer: where one is larger than what may lie unread, room is made for it, for so many lines at once.
 */
static void line_filled(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context)
{
    (void)info;
    struct line *line = context;
    struct front *f = line->front;
    if (evbuffer_get_length(input) < UNREAD_MAX || line->large || f->large == LARGE_LINES || is_held(f, line))
        return;
    line->large = true;
    f->large++;
    bufferevent_setwatermark(line->bufferevent, EV_READ, 0, REQUEST_BODY_MAX + HEADERS_MAX);
}

static struct bufferevent *new_connection(struct event_base *base, void *context)
{
    struct front *f = context;
    SSL *ssl = SSL_new(f->tls);
    struct line *line = calloc(1, sizeof *line);
    if (ssl == NULL || line == NULL)
        abort(); /* evhttp would go on in clear text without a bufferevent of ours: better a restart by the supervisor */
    line->front = f;
    put_newest(f, line);
    (void)SSL_set_ex_data(ssl, ssl_owner, line);
    f->connections++;
    line->bufferevent = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (line->bufferevent == NULL)
        abort();
    bufferevent_openssl_set_allow_dirty_shutdown(line->bufferevent, 1);
    bufferevent_setwatermark(line->bufferevent, EV_READ, 0, UNREAD_MAX);
    if (evbuffer_add_cb(bufferevent_get_input(line->bufferevent), line_filled, line) == NULL)
        abort();
    if (f->connections >= FRONT_CONNECTIONS && !f->paused) {
        f->paused = true;
        (void)evconnlistener_disable(f->listener);
        shut_lines(f, SHED, 0);
    }
    return line->bufferevent;
}

/* A whole request came. */
static void line_spoke(struct front *f, struct evhttp_request *http)
{
    struct bufferevent *b = bufferevent_of(http);
    struct line *line = b == NULL ? NULL : SSL_get_ex_data(bufferevent_openssl_get_ssl(b), ssl_owner);
    if (line == NULL)
        return;
    take_out(f, line);
    put_newest(f, line);
    if (!line->large)
        return;
    line->large = false;
    f->large--;
    bufferevent_setwatermark(b, EV_READ, 0, UNREAD_MAX);
}

static SSL_CTX *new_tls(const struct front_options *o, struct error *e)
{
    if (ssl_owner < 0)
        ssl_owner = SSL_get_ex_new_index(0, NULL, NULL, NULL, ssl_gone);
    return tls_server(o->certificate, o->key, e);
}

/* ── Answers ── */

static void add_header(struct evhttp_request *http, const char *name, const char *value)
{
    (void)evhttp_add_header(evhttp_request_get_output_headers(http), name, value);
}

void front_secure_headers(struct front *f, struct evhttp_request *http)
{
    add_header(http, "X-Content-Type-Options", "nosniff");
    add_header(http, "Referrer-Policy", "no-referrer");
    add_header(http, "Cross-Origin-Opener-Policy", "same-origin");
    add_header(http, "Cross-Origin-Resource-Policy", "same-origin");
    add_header(http, "Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
    if (strcmp(f->name, "localhost") != 0)
        add_header(http, "Strict-Transport-Security", "max-age=31536000");
}

static const char *reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    default: return status < 400 ? "OK" : status < 500 ? "Bad Request" : "Internal Server Error";
    }
}

static void *take(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(n);
}

static void *move(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return wipe_realloc(p, n);
}

static void give_back(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    wipe_free(p);
}

bool front_wipe_freed(void)
{
    event_set_mem_functions(malloc, wipe_realloc, wipe_free);
    return CRYPTO_set_mem_functions(take, move, give_back) == 1;
}

static void wipe_body(const void *bytes, size_t n, void *context)
{
    (void)context;
    OPENSSL_clear_free((void *)(uintptr_t)bytes, n);
}

/* An answer of the keeper's: it may show what is hidden, so its copy is wiped once it is sent. */
static void add_private(struct evbuffer *out, struct span body)
{
    uint8_t *copy = body.n == 0 ? NULL : OPENSSL_malloc(body.n);
    if (copy == NULL)
        return;
    memcpy(copy, body.p, body.n);
    if (evbuffer_add_reference(out, copy, body.n, wipe_body, NULL) != 0)
        wipe_body(copy, body.n, NULL);
}

void front_header(struct evhttp_request *http, const char *name, const char *value)
{
    add_header(http, name, value);
}

static void send_body(struct evhttp_request *http, int status, struct span body);

void front_send(struct evhttp_request *http, int status, struct span body)
{
    send_body(http, status, body);
}

static void send_body(struct evhttp_request *http, int status, struct span body)
{
    struct evbuffer *out = evhttp_request_get_output_buffer(http);
    if (body.n > 0 && evhttp_request_get_command(http) != EVHTTP_REQ_HEAD)
        (void)evbuffer_add(out, body.p, body.n);
    evhttp_send_reply(http, status, reason(status), NULL);
}

/* An error in the form of RFC 9457. detail: plain words of ours. */
static struct span header(struct evhttp_request *http, const char *name, size_t max)
{
    const char *v = evhttp_find_header(evhttp_request_get_input_headers(http), name);
    struct span s = v == NULL ? (struct span){0} : span_str(v);
    return s.n > max ? (struct span){0} : s;
}

void front_problem(struct front *f, struct evhttp_request *http, int status, const char *code, const char *detail)
{
    buf_clear(&f->scratch);
    struct jsonw j = jsonw_to(&f->scratch);
    jsonw_object(&j);
    jsonw_put_str(&j, "type", "about:blank");
    jsonw_put_str(&j, "title", reason(status));
    jsonw_put_int(&j, "status", status);
    jsonw_put_str(&j, "code", code);
    struct buf spoken = BUF_INIT(1024);
    speak(&spoken, tongue_of(header(http, "Accept-Language", 256)), span_str(detail));
    jsonw_put_text(&j, "detail", buf_span(&spoken));
    buf_release(&spoken);
    jsonw_object_end(&j);
    front_secure_headers(f, http);
    add_header(http, "Content-Type", "application/problem+json");
    add_header(http, "Cache-Control", "no-store");
    send_body(http, status, buf_span(&f->scratch));
}

static void add_header_span(struct evhttp_request *http, const char *name, const char *before, struct span value, const char *after)
{
    char text[1024];
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < 0x20 || value.p[i] == 0x7f)
            return;
    int n = snprintf(text, sizeof text, "%s%.*s%s", before, (int)value.n, (const char *)value.p, after);
    if (n > 0 && (size_t)n < sizeof text)
        add_header(http, name, text);
}

static void send_reply(struct front *f, struct evhttp_request *http, const struct reply *r)
{
    front_secure_headers(f, http);
    if (r->type.n > 0)
        add_header_span(http, "Content-Type", "", r->type, "");
    if (span_starts(r->type, SPAN_LIT("application/json")) || span_starts(r->type, SPAN_LIT("application/problem+json")))
        add_header(http, "Content-Disposition", "attachment; filename=\"api.json\""); /* opened by itself it is never shown as a page */
    if (r->etag.n > 0)
        add_header_span(http, "ETag", "\"", r->etag, "\"");
    add_header(http, "Cache-Control", "no-store");
    add_header(http, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    if (r->set_session.n > 0)
        add_header_span(http, "Set-Cookie", COOKIE "=", r->set_session, "; Path=/; Secure; HttpOnly; SameSite=Strict");
    else if (r->clear_session)
        add_header(http, "Set-Cookie", COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    if (evhttp_request_get_command(http) != EVHTTP_REQ_HEAD)
        add_private(evhttp_request_get_output_buffer(http), r->body);
    evhttp_send_reply(http, r->status, reason(r->status), NULL);
}

/* ── Static page ── */

static void send_index(struct front *f, struct evhttp_request *http, const struct asset *a)
{
    static const char token[] = "__CSP_NONCE__";
    uint8_t random[16];
    if (RAND_bytes(random, sizeof random) != 1) {
        front_problem(f, http, 503, "random", "The machine gave no random numbers. Try again.");
        return;
    }
    char nonce[33];
    text_hex_to(nonce, random, sizeof random);
    char policy[512];
    (void)snprintf(
        policy, sizeof policy,
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-%s'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        nonce);
    buf_clear(&f->scratch);
    struct span rest = span_of(a->plain, (size_t)(a->plain_end - a->plain));
    while (rest.n > 0) {
        const uint8_t *hit = memmem(rest.p, rest.n, token, sizeof token - 1);
        buf_add_span(&f->scratch, span_take(&rest, hit == NULL ? rest.n : (size_t)(hit - rest.p)));
        if (hit != NULL) {
            buf_add_str(&f->scratch, nonce);
            (void)span_skip(&rest, sizeof token - 1);
        }
    }
    front_secure_headers(f, http);
    add_header(http, "Content-Type", a->type);
    add_header(http, "Cache-Control", "no-store");
    add_header(http, "Content-Security-Policy", policy);
    send_body(http, 200, buf_span(&f->scratch));
}

static void send_asset(struct front *f, struct evhttp_request *http, const struct asset *a)
{
    struct evkeyvalq *in = evhttp_request_get_input_headers(http);
    const char *match = evhttp_find_header(in, "If-None-Match");
    const char *encodings = evhttp_find_header(in, "Accept-Encoding");
    bool hashed = strncmp(a->path, "/assets/", 8) == 0;
    front_secure_headers(f, http);
    add_header(http, "Content-Type", a->type);
    add_header(http, "ETag", a->etag);
    add_header(http, "Vary", "Accept-Encoding");
    add_header(http, "Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
    add_header(http, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    if (match != NULL && (strstr(match, a->etag) != NULL || strcmp(match, "*") == 0)) {
        evhttp_send_reply(http, 304, reason(304), NULL);
        return;
    }
    struct span body = span_of(a->plain, (size_t)(a->plain_end - a->plain));
    if (a->gzip != NULL && encodings != NULL && strstr(encodings, "gzip") != NULL) {
        body = span_of(a->gzip, (size_t)(a->gzip_end - a->gzip));
        add_header(http, "Content-Encoding", "gzip");
    }
    send_body(http, 200, body);
}

/* ── Requests ── */

static const char *method_name(struct evhttp_request *http)
{
    switch (evhttp_request_get_command(http)) {
    case EVHTTP_REQ_GET:
    case EVHTTP_REQ_HEAD: return "GET";
    case EVHTTP_REQ_POST: return "POST";
    case EVHTTP_REQ_PUT: return "PUT";
    case EVHTTP_REQ_PATCH: return "PATCH";
    case EVHTTP_REQ_DELETE: return "DELETE";
    default: return NULL;
    }
}

/* The value of our session cookie among "a=b; c=d". */
static struct span session_cookie(const char *cookies)
{
    struct span s = cookies == NULL ? (struct span){0} : span_str(cookies);
    while (s.n > 0) {
        struct span one = span_until(&s, ';', NULL);
        while (span_peek(&one, 0) == ' ')
            (void)span_skip(&one, 1);
        bool has_value;
        struct span key = span_until(&one, '=', &has_value);
        if (has_value && span_is(key, COOKIE))
            return one;
    }
    return (struct span){0};
}

static struct span session_of(struct evhttp_request *http)
{
    return session_cookie(evhttp_find_header(evhttp_request_get_input_headers(http), "Cookie"));
}

/* The token of "Authorization: Bearer TOKEN" (RFC 6750, section 2.1). */
static struct span bearer_of(struct evhttp_request *http)
{
    struct span s = header(http, "Authorization", 256);
    if (s.n < 7 || strncasecmp((const char *)s.p, "Bearer ", 7) != 0)
        return (struct span){0};
    (void)span_skip(&s, 7);
    return s;
}

/* Etags come quoted: the quotes go. */
static struct span etag_header(struct evhttp_request *http, const char *name)
{
    struct span s = header(http, name, 256);
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        s = span_of(s.p + 1, s.n - 2);
    return s;
}

/* A free slot for a reply that is owed, with a fresh id; NULL: none. */
static struct pending *new_pending(struct front *f, struct evhttp_request *http, enum ask ask)
{
    for (size_t i = 0; i < FRONT_PENDING; i++)
        if (f->pending[i].id == 0) {
            f->pending[i] = (struct pending){.id = ++f->last_id, .http = http, .ask = ask, .beat = f->beats};
            return &f->pending[i];
        }
    return NULL;
}

void front_forget(struct front *f, const struct evhttp_request *http)
{
    for (size_t i = 0; i < FRONT_PENDING; i++)
        if (f->pending[i].http == http)
            f->pending[i] = (struct pending){0};
}

int front_ask(struct front *f, struct evhttp_request *http, enum ask ask)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
    const char *path = evhttp_uri_get_path(uri);
    const char *query = evhttp_uri_get_query(uri);
    struct evbuffer *in = evhttp_request_get_input_buffer(http);
    size_t length = evbuffer_get_length(in);
    struct evhttp_connection *connection = evhttp_request_get_connection(http);
    char *peer = NULL;
    ev_uint16_t port;
    if (connection != NULL)
        evhttp_connection_get_peer(connection, &peer, &port);
    struct pending *slot = f->keeper ? new_pending(f, http, ask) : NULL;
    if (slot == NULL)
        return -1;
    struct request r = {
        .id = slot->id,
        .door = DOOR_CONSOLE,
        .method = span_str(method_name(http)),
        .path = span_str(path == NULL ? "/" : path),
        .query = query == NULL ? (struct span){0} : span_str(query),
        .session = session_of(http),
        .csrf = header(http, "X-CSRF", 256),
        .bearer = bearer_of(http),
        .proof = header(http, "X-Proof", REQUEST_TEXT_MAX),
        .if_match = etag_header(http, "If-Match"),
        .if_none_match = etag_header(http, "If-None-Match"),
        .language = header(http, "Accept-Language", 256),
        .peer = peer == NULL ? (struct span){0} : span_str(peer),
        .body = length == 0 ? (struct span){0} : span_of(evbuffer_pullup(in, -1), length),
    };
    if (r.session.n > 127)
        r.session = (struct span){0};
    if (r.path.n > REQUEST_TEXT_MAX || r.query.n > REQUEST_TEXT_MAX || f->send(f->context, &r) != 0) {
        *slot = (struct pending){0};
        return -1;
    }
    return 0;
}

int front_ask_landing(struct front *f, struct evhttp_request *http, bool seen)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(http));
    struct pending *slot = f->keeper && path != NULL ? new_pending(f, http, ASK_ANSWER) : NULL;
    if (slot == NULL)
        return -1;
    struct request r = {
        .id = slot->id, .door = DOOR_LANDING, .method = SPAN_LIT("GET"), .path = span_str(path), .query = seen ? SPAN_LIT("seen") : span_of(NULL, 0)};
    if (f->send(f->context, &r) != 0) {
        *slot = (struct pending){0};
        return -1;
    }
    return 0;
}

/* True when the Host header names us: the name alone, or with a port. */
static bool host_is_ours(struct front *f, struct evhttp_request *http)
{
    struct span host = header(http, "Host", 300);
    struct span bare = span_until(&host, ':', NULL);
    return bare.n > 0 && bare.n == strlen(f->name) && strncasecmp((const char *)bare.p, f->name, bare.n) == 0;
}

/* A change that another site's page asked for is refused here already; the keeper checks the CSRF token besides. */
static bool origin_is_ours(struct front *f, struct evhttp_request *http)
{
    struct span site = header(http, "Sec-Fetch-Site", 32);
    if (site.n > 0 && !span_is(site, "same-origin") && !span_is(site, "none"))
        return false;
    struct span origin = header(http, "Origin", 300);
    if (origin.n == 0)
        return true;
    struct span scheme = SPAN_LIT("https://");
    if (!span_starts(origin, scheme))
        return false;
    (void)span_skip(&origin, scheme.n);
    return span_equal(origin, header(http, "Host", 300)) && strncasecmp((const char *)origin.p, f->name, strlen(f->name)) == 0;
}

static void handle_api(struct front *f, struct evhttp_request *http, struct span path)
{
    bool change = evhttp_request_get_command(http) != EVHTTP_REQ_GET && evhttp_request_get_command(http) != EVHTTP_REQ_HEAD;
    if (change && !origin_is_ours(f, http)) {
        front_problem(f, http, 403, "origin", "This request came from another site's page and was refused.");
        return;
    }
    if (change && evbuffer_get_length(evhttp_request_get_input_buffer(http)) > 0) {
        struct span type = header(http, "Content-Type", 128);
        struct span bare = span_until(&type, ';', NULL);
        bool list = span_starts(path, SPAN_LIT("/api/v1/devices/import"));
        bool mail = span_is(path, "/api/v1/mail") || span_is(path, "/api/v1/mail/pieces");
        bool with_code = span_starts(path, SPAN_LIT("/api/v1/enrolments/")); /* no session counts there: any program may post a file */
        if (!with_code && !span_is(bare, list ? "text/csv" : mail ? "message/rfc822" : "application/json")) {
            front_problem(f, http, 415, "content-type",
                          list   ? "Send the list as text/csv."
                          : mail ? "Send the mail as message/rfc822."
                                 : "Send the body as application/json.");
            return;
        }
    }
    bool stream = span_is(path, "/api/v1/stream") && evhttp_request_get_command(http) == EVHTTP_REQ_GET;
    if (front_ask(f, http, stream ? ASK_STREAM : ASK_ANSWER) != 0)
        front_problem(f, http, 503, "keeper", "The keeper is starting or busy. Nothing was changed. Try again in a few seconds.");
}

static void handle(struct evhttp_request *http, void *context)
{
    struct front *f = context;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
    const char *text = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    struct span path = span_str(text == NULL || text[0] == 0 ? "/" : text);
    line_spoke(f, http);
    if (method_name(http) == NULL) {
        front_problem(f, http, 405, "method", "This method is not known here.");
        return;
    }
    if (span_is(path, "/healthz")) {
        front_secure_headers(f, http);
        add_header(http, "Content-Type", "text/plain; charset=utf-8");
        send_body(http, 200, f->locked ? SPAN_LIT("locked\n") : SPAN_LIT("ok\n"));
        return;
    }
    if (!host_is_ours(f, http)) {
        char detail[400];
        (void)snprintf(detail, sizeof detail, "This %s answers only under its own name. Open https://%s with the port you used.",
                       f->landing ? "page" : "console", f->name);
        front_problem(f, http, 421, "host", detail);
        return;
    }
    if (f->landing) {
        landing_handle(f, http, path);
        return;
    }
    if (span_starts(path, SPAN_LIT("/api/")) || span_is(path, "/readyz") || span_is(path, "/metrics")) {
        handle_api(f, http, path);
        return;
    }
    if (evhttp_request_get_command(http) != EVHTTP_REQ_GET && evhttp_request_get_command(http) != EVHTTP_REQ_HEAD) {
        front_problem(f, http, 405, "method", "Pages can only be read.");
        return;
    }
    const struct asset *a = span_is(path, "/") ? NULL : asset_find(path);
    if (a != NULL && !span_is(path, "/index.html")) {
        send_asset(f, http, a);
    } else if (span_starts(path, SPAN_LIT("/assets/"))) {
        front_problem(f, http, 404, "asset", "No such file. Reload the page: it may be newer than what your browser kept.");
    } else {
        send_index(f, http, asset_find(SPAN_LIT("/index.html")));
    }
}

/* ── Life ── */

static void on_heartbeat(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct front *f = context;
    f->beats++;
    for (size_t i = 0; i < FRONT_PENDING; i++) {
        struct pending p = f->pending[i];
        if (p.id == 0 || f->beats - p.beat < PENDING_BEATS)
            continue;
        f->pending[i] = (struct pending){0};
        if (p.ask != ASK_CHECK)
            front_problem(f, p.http, 503, "slow", "The keeper did not answer in time. Look whether the change was made, then try again.");
    }
    shut_lines(f, FRONT_CONNECTIONS, LINE_BEATS);
    stream_beat(f);
}

static int start_http(struct front *f, int listen_fd, struct error *e)
{
    const int on =
        1; /* an answer leaves in pieces (head, body): none waits for the acknowledgement of the one before. Accepted sockets inherit it. */
    (void)setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    f->http = evhttp_new(f->base);
    f->listener = evconnlistener_new(f->base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, listen_fd);
    struct timeval every = {.tv_sec = BEAT_SECONDS};
    f->heartbeat = event_new(f->base, -1, EV_PERSIST, on_heartbeat, f);
    if (f->http == NULL || f->listener == NULL || f->heartbeat == NULL || event_add(f->heartbeat, &every) != 0)
        return err_set(e, ERR_SYSTEM, "no memory for the console's HTTP server, or its socket is unusable");
    evhttp_set_allowed_methods(f->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE);
    evhttp_set_max_headers_size(f->http, HEADERS_MAX);
    evhttp_set_max_body_size(f->http, REQUEST_BODY_MAX);
    evhttp_set_timeout(f->http, IDLE_SECONDS);
    evhttp_set_default_content_type(f->http, NULL);
    evhttp_set_bevcb(f->http, new_connection, f);
    evhttp_set_gencb(f->http, handle, f);
    if (evhttp_bind_listener(f->http, f->listener) == NULL)
        return err_set(e, ERR_SYSTEM, "the console cannot listen on its socket");
    return 0;
}

struct front *front_new(const struct front_options *o, struct error *e)
{
    struct front *f = calloc(1, sizeof *f);
    char *name = strdup(o->name);
    if (f == NULL || name == NULL) {
        free(f);
        free(name);
        (void)err_set(e, ERR_SYSTEM, "no memory for the console");
        return NULL;
    }
    f->base = o->base;
    f->name = name;
    f->landing = o->landing;
    f->send = o->send;
    f->context = o->context;
    f->keeper = true;
    f->scratch = BUF_INIT(1 << 20);
    f->tls = new_tls(o, e);
    if (f->tls == NULL || start_http(f, o->listen_fd, e) != 0) {
        front_free(f);
        return NULL;
    }
    return f;
}

void front_free(struct front *f)
{
    if (f == NULL)
        return;
    front_keeper_gone(f);
    stream_close_all(f);
    if (f->heartbeat != NULL)
        event_free(f->heartbeat);
    struct evconnlistener *listener = f->listener;
    f->listener = NULL;
    if (f->http != NULL)
        evhttp_free(f->http); /* frees the listener that was bound */
    else if (listener != NULL)
        evconnlistener_free(listener);
    SSL_CTX_free(f->tls);
    buf_release(&f->scratch);
    free(f->name);
    free(f);
}

/* Who signs out hears nothing more. */
static void end_streams_of(struct front *f, struct evhttp_request *http)
{
    struct span session = session_of(http);
    for (size_t i = 0; i < FRONT_STREAMS && session.n > 0; i++)
        if (f->streams[i] != NULL && span_equal(session_of(f->streams[i]), session))
            stream_end(f, f->streams[i]);
}

void front_reply(struct front *f, const struct reply *r)
{
    for (size_t i = 0; i < FRONT_PENDING && r->id != 0; i++) {
        if (f->pending[i].id != r->id)
            continue;
        struct pending p = f->pending[i];
        f->pending[i] = (struct pending){0};
        if (p.ask == ASK_CHECK) {
            if (r->status != 200)
                stream_end(f, p.http);
        } else if (p.ask == ASK_STREAM && r->status == 200) {
            stream_open(f, p.http);
        } else {
            if (r->clear_session)
                end_streams_of(f, p.http);
            if (f->landing)
                landing_reply(f, p.http, r);
            else
                send_reply(f, p.http, r);
        }
        return;
    }
}

void front_notice(struct front *f, const struct notice *n)
{
    buf_clear(&f->scratch);
    buf_add_str(&f->scratch, "data: ");
    struct jsonw j = jsonw_to(&f->scratch);
    jsonw_object(&j);
    jsonw_put_text(&j, "topic", n->topic);
    jsonw_put_text(&j, "id", n->id);
    jsonw_put_text(&j, "etag", n->etag);
    jsonw_object_end(&j);
    buf_add_str(&f->scratch, "\n\n");
    if (buf_ok(&f->scratch))
        stream_tell(f, buf_span(&f->scratch));
}

void front_keeper_gone(struct front *f)
{
    f->keeper = false;
    for (size_t i = 0; i < FRONT_PENDING; i++) {
        struct pending p = f->pending[i];
        f->pending[i] = (struct pending){0};
        if (p.id != 0 && p.ask != ASK_CHECK)
            front_problem(f, p.http, 503, "keeper", "The keeper stopped before it answered. Look whether the change was made, then try again.");
    }
}

void front_locked(struct front *f, bool locked)
{
    f->locked = locked;
}

void front_keeper_back(struct front *f)
{
    f->keeper = true;
    stream_tell(f, SPAN_LIT("data: {\"topic\":\"keeper\",\"id\":\"\",\"etag\":\"\"}\n\n"));
}
