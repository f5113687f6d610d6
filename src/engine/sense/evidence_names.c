#include "engine/sense/evidence_private.h"

#include "wire/banner.h"
#include "wire/browse.h"
#include "wire/dhcp6.h"
#include "wire/names.h"
#include "wire/ndp.h"
#include "wire/neighbour.h"
#include "wire/snmp.h"
#include "wire/wsd.h"

enum {
    PORT_NETBIOS = 137,
    PORT_BROWSE = 138,
    PORT_SNMP = 161,
    PORT_DHCP6_CLIENT = 546,
    PORT_DHCP6_SERVER = 547,
    PORT_SSDP = 1900,
    PORT_WSD = 3702,
    PORT_SIP = 5060,
    PORT_MDNS = 5353,
    PORT_LLMNR = 5355
};

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static struct address address_of(struct span bytes)
{
    struct address a = {.family = bytes.n == 4 ? 4 : 6};
    memcpy(a.bytes, bytes.p, bytes.n);
    return a;
}

static void say_name(struct evidence *v, const struct flow_ref *flow, const char *source, const struct address *ip, struct span name, tq_time time)
{
    if (name.n > 0 && evidence_is_local(ip))
        evidence_say(v, flow, &(struct said){.source = source, .ip = ip, .hostname = name}, time);
}

/* A string "key=…" in the description of a service (RFC 6763, section 6). */
static struct span described(struct span data, const char *key)
{
    size_t n = strlen(key);
    while (data.n > 0) {
        struct span one = span_take(&data, span_u8(&data));
        if (!one.bad && one.n > n + 1 && memcmp(one.p, key, n) == 0 && one.p[n] == '=')
            return evidence_line(span_of(one.p + n + 1, one.n - n - 1));
    }
    return (struct span){0};
}

static bool is_service(struct span name, const char *service)
{
    return name.n > 0 && memmem(name.p, name.n, service, strlen(service)) != NULL;
}

/* What offers such a service says what it is: a printer (its description names maker and model: "ty", "usb_MFG", "usb_MDL"), a camera of Axis. */
static void service(struct evidence *v, const struct flow_ref *flow, const struct address *sender, const char *source, struct span name,
                    struct span data, tq_time time)
{
    static const char *const printers[] = {"._ipp._tcp", "._ipps._tcp", "._printer._tcp", "._pdl-datastream._tcp"};
    struct said said = {.source = source, .ip = sender};
    for (size_t i = 0; i < sizeof printers / sizeof printers[0]; i++)
        if (is_service(name, printers[i]))
            said.role = "printer";
    if (span_starts(described(data, "rp"), SPAN_LIT("printers/")))
        return; /* a computer that shares its printer by CUPS */
    if (said.role != NULL) {
        said.maker = described(data, "usb_MFG");
        said.model = described(data, "usb_MDL");
        struct span whole = described(data, "ty");
        if (said.model.n == 0 || said.maker.n == 0)
            said.model = whole;
        if (said.model.n == 0)
            return;
    } else if (is_service(name, "._axis-video._tcp")) {
        said.role = "camera";
        said.maker = SPAN_LIT("Axis");
    } else {
        return;
    }
    evidence_say(v, flow, &said, time);
}

/* Records of a multicast DNS or LLMNR answer. */
static void answers(struct evidence *v, const struct flow_ref *flow, const struct address *sender, const char *source, struct names *n, tq_time time)
{
    struct names_record r;
    while (names_next(n, &r)) {
        struct span name = span_of(r.name, r.n);
        if (name.n > 6 && memcmp(name.p + name.n - 6, ".local", 6) == 0)
            name.n -= 6;
        if ((r.type == NAMES_A && r.data.n == 4) || (r.type == NAMES_AAAA && r.data.n == 16)) {
            struct address a = address_of(r.data);
            say_name(v, flow, source, &a, name, time);
        } else if (r.type == NAMES_TXT && evidence_is_local(sender)) {
            service(v, flow, sender, source, name, r.data, time);
        }
    }
}

/* The first name of a machine, not of a group, in the answer to a question for its status (RFC 1002, section 4.2.18). */
static void node_status(struct evidence *v, const struct flow_ref *flow, const struct address *sender, struct span data, tq_time time)
{
    for (size_t left = span_u8(&data); left > 0; left--) {
        struct span name = span_take(&data, 15);
        uint8_t kind = span_u8(&data);
        uint16_t flags = span_be16(&data);
        if (data.bad)
            return;
        while (name.n > 0 && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == 0))
            name.n--;
        if (kind == 0 && (flags & 0x8000) == 0) {
            say_name(v, flow, "netbios", sender, name, time);
            return;
        }
    }
}

/* Who claims a name (registration, refresh) or answers for one. */
static void netbios(struct evidence *v, const struct flow_ref *flow, const struct address *sender, struct names *n, tq_time time)
{
    struct names_record r;
    char name[16];
    uint8_t kind = 0;
    while (names_next(n, &r)) {
        if (r.type == NAMES_NBSTAT && n->response)
            node_status(v, flow, sender, r.data, time);
        if (r.type != NAMES_NB || r.data.n < 6 || (r.data.p[0] & 0x80) != 0)
            continue;
        size_t length = names_netbios(&r, name, &kind);
        struct address a = address_of(span_of(r.data.p + 2, 4));
        if (kind == 0x00 || kind == 0x20) /* the machine itself, its file service */
            say_name(v, flow, "netbios", &a, span_of(name, length), time);
    }
}

static void named(struct evidence *v, const struct flow_ref *flow, const struct address *sender, uint16_t port, struct span bytes, tq_time time)
{
    struct names n;
    if (!names_start(bytes, &n))
        return;
    if (port == PORT_NETBIOS)
        netbios(v, flow, sender, &n, time);
    else if (n.response && n.opcode == 0)
        answers(v, flow, sender, port == PORT_MDNS ? "mdns" : "llmnr", &n, time);
}

static void snmp(struct evidence *v, const struct flow_ref *flow, const struct address *sender, struct span bytes, tq_time time)
{
    struct snmp_system system;
    if (!snmp_system(bytes, &system))
        return;
    struct said said = {.source = "snmp", .ip = sender, .hostname = evidence_line(system.name), .software = evidence_line(system.description)};
    evidence_means(&said, system.description);
    if (said.maker.n == 0)
        said.maker = evidence_enterprise(system.enterprise);
    if (said.hostname.n + said.software.n + said.maker.n > 0)
        evidence_say(v, flow, &said, time);
}

const char *evidence_upnp_role(struct span type)
{
    if (type.n == 0)
        return NULL;
    return memmem(type.p, type.n, ":Printer:", 9) != NULL                  ? "printer"
           : memmem(type.p, type.n, ":DigitalSecurityCamera:", 23) != NULL ? "camera"
           : memmem(type.p, type.n, ":InternetGatewayDevice:", 23) != NULL || memmem(type.p, type.n, ":WLANAccessPointDevice:", 23) != NULL
               ? "network"
               : NULL;
}

static void ssdp(struct evidence *v, const struct flow_ref *flow, const struct address *sender, struct span bytes, tq_time time)
{
    struct banner banner;
    if (!evidence_is_local(sender) || !banner_ssdp(bytes, &banner))
        return;
    struct said said = {.source = "ssdp", .ip = sender, .software = evidence_line(banner.text)};
    said.role = evidence_upnp_role(banner_ssdp_type(bytes));
    evidence_means(&said, banner.text);
    evidence_say(v, flow, &said, time);
}

static void wsd(struct evidence *v, const struct flow_ref *flow, const struct address *sender, struct span bytes, tq_time time)
{
    struct wsd w;
    if (evidence_is_local(sender) && wsd_decode(bytes, &w))
        evidence_say(v, flow, &(struct said){.source = "wsd", .ip = sender, .role = w.role, .model = evidence_line(w.model)}, time);
}

/* What a client says of itself, about the address that it speaks from; a server's answer, about the address that it gives. */
static void dhcp6(struct evidence *v, const struct flow_ref *flow, const struct address *sender, bool client, struct span bytes, tq_time time)
{
    struct dhcp6 d;
    if (!dhcp6_decode(bytes, &d))
        return;
    struct address given = d.address.n == 16 ? address_of(d.address) : (struct address){0};
    struct said said = {.source = "dhcp6", .ip = client ? sender : &given, .hostname = d.hostname};
    if (client) {
        said.software = evidence_line(d.vendor);
        evidence_means(&said, d.vendor);
    }
    if ((client || given.family != 0) && said.hostname.n + said.software.n > 0)
        evidence_say(v, flow, &said, time);
}

void evidence_datagram(struct evidence *v, const struct flow_ref *flow, int direction, struct span bytes, tq_time time)
{
    const struct address *sender = evidence_sender(flow, direction);
    uint16_t port = direction == 0 ? flow->sport : flow->dport;
    uint16_t to = direction == 0 ? flow->dport : flow->sport;
    struct banner banner;
    struct browse browse;
    if (port == PORT_BROWSE) {
        if (browse_decode(bytes, &browse))
            say_name(v, flow, "netbios", sender, browse.name, time);
    } else if (port == PORT_SNMP) {
        snmp(v, flow, sender, bytes, time);
    } else if (port == PORT_SSDP || to == PORT_SSDP) {
        ssdp(v, flow, sender, bytes, time);
    } else if (port == PORT_WSD || to == PORT_WSD) {
        wsd(v, flow, sender, bytes, time);
    } else if (port == PORT_DHCP6_CLIENT || port == PORT_DHCP6_SERVER) {
        dhcp6(v, flow, sender, port == PORT_DHCP6_CLIENT, bytes, time);
    } else if (to == PORT_SIP) {
        if (banner_sip(bytes, &banner)) {
            struct said said = {.source = "sip", .ip = sender, .software = evidence_line(banner.text)};
            evidence_means(&said, banner.text);
            evidence_say(v, flow, &said, time);
        }
    } else {
        named(v, flow, sender, port, bytes, time);
    }
}

void evidence_ndp(struct evidence *v, struct span message, struct span source, tq_time time)
{
    struct ndp n;
    if (!ndp_decode(message, source, &n) || (n.mac.p[0] & 1) != 0)
        return;
    struct address ip = address_of(n.ip);
    evidence_say(v, NULL, &(struct said){.source = "ndp", .ip = &ip, .mac = n.mac.p}, time);
}

bool evidence_neighbour(struct evidence *v, bool cdp, const uint8_t mac[6], struct span bytes, tq_time time)
{
    struct neighbour n;
    if (!(cdp ? cdp_decode(bytes, &n) : lldp_decode(bytes, &n)))
        return false;
    struct address ip = address_of(span_of(n.ip, 4));
    struct said said = {.source = cdp ? "cdp" : "lldp",
                        .mac = mac,
                        .hostname = evidence_line(n.name),
                        .software = evidence_line(n.software),
                        .maker = evidence_line(n.maker),
                        .model = evidence_line(n.model),
                        .serial = evidence_line(n.serial),
                        .role = n.role};
    evidence_means(&said, n.software);
    if (!cdp && said.os != NULL && said.maker.n == 0 && said.role != NULL && strcmp(said.role, "network") == 0)
        said.role = NULL; /* a computer that forwards for its guests is no network equipment */
    said.ip = is_zero(n.ip, 4) ? NULL : &ip;
    if (said.hostname.n + said.software.n + said.model.n > 0 || said.role != NULL)
        evidence_say(v, NULL, &said, time);
    return true;
}
