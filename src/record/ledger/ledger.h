/* ledger: an append-only log of sealed records with a Merkle tree (C2SP tlog-tiles) and signed checkpoints. docs/formats/ledger.md is the format;
 * ledger.c opens with its numbered invariants and state diagram. It knows no protocol and reads no clock.
 *
 * One writer per folder (a lock file). Appends collect in memory; ledger_commit makes them durable together (group commit) and only then are they
 * acknowledged. */
#ifndef TQ_LEDGER_H
#define TQ_LEDGER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

enum ledger_stream { LEDGER_CUSTODY = 1, LEDGER_OBSERVATION = 2 };

#define LEDGER_PAYLOAD_MAX (4u << 20) /* most bytes of one payload in clear */

struct ledger;

struct root_source;

struct ledger_options {
    const char *dir;                /* DATA/ledger; made where it is missing (create) */
    const struct root_source *root; /* where the root key that wraps all others comes from (root.h); NULL: the file key_file */
    const char *key_file;           /* DATA/root.key */
    tq_time now;                    /* 0: not known */
    const char *origin;             /* the log's name in checkpoints: "tourniquet.local/<site>"; used at creation only */
    bool create;                    /* make it when there is none */
#define LEDGER_BY_HAND INT64_MAX
    tq_time checkpoint_interval; /* 0: every commit writes tiles and signs a checkpoint; else a commit does so when the last one is that old, and is
                                    durable (and read back after a crash) all the same. Committing nothing publishes what is due. LEDGER_BY_HAND:
                                    ledger_publish does, and a commit that settles. */
    uint64_t settle;             /* bytes of journal after which everything is made durable in place; 0: 32 MiB */
};

/* Opens for writing: takes the lock, recovers from a crash (drops what no checkpoint or complete commit covers, and says so in *ret_note, which may
 * be NULL and is caller's buffer of 256 bytes), checks the head against the signed checkpoint. NULL: ERR_LOCKED a passphrase is needed, or it is not
 * this one (call again with another); ERR_AGAIN another process writes it; ERR_MISUSE, ERR_CORRUPT, ERR_LIMIT, ERR_SYSTEM. */
struct ledger *ledger_open(const struct ledger_options *options, char ret_note[256], struct error *e);
void ledger_close(struct ledger *l);

#define LEDGER_SCOPE 16
/* How a scope begins that stands for a kind of record instead of for somebody: no prefix of a token's reaches it, only all 16 bytes (keys.h). */
#define LEDGER_KIND "kind: "

/* Adds one record: sealed, hashed, queued. *ret_index is its place, valid once ledger_commit returns 0. `time` is the keeper's clock. scope: 16 bytes
 * that stand for whom the record is about (they lie in the keyring only): it is sealed with a key of that scope and month, which can be erased alone
 * (keys.h). NULL: about nobody; the stream's own key of the month. */
int ledger_append(struct ledger *l, enum ledger_stream stream, const uint8_t *scope, tq_time time, struct span payload, uint64_t *ret_index,
                  struct error *e);

/* The same for a record that is about several: it gets a key of its own, which goes when the keys of any of these scopes are erased. n may be 0:
 * about somebody, and nobody knows whom (it can be erased by its index alone, ledger_key_of). */
int ledger_append_shared(struct ledger *l, enum ledger_stream stream, const uint8_t (*scopes)[LEDGER_SCOPE], size_t n, tq_time time,
                         struct span payload, uint64_t *ret_index, struct error *e);

/* Makes everything appended durable, writes tiles and signs a checkpoint (checkpoint_interval). On failure nothing of it counts as written; the
 * ledger then refuses further appends. */
int ledger_commit(struct ledger *l, tq_time now, struct error *e);

/* Writes tiles and signs a checkpoint over all that is committed; nothing where the last one covers it. Fails as ledger_commit does. */
int ledger_publish(struct ledger *l, tq_time now, struct error *e);

/* The head as the last commit left it. May be asked on any thread. */
struct ledger_head {
    uint64_t size;           /* committed records */
    uint64_t published;      /* records under the last checkpoint: the same, unless checkpoint_interval says otherwise */
    uint8_t root[32];        /* of the tree under the last checkpoint */
    tq_time checkpoint_time; /* when it was signed; after a restart without new records: when the file was written */
    char checkpoint[512];    /* the signed note */
    bool failed;             /* a write failed: the ledger takes nothing more until it is opened again */
    bool keys_locked;        /* keys lie in memory that is never swapped out */
};
void ledger_head(struct ledger *l, struct ledger_head *ret);

/* The appender's thread only (texts are the ledger's own and hold until the next commit). */
uint64_t ledger_size(const struct ledger *l);               /* committed records */
void ledger_root(const struct ledger *l, uint8_t root[32]); /* of the tree under the last checkpoint */
const char *ledger_checkpoint(const struct ledger *l);      /* text of the last signed note */
tq_time ledger_checkpoint_time(const struct ledger *l);
const char *ledger_verifier(const struct ledger *l); /* the public key as a note verifier line */
void ledger_derive_key(struct ledger *l, const char *purpose,
                       uint8_t out[32]); /* a key for another purpose ("token", "store" …) under the root key */

void ledger_log_id(const struct ledger *l, uint8_t out[16]);
/* The same from a ledger that is not open, changing nothing. Errors as ledger_open's. */
struct root_source;
int ledger_peek_key(const char *dir, const struct root_source *root, const char *purpose, uint8_t out[32], struct error *e);

/* The key that the keyring is sealed under: what wraps a backup's own key, so that what opens the one opens the other. Wipe it. */
void ledger_opening_key(struct ledger *l, uint8_t out[32]);

struct ledger_record {
    uint64_t index;
    enum ledger_stream stream;
    tq_time time;        /* recorded */
    struct span payload; /* in clear, in the reader's buffer until the next read */
    bool erased;         /* its key was erased: there is no payload any more. Proofs hold as before */
    tq_time erased_at;
};

/* Reads in order from `from`, stepping over records whose segment was removed (removal.h): returns 1 and fills *ret, 0 at the end of what is
 * committed (ask again later for more), -1 with ERR_CORRUPT naming the record that does not hold (a new reader can begin behind it; records behind
 * damaged bytes are found again). A reader belongs to one thread, which need not be the appender's; all readers are freed before the ledger is
 * closed. */
struct ledger_reader;
struct ledger_reader *ledger_reader_new(struct ledger *l, uint64_t from, struct error *e);
int ledger_reader_next(struct ledger_reader *r, struct ledger_record *ret, struct error *e);
void ledger_reader_free(struct ledger_reader *r);

/* ── Verbs that need no root key ── */

#define LEDGER_NO_RECORD UINT64_MAX

#define WITNESSES_MAX 16

struct ledger_cosignature {
    char name[129];
    uint64_t size;    /* records under the checkpoint that it cosigned last */
    uint64_t seconds; /* when, since 1970 */
    bool known;       /* its key was given by the caller; else only the ledger says who it is */
};

struct ledger_report {
    bool holds;
    uint64_t records;
    uint64_t first_bad;       /* meaningful when !holds; LEDGER_NO_RECORD: what does not hold is not a record (a key, a signature) */
    char why[256];            /* when !holds: what does not hold, and where */
    char checkpoint_root[45]; /* base64 */
    uint64_t checkpoint_size;
    bool compared;          /* against --key or --since: something kept elsewhere */
    uint64_t removed;       /* records whose payload was removed, on record */
    uint64_t removed_by;    /* the last record that says so */
    uint64_t unsigned_tail; /* durable records that the checkpoint does not cover yet; part of `records` */
    size_t cosignatures_n;
    struct ledger_cosignature cosignatures[WITNESSES_MAX];
};

/* Recomputes everything that can be recomputed without keys. verifier, since (text of a kept checkpoint) may be NULL. -1: could not be read at all.
 */
int ledger_verify(const char *dir, const char *verifier, const char *since, struct ledger_report *ret, struct error *e);

/* The same, and each of these witnesses (verifier lines) must have cosigned a checkpoint that lies beside the ledger. Those that lie there are always
 * compared with. */
int ledger_verify_witnessed(const char *dir, const char *verifier, const char *since, const char *const *witnesses, size_t n,
                            struct ledger_report *ret, struct error *e);

/* As ledger_verify; step is told how many records of how many are checked, about each thousand, and ends it by a no: ERR_CLOSED. */
int ledger_verify_watched(const char *dir, const char *verifier, bool (*step)(void *context, uint64_t done, uint64_t total), void *context,
                          struct ledger_report *ret, struct error *e);

/* Appends a c2sp.org/tlog-proof@v1 of record `index` under the current checkpoint, with the entry in an `extra` line. */
int ledger_prove(const char *dir, uint64_t index, struct buf *out, struct error *e);
/* The same under the last checkpoint that this witness cosigned. ERR_MISUSE: there is none, or it is older than the record. */
int ledger_prove_witnessed(const char *dir, uint64_t index, const char *witness, struct buf *out, struct error *e);

/* Checks such a proof with nothing but its text and the public key. 0: holds (*ret_index, *ret_size filled); -1 ERR_CORRUPT: it does not, and why. */
int ledger_check(struct span proof, const char *verifier, uint64_t *ret_index, uint64_t *ret_size, struct error *e);
/* Whether a witness cosigned the checkpoint of a proof or an offer, and when. -1 ERR_CORRUPT: it did not, or its line does not hold. */
int ledger_check_witness(struct span proof, const char *witness, struct ledger_cosignature *ret, struct error *e);

/* What lies in the folder, by size, and whether the indexes of the segments fit them. Needs no key; a writer may be at work. */
struct ledger_survey {
    struct {
        uint64_t segments;
        uint64_t bytes;
    } stream[2];           /* custody, observation */
    uint64_t journal;      /* bytes */
    uint64_t other;        /* bytes of tiles, keyring and the rest */
    uint64_t indexes;      /* that do not fit */
    uint64_t indexes_made; /* of these, made anew */
    char index[64];        /* the first of them */
    char newer[64];        /* the first file of a format that this program does not know; "" */
};
/* mend: makes the indexes that do not fit anew. growing: the last segment of each stream is left alone, because a writer has it. */
int ledger_survey(const char *dir, bool mend, bool growing, struct ledger_survey *ret, struct error *e);

/* ── Consistency and witnesses (C2SP tlog-witness, tlog-cosignature) ── */

#define LEDGER_LAST_WITNESSED UINT64_MAX

/* Appends the body of an add-checkpoint request: "old" and a size, the proof that the present head goes on from there, the head. old =
 * LEDGER_LAST_WITNESSED: from the greatest size that a witness cosigned (0: none has). */
int ledger_offer(const char *dir, uint64_t old, struct buf *out, struct error *e);

/* Whether the head in an offer goes on from the kept checkpoint, with nothing but both texts and the public key. -1 ERR_CORRUPT. */
int ledger_check_offer(struct span offer, const char *verifier, const char *since, uint64_t *ret_old, uint64_t *ret_size, struct error *e);

/* The proof that the tree of `size` begins with that of `old`, for any two sizes up to the signed one; checked before it is given. */
struct ledger_consistency {
    uint8_t old_root[32];
    uint8_t root[32];
    size_t n;
    uint8_t path[64][32];
};
int ledger_consistency(const char *dir, uint64_t old, uint64_t size, struct ledger_consistency *ret, struct error *e);

/* A checkpoint that a witness shows against this ledger: who says that it was rewritten must show what its key signed. ERR_CORRUPT: nothing is shown,
 * for a signature (the log's or the witness's) does not hold. */
struct ledger_shown {
    uint64_t size;
    bool contradicts; /* this ledger's key signed it, and it is of no tree that this one goes on from */
    char why[160];    /* how; "" */
};
int ledger_compare(const char *dir, struct span cosigned, const char *witness, struct ledger_shown *ret, struct error *e);

/* Keeps a checkpoint that a witness cosigned beside the ledger, durable, instead of that witness's last one. ERR_CORRUPT: a signature does not hold,
 * or it is not this tree's; ERR_MISUSE: older than the one there. */
int ledger_attach(const char *dir, struct span cosigned, const char *witness, struct error *e);

/* The note that a witness's answer makes of an offer: the checkpoint with the log's line and this witness's, and no other. lines: what add-checkpoint
 * answered. ERR_CORRUPT: this witness's line is not among them, or does not hold. */
int ledger_cosigned_note(struct span offer, struct span lines, const char *verifier, const char *witness, struct buf *out, struct error *e);

/* The checkpoints that witnesses cosigned, as they are kept beside the ledger. */
struct ledger_witness {
    char name[129];
    char key[256];    /* verifier line */
    uint64_t size;    /* records */
    uint64_t seconds; /* when, since 1970 */
};
int ledger_witnesses(const char *dir, struct ledger_witness ret[WITNESSES_MAX], size_t *ret_n, struct error *e);

/* Is this a witness's verifier line? Its name goes to ret_name, where that is not NULL. ERR_MISUSE: it is none. */
int ledger_witness_key(const char *line, char ret_name[129], struct error *e);

/* A witness: a folder of its own, on another machine, with a key, the logs that it watches and the last checkpoint of each that it cosigned. */
int witness_new(const char *dir, const char *name, char ret_verifier[256], struct error *e); /* ERR_MISUSE: there is one already */
int witness_trust(const char *dir, const char *log, struct error *e);                        /* watches the log with this verifier line */

/* Cosigns an offered checkpoint when it goes on from the last one of this log: durable first, then appended to out as a note with both signatures.
 * ERR_CORRUPT: a fork or a rollback, with the sizes, or a signature that does not hold; ERR_MISUSE: not an offer, an unknown log, or a proof from
 * another size than the last (which is named). */
int witness_sign(const char *dir, struct span offer, tq_time now, struct buf *out, struct error *e);

/* The same as tlog-witness's add-checkpoint answers it: appends the witness's own line only, and says with which status. */
enum witness_verdict {
    WITNESS_COSIGNED = 200,
    WITNESS_MALFORMED = 400, /* no offer, no checkpoint, or an old size above the new one */
    WITNESS_NOT_SIGNED = 403,
    WITNESS_UNKNOWN_LOG = 404,
    WITNESS_OTHER_SIZE = 409,  /* it last cosigned `size` records */
    WITNESS_CONTRADICTS = 422, /* a fork, or the proof is wrong */
    WITNESS_FAILED = 500,
};
struct witness_answer {
    enum witness_verdict verdict;
    uint64_t size; /* records that it cosigned last, where the log is known */
};
int witness_add(const char *dir, struct span offer, tq_time now, struct buf *lines, struct witness_answer *ret, struct error *e);

int witness_look(const char *dir, char ret_verifier[256], struct error *e); /* can this folder be used? */
/* Appends the last checkpoint that was cosigned of the log whose origin has this SHA-256. ERR_CLOSED: there is none. */
int witness_show(const char *dir, const uint8_t log[32], struct buf *out, struct error *e);

#endif
