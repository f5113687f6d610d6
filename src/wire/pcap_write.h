/* Writes capture files: the classic pcap format with nanosecond time stamps (magic a1b23c4d), little-endian.
 *
 * Source: the file format as libpcap documents it (pcap-savefile). */
#ifndef TQ_WIRE_PCAP_WRITE_H
#define TQ_WIRE_PCAP_WRITE_H

#include "base/buf.h"
#include "base/time.h"

#define PCAP_WRITE_SNAP 262144 /* most bytes of one packet, as the file header says */

/* Appends the 24 bytes at the start of a file whose packets are all of one link type (LINKTYPE_*; 1 is Ethernet). */
void pcap_write_header(struct buf *out, uint32_t linktype);

/* Appends one packet that was captured whole. Times before 1970 or after 2106 do not fit the format and are held at its ends. */
void pcap_write_packet(struct buf *out, tq_time time, struct span bytes);

#endif
