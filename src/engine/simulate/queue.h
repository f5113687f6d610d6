/* A queue by time: what comes first in time comes out first, and of two at the same time the one put in first. */
#ifndef TQ_SIMULATE_QUEUE_H
#define TQ_SIMULATE_QUEUE_H

#include "base/time.h"

struct queue_item {
    tq_time time;
    uint64_t order;
    void (*act)(void *world, tq_time time, void *what); /* NULL for a packet */
    void *what;
};

struct queue {
    struct queue_item *items;
    size_t n;
    size_t size;
    uint64_t order;
};

#define QUEUE_MAX (1U << 20)

bool queue_put(struct queue *q, struct queue_item item);     /* false: no memory, or full */
const struct queue_item *queue_first(const struct queue *q); /* without taking it; NULL: empty */
bool queue_take(struct queue *q, struct queue_item *ret);
void queue_release(struct queue *q); /* the `what`s are the owner's */

#endif
