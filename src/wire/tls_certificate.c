#include "wire/tls_certificate.h"

#include "wire/ber.h"

enum { SERVER_HELLO = 2, CERTIFICATE = 11 };
enum { UTF8 = 0x0c, PRINTABLE = 0x13, TELETEX = 0x14, IA5 = 0x16, EXPLICIT_VERSION = 0xa0 };

static bool is_text(uint8_t tag)
{
    return tag == UTF8 || tag == PRINTABLE || tag == TELETEX || tag == IA5;
}

/* The last common name of a row of names. */
static struct span common_name(struct span names)
{
    struct span found = {0};
    while (names.n > 0 && !names.bad) {
        struct span set = ber_take(&names, BER_SET);
        struct span pair = ber_take(&set, BER_SEQUENCE);
        struct span oid = ber_take(&pair, BER_OID);
        uint8_t tag;
        struct span value;
        if (!pair.bad && span_is(oid, "\x55\x04\x03") && ber_next(&pair, &tag, &value) && is_text(tag))
            found = value;
    }
    return found;
}

static struct span subject(struct span certificate)
{
    uint8_t tag;
    struct span skipped;
    struct span outer = ber_take(&certificate, BER_SEQUENCE);
    struct span body = ber_take(&outer, BER_SEQUENCE);
    if (span_peek(&body, 0) == EXPLICIT_VERSION)
        (void)ber_next(&body, &tag, &skipped);
    (void)ber_take(&body, BER_INTEGER);
    for (int i = 0; i < 3; i++) /* algorithm, issuer, validity */
        (void)ber_take(&body, BER_SEQUENCE);
    return common_name(ber_take(&body, BER_SEQUENCE));
}

/* A handshake message that begins in this record. *ret_type 0: none is left. */
static struct span handshake(struct span *record, uint8_t *ret_type)
{
    *ret_type = span_u8(record);
    size_t n = span_be24(record);
    if (record->bad)
        *ret_type = 0;
    return span_take(record, n < record->n ? n : record->n); /* it may go on in the next record */
}

enum tls_hello_status tls_certificate(struct span s, struct span *ret_name)
{
    *ret_name = (struct span){0};
    for (int records = 0; records < 4; records++) {
        if (s.n < 5)
            return TLS_HELLO_MORE;
        if (s.p[0] != 22 || s.p[1] != 3)
            return TLS_HELLO_NONE;
        (void)span_skip(&s, 3);
        size_t n = span_be16(&s);
        if (n == 0 || n > TLS_HELLO_MAX || (records == 0 && span_peek(&s, 0) != SERVER_HELLO && s.n > 0))
            return TLS_HELLO_NONE;
        if (n > s.n)
            return TLS_HELLO_MORE;
        struct span record = span_take(&s, n);
        while (record.n > 0) {
            uint8_t type;
            struct span message = handshake(&record, &type);
            if (type == SERVER_HELLO)
                continue;
            if (type != CERTIFICATE)
                return TLS_HELLO_NONE;
            (void)span_be24(&message); /* of the list */
            *ret_name = subject(span_take(&message, span_be24(&message)));
            return ret_name->n > 0 && ret_name->n <= 255 ? TLS_HELLO_OK : TLS_HELLO_NONE;
        }
    }
    return TLS_HELLO_NONE;
}
