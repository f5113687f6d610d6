/* DHCP (RFC 2131, options of RFC 2132): what a client tells about itself and which address it is given. */
#ifndef TQ_WIRE_DHCP_H
#define TQ_WIRE_DHCP_H

#include "base/span.h"

enum dhcp_type { DHCP_DISCOVER = 1, DHCP_OFFER, DHCP_REQUEST, DHCP_DECLINE, DHCP_ACK, DHCP_NAK, DHCP_RELEASE, DHCP_INFORM };

struct dhcp {
    bool reply;              /* from a server */
    uint8_t type;            /* enum dhcp_type; 0: plain BOOTP */
    uint8_t mac[6];          /* of the client */
    uint8_t client_ip[4];    /* ciaddr: the client says it has it */
    uint8_t your_ip[4];      /* yiaddr: given by the server */
    uint8_t requested_ip[4]; /* option 50; 0.0.0.0: none */
    uint8_t server_ip[4];    /* option 54; 0.0.0.0: none */
    struct span hostname;    /* option 12, else the host part of option 81; points into the input */
    struct span vendor;      /* option 60 */
    struct span options;     /* option 55: what the client asks for, in its order */
};

/* False: not a DHCP or BOOTP message over Ethernet (wrong operation, no magic cookie, cut before the options). Options behind damage are passed over.
 */
bool dhcp_decode(struct span s, struct dhcp *ret);

#define DHCP_OPTIONS_TEXT 256

/* The numbers of option 55 with commas between: a print of the client's DHCP software. What does not fit is left out. Returns the length. */
size_t dhcp_options_text(struct span options, char out[DHCP_OPTIONS_TEXT]);

#endif
