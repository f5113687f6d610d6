/* flow: the table of conversations.
 *
 * One flow for each pair of endpoints (addresses, ports, protocol, VLAN). Found by a keyed hash; ordered for idleness in one queue for each class.
 *
 * 1. A flow is in the table and in exactly one queue, or free.
 * 2. A queue is ordered by `queued`, not by `last`: a packet touches only its own flow. A flow that reaches the front and was used since goes to the
 * back.
 * 3. Ids are ordinals in the order of first packets: the same capture gives the same ids, whatever the hash key. */
#ifndef TQ_SENSE_FLOW_H
#define TQ_SENSE_FLOW_H

#include "base/hash.h"
#include "base/record.h"

struct app_flow;
struct segment;
struct hello;
struct label_flow;

/* 16 bytes for IPv4, 40 for IPv6; the endpoint that sorts lower comes first. */
struct flow_key {
    uint32_t meta;  /* VLAN tags << 8 | 0x80 for IPv6 | 0x40 for the same connection seen at a second place | protocol */
    uint32_t ports; /* lower endpoint's << 16 | other's */
    uint8_t addresses[32];
};

#define FLOW_KEY_V6 0x80u
#define FLOW_KEY_TWIN 0x40u

static inline size_t flow_key_size(const struct flow_key *k)
{
    return k->meta & FLOW_KEY_V6 ? 40 : 16;
}

static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
    bool front = a->meta == b->meta && a->ports == b->ports && memcmp(a->addresses, b->addresses, 8) == 0;
    return front && ((a->meta & FLOW_KEY_V6) == 0 || memcmp(a->addresses + 8, b->addresses + 8, 24) == 0);
}

/* What tells how long a flow may be silent; also the order in which flows go when the table is full. */
enum flow_class {
    FLOW_CLOSING, /* TCP after both FINs or a RST: kept a little for what comes late */
    FLOW_OPENING, /* TCP without payload so far: a scan makes many of these */
    FLOW_UDP,
    FLOW_OPEN, /* TCP with payload */
    FLOW_LAB,  /* TCP with a lab protocol: what comes to push others out must carry one itself */
    FLOW_CLASSES
};

#define SIDE_PINNED 0x01 /* next is known */
#define SIDE_ISN 0x02    /* the SYN was seen */
#define SIDE_FIN 0x04    /* FIN seen, at fin */
#define SIDE_RST 0x08    /* RST sent */
#define SIDE_ACKED 0x10  /* acked is known */
#define SIDE_SKIP 0x20   /* app wants no more: only lengths are tracked */
#define SIDE_HELLO 0x40  /* the start of the stream is looked at for a TLS hello */
#define SIDE_RESYN 0x80  /* a SYN with another number came while open: resyn */

/* One direction of a TCP flow, named by its sender. Sequence numbers wrap. */
struct tcp_side {
    uint32_t next;     /* first byte not yet delivered */
    uint32_t original; /* up to here bytes came in segments of their own; [original, next) came first inside a repetition */
    uint32_t acked;    /* what the other side has acknowledged of this one */
    uint32_t isn;
    uint32_t fin;
    uint32_t resyn;
    uint8_t flags;
    uint16_t held_count;
    uint32_t held_bytes;  /* what held segments take, with their heads */
    struct segment *held; /* ahead of next, in order, not overlapping */
    tq_time held_since;   /* when the hole in front of them was last seen to shrink */
    uint8_t hops;         /* with how many left its packets arrive; 0: not known … */
    uint8_t odd_hops;     /* … and one with payload in [odd_from, odd_to) that had far less; 0: none */
    uint32_t odd_from;
    uint32_t odd_to;
    uint64_t journal; /* 1 + place of the newest chunk of this side in the journal; 0: none */
};

struct flow {
    struct flow_key key;
    uint32_t hash;
    uint32_t index;
    uint8_t class;
    bool reversed; /* ref.src is the endpoint that sorts higher */
    uint8_t seen;  /* directions seen, bit by bit */
    tq_time last;  /* packet clock of the last packet */
    uint64_t packets;
    uint64_t bytes[2]; /* payload from ref.src and to it */
    struct app_flow *app;
    struct tcp_side side[2];
    struct flow_ref ref;
    const char *label;        /* of a UDP flow, once recognised; NULL: not yet */
    struct hello *hello;      /* a TLS hello, a head or a greeting that is not complete yet */
    struct label_flow *asked; /* what nDPI keeps of it */
    const char *foreign;      /* what nDPI calls it; NULL: not known, or not asked */
    const char *application;  /* and what runs inside */
    tq_time first;
    tq_time queued;
    struct flow *older;
    struct flow *newer;
    uint32_t gaps;
    uint32_t retransmitted;
    uint32_t cards[2];  /* digest of the two Ethernet addresses, in any order, of the newest packet of each direction; 0: not known */
    uint8_t macs[2][6]; /* the card that sends each direction, where it is on this link; zeros: not known */
    bool twin;          /* the same connection is seen between two other cards too: a flow of its own under FLOW_KEY_TWIN */
    bool conflict;      /* reported */
    bool told;          /* nDPI has nothing more to say */
};

struct flows;

/* max: most flows at once, 1 to 16 million; memory is taken as they come. NULL: no memory. */
struct flows *flows_new(const struct hash_key *key, size_t max);

/* Frees the table. What flows own must have been given back before. */
void flows_free(struct flows *t);

size_t flows_count(const struct flows *t);

uint32_t flows_hash(const struct flows *t, const struct flow_key *key);

/* Ids of flows go on behind this one. */
void flows_begin_behind(struct flows *t, uint64_t id);

/* The flow with this key, or NULL. */
struct flow *flows_find(const struct flows *t, const struct flow_key *key, uint32_t hash);

/* A new, zeroed flow in the table and at the end of its class's queue; its id (ref.id) is the next ordinal. NULL: the table is full, or no memory. */
struct flow *flows_add(struct flows *t, const struct flow_key *key, uint32_t hash, enum flow_class class, tq_time now);

/* Takes a flow out; the pointer is dead afterwards. */
void flows_remove(struct flows *t, struct flow *f);

void flows_reclass(struct flows *t, struct flow *f, enum flow_class class, tq_time now);

/* Whether a flow has been silent for longer than its class allows: none is before FLOW_SILENT_LEAST. */
#define FLOW_SILENT_LEAST (10 * TIME_SECOND)
bool flow_idle(const struct flow *f, tq_time now);

/* Lab flows are kept for a week of silence; while hurry is set flows_expired gives them up after two hours already. */
void flows_hurry(struct flows *t, bool hurry);

/* A flow whose time is over, or NULL. The caller removes it, or asks again in vain. */
struct flow *flows_expired(struct flows *t, tq_time now);

/* The flow that goes when the table is full: of the lowest class that has any, (about) the one idle longest. NULL: empty. */
struct flow *flows_victim(struct flows *t, tq_time now);

/* Any flow, in a fixed order; NULL: empty. For the end. */
struct flow *flows_any(const struct flows *t);

#endif
