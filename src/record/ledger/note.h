/* Signed notes, checkpoints and proofs as texts (C2SP signed-note, tlog-checkpoint, tlog-proof). Texts come from outside; what is returned points
 * into them. */
#ifndef TQ_LEDGER_NOTE_H
#define TQ_LEDGER_NOTE_H

#include "base/buf.h"
#include "base/error.h"
#include "record/crypto/crypto.h"
#include "record/ledger/tree.h"

#define NOTE_NAME_MAX 128 /* most bytes of a key's name */
#define NOTE_MAX 65536    /* most bytes of a note or proof */
#define NOTE_LINES_MAX 64 /* most signature lines */
#define VERIFIER_TEXT 256 /* room for a verifier line with its final zero */

enum note_key_type { NOTE_LOG = 0x01, NOTE_WITNESS = 0x04 }; /* Ed25519; Ed25519 that cosigns (C2SP tlog-cosignature, v1) */

/* A key that signs notes, by its public half. */
struct note_key {
    enum note_key_type type;
    char name[NOTE_NAME_MAX + 1];
    uint8_t id[4]; /* H(name LF type public)[0:4] */
    uint8_t public_key[ED25519_PUBLIC];
};

/* ERR_MISUSE: the name is empty, too long, not UTF-8, or holds a space, a control character or "+". */
int note_key_make(struct note_key *ret, struct span name, const uint8_t public_key[ED25519_PUBLIC], struct error *e); /* a log's */
int note_witness_make(struct note_key *ret, struct span name, const uint8_t public_key[ED25519_PUBLIC], struct error *e);
/* A verifier line, "name+id+key", with or without LF at the end. ERR_MISUSE: not such a line, another type's, or its id does not fit. */
int note_key_parse(struct note_key *ret, struct span line, struct error *e);
int note_witness_parse(struct note_key *ret, struct span line, struct error *e);
void note_key_format(const struct note_key *k, char out[VERIFIER_TEXT]); /* without LF */

/* Appends the signed note: text (which ends in LF), an empty line, one signature line. */
void note_sign(struct buf *out, struct span text, const struct note_key *k, const struct crypto_signer *signer);

/* Checks a note against the one key that we know: *ret_text is what was signed. Lines of other keys are passed over; ERR_CORRUPT: not a note, no line
 * of this key, or one that does not hold. */
int note_open(struct span note, const struct note_key *k, struct span *ret_text, struct error *e);

/* The line of this key in a note, with its LF, whatever it is worth; empty: there is none, or it is no note. */
struct span note_line(struct span note, const struct note_key *k);

/* Appends a witness's line over the note's text: "at this time (seconds since 1970), this is the largest consistent tree that I have seen". */
void note_cosign(struct buf *out, struct span text, const struct note_key *witness, const struct crypto_signer *signer, uint64_t seconds);

/* Checks a witness's line in a note: *ret_text is what it cosigned, *ret_seconds when. ERR_CORRUPT: not a note, no line of this key, or one that does
 * not hold. */
int note_cosigned(struct span note, const struct note_key *witness, struct span *ret_text, uint64_t *ret_seconds, struct error *e);

struct checkpoint {
    struct span origin;
    uint64_t size;
    struct tree_hash root;
};

void checkpoint_format(struct buf *out, const char *origin, uint64_t size, const struct tree_hash *root);
int checkpoint_parse(struct span text, struct checkpoint *ret, struct error *e); /* ERR_CORRUPT */

/* Both: the note is signed by this key and its text is a checkpoint whose origin is the key's name. */
int checkpoint_open(struct span note, const struct note_key *k, struct checkpoint *ret, struct error *e);

struct proof {
    struct buf extra; /* decoded; release it */
    uint64_t index;
    size_t n;
    struct tree_hash path[TREE_HEIGHT];
    struct span checkpoint; /* the note, verbatim */
};

void proof_format(struct buf *out, struct span extra, uint64_t index, const struct tree_hash *path, size_t n, struct span checkpoint);
int proof_parse(struct span text, struct proof *ret, struct error *e); /* ERR_CORRUPT; on error nothing needs releasing */

/* What a log hands to a witness (the body of tlog-witness's add-checkpoint), and a proof of consistency for anybody who kept the old checkpoint. */
struct offer {
    uint64_t old;
    size_t n;
    struct tree_hash path[TREE_HEIGHT];
    struct span checkpoint; /* the note, verbatim */
};

void offer_format(struct buf *out, uint64_t old, const struct tree_hash *path, size_t n, struct span checkpoint);
int offer_parse(struct span text, struct offer *ret, struct error *e); /* ERR_MISUSE: not one */

#endif
