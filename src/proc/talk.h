/* talk: records of what goes over the relay's links, made of the bytes as they went, and of the engine's word about each message.
 *
 * All of it is one object that shares nothing with anybody: whoever has it does the jobs, in order, and takes the records that came of them. */
#ifndef TQ_PROC_TALK_H
#define TQ_PROC_TALK_H

#include "base/error.h"
#include "base/hash.h"
#include "base/record.h"
#include "engine/relay/relay.h"
#include "proc/link.h"
#include "proc/outbox.h"

/* What is to be known of a link; it lives as long as the talks. */
struct talk_link {
    const char *name;
    bool hl7;
    bool store; /* it stores and forwards: its messages are kept whole */
};

enum talk_what {
    TALK_BYTES,   /* bytes went over a connection */
    TALK_MESSAGE, /* the engine's word about a message whose bytes came before */
    TALK_CLOSED,  /* a connection is over */
    TALK_SETTLE,  /* the engine has ended its turn: what waited for its word goes */
    TALK_MARK,    /* all that came of the jobs before it stands before what comes now */
};

struct talk_job {
    enum talk_what what;
    const struct talk_link *link;
    struct relay_connection connection;
    tq_time wall;
    bool room;     /* what comes of it finds room; else it is lost */
    bool detector; /* there is one, which will see what comes of it before what comes later */
    /* TALK_BYTES */
    bool outward; /* we sent them … */
    bool again;   /* … and the LIS may have had them before; TALK_MESSAGE: it had refused this one for good */
    /* TALK_MESSAGE */
    uint64_t ticket; /* 0: nobody asks for it */
    bool answer;
    bool queued; /* it waits for the LIS: it must be told */
    enum relay_verdict verdict;
    uint32_t results;
    uint32_t content; /* bytes, without framing */
    struct span type;
    struct span control_id;
    struct span bytes; /* TALK_BYTES; TALK_MESSAGE: the message as it is to be sent again, where it is queued */
};

struct talks;

/* bodies: messages are recorded with their bytes. flows: numbers of connections begin behind this one. NULL: ERR_SYSTEM. */
struct talks *talks_new(struct hash_key key, bool bodies, uint64_t flows, struct error *e);

void talks_free(struct talks *t); /* after talks_end; what was made and not taken goes. t may be NULL */

/* Does one. False: a message that must be told could not be, for want of memory. */
bool talks_do(struct talks *t, const struct talk_job *job);
/* There is another detector: it has seen nothing. */
void talks_forget(struct talks *t);
/* Every connection is over. wall: the time of that. */
void talks_end(struct talks *t, tq_time wall);

/* The records made since the last call, oldest first, by `next`; the caller's. One whose n is OUTBOX_HEAD has nothing in it but the ticket of a
 * message of which there is none. *ret_lost grows by those that found no room. NULL: there are none. */
struct outbox_record *talks_take(struct talks *t, uint64_t *ret_lost);

/* ── records of whoever else makes some ── */

/* Encodes a record, with room for its number. NULL: no memory, or it is too large. */
struct outbox_record *talk_encode(struct outbox_arena *a, const struct record *r);
/* Gives it its number. */
void talk_number(struct outbox_record *x, const uint8_t run[RUN_ID], uint64_t seq);

#endif
