/* The lab's network: hosts, packets on their way, TCP connections and datagrams. Everything is written into the queue of packets at its time.
 *
 * A connection is driven by scripts: each call writes the packets of one step and moves conn.clock on. A script must not begin before the queue's
 * present, so callers start with conn_at. */
#ifndef TQ_SIMULATE_NET_H
#define TQ_SIMULATE_NET_H

#include "base/error.h"
#include "base/table.h"
#include "engine/simulate/queue.h"
#include "engine/simulate/random.h"
#include "wire/packet_write.h"

struct host {
    char name[24];
    const char *vendor_class; /* of its DHCP client; NULL: it has a fixed address */
    uint8_t mac[6];
    uint8_t ip[4];
    uint8_t ip6[16]; /* all zero: none */
    uint16_t vlan;
    uint8_t ttl;
    uint16_t next_port;
    uint16_t ip_id;
};

struct net_truth {
    uint64_t packets;
    uint64_t frame_bytes;
    uint64_t tcp_flows;
    uint64_t udp_flows;
    uint64_t data_segments;
    uint64_t retransmitted; /* segments whose payload, or part of it, had been sent before */
    uint64_t overlapping;   /* of those: cut elsewhere than the first time */
    uint64_t swapped;       /* pairs of segments in the wrong order */
    uint64_t resets;
    uint64_t arp;
};

struct net {
    struct rng rng;
    struct queue packets;
    struct table *datagrams; /* 5-tuple → time of the last packet */
    struct buf scratch;
    struct net_truth truth;
    bool failed; /* no memory: sticky */
};

struct packet {
    size_t n;
    uint8_t bytes[];
};

int net_init(struct net *n, uint64_t seed, struct error *e);
void net_release(struct net *n);

struct conn {
    struct net *net;
    struct host *end[2]; /* 0: the side that opened */
    struct address ip[2];
    uint16_t port[2];
    uint32_t seq[2]; /* next to send */
    tq_time clock;
    uint16_t mss;     /* most payload bytes of one segment */
    uint32_t trouble; /* one segment in so many is lost behind the tap, cut differently or swapped; 0: none */
    bool open;
};

/* Moves the connection's clock on to at (it never goes back). */
void conn_at(struct conn *c, tq_time at);

/* Opens a connection at `at`: SYN, SYN-ACK, ACK. ipv6: both hosts must have such an address. */
void conn_open(struct net *n, struct conn *c, struct host *client, struct host *server, uint16_t port, tq_time at, bool ipv6);

/* Sends bytes from side `from`. quiet: the other side acknowledges with the answer that it is about to send. */
void conn_send(struct conn *c, int from, struct span bytes, bool quiet);
/* Somebody in between sends other bytes in the place of the last ones that `from` sent. */
void conn_inject(struct conn *c, int from, struct span bytes);
void conn_close(struct conn *c, int from); /* FIN both ways */
void conn_reset(struct conn *c, int from); /* RST */
void conn_alive(struct conn *c, int from); /* a keep-alive probe and its answer */

/* One datagram, at `at`. */
void net_datagram(struct net *n, const struct packet_path *path, uint16_t sport, uint16_t dport, struct span payload, tq_time at);
void net_arp(struct net *n, const struct packet_arp *arp, tq_time at);

struct packet_path net_path(struct host *from, const struct host *to, bool ipv6);
uint16_t host_port(struct net *n, struct host *h); /* the next ephemeral port */
struct address host_address(const struct host *h, bool ipv6);

#endif
