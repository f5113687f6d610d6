/* Neighbour discovery of IPv6 (RFC 4861): which Ethernet address an address belongs to. */
#ifndef TQ_WIRE_NDP_H
#define TQ_WIRE_NDP_H

#include "base/span.h"

struct ndp {
    struct span ip;  /* 16 bytes: whose; both point into the input */
    struct span mac; /* 6 bytes */
};

/* An ICMPv6 message and the source address of its packet. A neighbour solicitation tells of its sender (4.3), an advertisement of its target (4.4).
 * False: another message, or it names no Ethernet address, or its sender has no address yet. */
bool ndp_decode(struct span message, struct span source, struct ndp *ret);

#endif
