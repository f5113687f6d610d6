/* What the files of the inventory share. Only they include it.
 *
 * Rules by which evidence becomes devices (docs/inventory.md tells them with examples; tests/unit/lab/test_inventory.c tests them one by one). An
 * identity is a row of `asset`; a device is all identities with one root.
 *
 *  1. Evidence of the device's own segment (ARP, neighbour discovery, DHCP, LLDP, CDP) belongs to the identity that holds the MAC address.
 *  2. Other evidence belongs to the identity that holds the IP address at that time; nobody holds it: a new identity.
 *  3. An identity known by an IP address alone, seen within a day, is the device whose MAC address turns up with that IP address (if that has another
 *     IP address already, only within an hour of its first sight).
 *  4. An IP address that turns up with another MAC address moves there; what was seen before stays where it was (DHCP).
 *  5. A MAC address that brings other evidence joins nothing: it may be a router's. Three addresses of foreign networks behind one make its holder
 *     network gear.
 *  6. Two identities that name the same serial number and model are one device, unless they talk to each other, or one receives results.
 *  7. Senders that take turns at one address in ASTM or POCT1-A are instruments behind a terminal server, each a device of its own; so is even a
 *     single one where the address belongs to a terminal server by maker or catalog.
 *  8. An address that receives results is no terminal server and no pass-through of rule 6: it carries other devices' names (middleware). What those
 *     rules had done there is undone. Three senders in HL7 that take turns show middleware too.
 *  9. What a person decided (one, two, different) stands against all rules above; the newest decision counts. */
#ifndef TQ_LAB_ASSET_PRIVATE_H
#define TQ_LAB_ASSET_PRIVATE_H

#include "lab/catalog/catalog.h"
#include "lab/inventory/asset.h"
#include "lab/views_private.h"

#define VALUE_MAX 256      /* most bytes of a fact, an edit */
#define IMPORT_ADDRESSES 8 /* IP addresses of one row of a list, and MAC addresses */
#define BROWSES 3          /* conversations as people have them, from which on a device without a service counts as a workstation */

/* ── small helps ── */

/* The first column of the first row; 0 where there is none. *rc becomes -1 when the store failed. */
int64_t number_of(struct store_stmt *q, struct error *e, int *rc);
int run2(struct store_conn *w, const char *sql, int64_t first, int64_t second, struct error *e); /* binds ?1, ?2 and runs */
bool one_of(struct span text, const char *const *list, size_t n);

/* ── addresses (address.c) ── */

bool mac_of_one_device(struct span mac);

/* ── identities (asset_identity.c) ── */

int64_t asset_holder(struct store_conn *w, const char *kind, struct span value, int *rc, struct error *e); /* now; 0: nobody */
int asset_hold(struct apply *a, int64_t asset, const char *kind, struct span value, struct error *e);
/* A new identity; 0: the inventory is full. `behind`: an instrument there; 0: none. Where kind is "ip" or "mac", it holds that address. */
int asset_make(struct apply *a, const char *kind, struct span value, int64_t behind, int64_t *ret_asset, struct error *e);
int64_t asset_root(struct store_conn *w, int64_t asset, int *rc, struct error *e);
int asset_changed(struct apply *a, int64_t asset, struct error *e); /* the device changed: its ETag, a notice */
/* Whose evidence this is: rules 1 to 4. 0: nobody's. */
int asset_whose(struct apply *a, struct span ip, struct span mac, int64_t *ret_asset, struct error *e);
/* `from` is the same device as `into`. by: mac, serial, carries, person. */
int asset_link(struct apply *a, int64_t from, int64_t into, const char *by, struct error *e);
int asset_unlink(struct apply *a, int64_t asset, struct error *e); /* and those that were joined to it stay with it */
/* A person found the two devices to be different. */
bool asset_are_distinct(struct store_conn *w, int64_t one, int64_t other, int *rc, struct error *e);
int asset_set_distinct(struct apply *a, int64_t one, int64_t other, struct error *e);
int asset_routed(struct apply *a, struct span ip, struct span mac, struct error *e); /* rule 5 */
int asset_same_serial(struct apply *a, int64_t asset, struct error *e);              /* rule 6 */
int asset_no_relay(struct apply *a, int64_t asset, struct error *e);                 /* rule 8: it receives results */

/* ── instruments (asset_voice.c) ── */

/* Who of those behind this address sent the message: an instrument, or the identity itself. */
int asset_voice(struct apply *a, const struct asset_traffic *t, int64_t *ret_asset, struct error *e);
/* Who of them a header record is about. */
int asset_voice_of(struct apply *a, int64_t asset, struct span name, int64_t *ret_asset, struct error *e);

/* ── what it is (asset_judge.c) ── */

int asset_put_fact(struct apply *a, int64_t asset, const char *field, struct span source, struct span voice, struct span value, bool *ret_new,
                   struct error *e);
/* Looks at everything that is known of the device, and writes what follows from it. `changed` moves only when something did. */
int asset_judge(struct apply *a, int64_t asset, struct error *e);
bool asset_role_known(struct span role);

/* ── the catalog (asset_catalog.c) ── */

#define ASSET_CANDIDATES 8

struct asset_match {
    size_t pieces_n;
    struct catalog_piece pieces[CATALOG_PIECES];
    size_t found_n;
    struct catalog_candidate found[ASSET_CANDIDATES]; /* the surest first; they point into the pieces */
};
int asset_match(struct store_conn *c, const struct catalog *catalog, int64_t root, struct asset_match *m, struct error *e);

/* What a match gives, without its reasons. */
struct asset_guess {
    int confidence;
    struct span maker, model, serial, software, class;
};
/* The same, surest first, matched anew only where the evidence is not what it was: a quarter of what evidence costs that only says again what is
 * known. The guesses hold until the next call. Only the projector calls it. */
int asset_guesses(struct apply *a, int64_t root, const struct asset_guess **ret, size_t *ret_n, struct error *e);
struct asset_memos *asset_memos_new(void); /* NULL: no memory */
void asset_memos_free(struct asset_memos *m);

/* ── admission (admission.c) ── */

/* What follows from what was decided is written on the root's row; *ret_moved becomes true where that is another state. */
int admission_judge(struct apply *a, int64_t root, bool *ret_moved, struct error *e);

/* ── a person's word (asset_edit.c) ── */

/* The identity that a decision is about; 0: none. An id comes from the record in which a device was first heard. Where that was kept long enough and
 * is removed, a rebuilt view gave the device another one, or has not heard it yet: then it is the one at an address that it had when people decided
 * (addresses with spaces between); `row` tells several devices of one record apart. */
int64_t asset_decided(struct apply *a, size_t row, struct span id, struct span ips, struct span macs, int *rc, struct error *e);

int64_t asset_by_id(struct apply *a, struct span id, int *rc, struct error *e); /* the identity whose id this is; 0: none */

int asset_put_edit(struct apply *a, int64_t asset, const char *field, struct span value, struct error *e); /* an empty value takes it back */

/* ── lists that can be taken back (asset_list.c) ── */

int asset_list_begin(struct apply *a, int64_t list, struct error *e);
/* Keeps what a person had said before of this field; "": the list made the device. */
int asset_list_note(struct apply *a, int64_t list, int64_t asset, const char *field, struct error *e);

#endif
