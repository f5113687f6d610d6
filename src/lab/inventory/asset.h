/* asset: a device or system that the lab depends on, known from what it was seen doing and from what people say of it.
 *
 * How evidence becomes devices is told in docs/inventory.md and, as numbered rules, in asset_private.h. Ids are shaped like UUIDv7, made from the
 * first evidence's time and SHA-256 over (site, identity): the same ledger gives the same ids. How sure a role is: told (a person said so), seen (the
 * device said so), inferred (from what it does), unknown. */
#ifndef TQ_LAB_ASSET_H
#define TQ_LAB_ASSET_H

#include "base/error.h"
#include "base/time.h"
#include "lab/catalog/catalog.h"
#include "record/store/store.h"

struct asset_row {
    int64_t n; /* internal number */
    struct span id;
    uint64_t changed;                                                                    /* record that last changed it: its ETag */
    struct span name, title, role, role_basis, maker, model, serial, software, hostname; /* empty: not known */
    struct span class, os, owner, place, criticality, zone;
    struct span behind;               /* id of the terminal server that it is an instrument behind; empty: none */
    struct span ips, macs, protocols; /* JSON arrays of texts, at most 32 each */
    tq_time first_seen, last_seen;    /* 0: never seen, only told of */
    int64_t messages, results_sent, results_received, acks_sent;
    int64_t messages_per_hour; /* over the last 24 hours of the packet clock, or as many as there were */
    int64_t findings_open;
    int64_t instruments; /* behind it */
    int64_t confidence;  /* 0 to 100 */
    bool skew_known;
    int64_t skew_s; /* its clock less the packet clock, without the zone */
    bool retired;
    struct span admission; /* vouched, refused, waiting (for a person), unknown */
};

enum asset_sort { ASSET_BY_TITLE, ASSET_BY_FIRST_SEEN, ASSET_BY_LAST_SEEN, ASSET_BY_UNKNOWN, ASSET_SORTS };

struct asset_query {
    struct span search;                  /* lower-case; empty: all */
    struct span role, zone, criticality; /* empty: all */
    struct span admission;               /* a state of asset_row, or not-vouched: all but vouched; empty: all */
    enum asset_sort sort;
    bool after; /* go on behind this row: */
    struct span after_title;
    int64_t after_time;
    int64_t after_n;
    int64_t limit;
};

/* Row functions get spans that hold during the call. All give 0, or -1 when the store failed. */
typedef void asset_each(void *context, const struct asset_row *row);
int asset_list(struct store_conn *c, const struct asset_query *q, asset_each *each, void *context, struct error *e);
int64_t asset_total(struct store_conn *c, const struct asset_query *q, struct error *e); /* rows that match, whatever the limit; -1: failed */
int64_t asset_unknown(struct store_conn *c, struct error *e);                            /* devices whose role is not known */

/* The device with this id (also the id of an identity that was joined to another one). *ret_found says whether there is one; `each` is then called
 * once. */
int asset_get(struct store_conn *c, struct span id, asset_each *each, void *context, bool *ret_found, struct error *e);
bool asset_name_valid(struct span name); /* 0 to 80 characters of UTF-8 without control characters; an empty name takes the name away */

/* ── what belongs to one device ── */

typedef void asset_why_each(void *context, struct span text, struct span source, tq_time time, int64_t record); /* record -1: none */
/* Plain sentences: why it is taken for what it is, the surest first. */
int asset_why(struct store_conn *c, const struct catalog *catalog, const struct asset_row *row, asset_why_each *each, void *context, struct error *e);

typedef void asset_candidate_each(void *context, const struct catalog_candidate *candidate);
int asset_candidates(struct store_conn *c, const struct catalog *catalog, int64_t n, asset_candidate_each *each, void *context,
                     struct error *e); /* models that it may be, the surest first */

typedef void asset_evidence_each(void *context, tq_time time, struct span source, struct span fields, int64_t record); /* fields: a JSON object */
int asset_evidence(struct store_conn *c, int64_t n, asset_evidence_each *each, void *context, struct error *e);        /* the newest 50 */

struct asset_peer {
    struct span ip, name, app;
    struct span device; /* id; empty: no device of the lab */
    int64_t packets, bytes;
    tq_time last_seen;
};
typedef void asset_peer_each(void *context, const struct asset_peer *peer);
int asset_peers(struct store_conn *c, int64_t n, asset_peer_each *each, void *context, struct error *e); /* the 200 heard from last */

int asset_hours(struct store_conn *c, int64_t n, int64_t ret_hours[24], struct error *e); /* lab messages, the oldest hour first */

typedef void asset_report_each(void *context, struct span code, struct span text, int64_t count);
int asset_reports(struct store_conn *c, int64_t n, asset_report_each *each, void *context, struct error *e); /* the 500 most frequent */

typedef void asset_link_each(void *context, struct span id, struct span title, const char *why); /* why: NULL where there is none to tell */
int asset_instruments(struct store_conn *c, int64_t n, asset_link_each *each, void *context, struct error *e);
int asset_duplicates(struct store_conn *c, int64_t n, asset_link_each *each, void *context, struct error *e); /* other devices that may be this one */

typedef void asset_edit_each(void *context, struct span field, struct span value, struct span person, tq_time time);
int asset_edits(struct store_conn *c, int64_t n, asset_edit_each *each, void *context, struct error *e);

typedef void asset_held_each(void *context, struct span address, tq_time from, tq_time to, bool now);
int asset_address_history(struct store_conn *c, int64_t n, asset_held_each *each, void *context, struct error *e); /* the newest 200 */

/* ── what people decide ── */

size_t asset_editable(const char *const **ret); /* the fields that a person may set, and how many */
/* NULL, or a sentence that says what such a field may hold. An empty value takes the edit back and always fits. */
const char *asset_edit_flaw(const char *field, struct span value);

#define IMPORT_ROWS 100 /* devices in one asset.imported */

struct asset_part {
    bool possible;    /* there is such a part, and something remains without it */
    bool whole;       /* a joined identity goes as a whole */
    int64_t identity; /* that has it */
    char kind[8];     /* ip, mac, serial */
};
/* What a split of the device at this address or serial number would take away. */
int asset_part_find(struct store_conn *c, int64_t n, struct span part, struct asset_part *ret, struct error *e);

/* Are the two devices one (`same`), or found to be different by a person? */
int asset_relation(struct store_conn *c, struct span one, struct span other, bool *ret_found, bool *ret_same, bool *ret_distinct, struct error *e);

/* ── words ── */

/* The plain sentence for a fact: "Calls itself 'XN-1000' in the ASTM header record." */
void asset_sentence(struct buf *out, struct span field, struct span value, struct span source);
/* The sentence about what it does with results; false: it does nothing with them. */
bool asset_role_sentence(struct buf *out, const struct asset_row *row);

#endif
