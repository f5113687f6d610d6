/* The first message of TLS: ClientHello (RFC 8446, section 4.1.2; RFC 5246) and the server name in it (RFC 6066, section 3). */
#ifndef TQ_WIRE_TLS_H
#define TQ_WIRE_TLS_H

#include "base/span.h"

#define TLS_HELLO_MAX 16384 /* most bytes of a hello that are waited for */

enum tls_hello_status {
    TLS_HELLO_OK,   /* a whole ClientHello; the name may be empty */
    TLS_HELLO_MORE, /* a ClientHello so far, but cut: give the same bytes and more */
    TLS_HELLO_NONE, /* not a ClientHello */
};

struct tls_hello {
    uint16_t version; /* legacy_version */
    struct span name; /* server name as sent: dotted ASCII; empty where there is none. Points into the input */
};

/* Reads the start of a client's stream. A hello that spans several TLS records yields TLS_HELLO_OK with an empty name (nobody sends it so). */
enum tls_hello_status tls_hello_decode(struct span s, struct tls_hello *ret);

#endif
