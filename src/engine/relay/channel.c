/* Bytes of one connection: TCP, with or without TLS. Nothing here knows what they mean. */
#include "engine/relay/relay_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* Half-open connections are found by TCP itself: asked after a minute of silence, given up two minutes later, or when what we sent is not taken for a
 * minute. */
enum { KEEP_IDLE_S = 60, KEEP_EVERY_S = 20, KEEP_TIMES = 6, UNACKNOWLEDGED_MS = 60000 };

#define NOT_WATCHED UINT32_MAX

static struct relay_address address_of(const struct sockaddr_storage *from)
{
    struct relay_address a = {0};
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;
        a.family = 4;
        a.port = ntohs(in->sin_port);
        memcpy(a.ip, &in->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)from;
        a.port = ntohs(in->sin6_port);
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in->sin6_addr);
        a.family = mapped ? 4 : 6;
        memcpy(a.ip, in->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
    }
    return a;
}

/* A socket that is no TCP socket (in tests) takes none of these, which does no harm. */
static void prepare(struct channel *c, int fd)
{
    const struct {
        int level;
        int name;
        int value;
    } options[] = {{IPPROTO_TCP, TCP_NODELAY, 1},
                   {SOL_SOCKET, SO_KEEPALIVE, 1},
                   {IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S},
                   {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY_S},
                   {IPPROTO_TCP, TCP_KEEPCNT, KEEP_TIMES},
                   {IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
    struct sockaddr_storage at = {0};
    socklen_t n = sizeof at;
    if (getpeername(fd, (void *)&at, &n) == 0)
        c->connection.peer = address_of(&at);
    at = (struct sockaddr_storage){0};
    n = sizeof at;
    if (getsockname(fd, (void *)&at, &n) == 0)
        c->connection.local = address_of(&at);
}

static bool start_tls(struct channel *c)
{
    const struct session *s = relay_channel_session(c);
    SSL_CTX *context = s->link->context[c->connection.side];
    c->ssl = context == NULL ? NULL : SSL_new(context);
    c->connection.tls = c->ssl != NULL;
    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->watch.fd) != 1)
        return false;
    SSL_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (s->kind ==
        SESSION_DELIVERY) /* gives them back when nothing waits (relay_channel_rest): to take, wipe and free them for each record is dear */
        SSL_clear_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_set_read_ahead(c->ssl, 1); /* a record with one call instead of two */
    if (c->connection.dialed)
        SSL_set_connect_state(c->ssl);
    else
        SSL_set_accept_state(c->ssl);
    c->state = CHANNEL_HANDSHAKE;
    return true;
}

bool relay_channel_take(struct channel *c, int fd)
{
    struct relay_link *link = relay_channel_session(c)->link;
    enum relay_tls tls = link->o.side[c->connection.side].tls;
    c->watch = (struct watch){.kind = WATCH_CHANNEL, .fd = fd, .events = NOT_WATCHED};
    c->waits_since = link->relay->now;
    prepare(c, fd);
    if (tls == RELAY_TLS_OFF || c->clear)
        c->state = CHANNEL_OPEN;
    else if (tls == RELAY_TLS_OPTIONAL && !c->connection.dialed)
        c->state = CHANNEL_PEEK;
    else if (!start_tls(c)) {
        relay_channel_close(c);
        return false;
    }
    c->out.max = SIZE_MAX; /* bounded by invariant 2 */
    relay_channel_interest(c);
    return true;
}

static void say_why(struct channel *c, const char *why)
{
    link_why(relay_channel_session(c)->link, c->connection.side, why);
}

static void tls_why(struct channel *c)
{
    const struct session *s = relay_channel_session(c);
    const struct relay_host *host = &s->link->relay->host;
    long verdict = SSL_get_verify_result(c->ssl);
    unsigned long code = ERR_peek_last_error();
    bool gone = code == 0 || (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
    const char *reason = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : gone ? NULL : ERR_reason_error_string(code);
    char text[160];
    (void)snprintf(text, sizeof text, "TLS: %s", reason != NULL ? reason : "the peer closed the connection");
    say_why(c, text);
    if (c->state == CHANNEL_HANDSHAKE) /* who tells of that asks why, too */
        return;
    if (!gone) { /* with TLS 1.3 a peer that does not take our certificate says so here */
        if (host->handshake != NULL)
            (void)host->handshake(host->context, s->link, &c->connection, c->ssl, false);
        relay_tell(s->link, RELAY_EVENT_TLS_FAILED, c->connection.side, s->id, false, (struct span){0}, s->link->side[c->connection.side].why);
    }
    ERR_clear_error();
}

/* What an SSL call that did not go through means. */
static int tls_outcome(struct channel *c, int n)
{
    const struct session *s = relay_channel_session(c);
    switch (SSL_get_error(c->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        if (c->state == CHANNEL_OPEN && !keep_empties(s)) /* a ticket that came made it take both buffers again */
            (void)SSL_free_buffers(c->ssl);
        return CHANNEL_READ_LATER;
    case SSL_ERROR_WANT_WRITE: c->wants_write = true; return CHANNEL_READ_LATER;
    case SSL_ERROR_ZERO_RETURN: return CHANNEL_READ_END;
    case SSL_ERROR_SSL:
        /* many close TCP without a word in TLS; whether a message was cut off, its own framing says */
        if (c->state == CHANNEL_OPEN && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
            ERR_clear_error();
            return CHANNEL_READ_END;
        }
        tls_why(c);
        return CHANNEL_READ_BROKEN;
    default: tls_why(c); return CHANNEL_READ_BROKEN;
    }
}

int relay_channel_progress(struct channel *c)
{
    if (c->state == CHANNEL_PEEK) {
        uint8_t first;
        ssize_t n = recv(c->watch.fd, &first, 1, MSG_PEEK);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n <= 0) {
            say_why(c, "the peer closed the connection before it said anything");
            return -1;
        }
        if (first != 0x16) { /* no TLS record begins otherwise */
            c->state = CHANNEL_OPEN;
            return 1;
        }
        if (!start_tls(c))
            return -1;
    }
    ERR_clear_error();
    c->wants_write = false;
    int n = SSL_do_handshake(c->ssl);
    if (n == 1) {
        c->state = CHANNEL_OPEN;
        return 1;
    }
    return tls_outcome(c, n) == CHANNEL_READ_LATER ? 0 : -1;
}

int relay_channel_read(struct channel *c, uint8_t *out, size_t max)
{
    if (c->ssl == NULL) {
        ssize_t n = recv(c->watch.fd, out, max, 0);
        if (n >= 0)
            return (int)n;
        if (errno == EAGAIN || errno == EINTR)
            return CHANNEL_READ_LATER;
        bool usual = errno == ECONNRESET && !c->connection.dialed; /* some peers end that way each time */
        say_why(c, usual ? "" : strerror(errno));
        return CHANNEL_READ_BROKEN;
    }
    ERR_clear_error();
    c->wants_write = false;
    int n = SSL_read(c->ssl, out, (int)max);
    return n > 0 ? n : tls_outcome(c, n);
}

void relay_channel_rest(struct channel *c)
{
    if (c->ssl != NULL && c->state == CHANNEL_OPEN)
        (void)SSL_free_buffers(c->ssl); /* where something is in them they stay */
}

bool relay_channel_more(const struct channel *c)
{
    return c->ssl != NULL && SSL_has_pending(c->ssl) == 1;
}

/* How many bytes the peer takes now; -1: broken. */
static ssize_t write_some(struct channel *c, const uint8_t *p, size_t n)
{
    if (c->ssl == NULL) {
        ssize_t written = send(c->watch.fd, p, n, MSG_NOSIGNAL);
        if (written >= 0)
            return written;
        if (errno == EAGAIN || errno == EINTR)
            return 0;
        say_why(c, strerror(errno));
        return -1;
    }
    ERR_clear_error();
    int written = SSL_write(c->ssl, p, n > INT32_MAX ? INT32_MAX : (int)n);
    if (written > 0)
        return written;
    return tls_outcome(c, written) == CHANNEL_READ_LATER ? 0 : -1;
}

/* Writes until the peer takes no more. */
static ssize_t write_all(struct channel *c, const uint8_t *p, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t written = write_some(c, p + done, n - done);
        if (written < 0)
            return -1;
        if (written == 0)
            break;
        done += (size_t)written;
        if (c->ssl == NULL) /* it took what it can take */
            break;
    }
    return (ssize_t)done;
}

bool relay_channel_write(struct channel *c, struct span bytes)
{
    if (c->state != CHANNEL_OPEN)
        return false;
    size_t done = 0;
    if (!relay_channel_waits(c)) {
        ssize_t n = write_all(c, bytes.p, bytes.n);
        if (n < 0)
            return false;
        done = (size_t)n;
        if (done < bytes.n)
            c->waits_since = relay_channel_session(c)->link->relay->now;
    }
    if (done < bytes.n) {
        buf_add(&c->out, bytes.p + done, bytes.n - done);
        if (!buf_ok(&c->out)) {
            say_why(c, "no memory");
            return false;
        }
        relay_channel_interest(c);
    }
    return true;
}

bool relay_channel_flush(struct channel *c)
{
    if (relay_channel_waits(c)) {
        ssize_t n = write_all(c, c->out.p + c->out_at, c->out.n - c->out_at);
        if (n < 0)
            return false;
        c->out_at += (size_t)n;
        if (n > 0)
            c->waits_since = relay_channel_session(c)->link->relay->now;
    }
    if (!relay_channel_waits(c)) {
        buf_release(&c->out);
        c->out_at = 0;
        if (c->shut && !c->shut_done) {
            c->shut_done = true;
            if (c->ssl != NULL)
                (void)SSL_shutdown(c->ssl);
            (void)shutdown(c->watch.fd, SHUT_WR);
        }
    }
    relay_channel_interest(c);
    return true;
}

void relay_channel_shut(struct channel *c)
{
    c->shut = true;
    (void)relay_channel_flush(c);
}

void relay_channel_pause(struct channel *c, bool on)
{
    c->paused = on;
    if (!on) /* taken away from epoll only where something comes meanwhile: channel_interest */
        relay_channel_interest(c);
}

/* The other half of its pair is yet to connect: whether this one goes away meanwhile must be seen without reading. */
static bool lonely(struct channel *c)
{
    const struct session *s = relay_channel_session(c);
    return s->kind == SESSION_PAIR && s->channel[other_side(c->connection.side)].state == CHANNEL_NONE;
}

void relay_channel_interest(struct channel *c)
{
    if (c->watch.fd < 0)
        return;
    uint32_t events = 0;
    if (c->state == CHANNEL_PEEK || c->state == CHANNEL_HANDSHAKE)
        events = c->wants_write ? EPOLLOUT : EPOLLIN;
    else if (c->state == CHANNEL_OPEN)
        events = (c->paused || c->ended ? 0 : EPOLLIN) | (lonely(c) ? EPOLLRDHUP : 0) | (relay_channel_waits(c) || c->wants_write ? EPOLLOUT : 0);
    if (events == c->watch.events)
        return;
    struct epoll_event e = {.events = events, .data.ptr = &c->watch};
    int how = c->watch.events == NOT_WATCHED ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(relay_channel_session(c)->link->relay->epoll, how, c->watch.fd, &e) == 0)
        c->watch.events = events;
}

void relay_channel_close(struct channel *c)
{
    if (c->ssl != NULL) {
        ERR_clear_error();
        if (c->state == CHANNEL_OPEN && !c->shut_done)
            (void)SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
        ERR_clear_error();
        c->ssl = NULL;
    }
    /* who handed it over may have it open for a moment yet: then closing it here is not enough for nothing to come of it any more */
    if (c->watch.fd >= 0 && c->watch.events != NOT_WATCHED)
        (void)epoll_ctl(relay_channel_session(c)->link->relay->epoll, EPOLL_CTL_DEL, c->watch.fd, NULL);
    if (c->watch.fd >= 0)
        (void)close(c->watch.fd);
    c->watch.fd = -1;
    c->state = CHANNEL_NONE;
    buf_release(&c->out);
    c->out_at = 0;
}
