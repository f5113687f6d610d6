/* The whole network before it is folded. Only network*.c include it. */
#ifndef TQ_LAB_NETWORK_PRIVATE_H
#define TQ_LAB_NETWORK_PRIVATE_H

#include "base/buf.h"
#include "lab/inventory/network.h"

struct network_graph {
    struct network_node *nodes; /* devices by asset number, then addresses by text */
    size_t n_nodes, n_devices;
    struct network_edge *links; /* by (a, b), a < b; places in `nodes` above */
    size_t n_links;
    char *texts; /* what the spans of the nodes point to */
};

/* From the graph to what the picture shows: nodes, edges, oddities, zones, counts of `n`. -1: no memory. */
int network_fold(struct network *n, const struct network_query *q, struct error *e);

/* Sorts edges by their ends and adds up those with the same; gives how many are left. */
size_t network_merge(struct network_edge *edges, size_t n);

#endif
