/* signature: what security keys and authenticator apps prove: signatures of keys that others hold (ECDSA on P-256, RSA PKCS #1 v1.5, both with
 * SHA-256), and one-time codes (HOTP, RFC 4226). Ed25519 is in crypto.h. */
#ifndef TQ_CRYPTO_SIGNATURE_H
#define TQ_CRYPTO_SIGNATURE_H

#include "base/span.h"

/* ECDSA (FIPS 186-5), the signature in DER. False also where x, y is no point of the curve. x, y: 32 bytes each. */
bool crypto_es256_verify(struct span x, struct span y, struct span message, struct span signature);

/* RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2) with a modulus of 2048 to 8192 bits and an odd exponent of at least 3. */
bool crypto_rs256_verify(struct span n, struct span e, struct span message, struct span signature);

/* HMAC-SHA-1's truncation (RFC 4226, section 5.3): the code of six digits. */
uint32_t crypto_hotp(struct span key, uint64_t counter);

#endif
