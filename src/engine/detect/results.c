#include "engine/detect/results.h"

#include "base/room.h"

#include <stdlib.h>

_Static_assert(sizeof(struct seen_result) == 64, "a result is a cache line");

static size_t room_of(const struct results *s)
{
    return ((size_t)s->mask + 1) * sizeof *s->ring;
}

struct results *results_new(size_t entries)
{
    struct results *s = calloc(1, sizeof *s);
    size_t n = 1;
    if (s == NULL)
        return NULL;
    while (n < entries)
        n *= 2;
    s->mask = (uint32_t)(n - 1);
    s->ring = room_new(room_of(s));
    if (s->ring == NULL || !index_init(&s->index, 4 * n)) { /* a quarter full, so that what is pushed out is over already */
        results_free(s);
        return NULL;
    }
    room_take(s->ring, room_of(s)); /* it will be full, and stay so: how much that takes shows at the start */
    return s;
}

void results_free(struct results *s)
{
    if (s == NULL)
        return;
    room_free(s->ring, room_of(s));
    index_release(&s->index);
    free(s);
}

struct seen_result *results_add(struct results *s, const struct seen_result *one, bool *ret_new)
{
    struct seen_result *latest = results_get(s, one->key);
    *ret_new = latest == NULL || latest->sent != one->sent;
    if (!*ret_new)
        return latest;
    struct seen_result *k = results_at(s, s->next);
    *k = *one;
    index_put(&s->index, one->key, s->next++);
    return k;
}
