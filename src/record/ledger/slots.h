/* slots: the wrapping key W of a keyring, wrapped once under the root key and, where there is a recovery key, once to its public half. The file
 * `keyring`: docs/formats/ledger.md, Keyring.
 *
 * Invariants
 *  1. The file holds two copies of its slots. At rest they are equal; a change writes the one, makes it durable, then the other: at every moment one
 *     of them is whole, and names a key file that is whole. What was there before is overwritten by it, in place.
 *  2. Whoever opens takes the whole copy with the greater number, and makes the other one like it.
 *  3. A wrapping key never seals twice under one salt: each writing of a slot draws a new one. */
#ifndef TQ_LEDGER_SLOTS_H
#define TQ_LEDGER_SLOTS_H

#include "base/buf.h"
#include "base/time.h"
#include "record/crypto/box.h"
#include "record/ledger/root.h"

#define SLOTS_FORMAT 2
#define SLOTS_FILE 12288
#define SLOTS_MAX 8
#define WRAPPING_KEY 32
#define GENERATION 16
#define SLOT_RECOVERY 4 /* kind of the recovery key's; the others are enum root_kind */

struct slot {
    uint8_t kind;
    struct passphrase_cost cost; /* passphrase */
    tq_time made;
    tq_time tested; /* recovery: when somebody showed that the printed key opens it; 0: never */
    uint8_t passphrase_salt[PASSPHRASE_SALT];
    uint8_t salt[32];
    uint8_t public_key[BOX_PUBLIC]; /* recovery */
    uint8_t check[16];              /* tells a wrong root key from a damaged file; recovery: zero */
    uint8_t wrapped[WRAPPING_KEY + BOX_OVERHEAD];
};

struct slots {
    uint8_t log_id[16];
    uint64_t number;                /* of this writing */
    uint8_t generation[GENERATION]; /* names the key file that W seals */
    uint32_t base;                  /* frames of the key file that were there from its beginning */
    uint32_t n;
    struct slot slot[SLOTS_MAX];
    uint8_t mac[32]; /* of all this under W: nobody without W puts a recovery key of his own there and waits for the next wrapping */
};

/* ── Texts: no file is touched ── */

/* The whole file, both copies alike; slots_confirm came before. */
void slots_format(const struct slots *s, struct buf *out);
/* Takes the copy in force. ERR_CORRUPT; ERR_LIMIT: of a newer program. */
enum slots_other { SLOTS_ALIKE, SLOTS_OLDER, SLOTS_DAMAGED }; /* what the other copy is */
int slots_parse(struct span file, struct slots *ret, enum slots_other *ret_other, struct error *e);

const struct slot *slots_find(const struct slots *s, uint8_t kind); /* NULL: none */
const struct slot *slots_source(const struct slots *s);             /* the one of the root key; NULL: none */

/* Puts a slot for this root key in the place of the one of any other source. salt, cost: as root_open used them. */
void slots_wrap_root(struct slots *s, enum root_kind kind, const uint8_t salt[PASSPHRASE_SALT], struct passphrase_cost cost,
                     const uint8_t root[ROOT_KEY], const uint8_t w[WRAPPING_KEY], tq_time now);
/* Puts a slot for the recovery key in the place of an earlier one. False: no usable public key. */
bool slots_wrap_recovery(struct slots *s, const uint8_t public_key[BOX_PUBLIC], const uint8_t w[WRAPPING_KEY], tq_time now);
/* Wraps another W in all slots: root is the root key of the present source. */
bool slots_wrap_again(struct slots *s, const uint8_t root[ROOT_KEY], const uint8_t w[WRAPPING_KEY]);

/* Makes the mac, after the last change and before writing. */
void slots_confirm(struct slots *s, const uint8_t w[WRAPPING_KEY]);

/* W by the root key's source; ret_root (may be NULL) is what it gave. ERR_LOCKED: a passphrase is needed, or it is not this one; ERR_MISUSE: another
 * source, or another root key, with the mend; ERR_CORRUPT. */
int slots_open(const struct slots *s, const struct root_source *source, uint8_t w[WRAPPING_KEY], uint8_t ret_root[ROOT_KEY], struct error *e);
/* W by a root key that is known; of slots of an earlier time, too. The same errors. */
int slots_open_root(const struct slots *s, const uint8_t root[ROOT_KEY], uint8_t w[WRAPPING_KEY], struct error *e);
/* W by the recovery key. ERR_MISUSE: it is another ledger's or an earlier one, or none was made. */
int slots_open_recovery(const struct slots *s, const uint8_t secret[BOX_SECRET], uint8_t w[WRAPPING_KEY], struct error *e);

/* ── The file ── */

int slots_load(int dir, struct slots *ret, struct error *e);       /* ERR_CLOSED: not there */
int slots_create(int dir, const struct slots *s, struct error *e); /* in one step, durable; in place of a keyring of format 1 too */
int slots_update(int dir, struct slots *s, const uint8_t w[WRAPPING_KEY], struct error *e); /* confirms, writes both copies with the next number */
int slots_mend(int dir, const struct slots *s, struct error *e); /* writes both copies anew, first the one that is not like this */

/* ── The recovery key as text: 14 groups of 4 characters, digits and letters without I, L, O and U ── */

#define RECOVERY_TEXT 70
void recovery_text(const uint8_t secret[BOX_SECRET], char out[RECOVERY_TEXT]);
/* Reads it back, whatever the case, spaces and dashes; I and L count as 1, O as 0. ERR_MISUSE: not such a text, or a character is wrong. */
int recovery_read(struct span text, uint8_t secret[BOX_SECRET], struct error *e);

#endif
