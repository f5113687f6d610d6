/* certificate_view: who made or revoked a link's certificate, and why, as the ledger tells. */
#ifndef TQ_LAB_CERTIFICATE_VIEW_H
#define TQ_LAB_CERTIFICATE_VIEW_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

#define CERTIFICATE_MADE "made"
#define CERTIFICATE_REVOKED "revoked"

struct certificate_act {
    uint64_t record;
    tq_time time;
    char person[96]; /* "": the program */
    char why[2048];  /* "" */
};

/* False: the ledger does not tell of it. act: CERTIFICATE_MADE, CERTIFICATE_REVOKED. */
bool certificate_act(struct store_conn *c, const char *serial, const char *act, struct certificate_act *ret);

#endif
