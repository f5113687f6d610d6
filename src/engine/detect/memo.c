#include "engine/detect/memo.h"

#include "base/room.h"

#include <stdlib.h>

#define WAYS 8
#define LINE 64

/* An entry is this and its value. */
struct slot {
    uint64_t b;
    tq_time used;
    uint64_t held;
};

/* The first half of each key lies apart, a bucket's eight in one cache line, so that most look-ups touch that line and the entry. 0: it is free. */
struct memo {
    size_t buckets; /* a power of two */
    size_t value_size;
    size_t stride;   /* of entries */
    uint64_t *heads; /* the entries lie behind them */
    uint8_t *entries;
};

static size_t room_of(const struct memo *m)
{
    return m->buckets * WAYS * (sizeof *m->heads + m->stride);
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
    m->stride = sizeof(struct slot) + value_size;
    size_t unit = m->stride > LINE ? LINE : sizeof(uint64_t);
    m->stride = (m->stride + unit - 1) / unit * unit;
    m->heads = room_new(room_of(m));
    if (m->heads == NULL) {
        free(m);
        return NULL;
    }
    m->entries = (uint8_t *)(m->heads + buckets * WAYS);
    return m;
}

void memo_free(struct memo *m)
{
    if (m == NULL)
        return;
    room_free(m->heads, room_of(m));
    free(m);
}

static struct slot *slot_at(const struct memo *m, size_t i)
{
    return (struct slot *)(m->entries + i * m->stride);
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
        if (m->heads[i] == key.a && slot_at(m, i)->b == key.b)
            return i;
    return SIZE_MAX;
}

void memo_expect(const struct memo *m, struct digest key)
{
    __builtin_prefetch(m->heads + bucket_of(m, kept(key)));
}

void memo_expect_entry(const struct memo *m, struct digest key)
{
    key = kept(key);
    size_t at = bucket_of(m, key);
    for (size_t i = at; i < at + WAYS; i++)
        if (m->heads[i] == key.a || m->heads[i] == 0) {
            for (size_t n = 0; n < m->stride && n < MEMO_HOT; n += LINE)
                __builtin_prefetch(m->entries + i * m->stride + n, 1);
            return;
        }
}

void *memo_get(const struct memo *m, struct digest key)
{
    size_t i = find(m, kept(key));
    return i == SIZE_MAX ? NULL : slot_at(m, i) + 1;
}

/* The entry of a bucket that a new one takes. */
static size_t place(const struct memo *m, size_t first)
{
    for (size_t i = first; i < first + WAYS; i++)
        if (m->heads[i] == 0)
            return i;
    size_t worst = first;
    for (size_t i = first + 1; i < first + WAYS; i++) {
        const struct slot *a = slot_at(m, i);
        const struct slot *b = slot_at(m, worst);
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
        if (m->heads[i] != 0)
            memset(slot_at(m, i) + 1, 0, m->value_size);
        m->heads[i] = key.a;
        *slot_at(m, i) = (struct slot){.b = key.b};
    }
    slot_at(m, i)->used = now;
    return slot_at(m, i) + 1;
}

uint32_t memo_number(const struct memo *m, const void *value)
{
    return (uint32_t)((size_t)((const uint8_t *)value - m->entries) / m->stride);
}

void *memo_at(const struct memo *m, uint32_t number)
{
    return slot_at(m, number) + 1;
}

void memo_use(void *value, tq_time now)
{
    ((struct slot *)value - 1)->used = now;
}

void memo_hold(struct memo *m, struct digest key)
{
    size_t i = find(m, kept(key));
    if (i != SIZE_MAX)
        slot_at(m, i)->held = true;
}

bool memo_next_held(const struct memo *m, size_t *at, struct digest *ret_key, const void **ret_value)
{
    for (; *at < m->buckets * WAYS; (*at)++) {
        const struct slot *s = slot_at(m, *at);
        if (m->heads[*at] == 0 || !s->held)
            continue;
        *ret_key = (struct digest){.a = m->heads[*at], .b = s->b};
        *ret_value = s + 1;
        (*at)++;
        return true;
    }
    return false;
}
