#include "proc/desk.h"

#include "proc/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_OUT_MAX (16u << 20) /* bytes that may wait on one line */
#define CONSOLE 0

struct line {
    struct channel channel; /* its out part is guarded by the desk's lock */
    uint32_t generation;
    bool bad; /* to be closed by the main thread */
    char peer[32];
};

struct job {
    struct job *next;
    size_t line;
    uint32_t generation;
    int fd; /* that a local command sent along; -1 */
    size_t n;
    uint8_t bytes[];
};

struct desk {
    void (*answer)(void *context, struct api_clock now, const struct request *request, struct api_reply *ret);
    void (*settle)(void *context, struct api_clock now);
    void (*wake)(void *context);
    void (*complain)(void *context, const struct error *why);
    void *context;
    pthread_t readers[DESK_READERS];
    size_t reader_count;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct job *first;
    struct job **last;
    size_t in_hand;
    bool stopping;
    bool notices_lost; /* the console's line was full: everything is to be told again */
    struct line lines[DESK_LINES];
    size_t polled[DESK_LINES]; /* main thread: which line each pollfd is for */
};

/* ── reader threads ── */

static void put_reply(struct desk *d, const struct job *job, const struct reply *reply)
{
    struct buf encoded = BUF_SECRET(REPLY_BODY_MAX + 10 * REQUEST_TEXT_MAX);
    reply_encode(&encoded, reply);
    struct line *line = &d->lines[job->line];
    (void)pthread_mutex_lock(&d->lock);
    if (line->channel.fd >= 0 && line->generation == job->generation && !line->bad)
        if (!buf_ok(&encoded) || channel_put(&line->channel, MESSAGE_REPLY, buf_span(&encoded), NULL) != 0)
            line->bad = true;
    (void)pthread_mutex_unlock(&d->lock);
    buf_release(&encoded);
    d->wake(d->context);
}

static void answer_job(struct desk *d, const struct job *job, struct api_reply *reply)
{
    struct request request;
    struct error e;
    struct line *line = &d->lines[job->line];
    if (request_decode(span_of(job->bytes, job->n), &request, &e) != 0) {
        (void)pthread_mutex_lock(&d->lock);
        if (line->generation == job->generation)
            line->bad = true;
        (void)pthread_mutex_unlock(&d->lock);
        d->wake(d->context);
        return;
    }
    char peer[sizeof line->peer];
    if (job->line != CONSOLE)
        request.door = DOOR_LOCAL;
    else if (request.door == DOOR_LOCAL)
        request.door = DOOR_CONSOLE;
    if (request.door == DOOR_LOCAL) {
        (void)pthread_mutex_lock(&d->lock);
        memcpy(peer, line->peer, sizeof peer);
        (void)pthread_mutex_unlock(&d->lock);
        request.peer = span_str(peer);
        request.fd = job->fd;
    }
    struct api_clock now = {.wall = clock_now(), .monotonic = clock_monotonic()};
    d->answer(d->context, now, &request, reply);
    reply->r.id = request.id;
    put_reply(d, job, &reply->r);
    if (reply->hidden)
        api_reply_release(reply);
    d->settle(d->context, now);
}

static void *read_requests(void *context)
{
    struct desk *d = context;
    struct api_reply reply = API_REPLY_INIT;
    for (;;) {
        (void)pthread_mutex_lock(&d->lock);
        while (d->first == NULL && !d->stopping)
            (void)pthread_cond_wait(&d->work, &d->lock);
        struct job *job = d->first;
        if (job != NULL && (d->first = job->next) == NULL)
            d->last = &d->first;
        (void)pthread_mutex_unlock(&d->lock);
        if (job == NULL)
            break;
        answer_job(d, job, &reply);
        explicit_bzero(job->bytes, job->n);
        if (job->fd >= 0)
            (void)close(job->fd);
        free(job);
        (void)pthread_mutex_lock(&d->lock);
        bool was_full = d->in_hand-- == DESK_REQUESTS;
        (void)pthread_mutex_unlock(&d->lock);
        if (was_full)
            d->wake(d->context);
    }
    api_reply_release(&reply);
    return NULL;
}

struct desk *desk_new(void (*answer)(void *context, struct api_clock now, const struct request *request, struct api_reply *ret),
                      void (*settle)(void *context, struct api_clock now), void (*wake)(void *context),
                      void (*complain)(void *context, const struct error *why), void *context, struct error *e)
{
    struct desk *d = calloc(1, sizeof *d);
    if (d == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the desk");
        return NULL;
    }
    d->answer = answer;
    d->settle = settle;
    d->wake = wake;
    d->complain = complain;
    d->context = context;
    d->last = &d->first;
    for (size_t i = 0; i < DESK_LINES; i++)
        d->lines[i].channel.fd = -1;
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_cond_init(&d->work, NULL);
    for (; d->reader_count < DESK_READERS; d->reader_count++) {
        int r = pthread_create(&d->readers[d->reader_count], NULL, read_requests, d);
        if (r != 0) {
            (void)err_sys(e, r, "starting a reader");
            desk_free(d);
            return NULL;
        }
    }
    return d;
}

void desk_stop(struct desk *d)
{
    (void)pthread_mutex_lock(&d->lock);
    d->stopping = true;
    (void)pthread_cond_broadcast(&d->work);
    (void)pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < d->reader_count; i++)
        (void)pthread_join(d->readers[i], NULL);
    d->reader_count = 0;
}

void desk_free(struct desk *d)
{
    if (d == NULL)
        return;
    desk_stop(d);
    for (size_t i = 0; i < DESK_LINES; i++)
        if (d->lines[i].channel.fd >= 0) {
            (void)channel_write(&d->lines[i].channel, NULL);
            channel_close(&d->lines[i].channel);
        }
    (void)pthread_cond_destroy(&d->work);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
}

/* ── lines: main thread ── */

static void close_line(struct desk *d, struct line *line)
{
    (void)pthread_mutex_lock(&d->lock);
    channel_close(&line->channel);
    line->generation++;
    line->bad = false;
    (void)pthread_mutex_unlock(&d->lock);
}

static void open_line(struct desk *d, struct line *line, int fd, enum role peer)
{
    (void)pthread_mutex_lock(&d->lock);
    channel_open(&line->channel, fd, ROLE_KEEPER, peer, LINE_OUT_MAX);
    line->channel.in.secret = true; /* passwords come in, keys go out */
    line->channel.out.secret = true;
    line->generation++;
    line->bad = false;
    (void)pthread_mutex_unlock(&d->lock);
}

void desk_identity(struct desk *d, struct span identity)
{
    struct line *line = &d->lines[CONSOLE];
    (void)pthread_mutex_lock(&d->lock);
    if (line->channel.fd >= 0 && channel_put(&line->channel, MESSAGE_IDENTITY, identity, NULL) != 0)
        line->bad = true;
    (void)pthread_mutex_unlock(&d->lock);
}

void desk_console(struct desk *d, int fd, struct span identity)
{
    struct line *line = &d->lines[CONSOLE];
    if (line->channel.fd >= 0)
        close_line(d, line);
    open_line(d, line, fd, ROLE_CONSOLE);
    if (identity.n > 0) /* none before the first start is done: the page has no certificate yet */
        desk_identity(d, identity);
}

bool desk_has_console(const struct desk *d)
{
    return d->lines[CONSOLE].channel.fd >= 0;
}

void desk_local(struct desk *d, int fd)
{
    struct ucred who;
    socklen_t size = sizeof who;
    for (size_t i = CONSOLE + 1; i < DESK_LINES; i++) {
        if (d->lines[i].channel.fd >= 0)
            continue;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
            break;
        open_line(d, &d->lines[i], fd, ROLE_LOCAL);
        (void)pthread_mutex_lock(&d->lock);
        (void)snprintf(d->lines[i].peer, sizeof d->lines[i].peer, "uid %u", (unsigned)who.uid);
        (void)pthread_mutex_unlock(&d->lock);
        return;
    }
    (void)close(fd);
}

static bool put_notice(struct desk *d, const char *topic, const char *id, const char *etag)
{
    struct line *line = &d->lines[CONSOLE];
    if (line->channel.fd < 0 || line->bad)
        return true;
    struct notice n = {.topic = span_str(topic), .id = span_str(id), .etag = span_str(etag)};
    struct buf encoded = BUF_INIT(3 * REQUEST_TEXT_MAX);
    notice_encode(&encoded, &n);
    bool put = buf_ok(&encoded) && channel_put(&line->channel, MESSAGE_NOTICE, buf_span(&encoded), NULL) == 0;
    buf_release(&encoded);
    return put;
}

void desk_notice(struct desk *d, const char *topic, const char *id, const char *etag)
{
    (void)pthread_mutex_lock(&d->lock);
    if (!put_notice(d, topic, id, etag))
        d->notices_lost = true;
    (void)pthread_mutex_unlock(&d->lock);
    d->wake(d->context);
}

/* The console's line had been full and is empty again: whoever watches is told to read everything anew. */
static void tell_lost(struct desk *d)
{
    static const char *const topics[] = {"devices", "results", "findings", "ledger",  "sensor", "today",    "looks", "certificates",
                                         "links",   "people",  "acts",     "reports", "doors",  "training", "mail"};
    d->notices_lost = false;
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        if (!put_notice(d, topics[i], "", ""))
            d->notices_lost = true;
}

size_t desk_poll(struct desk *d, struct pollfd *fds)
{
    size_t n = 0;
    (void)pthread_mutex_lock(&d->lock);
    if (d->notices_lost && channel_waiting(&d->lines[CONSOLE].channel) == 0)
        tell_lost(d);
    for (size_t i = 0; i < DESK_LINES; i++) {
        struct line *line = &d->lines[i];
        if (line->channel.fd < 0)
            continue;
        short events = (short)((d->in_hand < DESK_REQUESTS ? POLLIN : 0) | (channel_waiting(&line->channel) > 0 ? POLLOUT : 0));
        d->polled[n] = i;
        fds[n++] = (struct pollfd){.fd = line->channel.fd, .events = events};
    }
    (void)pthread_mutex_unlock(&d->lock);
    return n;
}

static int take_request(struct desk *d, size_t at, const struct message *m, struct error *e)
{
    struct job *job = malloc(sizeof *job + m->body.n);
    if (job == NULL) {
        if (m->fd_count > 0)
            (void)close(m->fds[0]);
        return err_set(e, ERR_SYSTEM, "no memory for a request");
    }
    *job = (struct job){.fd = m->fd_count > 0 ? m->fds[0] : -1, .line = at, .generation = d->lines[at].generation, .n = m->body.n};
    if (job->n > 0)
        memcpy(job->bytes, m->body.p, job->n);
    (void)pthread_mutex_lock(&d->lock);
    *d->last = job;
    d->last = &job->next;
    d->in_hand++;
    (void)pthread_cond_signal(&d->work);
    (void)pthread_mutex_unlock(&d->lock);
    return 0;
}

static bool has_room(struct desk *d)
{
    (void)pthread_mutex_lock(&d->lock);
    bool room = d->in_hand < DESK_REQUESTS;
    (void)pthread_mutex_unlock(&d->lock);
    return room;
}

/* Requests that are complete, while there is room. */
static int take_requests(struct desk *d, size_t at, struct error *e)
{
    int r = 1;
    while (r == 1 && has_room(d)) {
        struct message m;
        r = channel_next(&d->lines[at].channel, &m, e);
        if (r == 1 && take_request(d, at, &m, e) != 0)
            r = -1;
    }
    channel_forget(&d->lines[at].channel); /* a passphrase may have come */
    return r < 0 ? -1 : 0;
}

static int serve_line(struct desk *d, size_t at, short events, struct error *e)
{
    struct line *line = &d->lines[at];
    if ((events & POLLOUT) != 0) {
        (void)pthread_mutex_lock(&d->lock);
        int r = channel_write(&line->channel, e);
        (void)pthread_mutex_unlock(&d->lock);
        if (r != 0)
            return -1;
    }
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && channel_read(&line->channel, e) != 0 && e->class != ERR_AGAIN)
        return -1;
    return take_requests(d, at, e);
}

void desk_act(struct desk *d, const struct pollfd *fds, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t at = d->polled[k];
        struct error e = {0};
        int r = serve_line(d, at, fds[k].revents, &e);
        (void)pthread_mutex_lock(&d->lock);
        bool bad = d->lines[at].bad;
        (void)pthread_mutex_unlock(&d->lock);
        if (bad && r == 0)
            r = err_set(&e, ERR_PEER, "a request was malformed, or its answers were not read");
        if (r == 0)
            continue;
        close_line(d, &d->lines[at]);
        if (at == CONSOLE && e.class != ERR_CLOSED)
            d->complain(d->context, &e);
    }
}
