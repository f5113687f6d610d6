/* Names for datagrams. Some protocols have the same form on other ports: then the port is part of what they are. */
#include "engine/sense/app_private.h"

enum { PORT_NETBIOS_NAME = 137, PORT_NETBIOS_DATAGRAM = 138, PORT_MDNS = 5353, PORT_LLMNR = 5355 };

static bool on_port(const struct flow_ref *flow, uint16_t port)
{
    return flow->sport == port || flow->dport == port;
}

/* NTP (RFC 5905, 7.3; modes 6 and 7: RFC 9327 and older practice), on its port. */
static bool is_ntp(const struct flow_ref *flow, struct span s)
{
    uint8_t mode = span_peek(&s, 0) & 7;
    uint8_t version = span_peek(&s, 0) >> 3 & 7;
    if (!on_port(flow, 123) || version < 1 || version > 4)
        return false;
    return (mode >= 1 && mode <= 5 && s.n >= 48) || (mode == 6 && s.n >= 12) || (mode == 7 && s.n >= 8);
}

/* A priority of syslog before any text, on its port; app_label_either knows the well-formed ones. */
static bool is_syslog(const struct flow_ref *flow, struct span s)
{
    uint64_t priority;
    bool found;
    if (!on_port(flow, 514) || span_u8(&s) != '<')
        return false;
    struct span digits = span_until(&s, '>', &found);
    return found && digits.n <= 3 && span_decimal(digits, 191, &priority);
}

/* A long header of QUIC, version 1, 2 or a draft (RFC 9000, 17.2; RFC 9369): identifiers of at most 20 bytes. */
static bool is_quic(struct span s)
{
    uint8_t first = span_u8(&s);
    uint32_t version = span_be32(&s);
    bool known = version == 1 || version == 0x6b3343cf || (version >> 8 == 0xff0000 && (version & 0xff) >= 20 && (version & 0xff) <= 34);
    if (first < 0xc0 || !known)
        return false;
    size_t to = span_u8(&s);
    (void)span_skip(&s, to);
    size_t from = span_u8(&s);
    return to <= 20 && from <= 20 && span_skip(&s, from) && s.n >= 20;
}

/* A record of DTLS (RFC 6347, 4.1; RFC 9147): the first ones are handshakes, in the clear. */
static bool is_dtls(struct span s)
{
    if (s.n < 25 || s.p[0] != 22 || s.p[1] != 0xfe || (s.p[2] != 0xff && s.p[2] != 0xfd) || s.p[3] != 0 || s.p[4] != 0)
        return false;
    (void)span_skip(&s, 11);
    uint16_t length = span_be16(&s);
    return length >= 12 && length <= s.n && s.p[0] <= 24;
}

/* Handshake messages of WireGuard: a type, three zeros, a fixed length. */
static bool is_wireguard(struct span s)
{
    return (s.n == 148 && memcmp(s.p, "\1\0\0\0", 4) == 0) || (s.n == 92 && memcmp(s.p, "\2\0\0\0", 4) == 0);
}

/* The first packet of an OpenVPN client or server, plain, or with an HMAC of SHA-1 before the packet's number. */
static bool is_openvpn(struct span s)
{
    if (s.n < 14 || (s.p[0] != 0x38 && s.p[0] != 0x40))
        return false;
    if (s.n == 14)
        return s.p[9] == 0 && memcmp(s.p + 10, "\0\0\0", 4) == 0;
    return s.n == 42 && memcmp(s.p + 29, "\0\0\0\1", 4) == 0 && memcmp(s.p + 37, "\0\0\0\0", 5) == 0;
}

/* A message of BACnet/IP (ASHRAE 135, annex J): BVLC with its length, and where it carries one the NPDU's version. */
static bool is_bacnet(struct span s)
{
    if (s.n < 4 || s.p[0] != 0x81 || s.p[1] > 0x0b || s.p[2] != s.n >> 8 || s.p[3] != (s.n & 0xff))
        return false;
    size_t at = s.p[1] == 4 ? 10 : 4;
    bool carries = s.p[1] == 4 || s.p[1] >= 9;
    return !carries || (s.n > at + 1 && s.p[at] == 1);
}

/* A message of RADIUS (RFC 2865, 3 and 5): attributes that fill it exactly. */
static bool is_radius(struct span s)
{
    static const uint64_t codes = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 11 | UINT64_C(7) << 40 | UINT64_C(7) << 43;
    uint8_t code = span_u8(&s);
    (void)span_u8(&s);
    uint16_t length = span_be16(&s);
    if (s.bad || code > 45 || (codes >> code & 1) == 0 || length != s.n + 4u || !span_skip(&s, 16) || s.n == 0)
        return false;
    while (s.n > 0) {
        uint8_t type = span_u8(&s);
        uint8_t n = span_u8(&s);
        if (type == 0 || n < 2 || !span_skip(&s, n - 2u))
            return false;
    }
    return true;
}

/* A request of TFTP (RFC 1350, section 5): a name and a mode, both text. */
static bool is_tftp(struct span s)
{
    bool found;
    uint16_t code = span_be16(&s);
    struct span name = span_until(&s, 0, &found);
    if (code < 1 || code > 2 || !found || name.n == 0)
        return false;
    struct span mode = span_until(&s, 0, &found);
    return found &&
           (mode.n == 5 ? strncasecmp((const char *)mode.p, "octet", 5) == 0 : mode.n == 8 && strncasecmp((const char *)mode.p, "netascii", 8) == 0);
}

/* A message of DHCPv6 (RFC 8415, section 8 and 9), on its ports: options that fill it exactly. */
static bool is_dhcp6(const struct flow_ref *flow, struct span s)
{
    uint8_t type = span_u8(&s);
    if ((!on_port(flow, 546) && !on_port(flow, 547)) || type < 1 || type > 13 || !span_skip(&s, type >= 12 ? 33 : 3))
        return false;
    while (s.n > 0) {
        (void)span_be16(&s);
        if (!span_skip(&s, span_be16(&s)))
            return false;
    }
    return !s.bad;
}

/* ISAKMP (RFC 2408, 3.1) and IKEv2 (RFC 7296, 3.1): a version, and the length of the whole; on port 4500 behind four zeros. */
static bool is_ike(const struct flow_ref *flow, struct span s)
{
    if (on_port(flow, 4500) && s.n > 4 && memcmp(s.p, "\0\0\0\0", 4) == 0)
        (void)span_skip(&s, 4);
    if (s.n < 28 || (s.p[17] != 0x10 && s.p[17] != 0x20) || s.p[24] != 0 || s.p[25] != 0)
        return false;
    struct span length = span_of(s.p + 24, 4);
    return span_be32(&length) == s.n && memcmp(s.p, "\0\0\0\0\0\0\0\0", 8) != 0;
}

/* WS-Discovery: an envelope that names it. */
static bool is_wsd(struct span s)
{
    size_t n = s.n < 1500 ? s.n : 1500;
    return s.n > 20 && s.p[0] == '<' && (memmem(s.p, n, "/ws/2005/04/discovery", 21) != NULL || memmem(s.p, n, "ws-dd/ns/discovery", 18) != NULL);
}

/* What DHCP and BOOTP have in common: the cookie of their options. */
static bool is_dhcp(struct span s)
{
    return s.n >= 240 && (s.p[0] == 1 || s.p[0] == 2) && memcmp(s.p + 236, "\x63\x82\x53\x63", 4) == 0;
}

static const char *by_port(const struct flow_ref *flow, struct span s)
{
    if (on_port(flow, PORT_MDNS) && s.n >= 12) /* same form as DNS, often without a question (RFC 6762) */
        return "mdns";
    if (on_port(flow, PORT_LLMNR) && s.n >= 12 && app_label_is_dns(s))
        return "llmnr";
    if (on_port(flow, PORT_NETBIOS_NAME) && s.n >= 12 + 34)
        return "netbios";
    if (on_port(flow, PORT_NETBIOS_DATAGRAM) && s.n >= 14 && s.p[0] >= 0x10 && s.p[0] <= 0x16)
        return "netbios";
    if (is_ntp(flow, s))
        return "ntp";
    if (is_dhcp6(flow, s))
        return "dhcp6";
    return is_syslog(flow, s) ? "syslog" : NULL;
}

const char *app_label_datagram(const struct flow_ref *flow, struct span s)
{
    static const struct {
        const char *label;
        bool (*is)(struct span s);
    } checks[] = {
        {"dhcp", is_dhcp},     {"quic", is_quic}, {"dtls", is_dtls}, {"wireguard", is_wireguard}, {"openvpn", is_openvpn}, {"bacnet", is_bacnet},
        {"radius", is_radius}, {"tftp", is_tftp}, {"wsd", is_wsd},
    };
    if (s.n == 0)
        return NULL;
    const char *label = by_port(flow, s);
    for (size_t i = 0; label == NULL && i < sizeof checks / sizeof checks[0]; i++)
        if (checks[i].is(s))
            label = checks[i].label;
    if (label == NULL)
        label = app_label_either(s);
    if (label == NULL)
        label = app_label_call(s);
    if (label == NULL && is_ike(flow, s))
        label = "ike";
    if (label == NULL && (app_label_is_request(s) || (on_port(flow, 1900) && span_starts(s, SPAN_LIT("HTTP/1.1 200")))))
        label = "ssdp";
    return label == NULL && app_label_is_dns(s) ? "dns" : label;
}
