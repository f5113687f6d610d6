/* A relay in a test: its peers are the other ends of socket pairs, its clock is a number, its host writes down what it is told. */
#ifndef TQ_TEST_RELAY_BED_H
#define TQ_TEST_RELAY_BED_H

#include "../cmocka_all.h"

#include "base/buf.h"
#include "engine/relay/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND TIME_SECOND

struct bed {
    struct relay *relay;
    struct relay_link *link;
    tq_time now;
    int lis; /* our end of the newest connection to the LIS; -1: none */
    int analyzer;
    int old[16]; /* the ones before */
    size_t old_n;
    bool lis_refuses; /* dialling fails */
    int *copy;        /* of the next descriptor that is handed over for a connection: it stays open there too. NULL: none is wanted */
    bool lis_silent;  /* … or is not answered */
    unsigned dials;
    uint64_t tickets[256]; /* of these */
    bool records;          /* each message has a record, durable when the test says so */
    bool keeps_not;
    bool no_room;  /* for what an analyzer sends */
    size_t wanted; /* the most room that was asked for */
    uint64_t token;
    unsigned messages;
    char type[64];
    char verdict[128];
    unsigned events[RELAY_EVENT_KINDS];
    char text[RELAY_EVENT_KINDS][128];
    unsigned opened;
    unsigned closed;
    unsigned delivered;
    unsigned given_up;
    unsigned merged;
    uint64_t last_delivered;
    struct buf seen[2][2]; /* observed, by side and direction */
};

static inline void nonblocking(int fd)
{
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

static inline int new_pair(int *ours)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    nonblocking(fd[0]);
    nonblocking(fd[1]);
    *ours = fd[0];
    return fd[1];
}

static inline void bed_dial(void *context, struct relay_link *link, enum relay_side side, uint64_t ticket)
{
    struct bed *b = context;
    (void)link;
    b->tickets[b->dials++ % 256] = ticket;
    if (b->lis_silent)
        return;
    if (b->lis_refuses) {
        relay_dialed(b->relay, ticket, -1, "connection refused");
        return;
    }
    int *place = side == RELAY_LIS ? &b->lis : &b->analyzer;
    if (*place >= 0 && b->old_n < sizeof b->old / sizeof b->old[0])
        b->old[b->old_n++] = *place;
    int fd = new_pair(place);
    if (b->copy != NULL)
        *b->copy = dup(fd);
    relay_dialed(b->relay, ticket, fd, NULL);
}

static inline void bed_observe(void *context, struct relay_link *link, const struct relay_connection *c, bool outward, struct span bytes,
                               tq_time time)
{
    struct bed *b = context;
    (void)link;
    (void)time;
    buf_add_span(&b->seen[c->side][outward], bytes);
}

static inline void bed_opened(void *context, struct relay_link *link, const struct relay_connection *c, const SSL *ssl)
{
    (void)link;
    (void)c;
    (void)ssl;
    ((struct bed *)context)->opened++;
}

static inline void bed_closed(void *context, struct relay_link *link, const struct relay_connection *c, tq_time time)
{
    (void)link;
    (void)c;
    (void)time;
    ((struct bed *)context)->closed++;
}

static inline uint64_t bed_message(void *context, struct relay_link *link, const struct relay_message *m, tq_time time, bool *keep)
{
    struct bed *b = context;
    (void)link;
    (void)time;
    *keep = !b->keeps_not;
    if (m->answer)
        return 0;
    b->messages++;
    (void)snprintf(b->type, sizeof b->type, "%.*s", (int)m->type.n, (const char *)m->type.p);
    (void)snprintf(b->verdict, sizeof b->verdict, "%s", m->reason != NULL ? m->reason : "");
    return b->records ? ++b->token : 0;
}

static inline bool bed_room(void *context, size_t n)
{
    struct bed *b = context;
    b->wanted = n > b->wanted ? n : b->wanted;
    return !b->no_room;
}

static inline void bed_delivered(void *context, struct relay_link *link, uint64_t token, enum relay_delivery how, struct span answer, tq_time time)
{
    struct bed *b = context;
    (void)link;
    (void)answer;
    (void)time;
    *(how == RELAY_DELIVERED ? &b->delivered : how == RELAY_MERGED ? &b->merged : &b->given_up) += 1;
    b->last_delivered = token;
}

static inline void bed_event(void *context, struct relay_link *link, const struct relay_event *e, tq_time time)
{
    struct bed *b = context;
    (void)link;
    (void)time;
    assert_non_null(e->text);
    assert_true(e->text[0] != 0);
    assert_true(e->foreign.n <= 64);
    b->events[e->kind]++;
    (void)snprintf(b->text[e->kind], sizeof b->text[0], "%s", e->text);
}

/* Lets the relay do all that it can at the present time. */
static inline void bed_run(struct bed *b)
{
    struct error e = {0};
    for (int i = 0; i < 50; i++) {
        assert_int_equal(relay_wait(b->relay, b->now, 0, &e), 0);
        relay_work(b->relay, b->now);
    }
}

/* Lets time pass, in steps of `step`. */
static inline void bed_pass(struct bed *b, tq_time time, tq_time step)
{
    for (tq_time until = b->now + time; b->now < until;) {
        b->now += step < until - b->now ? step : until - b->now;
        bed_run(b);
    }
}

static inline void bed_start(struct bed *b)
{
    struct relay_host host = {.context = b,
                              .dial = bed_dial,
                              .observe = bed_observe,
                              .opened = bed_opened,
                              .closed = bed_closed,
                              .message = bed_message,
                              .delivered = bed_delivered,
                              .event = bed_event,
                              .room = bed_room};
    *b = (struct bed){.now = 1000 * SECOND, .lis = -1, .analyzer = -1};
    for (int i = 0; i < 4; i++)
        b->seen[i / 2][i % 2] = BUF_INIT(64u << 20);
    struct error e = {0};
    b->relay = relay_new(&host, (struct hash_key){.k0 = 1, .k1 = 2}, &e);
    assert_non_null(b->relay);
}

static inline struct relay_link_options bed_options(void)
{
    return (struct relay_link_options){.name = "chemistry", .side = {{.listener = -1}, {.listener = -1, .dial = true}}};
}

static inline void bed_link(struct bed *b, const struct relay_link_options *o)
{
    struct error e = {0};
    b->link = relay_add_link(b->relay, o, &e);
    if (b->link == NULL)
        fail_msg("%s", e.text);
    bed_run(b);
}

/* A new connection of an analyzer; our end of it. */
static inline int bed_connect(struct bed *b, enum relay_side side)
{
    int ours;
    relay_accepted(b->relay, b->link, side, new_pair(&ours));
    bed_run(b);
    return ours;
}

static inline void bed_stop(struct bed *b)
{
    relay_free(b->relay);
    for (int i = 0; i < 4; i++)
        buf_release(&b->seen[i / 2][i % 2]);
    for (size_t i = 0; i < b->old_n; i++)
        (void)close(b->old[i]);
    if (b->lis >= 0)
        (void)close(b->lis);
    if (b->analyzer >= 0)
        (void)close(b->analyzer);
}

static inline void bed_send(struct bed *b, int fd, const void *p, size_t n)
{
    for (const uint8_t *at = p; n > 0;) {
        ssize_t done = send(fd, at, n, MSG_NOSIGNAL);
        if (done > 0) {
            at += done;
            n -= (size_t)done;
        } else if (errno != EAGAIN)
            return; /* the relay has closed it */
        bed_run(b);
    }
    bed_run(b);
}

#define SEND(b, fd, text) bed_send((b), (fd), (text), sizeof(text) - 1)

/* What has come, as text that holds until the next call. "<end>" behind it: the connection is closed. */
static inline const char *bed_got(int fd)
{
    static char text[70000];
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, text + n, sizeof text - n - 8, 0);
        if (got > 0) {
            n += (size_t)got;
            continue;
        }
        if (got == 0 || errno != EAGAIN) {
            memcpy(text + n, "<end>", 5);
            n += 5;
        }
        break;
    }
    text[n] = 0;
    return text;
}

#endif
