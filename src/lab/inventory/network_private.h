/* The whole network before it is folded. Only network*.c include it. */
#ifndef TQ_LAB_NETWORK_PRIVATE_H
#define TQ_LAB_NETWORK_PRIVATE_H

#include "base/buf.h"
#include "lab/inventory/network.h"

#define NETWORK_SMALL 4000               /* nodes and links: up to there the graph is always of the newest record */
#define NETWORK_AGE (10 * TIME_SECOND)   /* above it, a graph is due when it is so old … */
#define NETWORK_STALE (60 * TIME_SECOND) /* … and serves nobody any more when it is so old */

/* Once it is read, nothing of it changes. */
struct network_graph {
    uint64_t version;           /* records that are in */
    tq_time at;                 /* when it was read, by the monotonic clock */
    int users;                  /* whoever keeps it, and requests in hand */
    struct network_node *nodes; /* devices by asset number, then addresses by text */
    size_t n_nodes, n_devices;
    struct network_edge *links; /* by (a, b), a < b; places in `nodes` above */
    size_t n_links;
    char *texts; /* what the spans of the nodes point to */
    char apps[NETWORK_APPS][32];
    size_t n_apps;
    size_t *places[2]; /* all nodes as the picture shows them: a lane's by zone, or by role */
    struct network_zone zones[NETWORK_ZONES];
    size_t n_zones;
    int64_t zones_total;
};

/* NULL: the store failed (ERR_SYSTEM), or there is no memory. One user. */
struct network_graph *network_graph_read(struct store_conn *c, struct error *e);
uint64_t network_version(struct store_conn *c, struct error *e); /* records that this look at the store holds */

/* What does not depend on the question: orders, zones. -1: no memory. */
int network_prepare(struct network_graph *g, struct error *e);

/* From the graph to what the picture shows: nodes, edges, oddities, zones, counts of `n`. -1: no memory. */
int network_fold(struct network *n, const struct network_query *q, struct error *e);

/* Sorts edges by their ends and adds up those with the same; gives how many are left. */
size_t network_merge(struct network_edge *edges, size_t n);
void network_add(struct network_edge *to, const struct network_edge *more); /* the same for two */

#endif
