#include "lab/people/throttle.h"

#include "base/table.h"
#include "record/crypto/crypto.h"

#include <pthread.h>
#include <stdlib.h>

#define ENTRIES 8192
#define FORGET (15 * 60 * TIME_SECOND)
#define BURST 30
#define A_SECOND 5
#define WINDOW (60 * TIME_SECOND)

enum scope { SCOPE_BOTH, SCOPE_ACCOUNT, SCOPE_PEER, SCOPES };

static const struct {
    int64_t free;    /* attempts without waiting */
    int64_t longest; /* seconds */
} limits[SCOPES] = {[SCOPE_BOTH] = {3, 300}, [SCOPE_ACCOUNT] = {20, 30}, [SCOPE_PEER] = {20, 30}};

struct entry {
    int64_t wrong;
    tq_time last;
    tq_time until;
};

struct throttle {
    pthread_mutex_t lock;
    struct table *entries;
    struct share {
        int64_t tokens; /* in nanoseconds of attempts' worth */
        tq_time filled;
    } shares[2]; /* of unknown places, of known ones */
};

static struct table *entries_new(void)
{
    struct hash_key key;
    crypto_random(&key, sizeof key);
    return table_new(key, ENTRIES, sizeof(struct entry));
}

struct throttle *throttle_new(struct error *e)
{
    struct throttle *t = calloc(1, sizeof *t);
    if (t != NULL)
        t->entries = entries_new();
    if (t == NULL || t->entries == NULL) {
        free(t);
        (void)err_set(e, ERR_SYSTEM, "no memory for throttling");
        return NULL;
    }
    t->shares[0].tokens = t->shares[1].tokens = BURST * TIME_SECOND / A_SECOND;
    (void)pthread_mutex_init(&t->lock, NULL);
    return t;
}

void throttle_free(struct throttle *t)
{
    if (t == NULL)
        return;
    table_free(t->entries);
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

static struct span key_of(enum scope scope, struct span account, struct span peer, uint8_t out[SHA256_SIZE])
{
    if (scope == SCOPE_PEER)
        account = SPAN_LIT("");
    if (scope == SCOPE_ACCOUNT)
        peer = SPAN_LIT("");
    uint8_t head[2] = {(uint8_t)scope, (uint8_t)account.n};
    struct span parts[] = {span_of(head, 2), account, peer};
    crypto_sha256_parts(parts, 3, out);
    return span_of(out, SHA256_SIZE);
}

static bool refill(struct share *t, tq_time now)
{
    int64_t most = BURST * TIME_SECOND / A_SECOND;
    int64_t more = now - t->filled;
    t->filled = now;
    t->tokens = more > most - t->tokens ? most : t->tokens + (more > 0 ? more : 0);
    return t->tokens >= TIME_SECOND / A_SECOND;
}

/* Forgets what is old. Where a flood of names and places fills the table with young entries, all are forgotten: the limit over all still holds. */
static void make_room(struct throttle *t, tq_time now)
{
    struct table *kept = entries_new();
    if (kept == NULL)
        return;
    size_t at = 0;
    struct span key;
    void *value;
    while (table_next(t->entries, &at, &key, &value)) {
        struct entry old = *(struct entry *)value;
        struct entry *copy = now - old.last < FORGET && table_count(kept) < ENTRIES / 2 ? table_put(kept, key, NULL) : NULL;
        if (copy != NULL)
            *copy = old;
    }
    table_free(t->entries);
    t->entries = kept;
}

static void count(struct throttle *t, enum scope scope, struct span key, tq_time now)
{
    struct entry *en = table_put(t->entries, key, NULL);
    if (en == NULL)
        return;
    if (now - en->last >= FORGET)
        en->wrong = 0;
    en->wrong++;
    en->last = now;
    int64_t over = en->wrong - limits[scope].free;
    int64_t wait = over <= 0 ? 0 : over > 16 ? limits[scope].longest : INT64_C(1) << over;
    en->until = now + (wait > limits[scope].longest ? limits[scope].longest : wait) * TIME_SECOND;
}

bool throttle_ask(struct throttle *t, struct span account, struct span peer, bool known, tq_time now, int64_t *ret_wait)
{
    uint8_t keys[SCOPES][SHA256_SIZE];
    tq_time until = now;
    (void)pthread_mutex_lock(&t->lock);
    if (table_count(t->entries) + SCOPES > ENTRIES)
        make_room(t, now);
    for (int s = 0; s < SCOPES; s++) {
        const struct entry *en = table_get(t->entries, key_of((enum scope)s, account, peer, keys[s]));
        if (en != NULL && en->until > until && !(known && s == SCOPE_ACCOUNT))
            until = en->until;
    }
    if (until == now && !refill(&t->shares[known], now))
        until = now + TIME_SECOND;
    if (until == now) {
        t->shares[known].tokens -= TIME_SECOND / A_SECOND;
        for (int s = 0; s < SCOPES; s++)
            count(t, (enum scope)s, span_of(keys[s], SHA256_SIZE), now);
    }
    (void)pthread_mutex_unlock(&t->lock);
    *ret_wait = (until - now + TIME_SECOND - 1) / TIME_SECOND;
    return until == now;
}

void throttle_right(struct throttle *t, struct span account, struct span peer)
{
    uint8_t key[SHA256_SIZE];
    (void)pthread_mutex_lock(&t->lock);
    (void)table_remove(t->entries, key_of(SCOPE_BOTH, account, peer, key));
    for (int s = SCOPE_ACCOUNT; s < SCOPES; s++) {
        struct entry *en = table_get(t->entries, key_of((enum scope)s, account, peer, key));
        if (en != NULL && en->wrong > 0) {
            en->wrong--;                                           /* this one was not wrong */
            if (s == SCOPE_ACCOUNT || en->wrong <= limits[s].free) /* whoever knows the password need not wait for those who guess it */
                en->until = en->last;
        }
    }
    (void)pthread_mutex_unlock(&t->lock);
}

bool throttle_window_open(struct throttle_window *w, int64_t most, tq_time now, int64_t *ret_wait)
{
    if (w->count == 0 || now - w->start >= WINDOW || now < w->start)
        *w = (struct throttle_window){.start = now};
    *ret_wait = (w->start + WINDOW - now + TIME_SECOND - 1) / TIME_SECOND;
    return w->count < most;
}

void throttle_window_count(struct throttle_window *w)
{
    w->count++;
}
