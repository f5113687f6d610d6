#include "engine/detect/memo.h"

#include "base/room.h"

#include <stdlib.h>

#define WAYS 8
#define LINE 64

/* The first half of each key, when it was used last, and whether it is held, apart from the entries: a look-up touches this and one entry. */
struct bucket {
    uint64_t heads[WAYS]; /* 0: free */
    uint32_t used[WAYS];  /* about seconds, modulo 2^32 */
    uint8_t held[WAYS];
    uint8_t rest[2 * LINE - WAYS * (sizeof(uint64_t) + sizeof(uint32_t) + 1)];
};

_Static_assert(sizeof(struct bucket) == 2 * LINE, "a bucket's heads fill a cache line, and the rest is in the next");

/* In front of each value: the other half of its key. */
typedef uint64_t tail;

struct memo {
    size_t count; /* of buckets: a power of two */
    size_t value_size;
    size_t stride; /* of entries */
    struct bucket *buckets;
    uint8_t *entries; /* behind them */
};

static size_t room_of(const struct memo *m)
{
    return m->count * (sizeof(struct bucket) + WAYS * m->stride);
}

struct memo *memo_new(size_t entries, size_t value_size)
{
    struct memo *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->count = 1;
    while (m->count * WAYS < entries)
        m->count *= 2;
    m->value_size = value_size;
    m->stride = sizeof(tail) + value_size;
    size_t unit = m->stride > LINE ? LINE : sizeof(tail);
    m->stride = (m->stride + unit - 1) / unit * unit;
    m->buckets = room_new(room_of(m));
    if (m->buckets == NULL) {
        free(m);
        return NULL;
    }
    m->entries = (uint8_t *)(m->buckets + m->count);
    return m;
}

void memo_free(struct memo *m)
{
    if (m == NULL)
        return;
    room_free(m->buckets, room_of(m));
    free(m);
}

static tail *entry_at(const struct memo *m, size_t number)
{
    return (tail *)(void *)(m->entries + number * m->stride);
}

/* What a key is kept as: its first half is never 0. */
static struct digest kept(struct digest key)
{
    key.a = key.a == 0 ? 1 : key.a;
    return key;
}

static size_t bucket_of(const struct memo *m, struct digest key)
{
    return key.b & (m->count - 1);
}

static size_t find(const struct memo *m, struct digest key)
{
    size_t at = bucket_of(m, key);
    for (size_t i = 0; i < WAYS; i++)
        if (m->buckets[at].heads[i] == key.a && *entry_at(m, at * WAYS + i) == key.b)
            return at * WAYS + i;
    return SIZE_MAX;
}

static uint32_t moment(tq_time t)
{
    return (uint32_t)((uint64_t)t >> 30);
}

/* The entry of a bucket that a new one takes. */
static size_t place(const struct bucket *b, uint32_t now)
{
    size_t worst = 0;
    for (size_t i = 0; i < WAYS; i++) {
        if (b->heads[i] == 0)
            return i;
        if (b->held[i] != b->held[worst] ? b->held[worst] : (int32_t)(now - b->used[i]) > (int32_t)(now - b->used[worst]))
            worst = i;
    }
    return worst;
}

void memo_expect(const struct memo *m, struct digest key)
{
    const struct bucket *b = &m->buckets[bucket_of(m, key)];
    __builtin_prefetch(b->heads, 1);
    __builtin_prefetch(b->used, 1);
}

void memo_expect_entry(const struct memo *m, struct digest key, tq_time now)
{
    key = kept(key);
    size_t at = bucket_of(m, key);
    const struct bucket *b = &m->buckets[at];
    size_t i = 0;
    while (i < WAYS && b->heads[i] != key.a)
        i++;
    if (i == WAYS)
        i = place(b, moment(now));
    for (size_t n = 0; n < m->stride && n < MEMO_HOT; n += LINE)
        __builtin_prefetch((const uint8_t *)entry_at(m, at * WAYS + i) + n, 1);
}

void *memo_get(const struct memo *m, struct digest key)
{
    size_t i = find(m, kept(key));
    return i == SIZE_MAX ? NULL : entry_at(m, i) + 1;
}

void *memo_put(struct memo *m, struct digest key, tq_time now, bool *ret_new)
{
    key = kept(key);
    size_t i = find(m, key);
    if (ret_new != NULL)
        *ret_new = i == SIZE_MAX;
    if (i == SIZE_MAX) {
        struct bucket *b = &m->buckets[bucket_of(m, key)];
        size_t way = place(b, moment(now));
        i = bucket_of(m, key) * WAYS + way;
        if (b->heads[way] != 0)
            memset(entry_at(m, i) + 1, 0, m->value_size);
        b->heads[way] = key.a;
        b->held[way] = 0;
        *entry_at(m, i) = key.b;
    }
    memo_use(m, (uint32_t)i, now);
    return entry_at(m, i) + 1;
}

uint32_t memo_number(const struct memo *m, const void *value)
{
    return (uint32_t)((size_t)((const uint8_t *)value - m->entries) / m->stride);
}

void *memo_at(const struct memo *m, uint32_t number)
{
    return entry_at(m, number) + 1;
}

void memo_use(struct memo *m, uint32_t number, tq_time now)
{
    m->buckets[number / WAYS].used[number % WAYS] = moment(now);
}

void memo_hold(struct memo *m, struct digest key)
{
    size_t i = find(m, kept(key));
    if (i != SIZE_MAX)
        m->buckets[i / WAYS].held[i % WAYS] = 1;
}

bool memo_next_held(const struct memo *m, size_t *at, struct digest *ret_key, const void **ret_value)
{
    for (; *at < m->count * WAYS; (*at)++) {
        const struct bucket *b = &m->buckets[*at / WAYS];
        size_t way = *at % WAYS;
        if (b->heads[way] == 0 || !b->held[way])
            continue;
        *ret_key = (struct digest){.a = b->heads[way], .b = *entry_at(m, *at)};
        *ret_value = entry_at(m, *at) + 1;
        (*at)++;
        return true;
    }
    return false;
}
