/* Names for what is not a lab protocol, from the first bytes of a stream. Cheap and precise rather than complete: what no line here knows has no
 * label. A check reads as much of the format as makes chance unlikely. */
#include "engine/sense/app_private.h"

struct pattern {
    const char *label;
    const char *bytes;
    uint8_t n;
    uint8_t at;
};

/* Fixed bytes at a fixed place. Printers' data (port 9100 and elsewhere) goes by its language. */
static const struct pattern patterns[] = {
    {"ssh", "SSH-", 4, 0},
    {"http", "HTTP/1.", 7, 0},
    {"http", "PRI * HTTP/2.0", 14, 0},
    {"smb", "\xffSMB", 4, 4},
    {"smb", "\xfeSMB", 4, 4},
    {"smb", "\xfdSMB", 4, 4},
    {"rtsp", "RTSP/1.", 7, 0},
    {"vnc", "RFB 00", 6, 0},
    {"amqp", "AMQP\x00\x00\x09\x01", 8, 0},
    {"amqp", "AMQP\x00\x01\x00\x00", 8, 0},
    {"amqp", "AMQP\x03\x01\x00\x00", 8, 0},
    {"mqtt", "\x00\x04MQTT", 6, 2}, /* CONNECT of less than 128 bytes; is_mqtt knows the longer ones */
    {"rsync", "@RSYNCD: ", 9, 0},
    {"zabbix", "ZBXD\x01", 5, 0},
    {"citrix", "\x7f\x7fICA\x00", 6, 0},
    {"pjl", "\x1b%-12345X@PJL", 13, 0},
    {"pjl", "@PJL ", 5, 0},
    {"zpl", "^XA", 3, 0},
    {"zpl", "~HI", 3, 0},
    {"zpl", "~HS", 3, 0},
    {"pcl",
     "\x1b"
     "E\x1b",
     3, 0},
    {"postscript", "%!PS-Adobe-", 11, 0},
    {"bittorrent",
     "\x13"
     "BitTorrent protocol",
     20, 0},
};

static bool matches(struct span s, const struct pattern *p)
{
    return s.n >= (size_t)p->at + p->n && memcmp(s.p + p->at, p->bytes, p->n) == 0;
}

/* A TLS record: handshake, alert, change of cipher or data, version 3.0-3.4, a sane length; handshakes begin with a hello. SSL 2 is not looked for.
 */
static bool is_tls(struct span s)
{
    if (s.n < 6 || s.p[0] < 0x14 || s.p[0] > 0x17 || s.p[1] != 3 || s.p[2] > 4)
        return false;
    size_t length = (size_t)s.p[3] << 8 | s.p[4];
    if (length == 0 || length > 16384 + 2048)
        return false;
    switch (s.p[0]) {
    case 0x14: return length == 1 && s.p[5] == 1;
    case 0x15: return length == 2 || length >= 16;
    case 0x16: return s.p[5] <= 24;
    default: return true;
    }
}

bool app_label_is_request(struct span s)
{
    static const char *const methods[] = {"GET ",   "POST ",    "PUT ",   "HEAD ",     "DELETE ",   "OPTIONS ",
                                          "PATCH ", "CONNECT ", "TRACE ", "PROPFIND ", "M-SEARCH ", "NOTIFY "};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct span method = span_str(methods[i]);
        if (!span_starts(s, method) || s.n == method.n)
            continue;
        uint8_t c = s.p[method.n];
        return c == '/' || c == '*' || c == 'h' || method.n == 8; /* a path, "*", an absolute address, CONNECT's host */
    }
    return false;
}

/* The acceptance of a DICOM association whose request was not captured (PS3.8, 9.3.3); requests are app_dicom.c's. */
static bool is_dicom(struct span s)
{
    if (s.n < 42 || s.p[0] != 2 || s.p[1] != 0)
        return false;
    struct span head = s;
    (void)span_skip(&head, 2);
    uint32_t length = span_be32(&head);
    return length >= 68 && length < 65536 && (s.p[7] & 1) == 1 && s.p[6] == 0 && s.p[8] == 0 && s.p[9] == 0;
}

static bool is_text_greeting(struct span s, const char *start, const char *word)
{
    if (!span_starts(s, span_str(start)))
        return false;
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= s.n && i < 200 && s.p[i] != '\n'; i++)
        if (strncasecmp((const char *)s.p + i, word, n) == 0)
            return true;
    return false;
}

/* RDP: a TPKT header with an X.224 connection request or confirm (MS-RDPBCGR 2.2.1.1, 2.2.1.2). Other protocols begin so too: RDP's own are the
 * cookie and the negotiation that may follow, and it has no parameters of X.224. */
static bool is_rdp(struct span s)
{
    if (s.n < 11 || s.p[0] != 3 || s.p[1] != 0 || s.p[2] != 0 || s.p[3] != s.n || s.p[4] != s.n - 5)
        return false;
    uint8_t next = span_peek(&s, 11);
    if (s.p[5] == 0xe0)
        return next == 1 || (s.n > 18 && memcmp(s.p + 11, "Cookie:", 7) == 0);
    return s.p[5] == 0xd0 && s.n == 19 && (next == 2 || next == 3) && s.p[13] == 8;
}

/* CONNECT of MQTT (3.1, 3.1.1 and 5.0, section 3.1): a length of one to four bytes, and the protocol's name. */
static bool is_mqtt(struct span s)
{
    if (span_u8(&s) != 0x10)
        return false;
    for (int i = 0; i < 4 && (span_peek(&s, 0) & 0x80) != 0; i++)
        (void)span_skip(&s, 1);
    (void)span_skip(&s, 1);
    return span_starts(s, SPAN_LIT("\x00\x04MQTT")) || span_starts(s, SPAN_LIT("\x00\x06MQIsdp"));
}

/* Session request of NetBIOS over TCP (RFC 1002, 4.3.2): what SMB begins with on port 139. */
static bool is_netbios_session(struct span s)
{
    if (s.n < 72 || memcmp(s.p, "\x81\x00\x00\x44\x20", 5) != 0)
        return false;
    for (size_t i = 5; i < 37; i++)
        if (s.p[i] < 'A' || s.p[i] > 'P')
            return false;
    return true;
}

/* A connection-oriented PDU of DCE RPC (C706, 12.6): version 5, a known type, a byte order, and a length that it can have. */
static bool is_dcerpc(struct span s)
{
    static const uint32_t types = 1u << 0 | 1u << 2 | 1u << 3 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 15 | 1u << 16;
    if (s.n < 16 || s.p[0] != 5 || s.p[1] > 1 || s.p[2] > 16 || (types >> s.p[2] & 1) == 0 || (s.p[4] & ~0x10) != 0 || s.p[5] > 3 || s.p[6] != 0 ||
        s.p[7] != 0)
        return false;
    bool little = s.p[4] == 0x10;
    (void)span_skip(&s, 8);
    unsigned length = little ? span_le16(&s) : span_be16(&s);
    unsigned verifier = little ? span_le16(&s) : span_be16(&s);
    return length >= 16 && verifier <= length - 16 && length >= s.n + 12;
}

/* PRELOGIN of TDS (MS-TDS 2.2.6.5) or the answer to it: one packet whose first option is the version. */
static bool is_tds(struct span s)
{
    if (s.n < 26 || (s.p[0] != 0x12 && s.p[0] != 4) || s.p[1] != 1)
        return false;
    struct span head = s;
    (void)span_skip(&head, 2);
    return span_be16(&head) == s.n && s.p[6] <= 1 && s.p[7] == 0 && s.p[8] == 0 && s.p[9] == 0 && s.p[11] == 0 && s.p[12] == 6;
}

/* Greeting of MySQL: one packet, number 0, protocol 10, a version in figures. */
static bool is_mysql(struct span s)
{
    struct span head = s;
    size_t length = span_le16(&head) | (size_t)span_u8(&head) << 16;
    if (s.n < 12 || length + 4 != s.n || s.p[3] != 0 || s.p[4] != 10 || s.p[5] < '3' || s.p[5] > '9')
        return false;
    (void)span_skip(&s, 5);
    bool found;
    struct span version = span_until(&s, 0, &found);
    return found && version.n < 64 && memchr(version.p, '.', version.n) != NULL;
}

/* Startup of PostgreSQL (protocol 3.0 and 3.2), or the question for TLS. */
static bool is_postgresql(struct span s)
{
    struct span head = s;
    uint32_t length = span_be32(&head);
    uint32_t code = span_be32(&head);
    if (head.bad || length != s.n)
        return false;
    return (code == 80877103 && length == 8) || ((code == 196608 || code == 196610) && s.p[s.n - 1] == 0);
}

/* CONNECT of Oracle's TNS: its length, no checksums, a version, and what to connect to. */
static bool is_oracle(struct span s)
{
    if (s.n < 34 || s.p[2] != 0 || s.p[3] != 0 || s.p[4] != 1 || s.p[6] != 0 || s.p[7] != 0 || s.p[8] != 1)
        return false;
    struct span head = s;
    size_t length = span_be16(&head);
    return length >= 34 && length <= s.n && (length < s.n || memmem(s.p, s.n, "(DESCRIPTION", 12) != NULL || memmem(s.p, s.n, "(CONNECT", 8) != NULL);
}

/* Modbus (its TCP guide, 3.1.3): a request or an answer whose length, function and counts agree. */
static bool is_modbus(struct span s)
{
    if (s.n < 9 || s.n > 260 || s.p[2] != 0 || s.p[3] != 0 || s.p[4] != 0 || s.p[5] + 6u != s.n)
        return false;
    unsigned function = s.p[7];
    unsigned length = s.n - 6;
    unsigned bytes = s.p[8];
    if (function >= 0x81 && function <= 0x97)
        return length == 3 && bytes >= 1 && bytes <= 11;
    if (function >= 1 && function <= 4)
        return length == 6 || (bytes > 0 && bytes == length - 3);
    if (function == 5 || function == 6)
        return length == 6;
    return (function == 15 || function == 16) && (length == 6 || (length > 7 && s.p[12] == length - 7));
}

/* Negotiation at the start of TELNET (RFC 854, 855): a command and an option. */
static bool is_telnet(struct span s)
{
    return s.n >= 3 && s.p[0] == 0xff && s.p[1] >= 0xfb && s.p[1] <= 0xfe && s.p[2] < 50 && (s.n < 6 || s.p[3] == 0xff || s.p[3] < 0x80);
}

/* Login of iSCSI (RFC 7143, 11.12): its code, and the name of who asks. */
static bool is_iscsi(struct span s)
{
    return s.n > 48 && (s.p[0] & 0x3f) == 3 && memmem(s.p + 48, s.n - 48, "InitiatorName=", 14) != NULL;
}

/* A command of RESP, Redis's protocol: an array of strings. */
static bool is_redis(struct span s)
{
    if (span_u8(&s) != '*')
        return false;
    struct span count = span_until(&s, '\r', NULL);
    uint64_t n;
    return span_decimal(count, 1024, &n) && n > 0 && span_starts(s, SPAN_LIT("\n$"));
}

/* OpenVPN over TCP: a length, the first packet of a client or a server, and nothing acknowledged yet; without a key for the handshake. */
static bool is_openvpn(struct span s)
{
    struct span head = s;
    uint16_t length = span_be16(&head);
    return length + 2u == s.n && length == 14 && (s.p[2] == 0x38 || s.p[2] == 0x40) && s.p[11] == 0 && memcmp(s.p + 12, "\0\0\0", 4) == 0;
}

/* A print job of RFC 1179: a command, the name of a queue, the end of the line. Its first byte is the STX of serial protocols: only on its own port.
 */
static bool is_lpd(const struct flow_ref *flow, struct span s)
{
    if (flow->dport != 515 || s.n < 3 || s.p[0] < 1 || s.p[0] > 5 || s.p[s.n - 1] != '\n')
        return false;
    for (size_t i = 1; i + 1 < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~')
            return false;
    return true;
}

/* TeamViewer's own protocol, on its own port. */
static bool is_teamviewer(const struct flow_ref *flow, struct span s)
{
    return flow->dport == 5938 && s.n > 2 && s.p[0] == 0x17 && s.p[1] == 0x24;
}

static const char *text_label(struct span s)
{
    if (app_label_is_request(s)) {
        size_t head = s.n < 2048 ? s.n : 2048;
        return memmem(s.p, head, "application/ipp", 15) != NULL ? "ipp" : "http";
    }
    if (is_text_greeting(s, "220", "smtp") || is_text_greeting(s, "EHLO ", "EHLO") || is_text_greeting(s, "HELO ", "HELO"))
        return "smtp";
    if (is_text_greeting(s, "220", "ftp"))
        return "ftp";
    if (span_starts(s, SPAN_LIT("+OK ")))
        return "pop3";
    if (span_starts(s, SPAN_LIT("* OK ")))
        return "imap";
    static const char *const rtsp[] = {"OPTIONS rtsp://", "DESCRIBE rtsp://", "SETUP rtsp://", "ANNOUNCE rtsp://", "PLAY rtsp://"};
    for (size_t i = 0; i < sizeof rtsp / sizeof rtsp[0]; i++)
        if (span_starts(s, span_str(rtsp[i])))
            return "rtsp";
    return is_redis(s) ? "redis" : NULL;
}

/* What has a length before it. */
static const char *framed_label(const struct flow_ref *flow, struct span s)
{
    struct span rest = s;
    size_t length = span_be16(&rest);
    if (!rest.bad && length >= 17 && length <= rest.n && app_label_is_dns(rest))
        return flow->dport == 5355 ? "llmnr" : "dns";
    rest = s;
    length = span_be32(&rest) & 0x7fffffff;
    return rest.bad || length < 12 || length > 1u << 20 || length + 4 < s.n ? NULL : app_label_call(rest);
}

static const char *binary_label(const struct flow_ref *flow, struct span s)
{
    static const struct {
        const char *label;
        bool (*is)(struct span s);
    } checks[] = {
        {"dicom", is_dicom},           {"rdp", is_rdp},     {"mqtt", is_mqtt},     {"netbios", is_netbios_session},
        {"dcerpc", is_dcerpc},         {"tds", is_tds},     {"mysql", is_mysql},   {"oracle", is_oracle},
        {"telnet", is_telnet},         {"iscsi", is_iscsi}, {"modbus", is_modbus}, {"openvpn", is_openvpn},
        {"postgresql", is_postgresql},
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (checks[i].is(s))
            return checks[i].label;
    const char *label = app_label_either(s);
    if (label == NULL)
        label = framed_label(flow, s);
    if (label == NULL && is_lpd(flow, s))
        label = "lpd";
    return label == NULL && is_teamviewer(flow, s) ? "teamviewer" : label;
}

const char *app_label_stream(const struct flow_ref *flow, struct span s)
{
    if (s.p[0] == MLLP_START_BYTE)
        return NULL;
    if (is_tls(s))
        return "tls";
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        if (matches(s, &patterns[i]))
            return patterns[i].label;
    const char *label = text_label(s);
    return label != NULL ? label : binary_label(flow, s);
}
