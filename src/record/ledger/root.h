/* root: where the root key comes from. One interface for three sources; what each protects from is a table in SECURITY.md.
 *
 * The root key wraps the wrapping key W (slots.h), and W seals the keyring: so the source can change, and W be destroyed, without touching a record.
 */
#ifndef TQ_LEDGER_ROOT_H
#define TQ_LEDGER_ROOT_H

#include "base/error.h"
#include "base/span.h"
#include "record/crypto/password.h"

#define ROOT_KEY 32
#define ROOT_SECRET_MAX 1024
#define CREDENTIAL_MIN 32

enum root_kind {
    ROOT_FILE = 1,       /* a file of 32 random bytes, mode 0600 */
    ROOT_CREDENTIAL = 2, /* what systemd hands over in $CREDENTIALS_DIRECTORY, sealed to this machine's TPM by systemd-creds */
    ROOT_PASSPHRASE = 3, /* Argon2id of what a person types */
};

const char *root_kind_name(enum root_kind kind);                      /* "file", "credential", "passphrase"; "" */
enum root_kind root_kind_of(struct span name);                        /* 0: none of them */
const char *root_protects(enum root_kind kind, const char **ret_not); /* plain words: from whom it protects, and from whom not */

/* Texts and secret stay the caller's. */
struct root_source {
    enum root_kind kind;
    const char *path;            /* file: where it lies; made there with a new ledger. Not used where `secret` is given */
    struct span secret;          /* the passphrase, the credential's bytes, or the file's, where somebody else has read it */
    struct passphrase_cost cost; /* passphrase, when it is set: zeros mean today's */
};

/* The root key. salt, cost: the passphrase's, as kept in the slot. ERR_LOCKED: a passphrase is needed and there is none; ERR_CLOSED: the file is not
 * there; ERR_MISUSE: it is no such file, or too short a credential, with the mend. */
int root_open(const struct root_source *s, const uint8_t salt[PASSPHRASE_SALT], struct passphrase_cost cost, uint8_t out[ROOT_KEY], struct error *e);

/* ── Files ── */

/* Reads a root key: a regular file of 32 bytes that only its owner may read. ERR_CLOSED: not there; ERR_MISUSE: not such a file, with the mend. */
int root_key_load(const char *path, uint8_t out[ROOT_KEY], struct error *e);
/* Makes one from random bytes, durable. It never overwrites. */
int root_key_make(const char *path, struct error *e);
/* Writes these bytes over the ones that are there, in place, or makes the file; durable. */
int root_key_put(const char *path, const uint8_t key[ROOT_KEY], struct error *e);
int root_key_drop(const char *path, struct error *e); /* overwrites and removes it */

#endif
