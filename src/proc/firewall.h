/* firewall: what the warden says to the kernel: netlink messages of nf_tables, made and read here. Pure: no socket, no clock. One table,
 * `inet tourniquet`; nobody else's is named.
 *
 * Governed is what a vendor's network (lab.yaml: warden.vendors) begins with a device's (warden.devices), and the answers to it; everything else
 * passes through the table untouched, also what devices begin with vendors. A door is an element of the sets in4/in6 and out4/out6 with a timeout:
 * the kernel takes it out when its time is over, whoever of ours is alive then, and from that moment no packet of it passes in either direction,
 * whatever connection it belongs to. past4/past6 remember a door for a day longer: connection tracking could take a packet that the device sends late
 * for the beginning of a connection of its own, and let the answers in.
 *
 *   forward ─► inward  (vendor → device)   in? pass (counted) │ past? refuse │ answer to the device's own? pass │ refuse
 *           └► outward (device → vendor)   out? pass (counted) │ past? refuse │ answer to the vendor's? refuse │ pass
 *
 * refuse: a reset for TCP, silence else.
 *
 * A batch is one transaction: firewall_begin, what is to change, firewall_end; all of it happens, or nothing. */
#ifndef TQ_PROC_FIREWALL_H
#define TQ_PROC_FIREWALL_H

#include "proc/door_order.h"

#define FIREWALL_DOORS 256          /* most elements of a set */
#define FIREWALL_BYTES (512u << 10) /* most bytes of a batch */
#define FIREWALL_PAST_MS (INT64_C(24) * 3600 * 1000)

struct firewall_door {
    char id[DOOR_ORDER_ID + 1];
    struct door_way way;
    int64_t ms; /* left */
    uint64_t packets, bytes_up, bytes_down;
};

/* A name that stands for these networks and this version of the rules: of a chain without rules, by which a table is known again. */
void firewall_mark(const char *devices, const char *vendors, char out[16]);

void firewall_begin(struct buf *out);
/* The kernel answers the last message: seq is its number. */
void firewall_end(struct buf *out, uint32_t seq);

/* The whole table, in the place of the one that may be there, with these doors. devices, vendors: networks, a line each. */
void firewall_table(struct buf *out, const char *devices, const char *vendors, const struct firewall_door *doors, size_t n);
void firewall_open(struct buf *out, const struct firewall_door *d);
void firewall_close(struct buf *out, const struct door_way *way); /* the elements must be there: else nothing of the batch happens */

/* Questions, outside a batch: is there a chain of this name; what is in the set "in4" … "out6". */
void firewall_ask_chain(struct buf *out, const char *chain, uint32_t seq);
void firewall_ask_set(struct buf *out, const char *set, uint32_t seq);

/* One piece of an answer, as it was received. 1: it ends there (*ret_errno: 0, or what was wrong, positive); 0: more comes; -1: it is no netlink
 * (ERR_CORRUPT). What does not belong to seq is passed over. Doors of a set are added to doors (may be NULL): a door is known by its id. */
int firewall_read(struct span piece, uint32_t seq, struct firewall_door *doors, size_t *n, int *ret_errno, struct error *e);

bool firewall_same_way(const struct door_way *a, const struct door_way *b);

#endif
