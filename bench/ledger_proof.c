/* ledger_proof FOLDER [RECORDS]: the proof of any record of a large ledger (10 million unless told), made in FOLDER: how long it takes and how many
 * bytes it has; and how long reading one record takes. Prints JSON lines in the shape of scripts/bench. */
#include "record/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PROOFS 1000
#define BATCH 50000

static double cpu_s(void) /* processor time: who waits for a core does not work */
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void stop(const struct error *e)
{
    (void)fprintf(stderr, "%s\n", e->text);
    exit(3);
}

static void tell(const char *claim, const char *what, const char *unit, double ours, double most)
{
    (void)printf(
        "{\"claim\":\"%s\",\"what\":\"%s\",\"reference\":null,\"ours\":\"%.3g %s\",\"ratio\":null,\"target\":\"under %g %s\",\"holds\":%s}\n", claim,
        what, ours, unit, most, unit, ours < most ? "true" : "false");
    (void)fflush(stdout);
}

static int by_size(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return *x < *y ? -1 : *x > *y;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "ledger_proof FOLDER [RECORDS]\n");
        return 2;
    }
    char dir[512];
    char key[512];
    char what[160];
    struct error e = {0};
    uint64_t records = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
    (void)snprintf(dir, sizeof dir, "%s/large", argv[1]);
    (void)snprintf(key, sizeof key, "%s/large.key", argv[1]);
    struct ledger_options o = {
        .dir = dir, .key_file = key, .origin = "tourniquet.local/bench", .create = true, .checkpoint_interval = 3600 * TIME_SECOND};
    struct ledger *l = ledger_open(&o, NULL, &e);
    if (l == NULL)
        stop(&e);
    tq_time now = INT64_C(1795000000) * TIME_SECOND;
    for (uint64_t i = 0; i < records; i++) {
        if (ledger_append(l, LEDGER_CUSTODY, NULL, now, span_of(&i, sizeof i), NULL, &e) != 0 ||
            ((i + 1) % BATCH == 0 && ledger_commit(l, now, &e) != 0))
            stop(&e);
    }
    if (ledger_commit(l, now, &e) != 0)
        stop(&e);
    ledger_close(l);
    l = ledger_open(&o, NULL, &e);
    if (l == NULL)
        stop(&e);
    unsigned seed = 1;
    static double proof[PROOFS];
    static double read[PROOFS];
    size_t most = 0;
    for (int i = 0; i < PROOFS; i++) {
        uint64_t index = (((uint64_t)(unsigned)rand_r(&seed) << 31) | (unsigned)rand_r(&seed)) % records;
        struct buf out = BUF_INIT(1u << 16);
        struct ledger_record record;
        double start = cpu_s();
        if (ledger_prove(dir, index, &out, &e) != 0)
            stop(&e);
        proof[i] = cpu_s() - start;
        most = out.n > most ? out.n : most;
        buf_release(&out);
        start = cpu_s();
        struct ledger_reader *r = ledger_reader_new(l, index, &e);
        if (r == NULL || ledger_reader_next(r, &record, &e) != 1 || record.index != index || memcmp(record.payload.p, &index, sizeof index) != 0)
            stop(&e);
        ledger_reader_free(r);
        read[i] = cpu_s() - start;
    }
    ledger_close(l);
    qsort(proof, PROOFS, sizeof proof[0], by_size);
    qsort(read, PROOFS, sizeof read[0], by_size);
    (void)snprintf(what, sizeof what, "%d records of %.3g million, drawn by lot: 99 of 100 take less of the processor", PROOFS,
                   (double)records / 1e6);
    tell("ledger proof, time", what, "ms", 1e3 * proof[PROOFS * 99 / 100], 5);
    tell("ledger proof, size", "the largest of them", "bytes", (double)most, 4096);
    tell("ledger, reading one record", what, "ms", 1e3 * read[PROOFS * 99 / 100], 5);
    return 0;
}
