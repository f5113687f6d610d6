/* What the files of this folder share of an open ledger; nobody outside includes it. */
#ifndef TQ_LEDGER_INSIDE_H
#define TQ_LEDGER_INSIDE_H

#include "record/ledger/entry.h"
#include "record/ledger/journal.h"
#include "record/ledger/ledger.h"
#include "record/ledger/note.h"
#include "record/ledger/segment.h"
#include "record/ledger/tiles.h"

int ledger_dir(const struct ledger *l);
const struct keyring *ledger_ring(const struct ledger *l);

#endif
