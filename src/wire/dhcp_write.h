/* Writes DHCP messages (RFC 2131, options of RFC 2132) as far as a lab's ordinary clients and one server need them. */
#ifndef TQ_WIRE_DHCP_WRITE_H
#define TQ_WIRE_DHCP_WRITE_H

#include "base/buf.h"
#include "wire/dhcp.h" /* enum dhcp_type */

struct dhcp_write {
    enum dhcp_type type;
    uint32_t transaction;
    uint8_t mac[6];
    const uint8_t *client;    /* ciaddr, 4 bytes; NULL: none yet */
    const uint8_t *yours;     /* yiaddr, in offers and acknowledgements; NULL: none */
    const uint8_t *requested; /* option 50; NULL: left out */
    const uint8_t *server;    /* option 54; NULL: left out */
    const uint8_t *router;    /* options 1, 3 and 6, in offers and acknowledgements; NULL: left out */
    const char *host_name;    /* option 12; NULL: left out */
    const char *vendor_class; /* option 60; NULL: left out */
    uint32_t lease;           /* option 51, seconds; 0: left out */
};

/* Appends the UDP payload. Texts longer than 255 bytes are left out. */
void dhcp_write(struct buf *out, const struct dhcp_write *m);

#endif
