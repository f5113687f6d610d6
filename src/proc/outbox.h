/* outbox: the relay's records on their way to the ledger, kept until they are durable somewhere.
 *
 * Each has a number that grows by one. Records are handed on in that order, and none while older ones are on the spool alone (`left`); when whoever
 * took them is gone, all that are not on the ledger are handed on again (the keeper takes each once). Records of number 0 are worth no waiting: they
 * are forgotten once they were handed on. */
#ifndef TQ_PROC_OUTBOX_H
#define TQ_PROC_OUTBOX_H

#include "base/span.h"
#include "base/time.h"

#define OUTBOX_MAX (24u << 20)    /* most bytes … */
#define OUTBOX_RESERVE (8u << 20) /* … and so many more for what was taken already, and what became of it */
#define OUTBOX_BURST (2u << 20)   /* … while what is durable in the spool is read in from there anyway: then it goes before it is cold */
#define OUTBOX_HEAD 12            /* bytes in front of a record, for the head of MESSAGE_RECORD */

struct outbox_piece; /* memory of some records that came one after the other */

/* Where records are made: each thread that makes some has one of its own. What is made may be dropped by another. */
struct outbox_arena {
    struct outbox_piece *piece; /* where the next record goes; NULL: none yet */
};

void outbox_arena_close(struct outbox_arena *a); /* records that were made in it live on */

struct outbox_record {
    struct outbox_record *next;
    struct outbox_piece *piece; /* NULL: a large record's own memory */
    uint64_t seq;
    tq_time at;   /* when it came */
    bool spooled; /* it was given to the spool */
    bool counted; /* … and counted, where it waits there for the ledger */
    /* for whoever puts it here, in talks_take's list (talk.h) */
    bool unnumbered; /* it is worth no waiting */
    bool awaited;    /* somebody may wait for it */
    bool named;      /* `delivered` will ask for its ticket */
    uint64_t ticket; /* of the message whose last record it is; 0: it is no last one */
    size_t n;        /* bytes that are used … */
    size_t size;     /* … of so many */
    uint8_t bytes[]; /* OUTBOX_HEAD bytes of room, then the encoded record */
};

struct outbox {
    struct outbox_record *first;
    struct outbox_record **last;
    struct outbox_record *unsent; /* the next to hand on; NULL: all are */
    struct outbox_record *loose;  /* the oldest that is durable nowhere and was not given to the spool; NULL: none */
    size_t bytes;
    bool burst;
    uint64_t spooled; /* durable in the spool, or on the ledger, up to this one */
    uint64_t left;    /* some up to this one may be on the spool alone, e.g. for want of room here: it must be read in; 0: none … */
    tq_time left_at;  /* … and when the first of them came */
    uint64_t gone;    /* some up to this one went from here when they were handed on, and before the ledger had them; 0: none … */
    tq_time gone_at;
};

void outbox_init(struct outbox *o);
void outbox_release(struct outbox *o);

/* Room for a record of so many bytes, encoded, of which none is there yet: they come at bytes + OUTBOX_HEAD, and count in n. Else as outbox_copy. */
struct outbox_record *outbox_make(struct outbox_arena *a, size_t most);
/* A copy of an encoded record, with room for so many bytes more; it is nowhere yet. The caller's, until outbox_add or outbox_drop. NULL: no memory.
 */
struct outbox_record *outbox_copy(struct outbox_arena *a, struct span encoded, size_t more);
void outbox_drop(struct outbox_record *r); /* wipes; r may be NULL */
/* Is there room for so many bytes? Where there is none, the oldest that are durable in the spool go. */
bool outbox_room(struct outbox *o, size_t n);
bool outbox_reserve(struct outbox *o, size_t n); /* … with OUTBOX_RESERVE */
/* It is the outbox's from now on. Asked for room before, for as much as it was thought to be. */
void outbox_add(struct outbox *o, struct outbox_record *r, uint64_t seq, tq_time now);

/* The next to hand on was handed on. */
void outbox_sent(struct outbox *o);
void outbox_rewind(struct outbox *o); /* all are to be handed on again: what is not here any more is to be read in */

/* The ledger has everything up to this one. */
void outbox_recorded(struct outbox *o, uint64_t seq);
/* … since it was read in up to this one: those that were not handed on need not be any more. */
void outbox_read_in(struct outbox *o, uint64_t seq);
/* What was handed on may be lost: everything that is not on the ledger is to be read in. seq: of the newest. */
void outbox_doubt(struct outbox *o, uint64_t seq);
/* So has the spool: a sibling that is gone may not have it. */
void outbox_spooled(struct outbox *o, uint64_t seq);

/* Everything that was ever put is on the ledger, or worth no waiting. */
bool outbox_is_recorded(const struct outbox *o);

/* The loose one was given to the spool. */
void outbox_given(struct outbox *o);
/* The spool broke: what was given to it and is not durable is loose again. */
void outbox_loosen(struct outbox *o);

#endif
