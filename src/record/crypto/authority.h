/* Certificate authorities of the site (X.509, RFC 5280): a self-signed ECDSA P-256 certificate and the certificates under it. One is for the
 * console's HTTPS, another for the links between analyzers and LIS. Reads no clock: `now` is given. */
#ifndef TQ_AUTHORITY_H
#define TQ_AUTHORITY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "record/crypto/x509.h"

#define AUTHORITY_FINGERPRINT 96      /* room for "AB:CD:…" (95 characters) and a final zero */
#define AUTHORITY_SERVER_DAYS_MAX 397 /* browsers take no server certificate that lives longer */
#define AUTHORITY_LINK_DAYS_MAX 825   /* and of a link, where people have to bring the next one */
#define AUTHORITY_NAMES_MAX 32

struct authority;

/* A new authority "<name> site authority": valid 10 years from an hour before now, CA with path length 0. name: at most 40 printable ASCII
 * characters. NULL: ERR_MISUSE, ERR_SYSTEM. */
struct authority *authority_new(const char *name, tq_time now, struct error *e);

/* The same for links, "<name> link authority", for TLS servers and clients only. permit: host names (with all below them) and networks ("10.0.0.0/8")
 * that its certificates may have (name constraints, critical); n = 0: any. */
struct authority *authority_new_links(const char *name, const char *const *permit, size_t n, tq_time now, struct error *e);

/* Reads both PEM texts back and checks that they belong together and are an authority. NULL: ERR_CORRUPT. */
struct authority *authority_load(struct span key_pem, struct span certificate_pem, struct error *e);
void authority_free(struct authority *a); /* wipes the key */

/* Appends PEM. The key text is secret: use BUF_SECRET. ERR_SYSTEM. */
int authority_key_pem(const struct authority *a, struct buf *out, struct error *e);
int authority_certificate_pem(const struct authority *a, struct buf *out, struct error *e);

/* SHA-256 over the certificate's DER, as upper-case pairs with colons. */
void authority_fingerprint(const struct authority *a, char out[AUTHORITY_FINGERPRINT]);

/* A new key and server certificate (serverAuth) for host names and IP addresses as text; the first one is also the common name. Appends the key's PEM
 * to key_out (BUF_SECRET) and certificate, then authority's certificate, to chain_out. ERR_MISUSE: no name, too many, a name that is neither host
 * name nor address, days not in 1…397. */
int authority_issue(const struct authority *a, const char *const *names, size_t n, tq_time now, unsigned days, struct buf *key_out,
                    struct buf *chain_out, struct error *e);

/* What a certificate is made with. It ends with the authority's own at the latest. */
struct authority_terms {
    const char *const *names; /* host names and IP addresses as text, 1 to AUTHORITY_NAMES_MAX */
    size_t n;
    const char *common; /* common name; NULL: the first name */
    const char *uri;    /* one more alternative name; NULL: none */
    bool client;        /* clientAuth besides serverAuth */
    tq_time now;
    unsigned days; /* 1 to AUTHORITY_SERVER_DAYS_MAX, with clientAuth AUTHORITY_LINK_DAYS_MAX */
};

/* A new key (P-256) and its certificate, as authority_issue does. ERR_MISUSE. */
int authority_make(const struct authority *a, const struct authority_terms *t, struct buf *key_out, struct buf *chain_out, struct error *e);

/* A certificate for the key of a request; of the rest of the request nothing is taken. ERR_PEER: it asks for another name. */
int authority_sign(const struct authority *a, const struct request_signed *r, const struct authority_terms *t, struct buf *chain_out,
                   struct error *e);

/* A list of revoked certificates (CRL, RFC 5280, section 5) as PEM. number: greater than that of the last list. */
struct authority_revoked {
    char serial[42]; /* hexadecimal */
    tq_time at;
};
int authority_crl(const struct authority *a, const struct authority_revoked *revoked, size_t n, uint64_t number, tq_time now, unsigned days,
                  struct buf *out, struct error *e);

/* When the first certificate in a PEM text ends, and its fingerprint (may be NULL). ERR_CORRUPT: not such a text. */
int authority_inspect(struct span certificate_pem, tq_time *ret_not_after, char fingerprint[AUTHORITY_FINGERPRINT], struct error *e);

#endif
