/* What names devices: SNMP, LLDP, CDP, mDNS, NetBIOS, NTLM, greetings, certificates, JA4. Bytes are written here. */
#include "wire/banner.h"
#include "wire/browse.h"
#include "wire/dhcp6.h"
#include "wire/ja4.h"
#include "wire/names.h"
#include "wire/ndp.h"
#include "wire/neighbour.h"
#include "wire/ntlm.h"
#include "wire/snmp.h"
#include "wire/tls_certificate.h"
#include "wire/wsd.h"

#include "../cmocka_all.h"

#include "base/buf.h"

/* Every cut of the input is read, each from memory of exactly its size. */
#define EACH_CUT(whole, copy, ...)                                                                                                                   \
    for (size_t cut_n = 0; cut_n <= (whole).n; cut_n++) {                                                                                            \
        uint8_t *exact = test_malloc(cut_n + 1);                                                                                                     \
        memcpy(exact, (whole).p, cut_n);                                                                                                             \
        struct span copy = span_of(exact, cut_n);                                                                                                    \
        __VA_ARGS__;                                                                                                                                 \
        test_free(exact);                                                                                                                            \
    }

#define SNMP_ANSWER                                                                                                                                  \
    "\x30\x40\x02\x01\x01\x04\x06public\xa2\x33\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x28"                                                         \
    "\x30\x14\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x04\x08Printer1"                                                                               \
    "\x30\x10\x06\x08\x2b\x06\x01\x02\x01\x01\x05\x00\x04\x04lab3"

static void snmp(void **state)
{
    (void)state;
    struct snmp_system s;
    struct span answer = SPAN_LIT(SNMP_ANSWER);
    assert_true(snmp_system(answer, &s));
    assert_true(span_is(s.description, "Printer1"));
    assert_true(span_is(s.name, "lab3"));
    EACH_CUT(answer, cut, assert_int_equal(snmp_system(cut, &s), cut.n == answer.n));
    uint8_t other[sizeof SNMP_ANSWER - 1];
    memcpy(other, answer.p, sizeof other);
    other[13] = 0xa0; /* a request says nothing */
    assert_false(snmp_system(span_of(other, sizeof other), &s));
    memcpy(other, answer.p, sizeof other);
    other[4] = 3; /* version 3 */
    assert_false(snmp_system(span_of(other, sizeof other), &s));
}

/* Whose device it is, by sysObjectID: 1.3.6.1.4.1.10642 is Zebra's. */
static void snmp_enterprise(void **state)
{
    (void)state;
    struct snmp_system s;
    struct span answer = SPAN_LIT("\x30\x2d\x02\x01\x01\x04\x06public\xa2\x20\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x15"
                                  "\x30\x13\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x06\x07\x2b\x06\x01\x04\x01\xd3\x12");
    assert_true(snmp_system(answer, &s));
    assert_int_equal(s.enterprise, 10642);
    assert_int_equal(s.name.n + s.description.n, 0);
    EACH_CUT(answer, cut, assert_int_equal(snmp_system(cut, &s), cut.n == answer.n));
}

static void dhcp6(void **state)
{
    (void)state;
    struct dhcp6 d;
    struct span request = SPAN_LIT("\x03\x01\x02\x03\x00\x01\x00\x0a\x00\x03\x00\x01\x02\x00\x00\x00\x00\x05"
                                   "\x00\x03\x00\x28\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x18"
                                   "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x0e\x10\x00\x00\x0e\x10"
                                   "\x00\x10\x00\x0e\x00\x00\x01\x37\x00\x08MSFT 5.0\x00\x27\x00\x0a\x00\x03lab\x03pc1\x00");
    assert_true(dhcp6_decode(request, &d));
    assert_int_equal(d.type, 3);
    assert_int_equal(d.enterprise, 311);
    assert_true(span_is(d.vendor, "MSFT 5.0"));
    assert_true(span_is(d.hostname, "lab"));
    assert_int_equal(d.address.n, 16);
    assert_int_equal(d.address.p[15], 7);
    size_t whole = 0;
    EACH_CUT(request, cut, whole += dhcp6_decode(cut, &d));
    assert_int_equal(whole, 5);                                   /* behind the head, and behind each option */
    assert_false(dhcp6_decode(SPAN_LIT("\x0c\x01\x02\x03"), &d)); /* a relay's */
}

static void ndp(void **state)
{
    (void)state;
    struct ndp n;
    uint8_t source[16] = {0xfe, 0x80, [15] = 9};
    struct span from = span_of(source, 16);
    struct span advertisement = SPAN_LIT("\x88\x00\x12\x34\x60\x00\x00\x00\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07"
                                         "\x0e\x01\x00\x00\x00\x00\x00\x00\x02\x01\x02\x00\x00\x00\x00\x07");
    assert_true(ndp_decode(advertisement, from, &n));
    assert_int_equal(n.ip.p[15], 7); /* the target, which may not be the sender's only address */
    assert_memory_equal(n.mac.p, "\x02\x00\x00\x00\x00\x07", 6);
    EACH_CUT(advertisement, cut, assert_true(ndp_decode(cut, from, &n) == (cut.n == advertisement.n)));
    struct span solicitation = SPAN_LIT("\x87\x00\x12\x34\x00\x00\x00\x00\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07"
                                        "\x01\x01\x02\x00\x00\x00\x00\x09");
    assert_true(ndp_decode(solicitation, from, &n));
    assert_int_equal(n.ip.p[15], 9);
    memset(source, 0, sizeof source); /* who asks whether his address is free has none yet */
    assert_false(ndp_decode(solicitation, from, &n));
    assert_false(ndp_decode(SPAN_LIT("\x80\x00\x12\x34\x00\x00\x00\x00"), from, &n));
}

static void browse(void **state)
{
    (void)state;
    struct browse b;
    struct span announcement = SPAN_LIT(
        "\x11\x0a\x12\x34\x0a\x00\x00\x07\x00\x8a\x00\xbb\x00\x00"
        "\xffSMB%\x00\\MAILSLOT\\BROWSE\x00"
        "\x01\x00\x80\xfc\x0a\x00LAB-PC\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x01\x03\x10\x01\x00\x0f\x01\x55\xaa");
    assert_true(browse_decode(announcement, &b));
    assert_true(span_is(b.name, "LAB-PC"));
    assert_int_equal(b.major << 8 | b.minor, 0x501);
    EACH_CUT(announcement, cut, assert_true(browse_decode(cut, &b) == (cut.n == announcement.n)));
}

static void ipp(void **state)
{
    (void)state;
    struct span answer = SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n\r\n\x01\x01\x00\x00\x00\x00\x00\x01\x04"
                                  "\x41\x00\x16printer-make-and-model\x00\x0bZebra ZD420\x03");
    assert_true(span_is(banner_ipp(answer), "Zebra ZD420"));
    EACH_CUT(answer, cut, assert_true((banner_ipp(cut).n > 0) == (cut.n >= answer.n - 1)));
    assert_int_equal(banner_ipp(SPAN_LIT("HTTP/1.1 200 OK\r\nServer: CUPS/2.4 IPP/2.1\r\nContent-Type: application/ipp\r\n\r\n"
                                         "\x41\x00\x16printer-make-and-model\x00\x0bZebra ZD420\x03"))
                         .n,
                     0);
}

static void wsd(void **state)
{
    (void)state;
    struct wsd w;
    struct span hello = SPAN_LIT("<?xml version=\"1.0\"?><s:Envelope><s:Header><a:Action s:mustUnderstand=\"1\">"
                                 "http://schemas.xmlsoap.org/ws/2005/04/discovery/Hello</a:Action></s:Header><s:Body><d:Hello><d:Types>"
                                 "wsdp:Device wprt:PrintDeviceType</d:Types></d:Hello></s:Body></s:Envelope>");
    assert_true(wsd_decode(hello, &w));
    assert_string_equal(w.role, "printer");
    assert_int_equal(w.model.n + w.name.n, 0);
    EACH_CUT(hello, cut, (void)wsd_decode(cut, &w));
    struct span probe = SPAN_LIT("<s:Envelope><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>"
                                 "<d:Types>dn:NetworkVideoTransmitter</d:Types></s:Envelope>");
    assert_false(wsd_decode(probe, &w)); /* who asks for cameras is none */
    assert_false(wsd_decode(SPAN_LIT("<Action"), &w));
}

/* LLDP-MED of a telephone: class III, and its inventory. */
static void lldp_med(void **state)
{
    (void)state;
    struct neighbour n;
    struct span unit = SPAN_LIT("\x02\x06\x05\x01\x0a\x00\x00\x09\x04\x02\x07p\x06\x02\x00\x78\x0e\x04\x00\x24\x00\x24"
                                "\xfe\x07\x00\x12\xbb\x01\x00\x33\x03\xfe\x08\x00\x12\xbb\x08S123\xfe\x09\x00\x12\xbb\x09Maker"
                                "\xfe\x08\x00\x12\xbb\x0aT46G\x00\x00");
    assert_true(lldp_decode(unit, &n));
    assert_string_equal(n.role, "phone");
    assert_true(span_is(n.maker, "Maker"));
    assert_true(span_is(n.model, "T46G"));
    assert_true(span_is(n.serial, "S123"));
    EACH_CUT(unit, cut, (void)lldp_decode(cut, &n));
}

static void answers_of_devices(void **state)
{
    (void)state;
    struct banner b;
    struct span pjl = SPAN_LIT("@PJL INFO ID\r\n\"HP LaserJet 4250\"\r\n");
    assert_true(banner_stream(pjl, &b));
    assert_true(span_is(b.text, "HP LaserJet 4250"));
    EACH_CUT(pjl, cut, assert_true(banner_stream(cut, &b) == (cut.n == pjl.n)));
    struct span zpl = SPAN_LIT("\x02ZD420-203dpi,V84.20.18Z,8,4096KB\x03");
    assert_true(banner_stream(zpl, &b));
    assert_true(span_is(b.text, "ZD420-203dpi,V84.20.18Z,8,4096KB"));
    EACH_CUT(zpl, cut, assert_true(banner_stream(cut, &b) == (cut.n == zpl.n)));
    assert_false(banner_stream(SPAN_LIT("\x02"
                                        "1H|\\^&|||XN,V1,8,KB\r\x03"),
                               &b));
    assert_false(banner_sip(SPAN_LIT("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nServer: Asterisk PBX\r\n\r\n"), &b));
    struct span sip = SPAN_LIT("OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nUser-Agent: snom320/8.7\r\n\r\n");
    assert_true(banner_sip(sip, &b));
    assert_true(span_is(b.text, "snom320/8.7"));
    EACH_CUT(sip, cut, (void)banner_sip(cut, &b));
    struct span upnp = SPAN_LIT("<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><modelName>C-9</modelName>");
    assert_true(span_is(banner_upnp(upnp, "modelName"), "C-9"));
    assert_int_equal(banner_upnp(upnp, "serialNumber").n, 0);
    EACH_CUT(upnp, cut, (void)banner_upnp(cut, "modelName"));
    assert_true(span_is(banner_ssdp_type(SPAN_LIT("NOTIFY * HTTP/1.1\r\nNT: urn:schemas-upnp-org:device:Printer:1\r\n\r\n")),
                        "urn:schemas-upnp-org:device:Printer:1"));
}

static void lldp(void **state)
{
    (void)state;
    struct neighbour n;
    struct span unit = SPAN_LIT(
        "\x02\x07\x04\x02\x00\x00\x00\x00\x09\x04\x02\x05g\x06\x02\x00\x78\x0a\x03sw1\x0c\x05OS 12\x10\x0c\x05\x01\x0a\x00\x00\x09\x02\x00"
        "\x00\x00\x01\x00\x00\x00");
    assert_true(lldp_decode(unit, &n));
    assert_true(span_is(n.name, "sw1"));
    assert_true(span_is(n.software, "OS 12"));
    assert_memory_equal(n.ip, "\x0a\x00\x00\x09", 4);
    EACH_CUT(unit, cut, (void)lldp_decode(cut, &n));
    assert_false(lldp_decode(SPAN_LIT("\x0a\x03sw1\x00\x00"), &n)); /* no chassis first */
}

static void cdp(void **state)
{
    (void)state;
    struct neighbour n;
    struct span packet = SPAN_LIT("\x02\xb4\x00\x00\x00\x01\x00\x07sw2\x00\x02\x00\x11\x00\x00\x00\x01\x01\x01\xcc\x00\x04\x0a\x00\x00\x08"
                                  "\x00\x05\x00\x09V 1.2\x00\x06\x00\x0a"
                                  "ACME 9");
    assert_true(cdp_decode(packet, &n));
    assert_true(span_is(n.name, "sw2"));
    assert_true(span_is(n.software, "V 1.2"));
    assert_true(span_is(n.model, "ACME 9"));
    assert_memory_equal(n.ip, "\x0a\x00\x00\x08", 4);
    EACH_CUT(packet, cut, (void)cdp_decode(cut, &n));
    assert_false(cdp_decode(SPAN_LIT("\x07\xb4\x00\x00\x00\x01\x00\x07sw2"), &n));
    assert_false(cdp_decode(SPAN_LIT("\x02\xb4\x00\x00\x00\x01\x00\x01sw2"), &n)); /* a length that would not move on */
}

static void names(void **state)
{
    (void)state;
    struct names n;
    struct names_record r;
    /* mDNS: lab-pc.local A 10.0.0.5, then the same name by a pointer, AAAA */
    struct span answer = SPAN_LIT(
        "\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x01\x06lab-pc\x05local\x00\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\x0a\x00\x00\x05"
        "\xc0\x0c\x00\x1c\x80\x01\x00\x00\x00\x78\x00\x10\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05");
    assert_true(names_start(answer, &n));
    assert_true(n.response);
    assert_true(names_next(&n, &r));
    assert_true(span_is(span_of(r.name, r.n), "lab-pc.local"));
    assert_int_equal(r.type, NAMES_A);
    assert_memory_equal(r.data.p, "\x0a\x00\x00\x05", 4);
    assert_true(names_next(&n, &r));
    assert_true(span_is(span_of(r.name, r.n), "lab-pc.local"));
    assert_int_equal(r.type, NAMES_AAAA);
    assert_false(names_next(&n, &r));
    EACH_CUT(answer, cut, {
        if (names_start(cut, &n))
            while (names_next(&n, &r))
                assert_true(r.n < NAMES_TEXT);
    });
    /* pointers to themselves, forwards, round in a circle */
    assert_false(names_start(SPAN_LIT("\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"), &n));
    assert_false(names_start(SPAN_LIT("\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x10\x00\x01\x00\x01"), &n));
    assert_false(names_start(SPAN_LIT("\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01x\xc0\x0c\x00\x01\x00\x01"), &n));
}

static void netbios(void **state)
{
    (void)state;
    struct names n;
    struct names_record r;
    char name[16];
    uint8_t kind;
    struct span registration = SPAN_LIT("\x12\x34\x29\x10\x00\x01\x00\x00\x00\x00\x00\x01\x20"
                                        "EMEBECDBCACACACACACACACACACACAAA\x00\x00\x20\x00\x01"
                                        "\xc0\x0c\x00\x20\x00\x01\x00\x04\x93\xe0\x00\x06\x00\x00\x0a\x00\x00\x07");
    assert_true(names_start(registration, &n));
    assert_false(n.response);
    assert_int_equal(n.opcode, 5);
    assert_true(names_next(&n, &r));
    assert_int_equal(names_netbios(&r, name, &kind), 4);
    assert_string_equal(name, "LAB1");
    assert_int_equal(kind, 0);
    r.name[3] = 'z';
    assert_int_equal(names_netbios(&r, name, &kind), 0);
}

static void ntlm(void **state)
{
    (void)state;
    struct ntlm n;
    struct span challenge = SPAN_LIT(
        "\xfeSMB....NTLMSSP\x00\x02\x00\x00\x00\x00\x00\x00\x00\x38\x00\x00\x00\x01\x00\x00\x02"
        "12345678\x00\x00\x00\x00\x00\x00\x00\x00"
        "\x18\x00\x18\x00\x38\x00\x00\x00\x0a\x00\x63\x45\x00\x00\x00\x0f\x01\x00\x04\x00L\x00I\x00\x03\x00\x08\x00l\x00i\x00s\x00"
        "1\x00\x00\x00\x00\x00");
    assert_true(ntlm_find(challenge, &n));
    assert_true(n.challenge);
    assert_string_equal(n.host, "lis1");
    assert_int_equal(n.major, 10);
    assert_int_equal(n.build, 17763);
    struct span answer = SPAN_LIT(
        "NTLMSSP\x00\x03\x00\x00\x00\x00\x00\x00\x00\x48\x00\x00\x00\x00\x00\x00\x00\x48\x00\x00\x00\x00\x00\x00\x00\x48\x00\x00\x00"
        "\x04\x00\x04\x00\x48\x00\x00\x00\x0a\x00\x0a\x00\x48\x00\x00\x00\x00\x00\x00\x00\x48\x00\x00\x00\x01\x00\x00\x02\x06\x01\xb1\x1d\x00\x00\x00"
        "\x0fP\x00"
        "C\x00");
    assert_true(ntlm_find(answer, &n));
    assert_false(n.challenge);
    assert_int_equal(n.major, 6);
    assert_int_equal(n.build, 7601);
    EACH_CUT(challenge, cut, (void)ntlm_find(cut, &n));
    EACH_CUT(answer, cut, (void)ntlm_find(cut, &n));
    assert_false(ntlm_find(SPAN_LIT("NTLMSSP\x00\x01\x00\x00\x00"), &n));
}

static void banner_is(struct span s, const char *source, const char *text)
{
    struct banner b;
    assert_true(banner_stream(s, &b));
    assert_string_equal(b.source, source);
    assert_true(span_is(b.text, text));
}

static void banners(void **state)
{
    (void)state;
    struct banner b;
    banner_is(SPAN_LIT("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "ssh", "OpenSSH_9.2p1 Debian-2");
    banner_is(SPAN_LIT("220 (vsFTPd 3.0.3)\r\n"), "ftp", "(vsFTPd 3.0.3)");
    banner_is(SPAN_LIT("HTTP/1.1 200 OK\r\nDate: x\r\nSERVER:  Boa/0.94 \r\n\r\nServer: not me\r\n"), "http", "Boa/0.94");
    banner_is(SPAN_LIT("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: lab/1\r\n\r\n"), "http", "lab/1");
    banner_is(SPAN_LIT("\xff\xfd\x18\xff\xfb\x01\r\n\r\n ACME terminal server 2\r\nlogin: "), "telnet", "ACME terminal server 2");
    assert_false(banner_stream(SPAN_LIT("\xff\xfd\x18\r\nlogin: "), &b));
    assert_false(banner_stream(SPAN_LIT("SSH-2.0-Open"), &b)); /* not whole */
    assert_false(banner_stream(SPAN_LIT("220 mail.example ESMTP\r\n"), &b));
    assert_false(banner_stream(SPAN_LIT("HTTP/1.1 200 OK\r\n\r\nServer: body\r\n"), &b));
    assert_false(banner_stream(SPAN_LIT("\x0bMSH"), &b));
    assert_true(banner_ssdp(SPAN_LIT("NOTIFY * HTTP/1.1\r\nHost: x\r\nServer: OS/1 UPnP/1.1 cam/2\r\n\r\n"), &b));
    assert_true(span_is(b.text, "OS/1 UPnP/1.1 cam/2"));
    assert_false(banner_ssdp(SPAN_LIT("M-SEARCH * HTTP/1.1\r\nServer: x\r\n\r\n"), &b));
}

/* ServerHello, then a certificate with the subject O=x, CN=lis.lab; in one record, or in two. */
static void certificate_bytes(struct buf *out, bool apart)
{
    struct span hello = SPAN_LIT("\x02\x00\x00\x02\x03\x03");
    struct span message = SPAN_LIT("\x0b\x00\x00\x45\x00\x00\x42\x00\x00\x3f"
                                   "\x30\x3d\x30\x3b\xa0\x03\x02\x01\x02\x02\x01\x05\x30\x00\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
                                   "CA\x30\x00"
                                   "\x30\x1e\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x0c\x01x\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x13\x07lis.lab");
    buf_add_str(out, "\x16\x03\x03");
    buf_be16(out, (uint16_t)(hello.n + (apart ? 0 : message.n)));
    buf_add_span(out, hello);
    if (apart) {
        buf_add_str(out, "\x16\x03\x03");
        buf_be16(out, (uint16_t)message.n);
    }
    buf_add_span(out, message);
}

static void certificates(void **state)
{
    (void)state;
    for (int apart = 0; apart < 2; apart++) {
        struct buf b = BUF_INIT(1024);
        struct span name;
        certificate_bytes(&b, apart != 0);
        struct span whole = buf_span(&b);
        assert_int_equal(tls_certificate(whole, &name), TLS_HELLO_OK);
        assert_true(span_is(name, "lis.lab"));
        EACH_CUT(whole, cut, assert_int_equal(tls_certificate(cut, &name), cut.n == whole.n ? TLS_HELLO_OK : TLS_HELLO_MORE));
        buf_release(&b);
    }
    struct span name;
    assert_int_equal(tls_certificate(SPAN_LIT("\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03\x14\x03\x03\x00\x01\x01"), &name),
                     TLS_HELLO_NONE); /* TLS 1.3 */
    assert_int_equal(tls_certificate(SPAN_LIT("GET / HTTP"), &name), TLS_HELLO_NONE);
}

/* The example of the method's description: a browser's offer, its ciphers and extensions in another order, with values that mean nothing between. */
static void hello_bytes(struct buf *out)
{
    static const uint16_t ciphers[] = {0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030,
                                       0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
    static const uint16_t plain[] = {0x001b, 0x0033, 0x4469, 0x0017, 0x002d, 0x0005, 0x0023, 0x0012, 0xff01, 0x000b, 0x000a, 0x0015};
    struct buf body = BUF_INIT(4096);
    struct buf ext = BUF_INIT(4096);
    buf_be16(&ext, 0xdada);
    buf_be16(&ext, 0);
    buf_add(&ext, "\x00\x00\x00\x06\x00\x04\x00\x00\x01x", 10);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        buf_be16(&ext, plain[i]);
        buf_be16(&ext, 0);
    }
    buf_add(&ext, "\x00\x10\x00\x0e\x00\x0c\x02h2\x08http/1.1", 18);
    buf_add(&ext, "\x00\x0d\x00\x12\x00\x10\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x08\x06\x06\x01", 22);
    buf_add(&ext, "\x00\x2b\x00\x07\x06\x4a\x4a\x03\x04\x03\x03", 11);
    buf_be16(&body, 0x0303);
    for (int i = 0; i < 32; i++)
        buf_u8(&body, 7);
    buf_u8(&body, 0);
    buf_be16(&body, sizeof ciphers);
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++)
        buf_be16(&body, ciphers[i]);
    buf_add(&body, "\x01\x00", 2);
    buf_be16(&body, (uint16_t)ext.n);
    buf_add_span(&body, buf_span(&ext));
    buf_add(out, "\x16\x03\x01", 3);
    buf_be16(out, (uint16_t)(body.n + 4));
    buf_u8(out, 1);
    buf_be24(out, (uint32_t)body.n);
    buf_add_span(out, buf_span(&body));
    buf_release(&body);
    buf_release(&ext);
}

static void prints(void **state)
{
    (void)state;
    char out[JA4_TEXT];
    struct buf b = BUF_INIT(4096);
    hello_bytes(&b);
    struct span hello = buf_span(&b);
    assert_true(ja4(hello, out));
    assert_string_equal(out, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    EACH_CUT(hello, cut, (void)ja4(cut, out));
    buf_release(&b);
    assert_false(ja4(SPAN_LIT("\x16\x03\x01\x00\x04\x02\x00\x00\x00"), out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snmp),
        cmocka_unit_test(snmp_enterprise),
        cmocka_unit_test(dhcp6),
        cmocka_unit_test(ndp),
        cmocka_unit_test(browse),
        cmocka_unit_test(ipp),
        cmocka_unit_test(wsd),
        cmocka_unit_test(lldp_med),
        cmocka_unit_test(answers_of_devices),
        cmocka_unit_test(lldp),
        cmocka_unit_test(cdp),
        cmocka_unit_test(names),
        cmocka_unit_test(netbios),
        cmocka_unit_test(ntlm),
        cmocka_unit_test(banners),
        cmocka_unit_test(certificates),
        cmocka_unit_test(prints),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
