#include "wire/tls_write.h"

#define EXT_SERVER_NAME 0
#define EXT_GROUPS 10
#define EXT_SIGNATURES 13
#define EXT_ALPN 16
#define EXT_VERSIONS 43
#define EXT_PSK_MODES 45
#define EXT_KEY_SHARE 51
#define GROUP_X25519 0x001d

void tls_write_record(struct buf *out, uint8_t type, struct span body)
{
    if (body.n > 16640) {
        out->failed = true;
        return;
    }
    buf_u8(out, type);
    buf_be16(out, 0x0303);
    buf_be16(out, (uint16_t)body.n);
    buf_add_span(out, body);
}

static void write_server_name(struct buf *out, const char *name)
{
    uint16_t n = (uint16_t)strlen(name);
    buf_be16(out, EXT_SERVER_NAME);
    buf_be16(out, (uint16_t)(n + 5));
    buf_be16(out, (uint16_t)(n + 3));
    buf_u8(out, 0); /* host name */
    buf_be16(out, n);
    buf_add(out, name, n);
}

static void write_alpn(struct buf *out, const char *protocol)
{
    uint8_t n = (uint8_t)strlen(protocol);
    buf_be16(out, EXT_ALPN);
    buf_be16(out, (uint16_t)(n + 3));
    buf_be16(out, (uint16_t)(n + 1));
    buf_u8(out, n);
    buf_add(out, protocol, n);
}

static void write_client_extensions(struct buf *out, const struct tls_hello_write *hello)
{
    if (hello->server_name != NULL)
        write_server_name(out, hello->server_name);
    buf_be16(out, EXT_GROUPS);
    buf_be16(out, 6);
    buf_be16(out, 4);
    buf_be16(out, GROUP_X25519);
    buf_be16(out, 0x0017); /* secp256r1 */
    buf_be16(out, EXT_SIGNATURES);
    buf_be16(out, 8);
    buf_be16(out, 6);
    buf_be16(out, 0x0403);
    buf_be16(out, 0x0804);
    buf_be16(out, 0x0401);
    if (hello->alpn != NULL)
        write_alpn(out, hello->alpn);
    buf_be16(out, EXT_VERSIONS);
    buf_be16(out, 5);
    buf_u8(out, 4);
    buf_be16(out, 0x0304);
    buf_be16(out, 0x0303);
    buf_be16(out, EXT_PSK_MODES);
    buf_be16(out, 2);
    buf_be16(out, 0x0101);
    buf_be16(out, EXT_KEY_SHARE);
    buf_be16(out, 38);
    buf_be16(out, 36);
    buf_be16(out, GROUP_X25519);
    buf_be16(out, 32);
    buf_add(out, hello->key_share, 32);
}

/* Wraps a handshake body of `type` into its header and one record. */
static void write_handshake(struct buf *out, uint8_t type, const struct buf *body)
{
    struct buf whole = BUF_INIT(17000);
    buf_u8(&whole, type);
    buf_be24(&whole, (uint32_t)body->n);
    buf_add_span(&whole, buf_span(body));
    if (whole.failed || body->failed)
        out->failed = true;
    else
        tls_write_record(out, TLS_HANDSHAKE, buf_span(&whole));
    buf_release(&whole);
}

static void write_hello_head(struct buf *body, const struct tls_hello_write *hello)
{
    buf_be16(body, 0x0303);
    buf_add(body, hello->random, 32);
    buf_u8(body, 32);
    buf_add(body, hello->session, 32);
}

static void write_sized(struct buf *out, struct buf *part)
{
    if (part->failed)
        out->failed = true;
    buf_be16(out, (uint16_t)part->n);
    buf_add_span(out, buf_span(part));
    buf_release(part);
}

void tls_write_client_hello(struct buf *out, const struct tls_hello_write *hello)
{
    static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030};
    struct buf body = BUF_INIT(8192);
    write_hello_head(&body, hello);
    buf_be16(&body, sizeof suites);
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        buf_be16(&body, suites[i]);
    buf_be16(&body, 0x0100); /* no compression */
    struct buf extensions = BUF_INIT(4096);
    write_client_extensions(&extensions, hello);
    write_sized(&body, &extensions);
    write_handshake(out, 1, &body);
    buf_release(&body);
}

void tls_write_server_hello(struct buf *out, const struct tls_hello_write *hello)
{
    struct buf body = BUF_INIT(8192);
    write_hello_head(&body, hello);
    buf_be16(&body, 0x1301);
    buf_u8(&body, 0);
    struct buf extensions = BUF_INIT(4096);
    buf_be16(&extensions, EXT_VERSIONS);
    buf_be16(&extensions, 2);
    buf_be16(&extensions, 0x0304);
    buf_be16(&extensions, EXT_KEY_SHARE);
    buf_be16(&extensions, 36);
    buf_be16(&extensions, GROUP_X25519);
    buf_be16(&extensions, 32);
    buf_add(&extensions, hello->key_share, 32);
    write_sized(&body, &extensions);
    write_handshake(out, 2, &body);
    buf_release(&body);
}
