/* The ledger on a disk that loses power, tears and reorders writes, is full, or fails to sync (disk.h). What is asked after each of it, always the
 * same: the ledger opens; what was acknowledged is there, in order and word for word; what was not is there whole or not at all; no signed head is
 * contradicted; and it goes on.
 *
 * TOURNIQUET_LONG=1 takes every operation as the place of the crash or fault, and every single loss at each; otherwise a sample by TEST_SEED. */
#include "disk.h"
#include "record/ledger/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 (INT64_C(1795000000) * TIME_SECOND)
#define DAY (INT64_C(86400) * TIME_SECOND)
#define SETTLE (20u << 10)
#define MARKS 64
#define UNSURE 2048

static char place[64];
static unsigned seed;
static bool thorough;
static size_t states; /* how many were looked at */

/* ── Folders ── */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void fresh(char out[96], const char *name)
{
    (void)snprintf(out, 96, "%s/%s", place, name);
    if (access(out, F_OK) == 0)
        assert_int_equal(nftw(out, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(mkdir(out, 0700), 0);
}

static int setup(void **state)
{
    (void)state;
    const char *given = getenv("TEST_SEED");
    const char *want = getenv("TOURNIQUET_LONG");
    seed = given == NULL ? 20261128 : (unsigned)strtoul(given, NULL, 10);
    thorough = want != NULL && strcmp(want, "1") == 0;
    (void)snprintf(place, sizeof place, "%s/tq-faults-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(place) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    disk_stop();
    return nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static unsigned chance(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

/* ── What is written ── */

static struct span payload(uint64_t i, uint8_t out[128])
{
    size_t n = (size_t)(i * 37 % 120);
    for (size_t k = 0; k < n; k++)
        out[k] = (uint8_t)(i * 131 + k);
    return span_of(out, n);
}

static enum ledger_stream stream_of(uint64_t i)
{
    return i % 3 == 1 ? LEDGER_OBSERVATION : LEDGER_CUSTODY;
}

static tq_time time_of(uint64_t i) /* 7 days in the first 280 records: several segments, and two months: two keys a stream */
{
    return T0 + (tq_time)(i / 40) * DAY;
}

/* What was promised, and at which operation of the disk. */
struct promise {
    size_t n;
    struct {
        size_t op;
        uint64_t size;
        char head[512];
    } marks[MARKS];
    uint64_t tried; /* records that were handed over, promised or not */
};

static struct ledger *open_at(const char *folder, tq_time interval, char note[256], struct error *e)
{
    char dir[128];
    char key[128];
    (void)snprintf(dir, sizeof dir, "%s/ledger", folder);
    (void)snprintf(key, sizeof key, "%s/root.key", folder);
    struct ledger_options o = {
        .dir = dir, .key_file = key, .origin = "tourniquet.local/faults", .create = true, .checkpoint_interval = interval, .settle = SETTLE};
    return ledger_open(&o, note, e);
}

static void mark(struct promise *p, struct ledger *l)
{
    struct ledger_head *head = malloc(sizeof *head);
    assert_non_null(head);
    assert_true(p->n < MARKS);
    ledger_head(l, head);
    p->marks[p->n].op = disk_ops();
    p->marks[p->n].size = ledger_size(l);
    memcpy(p->marks[p->n++].head, head->checkpoint, sizeof head->checkpoint);
    free(head);
}

/* One commit of n records. False: it failed, and the ledger takes nothing more. */
static bool write_some(struct promise *p, struct ledger *l, unsigned n, tq_time now)
{
    struct error e = {0};
    uint8_t bytes[128];
    bool good = true;
    for (unsigned k = 0; k < n && good; k++) {
        uint64_t i = ledger_size(l) + k;
        uint64_t index = 0;
        good = ledger_append(l, stream_of(i), NULL, time_of(i), payload(i, bytes), &index, &e) == 0;
        assert_true(!good || index == i);
        if (p->tried < i + 1)
            p->tried = i + 1;
    }
    if (good && ledger_commit(l, now, &e) == 0) {
        mark(p, l);
        return true;
    }
    assert_int_equal(e.class, ERR_SYSTEM);
    assert_int_equal(ledger_append(l, LEDGER_CUSTODY, NULL, T0, span_str("no"), NULL, &e), -1);
    assert_int_equal(ledger_commit(l, now, &e), -1);
    return false;
}

/* The life that is cut short: made, written to, settled, closed in order, opened again. Ends early when something fails. */
static void live(const char *folder, tq_time interval, struct promise *p)
{
    static const unsigned commits[] = {3, 1, 2, 240, 15, 1, 9, 2, 1, 30, 1, 3};
    struct ledger *l = open_at(folder, interval, NULL, NULL);
    if (l != NULL)
        mark(p, l);
    for (unsigned c = 0; l != NULL && c < sizeof commits / sizeof commits[0]; c++) {
        if (!write_some(p, l, commits[c], T0 + (tq_time)c * TIME_SECOND))
            break;
        if (c == 7) {
            ledger_close(l);
            l = open_at(folder, interval, NULL, NULL);
        }
    }
    ledger_close(l);
}

/* ── What must hold ── */

static void give_up(const char *what, const struct error *e, size_t at)
{
    print_error("power lost before operation %zu: %s %s\n", at, what, e->text);
    disk_print(at > 30 ? at - 30 : 0, at + 2);
    fail();
}

static void read_all(struct ledger *l, size_t at)
{
    struct error e = {0};
    struct ledger_record record;
    uint8_t bytes[128];
    uint64_t next = 0;
    struct ledger_reader *r = ledger_reader_new(l, 0, &e);
    assert_non_null(r);
    int rc;
    for (; (rc = ledger_reader_next(r, &record, &e)) == 1; next++) {
        assert_true(record.index == next && record.stream == stream_of(next) && record.time == time_of(next));
        assert_true(span_equal(record.payload, payload(next, bytes)));
    }
    if (rc != 0 || next != ledger_size(l))
        give_up("reading:", &e, at);
    ledger_reader_free(r);
}

static void verify_at(const char *folder, const char *since, size_t at)
{
    char dir[128];
    struct error e = {0};
    struct ledger_report report;
    (void)snprintf(dir, sizeof dir, "%s/ledger", folder);
    if (ledger_verify(dir, NULL, since, &report, &e) != 0)
        give_up("verifying:", &e, at);
    if (!report.holds) {
        (void)err_set(&e, ERR_CORRUPT, "%s", report.why);
        give_up("verified:", &e, at);
    }
}

/* Opens what a crash before operation `at` left in `folder` and asks all of it; *p is what had been promised by then. */
static void examine(const char *folder, const struct promise *p, size_t at, bool go_on)
{
    struct error e = {0};
    struct promise more = {0};
    uint64_t size = 0;
    const char *head = NULL;
    states++;
    for (size_t i = 0; i < p->n && p->marks[i].op <= at; i++) {
        size = p->marks[i].size;
        head = p->marks[i].head;
    }
    struct ledger *l = open_at(folder, 0, NULL, &e);
    if (l == NULL)
        give_up("opening:", &e, at);
    if (ledger_size(l) < size || ledger_size(l) > p->tried) {
        (void)err_set(&e, ERR_CORRUPT, "%llu records, %llu promised, %llu tried", (unsigned long long)ledger_size(l), (unsigned long long)size,
                      (unsigned long long)p->tried);
        give_up("", &e, at);
    }
    read_all(l, at);
    verify_at(folder, head, at);
    if (go_on) {
        assert_true(write_some(&more, l, 2, T0));
        assert_true(write_some(&more, l, 1, T0));
        read_all(l, at);
    }
    ledger_close(l);
    if (go_on)
        verify_at(folder, head, at);
}

/* ── What a crash leaves ── */

enum loss { LOSE_ALL, LOSE_NONE, LOSE_NAMES, LOSE_DATA, LOSE_SOME, LOSE_FEW, LOSE_MOST, LOSE_BEHIND, LOSE_KINDS, LOSE_ONE, LOSE_BUT_ONE };

struct loss_of {
    enum loss kind;
    size_t op;       /* LOSE_ONE, LOSE_BUT_ONE */
    uint64_t sector; /* LOSE_BEHIND: of the last write, sectors from here on are lost */
};

static bool survives(void *context, size_t op, uint64_t sector, bool size_only)
{
    const struct loss_of *x = context;
    bool data = disk_kind(op) == DISK_WRITE || disk_kind(op) == DISK_CUT;
    switch (x->kind) {
    case LOSE_ALL: return false;
    case LOSE_NONE: return true;
    case LOSE_NAMES: return data;
    case LOSE_DATA: return !data || (size_only && chance(2) == 0);
    case LOSE_SOME: return chance(2) == 0;
    case LOSE_FEW: return chance(10) != 0;
    case LOSE_MOST: return chance(10) == 0;
    case LOSE_BEHIND: return op != x->op || (size_only ? chance(2) == 0 : sector < x->sector);
    case LOSE_ONE: return op != x->op;
    case LOSE_BUT_ONE: return op == x->op;
    case LOSE_KINDS: break;
    }
    return true;
}

static void crash(size_t at, struct loss_of x, const struct promise *p, bool go_on)
{
    char folder[96];
    fresh(folder, "after");
    (void)disk_crash(at, folder, survives, &x);
    examine(folder, p, at, go_on);
}

/* The last write before `at` torn at a sector. */
static void crash_torn(size_t at, const struct promise *p)
{
    size_t op = at - 1;
    if (disk_kind(op) != DISK_WRITE)
        return;
    uint64_t first;
    uint64_t end;
    disk_sectors(op, &first, &end);
    for (uint64_t sector = first; sector <= end && sector < first + 200; sector++) {
        struct loss_of x = {.kind = LOSE_BEHIND, .op = op, .sector = sector};
        if (thorough || chance(8) == 0)
            crash(at, x, p, false);
    }
}

static void crashes_at(size_t at, const struct promise *p)
{
    static size_t unsure[UNSURE];
    for (enum loss kind = LOSE_ALL; kind < LOSE_KINDS; kind++) {
        if (kind != LOSE_BEHIND && (thorough || chance(LOSE_KINDS / 2) == 0))
            crash(at, (struct loss_of){.kind = kind}, p, chance(4) == 0);
    }
    crash_torn(at, p);
    size_t n = disk_unsure(at, unsure, UNSURE);
    for (size_t i = 0; i < n; i++) {
        if (thorough || chance((unsigned)n) == 0)
            crash(at, (struct loss_of){.kind = LOSE_ONE, .op = unsure[i]}, p, false);
        if (thorough || chance((unsigned)n) == 0)
            crash(at, (struct loss_of){.kind = LOSE_BUT_ONE, .op = unsure[i]}, p, false);
    }
}

static void power_lost(tq_time interval)
{
    char folder[96];
    struct promise *p = calloc(1, sizeof *p);
    assert_non_null(p);
    fresh(folder, "before");
    size_t begin = disk_watch(folder);
    live(folder, interval, p);
    size_t end = disk_ops();
    assert_true(p->n > 10);
    states = 0;
    for (size_t at = begin; at <= end; at++) {
        if (thorough || at == end || chance(5) == 0)
            crashes_at(at, p);
    }
    print_message("# %zu operations, %zu states after a crash\n", end, states);
    assert_true(states > end / 5);
    free(p);
}

static void power_lost_each_signed(void **state)
{
    (void)state;
    power_lost(0);
}

static void power_lost_signed_later(void **state)
{
    (void)state;
    power_lost(5 * TIME_SECOND);
}

/* Power goes again while the start mends what the first crash left. */
static void power_lost_twice(void **state)
{
    (void)state;
    char first[96];
    char second[96];
    char third[96];
    struct promise *p = calloc(1, sizeof *p);
    assert_non_null(p);
    states = 0;
    for (unsigned round = 0; round < (thorough ? 40u : 8u); round++) {
        memset(p, 0, sizeof *p);
        fresh(first, "before");
        (void)disk_watch(first);
        live(first, 0, p);
        size_t at = 1 + chance((unsigned)disk_ops());
        fresh(second, "between");
        (void)disk_crash(at, second, survives, &(struct loss_of){.kind = round % 2 == 0 ? LOSE_NONE : LOSE_SOME});
        while (p->n > 0 && p->marks[p->n - 1].op > at)
            p->n--;
        for (size_t i = 0; i < p->n; i++)
            p->marks[i].op = 0;
        size_t begin = disk_watch(second);
        struct ledger *l = open_at(second, 0, NULL, NULL);
        assert_non_null(l);
        mark(p, l);
        size_t end = disk_ops();
        for (size_t again = begin; again <= end; again++) {
            struct loss_of x = {.kind = (enum loss)chance(LOSE_BEHIND)};
            if (!thorough && again < end && chance(5) != 0)
                continue;
            fresh(third, "after");
            (void)disk_crash(again, third, survives, &x);
            examine(third, p, again, false);
        }
        ledger_close(l);
    }
    print_message("# %zu states after a second crash\n", states);
    free(p);
}

/* ── What a failing disk leaves ── */

/* A life with a fault in it; then, without a restart of the machine, the disk is mended and the ledger goes on; then power goes. */
static bool life_with(size_t in, enum disk_fault how, int errnum)
{
    char folder[96];
    struct error e = {0};
    struct promise *p = calloc(1, sizeof *p);
    assert_non_null(p);
    fresh(folder, "before");
    (void)disk_watch(folder);
    disk_fail(in, how, errnum);
    live(folder, in % 2 == 0 ? 0 : 3 * TIME_SECOND, p);
    bool met = disk_failed();
    disk_mend();
    struct ledger *l = open_at(folder, 0, NULL, &e);
    if (l == NULL)
        give_up("opening after a fault:", &e, disk_ops());
    assert_true(ledger_size(l) >= (p->n == 0 ? 0 : p->marks[p->n - 1].size) && ledger_size(l) <= p->tried);
    mark(p, l);
    read_all(l, disk_ops());
    assert_true(write_some(p, l, 2, T0));
    assert_true(write_some(p, l, 7, T0));
    size_t end = disk_ops();
    for (enum loss kind = LOSE_ALL; kind < LOSE_BEHIND; kind++) {
        if (thorough || kind == LOSE_ALL || chance(LOSE_KINDS) == 0)
            crash(end, (struct loss_of){.kind = kind}, p, kind == LOSE_SOME);
    }
    ledger_close(l);
    examine(folder, p, disk_ops(), true);
    free(p);
    return met;
}

static void fault_everywhere(enum disk_fault how, int errnum)
{
    size_t met = 0;
    size_t tried = 0;
    states = 0;
    for (size_t in = 0; in < 2000; in += thorough ? 1 : 1 + chance(30)) {
        tried++;
        if (!life_with(in, how, errnum) && in > 100)
            break; /* the life is shorter than that */
        met++;
    }
    print_message("# %zu lives, %zu met the fault, %zu states\n", tried, met, states);
    assert_true(met > 9);
}

static void disk_full(void **state)
{
    (void)state;
    fault_everywhere(FAULT_ERROR, ENOSPC);
}

static void disk_full_for_good(void **state)
{
    (void)state;
    fault_everywhere(FAULT_LASTING, ENOSPC);
}

static void disk_full_in_the_middle(void **state)
{
    (void)state;
    fault_everywhere(FAULT_HALF, ENOSPC);
}

static void disk_gone(void **state)
{
    (void)state;
    fault_everywhere(FAULT_LASTING, EIO);
}

static void sync_fails(void **state)
{
    (void)state;
    fault_everywhere(FAULT_NOTHING_SYNCED, EIO);
}

static void one_error(void **state)
{
    (void)state;
    fault_everywhere(FAULT_ERROR, EIO);
}

/* A write that takes less than it was given is no fault: everything succeeds. */
static void short_writes(void **state)
{
    (void)state;
    char folder[96];
    struct promise *p = calloc(1, sizeof *p);
    assert_non_null(p);
    for (size_t in = 0; in < 400; in += thorough ? 1 : 1 + chance(20)) {
        memset(p, 0, sizeof *p);
        fresh(folder, "before");
        (void)disk_watch(folder);
        disk_fail(in, FAULT_SHORT, 0);
        live(folder, 0, p);
        disk_mend();
        assert_int_equal(p->marks[p->n - 1].size, 308);
        examine(folder, p, disk_ops(), false);
    }
    free(p);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(power_lost_each_signed),
        CASE(power_lost_signed_later),
        CASE(power_lost_twice),
        CASE(disk_full),
        CASE(disk_full_for_good),
        CASE(disk_full_in_the_middle),
        CASE(disk_gone),
        CASE(sync_fails),
        CASE(one_error),
        CASE(short_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
