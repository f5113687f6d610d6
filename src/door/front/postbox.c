/* Invariants
 *  1. A session that asked the keeper something reads nothing until the answer is there: what waits is the client's, and TCP holds it back.
 *  2. What the keeper gets of a mail are pieces in order; the last one holds a byte at least, and says so when something was cut off.
 *  3. A client hears that a mail is taken only behind the keeper's answer that it is on the ledger. */
#include "door/front/postbox.h"

#include "door/front/tls.h"
#include "wire/smtp.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE (512u << 10)     /* bytes of a mail that go to the keeper at once, about */
#define UNREAD_MAX (64u << 10) /* bytes of a client that lie unread */

enum asked { NOTHING, SENDER, SOME, ALL };

struct session {
    struct postbox *box;
    struct bufferevent *line;
    struct event *silence, *end;
    struct smtp smtp;
    enum asked asked;
    uint64_t id;              /* of the request that waits */
    struct buf piece;         /* of the mail, not sent yet */
    size_t sent;              /* bytes of it that the keeper has */
    bool cut;                 /* it is larger than what is taken */
    enum smtp_verdict spoilt; /* not SMTP_TAKEN: a piece was refused, and this is said at the end */
    bool to_tls, to_close;    /* as soon as what was said has gone */
    char peer[INET6_ADDRSTRLEN];
};

struct postbox {
    struct event_base *base;
    struct evconnlistener *listener;
    SSL_CTX *tls;
    char name[SMTP_HOST + 1];
    bool clear;
    bool (*admits)(void *context, const struct sockaddr *from);
    int (*send)(void *context, const struct request *r);
    void *context;
    uint64_t last_id;
    struct session *sessions[POSTBOX_SESSIONS];
};

static void session_free(struct session *s)
{
    for (size_t i = 0; i < POSTBOX_SESSIONS; i++)
        if (s->box->sessions[i] == s)
            s->box->sessions[i] = NULL;
    if (s->line != NULL)
        bufferevent_free(s->line);
    if (s->silence != NULL)
        event_free(s->silence);
    if (s->end != NULL)
        event_free(s->end);
    buf_release(&s->piece);
    free(s);
}

static void say(struct session *s, const struct buf *out)
{
    if (out->n > 0)
        (void)bufferevent_write(s->line, out->p, out->n);
}

static void answer(struct session *s, enum smtp_verdict verdict)
{
    struct buf out = BUF_INIT(SMTP_ANSWERS);
    smtp_answer(&s->smtp, verdict, &out);
    say(s, &out);
    buf_release(&out);
}

static void take_time(struct session *s)
{
    const struct timeval idle = {.tv_sec = POSTBOX_IDLE};
    (void)event_add(s->silence, &idle);
}

/* ── the keeper ── */

/* False: it cannot be asked now. */
static bool ask(struct session *s, enum asked what)
{
    char query[64] = "";
    struct span body = buf_span(&s->piece);
    if (what == SOME)
        body = span_of(s->piece.p, s->piece.n - 1); /* the rest is the last piece, if nothing else comes */
    if (what == SOME || (what == ALL && s->sent > 0))
        (void)snprintf(query, sizeof query, "at=%zu%s", s->sent, what == ALL && s->cut ? "&cut=yes" : "");
    struct request r = {.id = ++s->box->last_id,
                        .door = DOOR_MAIL,
                        .method = what == SENDER ? SPAN_LIT("GET") : SPAN_LIT("POST"),
                        .path = what == SENDER ? SPAN_LIT("/api/v1/session")
                                : what == SOME ? SPAN_LIT("/api/v1/mail/pieces")
                                               : SPAN_LIT("/api/v1/mail"),
                        .query = span_str(query),
                        .session = span_str(s->smtp.from),
                        .peer = span_str(s->peer),
                        .body = what == SENDER ? (struct span){0} : body};
    if (s->box->send(s->box->context, &r) != 0)
        return false;
    if (what == SOME) {
        s->sent += body.n;
        buf_drop_front(&s->piece, body.n);
    }
    s->asked = what;
    s->id = r.id;
    return true;
}

static void forget_mail(struct session *s)
{
    buf_release(&s->piece);
    s->sent = 0;
    s->cut = false;
    s->spoilt = SMTP_TAKEN;
}

static enum smtp_verdict verdict_of(const struct reply *r)
{
    switch (r->status) {
    case 200:
    case 201: return SMTP_TAKEN;
    case 401:
    case 403: return SMTP_UNKNOWN;
    case 422: return memmem(r->body.p, r->body.n, "\"unreadable\"", 12) != NULL ? SMTP_UNREADABLE : SMTP_NO_MAIL;
    case 429: return SMTP_OFTEN;
    default: return SMTP_LATER;
    }
}

static void step(struct session *s);

static void answered(struct session *s, enum smtp_verdict verdict)
{
    enum asked what = s->asked;
    s->asked = NOTHING;
    if (what == SOME) {
        s->spoilt = verdict;
    } else {
        answer(s, verdict);
        if (what == ALL)
            forget_mail(s);
    }
    take_time(s);
    step(s);
}

void postbox_reply(struct postbox *b, const struct reply *r)
{
    for (size_t i = 0; i < POSTBOX_SESSIONS; i++)
        if (b->sessions[i] != NULL && b->sessions[i]->asked != NOTHING && b->sessions[i]->id == r->id) {
            answered(b->sessions[i], verdict_of(r));
            return;
        }
}

void postbox_keeper_gone(struct postbox *b)
{
    for (size_t i = 0; i < POSTBOX_SESSIONS; i++)
        if (b->sessions[i] != NULL && b->sessions[i]->asked != NOTHING)
            answered(b->sessions[i], SMTP_LATER);
}

/* ── the client ── */

static void take(struct session *s, struct span data)
{
    size_t room = REQUEST_MAIL_MAX - s->sent - s->piece.n;
    if (data.n > room)
        s->cut = true;
    if (s->spoilt == SMTP_TAKEN)
        buf_add(&s->piece, data.p, data.n < room ? data.n : room);
    if (!buf_ok(&s->piece))
        s->spoilt = SMTP_LATER;
    else if (s->piece.n > PIECE && !ask(s, SOME))
        s->spoilt = SMTP_LATER;
    if (s->spoilt != SMTP_TAKEN)
        buf_release(&s->piece);
}

static void whole(struct session *s)
{
    if (s->spoilt == SMTP_TAKEN && s->piece.n == 0)
        s->spoilt = SMTP_NO_MAIL;
    else if (s->spoilt == SMTP_TAKEN && !ask(s, ALL))
        s->spoilt = SMTP_LATER;
    if (s->asked != NOTHING)
        return;
    answer(s, s->spoilt);
    forget_mail(s);
}

/* As far as what the client sent goes, or until the keeper has to be waited for. */
static void step(struct session *s)
{
    struct evbuffer *in = bufferevent_get_input(s->line);
    struct buf out = BUF_INIT(64u << 10);
    while (s->asked == NOTHING && !s->to_tls && !s->to_close && evbuffer_get_length(in) > 0) {
        size_t n = evbuffer_get_contiguous_space(in);
        struct span rest = span_of(evbuffer_pullup(in, (ev_ssize_t)n), n);
        struct span data = {0};
        enum smtp_event event = smtp_next(&s->smtp, &rest, &out, &data);
        say(s, &out);
        buf_clear(&out);
        if (event == SMTP_DATA)
            take(s, data);
        (void)evbuffer_drain(in, n - rest.n);
        if (event == SMTP_SENDER && !ask(s, SENDER))
            answer(s, SMTP_LATER);
        if (event == SMTP_END)
            whole(s);
        s->to_tls = event == SMTP_TLS;
        s->to_close = event == SMTP_CLOSE;
    }
    buf_release(&out);
}

static void may_read(struct bufferevent *line, void *context)
{
    (void)line;
    take_time(context);
    step(context);
}

static void set_line(struct session *s, struct bufferevent *line);

/* What the client said is thrown away (RFC 3207, section 5: it came in clear). */
static void begin_tls(struct session *s)
{
    evutil_socket_t fd = bufferevent_getfd(s->line);
    SSL *ssl = SSL_new(s->box->tls);
    (void)bufferevent_setfd(s->line, -1);
    bufferevent_free(s->line);
    s->line = NULL;
    s->to_tls = false;
    struct bufferevent *line = ssl == NULL ? NULL
                                           : bufferevent_openssl_socket_new(s->box->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (line == NULL) {
        SSL_free(ssl);
        (void)close(fd);
        session_free(s);
        return;
    }
    bufferevent_openssl_set_allow_dirty_shutdown(line, 1);
    smtp_secured(&s->smtp);
    forget_mail(s);
    set_line(s, line);
}

static void has_gone(struct bufferevent *line, void *context)
{
    struct session *s = context;
    if (evbuffer_get_length(bufferevent_get_output(line)) > 0)
        return;
    if (s->to_close)
        session_free(s);
    else if (s->to_tls)
        begin_tls(s);
}

static void happened(struct bufferevent *line, short what, void *context)
{
    (void)line;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        session_free(context);
}

static void set_line(struct session *s, struct bufferevent *line)
{
    s->line = line;
    bufferevent_setwatermark(line, EV_READ, 0, UNREAD_MAX);
    bufferevent_setcb(line, may_read, has_gone, happened, s);
    (void)bufferevent_enable(line, EV_READ | EV_WRITE);
}

static void is_silent(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct session *s = context;
    if (s->asked != NOTHING)
        answered(s, SMTP_LATER); /* the keeper's answer comes too late, if it comes */
    else
        session_free(s);
}

static void too_long(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    session_free(context);
}

static void refuse(evutil_socket_t fd, const char *line)
{
    ssize_t n = write(fd, line, strlen(line)); /* a new connection has room for it */
    (void)n;
    (void)close(fd);
}

static void name_peer(struct session *s, const struct sockaddr *from)
{
    const void *at = from->sa_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr
                                                 : (const void *)&((const struct sockaddr_in *)(const void *)from)->sin_addr;
    if (evutil_inet_ntop(from->sa_family, at, s->peer, sizeof s->peer) == NULL)
        s->peer[0] = 0;
}

static void came(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int n, void *context)
{
    (void)listener, (void)n;
    struct postbox *b = context;
    struct session **place = NULL;
    for (size_t i = 0; i < POSTBOX_SESSIONS && place == NULL; i++)
        if (b->sessions[i] == NULL)
            place = &b->sessions[i];
    if (!b->admits(b->context, from)) {
        refuse(fd, "554 5.7.1 This is for the lab's own mail servers (lab.yaml, mail.servers)\r\n");
        return;
    }
    struct session *s = place == NULL ? NULL : calloc(1, sizeof *s);
    struct bufferevent *line = s == NULL ? NULL : bufferevent_socket_new(b->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (line == NULL) {
        free(s);
        refuse(fd, "421 4.3.2 Too many connections: come again in a minute\r\n");
        return;
    }
    *place = s;
    s->box = b;
    s->piece = BUF_SECRET(REQUEST_BODY_MAX);
    s->smtp.offers_tls = true;
    s->smtp.needs_tls = !b->clear;
    (void)snprintf(s->smtp.host, sizeof s->smtp.host, "%s", b->name);
    name_peer(s, from);
    set_line(s, line);
    const struct timeval longest = {.tv_sec = POSTBOX_LONGEST};
    s->silence = evtimer_new(b->base, is_silent, s);
    s->end = evtimer_new(b->base, too_long, s);
    if (s->silence == NULL || s->end == NULL || event_add(s->end, &longest) != 0) {
        session_free(s);
        return;
    }
    take_time(s);
    struct buf out = BUF_INIT(SMTP_ANSWERS);
    smtp_open(&s->smtp, &out);
    say(s, &out);
    buf_release(&out);
}

/* ── life ── */

struct postbox *postbox_new(const struct postbox_options *o, struct error *e)
{
    struct postbox *b = calloc(1, sizeof *b);
    if (b == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the postbox");
        return NULL;
    }
    b->base = o->base;
    b->clear = o->clear;
    b->admits = o->admits;
    b->send = o->send;
    b->context = o->context;
    (void)snprintf(b->name, sizeof b->name, "%s", o->name);
    b->tls = tls_server(o->certificate, o->key, e);
    if (b->tls != NULL) {
        b->listener = evconnlistener_new(b->base, came, b, LEV_OPT_CLOSE_ON_EXEC, 0, o->listen_fd);
        if (b->listener == NULL)
            (void)err_set(e, ERR_SYSTEM, "mail cannot be listened for: the socket is unusable");
    }
    if (b->listener != NULL)
        return b;
    postbox_free(b);
    return NULL;
}

void postbox_free(struct postbox *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < POSTBOX_SESSIONS; i++)
        if (b->sessions[i] != NULL)
            session_free(b->sessions[i]);
    if (b->listener != NULL)
        evconnlistener_free(b->listener);
    SSL_CTX_free(b->tls);
    free(b);
}
