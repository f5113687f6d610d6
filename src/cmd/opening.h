/* What opens a ledger on which nothing runs: for backup and restore. */
#ifndef TQ_CMD_OPENING_H
#define TQ_CMD_OPENING_H

#include "record/ledger/ledger.h"
#include "record/ledger/root.h"
#include "record/ledger/slots.h"

/* The texts are the caller's. */
struct opening {
    const char *key;             /* --key: a root key or a credential; NULL */
    const char *passphrase_file; /* --passphrase-file; NULL: a passphrase is asked for */
    struct buf secret;           /* BUF_SECRET(ROOT_SECRET_MAX) until opening_release */
    struct root_source source;   /* found */
};

/* What the keyring's slots ask for: from the options, or from the person at the terminal. own: what is taken where no --key is given, and may be
 * NULL: a root key's file. `whose` stands in errors: "this backup". ERR_MISUSE: it is not at hand, with the mend. */
int opening_find(struct opening *o, const struct slots *slots, const char *own, const char *whose, struct error *e);
void opening_release(struct opening *o);

/* Opens the ledger of a data folder. source: NULL, the folder's own root.key. */
struct ledger *opened_ledger(const char *data, const struct root_source *source, struct error *e);

#endif
