/* message: one lab message (HL7, ASTM, POCT1-A) as it was seen on the wire. The newest 100,000 are kept; counters go on. */
#ifndef TQ_LAB_MESSAGE_H
#define TQ_LAB_MESSAGE_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct message_row {
    int64_t n; /* grows with age of the ledger: lists go from high to low */
    uint64_t record;
    uint32_t position;
    tq_time time;
    struct span id, protocol, type, control_id, sender, receiver, version, charset, malformed, ack_code, ack_for;
    struct span flow; /* a JSON object, or empty */
    int64_t results, bytes;
};

typedef void message_each(void *context, const struct message_row *row);

/* Newest first; before: go on behind the row with this n (0: from the start). */
int message_list(struct store_conn *c, int64_t before, int64_t limit, message_each *each, void *context, struct error *e);
int64_t message_total(struct store_conn *c, struct error *e); /* rows kept */

/* Which side of its flow sent a message: 0 the side that spoke first, 1 the other. From the id "fFLOW.DIRECTION.ORDINAL"; 0 where it is no such text.
 */
int message_direction(struct span id);

#endif
