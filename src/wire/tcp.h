/* The TCP header (RFC 9293, section 3.1). Checksums are not verified: captures made on the sending host hold checksums that the network card would
 * have filled in, and a segment that its receiver dropped shows itself when the true one contradicts it. */
#ifndef TQ_WIRE_TCP_H
#define TQ_WIRE_TCP_H

#include "base/span.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct tcp {
    uint16_t sport;
    uint16_t dport;
    uint32_t seq;
    uint32_t ack;
    uint16_t window;
    uint8_t flags;
    struct span payload; /* what was captured of it */
};

/* False: no room for the header, or a data offset below 5 words or behind the end of the segment. */
static inline bool tcp_decode(struct span s, struct tcp *ret)
{
    struct span h = span_take(&s, 20);
    if (h.bad)
        return false;
    ret->sport = span_be16(&h);
    ret->dport = span_be16(&h);
    ret->seq = span_be32(&h);
    ret->ack = span_be32(&h);
    uint8_t offset = span_u8(&h) >> 4;
    ret->flags = span_u8(&h);
    ret->window = span_be16(&h);
    if (offset < 5 || !span_skip(&s, (size_t)offset * 4 - 20))
        return false;
    ret->payload = s;
    return true;
}

#endif
