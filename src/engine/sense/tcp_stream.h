/* tcp_stream: TCP segments → two streams of bytes in order, handed to app.
 *
 * 1. Bytes below side->next have been handed on (or given up) and never change: whatever came first wins. Payload that is in order goes straight from
 * the packet to app_data.
 * 2. Held segments lie above next, in order, without overlap; the first one starts above next (else it would have been handed on).
 * 3. What all held segments take together never passes the limits: before it would, the hole in front of them is given up.
 * 4. A hole is given up when the other side has acknowledged beyond it (it did get the bytes: the capture lost them), when there is no room, when
 * nothing is known of acknowledgements for long, or when the flow ends. While the other side still waits for the bytes, so do we.
 * 5. Contradictions are found against held bytes, and against the journal: the bytes handed on last, over all flows, in one ring of fixed size.
 *
 * 6. A segment that comes with far fewer hops left than its stream's may be meant for us alone. It is believed like any other, since its receiver may
 * take it; where its bytes are contradicted, its hops are told with that.
 *
 * Checksums are not looked at (see wire/tcp.h): a forged segment cannot hide, as the true bytes contradict it. */
#ifndef TQ_SENSE_TCP_STREAM_H
#define TQ_SENSE_TCP_STREAM_H

#include "engine/sense/app.h"
#include "engine/sense/flow.h"
#include "wire/tcp.h"

struct journal {
    uint8_t *ring;
    size_t size;
    uint64_t head; /* bytes ever written */
};

struct streams {
    struct app_context *app;
    struct sense_stats *stats;
    struct flows *flows;
    size_t max_flow;  /* bytes that one side may hold */
    size_t max_total; /* bytes over all sides */
    size_t held;
    struct journal journal;
    bool hellos;                                                                                  /* look at the start of streams for TLS hellos: */
    void (*start)(void *context, struct flow *f, int direction, struct span bytes, tq_time time); /* clears SIDE_HELLO when it has seen enough */
    void *start_context;
};

/* -1: no memory. The caller fills the other fields. */
int streams_init(struct streams *t, const struct sense_limits *limits, struct error *e);
void streams_release(struct streams *t);

/* Whether this segment starts another connection on the same ports, so that the flow is over. Call it before stream_segment. */
bool stream_reopens(struct flow *f, int direction, const struct tcp *seg);

/* With how many hops left this segment came. Call it before stream_segment, where these are others than those of its side. */
void stream_hops(struct flow *f, int direction, const struct tcp *seg, uint8_t hops);

/* One segment. missing: payload bytes that the packet was cut by. time: of the packet; now: the packet clock. */
void stream_segment(struct streams *t, struct flow *f, int direction, const struct tcp *seg, uint32_t missing, tq_time time, tq_time now);

/* The flow is over: hands on what is held, gives back memory. app_close is the caller's. */
void stream_end(struct streams *t, struct flow *f, tq_time time);

#endif
