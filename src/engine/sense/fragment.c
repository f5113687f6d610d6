#include "engine/sense/fragment.h"

#include <stdlib.h>

#define MOST_PACKETS 256
#define MOST_BYTES 65536u
#define UNITS (MOST_BYTES / 8)
#define WAIT (30 * TIME_SECOND)

struct partial {
    uint8_t src[16];
    uint8_t dst[16];
    uint32_t id;
    uint32_t vlan;
    uint8_t version;
    uint8_t proto; /* IPv4: part of the identity; IPv6: from the first fragment */
    bool bad;      /* contradicts itself: kept only to swallow its other fragments */
    tq_time since;
    size_t total; /* 0: the last fragment has not come */
    size_t reach; /* end of the farthest byte */
    size_t units; /* 8-byte units that are there; the last one may be short */
    size_t room;
    uint8_t *data;
    uint8_t have[UNITS / 8];
};

struct fragments {
    size_t max_bytes;
    size_t bytes;
    size_t count;
    struct partial *partials[MOST_PACKETS]; /* oldest first */
    struct partial *done;                   /* the packet handed out last */
};

struct fragments *fragments_new(size_t max_bytes)
{
    struct fragments *t = calloc(1, sizeof *t);
    if (t != NULL)
        t->max_bytes = max_bytes;
    return t;
}

static void partial_free(struct partial *p)
{
    if (p != NULL)
        free(p->data);
    free(p);
}

void fragments_free(struct fragments *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++)
        partial_free(t->partials[i]);
    partial_free(t->done);
    free(t);
}

/* Takes a packet out of the waiting ones; it is the caller's now. */
static struct partial *take(struct fragments *t, size_t i)
{
    struct partial *p = t->partials[i];
    t->bytes -= sizeof *p + p->room;
    t->count--;
    memmove(&t->partials[i], &t->partials[i + 1], (t->count - i) * sizeof(struct partial *));
    return p;
}

static bool same(const struct partial *p, const struct ip *ip, uint32_t vlan)
{
    return p->id == ip->id && p->vlan == vlan && p->version == ip->version && (ip->version == 6 || p->proto == ip->proto) &&
           memcmp(p->src, ip->src.p, ip->src.n) == 0 && memcmp(p->dst, ip->dst.p, ip->dst.n) == 0;
}

static struct partial *find(struct fragments *t, const struct ip *ip, uint32_t vlan, size_t *ret_at)
{
    for (size_t i = 0; i < t->count; i++) {
        if (same(t->partials[i], ip, vlan)) {
            *ret_at = i;
            return t->partials[i];
        }
    }
    return NULL;
}

static struct partial *add(struct fragments *t, const struct ip *ip, uint32_t vlan, tq_time now, size_t *ret_at)
{
    while (t->count > 0 && (t->count == MOST_PACKETS || t->bytes + sizeof(struct partial) > t->max_bytes))
        partial_free(take(t, 0));
    struct partial *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    memcpy(p->src, ip->src.p, ip->src.n);
    memcpy(p->dst, ip->dst.p, ip->dst.n);
    p->id = ip->id;
    p->vlan = vlan;
    p->version = ip->version;
    p->proto = ip->proto;
    p->since = now;
    *ret_at = t->count;
    t->partials[t->count++] = p;
    t->bytes += sizeof *p;
    return p;
}

static bool grow(struct fragments *t, struct partial *p, size_t n)
{
    if (n <= p->room)
        return true;
    size_t room = p->room == 0 ? 4096 : p->room * 2;
    while (room < n)
        room *= 2;
    if (t->bytes + room - p->room > t->max_bytes)
        return false;
    uint8_t *more = realloc(p->data, room);
    if (more == NULL)
        return false;
    p->data = more;
    t->bytes += room - p->room;
    p->room = room;
    return true;
}

/* Copies what is new; false where the fragment contradicts what is there. */
static bool fill(struct partial *p, size_t offset, struct span bytes)
{
    for (size_t at = 0; at < bytes.n; at += 8) {
        size_t unit = (offset + at) / 8;
        size_t n = bytes.n - at < 8 ? bytes.n - at : 8;
        uint8_t bit = (uint8_t)(1u << unit % 8);
        if (p->have[unit / 8] & bit) {
            if (memcmp(p->data + offset + at, bytes.p + at, n) != 0)
                return false;
            continue;
        }
        memcpy(p->data + offset + at, bytes.p + at, n);
        p->have[unit / 8] |= bit;
        p->units++;
    }
    return true;
}

static bool put(struct fragments *t, struct partial *p, const struct ip *ip)
{
    size_t end = (size_t)ip->offset + ip->payload.n;
    bool last = !ip->more;
    if (end > MOST_BYTES || ip->missing > 0 || (!last && ip->payload.n % 8 != 0) || ip->payload.n == 0)
        return false;
    if ((p->total != 0 && (end > p->total || (last && end != p->total))) || (last && p->reach > end) || !grow(t, p, (end + 7) & ~(size_t)7))
        return false;
    if (last)
        p->total = end;
    if (end > p->reach)
        p->reach = end;
    if (ip->offset == 0)
        p->proto = ip->proto;
    return fill(p, ip->offset, ip->payload);
}

bool fragments_add(struct fragments *t, const struct ip *ip, uint32_t vlan, tq_time now, struct span *ret, uint8_t *ret_proto)
{
    while (t->count > 0 && now - t->partials[0]->since > WAIT)
        partial_free(take(t, 0));
    size_t at = 0;
    struct partial *p = find(t, ip, vlan, &at);
    if (p == NULL)
        p = add(t, ip, vlan, now, &at);
    if (p == NULL || p->bad)
        return false;
    if (!put(t, p, ip)) {
        p->bad = true;
        return false;
    }
    if (p->total == 0 || p->units != (p->total + 7) / 8)
        return false;
    partial_free(t->done);
    t->done = take(t, at);
    *ret = span_of(t->done->data, t->done->total);
    *ret_proto = t->done->proto;
    return true;
}
