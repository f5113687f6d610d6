#include "engine/relay/timers.h"

#include <stdlib.h>

static void put(struct timers *all, size_t at, struct timer *t)
{
    all->heap[at] = t;
    t->at = at;
}

static void up(struct timers *all, size_t at)
{
    struct timer *t = all->heap[at];
    while (at > 1 && all->heap[at / 2]->due > t->due) {
        put(all, at, all->heap[at / 2]);
        at /= 2;
    }
    put(all, at, t);
}

static void down(struct timers *all, size_t at)
{
    struct timer *t = all->heap[at];
    for (;;) {
        size_t child = 2 * at;
        if (child > all->n)
            break;
        if (child < all->n && all->heap[child + 1]->due < all->heap[child]->due)
            child++;
        if (all->heap[child]->due >= t->due)
            break;
        put(all, at, all->heap[child]);
        at = child;
    }
    put(all, at, t);
}

bool timer_set(struct timers *all, struct timer *t, tq_time due)
{
    if (t->at != 0) {
        bool sooner = due < t->due;
        t->due = due;
        if (sooner)
            up(all, t->at);
        else
            down(all, t->at);
        return true;
    }
    if (all->n + 2 > all->size) {
        size_t size = all->size == 0 ? 64 : all->size * 2;
        struct timer **heap = realloc(all->heap, size * sizeof(struct timer *));
        if (heap == NULL)
            return false;
        all->heap = heap;
        all->size = size;
    }
    t->due = due;
    put(all, ++all->n, t);
    up(all, all->n);
    return true;
}

bool timer_by(struct timers *all, struct timer *t, tq_time due)
{
    return (t->at != 0 && t->due <= due) || timer_set(all, t, due);
}

void timer_stop(struct timers *all, struct timer *t)
{
    if (t->at == 0)
        return;
    size_t at = t->at;
    struct timer *last = all->heap[all->n--];
    t->at = 0;
    if (last == t)
        return;
    put(all, at, last);
    up(all, at);
    down(all, last->at);
}

tq_time timers_next(const struct timers *all)
{
    return all->n == 0 ? TIMER_NEVER : all->heap[1]->due;
}

void timers_fire(struct timers *all, tq_time now)
{
    /* one that is set again for a time that has come waits for the next call: nothing loops here */
    for (size_t left = all->n; left > 0 && all->n > 0 && all->heap[1]->due <= now; left--) {
        struct timer *t = all->heap[1];
        timer_stop(all, t);
        t->fire(t, now);
    }
}

void timers_release(struct timers *all)
{
    free(all->heap);
    *all = (struct timers){0};
}
