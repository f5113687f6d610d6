/* What the files of evidence share.
 *
 *   evidence.c         the memory of what was said; ARP, DHCP, addresses
 *   evidence_stream.c  the start of TCP streams: TLS, greetings, heads of HTTP, NTLM
 *   evidence_means.c   what texts mean: operating systems, kinds of devices, makers
 *   evidence_names.c   datagrams and frames in which devices name themselves: SNMP, mDNS, LLMNR, NetBIOS, SSDP, LLDP, CDP
 */
#ifndef TQ_SENSE_EVIDENCE_PRIVATE_H
#define TQ_SENSE_EVIDENCE_PRIVATE_H

#include "base/table.h"
#include "engine/sense/evidence.h"
#include "wire/tls.h"

#define EVIDENCE_PARTS 12

struct hello {
    size_t n;
    int direction;
    uint8_t bytes[TLS_HELLO_MAX + 5];
};

struct evidence {
    struct hash_key key;
    struct record_sink sink;
    struct table *said;
    struct table *holders; /* IP address → struct holder */
    size_t hellos;
    uint8_t piece[EVIDENCE_PARTS * 256]; /* the evidence in hand, to be compared with what was said */
    struct record record;
};

/* What one piece of evidence says. */
struct said {
    const char *source;
    const struct address *ip; /* NULL: not known */
    const uint8_t *mac;       /* NULL: not known */
    struct span hostname;
    struct span software;
    struct span maker;
    struct span model;
    struct span serial;
    struct span dhcp_options;
    struct span ja4;
    const char *os;
    const char *role; /* only where the device says so itself */
};

/* Puts the record, the first time. flow may be NULL. */
void evidence_say(struct evidence *v, const struct flow_ref *flow, const struct said *s, tq_time time);

/* What a UPnP device type ("urn:schemas-upnp-org:device:Printer:1") is for us; NULL: nothing that we name. */
const char *evidence_upnp_role(struct span type);

/* Fills what a text of this source means, where it is not said already: operating system, role, maker, model. */
void evidence_means(struct said *s, struct span text);

/* The maker behind a private enterprise number of IANA; empty: none of those that are known here. */
struct span evidence_enterprise(uint32_t number);

/* The name of a version of Windows, as NTLM tells it; NULL: not known, or not surely Windows. */
const char *evidence_windows(unsigned major, unsigned minor, unsigned build);

/* RFC 1918, 6598, 3927; fc00::/7, fe80::/10. */
bool evidence_is_local(const struct address *a);

/* The first line of a text of any length, without spaces around it, cut at a space to what may be shown (64 bytes). */
struct span evidence_line(struct span text);

static inline const struct address *evidence_sender(const struct flow_ref *flow, int direction)
{
    return direction == 0 ? &flow->src : &flow->dst;
}

#endif
