/* crypto: the few primitives of the house, each with one fixed choice. The only user of OpenSSL's primitives and of libsodium.
 *
 * SHA-256 (FIPS 180-4), HMAC (RFC 2104), HKDF (RFC 5869), AES-256-GCM (SP 800-38D), Ed25519 (RFC 8032), X25519 (RFC 7748). Algorithms are fetched
 * once a process. A failure of a primitive that cannot fail on any input (no memory, no provider) ends the process with one line: going on with a
 * wrong hash would be worse. Thread-safe, except that one object is used by one thread at a time. */
#ifndef TQ_CRYPTO_H
#define TQ_CRYPTO_H

#include "base/error.h"
#include "base/span.h"

#define SHA256_SIZE 32
#define SHA1_SIZE 20
#define AES_GCM_KEY 32
#define AES_GCM_NONCE 12
#define AES_GCM_TAG 16
#define ED25519_SEED 32
#define ED25519_PUBLIC 32
#define ED25519_SIGNATURE 64
#define X25519_KEY 32

/* Fetches everything. Call it before a role narrows itself (it may read OpenSSL's configuration); else the first use does it. ERR_SYSTEM. */
int crypto_start(struct error *e);

/* ── Hash ── */

void crypto_sha256(struct span data, uint8_t out[SHA256_SIZE]);

/* SHA-1, for lists that others made with it; it protects nothing here. */
void crypto_sha1(struct span data, uint8_t out[SHA1_SIZE]);

/* Hash of several pieces as if they were one. Fast for many small ones. */
void crypto_sha256_parts(const struct span *parts, size_t n, uint8_t out[SHA256_SIZE]);

/* Piece by piece: new, add…, end (gives the hash and starts again), free. NULL: no memory. */
struct crypto_hash;
struct crypto_hash *crypto_hash_new(void);
void crypto_hash_add(struct crypto_hash *h, struct span data);
void crypto_hash_end(struct crypto_hash *h, uint8_t out[SHA256_SIZE]);
void crypto_hash_free(struct crypto_hash *h);

/* ── Keyed hash and key derivation ── */

void crypto_hmac_sha256(struct span key, struct span data, uint8_t out[SHA256_SIZE]);

/* A key prepared once for many HMACs: SHA-256's state behind the inner and the outer block, which saves half the work of a short one. As secret as
 * the key. */
struct crypto_hmac {
    uint32_t inner[8];
    uint32_t outer[8];
};
void crypto_hmac_set(struct crypto_hmac *h, struct span key);
void crypto_hmac_do(const struct crypto_hmac *h, const struct span *parts, size_t n, uint8_t out[SHA256_SIZE]);
struct crypto_hmac *crypto_hmac_new(struct span key); /* NULL: no memory */
void crypto_hmac_free(struct crypto_hmac *h);         /* wipes */

/* HKDF-Extract, then HKDF-Expand (RFC 5869). out_n: at most 255 * 32. */
void crypto_hkdf(struct span secret, struct span salt, struct span info, uint8_t *out, size_t out_n);
/* HKDF-Expand alone, for a secret that is a uniformly random key of 32 bytes. */
void crypto_hkdf_expand(const uint8_t key[32], struct span info, uint8_t *out, size_t out_n);
void crypto_hkdf_expand_with(const struct crypto_hmac *key, struct span info, uint8_t *out, size_t out_n); /* the same with the key prepared */

/* ── Sealing ── */

/* Writes clear.n + AES_GCM_TAG bytes to out (ciphertext, then tag). One key and nonce never seal two texts. out may be clear.p. */
void crypto_seal(const uint8_t key[AES_GCM_KEY], const uint8_t nonce[AES_GCM_NONCE], struct span ad, struct span clear, uint8_t *out);

/* Seals many texts, each under a key of its own and a nonce of zeros, without forgetting the key after each: half the cost for short ones. The last
 * key stays in its memory until crypto_sealer_forget. One thread at a time. NULL: no memory. */
struct crypto_sealer;
struct crypto_sealer *crypto_sealer_new(void);
void crypto_sealer_seal(struct crypto_sealer *s, const uint8_t key[AES_GCM_KEY], struct span ad, struct span clear, uint8_t *out);
void crypto_sealer_forget(struct crypto_sealer *s);
void crypto_sealer_free(struct crypto_sealer *s); /* wipes */

/* Opens what crypto_seal wrote: sealed.n - AES_GCM_TAG bytes to out. False (and out wiped): the text, tag or ad is not what was sealed under this
 * key. */
bool crypto_open(const uint8_t key[AES_GCM_KEY], const uint8_t nonce[AES_GCM_NONCE], struct span ad, struct span sealed, uint8_t *out);

/* Seals and opens many texts under one key that is set up once, each with a nonce of its own; the tag lies apart from the text. out may be where the
 * text lies. The key stays in the library's memory until free. One thread at a time. NULL: no memory. */
struct crypto_bulk;
struct crypto_bulk *crypto_bulk_new(const uint8_t key[AES_GCM_KEY]);
void crypto_bulk_seal(struct crypto_bulk *b, const uint8_t nonce[AES_GCM_NONCE], struct span ad, struct span clear, uint8_t *out,
                      uint8_t tag[AES_GCM_TAG]);
/* False (and out wiped): not what was sealed. */
bool crypto_bulk_open(struct crypto_bulk *b, const uint8_t nonce[AES_GCM_NONCE], struct span ad, struct span sealed, const uint8_t tag[AES_GCM_TAG],
                      uint8_t *out);
void crypto_bulk_free(struct crypto_bulk *b); /* wipes; b may be NULL */

/* ── Signatures: Ed25519 ── */

struct crypto_signer;
struct crypto_signer *crypto_signer_new(const uint8_t seed[ED25519_SEED]); /* NULL: no memory */
void crypto_signer_public(const struct crypto_signer *s, uint8_t out[ED25519_PUBLIC]);
void crypto_signer_sign(const struct crypto_signer *s, struct span message, uint8_t out[ED25519_SIGNATURE]);
void crypto_signer_free(struct crypto_signer *s);
bool crypto_verify(const uint8_t public_key[ED25519_PUBLIC], struct span message, const uint8_t signature[ED25519_SIGNATURE]);

/* ── Key agreement: X25519 ── */

/* Any 32 random bytes are a secret key. */
void crypto_x25519_public(const uint8_t secret[X25519_KEY], uint8_t out[X25519_KEY]);
/* What both sides share: out is no key yet, derive one from it. False: the public key is a point of small order, which nobody honest has. */
bool crypto_x25519(const uint8_t secret[X25519_KEY], const uint8_t public_key[X25519_KEY], uint8_t out[X25519_KEY]);

/* ── Random bytes, comparing, forgetting ── */

void crypto_random(void *out, size_t n);                   /* from OpenSSL's generator, seeded by the kernel */
bool crypto_equal(const void *a, const void *b, size_t n); /* takes the same time whatever the bytes are */
void crypto_wipe(void *p, size_t n);

/* Memory for keys: zeroed, locked (mlock), left out of core files (MADV_DONTDUMP) and of children. Whole pages: put one struct of keys there, not
 * single keys. *ret_locked (may be NULL): whether locking worked; where it did not (RLIMIT_MEMLOCK) the memory is usable and the caller says so.
 * NULL: no memory. */
void *crypto_secret_new(size_t n, bool *ret_locked);
void crypto_secret_free(void *p, size_t n); /* wipes; p may be NULL */

#endif
