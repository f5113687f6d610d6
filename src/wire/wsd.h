/* WS-Discovery (OASIS, 1.1 and the draft of April 2005): what a camera or a printer says that it is. Only the texts of two elements are looked for;
 * the XML is not built up. */
#ifndef TQ_WIRE_WSD_H
#define TQ_WIRE_WSD_H

#include "base/span.h"

struct wsd {
    const char *role;  /* "camera" (ONVIF), "printer" (WSD), or NULL: another kind */
    struct span model; /* the scope onvif://www.onvif.org/hardware/…; all point into the input, as sent (%20 for a space) */
    struct span name;  /* the scope onvif://www.onvif.org/name/… */
};

/* A Hello or ProbeMatches with the types of its device. False: another message, or none of it is whole. */
bool wsd_decode(struct span datagram, struct wsd *ret);

#endif
