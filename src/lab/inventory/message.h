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
    struct span link, leg, side, verdict; /* of one that went through the relay: received or forwarded, on the side of analyzer or lis */
};

typedef void message_each(void *context, const struct message_row *row);

/* Newest first; before: go on behind the row with this n (0: from the start). */
int message_list(struct store_conn *c, int64_t before, int64_t limit, message_each *each, void *context, struct error *e);
int64_t message_total(struct store_conn *c, struct error *e); /* rows kept */

/* The record of a lab.message; -1: it is not among those kept, or the store failed. Which one: the message that told the result in this record; the
 * newest one with this id before this record; the newest one before this message that told one of its results (specimen, test and time of
 * observation) too. */
int64_t message_of_result(struct store_conn *c, uint64_t result, struct error *e);
int64_t message_by_id(struct store_conn *c, struct span id, uint64_t before, struct error *e);
int64_t message_of_same_result(struct store_conn *c, uint64_t message, struct error *e);

/* The token of the patient whom all results of this message are about, with a final zero; "" where there is none, or more than one. */
#define MESSAGE_PATIENT 24
void message_patient(struct store_conn *c, uint64_t message, char out[MESSAGE_PATIENT]);

/* Which side of its flow sent a message: 0 the side that spoke first, 1 the other. From the id "fFLOW.DIRECTION.ORDINAL"; 0 where it is no such text.
 */
int message_direction(struct span id);

#endif
