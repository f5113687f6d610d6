/* ring: entries of any size from one thread to one other, in order, without a lock. What is done with is wiped.
 *
 * The two sides share nothing but the entries and two counters: who sees that an entry was put sees all that was written before, and who sees that
 * all are done with sees all that was done meanwhile. So state that the taker works on is the putter's while the ring is empty. */
#ifndef TQ_PROC_RING_H
#define TQ_PROC_RING_H

#include <stdbool.h>
#include <stddef.h>

#define RING_ALIGN 64

struct ring;

/* size: bytes, a power of two of at least 4096. NULL: no memory. */
struct ring *ring_new(size_t size);
void ring_free(struct ring *r); /* nobody is at it; r may be NULL */

/* ── the putter ── */
size_t ring_most(const struct ring *r); /* the largest entry that there can be */
/* Room for an entry, aligned to RING_ALIGN; it is there for the other side after ring_put. NULL: there is none now. */
void *ring_room(struct ring *r, size_t n);
void ring_put(struct ring *r);
bool ring_is_empty(const struct ring *r); /* all that was put is done with */
size_t ring_used(const struct ring *r);   /* bytes that are not done with, about */

/* ── the taker ── */
/* The oldest entry; it holds until ring_done. NULL: none is there. */
void *ring_first(struct ring *r);
bool ring_is_last(const struct ring *r); /* none is behind it yet */
void ring_done(struct ring *r);

#endif
