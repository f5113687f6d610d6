/* Whole packets through sense: flows, evidence, the clock, damage, limits. */
#include "engine/sense/sense.h"

#include "wire/dhcp_write.h"
#include "wire/packet_write.h"
#include "wire/tls_write.h"

#include "../cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define T0 (1700000000 * TIME_SECOND)
#define MOST 64

/* The records that came, each as one line of text. */
struct notes {
    size_t n;
    uint64_t seq;
    char lines[MOST][512];
};

static void note(void *context, const struct record *r)
{
    struct notes *notes = context;
    assert_true(r->seq == ++notes->seq);
    if (notes->n == MOST)
        return;
    char *line = notes->lines[notes->n++];
    int n = snprintf(line, 512, "%s", event_name(r->event));
    for (size_t i = 0; i < r->n; i++) {
        const struct key_info *k = key_info(r->fields[i].key);
        if (k->type == TYPE_TEXT)
            n += snprintf(line + n, 512 - (size_t)n, " %s=%.*s", k->json, (int)r->fields[i].text.n, (const char *)r->fields[i].text.p);
        else
            n += snprintf(line + n, 512 - (size_t)n, " %s=%lld", k->json, (long long)r->fields[i].number);
    }
}

static bool noted(const struct notes *notes, const char *what)
{
    for (size_t i = 0; i < notes->n; i++) {
        if (strstr(notes->lines[i], what) != NULL)
            return true;
    }
    return false;
}

static struct sense *begin_with(struct notes *notes, bool flow_records)
{
    struct sense_options o = {.hash_key = {5, 6}, .flow_records = flow_records};
    if (notes != NULL) {
        memset(notes, 0, sizeof *notes);
        o.sink = (struct record_sink){.put = note, .context = notes};
    }
    struct error e = {0};
    struct sense *s = sense_new(&o, &e);
    assert_non_null(s);
    return s;
}

static struct sense *begin(struct notes *notes)
{
    return begin_with(notes, notes != NULL);
}

static struct packet_path path_of(uint8_t from, uint8_t to)
{
    struct packet_path p = {.mac_src = {2, 0, 0, 0, 0, from}, .mac_dst = {2, 0, 0, 0, 0, to}, .ttl = 64};
    p.src = (struct address){.bytes = {10, 0, 0, from}, .family = 4};
    p.dst = (struct address){.bytes = {10, 0, 0, to}, .family = 4};
    return p;
}

static void give(struct sense *s, tq_time time, struct buf *frame)
{
    uint8_t *exact = malloc(frame->n);
    assert_non_null(exact);
    memcpy(exact, frame->p, frame->n);
    sense_packet(s, time, 1, span_of(exact, frame->n), (uint32_t)frame->n);
    free(exact);
    buf_clear(frame);
}

static void tcp(struct sense *s, tq_time time, struct packet_path path, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack, uint8_t flags,
                struct span payload)
{
    struct buf b = BUF_INIT(65536);
    struct packet_tcp t = {.sport = sport, .dport = dport, .seq = seq, .ack = ack, .flags = flags, .window = 8192};
    packet_write_tcp(&b, &path, &t, payload);
    assert_true(buf_ok(&b));
    give(s, time, &b);
    buf_release(&b);
}

static void udp(struct sense *s, tq_time time, struct packet_path path, uint16_t sport, uint16_t dport, struct span payload)
{
    struct buf b = BUF_INIT(65536);
    packet_write_udp(&b, &path, sport, dport, payload);
    give(s, time, &b);
    buf_release(&b);
}

#define NOTHING ((struct span){0})
#define SYN PACKET_TCP_SYN
#define ACK PACKET_TCP_ACK
#define FIN PACKET_TCP_FIN

static void a_conversation(void **state)
{
    (void)state;
    struct notes notes;
    struct sense *s = begin(&notes);
    struct packet_path out = path_of(1, 2);
    struct packet_path in = path_of(2, 1);
    tcp(s, T0, in, 2000, 1000, 0xffffffff, 100, SYN | ACK, NOTHING); /* the answer is captured first */
    tcp(s, T0, out, 1000, 2000, 99, 0, SYN, NOTHING);
    tcp(s, T0 + 1, out, 1000, 2000, 100, 0, ACK, SPAN_LIT("abc"));
    tcp(s, T0 + 2, in, 2000, 1000, 0, 103, ACK, SPAN_LIT("d"));
    tcp(s, T0 + 3, out, 1000, 2000, 103, 1, FIN | ACK, NOTHING);
    tcp(s, T0 + 4, in, 2000, 1000, 1, 104, FIN | ACK, NOTHING);
    tcp(s, T0 + 5, out, 1000, 2000, 104, 2, ACK, NOTHING);
    tcp(s, T0 + TIME_SECOND, out, 1000, 2000, 5000, 0, SYN, NOTHING); /* the same ports again */
    udp(s, T0 + TIME_SECOND, out, 5, 6, SPAN_LIT("x"));
    udp(s, T0 + 90 * TIME_SECOND, in, 6, 5, SPAN_LIT("x")); /* too late for an answer */
    sense_finish(s);
    const struct sense_stats *t = sense_stats(s);
    assert_true(t->flows == 4 && t->tcp_flows == 2 && t->udp_flows == 2);
    assert_true(t->packets == 10 && t->damaged_packets == 0 && t->tcp_gaps == 0 && t->retransmitted == 0);
    assert_true(t->first_time == T0 && t->last_time == T0 + 90 * TIME_SECOND);
    assert_true(noted(&notes, "flow.closed packets=7 bytes_up=3 bytes_down=1 duration_ns=5 reason=fin"));
    assert_true(noted(&notes, "reason=idle"));
    assert_true(noted(&notes, "reason=end"));
    assert_true(noted(&notes, "asset.evidence ip=10.0.0.1 mac=02:00:00:00:00:01 source=ip"));
    assert_true(noted(&notes, "asset.evidence ip=10.0.0.2 mac=02:00:00:00:00:02 source=ip"));
    assert_int_equal(notes.n, 6);
    sense_free(s);
}

static void vlans_keep_networks_apart(void **state)
{
    (void)state;
    struct sense *s = begin(NULL);
    struct packet_path p = path_of(1, 2);
    for (uint16_t vlan = 0; vlan < 5; vlan++) {
        p.vlan = vlan;
        tcp(s, T0, p, 1, 2, 7, 0, SYN, NOTHING);
    }
    assert_true(sense_stats(s)->tcp_flows == 5);
    sense_free(s);
}

static void devices_introduce_themselves(void **state)
{
    (void)state;
    struct notes notes;
    struct sense *s = begin(&notes);
    struct buf b = BUF_INIT(65536);
    struct packet_arp arp = {.mac_src = {2, 0, 0, 0, 0, 9}, .sender_mac = {2, 0, 0, 0, 0, 9}, .sender_ip = {10, 0, 0, 9}, .target_ip = {10, 0, 0, 1}};
    for (int i = 0; i < 3; i++) {
        packet_write_arp(&b, &arp);
        give(s, T0, &b);
    }
    assert_int_equal(notes.n, 1); /* said once */
    assert_true(noted(&notes, "ip=10.0.0.9 mac=02:00:00:00:00:09 source=arp"));
    struct buf payload = BUF_INIT(65536);
    const uint8_t wish[4] = {10, 0, 0, 7};
    dhcp_write(&payload, &(struct dhcp_write){
                             .type = DHCP_REQUEST, .mac = {2, 0, 0, 0, 0, 7}, .requested = wish, .host_name = "XN-1000", .vendor_class = "MSFT 5.0"});
    udp(s, T0, path_of(7, 255), 68, 67, buf_span(&payload));
    assert_true(noted(&notes, "ip=10.0.0.7 mac=02:00:00:00:00:07 software=MSFT 5.0 hostname=XN-1000 os=Windows 10 or later source=dhcp"));
    buf_clear(&payload);
    tls_write_client_hello(&payload, &(struct tls_hello_write){.server_name = "lis.example"});
    for (size_t at = 0; at < payload.n; at++) /* a byte a segment */
        tcp(s, T0 + (tq_time)at, path_of(1, 3), 1234, 443, 500 + (uint32_t)at, 1, ACK, span_of(payload.p + at, 1));
    assert_true(noted(&notes, "ip=10.0.0.3 hostname=lis.example source=tls"));
    static const size_t parts[3][2] = {{0, 10}, {30, SIZE_MAX}, {10, 30}}; /* TLS is known by its first part; the third comes before the second */
    for (size_t i = 0; i < 3; i++) {
        size_t at = parts[i][0];
        size_t end = parts[i][1] < payload.n ? parts[i][1] : payload.n;
        tcp(s, T0 + TIME_SECOND, path_of(1, 4), 1234, 443, 500 + (uint32_t)at, 1, ACK, span_of(payload.p + at, end - at));
    }
    assert_true(noted(&notes, "ip=10.0.0.4 hostname=lis.example source=tls"));
    struct span head = SPAN_LIT("GET / HTTP/1.1\r\nHost: lis\r\nUser-Agent: LabView/4.2\r\n\r\n");
    for (size_t at = 0; at < head.n; at++)
        tcp(s, T0 + 2 * TIME_SECOND, path_of(5, 6), 1234, 80, 500 + (uint32_t)at, 1, ACK, span_of(head.p + at, 1));
    assert_true(noted(&notes, "ip=10.0.0.5 software=LabView/4.2 source=http"));
    sense_finish(s);
    assert_true(noted(&notes, "app=dhcp"));
    buf_release(&payload);
    buf_release(&b);
    sense_free(s);
}

static void the_clock_follows_no_single_packet(void **state)
{
    (void)state;
    struct notes notes;
    struct sense *s = begin(&notes);
    struct packet_path p = path_of(1, 2);
    tcp(s, T0, p, 1, 2, 7, 0, ACK, SPAN_LIT("x"));
    tcp(s, INT64_MAX, p, 1, 3, 7, 0, ACK, SPAN_LIT("x"));
    tcp(s, T0 + TIME_SECOND, p, 1, 2, 8, 0, ACK, SPAN_LIT("x"));
    tcp(s, 0, p, 1, 2, 9, 0, ACK, SPAN_LIT("x"));
    tcp(s, INT64_MIN, p, 1, 2, 10, 0, ACK, SPAN_LIT("x"));
    tcp(s, T0 + 2 * TIME_SECOND, p, 1, 2, 11, 0, ACK, SPAN_LIT("x"));
    assert_true(sense_stats(s)->flows == 2);
    assert_true(sense_stats(s)->last_time == T0 + 2 * TIME_SECOND);
    tcp(s, T0 + 30000 * TIME_SECOND, p, 1, 4, 1, 0, ACK, SPAN_LIT("x")); /* captures joined: the second packet confirms */
    tcp(s, T0 + 30000 * TIME_SECOND, p, 1, 4, 2, 0, ACK, SPAN_LIT("x"));
    assert_true(sense_stats(s)->last_time == T0 + 30000 * TIME_SECOND);
    assert_true(noted(&notes, "reason=idle"));
    sense_free(s);
}

static void sum(void *context, const char *what, uint64_t count)
{
    struct notes *n = context;
    assert_true(n->n < MOST);
    (void)snprintf(n->lines[n->n++], 512, "%s %llu", what, (unsigned long long)count);
    n->seq += count;
}

static void damage_is_counted_and_named(void **state)
{
    (void)state;
    struct sense *s = begin(NULL);
    struct buf b = BUF_INIT(65536);
    struct packet_path p = path_of(1, 2);
    struct packet_tcp t = {.sport = 1, .dport = 2, .flags = ACK};
    for (size_t n = 0; n < 64; n++) { /* cut everywhere */
        packet_write_tcp(&b, &p, &t, SPAN_LIT("ABCDEFGHIJ"));
        uint32_t whole = (uint32_t)b.n;
        b.n = n < b.n ? n : b.n;
        uint8_t *exact = malloc(n + 1);
        assert_non_null(exact);
        memcpy(exact, b.p, b.n);
        sense_packet(s, T0, 1, span_of(exact, b.n), whole);
        free(exact);
        buf_clear(&b);
    }
    for (uint32_t type = 1000; type < 1012; type++)
        sense_packet(s, T0, type, SPAN_LIT("abc"), 3);
    struct notes named;
    memset(&named, 0, sizeof named);
    sense_damage(s, sum, &named);
    assert_true(named.seq == sense_stats(s)->damaged_packets);
    assert_true(sense_stats(s)->damaged_packets == 76);
    assert_true(noted(&named, "a link type that is not known: 1000 1"));
    assert_true(noted(&named, "a link type that is not known 4"));
    assert_true(noted(&named, "TCP header"));
    buf_release(&b);
    sense_free(s);
}

static void fragments_become_packets(void **state)
{
    (void)state;
    struct sense *s = begin(NULL);
    struct buf b = BUF_INIT(65536);
    struct packet_path p = path_of(1, 2);
    uint8_t payload[64] = {0};
    packet_write_udp(&b, &p, 1, 2, span_of(payload, sizeof payload));
    /* 72 bytes behind the IP header, as 40 and 32 */
    uint8_t first[14 + 20 + 40];
    uint8_t second[14 + 20 + 32];
    memcpy(first, b.p, sizeof first);
    memcpy(second, b.p, 34);
    memcpy(second + 34, b.p + 34 + 40, 32);
    first[16] = second[16] = 0;
    first[17] = 60;
    second[17] = 52;
    first[20] = 0x20;
    first[21] = 0;
    second[20] = 0;
    second[21] = 5;
    sense_packet(s, T0, 1, span_of(second, sizeof second), sizeof second);
    assert_true(sense_stats(s)->flows == 0);
    sense_packet(s, T0, 1, span_of(first, sizeof first), sizeof first);
    assert_true(sense_stats(s)->udp_flows == 1);
    assert_true(sense_stats(s)->damaged_packets == 0);
    buf_release(&b);
    sense_free(s);
}

/* A flood of everything that could be kept: half-open connections, out-of-order bytes, fragments, unfinished messages. */
static void a_flood_takes_bounded_memory(void **state)
{
    (void)state;
    static struct notes notes;
    struct sense *s = begin(&notes); /* with records: evidence is remembered too */
    struct packet_path p = path_of(1, 2);
    uint8_t block[1000];
    memset(block, 0x0b, sizeof block);
    static const char start[] = "\x0bMSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5\r";
    memcpy(block, start, sizeof start - 1);
    for (uint32_t i = 0; i < 300000; i++) {
        p.src.bytes[1] = (uint8_t)(i >> 16);
        p.src.bytes[2] = (uint8_t)(i >> 8);
        p.src.bytes[3] = (uint8_t)i;
        tcp(s, T0 + i, p, 1, 2, 1, 0, ACK, span_of(block, sizeof block));
        tcp(s, T0 + i, p, 1, 2, 5000, 0, ACK, span_of(block, sizeof block));
        uint8_t piece[14 + 20 + 1000] = {[12] = 0x08, [14] = 0x45, [16] = 3, [17] = 0xfc, [20] = 0x20, [23] = 17}; /* the first fragment of many */
        memcpy(piece + 26, p.src.bytes, 4);
        sense_packet(s, T0 + i, 1, span_of(piece, sizeof piece), sizeof piece);
    }
    struct rusage use;
    (void)getrusage(RUSAGE_SELF, &use);
    (void)printf("# %ld KiB\n", use.ru_maxrss);
#ifndef SANITIZED /* the sanitizer's shadow counts too */
    assert_true(use.ru_maxrss < 192L << 10);
#endif
    assert_true(sense_stats(s)->tcp_flows == 300000);
    sense_free(s);
}

/* A connection that was open before the flood, its message cut in two by it. The flood: twice as many connections as the table holds, half of them
 * with a byte of payload, which are more than it holds, too. */
static void a_flood_pushes_no_lab_out(void **state)
{
    (void)state;
    static struct notes notes;
    struct sense *s = begin_with(&notes, false);
    struct packet_path lab = path_of(1, 2);
    const struct span first = SPAN_LIT("\x0bMSH|^~\\&|ANALYZER|B|C|D|20260101||ORU^R01|1|P|2.5\rOBX|1|NM|GLU||5");
    tcp(s, T0, lab, 4000, 2575, 100, 0, SYN, NOTHING);
    tcp(s, T0, lab, 4000, 2575, 101, 0, ACK, first);
    struct packet_path p = path_of(3, 2);
    for (uint32_t i = 0; i < 240000; i++) {
        p.src.bytes[1] = (uint8_t)(i >> 16);
        p.src.bytes[2] = (uint8_t)(i >> 8);
        p.src.bytes[3] = (uint8_t)i;
        tcp(s, T0 + 1 + i, p, 1000, 2575, 7, 0, SYN, NOTHING);
        if (i % 2 == 0)
            tcp(s, T0 + 1 + i, p, 1000, 2575, 8, 0, ACK, SPAN_LIT("x"));
    }
    tcp(s, T0 + 500000, lab, 4000, 2575, 101 + first.n, 0, ACK, SPAN_LIT(".5\r\x1c\r"));
    assert_true(sense_stats(s)->hl7_messages == 1 && sense_stats(s)->results == 1 && sense_stats(s)->malformed == 0);
    assert_true(noted(&notes, "network.attempts ip=10.0.0.2 role=target attempts=2000 ends=256"));
    sense_free(s);
}

/* One address knocks at many doors; another at one door, many times; a third asks many and is answered: only the first is told. */
static void a_scan_is_counted(void **state)
{
    (void)state;
    static struct notes notes;
    struct sense *s = begin_with(&notes, false);
    for (uint8_t i = 0; i < 40; i++) {
        tcp(s, T0, path_of(7, 50), 4000, (uint16_t)(i + 1), 1, 0, SYN, NOTHING);
        tcp(s, T0, path_of(50, 7), (uint16_t)(i + 1), 4000, 0, 2, PACKET_TCP_RST | ACK, NOTHING);
        tcp(s, T0, path_of(8, 50), (uint16_t)(4000 + i), 2575, 1, 0, SYN, NOTHING);
        tcp(s, T0, path_of(9, (uint8_t)(60 + i)), 4000, 80, 1, 0, SYN, NOTHING);
        tcp(s, T0, path_of((uint8_t)(60 + i), 9), 80, 4000, 1, 2, SYN | ACK, NOTHING);
        tcp(s, T0, path_of(9, (uint8_t)(60 + i)), 4000, 80, 2, 2, ACK, SPAN_LIT("GET / HTTP/1.0\r\n\r\n"));
    }
    sense_finish(s);
    assert_true(noted(&notes, "network.attempts ip=10.0.0.7 role=source attempts=1"));
    assert_false(noted(&notes, "network.attempts ip=10.0.0.8"));
    assert_false(noted(&notes, "network.attempts ip=10.0.0.9"));
    assert_false(noted(&notes, "role=target"));
    sense_free(s);
}

#define OF_LAB "OBX|1|NM|GLU||5.5\r"

/* One lab message in two segments, on a connection that stands. */
static void lab_message(struct sense *s, tq_time time, struct packet_path p, uint16_t sport, uint32_t *seq, const char *control)
{
    char text[160];
    int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|ANALYZER|B|C|D|20260101||ORU^R01|%s|P|2.5\r", control);
    tcp(s, time, p, sport, 2575, *seq, 0, ACK, span_of(text, (size_t)n));
    *seq += (uint32_t)n;
    tcp(s, time, p, sport, 2575, *seq, 0, ACK, SPAN_LIT(OF_LAB "\x1c\r"));
    *seq += sizeof OF_LAB + 1;
}

/* Whoever cannot keep up loses bulk first, then what names devices, and of a lab nothing: not on its connections, nor on new ones to the same end. */
static void what_is_worth_least_is_shed_first(void **state)
{
    (void)state;
    static struct notes notes;
    static uint8_t bulk[1400];
    struct sense *s = begin_with(&notes, true);
    const struct sense_stats *t = sense_stats(s);
    struct packet_path lab = path_of(1, 2);
    struct packet_path files = path_of(5, 6);
    struct packet_path names = path_of(8, 9);
    uint32_t lab_at = 101;
    uint32_t bulk_at = 101;
    tq_time now = T0;
    memset(bulk, 'b', sizeof bulk);
    tcp(s, now, lab, 4000, 2575, 100, 0, SYN, NOTHING);
    lab_message(s, ++now, lab, 4000, &lab_at, "1");
    tcp(s, now, files, 4100, 9999, 100, 0, SYN, NOTHING);
    for (int i = 0; i < 60; i++, bulk_at += sizeof bulk)
        tcp(s, ++now, files, 4100, 9999, bulk_at, 0, ACK, span_of(bulk, sizeof bulk));
    assert_true(t->shed_bulk == 0 && t->shed_other == 0 && t->hl7_messages == 1);

    sense_shed(s, SHED_BULK);
    uint64_t flows = t->flows;
    for (int i = 0; i < 60; i++, bulk_at += sizeof bulk) {
        tcp(s, ++now, files, 4100, 9999, bulk_at, 0, ACK, span_of(bulk, sizeof bulk));
        tcp(s, ++now, names, (uint16_t)(5000 + i), 80, 100, 0, SYN, NOTHING); /* new connections are still seen */
    }
    lab_message(s, ++now, lab, 4000, &lab_at, "2");
    assert_true(t->shed_bulk == 60 && t->shed_other == 0 && t->hl7_messages == 2 && t->flows == flows + 60);

    sense_shed(s, SHED_ALL_BUT_LAB);
    flows = t->flows;
    for (int i = 0; i < 40; i++, bulk_at += sizeof bulk) {
        tcp(s, ++now, files, 4100, 9999, bulk_at, 0, ACK, span_of(bulk, sizeof bulk));
        tcp(s, ++now, names, (uint16_t)(6000 + i), 80, 100, 0, SYN, NOTHING);
        udp(s, ++now, names, 68, 67, SPAN_LIT("DHCP, but it was never decoded"));
        lab_message(s, ++now, lab, 4000, &lab_at, "3");
    }
    uint32_t second = 101; /* another analyzer comes to the same receiver */
    tcp(s, ++now, path_of(3, 2), 4001, 2575, 100, 0, SYN, NOTHING);
    lab_message(s, ++now, path_of(3, 2), 4001, &second, "4");
    assert_true(t->shed_bulk == 100 && t->shed_other == 80 && t->flows == flows + 1);
    assert_true(t->hl7_messages == 43 && t->results == 43 && t->malformed == 0 && t->tcp_gaps == 0);

    sense_shed(s, SHED_NOTHING);
    tcp(s, ++now, names, 7000, 80, 100, 0, SYN, NOTHING);
    tcp(s, ++now, files, 4100, 9999, bulk_at, 0, ACK | FIN, span_of(bulk, sizeof bulk));
    assert_true(t->flows == flows + 2 && t->shed_bulk == 100 && t->tcp_gaps == 0);
    notes.n = 0;
    sense_finish(s);
    /* what is shed as bulk is still counted in its conversation */
    char closed[80];
    (void)snprintf(closed, sizeof closed, "flow.closed packets=162 bytes_up=%zu", 161 * sizeof bulk);
    assert_true(noted(&notes, closed));
    sense_free(s);
}

static void it_sheds_as_its_queue_fills(void **state)
{
    (void)state;
    static const struct {
        unsigned eighths;
        enum shed then;
    } steps[] = {{0, SHED_NOTHING}, {5, SHED_NOTHING},     {6, SHED_BULK},        {5, SHED_BULK}, {3, SHED_BULK},        {2, SHED_NOTHING},
                 {3, SHED_NOTHING}, {8, SHED_ALL_BUT_LAB}, {5, SHED_ALL_BUT_LAB}, {4, SHED_BULK}, {7, SHED_ALL_BUT_LAB}, {0, SHED_NOTHING}};
    enum shed now = SHED_NOTHING;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        now = sense_shed_at(now, steps[i].eighths);
        assert_int_equal(now, steps[i].then);
    }
}

/* ARP of card `card`: the address 10.0.0.`of`, to (or asking for) 10.0.0.`to`. */
static void arp(struct sense *s, int second, uint16_t operation, uint8_t card, uint8_t of, uint8_t to)
{
    struct buf b = BUF_INIT(64);
    struct packet_arp a = {
        .reply = operation == 2, .mac_src = {2, 0, 0, 0, 0, card}, .sender_mac = {2, 0, 0, 0, 0, card}, .sender_ip = {10, 0, 0, of}};
    memcpy(a.target_ip, (uint8_t[]){10, 0, 0, to}, 4);
    memcpy(a.mac_dst, (uint8_t[]){2, 0, 0, 0, 0, to}, 6);
    memcpy(a.target_mac, a.mac_dst, 6);
    if (operation == 1 || of == to)
        memset(a.mac_dst, 0xff, sizeof a.mac_dst);
    packet_write_arp(&b, &a);
    give(s, T0 + second * TIME_SECOND, &b);
    buf_release(&b);
}

/* Card 9 tells 2 that it has the address of 1. */
static void an_address_that_is_taken(void **state)
{
    (void)state;
    static struct notes notes;
    struct sense *s = begin(&notes);
    arp(s, 0, 1, 1, 1, 2);
    for (int i = 0; i < 4; i++)
        arp(s, 10 + i * 5, 2, 9, 1, 2);
    assert_false(noted(&notes, "network.claims"));
    arp(s, 30, 2, 9, 1, 2);
    assert_true(noted(&notes, "network.claims ip=10.0.0.1 mac=02:00:00:00:00:09 holder=02:00:00:00:00:01 role=pushed attempts=5"));
    sense_free(s);

    s = begin(&notes); /* announced, while packets of its holder pass */
    arp(s, 0, 1, 1, 1, 2);
    arp(s, 10, 2, 9, 1, 1);
    arp(s, 12, 2, 9, 1, 1);
    tcp(s, T0 + 13 * TIME_SECOND, path_of(1, 2), 4000, 80, 1, 0, SYN, NOTHING);
    arp(s, 14, 2, 9, 1, 1);
    assert_true(noted(&notes, "network.claims ip=10.0.0.1 mac=02:00:00:00:00:09 holder=02:00:00:00:00:01 role=shared attempts=3"));
    sense_free(s);
}

static void an_address_that_moves(void **state)
{
    (void)state;
    static struct notes notes;
    struct sense *s = begin(&notes); /* a standby takes over, and says so now and then */
    arp(s, 0, 1, 1, 1, 2);
    for (int i = 0; i < 30; i++)
        arp(s, 10 + i * 20, 2, 9, 1, 1);
    for (int i = 0; i < 30; i++) { /* … and answers who asks */
        arp(s, 700 + i * 5, 1, 2, 2, 1);
        arp(s, 700 + i * 5, 2, 9, 1, 2);
    }
    for (int i = 0; i < 10; i++) /* it is its own now … */
        arp(s, 900 + i, 1, 9, 1, 3);
    for (int i = 0; i < 10; i++) /* … and the other one comes back */
        arp(s, 1600 + i, 2, 1, 1, 1);
    sense_free(s);
    assert_false(noted(&notes, "network.claims"));

    s = begin(&notes); /* a router that answers for others, beside the one whose it is */
    arp(s, 0, 1, 1, 1, 2);
    for (int i = 0; i < 40; i++) {
        arp(s, 10 + i * 5, 1, 2, 2, 1);
        arp(s, 10 + i * 5, 2, 1, 1, 2);
        arp(s, 10 + i * 5, 2, 9, 1, 2);
    }
    sense_free(s);
    assert_false(noted(&notes, "network.claims"));
}

/* Who sends is said with the first message of a direction, and where that changes; not of what came over a router. */
static void messages_say_their_card(void **state)
{
    (void)state;
    static struct notes notes;
    struct sense *s = begin_with(&notes, false);
    const struct span one = SPAN_LIT("\x0bMSH|^~\\&|ANALYZER|B|C|D|20260101||ORU^R01|1|P|2.5\rOBX|1|NM|GLU||5\r\x1c\r");
    struct packet_path p = path_of(1, 2);
    tcp(s, T0, p, 4000, 2575, 100, 0, SYN, NOTHING);
    for (uint32_t i = 0; i < 4; i++) {
        p.mac_src[5] = i < 2 ? 1 : 9;
        tcp(s, T0 + i * TIME_SECOND, p, 4000, 2575, 101 + i * (uint32_t)one.n, 0, ACK, one);
    }
    p = path_of(3, 2);
    p.ttl = 63;
    tcp(s, T0, p, 4000, 2575, 101, 0, ACK, one);
    size_t n = 0;
    for (size_t i = 0; i < notes.n; i++)
        n += strncmp(notes.lines[i], "lab.message", 11) == 0 && strstr(notes.lines[i], " mac=") != NULL;
    assert_int_equal(sense_stats(s)->hl7_messages, 5);
    assert_int_equal(n, 2);
    assert_true(noted(&notes, "mac=02:00:00:00:00:01") && noted(&notes, "mac=02:00:00:00:00:09"));
    sense_free(s);
}

static void limits_that_make_no_sense(void **state)
{
    (void)state;
    struct error e = {0};
    struct sense_options o = {.limits = {.reassembly_flow = 2000, .reassembly_total = 1000}};
    assert_null(sense_new(&o, &e));
    assert_int_equal(e.class, ERR_MISUSE);
    o.limits = (struct sense_limits){.flows = 3};
    struct sense *s = sense_new(&o, &e);
    assert_non_null(s);
    struct packet_path p = path_of(1, 2);
    for (uint16_t i = 0; i < 100; i++)
        tcp(s, T0 + i, p, i, 2, 1, 0, ACK, SPAN_LIT("x"));
    assert_true(sense_stats(s)->flows == 100);
    sense_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation),
        cmocka_unit_test(vlans_keep_networks_apart),
        cmocka_unit_test(devices_introduce_themselves),
        cmocka_unit_test(the_clock_follows_no_single_packet),
        cmocka_unit_test(damage_is_counted_and_named),
        cmocka_unit_test(fragments_become_packets),
        cmocka_unit_test(a_flood_takes_bounded_memory),
        cmocka_unit_test(a_flood_pushes_no_lab_out),
        cmocka_unit_test(a_scan_is_counted),
        cmocka_unit_test(what_is_worth_least_is_shed_first),
        cmocka_unit_test(it_sheds_as_its_queue_fills),
        cmocka_unit_test(an_address_that_is_taken),
        cmocka_unit_test(an_address_that_moves),
        cmocka_unit_test(messages_say_their_card),
        cmocka_unit_test(limits_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
