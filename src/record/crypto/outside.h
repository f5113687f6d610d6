/* outside: a certificate of ours that another authority makes: a key and a request go out of it, its certificate comes back. Reads no clock. */
#ifndef TQ_OUTSIDE_H
#define TQ_OUTSIDE_H

#include "record/crypto/x509.h"

#define OUTSIDE_CHAIN 8 /* most certificates that come back */

/* A new key (P-256), and a request (PKCS #10) for its certificate as server and client: names are host names and addresses, the first one is the
 * common name, too. Appends PEM; key_out: BUF_SECRET. ERR_MISUSE: a name that is none, or too many. */
int outside_request(const char *const *names, size_t n, struct buf *key_out, struct buf *request_out, struct error *e);

/* Does what came back fit? The first certificate is for this key, for TLS, no authority, and good at `now`; each further one made the one before.
 * Appends the certificates alone, as PEM, in that order. ERR_MISUSE: why not, in a sentence. */
int outside_accept(struct span key_pem, struct span chain_pem, tq_time now, struct buf *chain_out, struct error *e);

#endif
