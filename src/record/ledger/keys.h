/* keys: what is done with an open ledger's keys: telling about them, erasing, rotating, the recovery key, the erasure list. docs/formats/ledger.md.
 *
 * All but ledger_recover_keys are the appender's, like ledger_append: under the same lock. A failed write makes the ledger take nothing more
 * (ERR_SYSTEM), as a failed commit does; the next start finds either the old keyring or the new one. */
#ifndef TQ_LEDGER_KEYS_H
#define TQ_LEDGER_KEYS_H

#include "record/ledger/ledger.h"
#include "record/ledger/slots.h"

#define LEDGER_KEY_ID 16

struct ledger_keys {
    enum root_kind source;
    struct passphrase_cost cost; /* passphrase */
    tq_time made;
    tq_time rotated; /* 0: never */
    uint32_t epoch;  /* 1 with a new ledger, one more with each rotation */
    uint64_t period_keys;
    uint64_t erased;      /* keys that were erased */
    tq_time last_erasure; /* 0: never */
    tq_time recovery_made;
    tq_time recovery_tested;
    uint64_t carried_out; /* index behind the last record keys.erased whose keys are gone (ledger_erase) */
    bool locked;          /* they lie in memory that is never swapped out */
};
void ledger_keys(struct ledger *l, struct ledger_keys *ret);

/* What a copy of this ledger's keyring, of an earlier time, is sealed under, by the present root key: an erasure changes the one and not the other.
 * ERR_MISUSE: the root key was another one then; ERR_CORRUPT: it is damaged, or another ledger's. */
int ledger_opening_key_of(struct ledger *l, struct span keyring, uint8_t out[32], struct error *e);

/* Whether room for keys is nearly used up: records of a new scope share keys then, 256 a month, and are erased together. ledger_append_shared still
 * works, and should not be used: its keys are what room is needed for. */
bool ledger_keys_short(struct ledger *l);

/* ── Erasing ── */

#define LEDGER_PERIOD_LAST UINT32_MAX

/* Appends the ids (16 bytes each) of the keys whose scope begins with these bytes, of periods (year * 100 + month) from … to, that were made for a
 * record before `before` (LEDGER_NO_RECORD: any). A kind of record is named by all 16 bytes of its scope. */
int ledger_keys_of(struct ledger *l, struct span scope_prefix, uint32_t from, uint32_t to, uint64_t before, struct buf *ret_ids, struct error *e);

/* The key of one record: its id, and whether it can be erased: it has a scope, or is this record's alone. ERR_MISUSE: no such record, or its key is
 * gone. */
int ledger_key_of(struct ledger *l, uint64_t index, uint8_t ret_id[LEDGER_KEY_ID], bool *ret_scoped, struct error *e);

/* The oldest records of a kind (all 16 bytes of its scope; each sealed with a key of its own) that were recorded before `before`: how many, up to
 * `most`, the last one's index, and when that was recorded. It stops at the first that is younger; one that was recorded after `now`, because the
 * clock was wrong, goes with those behind it. */
struct ledger_aged {
    size_t n;
    uint64_t last;
    tq_time time;
};
int ledger_aged(struct ledger *l, const uint8_t scope[LEDGER_SCOPE], tq_time before, tq_time now, size_t most, struct ledger_aged *ret,
                struct error *e);

/* Calls each for every committed record that is sealed with one of these keys, in no order. It reads the segments from the first of them on. */
typedef void ledger_each_index(void *context, uint64_t index);
int ledger_records_of(struct ledger *l, struct span ids, ledger_each_index *each, void *context, struct error *e);

/* These keys (16 bytes each) are to be erased: from now on they seal nothing. So what is recorded between the decision and the erasure stays. */
int ledger_retire(struct ledger *l, struct span ids, struct error *e);

/* Destroys these keys: the keyring is written without them under a new wrapping key and the old one is overwritten, so nothing that is kept here
 * opens their records any more. record: index of the committed keys.erased that says who asked and why. *ret_n: how many there were. The erasure list
 * beside the keyring is written anew. */
int ledger_erase(struct ledger *l, struct span ids, tq_time now, uint64_t record, size_t *ret_n, struct error *e);
/* The same for what was kept long enough; record: the committed retention.removed. An erasure that is still to be carried out stays so. */
int ledger_expire(struct ledger *l, struct span ids, tq_time now, uint64_t record, size_t *ret_n, struct error *e);

/* ── The erasure list: what a restored backup must erase before it serves. It tells nobody without the keyring which records it is about ── */

#define LEDGER_ERASURES "erasures"                  /* beside the keyring, written at every erasure: keep the newest one elsewhere too */
#define LEDGER_ERASURES_MAX (40 + (16u << 20) + 32) /* most bytes of one */
int ledger_erasures(struct ledger *l, struct buf *out, struct error *e);
/* Erases what the list names and this keyring still has. ERR_CORRUPT: damaged, or another ledger's. */
int ledger_replay_erasures(struct ledger *l, struct span list, tq_time now, size_t *ret_n, struct error *e);

/* ── Rotating, recovering ── */

/* From now on: a new wrapping key, and new period keys. source: also another root key or source (the passphrase is set, a file gets new bytes, which
 * need the file's path); NULL: the root key stays. What was recorded stays readable. */
int ledger_rotate(struct ledger *l, const struct root_source *source, tq_time now, struct error *e);

/* Makes a recovery key in place of an earlier one; text: to be printed, and kept nowhere. Wipe it. */
int ledger_recovery_new(struct ledger *l, tq_time now, char text[RECOVERY_TEXT], struct error *e);
/* Whether this text is the recovery key; when it is, the time is kept. ERR_MISUSE: it is not, and how. */
int ledger_recovery_test(struct ledger *l, struct span text, tq_time now, struct error *e);

/* Puts a root key in the place of one that is lost, by the recovery key; the ledger in DIR is not open. A key file that is not there is made. */
int ledger_recover_keys(const char *dir, struct span recovery_text, const struct root_source *source, tq_time now, struct error *e);

/* By what the keyring in DIR opens, without opening it. ERR_MISUSE: there is none. */
int ledger_source(const char *dir, enum root_kind *ret, struct error *e);

#endif
