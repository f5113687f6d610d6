#include "engine/simulate/queue.h"

#include <stdlib.h>

static bool before(const struct queue_item *a, const struct queue_item *b)
{
    return a->time < b->time || (a->time == b->time && a->order < b->order);
}

static void swap(struct queue *q, size_t a, size_t b)
{
    struct queue_item kept = q->items[a];
    q->items[a] = q->items[b];
    q->items[b] = kept;
}

bool queue_put(struct queue *q, struct queue_item item)
{
    if (q->n == q->size) {
        size_t size = q->size == 0 ? 256 : q->size * 2;
        struct queue_item *items = size > QUEUE_MAX ? NULL : realloc(q->items, size * sizeof *items);
        if (items == NULL)
            return false;
        q->items = items;
        q->size = size;
    }
    item.order = q->order++;
    size_t at = q->n++;
    q->items[at] = item;
    for (; at > 0 && before(&q->items[at], &q->items[(at - 1) / 2]); at = (at - 1) / 2)
        swap(q, at, (at - 1) / 2);
    return true;
}

const struct queue_item *queue_first(const struct queue *q)
{
    return q->n == 0 ? NULL : &q->items[0];
}

bool queue_take(struct queue *q, struct queue_item *ret)
{
    if (q->n == 0)
        return false;
    *ret = q->items[0];
    q->items[0] = q->items[--q->n];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < q->n; child++)
            if (before(&q->items[child], &q->items[least]))
                least = child;
        if (least == at)
            return true;
        swap(q, at, least);
        at = least;
    }
}

void queue_release(struct queue *q)
{
    free(q->items);
    *q = (struct queue){0};
}
