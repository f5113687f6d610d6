/* ARP for IPv4 over Ethernet (RFC 826). */
#ifndef TQ_WIRE_ARP_H
#define TQ_WIRE_ARP_H

#include "base/span.h"

struct arp {
    uint16_t operation; /* 1 request, 2 reply */
    uint8_t sender_mac[6];
    uint8_t sender_ip[4]; /* 0.0.0.0 in a probe (RFC 5227) */
    uint8_t target_mac[6];
    uint8_t target_ip[4];
};

/* False: too short, or not IPv4 over Ethernet. */
bool arp_decode(struct span s, struct arp *ret);

#endif
