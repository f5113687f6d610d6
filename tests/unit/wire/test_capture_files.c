#include "wire/pcap.h"
#include "wire/pcapng.h"

#include "../cmocka_all.h"

static void pcap_in_four_tongues(void **state)
{
    (void)state;
    static const struct {
        uint8_t magic[4];
        bool big;
        bool nano;
        uint32_t head;
    } cases[] = {
        {{0xd4, 0xc3, 0xb2, 0xa1}, false, false, 16}, {{0xa1, 0xb2, 0xc3, 0xd4}, true, false, 16},  {{0x4d, 0x3c, 0xb2, 0xa1}, false, true, 16},
        {{0xa1, 0xb2, 0x3c, 0x4d}, true, true, 16},   {{0x34, 0xcd, 0xb2, 0xa1}, false, false, 24},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t file[24] = {0};
        memcpy(file, cases[i].magic, 4);
        file[cases[i].big ? 18 : 17] = 1; /* snaplen 256 */
        file[cases[i].big ? 23 : 20] = 113;
        file[cases[i].big ? 20 : 23] = 0xf0; /* check sequence bits, no part of the type */
        struct pcap_header h;
        assert_true(pcap_header_decode(span_of(file, sizeof file), &h));
        assert_int_equal(h.big, cases[i].big);
        assert_int_equal(h.nanoseconds, cases[i].nano);
        assert_int_equal(h.record_header, cases[i].head);
        assert_int_equal(h.linktype, 113);
        assert_int_equal(h.snaplen, 256);
        assert_false(pcap_header_decode(span_of(file, 23), &h));
    }
    struct pcap_header h;
    assert_false(pcap_header_decode(SPAN_LIT("#!/bin/sh\n# 24 bytes long"), &h));
}

static void pcap_records(void **state)
{
    (void)state;
    struct pcap_header h = {.big = true, .record_header = 16};
    const uint8_t bytes[16] = {0x65, 0, 0, 0, 0, 0x0f, 0x42, 0x3f, 0, 0, 0, 60, 0, 0, 5, 0xdc};
    struct pcap_record r;
    assert_true(pcap_record_decode(&h, span_of(bytes, 16), &r));
    assert_true(r.time == INT64_C(0x65000000) * TIME_SECOND + 999999 * INT64_C(1000));
    assert_int_equal(r.captured, 60);
    assert_int_equal(r.original, 1500);
    assert_false(pcap_record_decode(&h, span_of(bytes, 15), &r));
    assert_true(pcap_record_plausible(&h, span_of(bytes, 16), 0));
    assert_true(pcap_record_plausible(&h, span_of(bytes, 16), r.time));
    assert_false(pcap_record_plausible(&h, span_of(bytes, 16), r.time + 11 * 86400 * TIME_SECOND));
    uint8_t bad[16];
    memcpy(bad, bytes, 16);
    bad[8] = 0x7f; /* two thousand million bytes */
    assert_false(pcap_record_plausible(&h, span_of(bad, 16), 0));
}

static void pcapng_blocks(void **state)
{
    (void)state;
    const uint8_t section[12] = {0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d};
    bool big = false;
    assert_true(pcapng_section_order(span_of(section, 12), &big));
    assert_true(big);
    assert_false(pcapng_section_order(span_of(section, 11), &big));
    uint32_t type;
    uint32_t length;
    assert_true(pcapng_block_decode(true, span_of(section, 12), &type, &length));
    assert_int_equal(type, PCAPNG_SECTION);
    assert_int_equal(length, 28);
    const uint8_t absurd[8] = {6, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f};
    assert_false(pcapng_block_decode(false, span_of(absurd, 8), &type, &length));
    const uint8_t small[8] = {6, 0, 0, 0, 8, 0, 0, 0};
    assert_false(pcapng_block_decode(false, span_of(small, 8), &type, &length));
}

static void pcapng_clocks(void **state)
{
    (void)state;
    /* linktype 1, snaplen 96; if_tsresol 10^-9; if_tsoffset 100 */
    const uint8_t body[] = {1, 0, 0, 0, 96, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 14, 0, 8, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct pcapng_interface i;
    assert_true(pcapng_interface_decode(false, span_of(body, sizeof body), &i));
    assert_int_equal(i.linktype, 1);
    assert_int_equal(i.snaplen, 96);
    assert_true(i.per_second == 1000000000);
    assert_true(pcapng_time(&i, 5000000007) == 105 * TIME_SECOND + 7);
    const uint8_t binary[] = {1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0x83, 0, 0, 0}; /* 2^-3 */
    assert_true(pcapng_interface_decode(false, span_of(binary, sizeof binary), &i));
    assert_true(pcapng_time(&i, 12) == TIME_SECOND + TIME_SECOND / 2);
    assert_true(pcapng_interface_decode(false, span_of(binary, 8), &i)); /* no options: microseconds */
    assert_true(pcapng_time(&i, 3) == 3000);
    i.per_second = 1;
    i.offset = INT64_MAX;
    assert_true(pcapng_time(&i, UINT64_MAX) == INT64_MAX); /* held at the end */
    i.offset = INT64_MIN;
    assert_true(pcapng_time(&i, 0) == INT64_MIN);
    assert_false(pcapng_interface_decode(false, span_of(body, 7), &i));
}

static void pcapng_packets(void **state)
{
    (void)state;
    const uint8_t enhanced[] = {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0};
    struct pcapng_packet p;
    size_t head;
    assert_true(pcapng_packet_decode(false, PCAPNG_ENHANCED, span_of(enhanced, sizeof enhanced), 0, &p, &head));
    assert_int_equal(p.interface, 1);
    assert_true(p.has_stamp && p.stamp == (UINT64_C(2) << 32 | 3));
    assert_int_equal(p.captured, 4);
    assert_int_equal(p.original, 5);
    assert_int_equal(head, 20);
    assert_false(pcapng_packet_decode(false, PCAPNG_ENHANCED, span_of(enhanced, 19), 0, &p, &head));
    const uint8_t simple[] = {0xdc, 5, 0, 0};
    assert_true(pcapng_packet_decode(false, PCAPNG_SIMPLE, span_of(simple, 4), 96, &p, &head));
    assert_int_equal(p.original, 1500);
    assert_int_equal(p.captured, 96);
    assert_false(p.has_stamp);
    assert_int_equal(head, 4);
    const uint8_t old[] = {0, 3, 0, 9, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5};
    assert_true(pcapng_packet_decode(true, PCAPNG_PACKET_OLD, span_of(old, sizeof old), 0, &p, &head));
    assert_int_equal(p.interface, 3);
    assert_int_equal(p.captured, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcap_in_four_tongues), cmocka_unit_test(pcap_records),   cmocka_unit_test(pcapng_blocks),
        cmocka_unit_test(pcapng_clocks),        cmocka_unit_test(pcapng_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
