/* identity: the site's authority and the certificate of its page. Kept by the keeper in DATA/identity.sealed under a key derived from the ledger's
 * root key; DATA/authority.pem is the authority's certificate in clear, for installing on the lab's computers. */
#ifndef TQ_PROC_IDENTITY_H
#define TQ_PROC_IDENTITY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "record/crypto/authority.h"

#define IDENTITY_FILE "identity.sealed"

struct identity {
    struct buf chain;                        /* PEM: server certificate, then authority */
    struct buf key;                          /* PEM, secret */
    char fingerprint[AUTHORITY_FINGERPRINT]; /* of the authority */
    bool created;                            /* the authority was made just now */
};

/* What the server's certificate names; "": nothing. */
struct identity_names {
    const char *page;    /* host name of the page */
    const char *address; /* where it listens */
    const char *landing; /* host names of further doors */
    const char *postbox;
};

/* Reads what is kept below the present folder, or makes it: a new authority at the first start, a new server certificate when names changed or the
 * old one ends within 30 days. ERR_CORRUPT: what is kept does not open under this key. */
int identity_open(struct identity *ret, const uint8_t key[32], const char *site, const struct identity_names *names, tq_time now, struct error *e);
void identity_release(struct identity *i);

/* DATA/page.pem: server certificate, authority and the page's key outside the root key, so that the page answers while the ledger waits for a
 * passphrase. The authority's own key is not there. Whoever takes the disk can pose as the page until that certificate ends. */
int identity_keep_page(struct span chain, struct span key, struct error *e);
int identity_drop_page(struct error *e);
/* Reads it. *ret_there false: there is none. */
int identity_open_page(struct identity *ret, bool *ret_there, struct error *e);

#endif
