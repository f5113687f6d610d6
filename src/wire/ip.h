/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers, with IPv6 extension headers walked to the transport. Header checksums are not verified (offload). */
#ifndef TQ_WIRE_IP_H
#define TQ_WIRE_IP_H

#include "base/span.h"

#define IP_PROTO_ICMP 1
#define IP_PROTO_TCP 6
#define IP_PROTO_UDP 17
#define IP_PROTO_ICMPV6 58

struct ip {
    uint8_t version; /* 4 or 6 */
    uint8_t proto;   /* of payload */
    uint8_t hops;    /* how many routers it may still pass: TTL, hop limit */
    bool fragment;   /* offset, more and id count */
    bool more;
    uint16_t offset; /* bytes */
    uint32_t id;
    uint32_t missing; /* bytes of payload that the header promises and the packet does not hold */
    struct span src;  /* 4 or 16 bytes */
    struct span dst;
    struct span payload; /* behind all headers; padding of the frame cut off */
};

/* Decodes by EtherType-like version 4 or 6. False: a header that does not fit or contradicts itself. A total length of 0 (segmentation offload,
 * jumbograms) takes all that was captured. In a fragment with offset > 0 of IPv6, extension headers end at the fragment header. */
bool ip_decode(uint8_t version, struct span s, struct ip *ret);

/* Walks IPv6 extension headers (RFC 8200, section 4) from header type next, which starts at s, up to the transport, a fragment, or a header that
 * hides the rest; sets ret->proto and the fragment fields, moves s. Also for the payload of a reassembled packet. False: cut, or more than 16
 * headers. */
bool ip_extensions(uint8_t next, struct span *s, struct ip *ret);

#endif
