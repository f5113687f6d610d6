/* Writes whole Ethernet frames: ARP, and UDP and TCP over IPv4 and IPv6, with right lengths and checksums, padded to 60 bytes as they are on a wire
 * (without the frame check sequence, as captures show them).
 *
 * Sources: IEEE 802.3 and 802.1Q; RFC 826 (ARP); RFC 791, RFC 8200 (IP); RFC 768, RFC 9293 (UDP, TCP); RFC 1071 (checksum). */
#ifndef TQ_WIRE_PACKET_WRITE_H
#define TQ_WIRE_PACKET_WRITE_H

#include "base/buf.h"
#include "base/record.h" /* struct address */

#define PACKET_TCP_FIN 0x01
#define PACKET_TCP_SYN 0x02
#define PACKET_TCP_RST 0x04
#define PACKET_TCP_PSH 0x08
#define PACKET_TCP_ACK 0x10

/* Where a packet goes: both addresses are of one family. */
struct packet_path {
    uint8_t mac_src[6];
    uint8_t mac_dst[6];
    uint16_t vlan; /* 0: no tag */
    struct address src;
    struct address dst;
    uint8_t ttl;
    uint16_t id; /* IPv4 identification */
};

struct packet_tcp {
    uint16_t sport;
    uint16_t dport;
    uint32_t seq;
    uint32_t ack;
    uint8_t flags;
    uint16_t window;
    uint16_t mss; /* not 0: the options of a SYN (MSS, SACK permitted, window scale 7) */
};

struct packet_arp {
    uint8_t mac_src[6];
    uint8_t mac_dst[6]; /* of the frame; ff:ff:ff:ff:ff:ff for a request */
    uint16_t vlan;
    bool reply;
    uint8_t sender_mac[6];
    uint8_t sender_ip[4];
    uint8_t target_mac[6];
    uint8_t target_ip[4];
};

void packet_write_arp(struct buf *out, const struct packet_arp *arp);

/* payload: at most 65,000 bytes (a longer one makes `out` failed). */
void packet_write_udp(struct buf *out, const struct packet_path *path, uint16_t sport, uint16_t dport, struct span payload);
void packet_write_tcp(struct buf *out, const struct packet_path *path, const struct packet_tcp *tcp, struct span payload);

/* The Internet checksum (RFC 1071) of bytes, started from `sum` (a pseudo header's, or 0), ready to be written big-endian. */
uint16_t packet_checksum(uint32_t sum, struct span bytes);

#endif
