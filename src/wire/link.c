#include "wire/link.h"

#define MOST_TAGS 8

static uint16_t ppp_protocol(struct span *s)
{
    uint16_t p = span_u8(s);
    if ((p & 1) == 0) /* not compressed to one byte (RFC 1661, section 6.5) */
        p = (uint16_t)(p << 8 | span_u8(s));
    return p == 0x0021 ? ETHERTYPE_IPV4 : p == 0x0057 ? ETHERTYPE_IPV6 : 0;
}

static uint16_t by_version(const struct span *s)
{
    uint8_t version = span_peek(s, 0) >> 4;
    return version == 4 ? ETHERTYPE_IPV4 : version == 6 ? ETHERTYPE_IPV6 : 0;
}

static uint16_t mpls(struct span *s)
{
    for (int i = 0; i < MOST_TAGS; i++) {
        uint32_t label = span_be32(s);
        if (s->bad)
            return 0;
        if (label & 0x100) /* bottom of the stack (RFC 3032) */
            return by_version(s);
    }
    return 0;
}

/* Everything that may stand between an EtherType and the packet: tags, LLC/SNAP, PPPoE, MPLS. */
static uint16_t unwrap(uint16_t type, struct span *s, uint32_t *vlan)
{
    for (int i = 0; i < MOST_TAGS; i++) {
        switch (type) {
        case 0x8100: /* 802.1Q */
        case 0x88a8: /* 802.1ad */
        case 0x9100: /* QinQ before 802.1ad */
        case 0x9200:
            *vlan = (*vlan << 12 | (span_be16(s) & 0xfff)) & 0xffffff;
            type = span_be16(s);
            continue;
        case 0x8847:
        case 0x8848: return mpls(s);
        case 0x8864: /* PPPoE session (RFC 2516): version, code, session, length */ (void)span_skip(s, 6); return ppp_protocol(s);
        default: break;
        }
        if (type >= 1536)
            return type;
        if (s->n > 8 && memcmp(s->p, "\xaa\xaa\x03\x00\x00\x0c\x20\x00", 8) == 0)
            return span_skip(s, 8) ? LINK_CDP : 0;
        /* 802.3: a length, then LLC; SNAP with a zero organisation carries an EtherType (RFC 1042) */
        if (span_peek(s, 0) != 0xaa || span_peek(s, 1) != 0xaa || span_peek(s, 2) != 3 || span_peek(s, 3) != 0 || span_peek(s, 4) != 0 ||
            span_peek(s, 5) != 0)
            return 0;
        (void)span_skip(s, 6);
        type = span_be16(s);
        if (type < 1536)
            return 0;
    }
    return 0;
}

static uint16_t ethernet(struct span *s, struct link *l)
{
    (void)span_skip(s, 6);
    struct span source = span_take(s, 6);
    uint16_t type = span_be16(s);
    if (s->bad)
        return 0;
    memcpy(l->source, source.p, 6);
    l->has_mac = true;
    return type == ETHERTYPE_IPV4 ? type : unwrap(type, s, &l->vlan);
}

static uint16_t cooked(struct span *s, struct link *l)
{
    (void)span_skip(s, 2); /* direction */
    uint16_t hardware = span_be16(s);
    uint16_t length = span_be16(s);
    struct span address = span_take(s, 8);
    uint16_t type = span_be16(s);
    if (s->bad)
        return 0;
    if (length == 6 && (hardware == 1 || hardware == 772)) { /* Ethernet, loopback */
        memcpy(l->source, address.p, 6);
        l->has_mac = hardware == 1;
    }
    return unwrap(type, s, &l->vlan);
}

static uint16_t cooked2(struct span *s, struct link *l)
{
    uint16_t type = span_be16(s);
    (void)span_skip(s, 6); /* reserved, interface index */
    uint16_t hardware = span_be16(s);
    (void)span_u8(s); /* direction */
    uint8_t length = span_u8(s);
    struct span address = span_take(s, 8);
    if (s->bad)
        return 0;
    if (length == 6 && hardware == 1) {
        memcpy(l->source, address.p, 6);
        l->has_mac = true;
    }
    return unwrap(type, s, &l->vlan);
}

/* NULL and LOOP: an address family in the byte order of the machine that captured, or of the network. 2 is IPv4 everywhere, IPv6 is 10, 24, 28 or 30.
 */
static uint16_t family(struct span *s)
{
    uint32_t f = span_be32(s);
    if (f > 0xffff)
        f = __builtin_bswap32(f);
    return f == 2 ? ETHERTYPE_IPV4 : f == 10 || f == 24 || f == 28 || f == 30 ? ETHERTYPE_IPV6 : 0;
}

static uint16_t hdlc(struct span *s, bool cisco)
{
    if (span_peek(s, 0) == 0xff && span_peek(s, 1) == 0x03)
        (void)span_skip(s, 2);
    else if (cisco && (span_peek(s, 0) == 0x0f || span_peek(s, 0) == 0x8f)) {
        (void)span_skip(s, 2);
        return span_be16(s);
    }
    return ppp_protocol(s);
}

enum link_status link_decode_any(uint32_t linktype, struct span bytes, struct link *ret)
{
    struct span s = bytes;
    ret->vlan = 0;
    ret->has_mac = false;
    switch (linktype) {
    case LINKTYPE_ETHERNET: ret->protocol = ethernet(&s, ret); break;
    case LINKTYPE_LINUX_SLL: ret->protocol = cooked(&s, ret); break;
    case LINKTYPE_LINUX_SLL2: ret->protocol = cooked2(&s, ret); break;
    case LINKTYPE_RAW:
    case LINKTYPE_RAW_12:
    case LINKTYPE_RAW_14: ret->protocol = by_version(&s); break;
    case LINKTYPE_IPV4: ret->protocol = ETHERTYPE_IPV4; break;
    case LINKTYPE_IPV6: ret->protocol = ETHERTYPE_IPV6; break;
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP: ret->protocol = family(&s); break;
    case LINKTYPE_PPP:
    case LINKTYPE_PPP_HDLC: ret->protocol = hdlc(&s, true); break;
    case LINKTYPE_PPP_ETHER:
        (void)span_skip(&s, 6);
        ret->protocol = ppp_protocol(&s);
        break;
    default: return LINK_UNKNOWN;
    }
    if (s.bad)
        return LINK_CUT;
    ret->payload = s;
    return LINK_OK;
}
