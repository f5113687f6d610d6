/* DHCPv6 (RFC 8415): what a client tells about itself and which address it has. */
#ifndef TQ_WIRE_DHCP6_H
#define TQ_WIRE_DHCP6_H

#include "base/span.h"

struct dhcp6 {
    uint8_t type;         /* 1 solicit … 13 relay reply */
    struct span hostname; /* first label of the name in option 39 (RFC 4704); all point into the input */
    struct span vendor;   /* the first vendor class of option 16 */
    uint32_t enterprise;  /* whose vendor class it is; 0: none */
    struct span address;  /* 16 bytes: the first of an identity association (options 3 and 5); empty: none */
};

/* False: not a message of a client or server (relays' are not read), or its options do not fit. */
bool dhcp6_decode(struct span s, struct dhcp6 *ret);

#endif
