/* outbox: the relay's records on their way to the ledger, kept until they are durable somewhere.
 *
 * Each has a number that grows by one. Records are handed on in that order; when whoever took them is gone, all that are not on the ledger are handed
 * on again (the keeper takes each once). Records of number 0 are worth no waiting: they are forgotten once they were handed on. */
#ifndef TQ_PROC_OUTBOX_H
#define TQ_PROC_OUTBOX_H

#include "base/span.h"
#include "base/time.h"

#define OUTBOX_MAX (24u << 20) /* most bytes */
#define OUTBOX_HEAD 12         /* bytes in front of a record, for the head of MESSAGE_RECORD */

struct outbox_record {
    struct outbox_record *next;
    uint64_t seq;
    tq_time at;   /* when it came */
    bool spooled; /* it was given to the spool */
    size_t n;
    uint8_t bytes[]; /* OUTBOX_HEAD bytes of room, then the encoded record */
};

struct outbox {
    struct outbox_record *first;
    struct outbox_record **last;
    struct outbox_record *unsent; /* the next to hand on; NULL: all are */
    struct outbox_record *loose;  /* the oldest that is durable nowhere and was not given to the spool; NULL: none */
    size_t bytes;
    uint64_t spooled; /* durable in the spool, or on the ledger, up to this one */
};

void outbox_init(struct outbox *o);
void outbox_release(struct outbox *o);

/* Takes a copy. Where there is no room, the oldest that are durable in the spool go. False: still none, or no memory. */
bool outbox_put(struct outbox *o, uint64_t seq, struct span encoded, tq_time now);

/* The next to hand on was handed on. */
void outbox_sent(struct outbox *o);
void outbox_rewind(struct outbox *o); /* all are to be handed on again */

/* The ledger has everything up to this one. */
void outbox_recorded(struct outbox *o, uint64_t seq);
/* So has the spool: a sibling that is gone may not have it. */
void outbox_spooled(struct outbox *o, uint64_t seq);

/* The loose one was given to the spool. */
void outbox_given(struct outbox *o);
/* The spool broke: what was given to it and is not durable is loose again. */
void outbox_loosen(struct outbox *o);

#endif
