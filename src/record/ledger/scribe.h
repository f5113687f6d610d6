/* Writes what frames hold to where it stays: sealed records into segments, their entries into tree, bundles and tiles. None of it is synced, all of
 * it follows from the journal. A frame of some length is written by a thread of this file, while the caller waits for the disk; a short one, and
 * everything where the process has one core, by the caller. What comes out is the same. */
#ifndef TQ_LEDGER_SCRIBE_H
#define TQ_LEDGER_SCRIBE_H

#include "record/ledger/segment.h"
#include "record/ledger/tiles.h"

struct scribe;

/* own_thread: it may have one. NULL: no memory. */
struct scribe *scribe_new(int dir, const uint8_t log_id[LOG_ID], bool own_thread);
void scribe_free(struct scribe *s); /* drops what is not written; s may be NULL */

/* Where it writes. The caller's only while no frame is being written. */
struct edge *scribe_edge(struct scribe *s);
struct segment_writer *scribe_segment(struct scribe *s, unsigned slot);

/* Begins a frame: sealed records from byte `from` to `end`, n of them; leaves: their hashes. All of it stays where it is until the frame is done, and
 * the frame before is done. Then scribe_more, until all is sealed: the bytes before `ready`, which end with a record, and their leaves change no
 * more. */
void scribe_begin(struct scribe *s, const uint8_t *frame, size_t from, size_t end, uint32_t n, const struct tree_hash *leaves);
void scribe_more(struct scribe *s, size_t ready);

/* Waits until the frame's records lie in segments, where readers find them; or until all of it is written. -1: it could not be, now or earlier. */
int scribe_stored(struct scribe *s, struct error *e);
int scribe_done(struct scribe *s, struct error *e);

/* Nothing more of the frame comes: returns when nothing of it is in work. */
void scribe_drop(struct scribe *s);

/* Writes a frame's records at once, in this thread. watch: the root of the tree at that size is wanted. */
int scribe_take(struct scribe *s, struct span records, uint64_t watch, struct tree_hash *ret_root, struct error *e);

#endif
