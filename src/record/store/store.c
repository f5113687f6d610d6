#include "record/store/store.h"

#include "record/crypto/crypto.h"
#include "record/store/vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define STATEMENTS 512      /* slots for prepared statements of a connection; a power of two */
#define TEXT_MAX (8u << 20) /* most bytes of one value or statement */
#define BUSY_MS 5000
#define CHECKPOINT_FRAMES 4096 /* 16 MiB of log: a checkpoint is due */

struct store_stmt {
    const char *sql; /* NULL: free slot */
    sqlite3_stmt *stmt;
    struct store_conn *conn;
    int rc; /* first failure since the last store_done */
};

struct store_conn {
    struct store *store;
    sqlite3 *db;
    bool writer;
    bool open; /* the writer's batch or the reader's look */
    size_t used;
    struct store_stmt none; /* what a full cache gives */
    struct store_stmt stmts[STATEMENTS];
};

struct store {
    char uri[64];
    struct pages *pages; /* NULL: in memory */
    struct vfs *vfs;
    struct store_conn *writer;
    bool soon;             /* a checkpoint was asked for */
    pthread_mutex_t turn;  /* who waits for `lock` holds it: readers and the writer take turns */
    pthread_rwlock_t lock; /* for writing held by a checkpoint; in memory by every batch */
};

static atomic_uint next_name;

static int fail(struct store_conn *c, int rc, const char *what, struct error *e)
{
    const char *why = c->db != NULL ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
    struct error damage;
    if (store_damaged(c->store, &damage))
        return err_set(e, ERR_CORRUPT, "store: %s: %s", what, damage.text);
    return err_set(e, rc == SQLITE_BUSY ? ERR_AGAIN : rc == SQLITE_FULL ? ERR_LIMIT : ERR_SYSTEM, "store: %s: %s", what, why);
}

static int exec(struct store_conn *c, const char *sql, const char *what, struct error *e)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail(c, rc, what, e);
}

static void conn_free(struct store_conn *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(c->stmts[i].stmt);
    (void)sqlite3_close(c->db);
    free(c);
}

static int harden(struct store_conn *c, struct error *e)
{
    static const struct {
        int option;
        int value;
    } settings[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},   {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1}, {SQLITE_DBCONFIG_DQS_DML, 0},        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        int rc = sqlite3_db_config(c->db, settings[i].option, settings[i].value, NULL);
        if (rc != SQLITE_OK)
            return fail(c, rc, "a safety setting is refused", e);
    }
    (void)sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, (int)TEXT_MAX);
    (void)sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(c->db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1024);
    (void)sqlite3_busy_timeout(c->db, BUSY_MS);
    (void)sqlite3_extended_result_codes(c->db, 1);
    return 0;
}

/* In a folder: the WAL is copied back by store_checkpoint and nothing else; SQLite syncs nothing, because pages.c does where it matters. A new
 * database leaves room for nonce and tag in every page, and goes over to the WAL without a journal on the disk. */
static int arrange(struct store_conn *c, struct error *e)
{
    int reserve = PAGE_TAIL;
    const char *settings = "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096; PRAGMA query_only=1";
    if (c->writer && c->store->pages == NULL)
        settings = "PRAGMA journal_mode=MEMORY; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384";
    else if (c->writer)
        settings = "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384; PRAGMA synchronous=OFF; PRAGMA secure_delete=ON; PRAGMA "
                   "wal_autocheckpoint=0; PRAGMA max_page_count=1048576";
    if (c->store->pages == NULL)
        return exec(c, settings, "settings", e);
    int rc = sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (rc != SQLITE_OK || exec(c, settings, "settings", e) != 0)
        return rc != SQLITE_OK ? fail(c, rc, "settings", e) : -1;
    if (!c->writer || pages_count(c->store->pages) > 0)
        return 0;
    rc = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
    return rc == SQLITE_OK
               ? exec(c, "PRAGMA page_size=4096; PRAGMA auto_vacuum=NONE; PRAGMA journal_mode=MEMORY; PRAGMA journal_mode=WAL", "settings", e)
               : fail(c, rc, "settings", e);
}

static struct store_conn *conn_open(struct store *s, bool writer, struct error *e)
{
    struct store_conn *c = calloc(1, sizeof *c);
    if (c == NULL) {
        (void)err_set(e, ERR_SYSTEM, "store: no memory for a connection");
        return NULL;
    }
    c->store = s;
    c->writer = writer;
    c->none.conn = c;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(s->uri, &c->db, flags, s->vfs == NULL ? NULL : vfs_name(s->vfs));
    if (rc != SQLITE_OK) {
        (void)fail(c, rc, "opening", e);
        conn_free(c);
        return NULL;
    }
    if (harden(c, e) != 0 || arrange(c, e) != 0) {
        conn_free(c);
        return NULL;
    }
    return c;
}

/* SQLite counts its memory under one lock for the whole process; nobody asks for the count. Where SQLite is in use already this changes nothing. */
static void arrange_sqlite(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static struct store *store_new(struct error *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, arrange_sqlite);
    if (sqlite3_threadsafe() == 0) {
        (void)err_set(e, ERR_SYSTEM, "store: this SQLite was built without threads");
        return NULL;
    }
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)err_set(e, ERR_SYSTEM, "store: no memory");
        return NULL;
    }
    (void)pthread_mutex_init(&s->turn, NULL);
    (void)pthread_rwlock_init(&s->lock, NULL);
    return s;
}

struct store *store_open_memory(struct error *e)
{
    struct store *s = store_new(e);
    if (s == NULL)
        return NULL;
    (void)snprintf(s->uri, sizeof s->uri, "file:/store-%u?vfs=memdb", atomic_fetch_add(&next_name, 1));
    s->writer = conn_open(s, true, e);
    if (s->writer == NULL) {
        store_close(s);
        return NULL;
    }
    return s;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    if (s->writer != NULL)
        store_rollback(s->writer);
    conn_free(s->writer);
    vfs_free(s->vfs);
    pages_close(s->pages);
    (void)pthread_rwlock_destroy(&s->lock);
    (void)pthread_mutex_destroy(&s->turn);
    free(s);
}

/* ── in a folder ── */

/* The first connection: a new database gets its first page; a log that is there is taken in. */
static int first_connection(struct store *s, bool made, struct error *e)
{
    s->writer = conn_open(s, true, e);
    if (s->writer == NULL)
        return -1;
    struct store_stmt *q = store_stmt(s->writer, "PRAGMA journal_mode");
    bool wal = store_step(q) && span_is(store_text(q, 0), "wal");
    if (store_done(q, e) != 0)
        return -1;
    if (!wal)
        return err_set(e, ERR_SYSTEM, "store: SQLite keeps no log here");
    return made ? pages_settle(s->pages, e) : 0;
}

struct store *store_open(int dir, const uint8_t key[32], const struct store_options *options, char ret_note[STORE_NOTE], struct error *e)
{
    char unread[STORE_NOTE];
    struct error why = {0};
    struct store *s = store_new(e);
    if (s == NULL)
        return NULL;
    bool made = false;
    s->pages = pages_open(dir, key, false, ret_note == NULL ? unread : ret_note, &why);
    if (s->pages == NULL && why.class == ERR_CLOSED) {
        made = true;
        s->pages = pages_open(dir, key, true, ret_note == NULL ? unread : ret_note, &why);
    }
    if (s->pages == NULL && e != NULL)
        *e = why;
    (void)snprintf(s->uri, sizeof s->uri, "%s", VFS_FILE);
    s->vfs = s->pages == NULL ? NULL : vfs_new(s->pages, e);
    if (s->vfs == NULL || first_connection(s, made, e) != 0) {
        store_close(s);
        return NULL;
    }
    if (options != NULL)
        pages_tell(s->pages, options->damaged, options->context);
    return s;
}

int store_drop(int dir, struct error *e)
{
    return pages_drop(dir, e);
}

int store_scan(int dir, const uint8_t key[32], struct store_scanned *ret, struct error *e)
{
    return pages_scan(dir, key, ret, e);
}

void store_checkpoint_soon(struct store *s)
{
    s->soon = true;
}

bool store_checkpoint_due(const struct store *s)
{
    return s->pages != NULL && (s->soon || pages_log_frames(s->pages) >= CHECKPOINT_FRAMES);
}

void store_outdo(struct store *s, uint64_t generation)
{
    if (s->pages != NULL)
        pages_outdo(s->pages, generation);
}

bool store_mark(const struct store *s, struct store_mark *ret)
{
    if (s->pages != NULL)
        pages_mark(s->pages, ret);
    return s->pages != NULL;
}

bool store_damaged(const struct store *s, struct error *ret)
{
    return s->pages != NULL && pages_why(s->pages, ret);
}

/* Nobody looks and nothing is being written, so that all of the log can be copied. It is cut after the head says that it was. */
static int copy_log(struct store *s, struct error *e)
{
    int log = 0;
    int copied = 0;
    if (pages_copy_begin(s->pages, e) != 0)
        return -1;
    int rc = sqlite3_wal_checkpoint_v2(s->writer->db, "main", SQLITE_CHECKPOINT_PASSIVE, &log, &copied);
    if (rc != SQLITE_OK || log != copied)
        return fail(s->writer, rc == SQLITE_OK ? SQLITE_BUSY : rc, "a checkpoint", e);
    if (pages_copy_end(s->pages, e) != 0)
        return -1;
    rc = sqlite3_wal_checkpoint_v2(s->writer->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail(s->writer, rc, "emptying the log", e);
}

int store_checkpoint(struct store *s, struct store_mark *ret, struct error *e)
{
    if (s->pages == NULL || s->writer->open)
        return err_set(e, ERR_MISUSE, "store: a batch is open, or the store is in memory");
    (void)pthread_mutex_lock(&s->turn);
    (void)pthread_rwlock_wrlock(&s->lock);
    (void)pthread_mutex_unlock(&s->turn);
    int r = copy_log(s, e);
    (void)pthread_rwlock_unlock(&s->lock);
    if (r == 0) {
        s->soon = false;
        pages_mark(s->pages, ret);
    }
    return r;
}

struct store_conn *store_writer(struct store *s)
{
    return s->writer;
}

struct store_conn *store_reader_open(struct store *s, struct error *e)
{
    (void)pthread_mutex_lock(&s->turn);
    (void)pthread_rwlock_rdlock(&s->lock);
    (void)pthread_mutex_unlock(&s->turn);
    struct store_conn *c = conn_open(s, false, e);
    (void)pthread_rwlock_unlock(&s->lock);
    return c;
}

void store_reader_close(struct store_conn *c)
{
    if (c != NULL)
        store_look_end(c);
    conn_free(c);
}

/* ── batches and looks ── */

static void batch_over(struct store_conn *c)
{
    c->open = false;
    if (c->store->pages == NULL)
        (void)pthread_rwlock_unlock(&c->store->lock);
}

int store_begin(struct store_conn *c, struct error *e)
{
    if (!c->writer || c->open)
        return err_set(e, ERR_MISUSE, "store: a batch is open already, or this is a reader");
    if (c->store->pages == NULL) {
        (void)pthread_mutex_lock(&c->store->turn);
        (void)pthread_rwlock_wrlock(&c->store->lock);
        (void)pthread_mutex_unlock(&c->store->turn);
    }
    c->open = exec(c, "BEGIN IMMEDIATE", "starting a batch", e) == 0;
    if (!c->open)
        batch_over(c);
    return c->open ? 0 : -1;
}

int store_commit(struct store_conn *c, struct error *e)
{
    if (!c->open)
        return 0;
    if (exec(c, "COMMIT", "ending a batch", e) != 0) {
        store_rollback(c);
        return -1;
    }
    batch_over(c);
    return 0;
}

void store_rollback(struct store_conn *c)
{
    if (!c->open)
        return;
    (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    batch_over(c);
}

int store_look(struct store_conn *c, struct error *e)
{
    if (c->writer || c->open)
        return err_set(e, ERR_MISUSE, "store: a look is open already, or this is the writer");
    (void)pthread_mutex_lock(&c->store->turn);
    (void)pthread_rwlock_rdlock(&c->store->lock);
    (void)pthread_mutex_unlock(&c->store->turn);
    if (exec(c, "BEGIN", "starting a look", e) != 0) {
        (void)pthread_rwlock_unlock(&c->store->lock);
        return -1;
    }
    c->open = true;
    return 0;
}

void store_look_end(struct store_conn *c)
{
    if (!c->open)
        return;
    (void)sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL);
    c->open = false;
    (void)pthread_rwlock_unlock(&c->store->lock);
}

/* ── migrations ── */

static void digest_of(const char *sql, char out[2 * SHA256_SIZE + 1])
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(span_str(sql), hash);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

/* Everything that ran is among these, with the same text. */
static int migrations_known(struct store_conn *w, const struct store_migration *migrations, size_t n, struct error *e)
{
    struct store_stmt *q = store_stmt(w, "SELECT name, digest FROM migration ORDER BY name");
    int r = 0;
    while (r == 0 && store_step(q)) {
        struct span name = store_text(q, 0);
        size_t at = 0;
        char digest[2 * SHA256_SIZE + 1];
        while (at < n && !span_is(name, migrations[at].name))
            at++;
        if (at == n)
            r = err_set(e, ERR_MISUSE, "store: another program made it: this one does not know the migration %.*s", (int)name.n,
                        (const char *)name.p);
        else if (digest_of(migrations[at].sql, digest), !span_is(store_text(q, 1), digest))
            r = err_set(e, ERR_MISUSE, "store: another program made it: its migration %s was another", migrations[at].name);
    }
    return store_done(q, r == 0 ? e : NULL) != 0 ? -1 : r;
}

static int migrate_one(struct store_conn *w, const struct store_migration *m, struct error *e)
{
    char digest[2 * SHA256_SIZE + 1];
    struct store_stmt *q = store_stmt(w, "SELECT count(*) FROM migration WHERE name = ?1");
    store_bind_str(q, 1, m->name);
    int64_t done = store_run_int(q, -1, e);
    if (done != 0)
        return done < 0 ? -1 : 0;
    if (exec(w, m->sql, m->name, e) != 0)
        return -1;
    digest_of(m->sql, digest);
    q = store_stmt(w, "INSERT INTO migration(name, digest) VALUES (?1, ?2)");
    store_bind_str(q, 1, m->name);
    store_bind_str(q, 2, digest);
    return store_run(q, e);
}

int store_migrate(struct store *s, const struct store_migration *migrations, size_t n, struct error *e)
{
    struct store_conn *w = s->writer;
    if (store_begin(w, e) != 0)
        return -1;
    int rc = exec(w, "CREATE TABLE IF NOT EXISTS migration(name TEXT PRIMARY KEY, digest TEXT NOT NULL) STRICT, WITHOUT ROWID",
                  "the table of migrations", e);
    if (rc == 0)
        rc = migrations_known(w, migrations, n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = migrate_one(w, &migrations[i], e);
    if (rc != 0) {
        store_rollback(w);
        return -1;
    }
    return store_commit(w, e);
}

/* ── statements ── */

struct store_stmt *store_stmt(struct store_conn *c, const char *sql)
{
    size_t at = ((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 40 & (STATEMENTS - 1);
    for (size_t i = 0; i < STATEMENTS; i++, at = (at + 1) & (STATEMENTS - 1)) {
        struct store_stmt *q = &c->stmts[at];
        if (q->sql == sql)
            return q;
        if (q->sql != NULL)
            continue;
        if (c->used == STATEMENTS / 4 * 3)
            break;
        q->conn = c;
        q->rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt, NULL);
        if (q->rc == SQLITE_OK) {
            q->sql = sql;
            c->used++;
        }
        return q;
    }
    c->none.rc = SQLITE_FULL;
    return &c->none;
}

static void note(struct store_stmt *q, int rc)
{
    if (q->rc == SQLITE_OK)
        q->rc = rc;
}

void store_bind_int(struct store_stmt *q, int at, int64_t v)
{
    if (q->rc == SQLITE_OK)
        note(q, sqlite3_bind_int64(q->stmt, at, v));
}

void store_bind_real(struct store_stmt *q, int at, double v)
{
    if (q->rc == SQLITE_OK)
        note(q, sqlite3_bind_double(q->stmt, at, v));
}

static void bind_text(struct store_stmt *q, int at, struct span v, sqlite3_destructor_type kept)
{
    if (q->rc == SQLITE_OK)
        note(q, sqlite3_bind_text64(q->stmt, at, v.n == 0 ? "" : (const char *)v.p, v.n, kept, SQLITE_UTF8));
}

void store_bind_text(struct store_stmt *q, int at, struct span v)
{
    bind_text(q, at, v, SQLITE_TRANSIENT);
}

void store_bind_held(struct store_stmt *q, int at, struct span v)
{
    bind_text(q, at, v, SQLITE_STATIC);
}

void store_bind_null(struct store_stmt *q, int at)
{
    if (q->rc == SQLITE_OK)
        note(q, sqlite3_bind_null(q->stmt, at));
}

void store_bind_optional(struct store_stmt *q, int at, struct span v)
{
    if (v.n > 0)
        store_bind_held(q, at, v);
    else
        store_bind_null(q, at);
}

void store_bind_str(struct store_stmt *q, int at, const char *v)
{
    if (v == NULL)
        store_bind_null(q, at);
    else
        store_bind_text(q, at, span_str(v));
}

bool store_step(struct store_stmt *q)
{
    if (q->rc != SQLITE_OK)
        return false;
    int rc = sqlite3_step(q->stmt);
    if (rc == SQLITE_ROW)
        return true;
    if (rc != SQLITE_DONE)
        note(q, rc);
    return false;
}

int store_done(struct store_stmt *q, struct error *e)
{
    int rc = q->rc;
    q->rc = SQLITE_OK;
    int result = 0;
    if (q == &q->conn->none)
        result = err_set(e, ERR_MISUSE, "store: more than %d statements on one connection", STATEMENTS / 4 * 3);
    else if (rc != SQLITE_OK)
        result = fail(q->conn, rc, q->sql == NULL ? "a statement is refused" : "a statement failed", e);
    if (q->stmt != NULL) {
        (void)sqlite3_reset(q->stmt);
        (void)sqlite3_clear_bindings(q->stmt);
    }
    return result;
}

int64_t store_int(struct store_stmt *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

double store_real(struct store_stmt *q, int column)
{
    return sqlite3_column_double(q->stmt, column);
}

bool store_is_null(struct store_stmt *q, int column)
{
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

struct span store_text(struct store_stmt *q, int column)
{
    const void *p = sqlite3_column_text(q->stmt, column);
    int n = sqlite3_column_bytes(q->stmt, column);
    return p == NULL || n <= 0 ? SPAN_LIT("") : span_of(p, (size_t)n);
}

int store_run(struct store_stmt *q, struct error *e)
{
    while (store_step(q))
        ;
    return store_done(q, e);
}

int64_t store_run_int(struct store_stmt *q, int64_t missing, struct error *e)
{
    int64_t v = missing;
    if (store_step(q) && !store_is_null(q, 0))
        v = store_int(q, 0);
    return store_done(q, e) == 0 ? v : missing;
}

/* ── dump ── */

static int dump_table(struct store_conn *c, const char *table, struct buf *out, struct error *e)
{
    sqlite3_stmt *stmt = NULL;
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
    int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);
    sqlite3_free(sql);
    if (rc != SQLITE_OK)
        return fail(c, rc, "dumping a table", e);
    /* the same rows in the same order of every column, whatever order they were written in */
    sqlite3_str *ordered = sqlite3_str_new(c->db);
    sqlite3_str_appendf(ordered, "SELECT * FROM \"%w\" ORDER BY 1", table);
    for (int i = 2; i <= sqlite3_column_count(stmt); i++)
        sqlite3_str_appendf(ordered, ",%d", i);
    (void)sqlite3_finalize(stmt);
    stmt = NULL;
    sql = sqlite3_str_finish(ordered);
    rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);
    sqlite3_free(sql);
    buf_addf(out, "[%s]\n", table);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const void *p = sqlite3_column_text(stmt, i);
            buf_add_str(out, i == 0 ? "" : "|");
            if (p == NULL)
                buf_add_str(out, "(null)");
            else
                buf_add(out, p, (size_t)sqlite3_column_bytes(stmt, i));
        }
        buf_add_str(out, "\n");
        rc = SQLITE_OK;
    }
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_DONE || rc == SQLITE_OK ? 0 : fail(c, rc, "dumping a table", e);
}

int store_dump(struct store_conn *c, struct buf *out, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name");
    int rc = 0;
    while (rc == 0 && store_step(q)) {
        char table[128];
        (void)snprintf(table, sizeof table, "%.*s", (int)store_text(q, 0).n, (const char *)store_text(q, 0).p);
        rc = dump_table(c, table, out, e);
    }
    if (store_done(q, rc == 0 ? e : NULL) != 0)
        return -1;
    if (rc == 0 && !buf_ok(out))
        return err_set(e, ERR_LIMIT, "store: the dump is larger than its buffer");
    return rc;
}
