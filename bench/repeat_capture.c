/* Makes a long capture of a short one: repeats it until a size is reached, each time with other IPv4 addresses and later times, so that every
 * repetition brings new conversations. Checksums are kept right (RFC 1624).
 *
 * usage: repeat_capture IN BYTES > OUT.pcap. IN: pcap or pcapng of one link type (Ethernet), plain, gzip or zstd. Repetition r adds r to the second
 * byte of every IPv4 address that is not multicast, broadcast or 0. The last repetition is cut at the packet that reaches BYTES. */
#include "base/error.h"
#include "engine/sense/source.h"
#include "wire/arp.h"
#include "wire/ip.h"
#include "wire/link.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FRAME_MAX 262144

struct writer {
    uint64_t left;
    bool header;
    uint8_t frame[FRAME_MAX];
};

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static bool write_all(struct writer *w, const void *p, size_t n)
{
    w->left = n > w->left ? 0 : w->left - n;
    return fwrite(p, 1, n, stdout) == n;
}

/* Changes one 16-bit word at p and the checksum at sum (NULL: none; a UDP checksum of 0 means none and stays). */
static void change16(uint8_t *p, uint16_t v, uint8_t *sum, uint8_t *sum2)
{
    uint16_t old = (uint16_t)(p[0] << 8 | p[1]);
    uint8_t *sums[2] = {sum, sum2};
    for (int i = 0; i < 2; i++) {
        if (sums[i] == NULL)
            continue;
        uint32_t c = (uint16_t) ~(sums[i][0] << 8 | sums[i][1]);
        c += (uint16_t)~old + (uint32_t)v;
        c = (c & 0xffff) + (c >> 16);
        c = (c & 0xffff) + (c >> 16);
        c = ~c & 0xffff;
        sums[i][0] = (uint8_t)(c >> 8);
        sums[i][1] = (uint8_t)c;
    }
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void shift(uint8_t *address, unsigned r, uint8_t *sum, uint8_t *sum2)
{
    if (address[0] == 0 || address[0] >= 224)
        return;
    change16(address, (uint16_t)(address[0] << 8 | ((address[1] + r) & 0xff)), sum, sum2);
}

/* The checksum of the TCP or UDP header in an IPv4 payload, or NULL. */
static uint8_t *transport_sum(const struct ip *ip, uint8_t *payload)
{
    if (ip->offset != 0)
        return NULL;
    if (ip->proto == IP_PROTO_TCP && ip->payload.n >= 18)
        return payload + 16;
    if (ip->proto == IP_PROTO_UDP && ip->payload.n >= 8 && (payload[6] != 0 || payload[7] != 0))
        return payload + 6;
    return NULL;
}

static void shift_frame(uint8_t *frame, size_t n, unsigned r)
{
    struct link link;
    if (link_decode(LINKTYPE_ETHERNET, span_of(frame, n), &link) != LINK_OK)
        return;
    uint8_t *packet = frame + (link.payload.p - frame);
    struct ip ip;
    struct arp arp;
    if (link.protocol == ETHERTYPE_IPV4 && ip_decode(4, link.payload, &ip)) {
        uint8_t *sum2 = transport_sum(&ip, frame + (ip.payload.p - frame));
        shift(packet + 12, r, packet + 10, sum2);
        shift(packet + 16, r, packet + 10, sum2);
    } else if (link.protocol == ETHERTYPE_ARP && arp_decode(link.payload, &arp)) {
        shift(packet + 14, r, NULL, NULL);
        shift(packet + 24, r, NULL, NULL);
    }
}

static bool write_header(struct writer *w, uint32_t linktype)
{
    uint8_t h[24] = {0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0}; /* nanoseconds, little-endian */
    put32(h + 16, FRAME_MAX);
    put32(h + 20, linktype);
    w->header = true;
    return write_all(w, h, sizeof h);
}

static bool write_packet(struct writer *w, const struct packet *p, tq_time time, unsigned r)
{
    if (!w->header && !write_header(w, p->linktype))
        return false;
    memcpy(w->frame, p->bytes.p, p->bytes.n);
    if (r > 0 && p->linktype == LINKTYPE_ETHERNET)
        shift_frame(w->frame, p->bytes.n, r);
    uint8_t h[16];
    put32(h, (uint32_t)(time / TIME_SECOND));
    put32(h + 4, (uint32_t)(time % TIME_SECOND));
    put32(h + 8, (uint32_t)p->bytes.n);
    put32(h + 12, p->wire_length);
    return write_all(w, h, sizeof h) && write_all(w, w->frame, p->bytes.n);
}

/* Writes the capture once; *length becomes the time from its first to its last packet. 0 or -1. */
static int repeat(struct writer *w, const char *path, unsigned r, tq_time *length, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_MISUSE, "%s cannot be opened", path);
    struct source *s = source_from_fd(fd, e);
    struct packet p;
    tq_time first = 0;
    tq_time last = 0;
    int got = -1;
    while (s != NULL && w->left > 0 && (got = source_next(s, &p, e)) == 1) {
        if (first == 0)
            first = p.time;
        last = p.time;
        if (!write_packet(w, &p, p.time + (tq_time)r * *length, r)) {
            got = err_set(e, ERR_SYSTEM, "cannot write");
            break;
        }
    }
    source_free(s);
    (void)close(fd);
    if (r == 0)
        *length = last - first + TIME_SECOND;
    return got < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    static struct writer w;
    uint64_t bytes;
    if (argc != 3 || !span_decimal(span_str(argv[2]), UINT64_C(1) << 40, &bytes)) {
        (void)fprintf(stderr, "usage: repeat_capture IN BYTES > OUT.pcap\n");
        return 2;
    }
    w.left = bytes;
    tq_time length = 0;
    for (unsigned r = 0; w.left > 0 && r < 200; r++) {
        struct error e = {0};
        uint64_t before = w.left;
        if (repeat(&w, argv[1], r, &length, &e) != 0 || w.left == before) {
            (void)fprintf(stderr, "%s\n", e.class == ERR_NONE ? "there is no packet in it" : e.text);
            return err_exit_status(&e);
        }
    }
    return fflush(stdout) == 0 ? 0 : 3;
}
