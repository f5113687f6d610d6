/* Announcements of the browser service (MS-BRWS, 2.2.1 and 2.2.3): a machine of a Windows network, or one that plays its part, tells its name. */
#ifndef TQ_WIRE_BROWSE_H
#define TQ_WIRE_BROWSE_H

#include "base/span.h"

struct browse {
    struct span name; /* points into the input, without the zeros at its end */
    uint8_t major;    /* version of Windows, as told; Samba tells one too */
    uint8_t minor;
};

/* A datagram of the NetBIOS datagram service (RFC 1002, 4.4). False: no announcement of a host, or it is not whole. */
bool browse_decode(struct span datagram, struct browse *ret);

#endif
