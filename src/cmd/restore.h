/* What backup and restore share. */
#ifndef TQ_CMD_RESTORE_H
#define TQ_CMD_RESTORE_H

#include "record/ledger/ledger.h"
#include "record/ledger/root.h"

/* Opens the ledger of a data folder on which nothing runs. source: NULL, the folder's own root.key. */
struct ledger *opened_ledger(const char *data, const struct root_source *source, struct error *e);

#endif
