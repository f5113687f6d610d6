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
#include "proc/link.h"
#include "record/store/store.h"

struct registrar;

/* The present folder is the data folder. site: name of the laboratory. changed: called on any thread when links have to get their certificates anew
 * (MESSAGE_CERTIFIED). NULL: ERR_SYSTEM, ERR_CORRUPT. */
struct registrar *registrar_start(const char *site, void (*changed)(void), struct error *e);
/* The ledger is open. views: read once, now. */
int registrar_open(struct registrar *r, struct appender *a, struct store *views, struct error *e);
void registrar_stop(struct registrar *r); /* no record is made after this; r may be NULL */

/* lab.yaml has a side of a link that speaks TLS: what MESSAGE_CERTIFY says (certify.h). */
void registrar_want(struct registrar *r, struct span told);

/* This side of a link (0 the analyzer's, 1 the LIS's) shows the certificate of another authority. context is not looked at: the one registrar of this
 * process. */
void registrar_seen(void *context, const char *link, int side, const struct link_side_status *s);

extern const struct api_pki registrar_api; /* context of the callbacks: ignored; the one registrar of this process */

#endif
