/* What x509.c, authority.c and outside.c share. Only they include it. */
#ifndef TQ_X509_PRIVATE_H
#define TQ_X509_PRIVATE_H

#include "record/crypto/x509.h"

#include <openssl/x509v3.h>

struct request_signed {
    X509_REQ *request;
    EVP_PKEY *key;
};

/* The first certificate of a PEM text; NULL: there is none. */
X509 *x509_from_pem(struct span pem);
int x509_to_pem(X509 *x, struct buf *out, struct error *e);

/* Moves what was written to a memory BIO to out, and frees the BIO. */
int x509_take_bio(BIO *bio, bool ok, struct buf *out, struct error *e);

int x509_failed(struct error *e, const char *what); /* ERR_SYSTEM; forgets OpenSSL's errors */

/* Never asks a terminal for a pass phrase. */
int x509_no_passphrase(char *buf, int size, int rwflag, void *context);

/* Bytes of an address: 4 or 16; 0: the text is none. */
int x509_address(const char *text, uint8_t out[16]);

#endif
