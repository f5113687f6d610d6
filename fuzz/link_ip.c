/* One packet through link, IP, ARP, TCP and UDP. The first byte chooses the link type. */
#include "wire/arp.h"
#include "wire/ip.h"
#include "wire/link.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A payload must lie inside the packet. */
static void inside(struct span part, struct span whole)
{
    if (part.p < whole.p || part.p + part.n > whole.p + whole.n)
        abort();
}

static void transport(const struct ip *ip, struct span payload, struct span whole)
{
    struct tcp tcp;
    struct udp udp;
    if (ip->proto == IP_PROTO_TCP && tcp_decode(payload, &tcp))
        inside(tcp.payload, whole);
    if (ip->proto == IP_PROTO_UDP && udp_decode(payload, &udp))
        inside(udp.payload, whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t types[] = {0, 1, 9, 12, 14, 50, 51, 101, 108, 113, 147, 228, 229, 276};
    struct span in = span_of(data, size);
    uint32_t type = types[span_u8(&in) % (sizeof types / sizeof types[0])];
    struct link link;
    if (link_decode(type, in, &link) != LINK_OK)
        return 0;
    inside(link.payload, in);
    struct arp arp;
    struct ip ip;
    if (link.protocol == ETHERTYPE_ARP)
        (void)arp_decode(link.payload, &arp);
    if (link.protocol != ETHERTYPE_IPV4 && link.protocol != ETHERTYPE_IPV6)
        return 0;
    if (!ip_decode(link.protocol == ETHERTYPE_IPV4 ? 4 : 6, link.payload, &ip))
        return 0;
    inside(ip.payload, in);
    inside(ip.src, in);
    inside(ip.dst, in);
    transport(&ip, ip.payload, in);
    struct span rest = ip.payload;
    if (ip.version == 6 && ip_extensions(ip.proto, &rest, &ip))
        transport(&ip, rest, in);
    return 0;
}
