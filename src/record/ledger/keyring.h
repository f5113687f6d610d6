/* The keyring: the ledger's keys, sealed under the root key in one small file. docs/formats/ledger.md, Keyring. */
#ifndef TQ_LEDGER_KEYRING_H
#define TQ_LEDGER_KEYRING_H

#include "base/error.h"
#include "base/time.h"
#include "record/crypto/crypto.h"
#include "record/ledger/note.h"

#define KEYRING_FORMAT 1
#define KEYRING_KEYS_MAX 4096
#define ROOT_KEY 32
#define KEY_ID 16
#define LOG_ID 16

struct period_key {
    uint8_t id[KEY_ID];
    uint8_t scope[16]; /* zero: all records of the stream and period */
    uint8_t stream;
    uint32_t period; /* year * 100 + month */
    uint8_t key[32];
};

/* Lies whole in locked memory. */
struct keyring {
    bool locked; /* the memory could be locked */
    uint8_t root[ROOT_KEY];
    uint8_t log_id[LOG_ID];
    uint8_t seed[ED25519_SEED];
    uint8_t purpose[32];
    char origin[NOTE_NAME_MAX + 1];
    _Atomic size_t n; /* grows after its key is written: readers on other threads see whole keys only */
    struct period_key keys[KEYRING_KEYS_MAX];
};

/* Reads a root key: a regular file of 32 bytes that only its owner may read. ERR_CLOSED: not there; ERR_MISUSE: not such a file, with the mend. */
int root_key_load(const char *path, uint8_t out[ROOT_KEY], struct error *e);
/* Makes one from random bytes, durable. It never overwrites. */
int root_key_make(const char *path, struct error *e);

struct keyring *keyring_new(struct error *e);
void keyring_free(struct keyring *k);

/* Fills a new ledger's keys from random bytes; root is filled by the caller. */
void keyring_start(struct keyring *k, const char *origin);

/* Reads DIR/keyring with the root key in k. ERR_CLOSED: not there; ERR_MISUSE: the root key is another ledger's; ERR_CORRUPT: damaged;
 * ERR_LIMIT: written by a newer program. */
int keyring_load(struct keyring *k, int dir, struct error *e);

/* Writes it, durable on return. */
int keyring_save(const struct keyring *k, int dir, struct error *e);

/* Checks what can be checked without the root key. ERR_CORRUPT. */
int keyring_check(int dir, struct error *e);

/* The key of a stream and the month of `time`; NULL: there is none yet. */
const struct period_key *keyring_for(const struct keyring *k, uint8_t stream, tq_time time);
const struct period_key *keyring_by_id(const struct keyring *k, const uint8_t id[KEY_ID]);
/* Adds a random one for that month (save it before use). ERR_LIMIT. */
int keyring_add(struct keyring *k, uint8_t stream, tq_time time, struct error *e);

#endif
