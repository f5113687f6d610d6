#include "wire/neighbour.h"

/* Capabilities (8.5.8): those that are switched on. A phone often has a small switch in it. */
static const char *lldp_role(struct span v)
{
    (void)span_be16(&v);
    uint16_t on = span_be16(&v);
    return v.bad ? NULL : (on & 0x20) != 0 ? "phone" : (on & (0x04 | 0x08 | 0x10)) != 0 ? "network" : NULL;
}

/* LLDP-MED (ANSI/TIA-1057, 10.2): its inventory, and class III, which only phones are. */
static void med(struct span v, struct neighbour *ret)
{
    uint32_t organisation = span_be24(&v);
    uint8_t kind = span_u8(&v);
    if (v.bad || organisation != 0x0012bb)
        return;
    if (kind == 1 && span_peek(&v, 2) == 3)
        ret->role = "phone";
    else if (kind == 8)
        ret->serial = v;
    else if (kind == 9)
        ret->maker = v;
    else if (kind == 10)
        ret->model = v;
}

bool lldp_decode(struct span s, struct neighbour *ret)
{
    *ret = (struct neighbour){0};
    for (size_t i = 0; s.n >= 2; i++) {
        uint16_t head = span_be16(&s);
        unsigned type = head >> 9;
        struct span v = span_take(&s, head & 0x1ff);
        if (v.bad || (i < 3 && type != i + 1)) /* chassis, port and time to live come first, in this order (8.2) */
            return i >= 3;
        if (type == 0)
            return i >= 3;
        if (type == 5)
            ret->name = v;
        else if (type == 6)
            ret->software = v;
        else if (type == 7 && ret->role == NULL)
            ret->role = lldp_role(v);
        else if (type == 127)
            med(v, ret);
        else if (type == 8 && v.n >= 6 && v.p[0] == 5 && v.p[1] == 1) /* an IPv4 address */
            memcpy(ret->ip, v.p + 2, 4);
    }
    return ret->name.n + ret->software.n > 0;
}

/* The first IPv4 address of an address list. */
static void cdp_address(struct span v, uint8_t ip[4])
{
    uint32_t count = span_be32(&v);
    for (uint32_t i = 0; i < count && i < 8 && !v.bad; i++) {
        uint8_t kind = span_u8(&v);
        struct span protocol = span_take(&v, span_u8(&v));
        struct span address = span_take(&v, span_be16(&v));
        if (!v.bad && kind == 1 && protocol.n == 1 && protocol.p[0] == 0xcc && address.n == 4) {
            memcpy(ip, address.p, 4);
            return;
        }
    }
}

/* Capabilities: 0x80 a phone; 0x01 a router, 0x02 and 0x08 a switch. */
static const char *cdp_role(struct span v)
{
    uint32_t capabilities = span_be32(&v);
    return v.bad ? NULL : (capabilities & 0x80) != 0 ? "phone" : (capabilities & (0x01 | 0x02 | 0x08)) != 0 ? "network" : NULL;
}

bool cdp_decode(struct span s, struct neighbour *ret)
{
    *ret = (struct neighbour){0};
    uint8_t version = span_u8(&s);
    (void)span_skip(&s, 3); /* time to live, checksum */
    if (s.bad || version < 1 || version > 2)
        return false;
    while (s.n >= 4) {
        uint16_t type = span_be16(&s);
        uint16_t length = span_be16(&s);
        if (length < 4)
            break;
        struct span v = span_take(&s, length - 4u);
        if (v.bad)
            break;
        switch (type) {
        case 1: ret->name = v; break;
        case 2: cdp_address(v, ret->ip); break;
        case 4: ret->role = cdp_role(v); break;
        case 5: ret->software = v; break;
        case 6: ret->model = v; break;
        default: break;
        }
    }
    return ret->name.n + ret->software.n + ret->model.n > 0;
}
