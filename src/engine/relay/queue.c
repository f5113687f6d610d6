#include "engine/relay/queue.h"

#include "wire/astm_write.h"
#include "wire/mllp.h"

#include <stdlib.h>

#define FRAME_TEXT 240

struct queue *relay_queue_new(struct hash_key key)
{
    struct queue *q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    q->seen = table_new(key, QUEUE_SEEN + 1, sizeof(struct seen));
    if (q->seen != NULL)
        return q;
    free(q);
    return NULL;
}

void relay_queue_free(struct queue *q)
{
    if (q == NULL)
        return;
    while (q->first != NULL)
        free(relay_queue_take(q));
    table_free(q->seen);
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

void relay_queue_put(struct queue *q, struct item *i)
{
    i->next = NULL;
    if (q->last != NULL)
        q->last->next = i;
    else
        q->first = i;
    q->last = i;
    q->n++;
    q->bytes += i->n;
}

void relay_queue_feed(struct queue *q, struct item *i)
{
    struct item *before = q->last_fed != NULL ? q->last_fed : q->under_way ? q->first : NULL;
    struct item **place = before != NULL ? &before->next : &q->first;
    i->next = *place;
    *place = i;
    if (i->next == NULL)
        q->last = i;
    q->last_fed = i;
    q->n++;
    q->bytes += i->n;
}

struct item *relay_queue_twin(struct queue *q, const struct item *of)
{
    struct item *before = q->last_fed != NULL ? q->last_fed : q->under_way ? q->first : NULL;
    for (struct item **place = before != NULL ? &before->next : &q->first; *place != NULL; before = *place, place = &before->next) {
        struct item *i = *place;
        if (i->n != of->n || i->sent || memcmp(i->raw, of->raw, of->n) != 0)
            continue;
        *place = i->next;
        if (i == q->last)
            q->last = before;
        q->n--;
        q->bytes -= i->n;
        return i;
    }
    return NULL;
}

struct item *relay_queue_take(struct queue *q)
{
    struct item *i = q->first;
    if (i == q->last_fed)
        q->last_fed = NULL;
    q->first = i->next;
    if (q->first == NULL)
        q->last = NULL;
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
    for (struct item *i = q->first; i != NULL; i = i->next)
        if (i->id == id)
            found = i;
    return found;
}

const struct seen *relay_queue_seen(const struct queue *q, uint64_t id)
{
    return table_get(q->seen, span_of(&id, sizeof id));
}
