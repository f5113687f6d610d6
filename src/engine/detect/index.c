#include "engine/detect/index.h"

#include "base/room.h"

_Static_assert(sizeof(struct index_bucket) == 64, "a bucket is a cache line");

bool index_init(struct index *x, size_t entries)
{
    x->buckets = 1;
    while (x->buckets * WAYS < entries)
        x->buckets *= 2;
    x->all = room_new(x->buckets * sizeof *x->all);
    return x->all != NULL;
}

void index_release(struct index *x)
{
    room_free(x->all, x->buckets * sizeof *x->all);
    x->all = NULL;
}

void index_put(struct index *x, uint64_t key, uint32_t number)
{
    uint32_t *known = index_get(x, key);
    if (known != NULL) {
        *known = number;
        return;
    }
    struct index_bucket *b = index_bucket_of(x, key);
    size_t at = 0;
    for (size_t i = 0; i < WAYS && b->tags[at] != 0; i++)
        if (b->tags[i] == 0 || number - b->numbers[i] > number - b->numbers[at])
            at = i;
    b->tags[at] = (uint32_t)(key >> 32) | 1;
    b->numbers[at] = number;
}
