/* ledger_append FOLDER [SECONDS]: how many records of 200 bytes become durable a second, against what the disk under FOLDER does by itself (append
 * and fdatasync into a file whose blocks exist), and how long verifying takes against hashing the same bytes. Prints one JSON line a measurement, in
 * the shape of scripts/bench. Ratios are of this run: ours over reference; for verifying, time over time. The disk is measured before and after, and
 * the mean is taken: other work on the machine moves it. */
#include "record/crypto/crypto.h"
#include "record/ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RECORD 200
#define FILE_BYTES (64u << 20)

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void stop(const char *what)
{
    perror(what);
    exit(3);
}

/* Prints a claim; it holds when the ratio is at least `target` (at_most: at most). */
static void report(const char *claim, const char *what, const char *unit, double ours, double reference, double target, bool at_most)
{
    double ratio = ours / reference;
    bool holds = at_most ? ratio <= target : ratio >= target;
    (void)printf(
        "{\"claim\":\"%s\",\"what\":\"%s\",\"reference\":\"%.4g %s\",\"ours\":\"%.4g %s\",\"ratio\":%.3f,\"target\":\"at %s %g\",\"holds\":%s}\n",
        claim, what, reference, unit, ours, unit, ratio, at_most ? "most" : "least", target, holds ? "true" : "false");
    (void)fflush(stdout);
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

/* Records a second with `batch` records in each commit. */
static double ledger_rate(const char *folder, const char *name, unsigned batch, tq_time interval, double seconds)
{
    char dir[512];
    char key[512];
    struct error e = {0};
    (void)snprintf(dir, sizeof dir, "%s/%s", folder, name);
    (void)snprintf(key, sizeof key, "%s/%s.key", folder, name);
    struct ledger_options o = {.dir = dir, .key_file = key, .origin = "tourniquet.local/bench", .create = true, .checkpoint_interval = interval};
    struct ledger *l = ledger_open(&o, NULL, &e);
    uint8_t record[RECORD];
    memset(record, 0x5a, sizeof record);
    double start = now_s();
    double spent = 0;
    uint64_t n = 0;
    for (; l != NULL && e.class == ERR_NONE && spent < seconds; spent = now_s() - start) {
        tq_time now = INT64_C(1795000000) * TIME_SECOND + (tq_time)(spent * 1e9);
        for (unsigned i = 0; i < batch; i++)
            (void)ledger_append(l, LEDGER_CUSTODY, now, span_of(record, sizeof record), NULL, &e);
        (void)ledger_commit(l, now, &e);
        n += batch;
    }
    if (e.class != ERR_NONE) {
        (void)fprintf(stderr, "%s\n", e.text);
        exit(3);
    }
    ledger_close(l);
    return (double)n / spent;
}

/* Verifying against SHA-256 alone over as many bytes as its payloads have, in pieces of that size. */
static void verify_time(const char *folder, const char *name)
{
    char dir[512];
    struct error e = {0};
    struct ledger_report r;
    (void)snprintf(dir, sizeof dir, "%s/%s", folder, name);
    double start = now_s();
    if (ledger_verify(dir, NULL, NULL, &r, &e) != 0 || !r.holds) {
        (void)fprintf(stderr, "%s%s\n", e.text, e.class == ERR_NONE ? r.why : "");
        exit(3);
    }
    double spent = now_s() - start;
    uint8_t record[RECORD + AES_GCM_TAG] = {0};
    uint8_t hash[SHA256_SIZE];
    start = now_s();
    for (uint64_t i = 0; i < r.records; i++)
        crypto_sha256(span_of(record, sizeof record), hash);
    report("ledger verify", "verifying records of 200 bytes against SHA-256 over their sealed bytes alone", "s", spent, now_s() - start, 4, true);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "ledger_append FOLDER [SECONDS]\n");
        return 2;
    }
    const char *folder = argv[1];
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 3;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        stop(folder);
    double before = disk_rate(folder, seconds);
    double one = ledger_rate(folder, "one", 1, 0, seconds);
    double one_1s = ledger_rate(folder, "one-1s", 1, TIME_SECOND, seconds);
    double many = ledger_rate(folder, "many", 64, 0, seconds);
    double many_1s = ledger_rate(folder, "many-1s", 64, TIME_SECOND, seconds);
    double pipe = ledger_rate(folder, "pipe", 20000, TIME_SECOND, seconds);
    double disk = (before + disk_rate(folder, seconds)) / 2;
    const char *unit = "records/s";
    report("ledger, one writer", "durable appends, one at a time, a checkpoint a second, against the disk's append + fdatasync", unit, one_1s, disk,
           0.9, false);
    report("ledger, 64 writers", "64 to a commit, a checkpoint a second, against 64 times the disk's rate", unit, many_1s, 64 * disk, 0.3, false);
    report("ledger, one writer, each signed", "the same with tiles and a checkpoint for every commit", unit, one, disk, 0.1, false);
    report("ledger, 64 writers, each signed", "the same with tiles and a checkpoint for every commit", unit, many, 64 * disk, 0.1, false);
    report("ledger, pipelined", "20,000 to a commit, against 400,000 records a second", unit, pipe, 400000, 1, false);
    verify_time(folder, "pipe");
    return 0;
}
