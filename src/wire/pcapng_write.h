/* Writes capture files in blocks (draft-ietf-opsawg-pcapng), little-endian, one section, times in nanoseconds. */
#ifndef TQ_WIRE_PCAPNG_WRITE_H
#define TQ_WIRE_PCAPNG_WRITE_H

#include "base/buf.h"
#include "base/time.h"

#define PCAPNG_WRITE_START 28     /* bytes of the section header */
#define PCAPNG_WRITE_INTERFACE 32 /* of an interface */
#define PCAPNG_WRITE_PACKET 32    /* of a packet, beside its bytes and up to 3 of padding */

/* Appends the section header; then one interface for each link type (LINKTYPE_*), numbered from 0 in this order; then packets. */
void pcapng_write_start(struct buf *out);
void pcapng_write_interface(struct buf *out, uint32_t linktype);

/* Appends one packet. original: bytes that it had on the wire. Times before 1970 are held there. */
void pcapng_write_packet(struct buf *out, uint32_t interface, tq_time time, struct span bytes, uint32_t original);

#endif
