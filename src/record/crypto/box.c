#include "record/crypto/box.h"

#include "record/crypto/crypto.h"

_Static_assert(BOX_SECRET == X25519_KEY && BOX_PUBLIC == X25519_KEY, "X25519");

static const uint8_t zero_nonce[AES_GCM_NONCE];

void box_public(const uint8_t secret[BOX_SECRET], uint8_t out[BOX_PUBLIC])
{
    crypto_x25519_public(secret, out);
}

/* The key that both sides reach. False: the shared secret is all zeros (RFC 7748, section 6.1). */
static bool agree(const uint8_t secret[BOX_SECRET], const uint8_t theirs[BOX_PUBLIC], const uint8_t sender[BOX_PUBLIC],
                  const uint8_t receiver[BOX_PUBLIC], struct span label, uint8_t key[AES_GCM_KEY])
{
    uint8_t shared[X25519_KEY];
    uint8_t salt[2 * BOX_PUBLIC];
    if (!crypto_x25519(secret, theirs, shared))
        return false;
    memcpy(salt, sender, BOX_PUBLIC);
    memcpy(salt + BOX_PUBLIC, receiver, BOX_PUBLIC);
    crypto_hkdf(span_of(shared, sizeof shared), span_of(salt, sizeof salt), label, key, AES_GCM_KEY);
    crypto_wipe(shared, sizeof shared);
    return true;
}

bool box_seal(const uint8_t public_key[BOX_PUBLIC], struct span label, struct span ad, struct span clear, uint8_t *out)
{
    uint8_t own[BOX_SECRET];
    uint8_t key[AES_GCM_KEY];
    crypto_random(own, sizeof own);
    box_public(own, out);
    bool usable = agree(own, public_key, out, public_key, label, key);
    crypto_wipe(own, sizeof own);
    if (usable)
        crypto_seal(key, zero_nonce, ad, clear, out + BOX_PUBLIC);
    crypto_wipe(key, sizeof key);
    return usable;
}

bool box_open(const uint8_t secret[BOX_SECRET], struct span label, struct span ad, struct span sealed, uint8_t *out)
{
    uint8_t own[BOX_PUBLIC];
    uint8_t key[AES_GCM_KEY];
    if (sealed.n < BOX_OVERHEAD)
        return false;
    box_public(secret, own);
    bool good = agree(secret, sealed.p, sealed.p, own, label, key) &&
                crypto_open(key, zero_nonce, ad, span_of(sealed.p + BOX_PUBLIC, sealed.n - BOX_PUBLIC), out);
    if (!good)
        crypto_wipe(out, sealed.n - BOX_OVERHEAD);
    crypto_wipe(key, sizeof key);
    return good;
}
