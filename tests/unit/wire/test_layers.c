#include "wire/arp.h"
#include "wire/ip.h"
#include "wire/link.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include "base/text.h"

#include "../cmocka_all.h"

#include <stdlib.h>

/* Bytes from hexadecimal, on the heap in their exact size. */
static struct span hex(const char *text)
{
    size_t n = strlen(text) / 2;
    uint8_t *p = malloc(n == 0 ? 1 : n);
    assert_non_null(p);
    assert_true(text_unhex(span_str(text), p, n));
    return span_of(p, n);
}

static void release(struct span s)
{
    free((void *)(uintptr_t)s.p);
}

struct link_case {
    uint32_t linktype;
    const char *frame;
    enum link_status status;
    uint16_t protocol;
    uint32_t vlan;
    size_t payload;
    bool mac;
};

static void links(void **state)
{
    (void)state;
    static const struct link_case cases[] = {
        {1,
         "ffffffffffff0200000000010800"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 0, 1, true},
        {1,
         "ffffffffffff0200000000010806"
         "0001",
         LINK_OK, ETHERTYPE_ARP, 0, 2, true},
        {1,
         "ffffffffffff02000000000186dd"
         "60",
         LINK_OK, ETHERTYPE_IPV6, 0, 1, true},
        {1,
         "ffffffffffff020000000001"
         "8100"
         "e00a"
         "0800"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 10, 1, true},
        {1,
         "ffffffffffff020000000001"
         "88a8"
         "0064"
         "8100"
         "000a"
         "86dd"
         "60",
         LINK_OK, ETHERTYPE_IPV6, 100 << 12 | 10, 1, true},
        {1,
         "ffffffffffff020000000001"
         "0009"
         "aaaa03000000"
         "0800"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 0, 1, true},
        {1,
         "ffffffffffff020000000001"
         "0009"
         "424203000000",
         LINK_OK, 0, 0, 6, true}, /* spanning tree */
        {1,
         "ffffffffffff020000000001"
         "8864"
         "1100"
         "0001"
         "0005"
         "0021"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 0, 1, true},
        {1,
         "ffffffffffff020000000001"
         "8847"
         "00010040"
         "00020140"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 0, 1, true},
        {1,
         "ffffffffffff020000000001"
         "81",
         LINK_CUT, 0, 0, 0, false},
        {1,
         "ffffffffffff020000000001"
         "8100"
         "00",
         LINK_CUT, 0, 0, 0, false},
        {113,
         "0000"
         "0001"
         "0006"
         "0200000000010000"
         "0800"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 0, 1, true},
        {113,
         "0000"
         "0304"
         "0006"
         "0000000000000000"
         "86dd"
         "60",
         LINK_OK, ETHERTYPE_IPV6, 0, 1, false},
        {113,
         "0000"
         "0001"
         "0006"
         "02000000000100",
         LINK_CUT, 0, 0, 0, false},
        {276,
         "0800"
         "0000"
         "00000002"
         "0001"
         "00"
         "06"
         "0200000000010000"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 0, 1, true},
        {101, "45", LINK_OK, ETHERTYPE_IPV4, 0, 1, false},
        {12, "60", LINK_OK, ETHERTYPE_IPV6, 0, 1, false},
        {14, "45", LINK_OK, ETHERTYPE_IPV4, 0, 1, false},
        {228, "45", LINK_OK, ETHERTYPE_IPV4, 0, 1, false},
        {229, "60", LINK_OK, ETHERTYPE_IPV6, 0, 1, false},
        {0,
         "02000000"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 0, 1, false},
        {0,
         "0000001e"
         "60",
         LINK_OK, ETHERTYPE_IPV6, 0, 1, false},
        {108,
         "00000018"
         "60",
         LINK_OK, ETHERTYPE_IPV6, 0, 1, false},
        {108, "0000", LINK_CUT, 0, 0, 0, false},
        {9,
         "ff03"
         "0021"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 0, 1, false},
        {9,
         "21"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 0, 1, false},
        {50,
         "0f00"
         "0800"
         "45",
         LINK_OK, ETHERTYPE_IPV4, 0, 1, false},
        {51,
         "1100"
         "0001"
         "0005"
         "0057"
         "60",
         LINK_OK, ETHERTYPE_IPV6, 0, 1, false},
        {147, "45", LINK_UNKNOWN, 0, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct link_case *c = &cases[i];
        struct span frame = hex(c->frame);
        struct link l;
        assert_int_equal(link_decode(c->linktype, frame, &l), c->status);
        if (c->status == LINK_OK) {
            assert_int_equal(l.protocol, c->protocol);
            assert_int_equal(l.vlan, c->vlan);
            assert_int_equal(l.payload.n, c->payload);
            assert_int_equal(l.has_mac, c->mac);
            if (c->mac)
                assert_memory_equal(l.source, "\x02\0\0\0\0\x01", 6);
        }
        release(frame);
    }
    assert_int_equal(link_vlan_id(100 << 12 | 10), 10);
}

static void a_hundred_tags_end(void **state)
{
    (void)state;
    uint8_t frame[12 + 400];
    memset(frame, 0, sizeof frame);
    for (size_t i = 12; i < sizeof frame; i += 4)
        frame[i] = 0x81;
    struct link l;
    assert_int_equal(link_decode(1, span_of(frame, sizeof frame), &l), LINK_OK);
    assert_int_equal(l.protocol, 0);
}

static void ipv4(void **state)
{
    (void)state;
    struct span s = hex("46000020abcd40004006ffff0a0000010a000002"
                        "01010100"
                        "0102030405060708"
                        "000000");
    struct ip ip;
    assert_true(ip_decode(4, s, &ip));
    assert_int_equal(ip.proto, 6);
    assert_int_equal(ip.payload.n, 8); /* padding cut off, options passed */
    assert_int_equal(ip.payload.p[0], 1);
    assert_int_equal(ip.missing, 0);
    assert_false(ip.fragment);
    assert_memory_equal(ip.src.p, "\x0a\0\0\x01", 4);
    s.n = 26;
    assert_true(ip_decode(4, s, &ip));
    assert_int_equal(ip.payload.n, 2);
    assert_int_equal(ip.missing, 6);
    s.n = 23;
    assert_false(ip_decode(4, s, &ip)); /* cut in the options */
    release(s);
    s = hex("45000000abcd20054011ffff0a0000010a000002"
            "0102030405060708");
    assert_true(ip_decode(4, s, &ip)); /* total length 0: segmentation offload */
    assert_int_equal(ip.payload.n, 8);
    assert_true(ip.fragment && ip.more);
    assert_int_equal(ip.offset, 40);
    assert_int_equal(ip.id, 0xabcd);
    assert_false(ip_decode(6, s, &ip));
    assert_false(ip_decode(5, s, &ip));
    release(s);
    static const char *const bad[] = {
        "",
        "45",
        "44000020abcd40004006ffff0a0000010a00000201020304", /* header of 16 bytes */
        "45000010abcd40004006ffff0a0000010a00000201020304", /* total below the header */
        "65000018abcd40004006ffff0a0000010a00000201020304", /* says 6 */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        s = hex(bad[i]);
        assert_false(ip_decode(4, s, &ip));
        release(s);
    }
}

#define V6                                                                                                                                           \
    "20010db8000000000000000000000001"                                                                                                               \
    "20010db8000000000000000000000002"

static void ipv6(void **state)
{
    (void)state;
    struct ip ip;
    struct span s = hex("6000000000080640" V6 "0102030405060708"
                        "ff");
    assert_true(ip_decode(6, s, &ip));
    assert_int_equal(ip.proto, 6);
    assert_int_equal(ip.payload.n, 8);
    assert_int_equal(ip.src.n, 16);
    release(s);
    /* hop by hop, destination, authentication, then UDP */
    s = hex("60000000002c0040" V6 "3c00010400000000"
            "3300010400000000"
            "1104000000000001"
            "000000010000000000000000"
            "00000000"
            "0035003500080000");
    assert_true(ip_decode(6, s, &ip));
    assert_int_equal(ip.proto, 17);
    release(s);
    s = hex("6000000000102c40" V6 "1100"
            "0029"
            "deadbeef"
            "0102030405060708"); /* offset 40, more */
    assert_true(ip_decode(6, s, &ip));
    assert_true(ip.fragment && ip.more);
    assert_int_equal(ip.offset, 40);
    assert_int_equal(ip.id, 0xdeadbeef);
    assert_int_equal(ip.proto, 17);
    release(s);
    s = hex("6000000000102c40" V6 "1100"
            "0000"
            "deadbeef"
            "0102030405060708"); /* atomic: whole */
    assert_true(ip_decode(6, s, &ip));
    assert_false(ip.fragment);
    assert_int_equal(ip.payload.n, 8);
    release(s);
    s = hex("6000000000080040" V6 "06ff010400000000"); /* an extension header longer than the packet */
    assert_false(ip_decode(6, s, &ip));
    release(s);
    char chain[80 + 17 * 16 + 1] = "6000000000880040" V6;
    for (int i = 0; i < 17; i++)
        memcpy(chain + 80 + i * 16, "0000010400000000", 17);
    s = hex(chain);
    assert_false(ip_decode(6, s, &ip)); /* seventeen of them */
    release(s);
}

static void tcp_headers(void **state)
{
    (void)state;
    struct span s = hex("1f900a13"
                        "deadbeef"
                        "01020304"
                        "6018"
                        "1000"
                        "ffff"
                        "0000"
                        "020405b4"
                        "414243");
    struct tcp t;
    assert_true(tcp_decode(s, &t));
    assert_int_equal(t.sport, 8080);
    assert_int_equal(t.dport, 2579);
    assert_int_equal(t.seq, 0xdeadbeef);
    assert_int_equal(t.ack, 0x01020304);
    assert_int_equal(t.flags, 0x18);
    assert_int_equal(t.window, 4096);
    assert_true(span_is(t.payload, "ABC"));
    s.n = 23;
    assert_false(tcp_decode(s, &t)); /* offset behind the end */
    s.n = 19;
    assert_false(tcp_decode(s, &t));
    release(s);
    s = hex("1f900a13deadbeef01020304"
            "4018"
            "1000ffff0000"); /* offset 4 */
    assert_false(tcp_decode(s, &t));
    release(s);
}

static void udp_headers(void **state)
{
    (void)state;
    struct span s = hex("00440043"
                        "000b"
                        "0000"
                        "414243"
                        "2020");
    struct udp u;
    assert_true(udp_decode(s, &u));
    assert_int_equal(u.sport, 68);
    assert_int_equal(u.dport, 67);
    assert_true(span_is(u.payload, "ABC"));
    assert_int_equal(u.missing, 0);
    s.n = 9;
    assert_true(udp_decode(s, &u));
    assert_int_equal(u.missing, 2);
    s.n = 7;
    assert_false(udp_decode(s, &u));
    release(s);
    s = hex("0044004300070000");
    assert_false(udp_decode(s, &u));
    release(s);
}

static void arp_packets(void **state)
{
    (void)state;
    struct span s = hex("0001"
                        "0800"
                        "06"
                        "04"
                        "0002"
                        "020000000001"
                        "0a000001"
                        "020000000002"
                        "0a000002"
                        "0000");
    struct arp a;
    assert_true(arp_decode(s, &a));
    assert_int_equal(a.operation, 2);
    assert_memory_equal(a.sender_mac, "\x02\0\0\0\0\x01", 6);
    assert_memory_equal(a.sender_ip, "\x0a\0\0\x01", 4);
    assert_memory_equal(a.target_ip, "\x0a\0\0\x02", 4);
    s.n = 27;
    assert_false(arp_decode(s, &a));
    release(s);
    s = hex("0006"
            "0800"
            "06"
            "04"
            "0002"
            "020000000001"
            "0a000001"
            "020000000002"
            "0a000002");
    assert_false(arp_decode(s, &a));
    release(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links),       cmocka_unit_test(a_hundred_tags_end), cmocka_unit_test(ipv4),        cmocka_unit_test(ipv6),
        cmocka_unit_test(tcp_headers), cmocka_unit_test(udp_headers),        cmocka_unit_test(arp_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
