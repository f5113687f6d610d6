/* The relay: one epoll, its timers, its links, and what the host is told. */
#include "engine/relay/relay_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

tq_time relay_clock(const struct relay *r)
{
    return r->host.clock != NULL ? r->host.clock(r->host.context) : r->now;
}

static int most_descriptors(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur > INT_MAX)
        return INT_MAX;
    int all = (int)l.rlim_cur;
    return all > 2 * RELAY_FDS_LEFT ? all - RELAY_FDS_LEFT : all / 2;
}

struct relay *relay_new(const struct relay_host *host, struct hash_key hash_key, struct error *e)
{
    struct relay *r = calloc(1, sizeof *r);
    if (r == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the relay");
        return NULL;
    }
    r->host = *host;
    r->key = hash_key;
    r->can_keep = true;
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->spare = r->epoll < 0 ? -1 : fcntl(r->epoll, F_DUPFD_CLOEXEC, 0);
    r->dialing = turns_new(hash_key);
    r->fds_most = most_descriptors();
    for (size_t i = 0; i < RELAY_WATCHES; i++)
        r->watches[i].watch.fd = -1;
    if (r->epoll >= 0 && r->dialing != NULL)
        return r;
    (void)err_sys(e, errno, "the relay cannot wait for connections");
    relay_free(r);
    return NULL;
}

void relay_free(struct relay *r)
{
    if (r == NULL)
        return;
    r->closing = true;
    for (size_t i = 0; i < r->links_n; i++)
        link_free(r->links[i]);
    session_bury(r);
    free(r->links);
    timers_release(&r->timers);
    table_free(r->dialing);
    if (r->spare >= 0)
        (void)close(r->spare);
    if (r->epoll >= 0)
        (void)close(r->epoll);
    free(r);
}

int relay_wait(struct relay *r, tq_time now, int timeout_ms, struct error *e)
{
    tq_time next = timers_next(&r->timers);
    if (r->kick || next <= now)
        timeout_ms = 0;
    else if (next != TIMER_NEVER) {
        tq_time ms = (next - now + TIME_MS - 1) / TIME_MS;
        if (timeout_ms < 0 || ms < timeout_ms)
            timeout_ms = ms > 3600000 ? 3600000 : (int)ms;
    }
    int n = epoll_wait(r->epoll, r->ready, RELAY_READY, timeout_ms);
    r->ready_n = n < 0 ? 0 : n;
    if (n < 0 && errno != EINTR)
        return err_sys(e, errno, "the relay cannot wait for its connections");
    return 0;
}

int relay_ready(const struct relay *r)
{
    return r->ready_n;
}

static void host_ready(const struct host_watch *w, uint32_t events)
{
    if (w->watch.fd >= 0)
        w->ready(w->context, w->watch.fd, events);
}

void relay_wall(struct relay *r, tq_time ahead)
{
    r->wall_ahead = ahead;
}

void relay_work(struct relay *r, tq_time now)
{
    r->now = now;
    if (r->started == 0)
        r->started = now + r->wall_ahead;
    r->kick = false;
    for (int i = 0; i < r->ready_n; i++) {
        struct watch *w = r->ready[i].data.ptr;
        switch (w->kind) {
        case WATCH_HOST: host_ready(CONTAINER(w, struct host_watch, watch), r->ready[i].events); break;
        case WATCH_LISTENER: link_ready(CONTAINER(w, struct listener, watch)); break;
        case WATCH_CHANNEL: {
            struct channel *c = CONTAINER(w, struct channel, watch);
            session_ready(c, r->ready[i].events);
            if (relay_channel_session(c)->kind == SESSION_INTAKE) /* deliveries don't wait till all analyzers were heard */
                keep_poll(relay_channel_session(c)->link);
            break;
        }
        }
    }
    r->ready_n = 0;
    timers_fire(&r->timers, now);
    lane_release_durable(r);
    turns_go(r);
    session_bury(r);
}

int relay_watch(struct relay *r, int fd, uint32_t events, void (*ready)(void *context, int fd, uint32_t events), void *context, struct error *e)
{
    size_t at = RELAY_WATCHES;
    for (size_t i = 0; i < RELAY_WATCHES; i++) {
        if (r->watches[i].watch.fd == fd) {
            at = i;
            break;
        }
        if (r->watches[i].watch.fd < 0 && at == RELAY_WATCHES)
            at = i;
    }
    if (at == RELAY_WATCHES)
        return err_set(e, ERR_SYSTEM, "the relay waits for too many descriptors of its host");
    bool old = r->watches[at].watch.fd == fd;
    if (events == 0) {
        if (old)
            (void)epoll_ctl(r->epoll, EPOLL_CTL_DEL, fd, NULL);
        r->watches[at].watch.fd = -1;
        return 0;
    }
    struct epoll_event event = {.events = events, .data.ptr = &r->watches[at].watch};
    bool same = old && r->watches[at].watch.events == events; /* a host may say the same each turn */
    if (!same && epoll_ctl(r->epoll, old ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
        return err_sys(e, errno, "the relay cannot wait for a descriptor of its host");
    r->watches[at].watch = (struct watch){.kind = WATCH_HOST, .fd = fd, .events = events};
    r->watches[at].ready = ready;
    r->watches[at].context = context;
    return 0;
}

void relay_dialed(struct relay *r, uint64_t ticket, int fd, const char *why)
{
    struct channel *c = turns_over(r, ticket);
    if (c == NULL) { /* the session has ended meanwhile */
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    c->state = CHANNEL_NONE;
    if (fd < 0)
        session_dial_failed(c, why);
    else
        session_take(relay_channel_session(c), c->connection.side, fd);
    r->kick = true;
}

void relay_accepted(struct relay *r, struct relay_link *link, enum relay_side side, int fd)
{
    link_take(link, side, fd);
    r->kick = true;
}

void relay_durable(struct relay *r, uint64_t token)
{
    if (token <= r->durable)
        return;
    r->durable = token;
    r->look = r->kick = r->held != NULL;
}

void relay_can_keep(struct relay *r, bool can)
{
    if (r->can_keep == can)
        return;
    r->can_keep = can;
    r->kick = true;
    for (size_t i = 0; i < r->links_n; i++)
        keep_wake(r->links[i]);
}

void relay_tell(struct relay_link *link, enum relay_event_kind kind, enum relay_side side, uint64_t session, bool clear, struct span foreign,
                const char *text)
{
    struct relay *r = link->relay;
    if (r->host.event == NULL || r->closing)
        return;
    bool state = kind == RELAY_EVENT_UP || kind == RELAY_EVENT_DOWN || kind == RELAY_EVENT_QUEUE || kind == RELAY_EVENT_STOPPED;
    if (!state && link->told_text[kind] == text && link->told[kind] != 0 && r->now - link->told[kind] < RELAY_EVENT_GAP) {
        link->untold[kind]++;
        return;
    }
    struct relay_event event = {.kind = kind,
                                .side = side,
                                .session = session,
                                .clear = clear,
                                .suppressed = link->untold[kind],
                                .text = text,
                                .foreign = foreign.n > 64 ? span_of(foreign.p, 64) : foreign};
    link->told[kind] = r->now;
    link->told_text[kind] = text;
    link->untold[kind] = 0;
    r->host.event(r->host.context, link, &event, r->now);
}

void relay_complain(struct session *s, enum relay_event_kind kind, enum relay_side side, struct span foreign, const char *text)
{
    s->link->counters.violations++;
    relay_tell(s->link, kind, side, s->id, false, foreign, text);
}
