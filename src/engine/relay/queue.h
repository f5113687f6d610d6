/* queue: the messages of a link that wait for the LIS, and those that it had lately. */
#ifndef TQ_RELAY_QUEUE_H
#define TQ_RELAY_QUEUE_H

#include "base/buf.h"
#include "base/table.h"
#include "engine/relay/relay.h"

#define QUEUE_SEEN 4096 /* control ids that are remembered */

struct item {
    struct item *next;
    uint64_t token;
    uint64_t id;      /* keyed hash of its control id */
    uint64_t session; /* who asked, where it passes the LIS's own answer on; else 0 */
    tq_time came;
    bool sent;   /* it may have reached the LIS */
    bool again;  /* … before this delivery; of what an earlier run took nobody knows */
    bool silent; /* it asks for no answer */
    bool passes; /* the LIS's answer is the answer */
    bool framed; /* MLLP: raw has a byte before and two behind the content */
    uint32_t n;
    uint8_t raw[]; /* as it goes over the wire */
};

/* A message that was here. */
struct seen {
    uint64_t id;
    uint64_t hash; /* of its content */
    uint64_t token;
    uint64_t session;
    bool passes;   /* the LIS's own answer was awaited */
    bool given_up; /* the LIS refused it for good: whoever sends it again wants it delivered */
};

/* One connection to the LIS, and what waits for it, in order. */
struct outlet {
    struct session *session; /* NULL: there is none */
    struct item *first;
    struct item *last;
    struct item *last_fed; /* of those from an earlier run, which go first */
    uint32_t senders;      /* that came here */
    bool waking;
    bool under_way; /* the first is being delivered */
    uint8_t tries;  /* answers to the first that said no */
    tq_time due;    /* under way: its answer must be here; else: not sent before; 0: at once */
    tq_time retry;
};

struct queue {
    struct outlet outlet[RELAY_DELIVERIES];
    unsigned outlets;
    unsigned polled;              /* the outlet that was asked for an answer last */
    const struct outlet *sending; /* whose first is being written now */
    uint32_t n;                   /* of all outlets */
    uint64_t bytes;
    bool alarmed;
    struct table *seen; /* id → struct seen */
    struct table *fed;  /* senders of which an earlier run left something; NULL: none, or one outlet */
    uint8_t *at;        /* of each sender: the number of its outlet, from 1; 0: it was not heard yet; NULL: there is one outlet */
    uint64_t order[QUEUE_SEEN];
    uint32_t order_at;
};

struct queue *relay_queue_new(struct hash_key key, unsigned outlets); /* NULL: no memory */
void relay_queue_free(struct queue *q);                               /* q may be NULL */
/* content of HL7, or frames of ASTM. NULL: no memory. */
struct item *item_new(enum relay_protocol protocol, struct span content);
struct span item_raw(const struct item *i);
struct span item_content(const struct item *i);
/* Frames the records of a message of ASTM: a frame a record, or several where it is longer than 240 bytes. */
void item_frame(struct buf *out, struct span records);
/* The outlet of a sender, by a hash of its names: what it sends goes over one connection, in order. A new one comes where the fewest senders are. */
struct outlet *relay_queue_outlet(struct queue *q, uint16_t sender);
void relay_queue_put(struct queue *q, struct outlet *o, struct item *i);
/* The same message, which came in this run and was not sent: taken out. NULL: there is none. */
struct item *relay_queue_twin(struct queue *q, struct outlet *o, const struct item *of);
/* Behind those fed before, before all others that are not under way. */
void relay_queue_feed(struct queue *q, struct outlet *o, struct item *i);
/* Is it the first that an earlier run left of this sender? Of several outlets each may have had one on its way. Where nobody knows, yes. */
bool relay_queue_fed_first(struct queue *q, struct hash_key key, uint16_t sender);
struct item *relay_queue_take(struct queue *q, struct outlet *o); /* the first; it must be there */
void relay_queue_note(struct queue *q, struct seen seen);
void relay_queue_gave_up(struct queue *q, const struct item *i);
struct item *relay_queue_find(const struct queue *q, uint64_t id); /* the newest that waits under this id, or NULL */
const struct seen *relay_queue_seen(const struct queue *q, uint64_t id);

#endif
