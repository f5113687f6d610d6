/* ring: packets of a live interface, out of memory that the kernel fills (TPACKET_V3).
 *
 * It opens nothing: whoever may open packet sockets makes one, prepares it here, binds it, and hands it to whoever reads. Reading needs mmap and
 * munmap, poll, and getsockopt(SOL_PACKET, PACKET_STATISTICS) and (SOL_SOCKET, SO_ERROR). Memory is RING_BYTES whatever comes; what does not fit is
 * dropped by the kernel and counted. VLAN tags that the network card took off are put back. Source: Linux, Documentation/networking/packet_mmap.rst.
 */
#ifndef TQ_SENSE_RING_H
#define TQ_SENSE_RING_H

#include "base/error.h"
#include "engine/sense/source.h"

#define RING_BYTES (16u << 20)

struct ring;

struct ring_counts {
    uint64_t seen;    /* packets that reached the socket, dropped ones among them */
    uint64_t dropped; /* by the kernel, because the ring was full */
};

/* Sets a fresh AF_PACKET socket up: version, room for a VLAN tag, the ring itself. Before bind. -1: ERR_SYSTEM. */
int ring_prepare(int fd, struct error *e);

/* Maps the ring of a prepared socket, which stays the caller's and must outlive the ring. linktype: LINKTYPE_* of its packets. NULL: ERR_SYSTEM. */
struct ring *ring_new(int fd, uint32_t linktype, struct error *e);
void ring_free(struct ring *r);

/* The next packet: true, with bytes that hold until the next call; or false: nothing is there now (wait with poll, POLLIN). Never waits. */
bool ring_next(struct ring *r, struct packet *ret);

/* How full the ring is with what was not read yet, in eighths, rounded down. */
unsigned ring_eighths(const struct ring *r);

/* 0: the interface is there; -1: ERR_CLOSED, it went away or down, or ERR_SYSTEM. To be asked when poll says POLLERR. */
int ring_trouble(struct ring *r, struct error *e);

/* Counters since ring_new. */
struct ring_counts ring_counts(struct ring *r);

#endif
