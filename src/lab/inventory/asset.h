/* asset: a device or system that the lab depends on, known from what it was seen doing.
 *
 * Evidence is joined by MAC address where it is that of the device on its own segment (ARP, neighbour discovery, DHCP), else by IP address. Ids are
 * shaped like UUIDv7, made from the first evidence's time and SHA-256 over (site, identity): the same ledger gives the same ids. A role says how sure
 * it is: told (a person said so), seen (the device said so), inferred (from what it does), unknown. */
#ifndef TQ_LAB_ASSET_H
#define TQ_LAB_ASSET_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct asset_row {
    int64_t n; /* internal number */
    struct span id;
    uint64_t changed;                                                                    /* record that last changed it: its ETag */
    struct span name, title, role, role_basis, maker, model, serial, software, hostname; /* empty: not known */
    tq_time first_seen, last_seen;
    int64_t messages, results_sent, results_received, acks_sent;
    int64_t findings_open;
};

enum asset_sort { ASSET_BY_TITLE, ASSET_BY_FIRST_SEEN, ASSET_BY_LAST_SEEN, ASSET_SORTS };

struct asset_query {
    struct span search; /* lower-case; empty: all */
    struct span role;   /* empty: all */
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

/* The asset with this id (also an id that was joined with another since). *ret_found says whether there is one; `each` is then called once. */
int asset_get(struct store_conn *c, struct span id, asset_each *each, void *context, bool *ret_found, struct error *e);
bool asset_name_valid(struct span name); /* 0 to 80 characters of UTF-8 without control characters; an empty name takes the name away */

/* What belongs to one asset. */
typedef void asset_text_each(void *context, struct span text);
int asset_addresses(struct store_conn *c, int64_t n, const char *kind, asset_text_each *each, void *context, struct error *e); /* "ip", "mac" */
int asset_protocols(struct store_conn *c, int64_t n, asset_text_each *each, void *context, struct error *e);

typedef void asset_fact_each(void *context, struct span field, struct span value, struct span source, tq_time time);
int asset_facts(struct store_conn *c, int64_t n, asset_fact_each *each, void *context, struct error *e);

typedef void asset_evidence_each(void *context, tq_time time, struct span source, struct span fields); /* fields: a JSON object */
int asset_evidence(struct store_conn *c, int64_t n, asset_evidence_each *each, void *context, struct error *e);

struct asset_peer {
    struct span ip, name, app;
    int64_t packets, bytes;
    tq_time last_seen;
};
typedef void asset_peer_each(void *context, const struct asset_peer *peer);
int asset_peers(struct store_conn *c, int64_t n, asset_peer_each *each, void *context, struct error *e); /* the 200 heard from last */

/* The plain sentence for a fact: "Calls itself 'XN-1000' in the ASTM header record." */
void asset_sentence(struct buf *out, struct span field, struct span value, struct span source);
/* The sentence about what it does with results; false: it does nothing with them. */
bool asset_role_sentence(struct buf *out, const struct asset_row *row);

#endif
