/* Sessions: connections that belong together, from dialling or accepting to their end. */
#include "engine/relay/relay_private.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct session *session_new(struct relay_link *link, enum session_kind kind)
{
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->link = link;
    s->kind = kind;
    s->id = ++link->relay->sessions;
    s->timer.fire = session_tick;
    for (int i = 0; i < 2; i++) {
        s->channel[i].watch.fd = -1;
        s->lane[i].reader.mllp.any_block = link->o.protocol == RELAY_MLLP;
        s->channel[i].connection = (struct relay_connection){.session = s->id, .side = (enum relay_side)i};
    }
    s->next = link->sessions;
    s->prev = &link->sessions;
    if (s->next != NULL)
        s->next->prev = &s->next;
    link->sessions = s;
    link->sessions_n++;
    return s;
}

static void close_channel(struct channel *c)
{
    if (c->state == CHANNEL_DIALING)
        turns_leave(c);
    bool stood = c->told;
    c->told = false;
    relay_channel_close(c);
    if (stood)
        link_closed(c, true);
}

void session_end(struct session *s, enum relay_side side, const char *why)
{
    if (s->dead)
        return;
    s->dead = true;
    struct relay *r = session_relay(s);
    if (why != NULL) /* who breaks off behind one that has left is not away */
        link_why(s->link, side, s->channel[other_side(side)].ended ? "" : why);
    for (int i = 0; i < 2; i++) {
        if (s->lane[i].open && s->lane[i].raw.n > 0 && !s->link->bypassed)
            relay_complain(s, RELAY_EVENT_FRAMING, (enum relay_side)i, (struct span){0}, "the connection ended in the middle of a message");
        close_channel(&s->channel[i]);
        buf_release(&s->lane[i].raw);
        buf_release(&s->lane[i].held);
    }
    timer_stop(&r->timers, &s->timer);
    *s->prev = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    s->link->sessions_n--;
    s->next = r->graves;
    r->graves = s;
    link_ended(s);
}

void session_bury(struct relay *r)
{
    while (r->graves != NULL) {
        struct session *s = r->graves;
        r->graves = s->next;
        if (s->prev_held != NULL) {
            *s->prev_held = s->next_held;
            if (s->next_held != NULL)
                s->next_held->prev_held = s->prev_held;
        }
        astm_end_free(s->end[0]);
        astm_end_free(s->end[1]);
        free(s);
    }
}

void session_arm(struct session *s, tq_time due)
{
    if (!s->dead)
        (void)timer_by(&session_relay(s)->timers, &s->timer, due); /* no memory: it is late, with the next event */
}

void session_dial(struct session *s, enum relay_side side)
{
    struct relay *r = session_relay(s);
    struct channel *c = &s->channel[side];
    c->state = CHANNEL_DIALING;
    c->connection.dialed = true;
    c->waits_since = r->now;
    if (r->host.dial == NULL) {
        c->state = CHANNEL_NONE;
        session_end(s, side, "nobody can connect it");
        return;
    }
    session_arm(s, r->now + RELAY_DIAL_TIME);
    turns_ask(c);
}

static void tell_down(struct session *s, enum relay_side side)
{
    struct side_state *state = &s->link->side[side];
    if (state->down_told)
        return;
    state->down_told = true;
    relay_tell(s->link, RELAY_EVENT_DOWN, side, s->id, false, (struct span){0}, state->why);
}

void session_dial_failed(struct channel *c, const char *why)
{
    struct session *s = relay_channel_session(c);
    enum relay_side side = c->connection.side;
    link_why(s->link, side, why);
    tell_down(s, side);
    session_end(s, side, NULL);
}

static bool complete(const struct session *s)
{
    bool analyzer = s->kind == SESSION_DELIVERY || s->channel[RELAY_ANALYZER].state == CHANNEL_OPEN;
    return analyzer && (s->kind == SESSION_INTAKE || s->channel[RELAY_LIS].state == CHANNEL_OPEN);
}

static void run(struct session *s)
{
    struct relay_link *link = s->link;
    s->running = true;
    for (int i = 0; i < 2 && link->o.protocol == RELAY_ASTM && link_ends(link, s); i++) {
        if (s->channel[i].state != CHANNEL_OPEN)
            continue;
        s->end[i] = astm_end_new(s, (enum relay_side)i);
        if (s->end[i] == NULL) {
            session_end(s, (enum relay_side)i, "no memory");
            return;
        }
    }
    if (s->kind == SESSION_DELIVERY)
        keep_delivery_opened(s);
    if (!s->dead)
        session_pause(s);
    for (int i = 0; i < 2 && !s->dead; i++)
        if (relay_channel_more(&s->channel[i]))
            session_arm(s, link->relay->now);
}

static void opened(struct channel *c)
{
    struct session *s = relay_channel_session(c);
    c->told = true;
    c->paused = true;
    c->paused_at = c->waits_since = session_relay(s)->now;
    relay_channel_interest(c);
    if (!link_opened(c)) {
        session_end(s, c->connection.side, "the peer's certificate is not accepted");
        return;
    }
    if (complete(s))
        run(s);
    else {
        link_pair(s, other_side(c->connection.side));
        relay_channel_interest(c);
    }
}

void session_take(struct session *s, enum relay_side side, int fd)
{
    struct channel *c = &s->channel[side];
    if (!relay_channel_take(c, fd)) {
        session_end(s, side, "no memory for TLS");
        return;
    }
    if (c->state == CHANNEL_OPEN)
        opened(c);
    else if (c->state == CHANNEL_HANDSHAKE) {
        session_arm(s, c->waits_since + s->link->o.handshake_time);
        if (c->connection.dialed)
            session_ready(c, EPOLLIN); /* the client begins */
    }
}

static void handshake_failed(struct channel *c)
{
    struct session *s = relay_channel_session(c);
    struct relay_link *link = s->link;
    enum relay_side side = c->connection.side;
    struct relay_host *host = &link->relay->host;
    if (!c->connection.dialed && c->ssl != NULL && BIO_number_read(SSL_get_rbio(c->ssl)) == 0) { /* it only looked whether somebody listens */
        link_why(link, side, "");
        session_end(s, side, NULL);
        return;
    }
    if (c->ssl != NULL && host->handshake != NULL)
        (void)host->handshake(host->context, link, &c->connection, c->ssl, false);
    ERR_clear_error();
    bool verified = c->ssl == NULL || SSL_get_verify_result(c->ssl) == X509_V_OK;
    if (verified && c->connection.dialed && link->o.side[side].tls == RELAY_TLS_OPTIONAL && !c->clear) {
        relay_channel_close(c);
        c->clear = true;
        session_dial(s, side);
        return;
    }
    relay_tell(link, RELAY_EVENT_TLS_FAILED, side, s->id, false, (struct span){0}, link->side[side].why);
    if (c->connection.dialed && link->side[side].connections == 0) /* whom we do not talk to is away, for the messages that wait */
        tell_down(s, side);
    session_end(s, side, NULL);
}

void session_finish(struct session *s, enum relay_side side)
{
    struct channel *c = &s->channel[side];
    c->ended = true;
    relay_channel_shut(c);
    if (s->kind == SESSION_PAIR && s->channel[other_side(side)].state == CHANNEL_OPEN)
        relay_channel_shut(&s->channel[other_side(side)]);
    s->ended = session_relay(s)->now;
    session_arm(s, s->ended + RELAY_LINGER);
}

/* The peer has closed its half. */
static void half_closed(struct channel *c)
{
    struct session *s = relay_channel_session(c);
    enum relay_side side = c->connection.side;
    c->ended = true;
    relay_channel_interest(c);
    if (s->link->o.protocol == RELAY_MLLP && !s->link->bypassed)
        mllp_ended(s, side);
    if (s->dead)
        return;
    if (s->kind == SESSION_DELIVERY) {
        session_end(s, side, "the LIS closed the connection");
        return;
    }
    struct channel *other = &s->channel[other_side(side)];
    if (s->kind == SESSION_INTAKE ? s->lane[RELAY_LIS].held.n == 0 : other->ended) {
        session_end(s, side, NULL);
        return;
    }
    s->ended = session_relay(s)->now;
    session_arm(s, s->ended + RELAY_LINGER);
    if (s->kind == SESSION_PAIR && s->lane[side].held.n == 0)
        relay_channel_shut(other);
}

static bool input(struct session *s, enum relay_side from, struct span in)
{
    if (s->link->bypassed && s->kind == SESSION_PAIR)
        return lane_out(s, from, in);
    if (s->end[from] != NULL)
        return astm_end_input(s->end[from], in);
    return s->link->o.protocol == RELAY_MLLP ? mllp_input(s, from, in) : astm_input(s, from, in);
}

static void read_from(struct channel *c)
{
    struct session *s = relay_channel_session(c);
    struct relay *r = session_relay(s);
    enum relay_side side = c->connection.side;
    do {
        if (s->kind == SESSION_INTAKE && !keep_room(s))
            break;
        int n = relay_channel_read(c, r->scratch, sizeof r->scratch);
        if (n == CHANNEL_READ_LATER)
            break;
        if (n == CHANNEL_READ_BROKEN) {
            session_end(s, side, s->link->side[side].why);
            return;
        }
        if (n == CHANNEL_READ_END) {
            half_closed(c);
            return;
        }
        struct span in = span_of(r->scratch, (size_t)n);
        s->link->counters.bytes[side] += in.n;
        if (r->host.observe != NULL)
            r->host.observe(r->host.context, s->link, &c->connection, false, in, r->now);
        if (!input(s, side, in))
            return;
        session_pause(s);
    } while (!c->paused && relay_channel_more(c));
    if (c->wants_write)
        relay_channel_interest(c);
    if (s->lane[side].open)
        session_arm(s, s->lane[side].began + s->link->o.message_time);
}

void session_ready(struct channel *c, uint32_t events)
{
    struct session *s = relay_channel_session(c);
    if (s->dead)
        return;
    if (c->state == CHANNEL_PEEK || c->state == CHANNEL_HANDSHAKE) {
        int done = relay_channel_progress(c);
        if (done < 0)
            handshake_failed(c);
        else if (done == 0)
            relay_channel_interest(c);
        else
            opened(c);
        return;
    }
    if (c->state != CHANNEL_OPEN)
        return;
    if ((events & EPOLLOUT) != 0) {
        c->wants_write = false;
        if (!relay_channel_flush(c)) {
            session_end(s, c->connection.side, s->link->side[c->connection.side].why);
            return;
        }
        session_pause(s);
        if (s->running && !c->paused && relay_channel_more(c))
            events |= EPOLLIN;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) == 0)
        return;
    if (c->paused || c->ended) {
        if ((events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0)
            session_end(s, c->connection.side, c->ended || (events & (EPOLLHUP | EPOLLERR)) == 0 ? NULL : "the peer is gone");
        else
            relay_channel_interest(c);
        return;
    }
    read_from(c);
}

bool session_send(struct session *s, enum relay_side to, struct span bytes)
{
    struct relay *r = session_relay(s);
    struct channel *c = &s->channel[to];
    if (bytes.n == 0)
        return true;
    if (r->host.observe != NULL)
        r->host.observe(r->host.context, s->link, &c->connection, true, bytes, r->now);
    if (!relay_channel_write(c, bytes)) {
        session_end(s, to, s->link->side[to].why[0] != 0 ? s->link->side[to].why : "the peer is gone");
        return false;
    }
    if (relay_channel_waits(c))
        session_arm(s, c->waits_since + s->link->o.write_time);
    return true;
}

static void pause_side(struct session *s, enum relay_side side, bool on)
{
    struct channel *c = &s->channel[side];
    if (c->state != CHANNEL_OPEN || c->paused == on)
        return;
    tq_time now = session_relay(s)->now;
    if (on)
        c->paused_at = now;
    else if (s->lane[side].open) /* the sender is not to be found slow for the time in which nobody read */
        s->lane[side].began += now - c->paused_at;
    relay_channel_pause(c, on);
    if (!on && relay_channel_more(c)) /* no event tells of what TLS holds already */
        session_arm(s, now);
}

#define INTAKE_ANSWERS (16u << 10) /* bytes of answers of ours that may wait before we stop reading */

void session_pause(struct session *s)
{
    const struct relay_link *link = s->link;
    bool waits[2];
    for (int i = 0; i < 2; i++)
        waits[i] = !s->running || relay_channel_waits(&s->channel[i]);
    switch (s->kind) {
    case SESSION_PAIR: {
        bool ends = s->end[0] != NULL; /* an endpoint answers its own peer */
        pause_side(s, RELAY_ANALYZER,
                   waits[RELAY_LIS] || (ends && waits[RELAY_ANALYZER]) || s->lane[RELAY_ANALYZER].held.n > 0 || (link->hold && !link->bypassed));
        pause_side(s, RELAY_LIS, waits[RELAY_ANALYZER] || (ends && waits[RELAY_LIS]) || (!ends && s->lane[RELAY_LIS].held.n > 0));
        break;
    }
    case SESSION_INTAKE: {
        bool stopped = link->stopped && s->end[RELAY_ANALYZER] == NULL; /* ASTM has a word for it */
        pause_side(s, RELAY_ANALYZER, waits[RELAY_ANALYZER] || stopped || s->lane[RELAY_LIS].held.n > INTAKE_ANSWERS);
        break;
    }
    case SESSION_DELIVERY: pause_side(s, RELAY_LIS, waits[RELAY_LIS]); break;
    }
}

static tq_time sooner(tq_time a, tq_time b)
{
    return a < b ? a : b;
}

/* Deadlines of one connection. False: the session has ended. */
static bool tick_channel(struct channel *c, tq_time now, tq_time *due)
{
    struct session *s = relay_channel_session(c);
    enum relay_side side = c->connection.side;
    const struct relay_link_options *o = &s->link->o;
    tq_time limit = c->state == CHANNEL_DIALING                          ? RELAY_DIAL_TIME
                    : c->state == CHANNEL_HANDSHAKE                      ? o->handshake_time
                    : c->state == CHANNEL_OPEN && relay_channel_waits(c) ? o->write_time
                                                                         : 0;
    if (limit == 0)
        return true;
    if (now < c->waits_since + limit) {
        *due = sooner(*due, c->waits_since + limit);
        return true;
    }
    if (c->state == CHANNEL_DIALING)
        session_dial_failed(c, "the connection could not be made in time");
    else if (c->state == CHANNEL_HANDSHAKE) {
        link_why(s->link, side, "TLS: the peer does not finish the handshake");
        handshake_failed(c);
    } else {
        relay_complain(s, RELAY_EVENT_SLOW, side, (struct span){0}, "the peer takes nothing of what is sent to it");
        session_end(s, side, "the peer took nothing of what was sent to it");
    }
    return false;
}

static bool slow_message(struct session *s, enum relay_side side)
{
    relay_complain(s, RELAY_EVENT_SLOW, side, (struct span){0}, "a message was begun and not finished in time");
    session_end(s, side, "a message was begun and not finished in time");
    return false;
}

#define SLOWEST 1024 /* bytes a second, for a long message */

static bool tick_lane(struct session *s, enum relay_side side, tq_time now, tq_time *due)
{
    struct lane *l = &s->lane[side];
    const struct relay_link_options *o = &s->link->o;
    if (l->open) {
        tq_time until = l->began + o->message_time + (tq_time)l->content * (TIME_SECOND / SLOWEST);
        if (s->channel[side].paused) /* we don't read: it is not the sender who is slow */
            until = now + TIME_SECOND;
        if (now >= until)
            return slow_message(s, side);
        *due = sooner(*due, until);
    }
    while (l->pending_n > 0 && now >= l->pending[0].since + o->answer_time) {
        uint64_t id = l->pending[0].id;
        memmove(l->pending, l->pending + 1, --l->pending_n * sizeof l->pending[0]);
        s->link->counters.unanswered++;
        relay_tell(s->link, RELAY_EVENT_NO_ANSWER, other_side(side), s->id, false, (struct span){0}, "a message was taken and not answered in time");
        if (l->pending_n == 0 && !pass_unanswered(s, side, id))
            return false;
    }
    if (l->pending_n > 0)
        *due = sooner(*due, l->pending[0].since + o->answer_time);
    if (l->held.n > 0 && l->held_until != TIMER_NEVER) {
        if (now >= l->held_until && !lane_release(s, side, l->held_token <= session_relay(s)->durable))
            return false;
        if (l->held.n > 0)
            *due = sooner(*due, l->held_until);
    }
    return true;
}

void session_tick(struct timer *t, tq_time now)
{
    struct session *s = CONTAINER(t, struct session, timer);
    tq_time due = TIMER_NEVER;
    for (int i = 0; i < 2; i++)
        if (!tick_channel(&s->channel[i], now, &due) || !tick_lane(s, (enum relay_side)i, now, &due))
            return;
    if (s->ended != 0) {
        tq_time until = s->ended + (s->lane[0].pending_n + s->lane[1].pending_n > 0 ? s->link->o.answer_time : RELAY_LINGER);
        if (now >= until) {
            session_end(s, RELAY_ANALYZER, NULL);
            return;
        }
        due = sooner(due, until);
    }
    for (int i = 0; i < 2; i++) {
        if (s->end[i] == NULL)
            continue;
        astm_end_tick(s->end[i], now);
        if (s->dead)
            return;
        due = sooner(due, astm_end_due(s->end[i]));
    }
    if (s->kind == SESSION_DELIVERY && s->running) {
        keep_delivery_tick(s, now, &due);
        if (s->dead)
            return;
    }
    if (due != TIMER_NEVER)
        session_arm(s, due);
    for (int i = 0; i < 2 && !s->dead; i++) {
        struct channel *c = &s->channel[i];
        if (s->running && c->state == CHANNEL_OPEN && !c->paused && !c->ended && relay_channel_more(c))
            read_from(c);
    }
}
