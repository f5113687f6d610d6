#include "wire/ip.h"

#define MOST_EXTENSIONS 16

/* Cuts padding off behind `length` bytes, or notes what is missing of them. */
static void bound(struct span *s, size_t length, struct ip *ip)
{
    if (length <= s->n) {
        s->n = length;
        ip->missing = 0;
    } else {
        ip->missing = (uint32_t)(length - s->n);
    }
}

/* Two bytes of a header whose length was checked. */
static inline uint16_t be16_at(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return be16toh(v);
}

static bool decode4(struct span s, struct ip *ret)
{
    const uint8_t *p = s.p;
    size_t whole = s.n;
    if (whole < 20)
        return false;
    size_t header = (size_t)(p[0] & 15) * 4;
    size_t total = be16_at(p + 2);
    ret->id = be16_at(p + 4);
    uint16_t fragment = be16_at(p + 6);
    ret->hops = p[8];
    ret->proto = p[9];
    ret->src = span_of(p + 12, 4);
    ret->dst = span_of(p + 16, 4);
    if (p[0] >> 4 != 4 || header < 20 || !span_skip(&s, header))
        return false;
    if (total == 0)
        total = whole;
    if (total < header)
        return false;
    ret->version = 4;
    ret->more = (fragment & 0x2000) != 0;
    ret->offset = (uint16_t)((fragment & 0x1fff) * 8);
    ret->fragment = (fragment & 0x3fff) != 0;
    bound(&s, total - header, ret);
    span_put(&ret->payload, s);
    return true;
}

bool ip_extensions(uint8_t next, struct span *s, struct ip *ret)
{
    for (int i = 0; i < MOST_EXTENSIONS; i++) {
        size_t skip;
        switch (next) {
        case 0:   /* hop by hop */
        case 43:  /* routing */
        case 60:  /* destination */
        case 135: /* mobility */
            next = span_u8(s);
            skip = (size_t)span_u8(s) * 8 + 6;
            break;
        case 51: /* authentication (RFC 4302) */
            next = span_u8(s);
            skip = ((size_t)span_u8(s) + 2) * 4 - 2;
            break;
        case 44: {
            next = span_u8(s);
            (void)span_u8(s);
            uint16_t offset = span_be16(s);
            ret->id = span_be32(s);
            if (s->bad)
                return false;
            ret->offset = offset & 0xfff8;
            ret->more = (offset & 1) != 0;
            ret->fragment = offset > 7 || ret->more; /* an "atomic" fragment is whole (RFC 6946) */
            ret->proto = next;
            if (ret->fragment)
                return true; /* its payload starts with whatever `next` names: read when whole */
            continue;
        }
        default: ret->proto = next; return !s->bad;
        }
        if (!span_skip(s, skip))
            return false;
    }
    return false;
}

static bool decode6(struct span s, struct ip *ret)
{
    struct span h = span_take(&s, 40);
    if (h.bad)
        return false;
    uint32_t first = span_be32(&h);
    size_t length = span_be16(&h);
    uint8_t next = span_u8(&h);
    ret->hops = span_u8(&h);
    ret->src = span_take(&h, 16);
    ret->dst = span_take(&h, 16);
    if (first >> 28 != 6)
        return false;
    ret->version = 6;
    ret->fragment = false;
    ret->more = false;
    ret->offset = 0;
    ret->id = 0;
    bound(&s, length == 0 ? s.n : length, ret);
    if (!ip_extensions(next, &s, ret))
        return false;
    ret->payload = s;
    return true;
}

bool ip_decode(uint8_t version, struct span s, struct ip *ret)
{
    return version == 4 ? decode4(s, ret) : version == 6 && decode6(s, ret);
}
