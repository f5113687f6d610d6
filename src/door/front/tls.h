/* tls: what every HTTPS door of this program allows: TLS 1.2 and 1.3, ephemeral keys, no compression, no renegotiation, no session cache. */
#ifndef TQ_FRONT_TLS_H
#define TQ_FRONT_TLS_H

#include "base/error.h"
#include "base/span.h"

#include <openssl/types.h>

struct bufferevent;
struct event_base;

/* certificate, key: PEM; the certificate may be followed by its chain. The caller frees the context. NULL: ERR_MISUSE they cannot be used,
 * ERR_SYSTEM. */
SSL_CTX *tls_server(struct span certificate, struct span key, struct error *e);

/* A connection to be accepted under these terms, for evhttp; NULL: no memory. */
struct bufferevent *tls_connection(SSL_CTX *tls, struct event_base *base);

#endif
