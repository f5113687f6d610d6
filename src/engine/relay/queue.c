#include "engine/relay/queue.h"

#include "wire/astm_write.h"
#include "wire/mllp.h"

#include <stdlib.h>

#define FRAME_TEXT 240

#define SENDERS 65536 /* a sender is 16 bits of a hash: two that have the same go over one connection */

struct queue *relay_queue_new(struct hash_key key, unsigned outlets)
{
    struct queue *q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    q->outlets = outlets;
    q->seen = table_new(key, QUEUE_SEEN + 1, sizeof(struct seen));
    q->at = outlets > 1 ? calloc(SENDERS, sizeof *q->at) : NULL;
    if (q->seen != NULL && (outlets == 1 || q->at != NULL))
        return q;
    relay_queue_free(q);
    return NULL;
}

void relay_queue_free(struct queue *q)
{
    if (q == NULL)
        return;
    for (unsigned i = 0; i < q->outlets; i++)
        while (q->outlet[i].first != NULL)
            free(relay_queue_take(q, &q->outlet[i]));
    table_free(q->seen);
    table_free(q->fed);
    free(q->at);
    free(q);
}

struct item *item_new(enum relay_protocol protocol, struct span content)
{
    size_t around = protocol == RELAY_MLLP ? 3 : 0;
    struct item *i = calloc(1, sizeof *i + content.n + around);
    if (i == NULL)
        return NULL;
    i->framed = protocol == RELAY_MLLP;
    i->n = (uint32_t)(content.n + around);
    (void)span_copy(content, i->raw + (i->framed ? 1 : 0), content.n);
    if (i->framed) {
        i->raw[0] = MLLP_START_BYTE;
        i->raw[i->n - 2] = MLLP_END_BYTE;
        i->raw[i->n - 1] = '\r';
    }
    return i;
}

struct span item_raw(const struct item *i)
{
    return span_of(i->raw, i->n);
}

struct span item_content(const struct item *i)
{
    return i->framed ? span_of(i->raw + 1, i->n - 3) : span_of(i->raw, i->n);
}

void item_frame(struct buf *out, struct span records)
{
    for (unsigned number = 1; records.n > 0;) {
        size_t end = span_find(&records, '\r');
        struct span record = span_take(&records, end < records.n ? end + 1 : end);
        while (record.n > 0) {
            struct span text = span_take(&record, record.n < FRAME_TEXT ? record.n : FRAME_TEXT);
            astm_write_frame(out, number++, text, record.n == 0);
        }
    }
}

struct outlet *relay_queue_outlet(struct queue *q, uint16_t sender)
{
    unsigned fewest = 0;
    if (q->outlets == 1)
        return &q->outlet[0];
    if (q->at[sender] == 0) {
        for (unsigned i = 1; i < q->outlets; i++)
            if (q->outlet[i].senders < q->outlet[fewest].senders)
                fewest = i;
        q->outlet[fewest].senders++;
        q->at[sender] = (uint8_t)(fewest + 1);
    }
    return &q->outlet[q->at[sender] - 1];
}

void relay_queue_put(struct queue *q, struct outlet *o, struct item *i)
{
    i->next = NULL;
    if (o->last != NULL)
        o->last->next = i;
    else
        o->first = i;
    o->last = i;
    q->n++;
    q->bytes += i->n;
}

static struct item *fed_before(struct outlet *o)
{
    return o->last_fed != NULL ? o->last_fed : o->under_way ? o->first : NULL;
}

void relay_queue_feed(struct queue *q, struct outlet *o, struct item *i)
{
    struct item *before = fed_before(o);
    struct item **place = before != NULL ? &before->next : &o->first;
    i->next = *place;
    *place = i;
    if (i->next == NULL)
        o->last = i;
    o->last_fed = i;
    q->n++;
    q->bytes += i->n;
}

bool relay_queue_fed_first(struct queue *q, struct hash_key key, uint16_t sender)
{
    bool new = true;
    if (q->outlets == 1)
        return false;
    if (q->fed == NULL)
        q->fed = table_new(key, SENDERS, 1);
    return q->fed == NULL || table_put(q->fed, span_of(&sender, sizeof sender), &new) == NULL || new;
}

struct item *relay_queue_twin(struct queue *q, struct outlet *o, const struct item *of)
{
    struct item *before = fed_before(o);
    for (struct item **place = before != NULL ? &before->next : &o->first; *place != NULL; before = *place, place = &before->next) {
        struct item *i = *place;
        if (i->n != of->n || i->sent || memcmp(i->raw, of->raw, of->n) != 0)
            continue;
        *place = i->next;
        if (i == o->last)
            o->last = before;
        q->n--;
        q->bytes -= i->n;
        return i;
    }
    return NULL;
}

struct item *relay_queue_take(struct queue *q, struct outlet *o)
{
    struct item *i = o->first;
    if (i == o->last_fed)
        o->last_fed = NULL;
    o->first = i->next;
    if (o->first == NULL)
        o->last = NULL;
    q->n--;
    q->bytes -= i->n;
    return i;
}

void relay_queue_note(struct queue *q, struct seen seen)
{
    bool new = false;
    struct seen *place = table_put(q->seen, span_of(&seen.id, sizeof seen.id), &new);
    if (place == NULL)
        return;
    *place = seen;
    if (!new)
        return;
    uint64_t *slot = &q->order[q->order_at++ % QUEUE_SEEN];
    if (*slot != 0)
        (void)table_remove(q->seen, span_of(slot, sizeof *slot));
    *slot = seen.id;
}

struct item *relay_queue_find(const struct queue *q, uint64_t id)
{
    struct item *found = NULL;
    for (unsigned n = 0; n < q->outlets; n++)
        for (struct item *i = q->outlet[n].first; i != NULL; i = i->next)
            if (i->id == id && (found == NULL || i->token > found->token))
                found = i;
    return found;
}

const struct seen *relay_queue_seen(const struct queue *q, uint64_t id)
{
    return table_get(q->seen, span_of(&id, sizeof id));
}

void relay_queue_gave_up(struct queue *q, const struct item *i)
{
    struct seen *seen = table_get(q->seen, span_of(&i->id, sizeof i->id));
    if (seen != NULL && seen->token == i->token) /* not of a newer one under the same id */
        seen->given_up = true;
}
