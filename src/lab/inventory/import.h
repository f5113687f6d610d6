/* import: a list of devices that somebody brings, compared with what is known, row by row. Nothing is changed here: the rows that say something new
 * become asset.imported records. A list can be taken back as a whole. Columns and rules: docs/inventory.md. */
#ifndef TQ_LAB_IMPORT_H
#define TQ_LAB_IMPORT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

#define IMPORT_LIST_ROWS 10000 /* rows of one list; those behind it are an error */

enum import_action { IMPORT_CREATE, IMPORT_CHANGE, IMPORT_SAME, IMPORT_AMBIGUOUS, IMPORT_ERROR, IMPORT_ACTIONS };

struct import_row {
    enum import_action action;
    const char *why;          /* of ambiguous and error: a sentence of ours; NULL */
    size_t at, n;             /* in texts: what a person is shown, the members of a JSON object */
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

/* ── taken back ── */

struct import_list {
    int64_t record; /* the first that tells it */
    struct span person, undone_person;
    tq_time time, undone_time; /* undone_time 0: it stands */
    int64_t devices;
};
typedef void import_list_each(void *context, const struct import_list *list);
/* Those that are kept, the newest first; record: just this one; -1: all. 0, or -1 when the store failed. */
int import_lists(struct store_conn *c, int64_t record, import_list_each *each, void *context, struct error *e);

/* What taking a list back would do, one row a device: CHANGE goes back to what was said before, CREATE goes (the list had made it, and nobody has
 * heard or said anything of it since), AMBIGUOUS keeps at least one value, or is still there; just these have a text to show. held: ids of devices
 * that do not go, each on a line (they have certificates). NULL: ERR_SYSTEM. */
struct import_plan *import_back_make(struct store_conn *c, int64_t list, struct span held, struct error *e);

/* ── the other way ── */

/* All devices as such a list. */
int export_csv(struct store_conn *c, struct buf *out, struct error *e);
/* All devices as a CycloneDX 1.6 bill of materials (ECMA-424): components of type device. The same state gives the same bytes. */
int export_cyclonedx(struct store_conn *c, const char *site, struct buf *out, struct error *e);

#endif
