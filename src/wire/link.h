/* Link layer: the frame of a capture → what it carries.
 *
 * Known: Ethernet (II, 802.3 with LLC/SNAP; 802.1Q, 802.1ad and old QinQ tags; PPPoE sessions; MPLS), Linux cooked v1 and v2, raw IP, NULL and LOOP,
 * PPP, PPP over serial, PPPoE. Numbers are LINKTYPE_* of tcpdump.org/linktypes.html, which for the types here equal what capture files hold. */
#ifndef TQ_WIRE_LINK_H
#define TQ_WIRE_LINK_H

#include "base/span.h"

#define LINKTYPE_NULL 0
#define LINKTYPE_ETHERNET 1
#define LINKTYPE_PPP 9
#define LINKTYPE_RAW_12 12 /* DLT_RAW of most systems, found in old files */
#define LINKTYPE_RAW_14 14 /* DLT_RAW of OpenBSD */
#define LINKTYPE_PPP_HDLC 50
#define LINKTYPE_PPP_ETHER 51
#define LINKTYPE_RAW 101
#define LINKTYPE_LOOP 108
#define LINKTYPE_LINUX_SLL 113
#define LINKTYPE_IPV4 228
#define LINKTYPE_IPV6 229
#define LINKTYPE_LINUX_SLL2 276

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_LLDP 0x88cc
#define LINK_CDP 0x0001 /* no EtherType: SNAP 00-00-0c, 0x2000 */

enum link_status {
    LINK_OK,
    LINK_UNKNOWN, /* no decoder for this link type */
    LINK_CUT,     /* the headers do not fit into the frame */
};

struct link {
    uint16_t protocol; /* EtherType of payload, or LINK_CDP; 0: something without one */
    uint32_t vlan;     /* tags as they identify a network: outer << 12 | inner for two, the id for one, 0 for none */
    bool has_mac;      /* source holds the sender's Ethernet address */
    uint8_t source[6];
    struct span payload;
};

/* Decodes one frame. On LINK_OK *ret is filled; payload points into bytes. At most 8 tags or labels are followed. */
enum link_status link_decode_any(uint32_t linktype, struct span bytes, struct link *ret);

/* The same; nearly every frame is one of Ethernet with IPv4 and no tag. */
static inline enum link_status link_decode(uint32_t linktype, struct span bytes, struct link *ret)
{
    if (linktype != LINKTYPE_ETHERNET || bytes.n < 14 || bytes.p[12] != ETHERTYPE_IPV4 >> 8 || bytes.p[13] != (ETHERTYPE_IPV4 & 0xff))
        return link_decode_any(linktype, bytes, ret);
    ret->protocol = ETHERTYPE_IPV4;
    ret->vlan = 0;
    ret->has_mac = true;
    memcpy(ret->source, bytes.p + 6, 6);
    (void)span_skip(&bytes, 14);
    span_put(&ret->payload, bytes);
    return LINK_OK;
}

/* What is shown for a link's tags: the innermost VLAN id, 0 for none. */
static inline uint16_t link_vlan_id(uint32_t vlan)
{
    return (uint16_t)(vlan & 0xfff);
}

#endif
