/* x509: certificates (RFC 5280) and certificate requests (PKCS #10, RFC 2986) that others made, read with suspicion. Reads no clock. */
#ifndef TQ_X509_H
#define TQ_X509_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

#include <openssl/types.h>

#define CERTIFICATE_NAMES 16      /* most names of a certificate that is looked at or made */
#define CERTIFICATE_NAME 254      /* room for a host name or address as text */
#define CERTIFICATE_PEM 65536     /* most bytes of a PEM text */
#define CERTIFICATE_REQUEST 16384 /* most bytes of a request */

struct certificate {
    char subject[256]; /* RFC 2253, printable ASCII only, cut */
    char issuer[256];
    char serial[42];         /* hexadecimal, lower case; "": longer than 20 bytes */
    uint8_t fingerprint[32]; /* SHA-256 of the DER */
    uint8_t pin[32];         /* SHA-256 of the SubjectPublicKeyInfo */
    tq_time not_before;
    tq_time not_after;                               /* INT64_MAX: beyond 2262 */
    char names[CERTIFICATE_NAMES][CERTIFICATE_NAME]; /* host names and addresses */
    size_t names_n;
    char uri[CERTIFICATE_NAME]; /* the first URI among its names; "" */
    bool authority;             /* it may sign others */
};

/* Reads the first certificate of a PEM text, or one in DER. ERR_CORRUPT: it is none. */
int certificate_read(struct span text, struct certificate *ret, struct error *e);

/* The same of one that a TLS connection holds. False: it cannot be read. */
bool certificate_of(X509 *x, struct certificate *ret);

/* Host name (RFC 1123, no wildcard) or IP address as text? */
bool certificate_name_valid(const char *name);

/* A request. */
struct request_signed;

/* PEM (first one) or DER. Its signature is checked, and its key: ECDSA on P-256, P-384 or P-521, Ed25519, RSA of 2048 to 8192 bits with an odd
 * exponent of 65537 or more. No other version than 1, no authority asked for. NULL: ERR_PEER (why, and the mend), ERR_SYSTEM. */
struct request_signed *request_signed_read(struct span text, struct error *e);
void request_signed_free(struct request_signed *r);

/* Does it ask for nothing but these names (or for none)? ERR_PEER names the one that is too much. */
int request_signed_names(const struct request_signed *r, const char *const *names, size_t n, struct error *e);

/* SHA-256 of its SubjectPublicKeyInfo. */
void request_signed_pin(const struct request_signed *r, uint8_t out[32]);

#endif
