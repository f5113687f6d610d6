/* evidence: what packets tell about devices → asset.evidence records.
 *
 * From ARP, neighbour discovery, DHCP, LLDP, CDP and the Ethernet source of local IP addresses; from the first 4 KiB of a stream (16 KiB of TLS):
 * names that TLS clients ask for, their JA4, the name in a server's certificate, greetings of SSH, FTP and TELNET, Server and User-Agent of HTTP,
 * Server of RTSP, machines named in NTLM, answers of printers (PJL, ZPL, IPP), UPnP descriptions; from datagrams: SNMP, mDNS, LLMNR, NetBIOS, SSDP,
 * WS-Discovery, DHCPv6, SIP, whose ports are part of what they are. The same evidence about the same address is said once, and again when an
 * address comes back to a MAC address that it had before, as long as it is remembered (a bounded number of entries; when that is full all are
 * forgotten, and evidence may come again).
 */
#ifndef TQ_SENSE_EVIDENCE_H
#define TQ_SENSE_EVIDENCE_H

#include "base/hash.h"
#include "base/record.h"
#include "engine/sense/flow.h"

struct evidence;

/* put: where records go; they get no seq here. NULL: no memory. */
struct evidence *evidence_new(const struct hash_key *key, const struct record_sink *sink);
void evidence_free(struct evidence *v);

/* An ARP packet (the bytes behind the link header). False: it is damaged. */
bool evidence_arp(struct evidence *v, struct span packet, tq_time time);

/* An ICMPv6 message, with the source address of its packet: neighbour discovery. */
void evidence_ndp(struct evidence *v, struct span message, struct span source, tq_time time);

/* A UDP payload that may be DHCP. True: it is. */
bool evidence_dhcp(struct evidence *v, const struct flow_ref *flow, struct span payload, tq_time time);

/* A UDP payload of a flow for which evidence_wants is true. */
void evidence_datagram(struct evidence *v, const struct flow_ref *flow, int direction, struct span bytes, tq_time time);

/* Ports whose datagrams name devices: multicast DNS, NetBIOS (names and announcements), SNMP, LLMNR, SSDP, WS-Discovery, DHCPv6, SIP. */
static inline bool evidence_wants(uint16_t sport, uint16_t dport)
{
    return sport == 5353 || sport == 137 || sport == 161 || sport == 5355 || sport == 1900 || dport == 1900 || sport == 3702 || dport == 3702 ||
           sport == 138 || sport == 546 || sport == 547 || dport == 5060;
}

/* A frame of LLDP, or of CDP, from this Ethernet address. False: it is damaged. */
bool evidence_neighbour(struct evidence *v, bool cdp, const uint8_t mac[6], struct span bytes, tq_time time);

/* An address was seen behind an Ethernet address. Only local-use addresses count (RFC 1918, 6598, 3927; fc00::/7, fe80::/10): others are far away,
 * and the Ethernet address is the router's. */
void evidence_address(struct evidence *v, const struct flow_ref *flow, const struct address *a, const uint8_t mac[6], tq_time time);

/* The next bytes at the start of a TCP stream. Clears SIDE_HELLO of the side when there is nothing more to learn. */
void evidence_start(struct evidence *v, struct flow *f, int direction, struct span bytes, tq_time time);

/* The flow is over: gives back what its unfinished hello took. */
void evidence_close(struct evidence *v, struct flow *f);

#endif
