#include "lab/people/rate.h"

#include "base/table.h"
#include "lab/people/throttle.h"
#include "record/crypto/crypto.h"

#include <pthread.h>
#include <stdlib.h>

struct asker {
    struct throttle_window window;
    tq_time last;
    tq_time wall;
};

struct rates {
    pthread_mutex_t lock;
    struct table *askers;
};

static struct table *askers_new(void)
{
    struct hash_key key;
    crypto_random(&key, sizeof key);
    return table_new(key, RATE_KEPT, sizeof(struct asker));
}

struct rates *rates_new(struct error *e)
{
    struct rates *r = calloc(1, sizeof *r);
    if (r != NULL)
        r->askers = askers_new();
    if (r == NULL || r->askers == NULL) {
        free(r);
        (void)err_set(e, ERR_SYSTEM, "no memory for rate limits");
        return NULL;
    }
    (void)pthread_mutex_init(&r->lock, NULL);
    return r;
}

void rates_free(struct rates *r)
{
    if (r == NULL)
        return;
    table_free(r->askers);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

/* Forgets whoever was silent for longest, until half of the room is free. */
static void make_room(struct rates *r, tq_time now)
{
    for (tq_time age = 64 * 60 * TIME_SECOND; age >= TIME_SECOND && table_count(r->askers) > RATE_KEPT / 2; age /= 2) {
        struct table *kept = askers_new();
        size_t at = 0;
        struct span key;
        void *value;
        if (kept == NULL)
            return;
        while (table_next(r->askers, &at, &key, &value)) {
            struct asker *copy = now - ((struct asker *)value)->last < age ? table_put(kept, key, NULL) : NULL;
            if (copy != NULL)
                *copy = *(struct asker *)value;
        }
        table_free(r->askers);
        r->askers = kept;
    }
}

bool rate_take(struct rates *r, struct span who, int64_t most, tq_time now, tq_time wall, int64_t *ret_wait)
{
    (void)pthread_mutex_lock(&r->lock);
    if (table_count(r->askers) >= RATE_KEPT)
        make_room(r, now);
    struct asker *a = table_put(r->askers, who, NULL);
    bool open = a == NULL || throttle_window_open(&a->window, most, now, ret_wait); /* no room: nobody is kept out for that */
    if (a != NULL) {
        if (open)
            throttle_window_count(&a->window);
        a->last = now;
        a->wall = wall;
    }
    (void)pthread_mutex_unlock(&r->lock);
    return open;
}

tq_time rate_last(struct rates *r, struct span who)
{
    (void)pthread_mutex_lock(&r->lock);
    const struct asker *a = table_get(r->askers, who);
    tq_time wall = a == NULL ? 0 : a->wall;
    (void)pthread_mutex_unlock(&r->lock);
    return wall;
}
