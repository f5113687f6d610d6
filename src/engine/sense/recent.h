/* recent: the newest packets of a sensor, in memory, so that those of a conversation can be had when something is found in it.
 *
 * A ring of bytes: the oldest packets make room for the newest. It knows of a packet what sense said of it, its flow. */
#ifndef TQ_SENSE_RECENT_H
#define TQ_SENSE_RECENT_H

#include "base/buf.h"
#include "base/time.h"

struct recent;

/* bytes: all that it may take, at least 1 MiB; the memory is touched only as packets come. NULL: no memory. */
struct recent *recent_new(size_t bytes);
void recent_free(struct recent *r); /* wipes; r may be NULL */

/* original: bytes that the packet had on the wire; flow: as sense_flow, 0: none. */
void recent_add(struct recent *r, tq_time time, uint32_t linktype, struct span bytes, uint32_t original, uint64_t flow);

/* Appends the newest packets of these flows, as many as fit into max bytes, in the order in which they came, as a capture file (pcapng). Returns how
 * many; of 0 nothing is appended. */
uint32_t recent_pick(const struct recent *r, const uint64_t *flows, size_t n, size_t max, struct buf *out);

#endif
