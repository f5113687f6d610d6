/* Evidence that names devices, from whole frames: each once, about the right address; nothing from what is cut or far away. */
#include "engine/sense/sense.h"

#include "wire/packet_write.h"

#include "../cmocka_all.h"

#include <stdlib.h>

struct seen {
    struct buf lines;
    size_t flows; /* ports, so that every stream is a new one */
};

static void put(void *context, const struct record *r)
{
    struct seen *k = context;
    if (r->event != EVENT_ASSET_EVIDENCE || span_is(record_get(r, KEY_SOURCE), "ip"))
        return;
    for (size_t i = 0; i < r->n; i++) {
        buf_addf(&k->lines, "%s%s=", i > 0 ? " " : "", key_info(r->fields[i].key)->json);
        buf_add_span(&k->lines, r->fields[i].text);
    }
    buf_add_str(&k->lines, "\n");
}

static struct sense *begin(struct seen *k)
{
    struct error e = {0};
    *k = (struct seen){.lines = BUF_INIT(65536)};
    struct sense *s = sense_new(&(struct sense_options){.hash_key = {1, 2}, .flow_records = true, .sink = {.put = put, .context = k}}, &e);
    assert_non_null(s);
    return s;
}

static void said(struct sense *s, struct seen *k, const char *want)
{
    assert_string_equal(buf_text(&k->lines), want);
    sense_free(s);
    buf_release(&k->lines);
}

static struct packet_path path_of(const uint8_t from[4], const uint8_t to[4])
{
    struct packet_path p = {.mac_src = {2, 0, 0, 0, 0, from[3]}, .mac_dst = {2, 0, 0, 0, 0, to[3]}, .ttl = 64};
    p.src.family = p.dst.family = 4;
    memcpy(p.src.bytes, from, 4);
    memcpy(p.dst.bytes, to, 4);
    return p;
}

static void give(struct sense *s, struct buf *frame)
{
    uint8_t *exact = malloc(frame->n);
    assert_non_null(exact);
    memcpy(exact, frame->p, frame->n);
    sense_packet(s, TIME_SECOND, 1, span_of(exact, frame->n), (uint32_t)frame->n);
    free(exact);
    buf_release(frame);
}

static const uint8_t client[4] = {10, 0, 0, 1};
static const uint8_t server[4] = {10, 0, 0, 2};
static const uint8_t far_away[4] = {93, 184, 216, 34};

/* The start of the server's half of a stream, in pieces. */
static void answer(struct sense *s, struct seen *k, const uint8_t from[4], struct span bytes, size_t step)
{
    struct packet_tcp t = {.sport = 40000, .dport = 700, .seq = 10, .flags = PACKET_TCP_SYN, .window = 8192};
    t.sport = (uint16_t)(40000 + ++k->flows);
    struct packet_path out = path_of(client, from);
    struct packet_path back = path_of(from, client);
    struct buf b = BUF_INIT(65536);
    packet_write_tcp(&b, &out, &t, (struct span){0});
    give(s, &b);
    struct packet_tcp u = {.sport = 700, .dport = t.sport, .seq = 50, .ack = 11, .flags = PACKET_TCP_SYN | PACKET_TCP_ACK, .window = 8192};
    b = BUF_INIT(65536);
    packet_write_tcp(&b, &back, &u, (struct span){0});
    give(s, &b);
    u.flags = PACKET_TCP_ACK;
    u.seq++;
    while (bytes.n > 0) {
        struct span piece = span_take(&bytes, bytes.n < step ? bytes.n : step);
        b = BUF_INIT(65536);
        packet_write_tcp(&b, &back, &u, piece);
        give(s, &b);
        u.seq += (uint32_t)piece.n;
    }
}

static void datagram(struct sense *s, const uint8_t from[4], const uint8_t to[4], uint16_t sport, uint16_t dport, struct span bytes)
{
    struct packet_path path = path_of(from, to);
    struct buf b = BUF_INIT(65536);
    packet_write_udp(&b, &path, sport, dport, bytes);
    give(s, &b);
}

#define CERTIFICATE                                                                                                                                  \
    "\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03\x16\x03\x03\x00\x2f\x0b\x00\x00\x2b\x00\x00\x28\x00\x00\x25\x30\x23\x30\x21\x02\x01\x05\x30\x00"   \
    "\x30"                                                                                                                                           \
    "\x00\x30\x00\x30\x16\x31\x14\x30\x12\x06\x03\x55\x04\x03\x13\x0blis.lab.exa"

static void streams(void **state)
{
    (void)state;
    struct seen k;
    struct sense *s = begin(&k);
    for (int again = 0; again < 2; again++) {
        answer(s, &k, server, SPAN_LIT("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\nmore"), 1000);
        answer(s, &k, server, SPAN_LIT("HTTP/1.1 200 OK\r\nServer: Boa/0.94\r\n\r\n"), 1000);
        answer(s, &k, server, SPAN_LIT("\xff\xfd\x18\xff\xfb\x01\r\nACME box 2\r\nlogin: "), 6);
        answer(s, &k, server, SPAN_LIT(CERTIFICATE), 9);
    }
    answer(s, &k, far_away, SPAN_LIT("HTTP/1.1 200 OK\r\nServer: Boa/0.94\r\n\r\n"), 1000);
    answer(s, &k, far_away, SPAN_LIT(CERTIFICATE), 1000);
    said(s, &k,
         "ip=10.0.0.2 software=OpenSSH_9.2p1 Debian-2 os=Debian Linux source=ssh\n"
         "ip=10.0.0.2 software=Boa/0.94 source=http\n"
         "ip=10.0.0.2 software=ACME box 2 source=telnet\n"
         "ip=10.0.0.2 hostname=lis.lab.exa source=tls.certificate\n");
}

static void ntlm_in_smb(void **state)
{
    (void)state;
    struct seen k;
    struct sense *s = begin(&k);
    struct buf b = BUF_INIT(4096);
    buf_add(&b, "\x00\x00\x00\x04\xfeSMB", 8);
    for (int i = 0; i < 92; i++)
        buf_u8(&b, 0);
    buf_add(&b,
            "\x00\x00\x00\x60\xfeSMBNTLMSSP\x00\x02\x00\x00\x00\x00\x00\x00\x00\x38\x00\x00\x00\x01\x00\x00\x02"
            "12345678\x00\x00\x00\x00\x00\x00\x00\x00",
            48);
    buf_add(&b,
            "\x10\x00\x10\x00\x38\x00\x00\x00\x0a\x00\x63\x45\x00\x00\x00\x0f\x03\x00\x08\x00l\x00i\x00s\x00"
            "1\x00\x00\x00\x00\x00",
            32);
    answer(s, &k, server, buf_span(&b), 100);
    buf_release(&b);
    said(s, &k, "ip=10.0.0.2 software=Windows 10.0.17763 hostname=lis1 os=Windows 10 or Server 2019 source=ntlm\n");
}

static void datagrams(void **state)
{
    (void)state;
    struct seen k;
    struct sense *s = begin(&k);
    struct span mdns = SPAN_LIT(
        "\x00\x00\x84\x00\x00\x00\x00\x02\x00\x00\x00\x00\x06lab-pc\x05local\x00\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\x0a\x00\x00\x05"
        "\x01p\x04_ipp\x04_tcp\xc0\x13\x00\x10\x00\x01\x00\x00\x00\x78\x00\x0d\x01x\x0aty=Label 9");
    struct span netbios = SPAN_LIT("\x12\x34\x29\x10\x00\x01\x00\x00\x00\x00\x00\x01\x20"
                                   "EMEBECDBCACACACACACACACACACACAAA\x00\x00\x20\x00\x01"
                                   "\xc0\x0c\x00\x20\x00\x01\x00\x04\x93\xe0\x00\x06\x00\x00\x0a\x00\x00\x07");
    struct span llmnr = SPAN_LIT("\x00\x01\x80\x00\x00\x01\x00\x01\x00\x00\x00\x00\x02pc\x00\x00\x01\x00\x01\x02pc\x00\x00\x01\x00\x01\x00\x00\x00"
                                 "\x1e\x00\x04\x0a\x00\x00\x02");
    struct span snmp = SPAN_LIT("\x30\x28\x02\x01\x01\x04\x06public\xa2\x1b\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x10\x30\x0e\x06\x08\x2b\x06\x01"
                                "\x02\x01\x01\x05\x00\x04\x02pc");
    for (int again = 0; again < 2; again++) {
        datagram(s, server, (const uint8_t[]){224, 0, 0, 251}, 5353, 5353, mdns);
        datagram(s, server, (const uint8_t[]){10, 0, 0, 255}, 137, 137, netbios);
        datagram(s, server, client, 5355, 50000, llmnr);
        datagram(s, server, client, 161, 50000, snmp);
        datagram(s, client, server, 50000, 161, snmp); /* not from the agent */
        datagram(s, server, (const uint8_t[]){239, 255, 255, 250}, 5000, 1900, SPAN_LIT("NOTIFY * HTTP/1.1\r\nServer: OS/1 cam/2\r\n\r\n"));
    }
    said(s, &k,
         "ip=10.0.0.5 hostname=lab-pc source=mdns\n"
         "ip=10.0.0.2 model=Label 9 role=printer source=mdns\n"
         "ip=10.0.0.7 hostname=LAB1 source=netbios\n"
         "ip=10.0.0.2 hostname=pc source=llmnr\n"
         "ip=10.0.0.2 hostname=pc source=snmp\n"
         "ip=10.0.0.2 software=OS/1 cam/2 source=ssdp\n");
}

/* Printers, cameras and telephones in the words of their protocols. */
static void answers_of_devices(void **state)
{
    (void)state;
    struct seen k;
    struct sense *s = begin(&k);
    answer(s, &k, server, SPAN_LIT("@PJL INFO ID\r\n\"HP LaserJet 4250\"\r\n\x0c"), 1000);
    answer(s, &k, server, SPAN_LIT("\x02ZTC ZT230-200dpi,V72.19.7Z,8,8192KB\x03\r\n"), 1000);
    answer(s, &k, server,
           SPAN_LIT("\x02"
                    "1H|\\^&|||XN-1000\r\x03"),
           1000); /* what an instrument sends is no label printer's */
    answer(s, &k, server, SPAN_LIT("RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Dahua Rtsp Server\r\n\r\n"), 1000);
    answer(s, &k, server,
           SPAN_LIT("HTTP/1.1 200 OK\r\nServer: Boa/0.94\r\n\r\n<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device>"
                    "<deviceType>urn:schemas-upnp-org:device:DigitalSecurityCamera:1</deviceType><manufacturer>ACME</manufacturer>"
                    "<modelName>C-9</modelName><serialNumber>A1</serialNumber></device></root>"),
           2000);
    datagram(s, server, client, 5060, 5060,
             SPAN_LIT("REGISTER sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2\r\nUser-Agent: Yealink SIP-T46G 28.80.0.95\r\n\r\n"));
    datagram(
        s, server, client, 5060, 5060, /* passed on: whose it is does not show */
        SPAN_LIT("REGISTER sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2\r\nVia: SIP/2.0/UDP 10.0.0.3\r\nUser-Agent: Yealink SIP-T42G\r\n\r\n"));
    datagram(
        s, server, client, 3702, 50000,
        SPAN_LIT("<e:Envelope><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action><d:Types>dn:NetworkVideoTransmitter"
                 "</d:Types><d:Scopes>onvif://www.onvif.org/name/IPC onvif://www.onvif.org/hardware/DS-2CD2042</d:Scopes></e:Envelope>"));
    datagram(s, server, client, 161, 50000,
             SPAN_LIT("\x30\x46\x02\x01\x01\x04\x06public\xa2\x39\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x2e"
                      "\x30\x17\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x04\x0bZebra ZT230"
                      "\x30\x13\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x06\x07\x2b\x06\x01\x04\x01\xd3\x12"));
    said(s, &k,
         "ip=10.0.0.2 maker=HP model=HP LaserJet 4250 role=printer source=pjl\n"
         "ip=10.0.0.2 maker=Zebra model=ZT230-200dpi software=ZTC ZT230-200dpi,V72.19.7Z,8,8192KB role=printer source=zpl\n"
         "ip=10.0.0.2 maker=Dahua software=Dahua Rtsp Server role=camera source=rtsp\n"
         "ip=10.0.0.2 software=Boa/0.94 source=http\n"
         "ip=10.0.0.2 maker=ACME model=C-9 serial=A1 role=camera source=upnp\n"
         "ip=10.0.0.2 maker=Yealink model=T46G software=Yealink SIP-T46G 28.80.0.95 role=phone source=sip\n"
         "ip=10.0.0.2 model=DS-2CD2042 role=camera source=wsd\n"
         "ip=10.0.0.2 maker=Zebra software=Zebra ZT230 source=snmp\n");
}

/* A client of DHCP: by its vendor class, nearer by what it asks for; a server's answer says nothing of it. */
static void dhcp_clients(void **state)
{
    (void)state;
    struct seen k;
    struct sense *s = begin(&k);
    static const struct {
        const char *vendor;
        const char *options;
        size_t n;
    } clients[] = {
        {"MSFT 5.0", "\x01\x03\x06\x0f\x1f\x21\x2b\x2c\x2e\x2f\x77\x79\xf9\xfc", 14},
        {"MSFT 5.0", "\x01", 1},
        {"Cisco Systems, Inc. IP Phone CP-7945G", "\x01", 1},
        {"AXIS,Network Camera,P1346,5.40.9.4", "\x01", 1},
        {"something else", "\x01\x03\x06\x0f\x1f\x21\x2b\x2c\x2e\x2f\x77\x79\xf9\xfc", 14},
    };
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        struct buf b = BUF_INIT(1024);
        buf_add(&b, "\x01\x01\x06", 3);
        for (int zero = 3; zero < 236; zero++)
            buf_u8(&b, zero == 28 ? 2 : zero == 33 ? (uint8_t)i : 0); /* the client's MAC address */
        buf_add(&b, "\x63\x82\x53\x63\x35\x01\x03\x32\x04\x0a\x00\x00\x09", 13);
        buf_u8(&b, 60);
        buf_u8(&b, (uint8_t)strlen(clients[i].vendor));
        buf_add_str(&b, clients[i].vendor);
        buf_u8(&b, 55);
        buf_u8(&b, (uint8_t)clients[i].n);
        buf_add(&b, clients[i].options, clients[i].n);
        buf_u8(&b, 255);
        datagram(s, (const uint8_t[]){0, 0, 0, 0}, (const uint8_t[]){255, 255, 255, 255}, 68, 67, buf_span(&b));
        buf_release(&b);
    }
    said(s, &k,
         "ip=10.0.0.9 mac=02:00:00:00:00:00 software=MSFT 5.0 os=Windows 10 or later source=dhcp "
         "dhcp_options=1,3,6,15,31,33,43,44,46,47,119,121,249,252\n"
         "ip=10.0.0.9 mac=02:00:00:00:00:01 software=MSFT 5.0 os=Windows source=dhcp dhcp_options=1\n"
         "ip=10.0.0.9 mac=02:00:00:00:00:02 maker=Cisco model=CP-7945G software=Cisco Systems, Inc. IP Phone CP-7945G role=phone source=dhcp "
         "dhcp_options=1\n"
         "ip=10.0.0.9 mac=02:00:00:00:00:03 maker=Axis model=P1346 software=AXIS,Network Camera,P1346,5.40.9.4 role=camera source=dhcp "
         "dhcp_options=1\n"
         "ip=10.0.0.9 mac=02:00:00:00:00:04 software=something else source=dhcp "
         "dhcp_options=1,3,6,15,31,33,43,44,46,47,119,121,249,252\n");
}

/* Two ways in which a machine of the same link tells who it is: neighbour discovery, and the browser service. */
static void neighbours(void **state)
{
    (void)state;
    struct seen k;
    struct sense *s = begin(&k);
    for (int again = 0; again < 2; again++) {
        struct buf b = BUF_INIT(256);
        buf_add(&b, "\x33\x33\x00\x00\x00\x01\x02\x00\x00\x00\x00\x07\x86\xdd\x60\x00\x00\x00\x00\x20\x3a\xff", 22);
        buf_add(&b,
                "\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
                32);
        buf_add(&b, "\x88\x00\x12\x34\x20\x00\x00\x00\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07", 24);
        buf_add(&b, "\x02\x01\x02\x00\x00\x00\x00\x07", 8);
        give(s, &b);
        datagram(s, server, (const uint8_t[]){10, 0, 0, 255}, 138, 138,
                 SPAN_LIT("\x11\x0a\x12\x34\x0a\x00\x00\x02\x00\x8a\x00\xbb\x00\x00\xffSMB%\x00\\MAILSLOT\\BROWSE\x00"
                          "\x01\x00\x80\xfc\x0a\x00LAB-PC\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x01\x03\x10\x01\x00\x0f\x01\x55\xaa"));
    }
    said(s, &k,
         "ip=fe80::7 mac=02:00:00:00:00:07 source=ndp\n"
         "ip=10.0.0.2 hostname=LAB-PC source=netbios\n");
}

static void link_layer(void **state)
{
    (void)state;
    struct seen k;
    struct sense *s = begin(&k);
    for (int again = 0; again < 2; again++) {
        struct buf b = BUF_INIT(1024);
        buf_add(&b, "\x01\x80\xc2\x00\x00\x0e\x02\x00\x00\x00\x00\x09\x88\xcc", 14);
        buf_add(&b, "\x02\x07\x04\x02\x00\x00\x00\x00\x09\x04\x02\x05g\x06\x02\x00\x78\x0a\x03sw1\x0c\x05OS 12\x00\x00", 31);
        give(s, &b);
        b = BUF_INIT(1024);
        buf_add(&b, "\x01\x00\x0c\xcc\xcc\xcc\x02\x00\x00\x00\x00\x08\x00\x24\xaa\xaa\x03\x00\x00\x0c\x20\x00", 22);
        buf_add(&b,
                "\x02\xb4\x00\x00\x00\x01\x00\x07sw2\x00\x06\x00\x0a"
                "ACME 9",
                21);
        give(s, &b);
    }
    assert_int_equal(sense_stats(s)->damaged_packets, 0);
    said(s, &k,
         "mac=02:00:00:00:00:09 software=OS 12 hostname=sw1 source=lldp\n"
         "mac=02:00:00:00:00:08 model=ACME 9 hostname=sw2 source=cdp\n");
}

static void claim(struct sense *s, int second, uint8_t last)
{
    struct packet_arp arp = {
        .mac_src = {2, 0, 0, 0, 0, last}, .sender_mac = {2, 0, 0, 0, 0, last}, .sender_ip = {10, 0, 0, 1}, .target_ip = {10, 0, 0, 9}};
    struct buf b = BUF_INIT(256);
    memset(arp.mac_dst, 0xff, sizeof arp.mac_dst);
    packet_write_arp(&b, &arp);
    sense_packet(s, second * TIME_SECOND, 1, buf_span(&b), (uint32_t)b.n);
    buf_release(&b);
}

/* An address that comes back to the device that had it before is said again; two that fight for it once a minute. */
static void addresses_that_come_back(void **state)
{
    (void)state;
    struct seen k;
    struct sense *s = begin(&k);
    claim(s, 1, 1);
    claim(s, 2, 1);
    claim(s, 100, 2); /* another device's now */
    claim(s, 200, 1); /* and back */
    claim(s, 201, 1);
    for (int i = 0; i < 50; i++)
        claim(s, 202 + i, (uint8_t)(1 + i % 2));
    claim(s, 270, 2);
    said(s, &k,
         "ip=10.0.0.1 mac=02:00:00:00:00:01 source=arp\n"
         "ip=10.0.0.1 mac=02:00:00:00:00:02 source=arp\n"
         "ip=10.0.0.1 mac=02:00:00:00:00:01 source=arp\n"
         "ip=10.0.0.1 mac=02:00:00:00:00:02 source=arp\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams),
        cmocka_unit_test(ntlm_in_smb),
        cmocka_unit_test(datagrams),
        cmocka_unit_test(answers_of_devices),
        cmocka_unit_test(addresses_that_come_back),
        cmocka_unit_test(dhcp_clients),
        cmocka_unit_test(neighbours),
        cmocka_unit_test(link_layer),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
