/* Writes the plain parts of a TLS 1.3 connection: ClientHello, ServerHello, and records around opaque bytes. It encrypts nothing: for staged traffic.
 *
 * Source: RFC 8446, sections 4.1 and 5.1; RFC 6066, section 3 (server name); RFC 7301 (ALPN). */
#ifndef TQ_WIRE_TLS_WRITE_H
#define TQ_WIRE_TLS_WRITE_H

#include "base/buf.h"

#define TLS_CHANGE_CIPHER 20
#define TLS_HANDSHAKE 22
#define TLS_APPLICATION 23

struct tls_hello_write {
    const char *server_name; /* NULL: none */
    const char *alpn;        /* one protocol, as "h2"; NULL: none */
    uint8_t random[32];
    uint8_t session[32];
    uint8_t key_share[32]; /* x25519 */
};

/* One record; body at most 16,640 bytes (else `out` becomes failed). */
void tls_write_record(struct buf *out, uint8_t type, struct span body);
void tls_write_client_hello(struct buf *out, const struct tls_hello_write *hello);
void tls_write_server_hello(struct buf *out, const struct tls_hello_write *hello);

#endif
