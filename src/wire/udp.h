/* UDP (RFC 768). Checksums are not verified: captures made on the sending host hold checksums that the network card would have filled in. */
#ifndef TQ_WIRE_UDP_H
#define TQ_WIRE_UDP_H

#include "base/span.h"

struct udp {
    uint16_t sport;
    uint16_t dport;
    struct span payload; /* what was captured of it */
    uint32_t missing;    /* bytes that the header promises and the packet does not hold */
};

/* False: no room for the header, or a length below 8. A length of 0 (RFC 2675) takes all that is there. */
bool udp_decode(struct span s, struct udp *ret);

#endif
