/* What programs say about themselves at the start of a stream, or in a datagram of SSDP: the greeting, or a line of the head. */
#ifndef TQ_WIRE_BANNER_H
#define TQ_WIRE_BANNER_H

#include "base/span.h"

struct banner {
    const char *source; /* "ssh", "ftp", "telnet", "http", "ssdp" */
    struct span text;   /* one line, without its end; points into the input */
};

/* The first bytes of one direction of a stream. Only lines that are whole count. False: nothing is said. */
bool banner_stream(struct span start, struct banner *ret);

/* A datagram of SSDP (UPnP Device Architecture, 1.2 and 1.3): its SERVER line. */
bool banner_ssdp(struct span datagram, struct banner *ret);

#endif
