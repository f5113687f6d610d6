/* box: seals to a public key, so that who seals cannot open. X25519 (RFC 7748) with a key pair for each sealing, HKDF-SHA-256, AES-256-GCM:
 *
 *     key    = HKDF(secret = X25519(own secret, public), salt = own public (32) ‖ public (32), info = label)
 *     sealed = own public (32) ‖ AES-256-GCM(key, nonce = 12 zero bytes, ad, clear) ‖ tag (16)
 *
 * The own secret is forgotten at once: the key seals one text. It says nothing about who sealed. */
#ifndef TQ_CRYPTO_BOX_H
#define TQ_CRYPTO_BOX_H

#include "base/span.h"

#define BOX_SECRET 32 /* any 32 random bytes */
#define BOX_PUBLIC 32
#define BOX_OVERHEAD (BOX_PUBLIC + 16) /* what sealing adds */

/* The public key of a secret one. */
void box_public(const uint8_t secret[BOX_SECRET], uint8_t out[BOX_PUBLIC]);

/* Writes clear.n + BOX_OVERHEAD bytes to out, which is not clear.p. label: a word for the purpose; ad: is bound and not kept. False: no usable public
 * key (one of few points that give everybody the same secret). */
bool box_seal(const uint8_t public_key[BOX_PUBLIC], struct span label, struct span ad, struct span clear, uint8_t *out);

/* Writes sealed.n - BOX_OVERHEAD bytes to out. False, and out wiped: not sealed to this key, with this label and ad. */
bool box_open(const uint8_t secret[BOX_SECRET], struct span label, struct span ad, struct span sealed, uint8_t *out);

#endif
