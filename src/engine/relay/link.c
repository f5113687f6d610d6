/* A link: its listeners and contexts, which sessions it has, when it connects again, and how it is. */
#include "engine/relay/relay_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACK_OFF_FIRST (TIME_SECOND / 2)
#define BACK_OFF_MOST (30 * TIME_SECOND)
#define ACCEPTS 64 /* connections taken in one round */
#define NAME_MAX_BYTES 256

static bool keeps(const struct relay_link *link)
{
    return link->o.mode == RELAY_STORE_AND_FORWARD && !link->bypassed;
}

/* A bypass goes before a hold. */
static bool holds(const struct relay_link *link)
{
    return link->hold && !link->bypassed;
}

bool link_ends(const struct relay_link *link, const struct session *s)
{
    return s->kind != SESSION_PAIR || (!link->bypassed && policy_refuses(link->policy, link->relay->now));
}

/* ── Life ── */

static void wake(struct timer *t, tq_time now)
{
    (void)now;
    link_wake(CONTAINER(t, struct relay_link, timer));
}

static void set_defaults(struct relay_link_options *o)
{
    o->record_wait = o->record_wait != 0 ? o->record_wait : 200 * TIME_MS;
    o->connections_max = o->connections_max != 0 ? o->connections_max : 1024;
    o->message_max = o->message_max != 0 ? o->message_max : 16u << 20;
    o->queue_bytes = o->queue_bytes != 0 ? o->queue_bytes : UINT64_C(64) << 20;
    o->queue_messages = o->queue_messages != 0 ? o->queue_messages : 100000;
    o->message_time = o->message_time != 0 ? o->message_time : 60 * TIME_SECOND;
    o->answer_time = o->answer_time != 0 ? o->answer_time : (o->protocol == RELAY_ASTM ? 15 : 30) * TIME_SECOND;
    o->handshake_time = o->handshake_time != 0 ? o->handshake_time : 10 * TIME_SECOND;
    o->write_time = o->write_time != 0 ? o->write_time : 60 * TIME_SECOND;
    o->name = NULL;
    o->policy = (struct relay_policy){0};
}

static int listen_on(struct relay_link *link, enum relay_side side, struct error *e)
{
    struct listener *l = &link->listener[side];
    if (l->watch.fd < 0)
        return 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &l->watch};
    if (epoll_ctl(link->relay->epoll, EPOLL_CTL_ADD, l->watch.fd, &event) != 0)
        return err_sys(e, errno, "link %s cannot wait for connections", link->name);
    return 0;
}

static int fill(struct relay_link *link, const struct relay_link_options *o, struct error *e)
{
    if (strlen(o->name) > NAME_MAX_BYTES || o->message_max > (1u << 30))
        return err_set(e, ERR_MISUSE, "the name of a link is longer than %d bytes, or its messages may be longer than 1 GiB", NAME_MAX_BYTES);
    for (int i = 0; i < 2; i++)
        if (o->side[i].tls != RELAY_TLS_OFF && o->side[i].context == NULL)
            return err_set(e, ERR_MISUSE, "link %s: TLS without a certificate", o->name);
    link->name = strdup(o->name);
    link->policy = policy_new(&o->policy, link->relay->key, e);
    bool several = o->deliveries > 1 && o->protocol == RELAY_MLLP && o->side[RELAY_LIS].dial;
    unsigned outlets = !several ? 1 : o->deliveries < RELAY_DELIVERIES ? o->deliveries : RELAY_DELIVERIES;
    if (link->name == NULL || (o->mode == RELAY_STORE_AND_FORWARD && (link->queue = relay_queue_new(link->relay->key, outlets)) == NULL))
        return err_set(e, ERR_SYSTEM, "no memory for link %s", o->name);
    return link->policy == NULL ? -1 : 0;
}

struct relay_link *relay_add_link(struct relay *r, const struct relay_link_options *options, struct error *e)
{
    struct relay_link *link = calloc(1, sizeof *link);
    struct relay_link **links = link == NULL ? NULL : realloc(r->links, (r->links_n + 1) * sizeof(struct relay_link *));
    if (links == NULL) {
        for (int i = 0; i < 2; i++)
            if (options->side[i].listener >= 0 && !options->side[i].dial)
                (void)close(options->side[i].listener);
        free(link);
        (void)err_set(e, ERR_SYSTEM, "no memory for a link");
        return NULL;
    }
    r->links = links;
    link->relay = r;
    link->o = *options;
    link->timer.fire = wake;
    link->back_off = BACK_OFF_FIRST;
    for (int i = 0; i < 2; i++)
        link->listener[i] = (struct listener){.watch = {.kind = WATCH_LISTENER, .fd = options->side[i].dial ? -1 : options->side[i].listener},
                                              .link = link,
                                              .side = (enum relay_side)i};
    if (fill(link, options, e) != 0 || listen_on(link, RELAY_ANALYZER, e) != 0 || listen_on(link, RELAY_LIS, e) != 0) {
        link_free(link);
        return NULL;
    }
    set_defaults(&link->o);
    for (int i = 0; i < 2; i++)
        relay_set_tls(link, (enum relay_side)i, options->side[i].context);
    r->links[r->links_n++] = link;
    (void)timer_set(&r->timers, &link->timer, r->now); /* it begins with the next relay_work */
    return link;
}

void link_free(struct relay_link *link)
{
    while (link->sessions != NULL)
        session_end(link->sessions, RELAY_ANALYZER, NULL);
    session_bury(link->relay);
    timer_stop(&link->relay->timers, &link->timer);
    for (int i = 0; i < 2; i++) {
        if (link->listener[i].watch.fd >= 0)
            (void)close(link->listener[i].watch.fd);
        SSL_CTX_free(link->context[i]);
    }
    policy_free(link->policy);
    free(link->recent);
    relay_queue_free(link->queue);
    free(link->name);
    free(link);
}

/* ── Connections ── */

void link_pair(struct session *s, enum relay_side missing)
{
    struct relay_link *link = s->link;
    if (s->kind != SESSION_PAIR || s->channel[missing].state != CHANNEL_NONE || holds(link))
        return;
    if (link->o.side[missing].dial)
        session_dial(s, missing);
}

/* A pair that waits for this side. */
static struct session *waiting(struct relay_link *link, enum relay_side side)
{
    struct session *found = NULL;
    for (struct session *s = link->sessions; s != NULL; s = s->next)
        if (s->kind == SESSION_PAIR && s->channel[side].state == CHANNEL_NONE && s->channel[other_side(side)].state != CHANNEL_NONE)
            found = s; /* the oldest */
    return found;
}

void link_take(struct relay_link *link, enum relay_side side, int fd)
{
    struct session *s = NULL;
    if (link->sessions_n >= link->o.connections_max) {
        (void)close(fd);
        link->counters.violations++;
        relay_tell(link, RELAY_EVENT_FLOOD, side, 0, false, (struct span){0}, "more connections than this link takes at one time");
        return;
    }
    if (keeps(link)) {
        s = session_new(link, side == RELAY_ANALYZER ? SESSION_INTAKE : SESSION_DELIVERY);
    } else {
        if (!link->o.side[other_side(side)].dial)
            s = waiting(link, side);
        if (s == NULL)
            s = session_new(link, SESSION_PAIR);
    }
    if (s == NULL)
        (void)close(fd);
    else
        session_take(s, side, fd);
}

/* Descriptors are short: the connection is closed. fd -1: none was left to take it; it is taken all the same, since one that waits would wake us
 * for ever. */
static void turn_away(struct relay_link *link, struct listener *l, int fd)
{
    struct relay *r = link->relay;
    if (fd < 0 && r->spare >= 0) {
        (void)close(r->spare);
        fd = accept4(l->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        r->spare = -1;
    }
    if (fd >= 0)
        (void)close(fd);
    if (r->spare < 0)
        r->spare = fcntl(r->epoll, F_DUPFD_CLOEXEC, 0);
    link->counters.violations++;
    relay_tell(link, RELAY_EVENT_FLOOD, l->side, 0, false, (struct span){0}, "more connections than this machine takes at one time");
}

void link_ready(struct listener *l)
{
    struct relay_link *link = l->link;
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(l->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && fd < link->relay->fds_most)
            link_take(link, l->side, fd);
        else if (fd >= 0 || errno == EMFILE || errno == ENFILE)
            turn_away(link, l, fd);
        else if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

int relay_listen(struct relay_link *link, enum relay_side side, int fd, struct error *e)
{
    link->listener[side].watch.fd = fd;
    if (listen_on(link, side, e) == 0)
        return 0;
    link->listener[side].watch.fd = -1;
    return -1;
}

/* The standing session of a link whose connections we all make ourselves. */
static void stand(struct relay_link *link, enum session_kind kind, enum relay_side first)
{
    for (struct session *s = link->sessions; s != NULL; s = s->next)
        if (s->kind == kind && s->standing)
            return;
    struct session *s = session_new(link, kind);
    if (s == NULL)
        return;
    s->standing = true;
    session_dial(s, first);
}

void link_wake(struct relay_link *link)
{
    if (link->relay->closing)
        return;
    const struct relay_side_options *side = link->o.side;
    if (link->queue != NULL && side[RELAY_LIS].dial && !link->hold)
        keep_stand(link, keeps(link));
    if (keeps(link)) {
        if (side[RELAY_ANALYZER].dial)
            stand(link, SESSION_INTAKE, RELAY_ANALYZER);
    } else if (!holds(link) && side[RELAY_LIS].dial && side[RELAY_ANALYZER].dial)
        stand(link, SESSION_PAIR, RELAY_ANALYZER);
}

void link_ended(struct session *s)
{
    struct relay_link *link = s->link;
    if (link->relay->closing)
        return;
    if (s->kind == SESSION_DELIVERY)
        keep_delivery_ended(s);
    if (!s->standing || link->timer.at != 0) /* several that end together are opened together */
        return;
    (void)timer_set(&link->relay->timers, &link->timer, link->relay->now + link->back_off);
    link->back_off = link->back_off * 2 < BACK_OFF_MOST ? link->back_off * 2 : BACK_OFF_MOST;
}

void link_why(struct relay_link *link, enum relay_side side, const char *why)
{
    char *place = link->side[side].why;
    if (why != place)
        (void)snprintf(place, sizeof link->side[side].why, "%s", why != NULL ? why : "");
}

bool link_opened(struct channel *c)
{
    struct session *s = relay_channel_session(c);
    struct relay_link *link = s->link;
    struct relay_host *host = &link->relay->host;
    enum relay_side side = c->connection.side;
    struct side_state *state = &link->side[side];
    if (state->connections++ == 0)
        state->since = link->relay->now;
    state->peer = c->connection.peer;
    (void)snprintf(state->tls_version, sizeof state->tls_version, "%s", c->ssl != NULL ? SSL_get_version(c->ssl) : "");
    if (c->ssl != NULL && host->handshake != NULL && !host->handshake(host->context, link, &c->connection, c->ssl, true))
        return false;
    state->why[0] = 0;
    link->back_off = BACK_OFF_FIRST;
    if (c->ssl == NULL && link->o.side[side].tls == RELAY_TLS_OPTIONAL)
        relay_tell(link, RELAY_EVENT_TLS_CLEAR, side, s->id, false, (struct span){0}, "a connection in clear text, where TLS is optional");
    if (!state->up_told || state->down_told) {
        state->up_told = true;
        state->down_told = false;
        relay_tell(link, RELAY_EVENT_UP, side, s->id, false, (struct span){0}, "the connection stands");
    }
    if (host->opened != NULL)
        host->opened(host->context, link, &c->connection, c->ssl);
    return true;
}

void link_closed(struct channel *c, bool stood)
{
    struct session *s = relay_channel_session(c);
    struct relay_link *link = s->link;
    struct relay_host *host = &link->relay->host;
    struct side_state *state = &link->side[c->connection.side];
    if (!stood)
        return;
    if (--state->connections == 0)
        state->since = 0;
    if (host->closed != NULL)
        host->closed(host->context, link, &c->connection, link->relay->now);
    if (state->connections == 0 && state->why[0] != 0 && !state->down_told) {
        state->down_told = true;
        relay_tell(link, RELAY_EVENT_DOWN, c->connection.side, s->id, false, (struct span){0}, state->why);
    }
}

/* ── Orders ── */

/* Sessions whose kind no longer fits end; their peers connect again. */
static void refit(struct relay_link *link)
{
    struct session *next;
    for (struct session *s = link->sessions; s != NULL; s = next) {
        next = s->next;
        if (keep_empties(s))
            continue;
        bool kept = s->kind != SESSION_PAIR;
        bool ends = s->end[0] != NULL || s->end[1] != NULL;
        bool wanted = link->o.protocol == RELAY_ASTM && link_ends(link, s);
        if (kept != keeps(link) || (s->running && ends != wanted))
            session_end(s, RELAY_ANALYZER, NULL);
    }
}

/* Who may be read from now, and whose other half is to be found. */
static void go_on(struct relay_link *link)
{
    for (struct session *s = link->sessions, *next; s != NULL; s = next) {
        next = s->next;
        session_pause(s);
        for (int i = 0; i < 2 && !holds(link) && !s->dead; i++)
            if (s->channel[i].state == CHANNEL_OPEN)
                link_pair(s, other_side((enum relay_side)i));
    }
}

void relay_bypass(struct relay_link *link, bool on)
{
    if (link->bypassed == on)
        return;
    /* what waits to be judged or recorded goes on now, by whoever asked for it */
    for (struct session *s = link->sessions, *next; s != NULL; s = next) {
        next = s->next;
        for (int i = 0; i < 2 && !s->dead; i++) {
            enum relay_side from = (enum relay_side)i;
            struct lane *l = &s->lane[i];
            if (on && s->kind == SESSION_PAIR && l->held.n > 0 && !lane_release(s, from, l->held_token <= link->relay->durable))
                break;
            if (on && s->kind == SESSION_PAIR && s->end[i] == NULL && l->gather && l->raw.n > l->passed &&
                !session_send(s, other_side(from), span_of(l->raw.p + l->passed, l->raw.n - l->passed)))
                break;
            l->pending_n = 0;
            lane_reset(s, from);
        }
    }
    link->bypassed = on;
    refit(link);
    go_on(link);
    keep_wake(link);
    (void)timer_set(&link->relay->timers, &link->timer, link->relay->now);
}

void relay_hold(struct relay_link *link, bool on)
{
    if (link->hold == on)
        return;
    link->hold = on;
    go_on(link);
    keep_wake(link);
    (void)timer_set(&link->relay->timers, &link->timer, link->relay->now);
}

int relay_set_policy(struct relay_link *link, const struct relay_policy *policy, struct error *e)
{
    struct policy *p = policy_new(policy, link->relay->key, e);
    if (p == NULL)
        return -1;
    policy_free(link->policy);
    link->policy = p;
    refit(link);
    return 0;
}

void relay_set_tls(struct relay_link *link, enum relay_side side, SSL_CTX *context)
{
    if (context != NULL)
        (void)SSL_CTX_up_ref(context);
    SSL_CTX_free(link->context[side]);
    link->context[side] = context;
}

size_t relay_cut_peer(struct relay_link *link, enum relay_side side, bool (*gone)(void *context, const SSL *ssl), void *context)
{
    size_t n = 0;
    for (struct session *s = link->sessions, *next; s != NULL; s = next) {
        next = s->next;
        struct channel *c = &s->channel[side];
        if (c->ssl == NULL || c->state != CHANNEL_OPEN || !gone(context, c->ssl))
            continue;
        session_end(s, side, "the peer's certificate was revoked");
        n++;
    }
    link->relay->kick |= n > 0;
    return n;
}

const char *relay_link_name(const struct relay_link *link)
{
    return link->name;
}

void *relay_link_user(const struct relay_link *link)
{
    return link->o.user;
}
