/* What the sensor says about connections tried in vain (network.scan, network.flood), and about addresses that are claimed though another holds
 * them (network.arp_spoof). */
#include "engine/detect/detect_private.h"

#define ENDS_MANY 128 /* as the sensor counts them: see sense/attempts.h */
#define SOURCES_MANY 8

static void scanned(struct detect *d, const struct record *r, struct span who)
{
    bool many = record_number(r, KEY_ENDS, 0) >= ENDS_MANY;
    struct finding f = {
        .kind = KIND_NETWORK_SCAN,
        .severity = many ? SEVERITY_HIGH : SEVERITY_MEDIUM,
        .title = many ? "{0} tries the doors of the whole network: over a hundred addresses and ports within ten minutes, in vain."
                      : "{0} tries many addresses or ports within ten minutes, and exchanges not a byte with them.",
        .advice =
            "Somebody may be looking for a way in. Find the device with address {0} and who uses it: if it is not a scanner or a monitor of your "
            "own, take it off the network. Analyzers can stop working when they are scanned: look at those that it tried.",
        .technique = "T1046",
        .subjects = {who},
        .n_subjects = 1,
        .cause = who,
    };
    finding_put(d, r, &f);
}

static void flooded(struct detect *d, const struct record *r)
{
    bool many = record_number(r, KEY_ENDS, 0) >= SOURCES_MANY;
    char target[46];
    char source[46];
    char port[8];
    address_format(&r->flow.dst, target);
    address_format(&r->flow.src, source);
    struct buf text = BUF_INIT(128);
    buf_addf(&text, "%u", (unsigned)r->flow.dport);
    size_t port_n = text.n < sizeof port ? text.n : sizeof port;
    memcpy(port, text.p, port_n);
    buf_clear(&text);
    buf_addf(&text, "%s:%u", target, (unsigned)r->flow.dport);
    struct finding f = {
        .kind = KIND_NETWORK_FLOOD,
        .severity = SEVERITY_HIGH,
        .title = many ? "{0} is flooded: over two hundred connections a second to its port {1} are tried from many addresses, and not a byte passes."
                      : "{0} is flooded: over two hundred connections a second to its port {1} are tried by {2}, and not a byte passes.",
        .advice = many ? "Results may not reach {0}. The addresses may be made up: have the network people find the switch port that the flood comes "
                         "from and close it, and see whether {0} still answers its devices."
                       : "Results may not reach {0}. Take {2} off the network, and see whether {0} still answers its devices.",
        .technique = "T1499.001",
        .subjects = {span_str(target), span_of(port, port_n), span_str(source)},
        .n_subjects = 3,
        .cause = buf_span(&text),
    };
    finding_put(d, r, &f);
    buf_release(&text);
}

void judge_attempts(struct detect *d, const struct record *r)
{
    struct span role = record_get(r, KEY_ROLE);
    if (span_is(role, "source"))
        scanned(d, r, record_get(r, KEY_IP));
    else if (span_is(role, "target"))
        flooded(d, r);
}

void judge_claim(struct detect *d, const struct record *r)
{
    bool pushed = span_is(record_get(r, KEY_ROLE), "pushed");
    struct span ip = record_get(r, KEY_IP);
    struct span mac = record_get(r, KEY_MAC);
    struct buf cause = BUF_INIT(128);
    buf_add_span(&cause, ip);
    buf_u8(&cause, '|');
    buf_add_span(&cause, mac);
    struct finding f = {
        .kind = KIND_NETWORK_ARP_SPOOF,
        .severity = pushed ? SEVERITY_HIGH : SEVERITY_MEDIUM,
        .title = pushed
                     ? "{1} tells another device again and again that it has the address {0}, which belongs to {2}: what is meant for {0} goes to it."
                     : "{1} says again and again that it has the address {0}, and {2}, which had it before, is still there.",
        .advice =
            pushed ? "Somebody may be reading, or changing, what goes to {0}. Have the network people find the switch port behind which {1} is and "
                     "close it, and compare results that passed since then with the analyzers' displays."
                   : "Two devices use one address, by mistake or on purpose, and either may get what is meant for the other. Have the network "
                     "people find the switch port behind which {1} is; if nobody knows it, take it off the network.",
        .technique = "T1557.002",
        .subjects = {ip, mac, record_get(r, KEY_HOLDER)},
        .n_subjects = 3,
        .cause = buf_span(&cause),
    };
    finding_put(d, r, &f);
    buf_release(&cause);
}
