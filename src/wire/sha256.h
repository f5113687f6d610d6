/* sha256: FIPS 180-4, for fingerprints (JA4) in rooms that may use no cryptographic library. Whatever proves or protects uses record/crypto
 * (docs/decisions/sha256-in-wire.md). */
#ifndef TQ_WIRE_SHA256_H
#define TQ_WIRE_SHA256_H

#include "base/span.h"

#define SHA256_BYTES 32

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes added */
    uint8_t block[64];
};

void sha256_start(struct sha256 *s);
void sha256_add(struct sha256 *s, struct span bytes);
void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES]);

#endif
