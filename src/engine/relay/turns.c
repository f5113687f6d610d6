/* Who is connected next. A host connects only so many at one time: the others wait, each link's in order, the links in turn, so that a link whose LIS
 * is silent keeps no other one waiting. */
#include "engine/relay/relay_private.h"

/* What a ticket stands for. It holds its place until the host has answered, also when nobody waits for the answer any more. */
struct dialing {
    struct relay_link *link;
    struct channel *channel; /* NULL: its session has ended */
};

struct table *turns_new(struct hash_key key)
{
    return table_new(key, 2 * RELAY_DIALS, sizeof(struct dialing));
}

static bool may(const struct relay_link *link)
{
    return link->relay->dials < RELAY_DIALS && link->dials < RELAY_LINK_DIALS;
}

static void queue_link(struct relay_link *link)
{
    if (link->in_turn || link->waits == NULL || link->dials >= RELAY_LINK_DIALS)
        return;
    struct relay *r = link->relay;
    link->in_turn = true;
    link->next_turn = NULL;
    *(r->turn_last != NULL ? &r->turn_last->next_turn : &r->turn) = link;
    r->turn_last = link;
}

static void unqueue(struct relay_link *link, struct channel *c)
{
    struct channel *next = c->next_wait;
    struct channel *prev = c->prev_wait;
    *(prev != NULL ? &prev->next_wait : &link->waits) = next;
    *(next != NULL ? &next->prev_wait : &link->waits_last) = prev;
    c->next_wait = c->prev_wait = NULL;
}

static void begin(struct relay_link *link, struct channel *c)
{
    struct relay *r = link->relay;
    uint64_t ticket = ++r->tickets;
    struct dialing *d = table_put(r->dialing, span_of(&ticket, sizeof ticket), NULL);
    if (d == NULL) {
        c->state = CHANNEL_NONE;
        session_end(relay_channel_session(c), c->connection.side, "no memory");
        return;
    }
    *d = (struct dialing){.link = link, .channel = c};
    c->ticket = ticket;
    c->waits_since = r->now;
    r->dials++;
    link->dials++;
    r->host.dial(r->host.context, link, c->connection.side, ticket);
}

void turns_ask(struct channel *c)
{
    struct relay_link *link = relay_channel_session(c)->link;
    c->ticket = 0;
    if (link->waits == NULL && may(link)) {
        begin(link, c);
        return;
    }
    c->prev_wait = link->waits_last;
    *(link->waits_last != NULL ? &link->waits_last->next_wait : &link->waits) = c;
    link->waits_last = c;
    queue_link(link);
    link->relay->kick = true;
}

struct channel *turns_over(struct relay *r, uint64_t ticket)
{
    struct dialing *d = table_get(r->dialing, span_of(&ticket, sizeof ticket));
    if (d == NULL)
        return NULL;
    struct channel *c = d->channel;
    struct relay_link *link = d->link;
    (void)table_remove(r->dialing, span_of(&ticket, sizeof ticket));
    r->dials--;
    link->dials--;
    queue_link(link);
    r->kick |= r->turn != NULL;
    return c;
}

void turns_leave(struct channel *c)
{
    struct relay_link *link = relay_channel_session(c)->link;
    struct relay *r = link->relay;
    if (c->ticket == 0) {
        unqueue(link, c);
        return;
    }
    struct dialing *d = table_get(r->dialing, span_of(&c->ticket, sizeof c->ticket));
    if (d != NULL)
        d->channel = NULL;
    if (r->now - c->waits_since >= RELAY_DIAL_TIME) /* the host will not answer any more */
        (void)turns_over(r, c->ticket);
}

void turns_go(struct relay *r)
{
    while (r->turn != NULL && r->dials < RELAY_DIALS) {
        struct relay_link *link = r->turn;
        r->turn = link->next_turn;
        if (r->turn == NULL)
            r->turn_last = NULL;
        link->in_turn = false;
        struct channel *c = link->waits;
        if (c == NULL)
            continue;
        if (may(link)) {
            unqueue(link, c);
            begin(link, c);
        }
        queue_link(link);
    }
}
