/* What supervisor and keeper say to each other about the certificates of links (MESSAGE_CERTIFY). */
#ifndef TQ_PROC_CERTIFY_H
#define TQ_PROC_CERTIFY_H

#include "base/buf.h"
#include "base/error.h"
#include "proc/link_tls.h"

#define CERTIFY_NAMES 1024
#define CERTIFY_MAX (CERTIFY_NAMES + LINK_TLS_NAME + 16)

/* A side of a link that speaks TLS: the keeper keeps a certificate in force for it. */
struct certify {
    char link[LINK_TLS_NAME];
    enum link_tls_side side;
    char names[CERTIFY_NAMES]; /* host names and addresses of this program on that side, commas between; at least one */
};

void certify_encode(struct buf *out, const struct certify *x);
int certify_decode(struct span in, struct certify *ret, struct error *e); /* ERR_PEER */

#endif
