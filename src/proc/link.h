/* link: what supervisor, relay and keeper tell each other about links. Decoded spans point into the message; -1 is ERR_PEER. */
#ifndef TQ_PROC_LINK_H
#define TQ_PROC_LINK_H

#include "base/record.h"
#include "proc/config.h"
#include "proc/payload.h"

#define LINK_SIDES 2 /* 0 the analyzer's, 1 the LIS's */
#define LINK_WORDS 64
#define LINK_ORDER_MAX 524288
#define LINK_ORDER_WORDS (LINK_ORDER_MAX - 4096) /* bytes of its lists; what policy.h lets a link learn fits */
#define LINK_QUEUED_MAX (RECORD_BODY + 512)
#define LINK_STATUS_MAX 65536
#define LINK_KEY 32 /* X25519, as record/crypto has it */
#define LINK_SEQ_TEXT 32

/* ── MESSAGE_LINK: a link of lab.yaml, whole ── */
void link_told_encode(struct buf *out, const struct config_relay *r);
int link_told_decode(struct span in, struct config_relay *ret, struct error *e);

/* ── MESSAGE_RECORDED ── */
struct link_recorded {
    bool locked;     /* the ledger waits for its passphrase: a person has to come */
    bool recording;  /* the keeper takes records and makes them durable */
    uint64_t seq;    /* up to this one of the present run they are; 0: none */
    uint64_t ledger; /* records on the ledger, at least */
    struct span key; /* to seal a spool to; empty: there is none yet */
};
void link_recorded_encode(struct buf *out, const struct link_recorded *x);
int link_recorded_decode(struct span in, struct link_recorded *ret, struct error *e);

/* ── MESSAGE_ORDER ── */
enum link_order_kind {
    LINK_ORDER_BYPASS = 1,
    LINK_ORDER_HOLD,
    LINK_ORDER_POLICY, /* what a person approved; not `on`: nobody did, or it was taken back */
    LINK_ORDER_LEARNT, /* what earlier relays learnt, since `from`; on: it is proposed */
    LINK_ORDER_ALL     /* a new relay has heard all by now */
};

/* What may pass: words, a line each, as in lab.yaml. */
struct link_policy {
    struct span types, senders, tests;
    struct span unknown; /* pass, flag, refuse */
    uint32_t size;
    uint32_t rate;
};
struct link_order {
    enum link_order_kind kind;
    struct span link;
    bool on;
    int64_t from; /* wall */
    struct link_policy policy;
};
void link_order_encode(struct buf *out, const struct link_order *x);
int link_order_decode(struct span in, struct link_order *ret, struct error *e);

/* ── MESSAGE_QUEUED ── */
struct link_queued {
    struct span link; /* empty: that was the last */
    uint64_t record;
    bool sent;    /* it may have reached the LIS already */
    tq_time time; /* wall: when it came */
    struct span raw;
};
void link_queued_encode(struct buf *out, const struct link_queued *x);
int link_queued_decode(struct span in, struct link_queued *ret, struct error *e);

/* ── MESSAGE_STATUS ── */
enum link_state { LINK_DOWN, LINK_UP, LINK_DEGRADED, LINK_HELD, LINK_BYPASSED, LINK_STATES };
const char *link_state_name(enum link_state s); /* "down" … */

struct link_side_status {
    struct address peer; /* of the newest connection; family 0: none */
    uint16_t port;
    uint32_t connections;
    char tls[12];      /* "TLSv1.3"; "": clear, or none */
    char name[64];     /* of the peer's certificate; "" */
    int64_t expires;   /* of it, as tq_time; 0: there is none */
    bool outside;      /* another authority made it … */
    char serial[42];   /* … and this is its number, hexadecimal … */
    uint8_t print[32]; /* … and SHA-256 */
    char why[160];     /* why the last connection failed or ended; "" */
};

#define LINK_COUNTERS 7 /* received, forwarded, refused, flagged, late, spooled, resent */
struct link_status {
    uint16_t link; /* its place in lab.yaml */
    uint16_t links;
    char name[CONFIG_NAME];
    char protocol[8];
    char mode[20];
    char where[LINK_SIDES][CONFIG_HOST + 16]; /* as lab.yaml says */
    enum link_state state;
    char why[200];
    struct link_side_status side[LINK_SIDES];
    uint32_t rate; /* messages a minute */
    int64_t delay_p50, delay_p99, delay_limit;
    uint32_t queue_messages;
    uint64_t queue_bytes;
    uint64_t queue_max;
    int64_t queue_oldest; /* tq_time; 0: none waits */
    uint64_t counters[LINK_COUNTERS];
    char unknown[CONFIG_NAME];
    int64_t learning_until;
    bool recording; /* records go to the keeper now */
    bool stopped;   /* store and forward: nothing is acknowledged now */
};
void link_status_encode(struct buf *out, const struct link_status *x);
int link_status_decode(struct span in, struct link_status *ret, struct error *e);

/* "RUN.NUMBER": of a record that a relay made. */
void link_seq_write(char out[LINK_SEQ_TEXT], const uint8_t run[RUN_ID], uint64_t seq);
bool link_seq_read(struct span text, uint8_t ret_run[4], uint64_t *ret_seq);

#endif
