/* What the files of this folder share of an open ledger; nobody outside includes it. */
#ifndef TQ_LEDGER_INSIDE_H
#define TQ_LEDGER_INSIDE_H

#include "record/ledger/entry.h"
#include "record/ledger/journal.h"
#include "record/ledger/ledger.h"
#include "record/ledger/note.h"
#include "record/ledger/scribe.h"
#include "record/ledger/sealing.h"
#include "record/ledger/sweep.h"

int ledger_dir(const struct ledger *l);
struct keyring *ledger_ring(const struct ledger *l);
uint32_t ledger_queued(const struct ledger *l);                              /* records that wait for a commit */
int ledger_fail(struct ledger *l, const struct error *why, struct error *e); /* nothing more is taken; -1 */
int ledger_refuse(const struct ledger *l, struct error *e);                  /* -1 where nothing more is taken */
void ledger_forget_keys(struct ledger *l);                                   /* keys that are in use are looked up again */

/* The keyring of a ledger that is being opened or made, and what is left to do once it was found whole. keys.c */
struct keyring *ledger_keys_open(int dir, const struct ledger_options *o, struct error *e);
int ledger_keys_settle(struct keyring *k, int dir, const struct ledger_options *o, struct error *e);
void ledger_hold(struct ledger *l, uint64_t size);         /* a cut of so many records is being copied … */
void ledger_let_go(struct ledger *l);                      /* … no more */
bool ledger_held(const struct ledger *l, uint64_t record); /* a cut is that does not hold this record */
int ledger_lock(int dir, struct error *e);                 /* the descriptor that holds the lock; ERR_AGAIN: another process has it */

/* Makes everything committed durable in place: the base of the journal covers all of it then. The appender's lock; what is queued stays queued. */
int ledger_settle(struct ledger *l, tq_time now, struct journal_base *ret, struct error *e);

/* A custody record as it lies in its segment; its spans hold until the reader (made for the custody stream) is released. ERR_MISUSE: there is none.
 */
int ledger_find_custody(struct ledger *l, uint64_t index, struct segment_reader *reader, struct sealed_record *ret, struct error *e);

/* Opens a ledger's folder for reading. ERR_MISUSE: there is none. */
int ledger_folder_open(const char *dir, struct error *e);

/* ── Checkpoints that witnesses cosigned, kept beside the ledger: witness/<16 hex>, the witness's verifier line and then the note ── */

struct kept {
    struct buf file;
    struct note_key key;
    struct span note;
    struct checkpoint head;
    uint64_t seconds;
};

#define KEPT_PATH 32
void kept_path(char out[KEPT_PATH], const struct note_key *witness);

/* Loads all of them and checks both signatures of each; an absent folder holds none. ERR_CORRUPT names the one that does not hold. Release them. */
int kept_load_all(int dir, const struct note_key *log, struct kept ret[WITNESSES_MAX], size_t *ret_n, struct error *e);
int kept_load(int dir, const char *path, const struct note_key *log, struct kept *ret, struct error *e); /* ERR_CLOSED: not there */
void kept_release(struct kept *k, size_t n);

/* The log's key, its signed head, and the head's text. */
int head_load(int dir, struct note_key *ret_key, struct buf *note, struct checkpoint *ret, struct error *e);

#endif
