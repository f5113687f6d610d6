/* A witness as a service (C2SP tlog-witness): POST /add-checkpoint, and GET /<hash of the origin>/checkpoint for whoever wants to compare.
 *
 * `tourniquet ledger witness serve` opens what it needs and becomes this program: the witness's folder, the listening socket and, for HTTPS,
 * certificate and key. Then it can open nothing outside the folder and connect to nobody.
 *
 * Invariants
 *  1. One thread, one loop: requests are answered one after the other, so comparing and storing of two never mix; the folder's lock keeps other
 * processes out (record/ledger/witness.c says what holds when it is killed).
 *  2. Everything is bounded: connections (WITNESS_CONNECTIONS), head, body, and the time of a connection without a whole request (STALE_SECONDS),
 * however it trickles.
 *  3. Who asks is not asked: only a log's signature counts. Nothing of an unknown log is kept or logged. */
#include "base/text.h"
#include "door/front/tls.h"
#include "proc/clock.h"
#include "proc/log.h"
#include "proc/sandbox.h"
#include "proc/witness_fds.h"
#include "record/crypto/crypto.h"
#include "record/ledger/ledger.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WITNESS_CONNECTIONS 64
#define BODY_MAX (128u << 10) /* an offer is at most 63 hashes and a note */
#define HEAD_MAX 8192
#define IDLE_SECONDS 15
#define STALE_SECONDS 30
#define UNREAD_MAX (BODY_MAX + HEAD_MAX)

/* A connection. It is held by us besides evhttp, so that it can be looked at until evhttp has let go of it. */
struct line {
    struct bufferevent *b; /* NULL: free */
    tq_time since;         /* monotonic: accepted, or its last whole request */
};

static struct {
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *listener;
    SSL_CTX *tls; /* NULL: plain HTTP */
    bool paused;
    struct line lines[WITNESS_CONNECTIONS];
} w;

_Noreturn static void fail(const struct error *e)
{
    log_line(LOG_LEVEL_ERROR, "%s", e->text);
    _exit(err_exit_status(e)); /* as every role ends: there is nothing to be written or given back */
}

/* ── connections ── */

static bool let_go(struct bufferevent *b)
{
    bufferevent_data_cb read = NULL;
    bufferevent_event_cb event = NULL;
    void *context = NULL;
    bufferevent_getcb(b, &read, NULL, &event, &context);
    return read == NULL && event == NULL; /* bufferevent_free has been called */
}

/* Frees the places of those that evhttp closed, and shuts those that take too long. */
static void sweep(void)
{
    tq_time now = clock_monotonic();
    bool room = false;
    for (size_t i = 0; i < WITNESS_CONNECTIONS; i++) {
        struct line *line = &w.lines[i];
        if (line->b != NULL && now - line->since > STALE_SECONDS * TIME_SECOND)
            (void)shutdown(bufferevent_getfd(line->b), SHUT_RDWR);
        if (line->b != NULL && let_go(line->b)) {
            (void)bufferevent_decref(line->b);
            line->b = NULL;
        }
        room = room || line->b == NULL;
    }
    if (w.paused && room) {
        w.paused = false;
        (void)evconnlistener_enable(w.listener);
    }
}

static void tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what, (void)context;
    sweep();
}

static struct line *free_line(void)
{
    for (size_t i = 0; i < WITNESS_CONNECTIONS; i++)
        if (w.lines[i].b == NULL)
            return &w.lines[i];
    return NULL;
}

static struct bufferevent *new_connection(struct event_base *base, void *context)
{
    (void)context;
    sweep(); /* before the new one has callbacks, which tell a living one */
    struct bufferevent *b = w.tls == NULL ? bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE) : tls_connection(w.tls, base);
    struct line *line = free_line();
    if (b == NULL || line == NULL)
        abort(); /* without a bufferevent of ours evhttp would go on in clear text; the listener sleeps before the last place is taken */
    bufferevent_setwatermark(b, EV_READ, 0, UNREAD_MAX);
    bufferevent_incref(b);
    *line = (struct line){.b = b, .since = clock_monotonic()};
    if (free_line() == NULL) {
        w.paused = true;
        (void)evconnlistener_disable(w.listener);
    }
    return b;
}

static void spoke(struct evhttp_request *http)
{
    struct evhttp_connection *c = evhttp_request_get_connection(http);
    struct bufferevent *b = c == NULL ? NULL : evhttp_connection_get_bufferevent(c);
    for (size_t i = 0; i < WITNESS_CONNECTIONS; i++)
        if (b != NULL && w.lines[i].b == b)
            w.lines[i].since = clock_monotonic();
}

/* ── answers ── */

static void reply(struct evhttp_request *http, int status, const char *reason, const char *type, struct span body)
{
    struct evkeyvalq *head = evhttp_request_get_output_headers(http);
    (void)evhttp_add_header(head, "Content-Type", type);
    (void)evhttp_add_header(head, "Cache-Control", "no-store");
    (void)evhttp_add_header(head, "X-Content-Type-Options", "nosniff");
    if (body.n > 0 && evhttp_request_get_command(http) != EVHTTP_REQ_HEAD)
        (void)evbuffer_add(evhttp_request_get_output_buffer(http), body.p, body.n);
    evhttp_send_reply(http, status, reason, NULL);
}

static void reply_words(struct evhttp_request *http, int status, const char *reason, const char *words)
{
    reply(http, status, reason, "text/plain; charset=utf-8", span_str(words));
}

static void refuse(struct evhttp_request *http, const struct witness_answer *a, const struct error *e)
{
    char text[sizeof e->text + 2];
    (void)snprintf(text, sizeof text, "%s\n", e->text);
    switch (a->verdict) {
    case WITNESS_OTHER_SIZE:
        if (e->class == ERR_CORRUPT)
            log_line(LOG_LEVEL_ERROR, "%s", e->text);
        (void)snprintf(text, sizeof text, "%llu\n", (unsigned long long)a->size);
        reply(http, 409, "Conflict", "text/x.tlog.size", span_str(text));
        break;
    case WITNESS_CONTRADICTS:
        log_line(LOG_LEVEL_ERROR, "%s", e->text);
        reply_words(http, 422, "Unprocessable Content", text);
        break;
    case WITNESS_NOT_SIGNED: reply_words(http, 403, "Forbidden", text); break;
    case WITNESS_UNKNOWN_LOG: reply_words(http, 404, "Not Found", text); break;
    case WITNESS_MALFORMED: reply_words(http, 400, "Bad Request", text); break;
    default:
        log_line(LOG_LEVEL_ERROR, "%s", e->text);
        reply_words(http, 500, "Internal Server Error", "This witness cannot sign now; its own log says why.\n");
    }
}

static void add_checkpoint(struct evhttp_request *http)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(http);
    size_t n = evbuffer_get_length(in);
    struct buf lines = BUF_INIT(4096);
    struct witness_answer answer;
    struct error e = {0};
    struct span body = n == 0 ? span_of(NULL, 0) : span_of(evbuffer_pullup(in, -1), n);
    if (witness_add(".", body, clock_now(), &lines, &answer, &e) == 0)
        reply(http, 200, "OK", "text/plain; charset=utf-8", buf_span(&lines));
    else
        refuse(http, &answer, &e);
    buf_release(&lines);
}

static void show_checkpoint(struct evhttp_request *http, struct span hex)
{
    uint8_t hash[32];
    struct buf note = BUF_INIT(128u << 10);
    struct error e = {0};
    if (text_unhex(hex, hash, sizeof hash) && witness_show(".", hash, &note, &e) == 0)
        reply(http, 200, "OK", "text/plain; charset=utf-8", buf_span(&note));
    else
        reply_words(http, 404, "Not Found", "This witness has cosigned no checkpoint of such a log.\n");
    buf_release(&note);
}

static void handle(struct evhttp_request *http, void *context)
{
    (void)context;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
    const char *text = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    struct span path = span_str(text == NULL ? "" : text);
    bool post = evhttp_request_get_command(http) == EVHTTP_REQ_POST;
    spoke(http);
    if (span_is(path, "/add-checkpoint")) {
        if (post)
            add_checkpoint(http);
        else
            reply_words(http, 405, "Method Not Allowed", "A checkpoint is added with POST.\n");
        return;
    }
    struct span ending = SPAN_LIT("/checkpoint");
    if (!post && path.n == 1 + 64 + ending.n && path.p[0] == '/' && span_equal(span_of(path.p + 65, ending.n), ending))
        show_checkpoint(http, span_of(path.p + 1, 64));
    else
        reply_words(http, 404, "Not Found", "Here is a witness: POST /add-checkpoint, or GET /<hash of a log's origin>/checkpoint.\n");
}

/* ── start ── */

static void stop(evutil_socket_t number, short what, void *context)
{
    (void)number, (void)what, (void)context;
    (void)event_base_loopexit(w.base, NULL);
}

/* Certificate and key: u32 length, certificate, key; by its own descriptor. */
static void load_tls(void)
{
    struct stat st;
    struct error e = {0};
    if (fstat(WITNESS_TLS_FD, &st) != 0)
        return;
    struct buf all = BUF_SECRET(WITNESS_TLS_MAX);
    bool whole = st.st_size > 4 && st.st_size <= WITNESS_TLS_MAX && buf_reserve(&all, (size_t)st.st_size) &&
                 pread(WITNESS_TLS_FD, all.p, (size_t)st.st_size, 0) == st.st_size;
    struct span s = whole ? span_of(all.p, (size_t)st.st_size) : span_of(NULL, 0);
    struct span certificate = span_take(&s, span_be32(&s));
    (void)close(WITNESS_TLS_FD);
    if (s.bad)
        (void)err_set(&e, ERR_SYSTEM, "certificate and key did not come through");
    w.tls = s.bad ? NULL : tls_server(certificate, s, &e);
    buf_release(&all);
    if (w.tls == NULL)
        fail(&e);
}

static void narrow(void)
{
    struct stat st;
    char note[SANDBOX_NOTE];
    struct error e = {0};
    if (fstat(WITNESS_DIR_FD, &st) != 0 || fchdir(WITNESS_DIR_FD) != 0) {
        (void)err_set(&e, ERR_MISUSE, "this is a part of Tourniquet that is started by 'tourniquet ledger witness serve', not by hand");
        fail(&e);
    }
    struct sandbox s = {.role = ROLE_WITNESS, .unprivileged = st.st_uid == geteuid(), .uid = st.st_uid, .data_fd = WITNESS_DIR_FD};
    if (sandbox_narrow(&s, note, &e) != 0)
        fail(&e);
    if (note[0] != 0)
        log_line(LOG_LEVEL_WARNING, "%s", note);
}

static void listen_here(void)
{
    struct timeval second = {.tv_sec = 1};
    struct error e = {0};
    w.base = event_base_new();
    w.http = w.base == NULL ? NULL : evhttp_new(w.base);
    w.listener = w.base == NULL ? NULL : evconnlistener_new(w.base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, WITNESS_LISTEN_FD);
    struct event *beat = w.base == NULL ? NULL : event_new(w.base, -1, EV_PERSIST, tick, NULL);
    struct event *term = w.base == NULL ? NULL : evsignal_new(w.base, SIGTERM, stop, NULL);
    struct event *interrupt = w.base == NULL ? NULL : evsignal_new(w.base, SIGINT, stop, NULL);
    if (w.http == NULL || w.listener == NULL || beat == NULL || term == NULL || interrupt == NULL || event_add(beat, &second) != 0 ||
        event_add(term, NULL) != 0 || event_add(interrupt, NULL) != 0 || evhttp_bind_listener(w.http, w.listener) == NULL) {
        (void)err_set(&e, ERR_SYSTEM, "the witness cannot listen on its socket");
        fail(&e);
    }
    evhttp_set_allowed_methods(w.http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
    evhttp_set_max_headers_size(w.http, HEAD_MAX);
    evhttp_set_max_body_size(w.http, BODY_MAX);
    evhttp_set_timeout(w.http, IDLE_SECONDS);
    evhttp_set_default_content_type(w.http, NULL);
    evhttp_set_bevcb(w.http, new_connection, NULL);
    evhttp_set_gencb(w.http, handle, NULL);
}

int main(void)
{
    struct error e = {0};
    char verifier[256];
    log_speaker("tourniquet witness");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(0077);
    if (crypto_start(&e) != 0)
        fail(&e);
    load_tls();
    narrow();
    if (witness_look(".", verifier, &e) != 0)
        fail(&e);
    listen_here();
    log_line(LOG_LEVEL_INFO, "%s answers over %s", verifier, w.tls == NULL ? "HTTP" : "HTTPS");
    (void)event_base_dispatch(w.base);
    _exit(0);
}
