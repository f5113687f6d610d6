#include "proc/outbox.h"

#include <stdlib.h>
#include <string.h>

void outbox_init(struct outbox *o)
{
    *o = (struct outbox){.last = &o->first};
}

static void drop_first(struct outbox *o)
{
    struct outbox_record *r = o->first;
    o->first = r->next;
    if (o->first == NULL)
        o->last = &o->first;
    if (o->unsent == r)
        o->unsent = r->next;
    o->bytes -= sizeof *r + r->n;
    explicit_bzero(r->bytes, r->n);
    free(r);
}

void outbox_release(struct outbox *o)
{
    while (o->first != NULL)
        drop_first(o);
}

bool outbox_put(struct outbox *o, uint64_t seq, struct span encoded, tq_time now)
{
    size_t n = OUTBOX_HEAD + encoded.n;
    while (o->bytes + sizeof *o->first + n > OUTBOX_MAX && o->first != NULL && o->first->seq <= o->spooled)
        drop_first(o);
    if (o->bytes + sizeof *o->first + n > OUTBOX_MAX)
        return false;
    struct outbox_record *r = malloc(sizeof *r + n);
    if (r == NULL)
        return false;
    *r = (struct outbox_record){.seq = seq, .at = now, .n = n};
    memcpy(r->bytes + OUTBOX_HEAD, encoded.p, encoded.n);
    *o->last = r;
    o->last = &r->next;
    if (o->unsent == NULL)
        o->unsent = r;
    o->bytes += sizeof *r + n;
    return true;
}

void outbox_sent(struct outbox *o)
{
    if (o->unsent != NULL)
        o->unsent = o->unsent->next;
    while (o->first != NULL && o->first->seq == 0 && o->first != o->unsent)
        drop_first(o);
}

void outbox_rewind(struct outbox *o)
{
    o->unsent = o->first;
}

void outbox_recorded(struct outbox *o, uint64_t seq)
{
    while (o->first != NULL && o->first->seq <= seq && o->first != o->unsent)
        drop_first(o);
    if (seq > o->spooled)
        o->spooled = seq;
}

void outbox_spooled(struct outbox *o, uint64_t seq)
{
    if (seq > o->spooled)
        o->spooled = seq;
}

struct outbox_record *outbox_loose(struct outbox *o)
{
    for (struct outbox_record *r = o->first; r != NULL; r = r->next)
        if (r->seq > o->spooled && !r->spooled)
            return r;
    return NULL;
}
