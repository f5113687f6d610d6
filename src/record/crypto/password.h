/* Passwords: Argon2id (RFC 9106) through libsodium, in its text form "$argon2id$v=19$m=…,t=…,p=1$salt$hash"; and keys from passphrases. */
#ifndef TQ_PASSWORD_H
#define TQ_PASSWORD_H

#include "base/error.h"
#include "base/span.h"

#define PASSWORD_TEXT 128 /* room for the text form with its final zero */
#define PASSWORD_MAX 1024 /* most bytes of a password */

/* Hashes with a fresh random salt (64 MiB, 3 passes: about 0.1-0.3 s of one core). ERR_MISUSE: empty or longer than PASSWORD_MAX; ERR_SYSTEM: no
 * memory. */
int password_hash(struct span password, char out[PASSWORD_TEXT], struct error *e);

/* Takes the same time whether or not the password is right. text: from password_hash. False also where text is not such a text. */
bool password_verify(struct span password, const char *text);

/* Spends the time of one password_verify, for an account that does not exist: the answer's time must not say which names do. */
void password_verify_nobody(struct span password);

/* The text was made with other parameters than today's: hash again at the next successful sign-in. */
bool password_outdated(const char *text);

/* ── Keys from passphrases ── */

#define PASSPHRASE_SALT 16

/* What the guesser pays for each guess: kept beside what the key opens. */
struct passphrase_cost {
    uint32_t passes;
    uint32_t kib; /* memory */
};

/* Today's choice for a machine of 1 to 2 GB. */
struct passphrase_cost passphrase_cost(void);

/* 32 bytes of Argon2id (version 19, one lane). ERR_MISUSE: empty or longer than PASSWORD_MAX; ERR_LIMIT: a cost outside 1-64 passes and 8 KiB-1 GiB;
 * ERR_SYSTEM: not enough memory. */
int passphrase_key(struct span passphrase, const uint8_t salt[PASSPHRASE_SALT], struct passphrase_cost cost, uint8_t out[32], struct error *e);

#endif
