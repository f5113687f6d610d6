#include "engine/detect/memo.h"

#include "base/room.h"

#include <stdlib.h>

#define WAYS 8

/* The first half of each key lies apart, a bucket's eight in one cache line, so that most look-ups touch nothing else. 0: the entry is free. */
struct slot {
    uint64_t b;
    tq_time used;
    bool held;
};

struct memo {
    size_t buckets; /* a power of two */
    size_t value_size;
    size_t count;
    uint64_t *heads; /* slots and values lie behind them */
    struct slot *slots;
    uint8_t *values;
};

static size_t room_of(const struct memo *m)
{
    return m->buckets * WAYS * (sizeof *m->heads + sizeof *m->slots + m->value_size);
}

struct memo *memo_new(size_t entries, size_t value_size)
{
    size_t buckets = 1;
    while (buckets * WAYS < entries)
        buckets *= 2;
    struct memo *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->buckets = buckets;
    m->value_size = value_size;
    m->heads = room_new(room_of(m));
    if (m->heads == NULL) {
        free(m);
        return NULL;
    }
    m->slots = (struct slot *)(m->heads + buckets * WAYS);
    m->values = (uint8_t *)(m->slots + buckets * WAYS);
    return m;
}

void memo_free(struct memo *m)
{
    if (m == NULL)
        return;
    room_free(m->heads, room_of(m));
    free(m);
}

size_t memo_count(const struct memo *m)
{
    return m->count;
}

/* What a key is kept as: its first half is never 0. */
static struct digest kept(struct digest key)
{
    key.a = key.a == 0 ? 1 : key.a;
    return key;
}

static size_t bucket_of(const struct memo *m, struct digest key)
{
    return (size_t)(key.b & (m->buckets - 1)) * WAYS;
}

static size_t find(const struct memo *m, struct digest key)
{
    size_t at = bucket_of(m, key);
    for (size_t i = at; i < at + WAYS; i++)
        if (m->heads[i] == key.a && m->slots[i].b == key.b)
            return i;
    return SIZE_MAX;
}

void memo_expect(const struct memo *m, struct digest key)
{
    size_t at = bucket_of(m, kept(key));
    __builtin_prefetch(m->heads + at);
    for (size_t i = 0; i < WAYS; i += 64 / sizeof(struct slot) + 1)
        __builtin_prefetch(m->slots + at + i);
}

void *memo_get(const struct memo *m, struct digest key)
{
    size_t i = find(m, kept(key));
    return i == SIZE_MAX ? NULL : m->values + i * m->value_size;
}

/* The entry of a bucket that a new one takes. */
static size_t place(const struct memo *m, size_t first)
{
    for (size_t i = first; i < first + WAYS; i++)
        if (m->heads[i] == 0)
            return i;
    size_t worst = first;
    for (size_t i = first + 1; i < first + WAYS; i++) {
        const struct slot *a = &m->slots[i];
        const struct slot *b = &m->slots[worst];
        if (a->held != b->held ? b->held : a->used < b->used)
            worst = i;
    }
    return worst;
}

void *memo_put(struct memo *m, struct digest key, tq_time now, bool *ret_new)
{
    key = kept(key);
    size_t i = find(m, key);
    if (ret_new != NULL)
        *ret_new = i == SIZE_MAX;
    if (i == SIZE_MAX) {
        i = place(m, bucket_of(m, key));
        if (m->heads[i] == 0)
            m->count++;
        else
            memset(m->values + i * m->value_size, 0, m->value_size);
        m->heads[i] = key.a;
        m->slots[i] = (struct slot){.b = key.b};
    }
    m->slots[i].used = now;
    return m->values + i * m->value_size;
}

void memo_hold(struct memo *m, struct digest key)
{
    size_t i = find(m, kept(key));
    if (i != SIZE_MAX)
        m->slots[i].held = true;
}

bool memo_next_held(const struct memo *m, size_t *at, struct digest *ret_key, const void **ret_value)
{
    for (; *at < m->buckets * WAYS; (*at)++) {
        if (m->heads[*at] == 0 || !m->slots[*at].held)
            continue;
        *ret_key = (struct digest){.a = m->heads[*at], .b = m->slots[*at].b};
        *ret_value = m->values + *at * m->value_size;
        (*at)++;
        return true;
    }
    return false;
}
