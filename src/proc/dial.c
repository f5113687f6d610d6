#include "proc/dial.h"

#include "base/record.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESSES 8 /* of one name that are tried */

struct target {
    socklen_t n;
    struct sockaddr_storage address;
};

struct call {
    bool used;
    uint64_t id;
    int fd; /* the resolver's pipe, or the connecting socket */
    bool resolving;
    pid_t resolver; /* reaped by the supervisor */
    tq_time deadline;
    struct config_endpoint to;
    struct target targets[ADDRESSES];
    size_t n;
    size_t at;
    size_t got; /* bytes of targets that the resolver has written */
    char why[128];
};

struct dialer {
    uid_t uid;
    void (*done)(void *context, uint64_t id, int fd, const char *why);
    void *context;
    struct call calls[DIALS];
};

struct dialer *dialer_new(uid_t uid, void (*done)(void *context, uint64_t id, int fd, const char *why), void *context)
{
    struct dialer *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    *d = (struct dialer){.uid = uid, .done = done, .context = context};
    return d;
}

static void hang_up(struct call *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    if (c->resolving && c->resolver > 0)
        (void)kill(c->resolver, SIGKILL);
    *c = (struct call){.fd = -1};
}

void dial_forget(struct dialer *d)
{
    for (size_t i = 0; i < DIALS; i++)
        if (d->calls[i].used)
            hang_up(&d->calls[i]);
}

void dialer_free(struct dialer *d)
{
    if (d == NULL)
        return;
    dial_forget(d);
    free(d);
}

static void end(struct dialer *d, struct call *c, int fd)
{
    uint64_t id = c->id;
    char why[sizeof c->why];
    memcpy(why, c->why, sizeof why);
    if (fd >= 0)
        c->fd = -1;
    hang_up(c);
    d->done(d->context, id, fd, fd >= 0 ? "" : why);
}

void dial_give_up(struct dialer *d, const char *why)
{
    for (size_t i = 0; i < DIALS; i++) {
        if (!d->calls[i].used)
            continue;
        (void)snprintf(d->calls[i].why, sizeof d->calls[i].why, "%s", why);
        end(d, &d->calls[i], -1);
    }
}

/* ── resolving: in a child, which knows nothing else ── */

_Noreturn static void resolve(const struct config_endpoint *to, uid_t uid, int out)
{
    struct target found[ADDRESSES];
    char port[8];
    size_t n = 0;
    if (dup2(out, 3) < 0)
        _exit(1);
    (void)close_range(4, ~0u, 0);
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0))
        _exit(1);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)snprintf(port, sizeof port, "%u", to->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *all = NULL;
    int r = getaddrinfo(to->host, port, &hints, &all);
    if (r != 0)
        _exit(2);
    memset(found, 0, sizeof found);
    for (struct addrinfo *a = all; a != NULL && n < ADDRESSES; a = a->ai_next) {
        if (a->ai_addrlen > sizeof found[n].address)
            continue;
        found[n].n = a->ai_addrlen;
        memcpy(&found[n++].address, a->ai_addr, a->ai_addrlen);
    }
    size_t done = 0;
    while (done < n * sizeof found[0]) {
        ssize_t wrote = write(3, (const char *)found + done, n * sizeof found[0] - done);
        if (wrote <= 0)
            _exit(1);
        done += (size_t)wrote;
    }
    _exit(0);
}

static void start_resolving(struct dialer *d, struct call *c)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        (void)snprintf(c->why, sizeof c->why, "no pipe: %s", strerror(errno));
        end(d, c, -1);
        return;
    }
    (void)fcntl(ends[1], F_SETFL, 0); /* the child may wait */
    c->resolver = fork();
    if (c->resolver == 0)
        resolve(&c->to, d->uid, ends[1]);
    (void)close(ends[1]);
    c->fd = ends[0];
    c->resolving = true;
    if (c->resolver < 0) {
        (void)snprintf(c->why, sizeof c->why, "its name could not be resolved: %s", strerror(errno));
        end(d, c, -1);
    }
}

/* ── connecting ── */

static bool begin_connect(struct call *c, const struct target *t)
{
    int one = 1;
    c->fd = socket(t->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd >= 0)
        (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (c->fd >= 0 && (connect(c->fd, (const struct sockaddr *)&t->address, t->n) == 0 || errno == EINPROGRESS))
        return true;
    (void)snprintf(c->why, sizeof c->why, "%s", strerror(errno));
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    return false;
}

/* The next address that can be tried; else the end. */
static void connect_next(struct dialer *d, struct call *c, tq_time now)
{
    while (c->at < c->n)
        if (begin_connect(c, &c->targets[c->at++])) {
            c->deadline = now + DIAL_TIME;
            return;
        }
    end(d, c, -1);
}

static void connected(struct dialer *d, struct call *c, tq_time now)
{
    int why = 0;
    socklen_t n = sizeof why;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &n) != 0)
        why = errno;
    if (why == 0) {
        end(d, c, c->fd);
        return;
    }
    (void)snprintf(c->why, sizeof c->why, "%s", strerror(why));
    (void)close(c->fd);
    c->fd = -1;
    connect_next(d, c, now);
}

static void resolved(struct dialer *d, struct call *c, tq_time now)
{
    ssize_t n = read(c->fd, (char *)c->targets + c->got, sizeof c->targets - c->got);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->got += n > 0 ? (size_t)n : 0;
    if (n > 0 && c->got < sizeof c->targets)
        return; /* until it closes its end */
    (void)close(c->fd);
    c->fd = -1;
    c->resolving = false;
    c->n = c->got / sizeof c->targets[0];
    if (c->n == 0)
        (void)snprintf(c->why, sizeof c->why, "its name is not known");
    connect_next(d, c, now);
}

static bool numeric(const struct config_endpoint *to, struct target *ret)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(to->port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(to->port)};
    struct address a;
    if (!address_parse(span_str(to->host), &a))
        return false;
    memcpy(&four.sin_addr, a.bytes, sizeof four.sin_addr);
    memcpy(&six.sin6_addr, a.bytes, sizeof six.sin6_addr);
    *ret = (struct target){.n = a.family == 6 ? sizeof six : sizeof four};
    memcpy(&ret->address, a.family == 6 ? (const void *)&six : (const void *)&four, ret->n);
    return true;
}

void dial(struct dialer *d, uint64_t id, const struct config_endpoint *to, tq_time now)
{
    size_t i = 0;
    while (i < DIALS && d->calls[i].used)
        i++;
    if (i == DIALS) {
        d->done(d->context, id, -1, "too many connections are being made at once");
        return;
    }
    struct call *c = &d->calls[i];
    *c = (struct call){.used = true, .id = id, .fd = -1, .to = *to, .deadline = now + DIAL_TIME};
    if (!numeric(to, &c->targets[0])) {
        start_resolving(d, c);
        return;
    }
    c->n = 1;
    connect_next(d, c, now);
}

/* ── the loop ── */

size_t dial_poll(const struct dialer *d, struct pollfd *p)
{
    size_t n = 0;
    for (size_t i = 0; i < DIALS; i++)
        if (d->calls[i].used)
            p[n++] = (struct pollfd){.fd = d->calls[i].fd, .events = d->calls[i].resolving ? POLLIN : POLLOUT};
    return n;
}

void dial_act(struct dialer *d, const struct pollfd *p, size_t n, tq_time now)
{
    for (size_t k = 0; k < DIALS; k++) {
        struct call *c = &d->calls[k];
        bool ready = false;
        for (size_t i = 0; i < n && c->used && !ready; i++)
            ready = p[i].fd == c->fd && p[i].revents != 0;
        if (!c->used)
            continue;
        if (ready && c->resolving) {
            resolved(d, c, now);
        } else if (ready) {
            connected(d, c, now);
        } else if (now >= c->deadline) {
            (void)snprintf(c->why, sizeof c->why, c->resolving ? "its name could not be resolved in time" : "it does not answer");
            if (c->resolving)
                c->at = c->n;
            else
                (void)close(c->fd);
            if (!c->resolving)
                c->fd = -1;
            connect_next(d, c, now);
        }
    }
}

tq_time dial_deadline(const struct dialer *d)
{
    tq_time first = 0;
    for (size_t i = 0; i < DIALS; i++)
        if (d->calls[i].used && (first == 0 || d->calls[i].deadline < first))
            first = d->calls[i].deadline;
    return first;
}
