#include "engine/sense/evidence_private.h"

#include "wire/banner.h"
#include "wire/names.h"
#include "wire/neighbour.h"
#include "wire/snmp.h"

enum { PORT_NETBIOS = 137, PORT_SNMP = 161, PORT_SSDP = 1900, PORT_MDNS = 5353, PORT_LLMNR = 5355 };

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

/* The printer's maker and model in the description of its service: a string "ty=…" (RFC 6763, section 6). */
static struct span printer_model(const struct names_record *r)
{
    static const char *const services[] = {"._ipp._tcp", "._ipps._tcp", "._printer._tcp", "._pdl-datastream._tcp"};
    struct span name = span_of(r->name, r->n);
    struct span data = r->data;
    bool printer = false;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        printer = printer || (name.n > 0 && memmem(name.p, name.n, services[i], strlen(services[i])) != NULL);
    while (printer && data.n > 0) {
        struct span one = span_take(&data, span_u8(&data));
        if (!one.bad && one.n > 3 && memcmp(one.p, "ty=", 3) == 0)
            return span_of(one.p + 3, one.n - 3);
    }
    return (struct span){0};
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
        } else if (r.type == NAMES_TXT) {
            struct span model = evidence_line(printer_model(&r));
            if (model.n > 0)
                evidence_say(v, flow, &(struct said){.source = source, .ip = sender, .model = model, .role = "printer"}, time);
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

void evidence_datagram(struct evidence *v, const struct flow_ref *flow, int direction, struct span bytes, tq_time time)
{
    const struct address *sender = evidence_sender(flow, direction);
    uint16_t port = direction == 0 ? flow->sport : flow->dport;
    uint16_t to = direction == 0 ? flow->dport : flow->sport;
    struct snmp_system system;
    struct banner banner;
    if (port == PORT_SNMP) {
        if (snmp_system(bytes, &system))
            evidence_say(
                v, flow,
                &(struct said){.source = "snmp", .ip = sender, .hostname = evidence_line(system.name), .software = evidence_line(system.description)},
                time);
    } else if (port == PORT_SSDP || to == PORT_SSDP) {
        if (evidence_is_local(sender) && banner_ssdp(bytes, &banner))
            evidence_say(v, flow, &(struct said){.source = "ssdp", .ip = sender, .software = evidence_line(banner.text)}, time);
    } else {
        named(v, flow, sender, port, bytes, time);
    }
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
                        .model = evidence_line(n.model)};
    said.ip = is_zero(n.ip, 4) ? NULL : &ip;
    if (said.hostname.n + said.software.n + said.model.n > 0)
        evidence_say(v, NULL, &said, time);
    return true;
}
