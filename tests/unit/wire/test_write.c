/* The encoders: known vectors, and what the decoders read back. */
#include "wire/astm_link.h"
#include "wire/astm_write.h"
#include "wire/dhcp_write.h"
#include "wire/dns_write.h"
#include "wire/mllp_write.h"
#include "wire/packet_write.h"
#include "wire/pcap.h"
#include "wire/pcap_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SAME_BYTES(b, text) (assert_int_equal((b).n, sizeof(text) - 1), assert_memory_equal((b).p, text, sizeof(text) - 1))

static void test_checksum(void **state)
{
    (void)state;
    /* a well-known IPv4 header: its checksum is b861 */
    static const uint8_t header[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                       0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
    assert_int_equal(packet_checksum(0, span_of(header, 20)), 0xb861);
    /* RFC 1071, section 3: the words 0001 f203 f4f5 f6f7 sum to ddf2 */
    assert_int_equal(packet_checksum(0, span_of("\x00\x01\xf2\x03\xf4\xf5\xf6\xf7", 8)), 0xffff & ~0xddf2);
    assert_int_equal(packet_checksum(0, span_of("\x01", 1)), 0xfeff); /* an odd byte counts as the high one */
    assert_int_equal(packet_checksum(0, span_of(NULL, 0)), 0xffff);
}

static struct packet_path path(uint8_t family)
{
    struct packet_path p = {.ttl = 64, .id = 7, .src = {.bytes = {10, 0, 0, 1}, .family = family}, .dst = {.bytes = {10, 0, 0, 2}, .family = family}};
    memset(p.mac_src, 0x02, 6);
    memset(p.mac_dst, 0x04, 6);
    return p;
}

static void test_udp_packet(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4096);
    struct packet_path p = path(4);
    packet_write_udp(&b, &p, 1000, 53, span_str("hi"));
    assert_int_equal(b.n, 60); /* padded */
    assert_memory_equal(b.p, "\4\4\4\4\4\4\2\2\2\2\2\2\x08\x00\x45\x00\x00\x1e\x00\x07\x40\x00\x40\x11", 24);
    assert_int_equal(packet_checksum(0, span_of(b.p + 14, 20)), 0);
    assert_memory_equal(b.p + 34, "\x03\xe8\x00\x35\x00\x0a", 6);
    /* pseudo header and datagram sum to nothing */
    assert_int_equal(packet_checksum(0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 17 + 10, span_of(b.p + 34, 10)), 0);
    buf_clear(&b);
    p = path(6);
    p.vlan = 20;
    packet_write_udp(&b, &p, 1000, 53, span_str("hi"));
    assert_int_equal(b.n, 18 + 40 + 10);
    assert_memory_equal(b.p + 12, "\x81\x00\x00\x14\x86\xdd\x60\x00\x00\x00\x00\x0a\x11\x40", 14);
    buf_release(&b);
}

static void test_tcp_packet(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4096);
    struct packet_path p = path(4);
    struct packet_tcp syn = {.sport = 50000, .dport = 2575, .seq = 0x01020304, .flags = PACKET_TCP_SYN, .window = 64240, .mss = 1460};
    packet_write_tcp(&b, &p, &syn, span_of(NULL, 0));
    assert_int_equal(b.n, 66);
    assert_int_equal(b.p[14 + 20 + 12], 8 << 4);
    assert_memory_equal(b.p + 14 + 20 + 20, "\x02\x04\x05\xb4\x01\x03\x03\x07\x01\x01\x04\x02", 12);
    assert_int_equal(packet_checksum(0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 6 + 32, span_of(b.p + 34, 32)), 0);
    buf_clear(&b);
    uint8_t *much = calloc(1, 65001);
    packet_write_tcp(&b, &p, &syn, span_of(much, 65001));
    assert_false(buf_ok(&b));
    free(much);
    buf_release(&b);
}

static void test_pcap_file(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4096);
    struct pcap_header header;
    struct pcap_record record;
    pcap_write_header(&b, 1);
    SAME_BYTES(b, "\x4d\x3c\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0");
    pcap_write_packet(&b, INT64_C(1700000000123456789), span_str("abcde"));
    assert_true(pcap_header_decode(span_of(b.p, b.n), &header));
    assert_true(header.nanoseconds);
    assert_int_equal(header.linktype, 1);
    assert_true(pcap_record_decode(&header, span_of(b.p + 24, b.n - 24), &record));
    assert_true(record.time == INT64_C(1700000000123456789));
    assert_int_equal(record.captured, 5);
    assert_int_equal(record.original, 5);
    assert_memory_equal(b.p + 40, "abcde", 5);
    buf_release(&b);
}

static void test_astm_frames(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4096);
    astm_write_frame(&b, 1, SPAN_LIT("H|\\^&\r"), true);
    SAME_BYTES(b, "\x02"
                  "1H|\\^&\r\x03"
                  "E5\r\n");
    buf_clear(&b);
    astm_write_frame(&b, 2, SPAN_LIT("L|1|N\r"), true);
    SAME_BYTES(b, "\x02"
                  "2L|1|N\r\x03"
                  "05\r\n");
    buf_clear(&b);
    astm_write_frame(&b, 15, SPAN_LIT("L|1|N\r"), true); /* 15 is sent as 7 */
    SAME_BYTES(b, "\x02"
                  "7L|1|N\r\x03"
                  "0A\r\n");
    buf_clear(&b);
    astm_write_frame(&b, 8, SPAN_LIT("x"), false);
    struct astm_link link = {0};
    struct span in = buf_span(&b);
    struct span text = {0};
    assert_int_equal(astm_link_next(&link, &in, &text), ASTM_FRAME_START);
    assert_int_equal(astm_link_next(&link, &in, &text), ASTM_TEXT);
    assert_true(span_is(text, "x"));
    assert_int_equal(astm_link_next(&link, &in, &text), ASTM_FRAME_GOOD);
    assert_false(link.last_of_message);
    buf_release(&b);
}

static void test_mllp_and_dns(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4096);
    mllp_write(&b, SPAN_LIT("MSH|^~\\&\r"));
    SAME_BYTES(b, "\x0bMSH|^~\\&\r\x1c\r");
    buf_clear(&b);
    dns_write_query(&b, 0x1234, "lis.lab.example", DNS_A);
    SAME_BYTES(b, "\x12\x34\1\0\0\1\0\0\0\0\0\0\3lis\3lab\7example\0\0\1\0\1");
    buf_clear(&b);
    dns_write_answer(&b, 1, "a.b", DNS_A, (const uint8_t *)"\12\24\12\12", 300);
    SAME_BYTES(b, "\0\1\x81\x80\0\1\0\1\0\0\0\0\1a\1b\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\12\24\12\12");
    buf_clear(&b);
    dns_write_answer(&b, 1, "a.b", DNS_A, NULL, 0);
    assert_int_equal(b.p[3], 0x83); /* no such name */
    buf_clear(&b);
    dns_write_query(&b, 1, "a-label-that-is-longer-than-sixty-three-bytes-is-not-a-label-at-all.example", DNS_A);
    assert_false(buf_ok(&b));
    buf_release(&b);
}

static void test_dhcp_message(void **state)
{
    (void)state;
    static const uint8_t ip[4] = {10, 20, 10, 51}, server[4] = {10, 20, 10, 1};
    struct buf b = BUF_INIT(4096);
    struct dhcp_write m = {.type = DHCP_REQUEST,
                           .transaction = 7,
                           .mac = {1, 2, 3, 4, 5, 6},
                           .requested = ip,
                           .server = server,
                           .host_name = "BENCH",
                           .vendor_class = "MSFT 5.0"};
    struct dhcp d;
    dhcp_write(&b, &m);
    assert_int_equal(b.n, 300);
    assert_true(dhcp_decode(buf_span(&b), &d));
    assert_int_equal(d.type, DHCP_REQUEST);
    assert_false(d.reply);
    assert_true(span_is(d.hostname, "BENCH"));
    assert_true(span_is(d.vendor, "MSFT 5.0"));
    assert_memory_equal(d.requested_ip, ip, 4);
    assert_memory_equal(d.server_ip, server, 4);
    assert_memory_equal(d.mac, m.mac, 6);
    buf_clear(&b);
    m = (struct dhcp_write){.type = DHCP_ACK, .yours = ip, .server = server, .router = server, .lease = 3600};
    dhcp_write(&b, &m);
    assert_true(dhcp_decode(buf_span(&b), &d));
    assert_true(d.reply);
    assert_memory_equal(d.your_ip, ip, 4);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum),     cmocka_unit_test(test_udp_packet),  cmocka_unit_test(test_tcp_packet),
        cmocka_unit_test(test_pcap_file),    cmocka_unit_test(test_astm_frames), cmocka_unit_test(test_mllp_and_dns),
        cmocka_unit_test(test_dhcp_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
