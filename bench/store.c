/* The sealed store against plain SQLite: the same statements on the same rows with the same settings, in turn. CPU time of the process, best of the
 * runs. usage: store FOLDER [RUNS] */
#include "record/crypto/crypto.h"
#include "record/store/vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROWS 200000
#define BATCH 256
#define CHECKPOINT 4096 /* frames, as the store has it */
#define SCAN_BYTES (1ull << 30)

static const uint8_t key[32] = {7};
static char folder[256];

struct side {
    bool sealed;
    sqlite3 *db;
    struct pages *pages;
    struct vfs *vfs;
    char dir[300];
};

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "store: %s: %s\n", what, why);
    exit(3);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sql(struct side *s, const char *text)
{
    if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK)
        fail(text, sqlite3_errmsg(s->db));
}

static void remove_side(struct side *s)
{
    static const char *const files[] = {"store.head", "store.db", "store.wal", "plain.db", "plain.db-wal", "plain.db-shm"};
    char path[400];
    for (size_t i = 0; i < 6; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", s->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(s->dir);
}

/* Opens what is there, or makes it. cache: KiB. */
static void open_side(struct side *s, bool sealed, const char *name, bool fresh, int cache)
{
    struct error e = {0};
    char note[STORE_NOTE];
    char path[400] = VFS_FILE;
    char settings[400];
    int reserve = PAGE_TAIL;
    *s = (struct side){.sealed = sealed};
    (void)snprintf(s->dir, sizeof s->dir, "%s/%s-%s", folder, name, sealed ? "sealed" : "plain");
    if (fresh)
        remove_side(s);
    (void)mkdir(s->dir, 0700);
    if (sealed) {
        int dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        s->pages = pages_open(dir, key, fresh, note, &e);
        s->vfs = s->pages == NULL ? NULL : vfs_new(s->pages, &e);
        (void)close(dir);
        if (s->vfs == NULL)
            fail(s->dir, e.text);
    } else {
        (void)snprintf(path, sizeof path, "%s/plain.db", s->dir);
    }
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, sealed ? vfs_name(s->vfs) : NULL) !=
        SQLITE_OK)
        fail(path, "cannot be opened");
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)snprintf(settings, sizeof settings, "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%d; PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=0",
                   cache);
    sql(s, settings);
    if (!fresh)
        return;
    if (sealed)
        (void)sqlite3_file_control(s->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
    sql(s, "PRAGMA page_size=4096; PRAGMA journal_mode=MEMORY; PRAGMA journal_mode=WAL");
    if (sealed && pages_settle(s->pages, &e) != 0)
        fail("making the store", e.text);
    sql(s, "CREATE TABLE result(record INTEGER PRIMARY KEY, time INTEGER, patient TEXT, specimen TEXT, test TEXT, words TEXT) STRICT;"
           "CREATE INDEX result_specimen ON result(specimen)");
}

static void close_side(struct side *s)
{
    if (sqlite3_close(s->db) != SQLITE_OK)
        fail(s->dir, "still in use");
    vfs_free(s->vfs);
    pages_close(s->pages);
}

/* As store_checkpoint does it; the syncs of the sealed one are part of it. */
static void checkpoint(struct side *s)
{
    struct error e = {0};
    if (s->sealed && pages_copy_begin(s->pages, &e) != 0)
        fail("a checkpoint", e.text);
    if (sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK)
        fail("a checkpoint", sqlite3_errmsg(s->db));
    if (s->sealed && pages_copy_end(s->pages, &e) != 0)
        fail("a checkpoint", e.text);
    if (sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
        fail("a checkpoint", sqlite3_errmsg(s->db));
}

static int frames;
static int count_frames(void *context, sqlite3 *db, const char *name, int n)
{
    (void)context;
    (void)db;
    (void)name;
    frames = n;
    return SQLITE_OK;
}

static uint64_t mixed(uint64_t v)
{
    v *= UINT64_C(0x9e3779b97f4a7c15);
    return v ^ v >> 29;
}

static void insert(struct side *s, int64_t rows, size_t words)
{
    sqlite3_stmt *q = NULL;
    char text[4096];
    char specimen[24];
    char patient[24];
    memset(text, 'w', sizeof text);
    (void)sqlite3_wal_hook(s->db, count_frames, NULL);
    if (sqlite3_prepare_v2(s->db, "INSERT INTO result VALUES (?1, ?2, ?3, ?4, 'GLU', ?5)", -1, &q, NULL) != SQLITE_OK)
        fail("inserting", sqlite3_errmsg(s->db));
    for (int64_t i = 0; i < rows; i++) {
        if (i % BATCH == 0)
            sql(s, "BEGIN IMMEDIATE");
        (void)snprintf(specimen, sizeof specimen, "S-%012llx", (unsigned long long)(mixed((uint64_t)i) & 0xffffffffffff));
        (void)snprintf(patient, sizeof patient, "P-%012llx", (unsigned long long)(mixed((uint64_t)i / 8) & 0xffffffffffff));
        (void)sqlite3_bind_int64(q, 1, i);
        (void)sqlite3_bind_int64(q, 2, i * 1000000007);
        (void)sqlite3_bind_text(q, 3, patient, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(q, 4, specimen, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(q, 5, text, (int)words, SQLITE_STATIC);
        if (sqlite3_step(q) != SQLITE_DONE)
            fail("inserting", sqlite3_errmsg(s->db));
        (void)sqlite3_reset(q);
        if (i % BATCH == BATCH - 1 || i == rows - 1) {
            sql(s, "COMMIT");
            if (frames >= CHECKPOINT)
                checkpoint(s);
        }
    }
    (void)sqlite3_finalize(q);
    checkpoint(s);
}

static void lookups(struct side *s, int64_t rows, int64_t n)
{
    sqlite3_stmt *q = NULL;
    int64_t sum = 0;
    if (sqlite3_prepare_v2(s->db, "SELECT time, words FROM result WHERE record = ?1", -1, &q, NULL) != SQLITE_OK)
        fail("reading", sqlite3_errmsg(s->db));
    sql(s, "BEGIN"); /* one look, so that plain SQLite's locks (system calls, where ours are none) are not in the ratio */
    for (int64_t i = 0; i < n; i++) {
        (void)sqlite3_bind_int64(q, 1, (int64_t)(mixed((uint64_t)i) % (uint64_t)rows));
        if (sqlite3_step(q) != SQLITE_ROW)
            fail("reading", sqlite3_errmsg(s->db));
        sum += sqlite3_column_int64(q, 0) + sqlite3_column_bytes(q, 1);
        (void)sqlite3_reset(q);
    }
    (void)sqlite3_finalize(q);
    sql(s, "COMMIT");
    if (sum == 0)
        fail("reading", "nothing is there");
}

static void tell(const char *claim, const char *what, double plain, double ours, double most, const char *unit, double each)
{
    (void)printf(
        "{\"claim\":\"%s\",\"what\":\"%s\",\"reference\":\"plain SQLite: %.2f %s\",\"ours\":\"%.2f %s\",\"ratio\":%.3f,\"target\":\"at most %.2f\","
        "\"holds\":%s}\n",
        claim, what, plain * each, unit, ours * each, unit, ours / plain, most, ours <= most * plain ? "true" : "false");
    (void)fflush(stdout);
}

static void least(double *kept, double v)
{
    if (*kept == 0 || v < *kept)
        *kept = v;
}

static void bulk(int runs)
{
    double best[2] = {0};
    for (int run = 0; run < runs; run++)
        for (int sealed = 0; sealed < 2; sealed++) {
            struct side s;
            open_side(&s, sealed != 0, "bulk", true, 16384);
            double since = seconds(CLOCK_PROCESS_CPUTIME_ID);
            insert(&s, ROWS, 150);
            least(&best[sealed], seconds(CLOCK_PROCESS_CPUTIME_ID) - since);
            close_side(&s);
        }
    tell("store, bulk insert", "200,000 rows with an index in batches of 256, checkpoints every 16 MiB: CPU time", best[0], best[1], 1.4, "µs a row",
         1e6 / ROWS);
}

/* Over the files that bulk left: cached where the cache holds all of it. */
static void reads(int runs, int cache, int64_t n, const char *claim, const char *what, double most)
{
    double best[2] = {0};
    for (int run = 0; run < runs; run++)
        for (int sealed = 0; sealed < 2; sealed++) {
            struct side s;
            open_side(&s, sealed != 0, "bulk", false, cache);
            lookups(&s, ROWS, n / 4); /* warms the cache, and the system's */
            double since = seconds(CLOCK_PROCESS_CPUTIME_ID);
            lookups(&s, ROWS, n);
            least(&best[sealed], seconds(CLOCK_PROCESS_CPUTIME_ID) - since);
            close_side(&s);
        }
    tell(claim, what, best[0], best[1], most, "µs a read", 1e6 / (double)n);
}

/* Pages with nonce and tag inside lie on the disk's blocks; beside them (4,096 + 28 bytes) they lie across. */
static void layout(int runs)
{
    enum { PAGES = 16384 };
    char path[400];
    struct crypto_bulk *bulk = crypto_bulk_new(key);
    double best[2] = {0};
    uint8_t *block = malloc(PAGE_BYTES + PAGE_TAIL);
    (void)snprintf(path, sizeof path, "%s/layout", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || block == NULL || bulk == NULL)
        fail(path, "cannot be made");
    for (int beside = 0; beside < 2; beside++) {
        size_t clear = beside != 0 ? PAGE_BYTES : PAGE_BYTES - PAGE_TAIL;
        for (int i = 0; i < PAGES; i++) {
            memset(block, i, clear);
            memset(block + clear, 0, AES_GCM_NONCE);
            crypto_bulk_seal(bulk, block + clear, (struct span){0}, span_of(block, clear), block, block + clear + AES_GCM_NONCE);
            if (pwrite(fd, block, clear + PAGE_TAIL, (off_t)i * (off_t)(clear + PAGE_TAIL)) < 0)
                fail(path, "cannot be written");
        }
        for (int run = 0; run < runs; run++) {
            double since = seconds(CLOCK_PROCESS_CPUTIME_ID);
            for (uint64_t i = 0; i < 4 * PAGES; i++) {
                size_t n = clear + PAGE_TAIL;
                if (pread(fd, block, n, (off_t)(mixed(i) % PAGES * n)) != (ssize_t)n ||
                    !crypto_bulk_open(bulk, block + clear, (struct span){0}, span_of(block, clear), block + clear + AES_GCM_NONCE, block))
                    fail(path, "does not open");
            }
            least(&best[beside], seconds(CLOCK_PROCESS_CPUTIME_ID) - since);
        }
    }
    crypto_bulk_free(bulk);
    free(block);
    (void)close(fd);
    (void)unlink(path);
    (void)printf(
        "{\"claim\":\"store, place of the tags\",\"what\":\"a page read from the system's cache and opened: nonce and tag beside it (reference), in "
        "it\",\"reference\":\"%.2f µs\",\"ours\":\"%.2f µs\",\"ratio\":%.3f,\"holds\":true}\n",
        best[1] / (4 * PAGES) * 1e6, best[0] / (4 * PAGES) * 1e6, best[0] / best[1]);
}

static void scan(int runs)
{
    struct side s;
    struct store_scanned scanned;
    struct error e = {0};
    double best = 0;
    open_side(&s, true, "scan", true, 16384);
    insert(&s, (int64_t)(SCAN_BYTES / PAGE_BYTES), 3700);
    double size = (double)pages_count(s.pages) * PAGE_BYTES;
    close_side(&s);
    int dir = open(s.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int run = 0; run < runs; run++) {
        double since = seconds(CLOCK_MONOTONIC);
        if (store_scan(dir, key, &scanned, &e) != 0)
            fail("scanning", e.text);
        least(&best, seconds(CLOCK_MONOTONIC) - since);
    }
    (void)close(dir);
    remove_side(&s);
    (void)printf("{\"claim\":\"store, check at the start\",\"what\":\"every page of %.2f GB opened and taken into the set-hash, from the system's "
                 "cache\",\"ours\":\"%.2f s, %.2f s a GB\",\"holds\":true}\n",
                 size / 1e9, best, best / (size / 1e9));
}

int main(int argc, char **argv)
{
    int runs = argc > 2 ? atoi(argv[2]) : 3;
    if (argc < 2 || runs < 1) {
        (void)fprintf(stderr, "usage: store FOLDER [RUNS]\n");
        return 2;
    }
    (void)snprintf(folder, sizeof folder, "%s", argv[1]);
    (void)mkdir(folder, 0700);
    bulk(runs);
    reads(runs, 262144, 1000000, "store, reads from the cache", "1,000,000 reads of random rows, all pages in SQLite's cache: CPU time", 1.05);
    struct stat st;
    char path[400];
    (void)snprintf(path, sizeof path, "%s/bulk-plain/plain.db", folder);
    if (stat(path, &st) != 0)
        fail(path, "is gone");
    reads(runs, (int)(st.st_size / 10240), 400000, "store, reads past the cache",
          "400,000 reads of random rows, the file ten times SQLite's cache: CPU time", 1.7);
    layout(runs);
    scan(runs);
    for (int sealed = 0; sealed < 2; sealed++) {
        struct side s = {0};
        (void)snprintf(s.dir, sizeof s.dir, "%s/bulk-%s", folder, sealed != 0 ? "sealed" : "plain");
        remove_side(&s);
    }
    (void)rmdir(folder);
    return 0;
}
