/* Wraps an HL7 v2 message for MLLP, release 1: 0B, the message, 1C 0D. Source: HL7 v2 appendix C.4. */
#ifndef TQ_WIRE_MLLP_WRITE_H
#define TQ_WIRE_MLLP_WRITE_H

#include "base/buf.h"

#define MLLP_START 0x0b
#define MLLP_END 0x1c

void mllp_write(struct buf *out, struct span message);

#endif
