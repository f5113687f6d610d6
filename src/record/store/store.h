/* store: tables for views, over SQLite. It knows no noun: schemas come from the nouns' folders, embedded at build.
 *
 * In this version a store lives in memory only (SQLite's memdb), shared by the connections of one process, and is rebuilt from the ledger at start:
 * nothing in clear touches the disk.
 *
 * Invariants
 *  1. One writing connection, used by one thread. Any number of reading connections, each used by one thread at a time.
 *  2. A batch of the writer and the reads of one reader exclude each other (a fair lock: neither side can starve the other), so that a reader sees
 * the state between two batches, whole, for as long as it reads.
 *  3. Every statement is prepared once a connection and found again by the address of its text: statements are string literals.
 *  4. Connections are defensive, with an untrusted schema, without extensions, without attached databases; readers cannot write. */
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

/* An empty store. NULL: ERR_SYSTEM. */
struct store *store_open_memory(struct error *e);
void store_close(struct store *s); /* all readers must be closed */

/* Runs the migrations that have not run yet, in order, in one transaction; remembers them by name. -1: one failed, and nothing was changed. */
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
void store_bind_text(struct store_stmt *q, int at, struct span v); /* copied */
void store_bind_str(struct store_stmt *q, int at, const char *v);  /* copied; NULL binds null */
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
