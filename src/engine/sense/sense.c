/* One packet's way: clock → link → IP (fragments) → flow → TCP stream or datagram; and what is common to all records.
 *
 * 1. Nothing here allocates for a packet that is in order and belongs to a known flow.
 * 2. `now` is the packet clock: it never goes back by less than an hour, and a single packet cannot move it by more. Times are held within ±TIME_END.
 * 3. Every record of the room is numbered as it goes into the sink.
 * 4. Wrong checksums are accepted (see wire/tcp.h, wire/udp.h, wire/ip.h). */
#include "engine/sense/sense.h"

#include "base/table.h"
#include "engine/sense/app.h"
#include "engine/sense/attempts.h"
#include "engine/sense/claims.h"
#include "engine/sense/evidence.h"
#include "engine/sense/flow.h"
#include "engine/sense/fragment.h"
#include "engine/sense/labels.h"
#include "engine/sense/tcp_stream.h"
#include "wire/ip.h"
#include "wire/link.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <stdio.h>
#include <stdlib.h>

#define TIME_END (((tq_time)1 << 62) - 1) /* years 1823 to 2116: the difference of any two such times fits */
#define LEAP (3600 * TIME_SECOND)         /* a step of the packet clock that one packet alone cannot make */
#define BULK_BYTES 65536                  /* of one direction: what a stream is shows before that */
#define BULK_DATAGRAMS 16                 /* of one flow */
#define LAB_ENDS 1024                     /* a power of two: ends of lab connections that are remembered when these are over */
#define LABELS 512                        /* labels counted apart */
#define UNKNOWN_TYPES 8                   /* unknown link types told apart */

/* Together with what every flow takes (a third of a KiB, and two thirds more once it carries payload of no known kind) these keep the whole program
 * below 192 MiB when all of them are reached at once; half-open connections alone below 64 MiB. */
const struct sense_limits sense_default_limits = {
    .flows = 114688,
    .fragments = 2u << 20,
    .reassembly_flow = 256u << 10,
    .reassembly_total = 12u << 20,
    .message = 4u << 20,
    .messages_total = 24u << 20,
};

enum damage { DAMAGE_LINK, DAMAGE_ARP, DAMAGE_IP, DAMAGE_TCP, DAMAGE_UDP, DAMAGE_CUT, DAMAGE_TYPE, DAMAGE_KINDS };

static const char *const damage_names[DAMAGE_KINDS] = {
    [DAMAGE_LINK] = "a frame that ends inside its link headers",
    [DAMAGE_ARP] = "an ARP packet that is cut or not for IPv4 over Ethernet",
    [DAMAGE_IP] = "an IP header that is cut or contradicts itself",
    [DAMAGE_TCP] = "a TCP header that is cut or whose data offset cannot be true",
    [DAMAGE_UDP] = "a UDP header that is cut or whose length cannot be true",
    [DAMAGE_CUT] = "a packet shorter than its headers say (cut by the capture)",
    [DAMAGE_TYPE] = "a link type that is not known",
};

#define LABEL_TEXT 64

struct label_count {
    char label[LABEL_TEXT];
    uint64_t count;
};

struct sense {
    struct sense_options options;
    struct sense_stats stats;
    struct flows *flows;
    struct fragments *fragments;
    struct evidence *evidence; /* NULL: not asked for */
    struct claims *claims;     /* NULL: likewise */
    struct attempts *attempts; /* NULL: nobody takes records */
    struct table *labels;      /* of flows that are over → uint64_t */
    struct app_context *app;
    struct streams streams;
    tq_time now;
    tq_time leap;  /* where the last packet that did not fit the clock stood; 0: it fitted */
    tq_time sweep; /* when to look for idle flows again */
    uint64_t seq;
    uint64_t touched;            /* id of the flow of the packet in hand; 0: none yet */
    struct flow *last;           /* the flow of a packet a moment ago, often of this one too; NULL: it is over */
    enum shed shed;              /* what is not looked at now */
    bool passed;                 /* the packet in hand was shed */
    uint32_t lab_ends[LAB_ENDS]; /* digests of address, port and VLAN of who was spoken to; a later one takes an earlier one's place */
    uint64_t damage[DAMAGE_KINDS];
    struct {
        uint32_t linktype;
        uint64_t count;
    } unknown[UNKNOWN_TYPES];
    struct record closed; /* flow.closed in the making */
};

/* ── records ── */

/* What the flow carries: our own word where we have one, else nDPI's; with the application inside, where nDPI knows it: "tls.teamviewer". */
static const char *label_of(const struct flow *f, char *room, size_t size)
{
    const char *own = f->label != NULL ? f->label : f->app != NULL ? app_label(f->app) : "";
    if (own[0] == '\0')
        own = f->foreign == NULL ? "" : f->foreign;
    if (f->application == NULL || f->foreign == NULL || strcmp(own, f->foreign) != 0)
        return own;
    (void)snprintf(room, size, "%s.%s", own, f->application);
    return room;
}

static void flow_record(struct sense *s, const struct flow *f, const char *label, const char *reason)
{
    struct record *r = &s->closed;
    record_start(r, EVENT_FLOW_CLOSED, f->last, &f->ref);
    record_int(r, KEY_PACKETS, (int64_t)f->packets);
    record_int(r, KEY_BYTES_UP, (int64_t)f->bytes[0]);
    record_int(r, KEY_BYTES_DOWN, (int64_t)f->bytes[1]);
    record_int(r, KEY_DURATION_NS, f->last > f->first ? f->last - f->first : 0);
    if (label[0] != '\0')
        record_str(r, KEY_APP, label);
    record_str(r, KEY_REASON, reason);
    if (f->gaps > 0)
        record_int(r, KEY_GAPS, f->gaps);
    if (f->retransmitted > 0)
        record_int(r, KEY_RETRANSMITTED, f->retransmitted);
    record_put(&s->options.sink, r);
}

/* ── life of a sense ── */

static size_t or_default(size_t limit, size_t otherwise)
{
    return limit == 0 ? otherwise : limit;
}

static struct sense_limits complete(const struct sense_limits *l)
{
    const struct sense_limits *d = &sense_default_limits;
    return (struct sense_limits){
        .flows = or_default(l->flows, d->flows),
        .fragments = or_default(l->fragments, d->fragments),
        .reassembly_flow = or_default(l->reassembly_flow, d->reassembly_flow),
        .reassembly_total = or_default(l->reassembly_total, d->reassembly_total),
        .message = or_default(l->message, d->message),
        .messages_total = or_default(l->messages_total, d->messages_total),
    };
}

static void start_of_stream(void *context, struct flow *f, int direction, struct span bytes, tq_time time)
{
    struct sense *s = context;
    evidence_start(s->evidence, f, direction, bytes, time);
}

static int make_parts(struct sense *s, struct error *e)
{
    const struct sense_limits *l = &s->options.limits;
    s->options.sink.seq = &s->seq;
    s->flows = flows_new(&s->options.hash_key, l->flows);
    s->fragments = fragments_new(l->fragments);
    s->labels = table_new(s->options.hash_key, LABELS, sizeof(uint64_t));
    if (s->flows == NULL || s->fragments == NULL || s->labels == NULL || streams_init(&s->streams, l, e) != 0)
        return err_set(e, ERR_SYSTEM, "no memory to look into traffic");
    if (s->options.flow_records && s->options.sink.put != NULL) {
        s->evidence = evidence_new(&s->options.hash_key, &s->options.sink);
        s->claims = claims_new(&s->options.hash_key, &s->options.sink);
        if (s->evidence == NULL || s->claims == NULL)
            return err_set(e, ERR_SYSTEM, "no memory to look into traffic");
    }
    if (s->options.sink.put != NULL) {
        s->attempts = attempts_new(&s->options.hash_key, &s->options.sink);
        if (s->attempts == NULL)
            return err_set(e, ERR_SYSTEM, "no memory to look into traffic");
    }
    s->app = app_context_new(&s->options, &s->stats, e);
    if (s->app == NULL)
        return -1;
    s->streams.app = s->app;
    s->streams.stats = &s->stats;
    s->streams.flows = s->flows;
    s->streams.hellos = s->evidence != NULL;
    s->streams.start = start_of_stream;
    s->streams.start_context = s;
    return 0;
}

struct sense *sense_new(const struct sense_options *options, struct error *e)
{
    struct sense_limits limits = complete(&options->limits);
    if (limits.flows > 1u << 24 || limits.message > limits.messages_total || limits.reassembly_flow > limits.reassembly_total) {
        (void)err_set(e, ERR_MISUSE, "limits that make no sense: at most 16777216 flows, and no part may be larger than its total");
        return NULL;
    }
    struct sense *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory to look into traffic");
        return NULL;
    }
    s->options = *options;
    s->options.limits = limits;
    if (make_parts(s, e) != 0) {
        sense_free(s);
        return NULL;
    }
    flows_begin_behind(s->flows, options->first_flow);
    return s;
}

static void end_flow(struct sense *s, struct flow *f, const char *reason)
{
    stream_end(&s->streams, f, s->now);
    char room[LABEL_TEXT];
    const char *label = label_of(f, room, sizeof room);
    uint64_t *count = table_put(s->labels, label[0] == '\0' ? SPAN_LIT("unknown") : span_str(label), NULL);
    if (count != NULL)
        (*count)++;
    if (f->asked != NULL)
        labels_forget(s->options.labels, &f->asked);
    if (f->app != NULL)
        app_close(s->app, &f->app, &f->ref, s->now);
    if (s->options.flow_records)
        flow_record(s, f, label, reason);
    if (s->evidence != NULL)
        evidence_close(s->evidence, f);
    if (s->attempts != NULL && f->side[0].flags & SIDE_ISN && f->bytes[0] + f->bytes[1] == 0)
        attempts_add(s->attempts, &f->ref, f->first);
    if (s->last == f)
        s->last = NULL;
    flows_remove(s->flows, f);
}

/* The reason for which a TCP flow that has ended itself is over; otherwise the one given. */
static const char *reason_of(const struct flow *f, const char *otherwise)
{
    if ((f->side[0].flags | f->side[1].flags) & SIDE_RST)
        return "rst";
    if (f->side[0].flags & f->side[1].flags & SIDE_FIN)
        return "fin";
    return otherwise;
}

static void close_flow(struct sense *s, struct flow *f, const char *reason)
{
    end_flow(s, f, reason_of(f, reason));
}

void sense_finish(struct sense *s)
{
    struct flow *f;
    while ((f = flows_any(s->flows)) != NULL)
        close_flow(s, f, "end");
}

void sense_free(struct sense *s)
{
    if (s == NULL)
        return;
    if (s->app != NULL) {
        s->options.sink.put = NULL; /* what was not finished is thrown away */
        s->options.flow_records = false;
        sense_finish(s);
        app_context_free(s->app);
    }
    evidence_free(s->evidence);
    claims_free(s->claims);
    attempts_free(s->attempts);
    table_free(s->labels);
    fragments_free(s->fragments);
    flows_free(s->flows);
    streams_release(&s->streams);
    free(s);
}

/* ── the packet clock ── */

static void sweep(struct sense *s)
{
    struct flow *f;
    flows_hurry(s->flows, app_short_of_room(s->app)); /* flows that were left in the middle of a message take it from others */
    while ((f = flows_expired(s->flows, s->now)) != NULL)
        close_flow(s, f, "idle");
    s->sweep = s->now + TIME_SECOND;
}

static bool near(tq_time a, tq_time b)
{
    return a - b < LEAP && b - a < LEAP;
}

static inline tq_time within(tq_time t)
{
    return t > TIME_END ? TIME_END : t < -TIME_END ? -TIME_END : t;
}

/* Moves the clock to a packet's time. A packet that stands more than an hour away must be confirmed by the next one. */
static inline void tick(struct sense *s, tq_time time)
{
    if (__builtin_expect(s->stats.packets == 0, 0)) {
        s->now = time;
        s->stats.first_time = time;
    } else if (__builtin_expect(near(time, s->now), 1)) {
        s->leap = 0;
        if (time > s->now)
            s->now = time;
    } else if (s->leap != 0 && near(time, s->leap)) {
        s->leap = 0;
        s->now = time;
        s->sweep = time;
    } else {
        s->leap = time;
        return;
    }
    s->stats.last_time = s->now;
    if (s->now >= s->sweep)
        sweep(s);
}

void sense_advance(struct sense *s, tq_time now)
{
    now = within(now);
    if (s->stats.packets == 0 || now <= s->now)
        return;
    s->now = now;
    if (now >= s->sweep)
        sweep(s);
}

/* ── damage ── */

static void damaged(struct sense *s, enum damage kind)
{
    s->stats.damaged_packets++;
    s->damage[kind]++;
}

static void unknown_type(struct sense *s, uint32_t linktype)
{
    damaged(s, DAMAGE_TYPE);
    for (size_t i = 0; i < UNKNOWN_TYPES; i++) {
        if (s->unknown[i].count == 0)
            s->unknown[i].linktype = linktype;
        if (s->unknown[i].linktype == linktype) {
            s->unknown[i].count++;
            return;
        }
    }
}

void sense_damage(const struct sense *s, void (*each)(void *context, const char *what, uint64_t count), void *context)
{
    for (int kind = 0; kind < DAMAGE_TYPE; kind++) {
        if (s->damage[kind] > 0)
            each(context, damage_names[kind], s->damage[kind]);
    }
    uint64_t others = s->damage[DAMAGE_TYPE];
    for (size_t i = 0; i < UNKNOWN_TYPES && s->unknown[i].count > 0; i++) {
        char text[80];
        (void)snprintf(text, sizeof text, "%s: %u", damage_names[DAMAGE_TYPE], s->unknown[i].linktype);
        each(context, text, s->unknown[i].count);
        others -= s->unknown[i].count;
    }
    if (others > 0)
        each(context, damage_names[DAMAGE_TYPE], others);
}

/* ── flows ── */

/* Everything about the packet in hand. */
struct way {
    tq_time time;
    struct link link;
    struct ip ip;
    bool in_pieces; /* the IP packet came in fragments: link.payload is the last of them */
    uint16_t sport; /* not beside dport: to read both at once would wait for both to be written */
    bool reversed;  /* its sender is the endpoint that sorts higher */
    uint16_t dport;
    uint32_t cards;
};

/* An IPv4 address and a port as one number, which sorts as they do. */
static inline uint64_t end4(const uint8_t *address, uint16_t port)
{
    struct span s = span_of(address, 4);
    return (uint64_t)span_be32(&s) << 16 | port;
}

static void make_key(struct way *w, struct flow_key *key)
{
    bool v6 = w->ip.src.n == 16;
    const uint8_t *src = w->ip.src.p;
    const uint8_t *dst = w->ip.dst.p;
    if (v6) {
        int order = memcmp(src, dst, 16);
        w->reversed = order > 0 || (order == 0 && w->sport > w->dport);
    } else {
        w->reversed = end4(src, w->sport) > end4(dst, w->dport);
    }
    key->meta = w->link.vlan << 8 | (v6 ? FLOW_KEY_V6 : 0) | w->ip.proto;
    key->ports = w->reversed ? (uint32_t)w->dport << 16 | w->sport : (uint32_t)w->sport << 16 | w->dport;
    const uint8_t *lower = w->reversed ? dst : src;
    const uint8_t *other = w->reversed ? src : dst;
    if (v6) {
        memcpy(key->addresses, lower, 16);
        memcpy(key->addresses + 16, other, 16);
    } else {
        uint64_t both = htole64(hash_half(other) << 32 | hash_half(lower)); /* at once, as it will be read */
        memcpy(key->addresses, &both, sizeof both);
    }
}

/* The flow of this packet; NULL: none yet. Its key and hash for open_flow. */
static struct flow *flow_of(struct sense *s, struct way *w, struct flow_key *key, uint32_t *ret_hash)
{
    make_key(w, key);
    struct flow *f = s->last;
    if (f != NULL && flow_key_equal(&f->key, key)) {
        *ret_hash = f->hash;
        return f;
    }
    *ret_hash = flows_hash(s->flows, key);
    f = flows_find(s->flows, key, *ret_hash);
    if (f == NULL)
        return NULL;
    app_expect(f->app, f->reversed != w->reversed);
    s->last = f;
    return f;
}

static struct address address_of(struct span bytes)
{
    struct address a = {.family = bytes.n == 4 ? 4 : 6};
    memcpy(a.bytes, bytes.p, bytes.n);
    return a;
}

/* A flow for a first packet. from_responder: its sender is the side that answered (a SYN with ACK). */
static struct flow *open_flow(struct sense *s, const struct way *w, const struct flow_key *key, uint32_t hash, enum flow_class class,
                              bool from_responder)
{
    if (flows_count(s->flows) == s->options.limits.flows)
        close_flow(s, flows_victim(s->flows, s->now), "evicted");
    struct flow *f = flows_add(s->flows, key, hash, class, s->now);
    if (f == NULL)
        return NULL; /* no memory: the packet is counted, and that is all */
    s->stats.flows++;
    f->reversed = w->reversed != from_responder;
    f->ref.proto = w->ip.proto;
    f->ref.vlan = link_vlan_id(w->link.vlan);
    struct address from = address_of(w->ip.src);
    struct address to = address_of(w->ip.dst);
    f->ref.src = from_responder ? to : from;
    f->ref.dst = from_responder ? from : to;
    f->ref.sport = from_responder ? w->dport : w->sport;
    f->ref.dport = from_responder ? w->sport : w->dport;
    return f;
}

static bool from_this_link(uint8_t hops)
{
    return hops == 64 || hops == 128 || hops == 255; /* no router took one */
}

/* Which card sends this direction: of the first packet, and where that changes. */
static void note_card(struct sense *s, struct flow *f, int direction, const struct way *w)
{
    static const uint8_t none[6];
    const uint8_t *mac = w->link.has_mac && from_this_link(w->ip.hops) ? w->link.source : none;
    if (s->claims != NULL && w->link.has_mac)
        claims_heard(s->claims, w->link.vlan, direction == 0 ? &f->ref.src : &f->ref.dst, w->link.source, w->time);
    memcpy(f->macs[direction], mac, sizeof none);
    if (f->app != NULL)
        app_card(&f->app, direction, mac);
}

/* Counts the packet and its payload (as long as it was on the wire); returns its direction. */
static inline int touch(struct sense *s, struct flow *f, const struct way *w, uint64_t payload)
{
    int direction = f->reversed != w->reversed;
    s->touched = f->ref.id;
    f->last = s->now;
    f->packets++;
    f->bytes[direction] += payload;
    f->cards[direction] = w->cards;
    if (__builtin_expect(!(f->seen & 1 << direction), 0)) {
        f->seen |= (uint8_t)(1 << direction);
        if (s->evidence != NULL && w->link.has_mac)
            evidence_address(s->evidence, &f->ref, direction == 0 ? &f->ref.src : &f->ref.dst, w->link.source, w->time);
        if (w->ip.proto == IP_PROTO_TCP || s->claims != NULL)
            note_card(s, f, direction, w);
    }
    return direction;
}

/* Shows a packet with payload to nDPI, as long as there is something to learn: nothing is known of the flow, or only what carries the application. A
 * single byte says nothing (ASTM begins with one). */
static void ask_labels(struct sense *s, struct flow *f, const struct way *w, size_t payload)
{
    static const char *const carriers[] = {"", "tls", "http", "quic"};
    const char *own = f->label != NULL ? f->label : app_label(f->app);
    bool open = false;
    for (size_t i = 0; i < sizeof carriers / sizeof carriers[0]; i++)
        open = open || strcmp(own, carriers[i]) == 0;
    struct label label = {0};
    if (!open)
        labels_forget(s->options.labels, &f->asked);
    else if (payload < 2 || w->ip.missing > 0 || w->in_pieces || !labels_packet(s->options.labels, &f->asked, w->link.payload, w->time, &label))
        return;
    f->told = true;
    f->foreign = label.protocol;
    f->application = label.application;
}

#define TWIN_WITHIN (100 * TIME_MS) /* sooner than anybody repeats what was lost */

/* Does this packet bring what the flow just had, between other cards? Of the first packet of a connection any time will do. */
static bool comes_twice(const struct sense *s, const struct way *w, const struct tcp *seg, const struct flow *f, int direction)
{
    const struct tcp_side *side = &f->side[direction];
    if (w->cards == f->cards[direction] || w->cards == 0 || f->cards[direction] == 0)
        return false;
    if ((seg->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_SYN)
        return (side->flags & SIDE_ISN) && side->isn == seg->seq;
    uint32_t behind = side->next - seg->seq;
    return seg->payload.n > 0 && (side->flags & SIDE_PINNED) && behind >= seg->payload.n && behind <= 65535u && s->now - f->last <= TWIN_WITHIN;
}

/* Whoever puts himself between two devices, and every router, passes the same connection on between other cards. Where both sides are listened to
 * they are two flows: what he changes would else look like a repetition that contradicts. Returns the flow of this packet, or NULL where it is to be
 * opened under *key. */
static struct flow *twin_of(struct sense *s, const struct way *w, const struct tcp *seg, struct flow *f, struct flow_key *key, uint32_t *hash)
{
    bool twice = comes_twice(s, w, seg, f, f->reversed != w->reversed);
    if (!f->twin && !twice)
        return f;
    struct flow_key second = *key;
    second.meta |= FLOW_KEY_TWIN;
    uint32_t where = flows_hash(s->flows, &second);
    struct flow *twin = flows_find(s->flows, &second, where);
    if (!twice && (twin == NULL || (w->cards != twin->cards[0] && w->cards != twin->cards[1])))
        return f;
    f->twin = true;
    *key = second;
    *hash = where;
    return twin;
}

/* ── shedding ── */

void sense_shed(struct sense *s, enum shed what)
{
    s->shed = what;
}

enum shed sense_shed_at(enum shed now, unsigned eighths)
{
    if (eighths >= (now == SHED_ALL_BUT_LAB ? 5 : 7))
        return SHED_ALL_BUT_LAB;
    return eighths >= (now == SHED_NOTHING ? 6 : 3) ? SHED_BULK : SHED_NOTHING;
}

/* The place of an end (1: the one that sorts higher) among those that lab protocols were spoken to, and what stands there then. */
static uint32_t *lab_end(struct sense *s, const struct flow_key *key, bool other, uint32_t *ret_digest)
{
    size_t n = key->meta & FLOW_KEY_V6 ? 16 : 4;
    uint8_t end[16 + 2 + 4] = {0};
    uint32_t where = key->meta & ~FLOW_KEY_TWIN;
    uint16_t port = (uint16_t)(other ? key->ports : key->ports >> 16);
    memcpy(end, key->addresses + (other ? n : 0), n);
    memcpy(end + 16, &port, sizeof port);
    memcpy(end + 18, &where, sizeof where);
    uint64_t h = hash_bytes(&s->options.hash_key, end, sizeof end);
    *ret_digest = (uint32_t)h | 1;
    return &s->lab_ends[h >> 32 & (LAB_ENDS - 1)];
}

/* Who was spoken to; where the beginning was not seen, either may be. */
static void remember_lab_end(struct sense *s, const struct flow *f)
{
    uint32_t digest;
    uint32_t *place = lab_end(s, &f->key, !f->reversed, &digest);
    *place = digest;
    if (f->side[0].flags & SIDE_ISN)
        return;
    place = lab_end(s, &f->key, f->reversed, &digest);
    *place = digest;
}

static bool to_lab_end(struct sense *s, const struct flow_key *key)
{
    uint32_t lower, other;
    uint32_t *at_lower = lab_end(s, key, false, &lower);
    uint32_t *at_other = lab_end(s, key, true, &other);
    return *at_lower == lower || *at_other == other;
}

static bool is_bulk(const struct flow *f, int direction)
{
    const struct tcp_side *me = &f->side[direction];
    return (me->flags & (SIDE_SKIP | SIDE_HELLO)) == SIDE_SKIP || f->bytes[direction] > BULK_BYTES;
}

static bool pass(struct sense *s, uint64_t *count)
{
    (*count)++;
    s->passed = true;
    return true;
}

/* Of a TCP flow (NULL: none yet). True: the packet is not looked at at all. A flow whose bulk is shed is not read any more in that direction: what
 * came of it is no stream any longer. */
static bool sheds_tcp(struct sense *s, const struct way *w, struct flow *f, const struct flow_key *key, size_t payload)
{
    if (f != NULL && (f->class == FLOW_LAB || app_brought_lab(f->app)))
        return false;
    int direction = f != NULL && f->reversed != w->reversed;
    if (f != NULL && is_bulk(f, direction) && (f->app != NULL || payload == 0)) {
        if (payload > 0)
            f->side[direction].flags = (uint8_t)((f->side[direction].flags | SIDE_SKIP) & ~SIDE_HELLO);
        (void)pass(s, &s->stats.shed_bulk);
        return false;
    }
    return s->shed == SHED_ALL_BUT_LAB && !to_lab_end(s, key) && pass(s, &s->stats.shed_other);
}

/* Of a UDP flow: no lab protocol travels over it. True: as above. */
static bool sheds_udp(struct sense *s, const struct way *w, const struct flow *f)
{
    bool names = evidence_wants(w->sport, w->dport) || w->sport == 67 || w->dport == 67;
    if (f != NULL && !names && (f->label != NULL || f->packets >= BULK_DATAGRAMS)) {
        (void)pass(s, &s->stats.shed_bulk);
        return false;
    }
    return s->shed == SHED_ALL_BUT_LAB && pass(s, &s->stats.shed_other);
}

/* A look at what nearly every packet shows: it cannot be silent too long, nor begin anew. */
static inline bool may_end(const struct sense *s, const struct flow *f, const struct way *w, const struct tcp *seg)
{
    return s->now - f->last > FLOW_SILENT_LEAST || (seg->flags & TCP_SYN) != 0 || (f->side[f->reversed != w->reversed].flags & SIDE_RESYN) != 0;
}

/* The flow is over, or this begins another one between the same ends. */
static bool ends_with(struct sense *s, struct flow *f, const struct way *w, const struct tcp *seg)
{
    int direction = f->reversed != w->reversed;
    bool idle = flow_idle(f, s->now);
    if (!idle && !stream_reopens(f, direction, seg))
        return false;
    close_flow(s, f, idle ? "idle" : "reopened");
    return true;
}

static void on_tcp(struct sense *s, struct way *w)
{
    UNCLEARED struct tcp seg;
    if (!tcp_decode(w->ip.payload, &seg)) {
        damaged(s, DAMAGE_TCP);
        return;
    }
    if (w->ip.missing > 0)
        damaged(s, DAMAGE_CUT);
    w->sport = seg.sport;
    w->dport = seg.dport;
    struct flow_key key;
    uint32_t hash;
    struct flow *f = flow_of(s, w, &key, &hash);
    bool answers = (seg.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
    if (f != NULL && __builtin_expect(w->cards != f->cards[f->reversed != w->reversed], 0)) {
        int direction = f->reversed != w->reversed;
        f = twin_of(s, w, &seg, f, &key, &hash);
        answers = f == NULL ? direction == 1 : answers; /* a twin has the same client */
        if (f != NULL && f->seen & 1 << direction)
            note_card(s, f, direction, w);
    }
    if (__builtin_expect(s->shed != SHED_NOTHING, 0) && sheds_tcp(s, w, f, &key, seg.payload.n))
        return;
    if (f != NULL && __builtin_expect(may_end(s, f, w, &seg), 0) && ends_with(s, f, w, &seg))
        f = NULL;
    if (f == NULL) {
        bool alone = (seg.flags & (TCP_SYN | TCP_RST)) != 0 && seg.payload.n == 0;
        f = open_flow(s, w, &key, hash, alone ? FLOW_OPENING : FLOW_OPEN, answers);
        if (f == NULL)
            return;
        s->stats.tcp_flows++;
    }
    int direction = touch(s, f, w, seg.payload.n + w->ip.missing);
    bool known = f->class == FLOW_LAB;
    if (__builtin_expect(f->side[direction].hops != w->ip.hops, 0))
        stream_hops(f, direction, &seg, w->ip.hops);
    stream_segment(&s->streams, f, direction, &seg, w->ip.missing, w->time, s->now);
    if (__builtin_expect(f->class == FLOW_LAB && !known, 0))
        remember_lab_end(s, f);
    if (s->options.labels != NULL && !f->told && !s->passed)
        ask_labels(s, f, w, seg.payload.n);
}

static void on_datagram(struct sense *s, struct flow *f, int direction, const struct way *w, struct span payload)
{
    bool maybe_dhcp = (w->sport == 67 || w->sport == 68) && (w->dport == 67 || w->dport == 68);
    if (maybe_dhcp && s->evidence != NULL && evidence_dhcp(s->evidence, &f->ref, payload, w->time))
        f->label = "dhcp";
    if (s->evidence != NULL && evidence_wants(w->sport, w->dport))
        evidence_datagram(s->evidence, &f->ref, direction, payload, w->time);
    if (f->label != NULL)
        return;
    const char *label = app_datagram(s->app, &f->ref, direction, payload, w->time);
    if (label[0] != '\0')
        f->label = label;
}

static void on_udp(struct sense *s, struct way *w)
{
    struct udp udp;
    if (!udp_decode(w->ip.payload, &udp)) {
        damaged(s, DAMAGE_UDP);
        return;
    }
    if (udp.missing > 0)
        damaged(s, DAMAGE_CUT);
    w->sport = udp.sport;
    w->dport = udp.dport;
    struct flow_key key;
    uint32_t hash;
    struct flow *f = flow_of(s, w, &key, &hash);
    if (__builtin_expect(s->shed != SHED_NOTHING, 0) && sheds_udp(s, w, f))
        return;
    if (f != NULL && flow_idle(f, s->now)) {
        close_flow(s, f, "idle");
        f = NULL;
    }
    if (f == NULL) {
        f = open_flow(s, w, &key, hash, FLOW_UDP, false);
        if (f == NULL)
            return;
        s->stats.udp_flows++;
    }
    int direction = touch(s, f, w, udp.payload.n + udp.missing);
    if (udp.payload.n == 0 || s->passed)
        return;
    on_datagram(s, f, direction, w, udp.payload);
    if (s->options.labels != NULL && !f->told)
        ask_labels(s, f, w, udp.payload.n);
}

static void on_ip(struct sense *s, struct way *w)
{
    if (!ip_decode(w->link.protocol == ETHERTYPE_IPV4 ? 4 : 6, w->link.payload, &w->ip)) {
        damaged(s, DAMAGE_IP);
        return;
    }
    w->in_pieces = w->ip.fragment;
    if (__builtin_expect(w->ip.fragment, 0)) {
        struct span bytes;
        if (w->ip.missing > 0)
            damaged(s, DAMAGE_CUT);
        uint8_t proto;
        if (!fragments_add(s->fragments, &w->ip, w->link.vlan, s->now, &bytes, &proto))
            return;
        w->ip.proto = proto;
        w->ip.missing = 0;
        w->ip.fragment = false;
        if (w->ip.version == 6 && (!ip_extensions(proto, &bytes, &w->ip) || w->ip.fragment)) {
            damaged(s, DAMAGE_IP);
            return;
        }
        w->ip.payload = bytes;
    }
    bool other = w->ip.proto != IP_PROTO_TCP && w->ip.proto != IP_PROTO_UDP;
    if (__builtin_expect(other && s->shed == SHED_ALL_BUT_LAB, 0))
        (void)pass(s, &s->stats.shed_other);
    else if (w->ip.proto == IP_PROTO_TCP)
        on_tcp(s, w);
    else if (w->ip.proto == IP_PROTO_UDP)
        on_udp(s, w);
    else if (w->ip.missing > 0)
        damaged(s, DAMAGE_CUT);
    else if (w->ip.proto == IP_PROTO_ICMPV6 && s->evidence != NULL)
        evidence_ndp(s->evidence, w->ip.payload, w->ip.src, w->time);
}

/* Frames that carry no IP packet but say who sent them. */
static void beside_ip(struct sense *s, const struct way *w)
{
    const struct link *l = &w->link;
    if (l->protocol == ETHERTYPE_ARP && !evidence_arp(s->evidence, l->payload, w->time))
        damaged(s, DAMAGE_ARP);
    else if (l->protocol == ETHERTYPE_ARP)
        claims_arp(s->claims, l->vlan, l->payload, w->time);
    if ((l->protocol == ETHERTYPE_LLDP || l->protocol == LINK_CDP) && l->has_mac)
        (void)evidence_neighbour(s->evidence, l->protocol == LINK_CDP, l->source, l->payload, w->time);
}

/* Of a whole Ethernet header: the same for both ways. */
static inline uint32_t cards_of(uint32_t linktype, const struct span *frame)
{
    if (linktype != LINKTYPE_ETHERNET || frame->n < 12)
        return 0;
    uint64_t to = hash_word(frame->p) & UINT64_C(0xffffffffffff);
    uint64_t from = hash_word(frame->p + 4) >> 16;
    return (uint32_t)((to + from) * UINT64_C(0x9e3779b97f4a7c15) >> 32) ^ (uint32_t)((to ^ from) * UINT64_C(0xc2b2ae3d27d4eb4f) >> 24);
}

bool sense_packet(struct sense *s, tq_time time, uint32_t linktype, struct span bytes, uint32_t wire_length)
{
    time = within(time);
    UNCLEARED struct way w;
    w.time = time;
    w.cards = cards_of(linktype, &bytes);
    s->touched = 0;
    s->passed = false;
    tick(s, time);
    s->stats.packets++;
    s->stats.bytes += wire_length;
    switch (link_decode(linktype, bytes, &w.link)) {
    case LINK_UNKNOWN: unknown_type(s, linktype); return true;
    case LINK_CUT: damaged(s, DAMAGE_LINK); return true;
    case LINK_OK: break;
    }
    if (w.link.protocol == ETHERTYPE_IPV4 || w.link.protocol == ETHERTYPE_IPV6)
        on_ip(s, &w);
    else if (s->shed == SHED_ALL_BUT_LAB)
        (void)pass(s, &s->stats.shed_other);
    else if (s->evidence != NULL)
        beside_ip(s, &w);
    return !s->passed;
}

uint64_t sense_flow(const struct sense *s)
{
    return s->touched;
}

const struct sense_stats *sense_stats(const struct sense *s)
{
    return &s->stats;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct label_count *)a)->label, ((const struct label_count *)b)->label);
}

void sense_labels(const struct sense *s, void (*each)(void *context, const char *label, uint64_t count), void *context)
{
    struct label_count *rows = calloc(LABELS, sizeof *rows);
    struct span key;
    void *value;
    size_t n = 0;
    for (size_t at = 0; rows != NULL && n < LABELS && table_next(s->labels, &at, &key, &value); n++) {
        (void)snprintf(rows[n].label, sizeof rows[n].label, "%.*s", (int)key.n, (const char *)key.p);
        rows[n].count = *(const uint64_t *)value;
    }
    if (n > 0)
        qsort(rows, n, sizeof rows[0], by_text);
    for (size_t i = 0; i < n; i++)
        each(context, rows[i].label, rows[i].count);
    free(rows);
}

void sense_hl7_types(const struct sense *s, void (*each)(void *context, const char *type, uint64_t count), void *context)
{
    app_hl7_types(s->app, each, context);
}
