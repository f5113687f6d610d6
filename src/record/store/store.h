/* store: tables for views, over SQLite. It knows no noun: schemas come from the nouns' folders, embedded at build.
 *
 * A store lies in a folder, sealed page by page (pages.c, vfs.c; docs/formats/store.md), or in memory only. It is never an authority: whoever keeps
 * it can rebuild it from elsewhere, and does so where it does not hold.
 *
 * Invariants
 *  1. One writing connection, used by one thread. Any number of reading connections, each used by one thread at a time.
 *  2. A reader sees the state between two batches, whole, for as long as it looks. In a folder, looks and batches go on side by side (SQLite's WAL),
 *     and only a checkpoint waits for the looks; in memory, looks and batches exclude each other. The lock is fair: neither side can starve the
 *     other.
 *  3. Every statement is prepared once a connection and found again by the address of its text: statements are string literals.
 *  4. Connections are defensive, with an untrusted schema, without extensions, without attached databases; readers cannot write.
 *  5. Nothing in clear reaches the disk: pages and log are sealed, the WAL's index and everything temporary are in memory, other files are refused.
 *  6. Losing the end of the log is harmless, because its keeper catches up: a commit waits for no disk. Only a checkpoint makes durable. */
#ifndef TQ_STORE_H
#define TQ_STORE_H

#include "base/buf.h"
#include "base/error.h"

struct store;
struct store_conn;

/* One numbered schema file. */
struct store_migration {
    const char *name; /* "lab/inventory/001-asset" */
    const char *sql;
};

/* An empty store in memory. NULL: ERR_SYSTEM. */
struct store *store_open_memory(struct error *e);
void store_close(struct store *s); /* all readers must be closed; what is in the log stays there */

/* ── a store in a folder ── */

#define STORE_NOTE 256
#define STORE_LIFE 16

struct store_options {
    /* Called once, on any thread, when something that is read does not hold: the store is to be dropped and rebuilt. May be NULL. */
    void (*damaged)(void *context, const struct error *why);
    void *context;
};

/* What a checkpoint made of all pages. Two marks of one life and generation are equal, or somebody exchanged pages. */
struct store_mark {
    uint8_t life[STORE_LIFE]; /* of the database, random: a rebuilt one is another */
    uint64_t generation;      /* checkpoints of this life */
    uint32_t pages;
    uint8_t hash[32]; /* keyed set-hash over number, nonce and tag of every page */
};

/* Opens the store in the folder `dir`, or makes an empty one where there is none. Everything is read and checked. ret_note (may be NULL): what of the
 * log did not hold and was left out; empty: nothing. ERR_CORRUPT: it does not hold, and which page; ERR_AGAIN: somebody has it open; ERR_MISUSE: of a
 * newer format; ERR_SYSTEM. */
struct store *store_open(int dir, const uint8_t key[32], const struct store_options *options, char ret_note[STORE_NOTE], struct error *e);
int store_drop(int dir, struct error *e); /* destroys the store in the folder, its key first; no error when there is none */

/* Copies the log into the pages, durable, and begins a new one; between two batches, on the writer's thread. Waits until no reader looks. */
int store_checkpoint(struct store *s, struct store_mark *ret, struct error *e);
void store_outdo(struct store *s, uint64_t generation); /* the next checkpoint's generation is greater: the store had been further than it is */
void store_checkpoint_soon(struct store *s);            /* one is due: what was deleted is to go from log and pages too. The writer's thread */
bool store_checkpoint_due(const struct store *s);       /* the log has grown enough for one; never in memory */
bool store_mark(const struct store *s, struct store_mark *ret); /* of the last checkpoint; false: in memory, there are none */
bool store_damaged(const struct store *s, struct error *ret);   /* something that was read did not hold, and which */

struct store_scanned {
    struct store_mark mark;
    bool copying;          /* a checkpoint was under way when it ended: mark is not whole */
    uint32_t frames;       /* of the log that hold … */
    char note[STORE_NOTE]; /* … and what did not; empty: nothing */
};

/* Reads and checks all of it, changing nothing; for `doctor`. Where it is in use meanwhile, the answer may be about neither state. ERR_CLOSED: there
 * is none; ERR_CORRUPT names what does not hold. */
int store_scan(int dir, const uint8_t key[32], struct store_scanned *ret, struct error *e);

/* Runs the migrations that have not run yet, in order, in one transaction; remembers them by name and text. -1: one failed, and nothing was changed;
 * ERR_MISUSE: the store knows a migration that is not among these, or with another text: another program made it. */
int store_migrate(struct store *s, const struct store_migration *migrations, size_t n, struct error *e);

struct store_conn *store_writer(struct store *s);
struct store_conn *store_reader_open(struct store *s, struct error *e);
void store_reader_close(struct store_conn *c);

/* A batch of the writer. store_commit of nothing is nothing. store_rollback forgets the batch. */
int store_begin(struct store_conn *writer, struct error *e);
int store_commit(struct store_conn *writer, struct error *e);
void store_rollback(struct store_conn *writer);

/* A reader's look: all reads between see one state. They do not nest. */
int store_look(struct store_conn *reader, struct error *e);
void store_look_end(struct store_conn *reader);

/* ── statements ──
 * struct store_stmt *q = store_stmt(c, "SELECT a, b FROM t WHERE c = ?1");
 * store_bind_int(q, 1, 7);
 * while (store_step(q)) use(store_int(q, 0), store_text(q, 1));
 * if (store_done(q, e) != 0) …
 *
 * A statement that could not be prepared, bound or stepped is failed until store_done, which says why and makes it ready for the next use. */
struct store_stmt;

struct store_stmt *store_stmt(struct store_conn *c, const char *sql); /* never NULL; sql: a string literal */
void store_bind_int(struct store_stmt *q, int at, int64_t v);
void store_bind_real(struct store_stmt *q, int at, double v);
void store_bind_text(struct store_stmt *q, int at, struct span v);     /* copied */
void store_bind_held(struct store_stmt *q, int at, struct span v);     /* not copied: it holds until store_done */
void store_bind_optional(struct store_stmt *q, int at, struct span v); /* the same; null where it is empty */
void store_bind_str(struct store_stmt *q, int at, const char *v);      /* copied; NULL binds null */
void store_bind_null(struct store_stmt *q, int at);
bool store_step(struct store_stmt *q);                 /* true: a row is there */
int store_done(struct store_stmt *q, struct error *e); /* resets; -1: it had failed */

int64_t store_int(struct store_stmt *q, int column);
double store_real(struct store_stmt *q, int column);
bool store_is_null(struct store_stmt *q, int column);
struct span store_text(struct store_stmt *q, int column); /* holds until the next step or done */

/* Steps a statement that gives no rows, and is done. */
int store_run(struct store_stmt *q, struct error *e);
/* The first column of the first row; `missing` where there is none. */
int64_t store_run_int(struct store_stmt *q, int64_t missing, struct error *e);

/* Appends all tables with all rows as text, in a fixed order: two stores are equal when their dumps are. For tests and `doctor`. */
int store_dump(struct store_conn *c, struct buf *out, struct error *e);

#endif
