/* Where the authority of the links lies below the data folder: outside the root key, so that links work while the ledger waits for its passphrase. */
#ifndef TQ_PROC_PKI_FILES_H
#define TQ_PROC_PKI_FILES_H

#include <stdio.h>

#define PKI_FOLDER "pki"
#define PKI_KEY "pki/authority.key"       /* 0600 */
#define PKI_AUTHORITY "pki/authority.pem" /* its certificate */
#define PKI_NEXT "pki/next.pem"           /* that of the next one, which is taken already */
#define PKI_NEXT_KEY "pki/next.key"       /* 0600 */
#define PKI_FORMER "pki/former.pem"       /* that of the one before, which is taken still */
#define PKI_ISSUED "pki/issued"           /* append-only: a line for each certificate made or revoked (pki.c) */
#define PKI_REVOKED "pki/revoked"         /* fingerprints of what is revoked and has not ended, a line each */
#define PKI_ENROLMENTS "pki/enrolments"   /* who may bring a request, under the hash of a code */
#define PKI_LINKS "links"
#define PKI_PATH 128

/* links/NAME.SIDE.pem: key, then certificate and authority. Link names are letters, digits, hyphens and dots without a path (CONFIG_LABEL). */
static inline void pki_link_path(const char *link, const char *side, char out[PKI_PATH])
{
    (void)snprintf(out, PKI_PATH, PKI_LINKS "/%s.%s.pem", link, side);
}

/* links/NAME.SIDE.request: a key and the request for its certificate, which another authority makes. */
static inline void pki_request_path(const char *link, const char *side, char out[PKI_PATH])
{
    (void)snprintf(out, PKI_PATH, PKI_LINKS "/%s.%s.request", link, side);
}

/* pki/made/SERIAL.pem: a certificate that was made, and the authority's. */
static inline void pki_made_path(const char *serial, char out[PKI_PATH])
{
    (void)snprintf(out, PKI_PATH, PKI_FOLDER "/made/%s.pem", serial);
}

#endif
