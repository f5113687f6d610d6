/* One record's entry in the tree, its sealing, and its form in segments and journal frames. docs/formats/ledger.md, Entry and Sealing. */
#ifndef TQ_LEDGER_ENTRY_H
#define TQ_LEDGER_ENTRY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "record/ledger/keyring.h"
#include "record/ledger/ledger.h"
#include "record/ledger/tree.h"

#define ENTRY_BYTES 116
#define ENTRY_HEADER 84
#define ENTRY_SALT 16
#define SEALED_MAX (LEDGER_PAYLOAD_MAX + AES_GCM_TAG)
#define SEALED_RECORD_MIN (8 + 2 + ENTRY_BYTES + 4) /* a sealed record without the sealed bytes */
#define SEALED_RECORD_MAX ((size_t)SEALED_RECORD_MIN + SEALED_MAX)

struct entry {
    enum ledger_stream stream;
    tq_time time;
    uint8_t key_id[KEY_ID];
    uint8_t salt[ENTRY_SALT];
    uint8_t commitment[32];
    uint32_t clear_n;
    uint8_t hash[SHA256_SIZE]; /* of the sealed bytes */
};

/* A sealed record as it lies in a segment or frame; the spans point into it. */
struct sealed_record {
    uint64_t index;
    struct span bytes; /* all of it */
    struct span entry;
    struct span sealed;
};

int entry_parse(struct span bytes, struct entry *ret, struct error *e); /* ERR_CORRUPT; ERR_LIMIT: of a newer format */

/* Writes a record in clear as it will stand sealed, with room for the tag, to p: SEALED_RECORD_MIN + payload.n + AES_GCM_TAG bytes, which it returns.
 * The caller has checked the payload's size. */
size_t entry_put(uint8_t *p, const struct period_key *key, uint64_t index, enum ledger_stream stream, tq_time time, const uint8_t salt[ENTRY_SALT],
                 struct span payload);
/* Seals the record that entry_put wrote to p, in place, under its period key (prepared), and gives its leaf's hash. Returns its length. */
size_t entry_seal(uint8_t *p, struct crypto_sealer *sealer, const struct keyring *ring, const struct crypto_hmac *prepared,
                  struct tree_hash *ret_leaf);

/* Opens a sealed record: checks hash, commitment and tag, in this order, and writes entry->clear_n bytes to out. ERR_CORRUPT, naming the record;
 * also where its key is lost; ERR_CLOSED: its key was erased (*ret_erased). */
int entry_open(struct keyring *ring, const struct sealed_record *r, const struct entry *entry, uint8_t *out, struct erased_key *ret_erased,
               struct error *e);

/* The key that opens this record and no other: to show it to somebody is to show the record. ERR_CLOSED: erased. */
int entry_show(struct keyring *ring, const struct sealed_record *r, uint8_t out[32], struct error *e);
/* Opens a record by such a key alone. ERR_CORRUPT. */
int entry_open_shown(const uint8_t log_id[LOG_ID], const uint8_t key[32], const struct sealed_record *r, const struct entry *entry, uint8_t *out,
                     struct error *e);

/* Takes the next sealed record off `in`: 1; 0: more bytes are needed (nothing taken); -1: what stands there is none. */
int sealed_record_take(struct span *in, struct sealed_record *ret);

#endif
