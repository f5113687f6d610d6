/* What network equipment and phones say about themselves on the link: LLDP (IEEE 802.1AB) and CDP (as its maker describes it). */
#ifndef TQ_WIRE_NEIGHBOUR_H
#define TQ_WIRE_NEIGHBOUR_H

#include "base/span.h"

struct neighbour {
    struct span name;     /* all point into the input; empty: not said */
    struct span software; /* LLDP: the system's description; CDP: its version */
    struct span model;    /* CDP: platform; LLDP-MED (ANSI/TIA-1057): model name */
    struct span maker;    /* LLDP-MED: manufacturer */
    struct span serial;   /* LLDP-MED */
    const char *role;     /* "phone", "network" where it says so (LLDP: capabilities that are switched on; CDP: capabilities); NULL: not said */
    uint8_t ip[4];        /* management address; 0.0.0.0: none */
};

/* The payload of EtherType 0x88cc. False: not an LLDP unit from its start. */
bool lldp_decode(struct span s, struct neighbour *ret);

/* What follows the SNAP header 00-00-0c, 0x2000. False: not a CDP packet from its start. */
bool cdp_decode(struct span s, struct neighbour *ret);

#endif
