/* registrar: the keeper's thread that keeps the certificates of links in force: makes those that are missing, renews those that are due, tells which
 * ones end soon (the finding certificate.expiring, which ends by itself), and does for the request handlers what they ask for (struct api_pki).
 *
 * It works while the ledger is locked: its files lie outside the root key (pki_files.h). What happened meanwhile, or was cut off between list and
 * ledger, is recorded once the ledger is open. */
#ifndef TQ_PROC_REGISTRAR_H
#define TQ_PROC_REGISTRAR_H

#include "door/api/certificate.h"
#include "proc/appender.h"
#include "proc/certify.h"
#include "record/store/store.h"

struct registrar;

/* The present folder is the data folder. site: name of the laboratory. changed: called on any thread when links have to get their certificates anew
 * (MESSAGE_CERTIFIED). NULL: ERR_SYSTEM, ERR_CORRUPT. */
struct registrar *registrar_start(const char *site, void (*changed)(void), struct error *e);
/* The ledger is open. views: read once, now. */
void registrar_open(struct registrar *r, struct appender *a, struct store_conn *views);
void registrar_stop(struct registrar *r); /* no record is made after this; r may be NULL */

/* lab.yaml has this side of a link. */
void registrar_want(struct registrar *r, const struct certify *x);

/* A peer of a link showed this certificate, of another authority, in a handshake that went well. */
void registrar_seen(struct registrar *r, const char *link, enum link_tls_side side, const struct link_tls_peer *peer);

extern const struct api_pki registrar_api; /* context of the callbacks: ignored; the one registrar of this process */

#endif
