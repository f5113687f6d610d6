#include "base/table.h"

#include <stdlib.h>

/* One slot is: the hash with its top bit set (0 = empty), the key's length, the key's bytes on the heap, and the value in a parallel array. */
struct slot {
    uint64_t hash;
    uint32_t key_n;
    uint8_t *key;
};

struct table {
    struct hash_key hash_key;
    size_t max;
    size_t value_size;
    size_t count;
    size_t size; /* a power of two */
    struct slot *slots;
    uint8_t *values;
};

#define USED (UINT64_C(1) << 63)

struct table *table_new(struct hash_key key, size_t max, size_t value_size)
{
    struct table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->hash_key = key;
    t->max = max;
    t->value_size = value_size == 0 ? 1 : value_size;
    return t;
}

void table_free(struct table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->size; i++)
        free(t->slots[i].key);
    free(t->slots);
    free(t->values);
    free(t);
}

size_t table_count(const struct table *t)
{
    return t->count;
}

static size_t find(const struct table *t, uint64_t hash, struct span key)
{
    size_t i = hash & (t->size - 1);
    while (t->slots[i].hash != 0) {
        if (t->slots[i].hash == hash && span_equal(span_of(t->slots[i].key, t->slots[i].key_n), key))
            return i;
        i = (i + 1) & (t->size - 1);
    }
    return i;
}

static bool grow(struct table *t)
{
    size_t size = t->size == 0 ? 16 : t->size * 2;
    struct slot *slots = calloc(size, sizeof *slots);
    uint8_t *values = calloc(size, t->value_size);
    if (slots == NULL || values == NULL) {
        free(slots);
        free(values);
        return false;
    }
    for (size_t i = 0; i < t->size; i++) {
        if (t->slots[i].hash == 0)
            continue;
        size_t j = t->slots[i].hash & (size - 1);
        while (slots[j].hash != 0)
            j = (j + 1) & (size - 1);
        slots[j] = t->slots[i];
        memcpy(values + j * t->value_size, t->values + i * t->value_size, t->value_size);
    }
    free(t->slots);
    free(t->values);
    t->slots = slots;
    t->values = values;
    t->size = size;
    return true;
}

void *table_get(const struct table *t, struct span key)
{
    if (t->size == 0 || key.n > TABLE_KEY_MAX)
        return NULL;
    size_t i = find(t, hash_bytes(&t->hash_key, key.p, key.n) | USED, key);
    return t->slots[i].hash == 0 ? NULL : t->values + i * t->value_size;
}

void *table_put(struct table *t, struct span key, bool *ret_new)
{
    if (ret_new != NULL)
        *ret_new = false;
    if (key.n > TABLE_KEY_MAX)
        return NULL;
    uint64_t hash = hash_bytes(&t->hash_key, key.p, key.n) | USED;
    if (t->size > 0) {
        size_t i = find(t, hash, key);
        if (t->slots[i].hash != 0)
            return t->values + i * t->value_size;
    }
    if (t->count >= t->max || (t->count * 3 >= t->size * 2 && !grow(t)))
        return NULL;
    uint8_t *copy = malloc(key.n == 0 ? 1 : key.n);
    if (copy == NULL)
        return NULL;
    if (key.n > 0)
        memcpy(copy, key.p, key.n);
    size_t i = find(t, hash, key);
    t->slots[i] = (struct slot){.hash = hash, .key_n = (uint32_t)key.n, .key = copy};
    memset(t->values + i * t->value_size, 0, t->value_size);
    t->count++;
    if (ret_new != NULL)
        *ret_new = true;
    return t->values + i * t->value_size;
}

bool table_remove(struct table *t, struct span key)
{
    if (t->size == 0 || key.n > TABLE_KEY_MAX)
        return false;
    size_t i = find(t, hash_bytes(&t->hash_key, key.p, key.n) | USED, key);
    if (t->slots[i].hash == 0)
        return false;
    free(t->slots[i].key);
    t->count--;
    /* Close the gap: move back each later entry of the run whose home lies at or before the hole. */
    size_t hole = i;
    for (size_t j = (i + 1) & (t->size - 1); t->slots[j].hash != 0; j = (j + 1) & (t->size - 1)) {
        size_t home = t->slots[j].hash & (t->size - 1);
        if (((j - home) & (t->size - 1)) >= ((j - hole) & (t->size - 1))) {
            t->slots[hole] = t->slots[j];
            memcpy(t->values + hole * t->value_size, t->values + j * t->value_size, t->value_size);
            hole = j;
        }
    }
    t->slots[hole] = (struct slot){0};
    return true;
}

bool table_next(const struct table *t, size_t *at, struct span *ret_key, void **ret_value)
{
    for (; *at < t->size; (*at)++) {
        if (t->slots[*at].hash == 0)
            continue;
        *ret_key = span_of(t->slots[*at].key, t->slots[*at].key_n);
        *ret_value = t->values + *at * t->value_size;
        (*at)++;
        return true;
    }
    return false;
}
