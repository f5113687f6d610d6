#include "engine/detect/memo.h"

#include "base/room.h"

#include <stdlib.h>

#define ENTRIES_MOST 65536

static size_t room_of(const struct memo *m)
{
    return m->count * (sizeof(struct memo_bucket) + WAYS * m->stride);
}

struct memo *memo_new(size_t entries, size_t value_size)
{
    struct memo *m = entries > ENTRIES_MOST ? NULL : calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->count = 1;
    while (m->count * WAYS < entries)
        m->count *= 2;
    m->value_size = value_size;
    m->stride = sizeof(struct digest); /* in front of each value: its key */
    while (m->stride < sizeof(struct digest) + value_size && m->stride < MEMO_LINE)
        m->stride *= 2; /* none lies in more lines than it must */
    while (m->stride < sizeof(struct digest) + value_size)
        m->stride += MEMO_LINE;
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

static uint16_t head_of(struct digest key)
{
    uint16_t head = (uint16_t)key.a;
    return head == 0 ? 1 : head;
}

/* The place of this key in its bucket; WAYS: it is not there. */
static inline size_t find(const struct memo *m, const struct memo_bucket *b, struct digest key)
{
    for (unsigned may = ways_equal_short(b->heads, head_of(key)); may != 0; may &= may - 1) {
        size_t way = (size_t)__builtin_ctz(may);
        if (digest_equal(*memo_entry(m, b->numbers[way]), key))
            return way;
    }
    return WAYS;
}

static uint32_t moment(tq_time t)
{
    return (uint32_t)((uint64_t)t >> 30) << 1;
}

/* The place in a bucket that a new one takes. */
static size_t place(const struct memo_bucket *b, uint32_t now)
{
    unsigned free_ones = ways_equal_short(b->heads, 0);
    if (free_ones != 0)
        return (size_t)__builtin_ctz(free_ones);
    int64_t worst = INT64_MIN; /* one number each, its place in the lowest bits: to guess which is the largest would cost more than to look at all */
    for (int64_t i = 0; i < WAYS; i++) {
        int64_t age = (int32_t)(now - (b->used[i] & ~1u));
        int64_t free_to_go = ~b->used[i] & 1;
        int64_t one = (age + free_to_go * (INT64_C(1) << 32)) * WAYS + (WAYS - 1 - i);
        worst = one > worst ? one : worst;
    }
    return WAYS - 1 - (size_t)(worst & (WAYS - 1));
}

void memo_expect_entry(const struct memo *m, struct digest key, tq_time now)
{
    const struct memo_bucket *b = memo_bucket_of(m, key);
    unsigned may = ways_equal_short(b->heads, head_of(key));
    size_t way = may != 0 ? (size_t)__builtin_ctz(may) : place(b, moment(now));
    memo_expect_number(m, b->heads[way] != 0 ? b->numbers[way] : m->made, MEMO_HOT);
}

void *memo_get(const struct memo *m, struct digest key)
{
    const struct memo_bucket *b = memo_bucket_of(m, key);
    size_t way = find(m, b, key);
    return way == WAYS ? NULL : memo_entry(m, b->numbers[way]) + 1;
}

void *memo_put(struct memo *m, struct digest key, tq_time now, bool *ret_new)
{
    struct memo_bucket *b = memo_bucket_of(m, key);
    size_t way = find(m, b, key);
    if (ret_new != NULL)
        *ret_new = way == WAYS;
    if (way == WAYS) {
        way = place(b, moment(now));
        if (b->heads[way] == 0)
            b->numbers[way] = (uint16_t)m->made++; /* as many as places */
        else
            memset(memo_entry(m, b->numbers[way]) + 1, 0, m->value_size);
        b->heads[way] = head_of(key);
        b->used[way] = 0;
        *memo_entry(m, b->numbers[way]) = key;
    }
    b->used[way] = moment(now) | (b->used[way] & 1);
    return memo_entry(m, b->numbers[way]) + 1;
}

uint32_t memo_number(const struct memo *m, const void *value)
{
    return (uint32_t)((size_t)((const uint8_t *)value - m->entries) / m->stride);
}

void memo_use(struct memo *m, uint32_t number, tq_time now)
{
    struct digest key = *memo_entry(m, number);
    struct memo_bucket *b = memo_bucket_of(m, key);
    size_t way = find(m, b, key);
    if (way != WAYS)
        b->used[way] = moment(now) | (b->used[way] & 1);
}

void memo_hold(struct memo *m, struct digest key)
{
    struct memo_bucket *b = memo_bucket_of(m, key);
    size_t way = find(m, b, key);
    if (way != WAYS)
        b->used[way] |= 1;
}

bool memo_next_held(const struct memo *m, size_t *at, struct digest *ret_key, const void **ret_value)
{
    for (; *at < m->count * WAYS; (*at)++) {
        const struct memo_bucket *b = &m->buckets[*at / WAYS];
        size_t way = *at % WAYS;
        if (b->heads[way] == 0 || (b->used[way] & 1) == 0)
            continue;
        *ret_key = *memo_entry(m, b->numbers[way]);
        *ret_value = memo_entry(m, b->numbers[way]) + 1;
        (*at)++;
        return true;
    }
    return false;
}
