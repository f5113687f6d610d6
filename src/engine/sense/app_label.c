/* Names for what is not a lab protocol, from the first bytes of a stream or a datagram. Cheap and precise rather than complete: what no line here
 * knows has no label. */
#include "engine/sense/app_private.h"

struct pattern {
    const char *label;
    const char *bytes;
    uint8_t n;
    uint8_t at;
};

/* Fixed bytes at a fixed place. */
static const struct pattern patterns[] = {
    {"ssh", "SSH-", 4, 0},
    {"http", "HTTP/1.", 7, 0},
    {"http", "PRI * HTTP/2.0", 14, 0},
    {"smb", "\xffSMB", 4, 4},
    {"smb", "\xfeSMB", 4, 4},
    {"smb", "\xfdSMB", 4, 4},
    {"rtsp", "RTSP/1.", 7, 0},
    {"sip", "SIP/2.0", 7, 0},
    {"vnc", "RFB 00", 6, 0},
    {"postgresql", "\x00\x03\x00\x00", 4, 4},
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

static bool is_http_request(struct span s)
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

/* RDP: a TPKT header with an X.224 connection request or confirm (MS-RDPBCGR 2.2.1.1). */
static bool is_rdp(struct span s)
{
    return s.n >= 11 && s.p[0] == 3 && s.p[1] == 0 && s.p[2] == 0 && s.p[3] == s.n && (s.p[5] == 0xe0 || s.p[5] == 0xd0);
}

const char *app_label_stream(struct span s)
{
    if (is_tls(s))
        return "tls";
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        if (matches(s, &patterns[i]))
            return patterns[i].label;
    if (is_http_request(s))
        return "http";
    if (is_dicom(s))
        return "dicom";
    if (is_text_greeting(s, "220", "smtp") || is_text_greeting(s, "EHLO ", "EHLO") || is_text_greeting(s, "HELO ", "HELO"))
        return "smtp";
    if (is_text_greeting(s, "220", "ftp"))
        return "ftp";
    if (span_starts(s, SPAN_LIT("+OK ")))
        return "pop3";
    if (span_starts(s, SPAN_LIT("* OK ")))
        return "imap";
    return is_rdp(s) ? "rdp" : NULL;
}

/* A DNS message with one question and a sane header (RFC 1035, 4.1). */
static bool is_dns(struct span s)
{
    if (s.n < 17)
        return false;
    unsigned flags = (unsigned)s.p[2] << 8 | s.p[3];
    unsigned questions = (unsigned)s.p[4] << 8 | s.p[5];
    unsigned opcode = flags >> 11 & 15;
    return questions == 1 && (opcode <= 2 || opcode == 4 || opcode == 5) && s.p[12] < 64 && (size_t)s.p[12] + 13 < s.n;
}

const char *app_label_datagram(const struct flow_ref *flow, struct span s)
{
    struct span rest = s;
    if (s.n >= 240 && (s.p[0] == 1 || s.p[0] == 2) && memcmp(s.p + 236, "\x63\x82\x53\x63", 4) == 0)
        return "dhcp";
    if (is_http_request(s))
        return "ssdp";
    if (s.n == 48 && (s.p[0] & 7) >= 1 && (s.p[0] & 7) <= 5 && (s.p[0] >> 3 & 7) >= 1 && (s.p[0] >> 3 & 7) <= 4)
        return "ntp";
    if (s.n >= 6 && s.p[0] == '<' && s.p[1] >= '0' && s.p[1] <= '9' && span_find(&rest, '>') <= 4)
        return "syslog";
    if (flow->sport == 5353 || flow->dport == 5353) /* same form as DNS, often without a question: the port is part of what mDNS is (RFC 6762) */
        return is_dns(s) || s.n >= 12 ? "mdns" : NULL;
    return is_dns(s) ? "dns" : NULL;
}
