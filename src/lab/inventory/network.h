/* network: who talks to whom, over what; and of that a picture that a person can take in, whether there are 5 devices or 10,000.
 *
 * Ends are devices (by asset, so that an address that moved on takes nothing with it), addresses outside the lab, and addresses of the lab's networks
 * that never answered. The picture has four lanes; where a lane is crowded, like devices of one zone fold into a group, and what is odd stays
 * outside.
 *
 * Odd is a link or a device that somebody should look at:
 *  new-device, new-link  first seen since `since`, when there was time before to know what is usual
 *  outside               a device that handles results talks to an address outside the lab
 *  peer                  a device that handles results talks to a kind of device that it usually has nothing to do with (see USUAL)
 *  searching             a device asked many addresses that never answered
 * What at least half of a lane does, and three devices of it or more, counts as usual there. */
#ifndef TQ_LAB_NETWORK_H
#define TQ_LAB_NETWORK_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

#define NETWORK_OPEN 7       /* groups that may be open at once */
#define NETWORK_NODES 400    /* most marks in a picture */
#define NETWORK_EDGES 1200   /* most edges in a picture: the least telling go first */
#define NETWORK_ODD 50       /* most oddities told; they are counted all */
#define NETWORK_ZONES 200    /* most zones listed */
#define NETWORK_APPS 64      /* protocols told apart; the rest is "other" */
#define NETWORK_ZONE_MAX 324 /* bytes of a zone's name */

enum network_kind { NETWORK_DEVICE, NETWORK_OUTSIDE, NETWORK_SILENT, NETWORK_GROUP };
enum network_lane { LANE_ANALYZER, LANE_MIDDLEWARE, LANE_LIS, LANE_OTHER, LANES };
enum network_crypt { CRYPT_NO, CRYPT_UNKNOWN, CRYPT_YES };
enum network_oddity { ODD_NONE, ODD_NEW_LINK, ODD_NEW_DEVICE, ODD_SEARCHING, ODD_PEER, ODD_OUTSIDE, ODDITIES };

struct network_query {
    struct span zone;            /* only what is in this zone, and whom it talks to; empty: all */
    struct span at;              /* id of a device that must not be folded; empty: none */
    tq_time since;               /* 0: see window */
    tq_time window;              /* nanoseconds before the newest traffic; 0: the last seven days, but not the first day of listening */
    uint32_t open[NETWORK_OPEN]; /* groups to open; 0: none */
};

/* Texts of nodes and edges lie in the network and hold as long as it. */
struct network_node {
    struct span id, title, role, role_basis, zone, address;
    enum network_kind kind;
    enum network_lane lane;
    uint32_t group; /* of a group: its number, for network_query.open; of others: the open group they come from, or 0 */
    int64_t members;
    int64_t findings; /* open ones above info */
    int64_t rank;     /* of the worst of them */
    tq_time first_seen, last_seen;
    bool fresh;     /* new */
    bool zone_told; /* by a person */
    enum network_oddity odd;
    /* while it is made */
    int64_t asset, behind;
    uint8_t class;   /* kind of device, as far as it matters who talks to whom */
    uint32_t peers;  /* bit: kinds of device it talks to */
    uint32_t silent; /* addresses it asked in vain */
    size_t shown;    /* its place in the picture */
};

struct network_edge {
    size_t a, b; /* places in `nodes` */
    uint64_t apps;
    enum network_crypt crypt;
    bool lab; /* lab messages pass */
    bool fresh;
    enum network_oddity odd;
    int64_t links; /* pairs of devices in it */
    int64_t packets, bytes, messages;
    tq_time first_seen, last_seen;
};

struct network_odd {
    enum network_oddity kind;
    const struct network_node *a, *b; /* b: NULL for new-device and searching */
    uint64_t apps;
    int64_t share, of; /* peer, outside: so many of so many devices of that role do it; searching: addresses */
    tq_time first_seen, last_seen;
};

struct network_zone {
    struct span name;
    bool told; /* by a person; else a subnet */
    int64_t devices;
};

struct network {
    tq_time from, until; /* first and newest traffic; 0: none */
    tq_time since;       /* what counts as new was first seen from here on */
    bool judged;         /* whether there was time before it to compare with */
    struct network_node *nodes;
    size_t n_nodes;
    struct network_edge *edges;
    size_t n_edges;
    bool cut; /* not all nodes or edges are in the picture */
    struct network_odd odd[NETWORK_ODD];
    size_t n_odd;
    struct network_zone zones[NETWORK_ZONES];
    size_t n_zones;
    int64_t zones_total, devices, outside, silent, links, links_lab, links_lab_clear, links_new, odd_total;
    char apps[NETWORK_APPS][32];
    size_t n_apps;
    struct network_keeper *keeper; /* NULL: the graph is its own */
    struct network_graph *graph;   /* everything, before folding */
    struct network_node *all;      /* all nodes, as they are judged for this question: oddities point to them */
};

/* Reads and folds; NULL: the store failed (ERR_SYSTEM) or there is no memory. Free it with network_free. */
struct network *network_read(struct store_conn *c, const struct network_query *q, struct error *e);

/* Keeps the graph between requests, of any number of threads: reading 10,000 devices and 100,000 conversations takes a good part of a second. */
struct network_keeper;
struct network_keeper *network_keeper_new(void);    /* NULL: no memory */
void network_keeper_free(struct network_keeper *k); /* NULL: nothing; no network of it is in hand any more */
/* As network_read, with the graph that `k` keeps. In a small network that is always the newest. In a large one (above 4,000 devices and pairs that
 * talk) traffic may be missing that came within the last minute; once ten seconds are missing the graph is due. `decided` records are in, whatever
 * their age: what a person decided shows at once. now: monotonic. The network is freed before `k` is. */
struct network *network_kept(struct network_keeper *k, struct store_conn *c, const struct network_query *q, uint64_t decided, tq_time now,
                             struct error *e);
void network_free(struct network *n);
/* Where the graph is due: network_renew reads it anew, so that the next question need not wait for that. For whoever has just answered and has time;
 * any thread, with a look at the store. What goes wrong shows at the next question. */
bool network_due(struct network_keeper *k);
void network_renew(struct network_keeper *k, struct store_conn *c, tq_time now);

const char *network_oddity_name(enum network_oddity kind); /* "new-link" … */
const char *network_crypt_name(enum network_crypt crypt);  /* "no", "unknown", "yes" */
const char *network_lane_name(enum network_lane lane);     /* "analyzer" … "other" */
enum network_crypt network_app_crypt(struct span app);     /* what is known of a protocol by its name alone */

#endif
