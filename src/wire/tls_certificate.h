/* The name in the certificate that a server shows, up to TLS 1.2 (RFC 5246, section 7.4.2; RFC 5280, section 4.1.2.6). */
#ifndef TQ_WIRE_TLS_CERTIFICATE_H
#define TQ_WIRE_TLS_CERTIFICATE_H

#include "wire/tls.h"

/* Reads the start of a server's stream up to its own certificate, which must lie in one record. TLS_HELLO_OK: *ret_name is the subject's common name,
 * as bytes; TLS_HELLO_MORE: give the same bytes and more; TLS_HELLO_NONE: it shows none. */
enum tls_hello_status tls_certificate(struct span start, struct span *ret_name);

#endif
