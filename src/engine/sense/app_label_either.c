/* Names for messages that are the same over TCP and UDP, once the frame of TCP is off. Each check reads the whole head of its format, so that chance
 * does not pass it. */
#include "engine/sense/app_private.h"

#include "wire/ber.h"

/* The inside of an outermost element that may go on behind the segment. Its length must be sane. */
static struct span opened(struct span s, uint8_t want)
{
    uint8_t tag = span_u8(&s);
    size_t n = span_u8(&s);
    if (s.bad || tag != want || n == 0x80 || n > 0x84)
        return (struct span){.bad = true};
    if (n > 0x80) {
        size_t bytes = n & 0x7f;
        for (n = 0; bytes > 0; bytes--)
            n = n << 8 | span_u8(&s);
    }
    if (s.bad || n < 5 || n > 1u << 20)
        return (struct span){.bad = true};
    if (s.n > n)
        s.n = (uint32_t)n;
    return s;
}

/* SNMP (RFC 1157, 3416, 3412): a version, then a community and a PDU, or the head of version 3. */
static bool is_snmp(struct span s)
{
    uint8_t tag;
    struct span part;
    struct span in = opened(s, BER_SEQUENCE);
    struct span version = ber_take(&in, BER_INTEGER);
    if (in.bad || version.n != 1 || !ber_next(&in, &tag, &part))
        return false;
    if (version.p[0] == 3)
        return tag == BER_SEQUENCE && ber_take(&part, BER_INTEGER).n > 0 && ber_take(&part, BER_INTEGER).n > 0 &&
               ber_take(&part, BER_OCTETS).n == 1 && !part.bad;
    uint8_t pdu = span_peek(&in, 0);
    return version.p[0] <= 1 && tag == BER_OCTETS && pdu >= 0xa0 && pdu <= 0xa8;
}

/* LDAP (RFC 4511, 4.1.1 and 4.2 to 4.12): a message id and an operation whose first part is what it must be. */
static bool is_ldap(struct span s)
{
    uint8_t tag;
    struct span part;
    struct span in = opened(s, BER_SEQUENCE);
    struct span id = ber_take(&in, BER_INTEGER);
    uint8_t operation = span_peek(&in, 0);
    if (in.bad || id.n == 0 || id.n > 4)
        return false;
    if (operation == 0x42) /* unbind: no content */
        return span_peek(&in, 1) == 0 && in.n == 2;
    struct span inner = opened(in, operation);
    if (inner.bad || !ber_next(&inner, &tag, &part))
        return false;
    switch (operation) {
    case 0x60: return tag == BER_INTEGER && part.n == 1 && part.p[0] >= 2 && part.p[0] <= 3; /* bind: its version */
    case 0x63: return tag == BER_OCTETS && span_peek(&inner, 0) == 0x0a;                     /* search: a base, then how deep */
    case 0x64: return tag == BER_OCTETS && span_peek(&inner, 0) == BER_SEQUENCE;             /* an entry */
    case 0x61:
    case 0x65:
    case 0x67:
    case 0x69:
    case 0x6b:
    case 0x78: return tag == 0x0a && part.n == 1; /* results: a code */
    case 0x66:
    case 0x68: return tag == BER_OCTETS && span_peek(&inner, 0) == BER_SEQUENCE;
    case 0x77: return tag == 0x80 && part.n > 4 && part.p[0] >= '0' && part.p[0] <= '2'; /* extended: an OID in figures */
    default: return false;
    }
}

/* Kerberos (RFC 4120, 5.4 and 5.9): AS-REQ to TGS-REP, and KRB-ERROR; protocol version 5 where it must stand. */
static bool is_kerberos(struct span s)
{
    uint8_t tag = span_peek(&s, 0);
    bool request = tag == 0x6a || tag == 0x6c;
    if (!request && tag != 0x6b && tag != 0x6d && tag != 0x7e)
        return false;
    struct span in = opened(opened(s, tag), BER_SEQUENCE);
    struct span version = ber_take(&in, request ? 0xa1 : 0xa0);
    struct span number = ber_take(&version, BER_INTEGER);
    return !in.bad && number.n == 1 && number.p[0] == 5;
}

/* A call of Sun RPC (RFC 5531, section 9): its program. */
static const char *sun_rpc(struct span s)
{
    (void)span_skip(&s, 4); /* transaction */
    uint32_t kind = span_be32(&s);
    uint32_t rpc_version = span_be32(&s);
    uint32_t program = span_be32(&s);
    uint32_t version = span_be32(&s);
    uint32_t procedure = span_be32(&s);
    uint32_t flavour = span_be32(&s);
    uint32_t length = span_be32(&s);
    if (s.bad || kind != 0 || rpc_version != 2 || version > 10 || procedure > 100 || (flavour > 6 && flavour != 300000) || length > 400)
        return NULL;
    return program == 100003 ? "nfs" : program == 100005 ? "mount" : program == 100000 ? "portmap" : "rpc";
}

/* A DNS message (RFC 1035, 4.1) with one question, whose name and class are whole. */
bool app_label_is_dns(struct span s)
{
    (void)span_skip(&s, 2);
    unsigned flags = span_be16(&s);
    unsigned questions = span_be16(&s);
    unsigned answers = span_be16(&s);
    unsigned authorities = span_be16(&s);
    unsigned others = span_be16(&s);
    unsigned opcode = flags >> 11 & 15;
    bool query = (flags & 0x8000) == 0;
    if (s.bad || questions != 1 || opcode == 3 || opcode > 5 || answers > 4096 || (query && opcode == 0 && answers > 0) || authorities > 4096 ||
        others > 4096)
        return false;
    size_t total = 0;
    for (size_t n = span_u8(&s); n > 0; n = span_u8(&s)) {
        total += n + 1;
        if (n > 63 || total > 255 || !span_skip(&s, n))
            return false;
    }
    uint16_t type = span_be16(&s);
    uint16_t class = span_be16(&s) & 0x7fff;
    return !s.bad && type != 0 && (class == 1 || class == 3 || class == 4 || class == 254 || class == 255);
}

/* STUN (RFC 8489, section 5): the magic cookie and a length of whole words. */
static bool is_stun(struct span s)
{
    uint16_t type = span_be16(&s);
    uint16_t length = span_be16(&s);
    uint32_t cookie = span_be32(&s);
    return cookie == 0x2112a442 && type < 0x4000 && length % 4 == 0 && s.n == length + 12u;
}

/* A request or answer of SIP (RFC 3261, section 7). */
static bool is_sip(struct span s)
{
    static const char *const methods[] = {"INVITE ", "REGISTER ", "OPTIONS ", "ACK ",   "BYE ",     "CANCEL ", "SUBSCRIBE ",
                                          "NOTIFY ", "MESSAGE ",  "INFO ",    "REFER ", "PUBLISH ", "PRACK ",  "UPDATE "};
    if (span_starts(s, SPAN_LIT("SIP/2.0 ")))
        return true;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct span rest = s;
        if (!span_starts(s, span_str(methods[i])))
            continue;
        (void)span_skip(&rest, strlen(methods[i]));
        return span_starts(rest, SPAN_LIT("sip:")) || span_starts(rest, SPAN_LIT("sips:")) || span_starts(rest, SPAN_LIT("tel:"));
    }
    return false;
}

/* A line of syslog (RFC 5424, 6.1; RFC 3164, 4.1.2): a priority, then a version or the name of a month. */
static bool is_syslog(struct span s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint64_t priority;
    bool found;
    if (span_u8(&s) != '<')
        return false;
    struct span digits = span_until(&s, '>', &found);
    if (!found || digits.n > 3 || !span_decimal(digits, 191, &priority) || s.n < 4)
        return false;
    if (s.p[0] == '1' && s.p[1] == ' ')
        return true;
    for (size_t i = 0; i < 36; i += 3)
        if (memcmp(s.p, months + i, 3) == 0 && s.p[3] == ' ')
            return true;
    return false;
}

const char *app_label_either(struct span s)
{
    if (is_snmp(s))
        return "snmp";
    if (is_ldap(s))
        return "ldap";
    if (is_kerberos(s))
        return "kerberos";
    if (is_stun(s))
        return "stun";
    if (is_sip(s))
        return "sip";
    if (is_syslog(s))
        return "syslog";
    return NULL;
}

const char *app_label_call(struct span s)
{
    return is_kerberos(s) ? "kerberos" : sun_rpc(s);
}
