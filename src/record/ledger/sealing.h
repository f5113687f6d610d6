/* Sealing the records that wait for a commit, on all cores where there is more than one. Records lie in the frame in clear, each at its place, until
 * somebody seals them there: threads of this file while more records come and the frame goes to the disk, or who waits for them. What comes out is
 * the same, byte for byte, however many threads work: salts, places and order are given when a record is added, and the threads touch no file. */
#ifndef TQ_LEDGER_SEALING_H
#define TQ_LEDGER_SEALING_H

#include "record/ledger/entry.h"
#include "record/ledger/tree.h"

#define SEALING_HELPERS_MAX 3

struct sealing;

/* helpers: at most so many threads besides the caller's; they start when a batch is large enough to share. NULL: no memory. The ring outlives it; a
 * period key that was added stays where it is until its records are sealed. */
struct sealing *sealing_new(const struct keyring *ring, unsigned helpers);
void sealing_free(struct sealing *s); /* ends the threads; drop first what waits; s may be NULL */

/* Adds a record in clear behind the frame's last one and sees to its being sealed; room for a SHA-256 stays behind it. Nobody else lets the frame
 * grow until all is sealed. The caller has checked the payload's size. False: no memory. */
bool sealing_add(struct sealing *s, struct buf *frame, const struct period_key *key, uint64_t index, enum ledger_stream stream, tq_time time,
                 const uint8_t salt[ENTRY_SALT], struct span payload);

/* Seals or waits until more of the frame is sealed, and returns how many bytes from its front are: frame->n, all. */
size_t sealing_wait(struct sealing *s, const struct buf *frame);

/* The leaf hashes of what was added, in order; whole once everything is sealed. */
const struct tree_hash *sealing_leaves(const struct sealing *s);

/* Ready for the next frame; the keys of this one are forgotten. What is not sealed is dropped: the caller wipes the frame. */
void sealing_reset(struct sealing *s);

/* The same; and the leaf hashes of this frame stay where they are until the next turn. */
void sealing_turn(struct sealing *s);

#endif
