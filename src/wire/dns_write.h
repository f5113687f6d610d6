/* Writes DNS questions and simple answers (RFC 1035, RFC 3596). */
#ifndef TQ_WIRE_DNS_WRITE_H
#define TQ_WIRE_DNS_WRITE_H

#include "base/buf.h"

#define DNS_A 1
#define DNS_AAAA 28

/* One question; name: dotted, labels of at most 63 bytes (a longer label makes `out` failed). */
void dns_write_query(struct buf *out, uint16_t id, const char *name, uint16_t type);

/* The answer to that question: one record with address (4 bytes for A, 16 for AAAA), or, where address is NULL, "no such name". */
void dns_write_answer(struct buf *out, uint16_t id, const char *name, uint16_t type, const uint8_t *address, uint32_t ttl);

#endif
