/* app: in-order bytes of a TCP stream (or UDP datagrams) → what they are → records. The half of sense that knows lab protocols.
 *
 * The flow layer (tcp.c) calls app_data with payload in order, straight from the packet where it can (no copy): the bytes hold only during the call,
 * and app_* keeps what it needs, under the limits. Recognition is by content on any port, also when the capture starts in the middle of a stream. */
#ifndef TQ_SENSE_APP_H
#define TQ_SENSE_APP_H

#include "engine/sense/sense.h"

struct app_context; /* one per sense: counters, limits, sink, message budget */
struct app_flow;    /* one per flow that carried payload; NULL until the first byte */

/* counters: where the lab counters are kept (fields hl7_messages … malformed of it belong to app). */
struct app_context *app_context_new(const struct sense_options *options, struct sense_stats *counters, struct error *e);
void app_context_free(struct app_context *c);

/* direction: 0 = from flow->src (the side that opened, or that was seen first), 1 = from flow->dst. *state belongs to the flow and starts NULL; app
 * makes it when needed. n ≥ 1. */
void app_data(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, int direction, struct span bytes, tq_time time);

/* The beginning of this flow was not captured. Before its first app_data. */
void app_underway(struct app_flow **state);

/* The network card that sends this direction from now on; zeros: it is not known. */
void app_card(struct app_flow **state, int direction, const uint8_t mac[6]);

/* `bytes` bytes of this direction are lost: whatever message was open in it is damaged; recognition goes on behind the hole. */
void app_gap(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, int direction, uint64_t bytes, tq_time time);

/* With how many hops left a packet came, and how many those of its stream have. */
struct hops {
    uint8_t odd; /* 0: nothing is odd */
    uint8_t usual;
};

/* This direction contradicted itself (a retransmission with other content, at this stream offset): reported once per flow as protocol.violation
 * evidence. hops: of one of the two, where it is odd: a segment that dies before its receiver shows us other bytes than that gets. */
void app_conflict(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, int direction, struct hops hops, tq_time time);

/* The flow is over: unfinished messages are reported, the state is freed and *state set to NULL. */
void app_close(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, tq_time time);

/* One UDP datagram (DHCP is decoded by the flow layer itself). Returns the label of its protocol, for flow.closed: "dns", "dhcp", "ntp" …, or "" when
 * it is not recognised: then the next datagram of the flow may be asked. No lab protocol travels over UDP. */
const char *app_datagram(struct app_context *c, const struct flow_ref *flow, int direction, struct span bytes, tq_time time);

/* What the flow carries, for flow.closed: "hl7", "astm", "poct1a", "tls", "http", "dicom", "smb", "ssh" …, or "" when not recognised. */
const char *app_label(const struct app_flow *state);

/* True once nothing more is to be learnt from this flow in this direction: the flow layer may then skip its payload (only lengths are tracked). */
bool app_done(const struct app_flow *state, int direction);

/* Data of this direction is about to come: its state is fetched into the processor's cache. state may be NULL. */
void app_expect(const struct app_flow *state, int direction);

/* The number of a message of this direction that is not shown to sense, because it is known already: ids go on behind it. */
uint64_t app_ordinal(struct app_flow *state, int direction);

/* Whether it carries a lab protocol. */
bool app_is_lab(const struct app_flow *state);

/* Whether it carries a lab protocol, or brought a lab message inside another one (HL7 in HTTP). state may be NULL. */
bool app_brought_lab(const struct app_flow *state);

/* Whether unfinished messages take half of the room that there is for them. */
bool app_short_of_room(const struct app_context *c);

/* HL7 message types seen; as sense_hl7_types. */
void app_hl7_types(const struct app_context *c, void (*each)(void *context, const char *type, uint64_t count), void *context);

#endif
