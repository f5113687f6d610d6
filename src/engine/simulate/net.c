#include "engine/simulate/net.h"

#include <stdlib.h>

#define US INT64_C(1000)
#define DATAGRAM_IDLE (300 * TIME_SECOND) /* a silence that ends a conversation over UDP */
#define DATAGRAMS_MAX (1U << 20)
#define FLAGS_DATA (PACKET_TCP_PSH | PACKET_TCP_ACK)

int net_init(struct net *n, uint64_t seed, struct error *e)
{
    *n = (struct net){.scratch = BUF_INIT(70000)};
    rng_seed(&n->rng, seed);
    struct hash_key key = {.k0 = seed, .k1 = UINT64_C(0x6c6162)};
    n->datagrams = table_new(key, DATAGRAMS_MAX, sizeof(tq_time));
    if (n->datagrams == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for the simulated lab");
    return 0;
}

void net_release(struct net *n)
{
    struct queue_item item;
    while (queue_take(&n->packets, &item))
        free(item.what);
    queue_release(&n->packets);
    table_free(n->datagrams);
    buf_release(&n->scratch);
}

/* Puts the frame in the scratch buffer on its way. */
static void net_emit(struct net *n, tq_time at)
{
    if (n->scratch.failed || n->failed) {
        n->failed = true;
        return;
    }
    struct packet *p = malloc(sizeof *p + n->scratch.n);
    if (p == NULL || !queue_put(&n->packets, (struct queue_item){.time = at, .what = p})) {
        free(p);
        n->failed = true;
        return;
    }
    p->n = n->scratch.n;
    memcpy(p->bytes, n->scratch.p, n->scratch.n);
    n->truth.packets++;
    n->truth.frame_bytes += n->scratch.n;
}

struct address host_address(const struct host *h, bool ipv6)
{
    struct address a = {.family = ipv6 ? 6 : 4};
    memcpy(a.bytes, ipv6 ? h->ip6 : h->ip, ipv6 ? 16 : 4);
    return a;
}

struct packet_path net_path(struct host *from, const struct host *to, bool ipv6)
{
    struct packet_path path = {.vlan = from->vlan, .ttl = from->ttl, .src = host_address(from, ipv6), .dst = host_address(to, ipv6)};
    path.id = from->ip_id++;
    memcpy(path.mac_src, from->mac, 6);
    memcpy(path.mac_dst, to->mac, 6);
    return path;
}

uint16_t host_port(struct net *n, struct host *h)
{
    h->next_port = (uint16_t)(h->next_port + 1 + rng_below(&n->rng, 3));
    if (h->next_port < 49152)
        h->next_port = 49152;
    return h->next_port;
}

/* ── TCP ── */

void conn_at(struct conn *c, tq_time at)
{
    if (c->clock < at)
        c->clock = at;
}

static void conn_emit(struct conn *c, int from, tq_time at, uint32_t seq, uint32_t ack, uint8_t flags, struct span payload)
{
    struct packet_path path = net_path(c->end[from], c->end[!from], c->ip[0].family == 6);
    struct packet_tcp tcp = {.sport = c->port[from], .dport = c->port[!from], .seq = seq, .ack = ack, .flags = flags, .window = 64240};
    path.src = c->ip[from];
    path.dst = c->ip[!from];
    if ((flags & PACKET_TCP_SYN) != 0)
        tcp.mss = path.src.family == 6 ? 1440 : 1460;
    else if ((flags & PACKET_TCP_RST) != 0)
        tcp.window = 0;
    else
        tcp.window = 501;
    if (payload.n > 0)
        c->net->truth.data_segments++;
    buf_clear(&c->net->scratch);
    packet_write_tcp(&c->net->scratch, &path, &tcp, payload);
    net_emit(c->net, at);
}

void conn_open(struct net *n, struct conn *c, struct host *client, struct host *server, uint16_t port, tq_time at, bool ipv6)
{
    uint16_t mss = c->mss != 0 ? c->mss : (ipv6 ? 1440 : 1460);
    *c = (struct conn){.net = n, .end = {client, server}, .clock = at > c->clock ? at : c->clock, .mss = mss, .trouble = c->trouble, .open = true};
    c->ip[0] = host_address(client, ipv6);
    c->ip[1] = host_address(server, ipv6);
    c->port[0] = host_port(n, client);
    c->port[1] = port;
    c->seq[0] = (uint32_t)rng_next(&n->rng);
    c->seq[1] = (uint32_t)rng_next(&n->rng);
    n->truth.tcp_flows++;
    conn_emit(c, 0, c->clock, c->seq[0]++, 0, PACKET_TCP_SYN, span_of(NULL, 0));
    c->clock += rng_between(&n->rng, 90 * US, 400 * US);
    conn_emit(c, 1, c->clock, c->seq[1]++, c->seq[0], PACKET_TCP_SYN | PACKET_TCP_ACK, span_of(NULL, 0));
    c->clock += rng_between(&n->rng, 60 * US, 300 * US);
    conn_emit(c, 0, c->clock, c->seq[0], c->seq[1], PACKET_TCP_ACK, span_of(NULL, 0));
    c->clock += rng_between(&n->rng, 100 * US, 900 * US);
}

/* The bare acknowledgement of side `from`'s bytes up to `upto`. */
static void conn_ack(struct conn *c, int from, tq_time at, uint32_t upto)
{
    conn_emit(c, !from, at, c->seq[!from], upto, PACKET_TCP_ACK, span_of(NULL, 0));
}

/* A segment that got lost between the tap and the receiver: seen, not acknowledged, sent again after the retransmission timeout. With `recut` the
 * second sending begins at the same byte but holds other bytes too, or only some. Returns the bytes that are through afterwards. */
static size_t send_again(struct conn *c, int from, struct span bytes, size_t take, bool recut)
{
    struct net *n = c->net;
    size_t first = take;
    if (recut && take >= 2)
        first = (size_t)rng_between(&n->rng, 1, (int64_t)take - 1);
    conn_emit(c, from, c->clock, c->seq[from], c->seq[!from], FLAGS_DATA, span_of(bytes.p, first));
    c->clock += rng_between(&n->rng, 200 * TIME_MS, 320 * TIME_MS);
    conn_emit(c, from, c->clock, c->seq[from], c->seq[!from], FLAGS_DATA, span_of(bytes.p, take));
    n->truth.retransmitted++;
    if (first != take)
        n->truth.overlapping++;
    return take;
}

/* Two segments, the second seen first; the receiver says twice that it waits for the first. */
static size_t send_swapped(struct conn *c, int from, struct span bytes, size_t take)
{
    struct net *n = c->net;
    size_t second = bytes.n - take < c->mss ? bytes.n - take : c->mss;
    conn_emit(c, from, c->clock, c->seq[from] + (uint32_t)take, c->seq[!from], FLAGS_DATA, span_of(bytes.p + take, second));
    conn_ack(c, from, c->clock + 25 * US, c->seq[from]);
    c->clock += rng_between(&n->rng, 40 * US, 400 * US);
    conn_emit(c, from, c->clock, c->seq[from], c->seq[!from], PACKET_TCP_ACK, span_of(bytes.p, take));
    n->truth.swapped++;
    return take + second;
}

void conn_send(struct conn *c, int from, struct span bytes, bool quiet)
{
    struct net *n = c->net;
    unsigned unacknowledged = 0;
    while (bytes.n > 0) {
        size_t take = bytes.n < c->mss ? bytes.n : c->mss;
        bool trouble = c->trouble != 0 && rng_one_in(&n->rng, c->trouble);
        size_t through = take;
        if (trouble && bytes.n > take && rng_one_in(&n->rng, 3))
            through = send_swapped(c, from, bytes, take);
        else if (trouble)
            through = send_again(c, from, bytes, take, rng_one_in(&n->rng, 3));
        else
            conn_emit(c, from, c->clock, c->seq[from], c->seq[!from], bytes.n == take ? FLAGS_DATA : PACKET_TCP_ACK, span_of(bytes.p, take));
        c->seq[from] += (uint32_t)through;
        (void)span_skip(&bytes, through);
        c->clock += rng_between(&n->rng, 8 * US, 40 * US);
        unacknowledged++;
        if (unacknowledged == 2 || trouble || (bytes.n == 0 && !quiet)) {
            c->clock += rng_between(&n->rng, 50 * US, 220 * US);
            conn_ack(c, from, c->clock, c->seq[from]);
            c->clock += 5 * US;
            unacknowledged = 0;
        }
    }
}

void conn_inject(struct conn *c, int from, struct span bytes)
{
    conn_emit(c, from, c->clock, c->seq[from] - (uint32_t)bytes.n, c->seq[!from], FLAGS_DATA, bytes);
    c->net->truth.retransmitted++;
    c->net->truth.overlapping++;
    c->clock += rng_between(&c->net->rng, 40 * US, 200 * US);
}

void conn_close(struct conn *c, int from)
{
    if (!c->open)
        return;
    struct net *n = c->net;
    conn_emit(c, from, c->clock, c->seq[from]++, c->seq[!from], PACKET_TCP_FIN | PACKET_TCP_ACK, span_of(NULL, 0));
    c->clock += rng_between(&n->rng, 80 * US, 2000 * US);
    conn_emit(c, !from, c->clock, c->seq[!from]++, c->seq[from], PACKET_TCP_FIN | PACKET_TCP_ACK, span_of(NULL, 0));
    c->clock += rng_between(&n->rng, 60 * US, 300 * US);
    conn_emit(c, from, c->clock, c->seq[from], c->seq[!from], PACKET_TCP_ACK, span_of(NULL, 0));
    c->open = false;
}

void conn_reset(struct conn *c, int from)
{
    if (!c->open)
        return;
    conn_emit(c, from, c->clock, c->seq[from], c->seq[!from], PACKET_TCP_RST | PACKET_TCP_ACK, span_of(NULL, 0));
    c->net->truth.resets++;
    c->open = false;
}

void conn_alive(struct conn *c, int from)
{
    conn_emit(c, from, c->clock, c->seq[from] - 1, c->seq[!from], PACKET_TCP_ACK, span_of(NULL, 0));
    c->clock += rng_between(&c->net->rng, 80 * US, 300 * US);
    conn_emit(c, !from, c->clock, c->seq[!from], c->seq[from], PACKET_TCP_ACK, span_of(NULL, 0));
    c->clock += 100 * US;
}

/* ── UDP, ARP ── */

/* The 5-tuple, the same for both directions. */
static size_t datagram_key(const struct packet_path *path, uint16_t sport, uint16_t dport, uint8_t key[38])
{
    uint8_t side[2][18] = {{0}};
    memcpy(side[0], path->src.bytes, 16);
    memcpy(side[1], path->dst.bytes, 16);
    side[0][16] = (uint8_t)(sport >> 8);
    side[0][17] = (uint8_t)sport;
    side[1][16] = (uint8_t)(dport >> 8);
    side[1][17] = (uint8_t)dport;
    int low = memcmp(side[0], side[1], 18) > 0;
    memcpy(key, side[low], 18);
    memcpy(key + 18, side[!low], 18);
    key[36] = (uint8_t)(path->vlan >> 8);
    key[37] = (uint8_t)path->vlan;
    return 38;
}

void net_datagram(struct net *n, const struct packet_path *path, uint16_t sport, uint16_t dport, struct span payload, tq_time at)
{
    uint8_t key[38];
    bool fresh = false;
    tq_time *last = table_put(n->datagrams, span_of(key, datagram_key(path, sport, dport, key)), &fresh);
    if (last == NULL) {
        n->failed = true;
        return;
    }
    if (fresh || at - *last > DATAGRAM_IDLE)
        n->truth.udp_flows++;
    *last = at;
    buf_clear(&n->scratch);
    packet_write_udp(&n->scratch, path, sport, dport, payload);
    net_emit(n, at);
}

void net_arp(struct net *n, const struct packet_arp *arp, tq_time at)
{
    n->truth.arp++;
    buf_clear(&n->scratch);
    packet_write_arp(&n->scratch, arp);
    net_emit(n, at);
}
