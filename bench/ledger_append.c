/* ledger_append FOLDER [SECONDS]: how many records of 200 bytes become durable a second, against what the disk under FOLDER does by itself (append
 * and fdatasync into a file whose blocks exist) and against SQLite (WAL, synchronous=FULL); what a record costs against its primitives alone; and
 * what verifying costs against hashing. Prints one JSON line a measurement, in the shape of scripts/bench.
 *
 * Other work on the machine moves the disk, so everything takes its turn in each of five rounds of SECONDS each, and a ratio is the median of the
 * rounds' own. What only the processor does is measured in its time. */
#include "record/crypto/crypto.h"
#include "record/ledger/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RECORD 200
#define FILE_BYTES (64u << 20)

#define ROUNDS 5
#define PIPE 20000

/* What a record leaves on the disk: this twice (journal, segment), and its entry and leaf hash. */
enum { STORED = SEALED_RECORD_MIN + RECORD + AES_GCM_TAG, REST = 2 + ENTRY_BYTES + SHA256_SIZE };

static double clock_s(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

static double cpu_s(void)
{
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static _Noreturn void stop(const char *what)
{
    perror(what);
    exit(3);
}

struct rounds {
    double rate[ROUNDS];
};

static int by_size(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return *x < *y ? -1 : *x > *y;
}

static double median(const double *values)
{
    double sorted[ROUNDS];
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, ROUNDS, sizeof sorted[0], by_size);
    return sorted[ROUNDS / 2];
}

/* Prints a claim; it holds when the ratio is at least `target` (at_most: at most; 0: there is none, it is only told). */
static void print_claim(const char *claim, const char *what, const char *unit, double ours, double reference, double ratio, double target,
                        bool at_most)
{
    char wanted[32] = "none";
    const char *holds = "true";
    if (target > 0) {
        (void)snprintf(wanted, sizeof wanted, "at %s %g", at_most ? "most" : "least", target);
        holds = (at_most ? ratio <= target : ratio >= target) ? "true" : "false";
    }
    (void)printf("{\"claim\":\"%s\",\"what\":\"%s\",\"reference\":\"%.4g %s\",\"ours\":\"%.4g %s\",\"ratio\":%.3f,\"target\":\"%s\",\"holds\":%s}\n",
                 claim, what, reference, unit, ours, unit, ratio, wanted, holds);
    (void)fflush(stdout);
}

/* Each round's rate over `times` that of the reference in the same round. */
static void report(const char *claim, const char *what, const struct rounds *ours, const struct rounds *reference, double times, double target)
{
    double ratios[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        ratios[i] = ours->rate[i] / (times * reference->rate[i]);
    print_claim(claim, what, "records/s", median(ours->rate), times * median(reference->rate), median(ratios), target, false);
}

/* Appends of 200 bytes, each followed by fdatasync, a second. */
static double disk_rate(const char *folder, double seconds)
{
    char path[512];
    static uint8_t zeros[1u << 20];
    (void)snprintf(path, sizeof path, "%s/disk.bench", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        stop(path);
    for (size_t i = 0; i < FILE_BYTES / sizeof zeros; i++) {
        if (write(fd, zeros, sizeof zeros) != (ssize_t)sizeof zeros)
            stop(path);
    }
    if (fsync(fd) != 0)
        stop(path);
    uint8_t record[RECORD];
    memset(record, 0x5a, sizeof record);
    double start = now_s();
    double spent = 0;
    uint64_t n = 0;
    for (; spent < seconds; spent = now_s() - start, n++) {
        if (pwrite(fd, record, sizeof record, (off_t)(n * RECORD % (FILE_BYTES - RECORD))) != RECORD || fdatasync(fd) != 0)
            stop(path);
    }
    (void)close(fd);
    (void)unlink(path);
    return (double)n / spent;
}

/* Bytes a second of one long file, a commit's worth at a time, each followed by fdatasync. */
static double disk_bytes(const char *folder, double seconds)
{
    enum { STEP = PIPE * STORED };
    static uint8_t step[STEP];
    char path[512];
    (void)snprintf(path, sizeof path, "%s/stream.bench", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        stop(path);
    double start = now_s();
    double spent = 0;
    uint64_t n = 0;
    for (; spent < seconds; spent = now_s() - start, n += STEP) {
        if (pwrite(fd, step, STEP, (off_t)n) != STEP || fdatasync(fd) != 0)
            stop(path);
    }
    (void)close(fd);
    (void)unlink(path);
    return (double)n / spent;
}

/* Records a second with `batch` records of `size` bytes in each commit. *ret_cpu (may be NULL): processor seconds for one. */
static double ledger_rate(const char *folder, const char *name, unsigned batch, size_t size, tq_time interval, double seconds, double *ret_cpu)
{
    char dir[512];
    char key[512];
    struct error e = {0};
    (void)snprintf(dir, sizeof dir, "%s/%s", folder, name);
    (void)snprintf(key, sizeof key, "%s/%s.key", folder, name);
    struct ledger_options o = {.dir = dir, .key_file = key, .origin = "tourniquet.local/bench", .create = true, .checkpoint_interval = interval};
    struct ledger *l = ledger_open(&o, NULL, &e);
    uint8_t record[1000];
    memset(record, 0x5a, sizeof record);
    double start = now_s();
    double cpu = cpu_s();
    double spent = 0;
    uint64_t n = 0;
    for (; l != NULL && e.class == ERR_NONE && spent < seconds; spent = now_s() - start) {
        tq_time now = INT64_C(1795000000) * TIME_SECOND + (tq_time)(spent * 1e9);
        for (unsigned i = 0; i < batch; i++)
            (void)ledger_append(l, LEDGER_CUSTODY, NULL, now, span_of(record, size), NULL, &e);
        (void)ledger_commit(l, now, &e);
        n += batch;
    }
    if (ret_cpu != NULL)
        *ret_cpu = (cpu_s() - cpu) / (double)n;
    if (e.class != ERR_NONE) {
        (void)fprintf(stderr, "%s\n", e.text);
        exit(3);
    }
    ledger_close(l);
    return (double)n / spent;
}

static void sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
        (void)fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(db));
        exit(3);
    }
}

/* The same in plain SQLite: rows of time and 200 bytes, `batch` to a transaction. */
static double sqlite_rate(const char *folder, const char *name, unsigned batch, double seconds)
{
    char path[512];
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    uint8_t record[RECORD];
    memset(record, 0x5a, sizeof record);
    (void)snprintf(path, sizeof path, "%s/%s.db", folder, name);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        stop(path);
    sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS record (i INTEGER PRIMARY KEY, time INTEGER, body BLOB)");
    if (sqlite3_prepare_v2(db, "INSERT INTO record (time, body) VALUES (?, ?)", -1, &insert, NULL) != SQLITE_OK)
        stop(path);
    double start = now_s();
    double spent = 0;
    uint64_t n = 0;
    for (; spent < seconds; spent = now_s() - start, n += batch) {
        sql(db, "BEGIN");
        for (unsigned i = 0; i < batch; i++) {
            (void)sqlite3_bind_int64(insert, 1, (sqlite3_int64)n);
            (void)sqlite3_bind_blob(insert, 2, record, sizeof record, SQLITE_STATIC);
            if (sqlite3_step(insert) != SQLITE_DONE)
                stop(path);
            (void)sqlite3_reset(insert);
        }
        sql(db, "COMMIT");
    }
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    return (double)n / spent;
}

/* Processor seconds for what a record cannot do without: its keys, its seal, its four hashes (sealed bytes, leaf, one node, its part of the frame)
 * and its bytes written twice, with its entry and its leaf's hash. */
static double primitives_cpu(const char *folder)
{
    static uint8_t all[PIPE * STORED];
    uint8_t key[64] = {1};
    uint8_t hash[SHA256_SIZE];
    struct crypto_hmac period;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/primitives.bench", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct crypto_sealer *sealer = crypto_sealer_new();
    if (fd < 0 || sealer == NULL)
        stop(path);
    crypto_hmac_set(&period, span_of(key, 32));
    double start = cpu_s();
    for (unsigned i = 0; i < PIPE; i++) {
        uint8_t *at = all + (size_t)i * STORED;
        crypto_hkdf_expand_with(&period, span_of(all, 34), key, 32);
        crypto_hkdf_expand(key, span_of(all, 62), key, 64);
        crypto_sealer_seal(sealer, key, span_of(all, LOG_ID + 8 + ENTRY_HEADER), span_of(at, RECORD), at);
        crypto_sha256(span_of(at, RECORD + AES_GCM_TAG), hash);
        crypto_sha256(span_of(at, 1 + ENTRY_BYTES), hash);
        crypto_sha256(span_of(at, 65), hash);
    }
    crypto_sha256(span_of(all, sizeof all), hash);
    if (pwrite(fd, all, sizeof all, 0) != sizeof all || pwrite(fd, all, sizeof all, sizeof all) != sizeof all ||
        pwrite(fd, all, (size_t)PIPE * REST, 2 * sizeof all) != (ssize_t)PIPE * REST)
        stop(path);
    double spent = cpu_s() - start;
    crypto_sealer_free(sealer);
    (void)close(fd);
    (void)unlink(path);
    return spent / PIPE;
}

/* Verifying against SHA-256 alone over as many bytes as its sealed payloads have, in pieces of that size; both in processor time, the best of the
 * rounds. */
static void verify_time(const char *folder, const char *name, size_t size, double target)
{
    char dir[512];
    char claim[64];
    char what[128];
    struct error e = {0};
    struct ledger_report r;
    double best = 1e9;
    double reference = 1e9;
    static uint8_t record[1000 + AES_GCM_TAG];
    uint8_t hash[SHA256_SIZE];
    (void)snprintf(dir, sizeof dir, "%s/%s", folder, name);
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_s();
        if (ledger_verify(dir, NULL, NULL, &r, &e) != 0 || !r.holds) {
            (void)fprintf(stderr, "%s%s\n", e.text, e.class == ERR_NONE ? r.why : "");
            exit(3);
        }
        double spent = cpu_s() - start;
        best = spent < best ? spent : best;
        start = cpu_s();
        for (uint64_t i = 0; i < r.records; i++)
            crypto_sha256(span_of(record, size + AES_GCM_TAG), hash);
        spent = cpu_s() - start;
        reference = spent < reference ? spent : reference;
    }
    (void)snprintf(claim, sizeof claim, "ledger verify, %zu bytes", size);
    (void)snprintf(what, sizeof what, "verifying %llu records of %zu bytes against SHA-256 over their sealed bytes alone",
                   (unsigned long long)r.records, size);
    print_claim(claim, what, "s CPU", best, reference, best / reference, target, true);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "ledger_append FOLDER [SECONDS]\n");
        return 2;
    }
    const char *folder = argv[1];
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 1;
    struct rounds disk;
    struct rounds one;
    struct rounds one_signed;
    struct rounds many;
    struct rounds many_signed;
    struct rounds pipe;
    struct rounds sql_one;
    struct rounds sql_many;
    struct rounds sql_pipe;
    struct rounds bound;
    double cpu[ROUNDS];
    double bare[ROUNDS];
    double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        stop(folder);
    for (int i = 0; i < ROUNDS; i++) {
        one.rate[i] = ledger_rate(folder, "one-1s", 1, RECORD, TIME_SECOND, seconds, NULL);
        disk.rate[i] = disk_rate(folder, seconds);
        many.rate[i] = ledger_rate(folder, "many-1s", 64, RECORD, TIME_SECOND, seconds, NULL);
        one_signed.rate[i] = ledger_rate(folder, "one", 1, RECORD, 0, seconds, NULL);
        many_signed.rate[i] = ledger_rate(folder, "many", 64, RECORD, 0, seconds, NULL);
        pipe.rate[i] = ledger_rate(folder, "pipe", PIPE, RECORD, TIME_SECOND, seconds, &cpu[i]);
        bare[i] = primitives_cpu(folder);
        double disk_bound = disk_bytes(folder, seconds) / (2 * STORED + REST);
        bound.rate[i] = cores / bare[i] < disk_bound ? cores / bare[i] : disk_bound;
        sql_one.rate[i] = sqlite_rate(folder, "one", 1, seconds);
        sql_many.rate[i] = sqlite_rate(folder, "many", 64, seconds);
        sql_pipe.rate[i] = sqlite_rate(folder, "pipe", PIPE, seconds);
    }
    struct rounds wanted;
    for (int i = 0; i < ROUNDS; i++)
        wanted.rate[i] = 400000;
    (void)ledger_rate(folder, "kilo", 2000, 1000, TIME_SECOND, seconds, NULL);
    report("ledger, one writer", "durable appends, one at a time, a checkpoint a second, against the disk's append + fdatasync", &one, &disk, 1, 0.9);
    report("ledger, 64 writers", "64 to a commit, a checkpoint a second, against 64 times the disk's rate", &many, &disk, 64, 0.3);
    report("ledger, one writer, each signed", "the same with tiles and a checkpoint for every commit", &one_signed, &disk, 1, 0.1);
    report("ledger, 64 writers, each signed", "the same with tiles and a checkpoint for every commit", &many_signed, &disk, 64, 0.1);
    report("ledger, pipelined", "20,000 to a commit, against 400,000 records a second", &pipe, &wanted, 1, 1);
    report("ledger, pipelined, of what is possible",
           "the same against the least of all cores doing nothing but the primitives, and the disk taking nothing but its bytes", &pipe, &bound, 1,
           0);
    print_claim("ledger, pipelined, processor", "what a record costs against its primitives alone: keys, seal, hashes, bytes written", "us CPU",
                1e6 * median(cpu), 1e6 * median(bare), median(cpu) / median(bare), 0, true);
    report("ledger and SQLite, one writer", "the same rows in plain SQLite (WAL, synchronous=FULL), one to a transaction", &one, &sql_one, 1, 0);
    report("ledger and SQLite, 64 writers", "64 to a transaction", &many, &sql_many, 1, 0);
    report("ledger and SQLite, pipelined", "20,000 to a transaction", &pipe, &sql_pipe, 1, 0);
    verify_time(folder, "pipe", RECORD, 4);
    verify_time(folder, "kilo", 1000, 3);
    return 0;
}
