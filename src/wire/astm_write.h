/* Writes frames of the low-level protocol of ASTM E1381 (CLSI LIS1-A, LIS01-A2): STX, frame number, text, ETB or ETX, checksum, CR LF. */
#ifndef TQ_WIRE_ASTM_WRITE_H
#define TQ_WIRE_ASTM_WRITE_H

#include "base/buf.h"

#define ASTM_BYTE_STX 0x02
#define ASTM_BYTE_ETX 0x03
#define ASTM_BYTE_EOT 0x04
#define ASTM_BYTE_ENQ 0x05
#define ASTM_BYTE_ACK 0x06
#define ASTM_BYTE_NAK 0x15
#define ASTM_BYTE_ETB 0x17

/* Appends one frame. number: counts from 1 in each transfer; its last three bits are sent, so 8 is sent as 0. last: ends in ETX instead of ETB. */
void astm_write_frame(struct buf *out, unsigned number, struct span text, bool last);

#endif
