/* The keyring: the ledger's keys. docs/formats/ledger.md, Keyring.
 *
 *   root key (root.h) ── wraps ──► W (slots.h, file `keyring`) ── seals ──► key file (keyfile.c, `keys/<16 hex>`): log id, signing seed, purpose
 * secret, period keys, and what was erased.
 *
 * Invariants
 *  1. A period key is durable in the key file before a record sealed with it may be acknowledged (keyring_flush, at each commit).
 *  2. Erasing and rotating write a whole new key file under a new W, durable, before the slots name it; only then does the old one go. So at every
 *     moment the slots on disk name a whole key file.
 *  3. What is erased stays known by its id alone: a record without a key is either erased, and says when, or its key is lost, and that is an error.
 *  4. Keys are looked up by hash: by id, and by stream, period, scope and epoch. Any thread may look up by id; the rest is the writer's alone. */
#ifndef TQ_LEDGER_KEYRING_H
#define TQ_LEDGER_KEYRING_H

#include "base/error.h"
#include "base/time.h"
#include "record/crypto/crypto.h"
#include "record/ledger/note.h"
#include "record/ledger/slots.h"

#include <pthread.h>

#define KEYRING_KEYS_MAX (1u << 21)   /* period keys: 300 new patients a day for 19 years */
#define KEYRING_ERASED_MAX (1u << 20) /* erased ones that are remembered */
#define KEY_ID 16
#define KEY_SCOPE 16
#define LOG_ID 16

#define CHUNK_KEYS 4096
#define CHUNKS (KEYRING_KEYS_MAX / CHUNK_KEYS)

#define KEY_SHARED 0x80
#define KEY_PACKED 0x40 /* a shared one whose `scope` holds the first four bytes of four scopes */
#define KEY_BUCKET 0x20 /* of all whose scope begins with this byte: made where room for keys is short */
#define KEY_FLAGS (KEY_SHARED | KEY_PACKED | KEY_BUCKET)
#define KEY_WHOLE_MAX 8 /* a record about more has its scopes packed, four in one place */

struct period_key {
    uint8_t id[KEY_ID];
    uint8_t scope[KEY_SCOPE]; /* whose records; zero: all of the stream and period that are nobody's */
    uint8_t key[32];
    uint64_t first;  /* index of the record that it was made for: it seals none before */
    uint32_t period; /* year * 100 + month */
    uint32_t epoch;
    uint8_t stream; /* and KEY_SHARED: of one record, here once for each scope with the same id and key; KEY_PACKED: for each four */
    bool going;     /* chosen for erasing */
    bool retired;   /* it will be: it seals nothing more */
};

struct erased_key {
    uint8_t id[KEY_ID];
    tq_time at;
    uint64_t record; /* keys.erased or retention.removed that says so; all ones: a restored backup's erasure list said so */
};

#define ERASED_BY_LIST UINT64_MAX
#define KEYFILE_FORMAT 3 /* 2 has no packed scopes */

struct key_index {
    uint32_t *at; /* place + 1; 0: free */
    size_t size;  /* a power of two, or 0 */
    size_t n;
};

/* Lies in locked memory; so do the chunks. */
struct keyring {
    bool locked; /* all of it could be locked */
    uint8_t root[ROOT_KEY];
    uint8_t w[WRAPPING_KEY];
    uint8_t log_id[LOG_ID];
    uint8_t seed[ED25519_SEED];
    uint8_t purpose[32];
    char origin[NOTE_NAME_MAX + 1];
    struct slots slots;
    uint8_t format; /* as it was found: 1 is moved to 2 by keyring_settle */
    uint32_t epoch;
    tq_time made;
    tq_time rotated;      /* 0: never */
    uint64_t carried_out; /* index behind the last keys.erased whose keys are gone */

    size_t most; /* KEYRING_KEYS_MAX */

    pthread_mutex_t mutex; /* guards what follows */
    size_t n;
    struct period_key *chunk[CHUNKS];
    struct key_index by_id;
    struct key_index by_scope; /* of the present epoch: the newest of each */
    size_t erased_n;
    size_t erased_size;
    struct erased_key *erased;
    struct key_index by_erased;

    size_t durable;       /* of n: in the key file; the writer's alone, as is what follows */
    unsigned file_format; /* the key file's */
    uint64_t frames;
    uint64_t base_end;
    uint64_t end;       /* of the key file's frames, in bytes */
    uint64_t allocated; /* zeros stand behind them up to here; 0: not known */
};

struct keyring *keyring_new(struct error *e);
void keyring_free(struct keyring *k);

/* Makes a new ledger's keys: random, wrapped under the source's root key, durable. A key file that is not there is made. */
int keyring_make(struct keyring *k, int dir, const struct root_source *source, const char *origin, tq_time now, struct error *e);

/* Reads the keyring in DIR with that source; changes nothing. ERR_CLOSED: not there; ERR_LOCKED: a passphrase is needed, or not this one; ERR_MISUSE:
 * another source or another ledger's root key; ERR_CORRUPT: damaged, naming what cannot be read any more; ERR_LIMIT: written by a newer program. */
int keyring_load(struct keyring *k, int dir, const struct root_source *source, struct error *e);

/* After the ledger was found whole: moves a keyring of format 1 to format 2, makes the slots and what was appended durable, compacts, and removes
 * what a crash or an erasure under way left. Before the first keyring_flush. */
int keyring_settle(struct keyring *k, int dir, const struct root_source *source, tq_time now, struct error *e);

/* Checks what can be checked without the root key. ERR_CORRUPT, ERR_LIMIT. */
int keyring_check(int dir, struct error *e);

/* ── Looking up and adding ── */

uint32_t keyring_period(tq_time time); /* year * 100 + month, UTC */

/* The key of a stream, the month of `time` and a scope (16 bytes; NULL: zero) in the present epoch, made where there is none; it stays where it is
 * until keys are erased. first: index of the record that wants it. NULL: ERR_LIMIT, ERR_SYSTEM. */
const struct period_key *keyring_take(struct keyring *k, uint8_t stream, tq_time time, const uint8_t *scope, uint64_t first, struct error *e);
/* Whether room for keys is short (less than a sixteenth is left): keyring_take then makes one key for all whose scope begins with the same byte, and
 * no record should be given a key of its own. So the record goes on, whoever makes up patients to fill the keyring. */
bool keyring_short(const struct keyring *k);
/* A key for one record that is about several: erasing any of these scopes (n of 16 bytes) erases it; none may be given. Of many only the first four
 * bytes of each are kept: by chance, one in 2^32 for each, an erasure reaches one record more. A kind (LEDGER_KIND) stands first and whole. */
const struct period_key *keyring_share(struct keyring *k, uint8_t stream, tq_time time, const uint8_t (*scopes)[KEY_SCOPE], size_t n, uint64_t first,
                                       struct error *e);
/* Whether erasing the scopes that begin with these bytes (4 to 16) reaches this key. */
bool keyring_is_of(const struct period_key *p, struct span scope_prefix);
/* Adds this very key. */
int keyring_put(struct keyring *k, const struct period_key *key, struct error *e);
const struct period_key *keyring_at(const struct keyring *k, size_t i);

/* The key with this id; NULL: none. The writer's thread. */
const struct period_key *keyring_by_id(const struct keyring *k, const uint8_t id[KEY_ID]);

/* Copies the key with this id out (wipe it). False: there is none; then *ret_erased says what became of it, and its `at` is 0 where nobody knows. */
bool keyring_find(struct keyring *k, const uint8_t id[KEY_ID], uint8_t ret_key[32], struct erased_key *ret_erased);

/* Makes keys that were taken since durable: one write and one fdatasync; nothing where there are none. */
int keyring_flush(struct keyring *k, int dir, struct error *e);

/* Tells the slots of what was appended, so that its loss is found: at each settling of the ledger. */
int keyring_base(struct keyring *k, int dir, struct error *e);

/* The keys with these ids (16 bytes each) seal nothing more: what comes is sealed under new ones. Until the next start. */
void keyring_retire(struct keyring *k, struct span ids);

/* ── Erasing, rotating: the writer's thread; on failure of the disk the keyring is unsure and the ledger must not go on (*ret_unsure) ── */

struct erasing {
    uint64_t record;      /* that says so, or ERASED_BY_LIST */
    uint64_t carried_out; /* the erasures before this index are carried out with it; 0: it is none of those */
};

/* Erases the keys with these ids (16 bytes each; unknown ones are passed over): they are gone from memory and, with the old W, from the disk. */
int keyring_erase(struct keyring *k, int dir, struct span ids, tq_time now, const struct erasing *why, size_t *ret_n, bool *ret_unsure,
                  struct error *e);

/* New W, new epoch: period keys from now on are new ones. source: another root key or source from now on (NULL: the present one). A file as the
 * source gets new bytes. */
int keyring_rotate(struct keyring *k, int dir, const struct root_source *source, tq_time now, bool *ret_unsure, struct error *e);

/* A new recovery key, in place of an earlier one; the secret is the caller's to print and forget. */
int keyring_recovery_new(struct keyring *k, int dir, tq_time now, uint8_t ret_secret[BOX_SECRET], bool *ret_unsure, struct error *e);
/* Shows that the printed one opens the keyring, and notes the time. ERR_MISUSE: it does not. */
int keyring_recovery_test(struct keyring *k, int dir, const uint8_t secret[BOX_SECRET], tq_time now, bool *ret_unsure, struct error *e);
/* Puts a new source in the place of a root key that is lost, by the recovery key; the ledger is not open. */
int keyring_recover(int dir, const uint8_t secret[BOX_SECRET], const struct root_source *source, tq_time now, struct error *e);

/* ── The erasure list: what a restored backup must erase before it serves. docs/formats/ledger.md, Erasure list ── */

int keyring_erasures(struct keyring *k, struct buf *out, struct error *e);
/* The ids of this keyring's keys that the list erases, 16 bytes each. ERR_CORRUPT: damaged, or not this ledger's. */
int keyring_erasures_match(struct keyring *k, struct span list, struct buf *ret_ids, struct error *e);

/* ── Inside: keyring_1.c, format 1 ── */

#define KEYRING_1_KEYS 4096
#define KEYRING_1_MAX (68 + 16 + 32 + 32 + 1 + NOTE_NAME_MAX + 4 + KEYRING_1_KEYS * 72 + 16 + 32)
bool keyring_1_is(struct span file);
int keyring_1_read(struct keyring *k, struct span file, const struct root_source *source, struct error *e);
int keyring_1_check(struct span file, struct error *e);

/* ── Inside: keyfile.c ── */

/* Writes all keys that are not going under the keyring's W and generation to a new key file, durable; sets base, end, frames. */
int keyfile_write(struct keyring *k, int dir, struct error *e);
int keyfile_append(struct keyring *k, int dir, struct error *e);                  /* keys from `durable` on */
void keyfile_trim(struct keyring *k, int dir);                                    /* cuts the room behind its frames off (an orderly end) */
int keyfile_read(struct keyring *k, int dir, struct error *e);                    /* the one that the slots name */
int keyfile_rewrite_tail(struct keyring *k, int dir, struct error *e);            /* what was appended, byte for byte, and durable */
int keyfile_check(int dir, const struct slots *s, struct error *e);               /* without W */
int keyfile_drop(int dir, const uint8_t generation[GENERATION], struct error *e); /* overwrites and removes it */
int keyfile_drop_others(int dir, const uint8_t generation[GENERATION], struct error *e);

/* One frame, taken off a key file's pages; for keyfile.c, the fuzzer and tests. */
struct key_frame {
    uint64_t number;
    uint8_t kind;
    struct span bytes; /* header and sealed, without the hash */
    struct span sealed;
    uint8_t salt[32];
    size_t pages; /* bytes that it takes in the file */
};
bool key_frame_take(struct span in, const uint8_t generation[GENERATION], struct key_frame *ret); /* false: none stands there */
/* Takes a frame's clear text into the keyring. False: it has not the form. */
bool key_frame_apply(struct keyring *k, uint8_t kind, struct span clear);

bool keyring_erased_room(struct keyring *k, size_t more); /* false: no memory, or too many */
void keyring_erased_add(struct keyring *k, const struct erased_key *x);
void keyring_erased_cut(struct keyring *k, size_t n); /* back to n of them */
bool keyring_index_all(struct keyring *k);            /* both key indexes anew; false: no memory */
/* The whole keyring again under a new W, and the slots with it; the old ones are destroyed. */
int keyring_renew(struct keyring *k, int dir, bool *ret_unsure, struct error *e);

#endif
