/* 1. Packets lie one behind the other, each behind its head; none wraps around the end of the ring: what is left there is passed over.
 * 2. [tail, head) are counters that only grow; a place in the ring is a counter modulo the size. A packet is whole between them, or gone. */
#include "engine/sense/recent.h"

#include "wire/pcapng_write.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGN 8
#define LINK_TYPES 8 /* most in one file; packets of further ones are left out */

struct head {
    uint32_t size; /* with this head and the padding behind the packet */
    uint32_t captured;
    uint32_t original;
    uint32_t linktype;
    tq_time time;
    uint64_t flow;
};

struct recent {
    uint8_t *ring;
    uint64_t size;
    uint64_t tail;
    uint64_t head;
};

struct recent *recent_new(size_t bytes)
{
    struct recent *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->size = bytes - bytes % 4096;
    r->ring = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r->ring == MAP_FAILED) {
        free(r);
        return NULL;
    }
    return r;
}

void recent_free(struct recent *r)
{
    if (r == NULL)
        return;
    explicit_bzero(r->ring, r->head < r->size ? r->head : r->size); /* what was never written is not touched */
    (void)munmap(r->ring, r->size);
    free(r);
}

/* Bytes from here to the end of the ring. */
static uint64_t to_end(const struct recent *r, uint64_t at)
{
    return r->size - at % r->size;
}

/* The head at *at, which is moved on over what is left at the end of the ring; false: nothing is there. */
static bool head_at(const struct recent *r, uint64_t *at, struct head *ret)
{
    if (*at < r->head && to_end(r, *at) < sizeof *ret)
        *at += to_end(r, *at);
    if (*at >= r->head)
        return false;
    memcpy(ret, r->ring + *at % r->size, sizeof *ret);
    if (ret->size != 0)
        return true;
    *at += to_end(r, *at);
    if (*at >= r->head)
        return false;
    memcpy(ret, r->ring + *at % r->size, sizeof *ret);
    return true;
}

static void drop_oldest(struct recent *r)
{
    struct head h;
    if (head_at(r, &r->tail, &h))
        r->tail += h.size;
    else
        r->tail = r->head;
}

void recent_add(struct recent *r, tq_time time, uint32_t linktype, struct span bytes, uint32_t original, uint64_t flow)
{
    struct head h = {.captured = (uint32_t)bytes.n, .original = original, .linktype = linktype, .time = time, .flow = flow};
    uint64_t size = (sizeof h + bytes.n + ALIGN - 1) / ALIGN * ALIGN;
    uint64_t left = to_end(r, r->head);
    if (size > r->size / 2)
        return;
    uint64_t skip = left < size ? left : 0;
    while (r->head + skip + size - r->tail > r->size && r->tail < r->head)
        drop_oldest(r);
    if (r->tail == r->head)
        r->tail = r->head + skip;
    if (skip >= sizeof h)
        memset(r->ring + r->head % r->size, 0, sizeof h); /* size 0: nothing up to the end */
    r->head += skip;
    h.size = (uint32_t)size;
    memcpy(r->ring + r->head % r->size, &h, sizeof h);
    if (bytes.n > 0)
        memcpy(r->ring + r->head % r->size + sizeof h, bytes.p, bytes.n);
    r->head += size;
}

static bool is_of(const struct head *h, const uint64_t *flows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (h->flow == flows[i] && h->flow != 0)
            return true;
    return false;
}

static size_t written(const struct head *h)
{
    return PCAPNG_WRITE_PACKET + (h->captured + 3u) / 4 * 4;
}

/* The number of this link type's interface; LINK_TYPES: it has none. */
static size_t interface_of(const uint32_t *types, size_t n, uint32_t linktype)
{
    for (size_t i = 0; i < n; i++)
        if (types[i] == linktype)
            return i;
    return LINK_TYPES;
}

uint32_t recent_pick(const struct recent *r, const uint64_t *flows, size_t n, size_t max, struct buf *out)
{
    struct head h;
    uint32_t types[LINK_TYPES];
    size_t type_count = 0;
    uint64_t all = 0;
    uint32_t packets = 0;
    for (uint64_t at = r->tail; head_at(r, &at, &h); at += h.size) {
        if (!is_of(&h, flows, n))
            continue;
        all += written(&h);
        if (interface_of(types, type_count, h.linktype) == LINK_TYPES && type_count < LINK_TYPES)
            types[type_count++] = h.linktype;
    }
    size_t heads = PCAPNG_WRITE_START + type_count * PCAPNG_WRITE_INTERFACE;
    if (all == 0 || heads > max)
        return 0;
    pcapng_write_start(out);
    for (size_t i = 0; i < type_count; i++)
        pcapng_write_interface(out, types[i]);
    for (uint64_t at = r->tail; head_at(r, &at, &h); at += h.size) {
        if (!is_of(&h, flows, n))
            continue;
        size_t interface = interface_of(types, type_count, h.linktype);
        bool fits = heads + all <= max;
        all -= written(&h);
        if (!fits || interface == LINK_TYPES)
            continue;
        pcapng_write_packet(out, (uint32_t)interface, h.time, span_of(r->ring + at % r->size + sizeof h, h.captured), h.original);
        packets++;
    }
    return packets;
}
