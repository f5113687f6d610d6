#include "wire/packet_write.h"

#define FRAME_MIN 60
#define PAYLOAD_MAX 65000
#define TYPE_IPV4 0x0800
#define TYPE_ARP 0x0806
#define TYPE_VLAN 0x8100
#define TYPE_IPV6 0x86dd
#define PROTO_TCP 6
#define PROTO_UDP 17

static void write_ethernet(struct buf *out, const uint8_t dst[6], const uint8_t src[6], uint16_t vlan, uint16_t type)
{
    buf_add(out, dst, 6);
    buf_add(out, src, 6);
    if (vlan != 0) {
        buf_be16(out, TYPE_VLAN);
        buf_be16(out, vlan & 0x0fff);
    }
    buf_be16(out, type);
}

/* Fills up a frame that began at `start`. */
static void pad(struct buf *out, size_t start)
{
    static const uint8_t zeros[FRAME_MIN];
    size_t n = out->n - start;
    if (!out->failed && n < FRAME_MIN)
        buf_add(out, zeros, FRAME_MIN - n);
}

static void put_be16(struct buf *out, size_t at, uint16_t v)
{
    if (out->failed)
        return;
    out->p[at] = (uint8_t)(v >> 8);
    out->p[at + 1] = (uint8_t)v;
}

uint16_t packet_checksum(uint32_t sum, struct span bytes)
{
    uint64_t total = sum;
    for (size_t i = 0; i + 1 < bytes.n; i += 2)
        total += (uint32_t)bytes.p[i] << 8 | bytes.p[i + 1];
    if (bytes.n % 2 != 0)
        total += (uint32_t)bytes.p[bytes.n - 1] << 8;
    while (total >> 16 != 0)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

static uint32_t sum_address(const struct address *a)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < (a->family == 6 ? 16U : 4U); i += 2)
        sum += (uint32_t)a->bytes[i] << 8 | a->bytes[i + 1];
    return sum;
}

static void write_ip(struct buf *out, const struct packet_path *path, uint8_t proto, size_t length)
{
    write_ethernet(out, path->mac_dst, path->mac_src, path->vlan, path->src.family == 6 ? TYPE_IPV6 : TYPE_IPV4);
    if (path->src.family == 6) {
        buf_be32(out, 0x60000000);
        buf_be16(out, (uint16_t)length);
        buf_u8(out, proto);
        buf_u8(out, path->ttl);
        buf_add(out, path->src.bytes, 16);
        buf_add(out, path->dst.bytes, 16);
        return;
    }
    size_t start = out->n;
    buf_be16(out, 0x4500);
    buf_be16(out, (uint16_t)(length + 20));
    buf_be16(out, path->id);
    buf_be16(out, 0x4000); /* don't fragment */
    buf_u8(out, path->ttl);
    buf_u8(out, proto);
    buf_be16(out, 0);
    buf_add(out, path->src.bytes, 4);
    buf_add(out, path->dst.bytes, 4);
    if (!out->failed)
        put_be16(out, start + 10, packet_checksum(0, span_of(out->p + start, 20)));
}

/* The checksum over pseudo header, header and payload of what was written from `start` on. */
static uint16_t transport_checksum(const struct buf *out, size_t start, const struct packet_path *path, uint8_t proto)
{
    if (out->failed)
        return 0;
    size_t length = out->n - start;
    uint32_t sum = sum_address(&path->src) + sum_address(&path->dst) + proto + (uint32_t)length;
    return packet_checksum(sum, span_of(out->p + start, length));
}

void packet_write_arp(struct buf *out, const struct packet_arp *arp)
{
    size_t start = out->n;
    write_ethernet(out, arp->mac_dst, arp->mac_src, arp->vlan, TYPE_ARP);
    buf_be16(out, 1); /* Ethernet */
    buf_be16(out, TYPE_IPV4);
    buf_u8(out, 6);
    buf_u8(out, 4);
    buf_be16(out, arp->reply ? 2 : 1);
    buf_add(out, arp->sender_mac, 6);
    buf_add(out, arp->sender_ip, 4);
    buf_add(out, arp->target_mac, 6);
    buf_add(out, arp->target_ip, 4);
    pad(out, start);
}

void packet_write_udp(struct buf *out, const struct packet_path *path, uint16_t sport, uint16_t dport, struct span payload)
{
    if (payload.n > PAYLOAD_MAX) {
        out->failed = true;
        return;
    }
    size_t frame = out->n;
    write_ip(out, path, PROTO_UDP, payload.n + 8);
    size_t start = out->n;
    buf_be16(out, sport);
    buf_be16(out, dport);
    buf_be16(out, (uint16_t)(payload.n + 8));
    buf_be16(out, 0);
    buf_add_span(out, payload);
    uint16_t sum = transport_checksum(out, start, path, PROTO_UDP);
    put_be16(out, start + 6, sum == 0 ? 0xffff : sum); /* 0 would say "no checksum" */
    pad(out, frame);
}

void packet_write_tcp(struct buf *out, const struct packet_path *path, const struct packet_tcp *tcp, struct span payload)
{
    if (payload.n > PAYLOAD_MAX) {
        out->failed = true;
        return;
    }
    size_t frame = out->n;
    size_t options = tcp->mss != 0 ? 12 : 0;
    write_ip(out, path, PROTO_TCP, payload.n + 20 + options);
    size_t start = out->n;
    buf_be16(out, tcp->sport);
    buf_be16(out, tcp->dport);
    buf_be32(out, tcp->seq);
    buf_be32(out, tcp->ack);
    buf_u8(out, (uint8_t)((20 + options) / 4 << 4));
    buf_u8(out, tcp->flags);
    buf_be16(out, tcp->window);
    buf_be32(out, 0); /* checksum, urgent pointer */
    if (options != 0) {
        buf_be16(out, 0x0204);
        buf_be16(out, tcp->mss);
        buf_be32(out, 0x01030307); /* no operation; window scale 7 */
        buf_be32(out, 0x01010402); /* no operation twice; SACK permitted */
    }
    buf_add_span(out, payload);
    put_be16(out, start + 16, transport_checksum(out, start, path, PROTO_TCP));
    pad(out, frame);
}
