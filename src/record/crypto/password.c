#include "record/crypto/password.h"

#include "record/crypto/crypto.h"

#include <sodium.h>

_Static_assert(PASSWORD_TEXT >= crypto_pwhash_argon2id_STRBYTES, "room for the text form");

/* RFC 9106's second recommended option: 64 MiB, 3 passes (it asks for 4 lanes; libsodium computes one, which costs the guesser the same memory and
 * more time). Measured at about 0.15 s on one core of a 2.5 GHz server: a sign-in nobody notices, a guess that needs 64 MiB for as long. */
#define PASSES 3
#define MEMORY (64u << 20)

int password_hash(struct span password, char out[PASSWORD_TEXT], struct error *e)
{
    if (password.n == 0 || password.n > PASSWORD_MAX)
        return err_set(e, ERR_MISUSE, "a password has 1 to %d bytes", PASSWORD_MAX);
    if (crypto_start(e) != 0)
        return -1;
    char text[crypto_pwhash_argon2id_STRBYTES] = {0};
    if (crypto_pwhash_argon2id_str(text, (const char *)password.p, password.n, PASSES, MEMORY) != 0)
        return err_set(e, ERR_SYSTEM, "not enough memory to hash a password (%u MiB are needed)", MEMORY >> 20);
    memcpy(out, text, sizeof text);
    return 0;
}

bool password_verify(struct span password, const char *text)
{
    if (crypto_start(NULL) != 0 || password.n == 0 || password.n > PASSWORD_MAX || strnlen(text, PASSWORD_TEXT) >= crypto_pwhash_argon2id_STRBYTES)
        return false;
    return crypto_pwhash_argon2id_str_verify(text, (const char *)password.p, password.n) == 0;
}

void password_verify_nobody(struct span password)
{
    uint8_t hash[32];
    static const uint8_t salt[crypto_pwhash_argon2id_SALTBYTES];
    if (crypto_start(NULL) != 0 || password.n > PASSWORD_MAX)
        return;
    if (crypto_pwhash_argon2id(hash, sizeof hash, (const char *)password.p, password.n, salt, PASSES, MEMORY,
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
        return;
    crypto_wipe(hash, sizeof hash);
}

bool password_outdated(const char *text)
{
    return crypto_start(NULL) != 0 || crypto_pwhash_argon2id_str_needs_rehash(text, PASSES, MEMORY) != 0;
}

/* ── Keys from passphrases ── */

_Static_assert(PASSPHRASE_SALT == crypto_pwhash_argon2id_SALTBYTES, "the salt's length");

#define COST_PASSES 4
#define COST_KIB (256u << 10)
#define COST_PASSES_MAX 64
#define COST_KIB_MAX (1u << 20)

struct passphrase_cost passphrase_cost(void)
{
    return (struct passphrase_cost){.passes = COST_PASSES, .kib = COST_KIB};
}

int passphrase_key(struct span passphrase, const uint8_t salt[PASSPHRASE_SALT], struct passphrase_cost cost, uint8_t out[32], struct error *e)
{
    if (passphrase.n == 0 || passphrase.n > PASSWORD_MAX)
        return err_set(e, ERR_MISUSE, "a passphrase has 1 to %d bytes", PASSWORD_MAX);
    if (cost.passes == 0 || cost.passes > COST_PASSES_MAX || cost.kib < 8 || cost.kib > COST_KIB_MAX)
        return err_set(e, ERR_LIMIT, "a passphrase's cost of %u passes over %u KiB is outside what this program computes", cost.passes, cost.kib);
    if (crypto_start(e) != 0)
        return -1;
    if (crypto_pwhash_argon2id(out, 32, (const char *)passphrase.p, passphrase.n, salt, cost.passes, (size_t)cost.kib << 10,
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
        return err_set(e, ERR_SYSTEM, "not enough memory to make a key of the passphrase (%u MiB are needed)", cost.kib >> 10);
    return 0;
}
