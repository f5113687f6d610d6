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

/* Reads what is kept below the present folder, or makes it: a new authority at the first start, a new server certificate when names changed or the
 * old one ends within 30 days. name: host name of the page; address: where it listens (may be ""). ERR_CORRUPT: what is kept does not open under this
 * key. */
int identity_open(struct identity *ret, const uint8_t key[32], const char *site, const char *name, const char *address, tq_time now, struct error *e);
void identity_release(struct identity *i);

#endif
