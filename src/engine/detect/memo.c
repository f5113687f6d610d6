#include "engine/detect/memo.h"

#include <stdlib.h>

#define WAYS 8
#define PIECE_MAX 48 /* longer pieces go in as their hashes */

void digest_start(struct digester *d, const struct hash_key *key, char purpose)
{
    d->key = key;
    d->n = 1;
    d->bytes[0] = (uint8_t)purpose;
}

static struct hash_key second(const struct hash_key *key)
{
    return (struct hash_key){.k0 = key->k1 ^ UINT64_C(0x6a09e667f3bcc908), .k1 = key->k0 ^ UINT64_C(0xbb67ae8584caa73b)};
}

static struct digest digest_of(const struct hash_key *key, const void *p, size_t n)
{
    struct hash_key other = second(key);
    return (struct digest){.a = hash_bytes(key, p, n), .b = hash_bytes(&other, p, n)};
}

void digest_add(struct digester *d, struct span piece)
{
    struct digest hashed;
    uint8_t mark = (uint8_t)piece.n;
    if (piece.n > PIECE_MAX) {
        hashed = digest_of(d->key, piece.p, piece.n);
        piece = span_of(&hashed, sizeof hashed);
        mark = 0xff;
    }
    if (d->n + 1 + piece.n > sizeof d->bytes) { /* full: what was said so far becomes its hash */
        struct digest so_far = digest_of(d->key, d->bytes, d->n);
        d->bytes[0] = 0xfe;
        memcpy(d->bytes + 1, &so_far, sizeof so_far);
        d->n = 1 + sizeof so_far;
    }
    d->bytes[d->n++] = mark;
    if (piece.n > 0)
        memcpy(d->bytes + d->n, piece.p, piece.n);
    d->n += piece.n;
}

struct digest digest_end(struct digester *d)
{
    return digest_of(d->key, d->bytes, d->n);
}

struct slot {
    struct digest key;
    tq_time used;
    uint32_t held;
    uint32_t taken;
};

struct memo {
    size_t buckets; /* a power of two */
    size_t value_size;
    size_t count;
    struct slot *slots;
    uint8_t *values;
};

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
    m->slots = calloc(buckets * WAYS, sizeof *m->slots);
    m->values = calloc(buckets * WAYS, value_size);
    if (m->slots == NULL || m->values == NULL) {
        memo_free(m);
        return NULL;
    }
    return m;
}

void memo_free(struct memo *m)
{
    if (m == NULL)
        return;
    free(m->slots);
    free(m->values);
    free(m);
}

size_t memo_count(const struct memo *m)
{
    return m->count;
}

static size_t find(const struct memo *m, struct digest key)
{
    size_t at = (size_t)(key.a & (m->buckets - 1)) * WAYS;
    for (size_t i = at; i < at + WAYS; i++)
        if (m->slots[i].taken && digest_equal(m->slots[i].key, key))
            return i;
    return SIZE_MAX;
}

void *memo_get(const struct memo *m, struct digest key)
{
    size_t i = find(m, key);
    return i == SIZE_MAX ? NULL : m->values + i * m->value_size;
}

/* Whether slot a should go before slot b. */
static bool goes_first(const struct slot *a, const struct slot *b)
{
    if (a->taken != b->taken)
        return !a->taken;
    if (a->held != b->held)
        return !a->held;
    return a->used < b->used;
}

void *memo_put(struct memo *m, struct digest key, tq_time now, bool *ret_new)
{
    size_t i = find(m, key);
    if (ret_new != NULL)
        *ret_new = i == SIZE_MAX;
    if (i == SIZE_MAX) {
        size_t first = (size_t)(key.a & (m->buckets - 1)) * WAYS;
        i = first;
        for (size_t k = first + 1; k < first + WAYS; k++)
            if (goes_first(&m->slots[k], &m->slots[i]))
                i = k;
        if (!m->slots[i].taken)
            m->count++;
        m->slots[i] = (struct slot){.key = key, .taken = 1};
        memset(m->values + i * m->value_size, 0, m->value_size);
    }
    m->slots[i].used = now;
    return m->values + i * m->value_size;
}

void memo_hold(struct memo *m, struct digest key)
{
    size_t i = find(m, key);
    if (i != SIZE_MAX)
        m->slots[i].held = 1;
}

bool memo_next_held(const struct memo *m, size_t *at, struct digest *ret_key, const void **ret_value)
{
    for (; *at < m->buckets * WAYS; (*at)++) {
        if (!m->slots[*at].taken || !m->slots[*at].held)
            continue;
        *ret_key = m->slots[*at].key;
        *ret_value = m->values + *at * m->value_size;
        (*at)++;
        return true;
    }
    return false;
}
