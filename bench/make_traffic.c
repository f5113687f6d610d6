/* Makes captures that ask much of the sensor, for scripts/bench.
 *
 * usage: make_traffic KIND N [FLOWS] > OUT.pcap
 *   messages N FLOWS   N results (HL7 over MLLP, one packet each, answered) over FLOWS connections in turn, all open at once
 *   syn N              N connections tried and not answered, from as many addresses
 *   opens N            N connections that bring one byte each
 *   fragments N        N first fragments of packets whose rest never comes
 *   segments N         one connection, N segments of one byte, each pair in the wrong order
 *   drip N             one connection, a message that comes a byte a packet and never ends */
#include "wire/packet_write.h"
#include "wire/pcap_write.h"

#include <stdio.h>
#include <stdlib.h>

#define T0 (1700000000 * TIME_SECOND)
#define STEP (2 * TIME_SECOND / 1000000) /* half a million packets a second */
#define BLOCK 1048576

struct maker {
    struct buf out;
    struct buf frame;
    tq_time now;
    bool failed;
};

static void flush(struct maker *m)
{
    m->failed = m->failed || !buf_ok(&m->out) || fwrite(m->out.p, 1, m->out.n, stdout) != m->out.n;
    buf_clear(&m->out);
}

static void put_frame(struct maker *m)
{
    pcap_write_packet(&m->out, m->now, buf_span(&m->frame));
    m->now += STEP;
    buf_clear(&m->frame);
    if (m->out.n > BLOCK)
        flush(m);
}

/* Addresses and port of client i; its server is always the same. */
static struct packet_path path_of(uint32_t i, bool back)
{
    struct address client = {.bytes = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}, .family = 4};
    struct address server = {.bytes = {192, 0, 2, 1}, .family = 4};
    return (struct packet_path){
        .mac_src = {2, 0, 0, 0, 0, 1}, .mac_dst = {2, 0, 0, 0, 0, 2}, .ttl = 64, .src = back ? server : client, .dst = back ? client : server};
}

static void tcp(struct maker *m, uint32_t client, bool back, uint32_t seq, uint32_t ack, uint8_t flags, struct span payload)
{
    struct packet_path path = path_of(client, back);
    struct packet_tcp t = {.sport = back ? 2575 : 40000, .dport = back ? 40000 : 2575, .seq = seq, .ack = ack, .flags = flags, .window = 8192};
    packet_write_tcp(&m->frame, &path, &t, payload);
    put_frame(m);
}

#define NOTHING ((struct span){0})

static struct span message_of(struct buf *b, uint32_t i)
{
    buf_clear(b);
    buf_addf(b, "\x0bMSH|^~\\&|CHEM|LAB|LIS|LAB|20260302080000||ORU^R01|%u|P|2.5.1\rPID|1||%u^^^LAB\rOBR|1|%u||1^PANEL|||20260302080000\r", i,
             i % 5000, i);
    for (unsigned k = 0; k < 8; k++)
        buf_addf(b, "OBX|%u|NM|%u^ANALYTE-%u^L||%u.%u|mmol/L|1-9|N|||F|||20260302080000\r", k + 1, 100 + k, k, i % 9 + 1, k);
    buf_add(b, "\x1c\r", 2);
    return buf_span(b);
}

static void messages(struct maker *m, uint32_t n, uint32_t flows)
{
    struct buf text = BUF_INIT(4096);
    uint32_t *sent = calloc(flows, sizeof *sent);
    uint32_t *answered = calloc(flows, sizeof *answered);
    m->failed = sent == NULL || answered == NULL;
    for (uint32_t i = 0; i < flows && !m->failed; i++) {
        tcp(m, i, false, 0, 0, PACKET_TCP_SYN, NOTHING);
        tcp(m, i, true, 0, 1, PACKET_TCP_SYN | PACKET_TCP_ACK, NOTHING);
        sent[i] = answered[i] = 1;
    }
    for (uint32_t i = 0; i < n && !m->failed; i++) {
        uint32_t f = i % flows;
        struct span s = message_of(&text, i);
        tcp(m, f, false, sent[f], answered[f], PACKET_TCP_ACK | PACKET_TCP_PSH, s);
        sent[f] += s.n;
        buf_clear(&text);
        buf_addf(&text, "\x0bMSH|^~\\&|LIS|LAB|CHEM|LAB|20260302080000||ACK|%u|P|2.5.1\rMSA|AA|%u\r\x1c\r", i, i);
        tcp(m, f, true, answered[f], sent[f], PACKET_TCP_ACK | PACKET_TCP_PSH, buf_span(&text));
        answered[f] += (uint32_t)text.n;
    }
    free(sent);
    free(answered);
    buf_release(&text);
}

static void connections(struct maker *m, uint32_t n, bool byte)
{
    for (uint32_t i = 0; i < n && !m->failed; i++) {
        tcp(m, i, false, 7, 0, PACKET_TCP_SYN, NOTHING);
        if (byte)
            tcp(m, i, false, 8, 0, PACKET_TCP_ACK, SPAN_LIT("x"));
    }
}

static void fragments(struct maker *m, uint32_t n)
{
    uint8_t data[512] = {0};
    for (uint32_t i = 0; i < n && !m->failed; i++) {
        struct packet_path path = path_of(i, false);
        path.id = (uint16_t)i;
        packet_write_udp(&m->frame, &path, 1, 2, span_of(data, sizeof data));
        m->frame.p[14 + 6] = 0x20; /* more fragments */
        put_frame(m);
    }
}

static void segments(struct maker *m, uint32_t n)
{
    tcp(m, 0, false, 0, 0, PACKET_TCP_SYN, NOTHING);
    for (uint32_t i = 0; i < n && !m->failed; i++)
        tcp(m, 0, false, 1 + (i ^ 1), 0, PACKET_TCP_ACK, SPAN_LIT("|"));
}

static void drip(struct maker *m, uint32_t n)
{
    struct buf text = BUF_INIT(4096);
    struct span start = message_of(&text, 1);
    tcp(m, 0, false, 0, 0, PACKET_TCP_SYN, NOTHING);
    for (uint32_t i = 0; i < n && !m->failed; i++)
        tcp(m, 0, false, 1 + i, 0, PACKET_TCP_ACK, span_of(start.p + (i < 64 ? i : 64), 1));
    buf_release(&text);
}

int main(int argc, char **argv)
{
    struct maker m = {.out = BUF_INIT(2 * BLOCK), .frame = BUF_INIT(65536), .now = T0};
    uint64_t n = 0;
    uint64_t flows = 1;
    if (argc < 3 || !span_decimal(span_str(argv[2]), 1u << 24, &n) || (argc > 3 && !span_decimal(span_str(argv[3]), 1u << 20, &flows)) ||
        flows == 0) {
        (void)fprintf(stderr, "usage: make_traffic messages|syn|opens|fragments|segments|drip N [FLOWS] > OUT.pcap\n");
        return 2;
    }
    struct span kind = span_str(argv[1]);
    pcap_write_header(&m.out, 1);
    if (span_is(kind, "messages"))
        messages(&m, (uint32_t)n, (uint32_t)flows);
    else if (span_is(kind, "syn") || span_is(kind, "opens"))
        connections(&m, (uint32_t)n, kind.p[0] == 'o');
    else if (span_is(kind, "fragments"))
        fragments(&m, (uint32_t)n);
    else if (span_is(kind, "segments"))
        segments(&m, (uint32_t)n);
    else
        drip(&m, (uint32_t)n);
    flush(&m);
    buf_release(&m.out);
    buf_release(&m.frame);
    return m.failed || fflush(stdout) != 0 ? 3 : 0;
}
