#include "proc/ring.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    size_t whole; /* bytes, with this head and what follows up to the next one */
    bool skips;   /* nothing is in it: the next one is at the ring's beginning */
    _Alignas(RING_ALIGN) uint8_t bytes[];
};

struct ring {
    size_t size;
    uint8_t *memory;
    /* bytes that were ever put, and that are done with; each on a line of the cache of its own */
    _Alignas(RING_ALIGN) _Atomic uint64_t put;
    uint64_t room; /* … with what ring_room gave */
    _Alignas(RING_ALIGN) _Atomic uint64_t done;
};

struct ring *ring_new(size_t size)
{
    struct ring *r = aligned_alloc(RING_ALIGN, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (struct ring){.size = size, .memory = aligned_alloc(RING_ALIGN, size)};
    if (r->memory == NULL) {
        free(r);
        return NULL;
    }
    memset(r->memory, 0, size); /* here, not when it is in a hurry */
    return r;
}

void ring_free(struct ring *r)
{
    if (r == NULL)
        return;
    explicit_bzero(r->memory, r->size);
    free(r->memory);
    free(r);
}

static struct entry *entry_at(const struct ring *r, uint64_t place)
{
    return (struct entry *)(void *)(r->memory + (place & (r->size - 1)));
}

static size_t whole_of(size_t n)
{
    return (sizeof(struct entry) + n + RING_ALIGN - 1) / RING_ALIGN * RING_ALIGN;
}

size_t ring_most(const struct ring *r)
{
    return r->size / 2 - sizeof(struct entry); /* wherever the next one is to begin, one of these finds room in an empty ring */
}

void *ring_room(struct ring *r, size_t n)
{
    uint64_t put = atomic_load_explicit(&r->put, memory_order_relaxed);
    uint64_t done = atomic_load(&r->done);
    size_t whole = whole_of(n);
    size_t behind = r->size - (put & (r->size - 1)); /* up to the end of the memory */
    size_t skipped = whole > behind ? behind : 0;
    if (n > ring_most(r) || put + skipped + whole - done > r->size)
        return NULL;
    if (skipped > 0)
        *entry_at(r, put) = (struct entry){.whole = skipped, .skips = true};
    struct entry *e = entry_at(r, put + skipped);
    *e = (struct entry){.whole = whole};
    r->room = put + skipped + whole;
    return e->bytes;
}

void ring_put(struct ring *r)
{
    atomic_store(&r->put, r->room); /* in one order with whatever says who sleeps */
}

size_t ring_used(const struct ring *r)
{
    return (size_t)(atomic_load_explicit(&r->put, memory_order_relaxed) - atomic_load(&r->done));
}

bool ring_is_empty(const struct ring *r)
{
    return ring_used(r) == 0;
}

static struct entry *oldest(struct ring *r, uint64_t done)
{
    return atomic_load(&r->put) == done ? NULL : entry_at(r, done);
}

void *ring_first(struct ring *r)
{
    uint64_t done = atomic_load_explicit(&r->done, memory_order_relaxed);
    struct entry *e = oldest(r, done);
    if (e != NULL && e->skips) { /* never the last: what it makes room for is put with it */
        done += e->whole;
        atomic_store_explicit(&r->done, done, memory_order_release);
        e = oldest(r, done);
    }
    return e == NULL ? NULL : e->bytes;
}

bool ring_is_last(const struct ring *r)
{
    uint64_t done = atomic_load_explicit(&r->done, memory_order_relaxed);
    return atomic_load(&r->put) == done + entry_at(r, done)->whole;
}

void ring_done(struct ring *r)
{
    uint64_t done = atomic_load_explicit(&r->done, memory_order_relaxed);
    struct entry *e = entry_at(r, done);
    size_t whole = e->whole;
    explicit_bzero(e->bytes, whole - sizeof *e);
    atomic_store(&r->done, done + whole);
}
