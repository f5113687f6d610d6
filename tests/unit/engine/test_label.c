/* Names for generic traffic, one message at a time: what has a name, what must not have it, and that chance has none. */
#include "engine/sense/app_private.h"

#include "../cmocka_all.h"

#include <stdlib.h>

#define BYTES(s) s, sizeof(s) - 1

static const struct sample {
    const char *label; /* NULL: none */
    bool tcp;
    uint16_t dport;
    const char *bytes;
    size_t n;
} samples[] = {
    /* printers: by their language */
    {"zpl", true, 9100, BYTES("^XA^FO50,50^A0N,50,50^FDtube^FS^XZ")},
    {"zpl", true, 6101, BYTES("~HI\r\n")},
    {"pjl", true, 9100, BYTES("\x1b%-12345X@PJL INFO ID\r\n")},
    {"pcl", true, 9100,
     BYTES("\x1b"
           "E\x1b&l1X")},
    {"postscript", true, 9100, BYTES("%!PS-Adobe-3.0\n")},
    {"ipp", true, 631, BYTES("POST /ipp/print HTTP/1.1\r\nHost: p\r\nContent-Type: application/ipp\r\n\r\n")},
    {"http", true, 631, BYTES("POST /ipp/print HTTP/1.1\r\nHost: p\r\n\r\n")},
    {"lpd", true, 515, BYTES("\x02raw\n")},
    {NULL, true, 2000, BYTES("\x02raw\n")}, /* STX of an instrument */
    {NULL, true, 515,
     BYTES("\x02"
           "1H|\\^&|||X\r\x03"
           "00\r\n")},
    /* databases */
    {"tds", true, 1433, BYTES("\x12\x01\x00\x1a\x00\x00\x00\x00\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff\x09\x00\x0b\x1f\x40\x00\x00")},
    {NULL, true, 1433, BYTES("\x12\x01\x00\x1b\x00\x00\x00\x00\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff\x09\x00\x0b\x1f\x40\x00\x00")},
    {"oracle", true, 1521,
     BYTES("\x00\x52\x00\x00\x01\x00\x00\x00\x01\x36\x01\x2c\x00\x00\x08\x00\x7f\xff\x7f\x08\x00\x00\x00\x01\x00\x18\x00\x3a\x00\x00\x00\x00"
           "\x41\x41(DESCRIPTION=(CONNECT_DATA=(SID=LIS)(CID=(PROGRAM=))))")},
    {"mysql", true, 3306,
     BYTES("\x0f\x00\x00\x00\x0a"
           "5.7.31\0\x01\0\0\0aa\0")},
    {"postgresql", true, 5432, BYTES("\x00\x00\x00\x08\x04\xd2\x16\x2f")},
    {NULL, true, 5432, BYTES("\x00\x00\x00\x09\x04\xd2\x16\x2f")},
    {"redis", true, 6379, BYTES("*1\r\n$4\r\nPING\r\n")},
    /* queues, storage, remote screens */
    {"amqp", true, 5672, BYTES("AMQP\x00\x00\x09\x01")},
    {"mqtt", true, 1883,
     BYTES("\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02"
           "ab")},
    {"mqtt", true, 1883, BYTES("\x10\x90\x01\x00\x06MQIsdp\x03\x02")},
    {NULL, true, 1883, BYTES("\x30\x0e\x00\x04MQTX")},
    {"citrix", true, 1494, BYTES("\x7f\x7fICA\x00")},
    {"teamviewer", true, 5938, BYTES("\x17\x24\x0a\x20\x00\x00")},
    {NULL, true, 5000, BYTES("\x17\x24\x0a\x20\x00\x00")},
    {"zabbix", true, 10051, BYTES("ZBXD\x01\x10\x00\x00\x00\x00\x00\x00\x00{}")},
    {"rsync", true, 873, BYTES("@RSYNCD: 31.0\n")},
    {"rtsp", true, 554, BYTES("DESCRIBE rtsp://10.0.5.9/stream RTSP/1.0\r\nCSeq: 1\r\n\r\n")},
    {"rdp", true, 3389, BYTES("\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00")},
    {NULL, true, 102, BYTES("\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc0\x01\x0a\xc1\x02\x01\x00\xc2\x02\x01\x02")}, /* a controller */
    {"modbus", true, 502, BYTES("\x00\x01\x00\x00\x00\x06\x0a\x03\x00\x00\x00\x02")},
    {NULL, true, 502, BYTES("\x00\x01\x00\x00\x00\x07\x0a\x03\x00\x00\x00\x02")},
    /* what a DICOM request must not be taken for */
    {NULL, true, 104,
     BYTES("\x01\x00\x00\x00\x00\x44\x00\x01\x00\x00"
           "ANY-SCP         ECHOSCU         "
           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
    /* lab protocols are not for this room */
    {NULL, true, 80, BYTES("\x0bMSH|^~\\&|A|B\r\x1c\r")},
    {NULL, true, 80, BYTES("\x05")},
    {NULL, true, 80, BYTES("<HEL.R01><HDR>")},
    /* datagrams */
    {"bacnet", false, 47808, BYTES("\x81\x0b\x00\x0c\x01\x20\xff\xff\x00\xff\x10\x08")},
    {NULL, false, 47808, BYTES("\x81\x0b\x00\x0d\x01\x20\xff\xff\x00\xff\x10\x08")},
    {"openvpn", false, 1194, BYTES("\x38\x11\x22\x33\x44\x55\x66\x77\x88\x00\x00\x00\x00\x00")},
    {"wsd", false, 3702, BYTES("<?xml version=\"1.0\"?><Envelope xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><Body/>")},
    {"ntp", false, 123, BYTES("\x16\x02\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")},
    {NULL, false, 5000, BYTES("\x16\x02\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")},
    {"syslog", false, 514, BYTES("<34>su: failed")},
    {NULL, false, 5140, BYTES("<34>su: failed")},
    {"syslog", false, 5140, BYTES("<34>Oct 11 22:14:15 host su: failed")},
    {"sip", false, 5060, BYTES("REGISTER sip:10.0.5.1 SIP/2.0\r\n")},
    {"ssdp", false, 1900, BYTES("M-SEARCH * HTTP/1.1\r\n")},
    {"tftp", false, 69,
     BYTES("\x00\x01"
           "SEP001122334455.cnf.xml\0octet\0")},
};

static const char *label_of(const struct sample *s, uint16_t sport)
{
    struct flow_ref flow = {.proto = s->tcp ? 6 : 17, .sport = sport, .dport = s->dport};
    uint8_t *exact = malloc(s->n);
    assert_non_null(exact);
    memcpy(exact, s->bytes, s->n);
    const char *label = s->tcp ? app_label_stream(&flow, span_of(exact, s->n)) : app_label_datagram(&flow, span_of(exact, s->n));
    free(exact);
    return label;
}

static void each_has_its_name(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const char *label = label_of(&samples[i], 40000);
        const char *want = samples[i].label;
        if ((label == NULL) != (want == NULL) || (label != NULL && strcmp(label, want) != 0)) {
            print_message("sample %zu: %s, should be %s\n", i, label == NULL ? "none" : label, want == NULL ? "none" : want);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void wireguard_by_length(void **state)
{
    (void)state;
    char bytes[148] = {1};
    struct sample s = {.dport = 51820, .bytes = bytes, .n = 148};
    assert_string_equal(label_of(&s, 1), "wireguard");
    s.n = 147;
    assert_null(label_of(&s, 1));
}

/* Every sample cut at every byte, and bytes by chance: no crash, and chance has no name. */
static void chance_has_no_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct sample s = samples[i];
        for (s.n = 1; s.n < samples[i].n; s.n++)
            (void)label_of(&s, 40000);
    }
    uint64_t x = 88172645463325252u;
    size_t named = 0;
    char bytes[200];
    for (size_t round = 0; round < 400000; round++) {
        struct sample s = {.tcp = round % 2 == 0, .dport = 7777, .bytes = bytes, .n = 1 + round % sizeof bytes};
        for (size_t i = 0; i < s.n; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            bytes[i] = (char)(x >> 32);
        }
        named += label_of(&s, 6666) != NULL;
    }
    assert_true(named <= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_name),
        cmocka_unit_test(wireguard_by_length),
        cmocka_unit_test(chance_has_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
