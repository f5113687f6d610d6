/* import: a list of devices that somebody brings, compared with what is known, row by row. Nothing is changed here: the rows that say something new
 * become asset.imported records. Columns and rules: docs/inventory.md. */
#ifndef TQ_LAB_IMPORT_H
#define TQ_LAB_IMPORT_H

#include "base/buf.h"
#include "base/error.h"
#include "record/store/store.h"

#define IMPORT_LIST_ROWS 10000 /* rows of one list; those behind it are an error */

enum import_action { IMPORT_CREATE, IMPORT_CHANGE, IMPORT_SAME, IMPORT_AMBIGUOUS, IMPORT_ERROR, IMPORT_ACTIONS };

struct import_row {
    enum import_action action;
    size_t at, n;             /* in texts: what a person is shown, a JSON object */
    size_t event_at, event_n; /* … : what goes on the ledger, a JSON object of texts; of create and change only */
};

struct import_plan {
    struct import_row *rows;
    size_t n;
    int64_t counts[IMPORT_ACTIONS];
    struct buf texts;
    struct buf columns; /* JSON array: the fields that the columns were taken for, null for those that mean nothing here */
    char token[65];     /* of this file on this state */
};

const char *import_action_name(enum import_action action); /* "create" … */

/* NULL: ERR_SYSTEM (the store, memory), or ERR_MISUSE: there is no header row that names a known column; the text says so for a person. */
struct import_plan *import_plan_make(struct store_conn *c, struct span file, struct error *e);
void import_plan_free(struct import_plan *p);

/* ── the other way ── */

/* All devices as such a list. */
int export_csv(struct store_conn *c, struct buf *out, struct error *e);
/* All devices as a CycloneDX 1.6 bill of materials (ECMA-424): components of type device. The same state gives the same bytes. */
int export_cyclonedx(struct store_conn *c, const char *site, struct buf *out, struct error *e);

#endif
