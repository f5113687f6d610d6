/* The keyring on a disk that loses power or fails (disk.h): keys that are taken, erased, rotated, a root key that changes, a recovery key, a keyring
 * of format 1 that moves up. What is asked after each of it: the ledger opens; every record that was promised can be read, unless its patient was
 * erased; who was erased, and was told so, is erased for good; nobody is half erased by himself; and it goes on.
 *
 * TOURNIQUET_LONG=1 takes every operation as the place of the crash or fault; otherwise a sample by TEST_SEED. */
#include "disk.h"
#include "record/ledger/inside.h"
#include "record/ledger/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 (INT64_C(1795000000) * TIME_SECOND)
#define PATIENTS 3
#define LAST 2 /* of them: the one who is erased */
#define RECORDS 40

static char place[64];
static unsigned seed;
static bool thorough;
static size_t states;

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
    (void)snprintf(place, sizeof place, "%s/tq-keys-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
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

/* ── A life ── */

struct promise {
    size_t n;
    struct {
        size_t op;
        uint64_t size;
    } marks[64];
    uint64_t tried;
    size_t erasing; /* operation at which erasing began; SIZE_MAX: never */
    size_t erased;  /* and was told done */
    uint64_t gone;  /* records before this one are the erased patient's, where they are his */
};

static struct ledger *open_at(const char *folder, struct error *e)
{
    static char dir[128];
    static char key[128];
    (void)snprintf(dir, sizeof dir, "%s/ledger", folder);
    (void)snprintf(key, sizeof key, "%s/root.key", folder);
    struct ledger_options o = {.dir = dir, .key_file = key, .origin = "tourniquet.local/keys", .create = true, .now = T0, .settle = 20u << 10};
    return ledger_open(&o, NULL, e);
}

static void scope_of(uint64_t i, uint8_t out[LEDGER_SCOPE])
{
    memset(out, 0x10 + (int)(i % PATIENTS), LEDGER_SCOPE);
}

/* One commit of n records; false: it failed. */
static bool write_some(struct promise *p, struct ledger *l, unsigned n)
{
    struct error e = {0};
    for (unsigned k = 0; k < n; k++) {
        uint8_t scope[LEDGER_SCOPE];
        uint64_t i = ledger_size(l) + k;
        scope_of(i, scope);
        if (p->tried < i + 1)
            p->tried = i + 1;
        if (ledger_append(l, LEDGER_CUSTODY, i % 7 == 6 ? NULL : scope, T0 + (tq_time)(i / 10) * 31 * 86400 * TIME_SECOND, span_of(&i, sizeof i),
                          NULL, &e) != 0)
            return false;
    }
    if (ledger_commit(l, T0, &e) != 0)
        return false;
    p->marks[p->n].op = disk_ops();
    p->marks[p->n++].size = ledger_size(l);
    return true;
}

static bool erase_one(struct promise *p, struct ledger *l)
{
    struct error e = {0};
    struct buf ids = BUF_INIT(65536);
    uint8_t scope[LEDGER_SCOPE];
    size_t n = 0;
    scope_of(LAST, scope);
    assert_int_equal(ledger_keys_of(l, span_of(scope, 10), 0, LEDGER_PERIOD_LAST, LEDGER_NO_RECORD, &ids, &e), 0);
    p->erasing = disk_ops();
    p->gone = ledger_size(l);
    bool good = ledger_erase(l, buf_span(&ids), T0, 1, &n, &e) == 0;
    if (good)
        p->erased = disk_ops();
    buf_release(&ids);
    return good;
}

static bool life(const char *folder, struct promise *p)
{
    struct error e = {0};
    char text[RECOVERY_TEXT];
    char key[128];
    (void)snprintf(key, sizeof key, "%s/root.key", folder);
    const struct root_source file = {.kind = ROOT_FILE, .path = key};
    p->erasing = p->erased = SIZE_MAX;
    struct ledger *l = open_at(folder, &e);
    bool good = l != NULL && write_some(p, l, 3) && write_some(p, l, 9) && ledger_recovery_new(l, T0, text, &e) == 0 && write_some(p, l, 1) &&
                ledger_rotate(l, &file, T0, &e) == 0 && write_some(p, l, 6) && erase_one(p, l) && write_some(p, l, 5);
    ledger_close(l);
    l = good ? open_at(folder, &e) : NULL;
    good = l != NULL && write_some(p, l, 4) && ledger_rotate(l, NULL, T0, &e) == 0 && write_some(p, l, 2);
    ledger_close(l);
    return good;
}

/* ── What must hold ── */

static void give_up(const char *what, const struct error *e, size_t at)
{
    print_error("before operation %zu: %s %s\n", at, what, e->text);
    disk_print(at > 40 ? at - 40 : 0, at + 2);
    fail();
}

static bool his(uint64_t i)
{
    return i % PATIENTS == LAST && i % 7 != 6;
}

static void examine(const char *folder, const struct promise *p, size_t at, bool go_on)
{
    struct error e = {0};
    struct ledger_record r;
    struct promise more = {0};
    uint64_t size = 0;
    unsigned gone = 0;
    unsigned there = 0;
    states++;
    for (size_t i = 0; i < p->n && p->marks[i].op <= at; i++)
        size = p->marks[i].size;
    struct ledger *l = open_at(folder, &e);
    if (l == NULL)
        give_up("opening:", &e, at);
    if (ledger_size(l) < size || ledger_size(l) > p->tried)
        give_up("records are missing", &e, at);
    struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
    assert_non_null(reader);
    int rc;
    for (uint64_t i = 0; (rc = ledger_reader_next(reader, &r, &e)) == 1; i++) {
        bool may_go = his(i) && i < p->gone && at >= p->erasing;
        if (r.erased && !may_go)
            give_up("a record is erased that nobody erased", &e, at);
        if (!r.erased && (r.payload.n != sizeof i || memcmp(r.payload.p, &i, sizeof i) != 0))
            give_up("a record says something else", &e, at);
        gone += r.erased;
        there += may_go && !r.erased;
    }
    if (rc != 0)
        give_up("reading:", &e, at);
    if (gone > 0 && there > 0)
        give_up("half of a patient is erased", &e, at);
    if (there > 0 && at >= p->erased)
        give_up("who was erased is back", &e, at);
    ledger_reader_free(reader);
    if (go_on && (!write_some(&more, l, 2) || !write_some(&more, l, 3)))
        give_up("going on:", &e, at);
    ledger_close(l);
    struct ledger_report report;
    char dir[128];
    (void)snprintf(dir, sizeof dir, "%s/ledger", folder);
    if (ledger_verify(dir, NULL, NULL, &report, &e) != 0 || !report.holds) {
        (void)err_set(&e, ERR_CORRUPT, "%s", report.why);
        give_up("verifying:", &e, at);
    }
}

/* ── Power lost ── */

enum loss { LOSE_ALL, LOSE_NONE, LOSE_NAMES, LOSE_DATA, LOSE_SOME, LOSE_FEW, LOSE_MOST, LOSE_KINDS };

static bool survives(void *context, size_t op, uint64_t sector, bool size_only)
{
    bool data = disk_kind(op) == DISK_WRITE || disk_kind(op) == DISK_CUT;
    (void)sector;
    switch (*(const enum loss *)context) {
    case LOSE_ALL: return false;
    case LOSE_NAMES: return data;
    case LOSE_DATA: return !data || (size_only && chance(2) == 0);
    case LOSE_SOME: return chance(2) == 0;
    case LOSE_FEW: return chance(10) != 0;
    case LOSE_MOST: return chance(10) == 0;
    case LOSE_NONE:
    case LOSE_KINDS: break;
    }
    return true;
}

static void crash(size_t at, enum loss kind, const struct promise *p, bool go_on)
{
    char folder[96];
    fresh(folder, "after");
    (void)disk_crash(at, folder, survives, &kind);
    examine(folder, p, at, go_on);
}

static void crash_all(size_t begin, size_t end, const struct promise *p)
{
    for (size_t at = begin; at <= end; at++)
        for (enum loss kind = LOSE_ALL; kind < LOSE_KINDS; kind++)
            if (thorough || at == end || chance(6) == 0)
                crash(at, kind, p, chance(4) == 0);
}

static void power_lost(void **state)
{
    (void)state;
    char folder[96];
    struct promise p = {0};
    fresh(folder, "before");
    size_t begin = disk_watch(folder);
    assert_true(life(folder, &p));
    size_t end = disk_ops();
    states = 0;
    crash_all(begin, end, &p);
    print_message("# %zu operations, %zu states after a crash\n", end, states);
    assert_true(states > end / 4);
    examine(folder, &p, end, true);
}

/* ── A failing disk ── */

static bool life_with(size_t in, enum disk_fault how, int errnum)
{
    char folder[96];
    struct promise p = {0};
    fresh(folder, "before");
    (void)disk_watch(folder);
    disk_fail(in, how, errnum);
    (void)life(folder, &p);
    bool met = disk_failed();
    disk_mend();
    size_t end = disk_ops();
    crash(end, LOSE_ALL, &p, true);
    if (thorough || chance(4) == 0)
        crash(end, LOSE_SOME, &p, false);
    examine(folder, &p, end, true);
    return met;
}

static void fails(void **state)
{
    (void)state;
    static const struct {
        enum disk_fault how;
        int errnum;
    } faults[] = {{FAULT_ERROR, EIO}, {FAULT_ERROR, ENOSPC}, {FAULT_LASTING, ENOSPC}, {FAULT_HALF, ENOSPC}, {FAULT_NOTHING_SYNCED, EIO}};
    size_t met = 0;
    states = 0;
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++)
        for (size_t in = 0; in < 600; in += thorough ? 1 : 1 + chance(12)) {
            if (!life_with(in, faults[f].how, faults[f].errnum))
                break;
            met++;
        }
    print_message("# %zu lives met a fault, %zu states\n", met, states);
    assert_true(met > 50);
}

/* ── Format 1 moves up ── */

static int copy_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    static uint8_t bytes[1u << 20];
    char to[512];
    (void)ftw;
    (void)snprintf(to, sizeof to, "%s/before%s", place, path + strlen(FIXTURE "/format-1"));
    if (kind == FTW_D)
        return mkdir(to, 0700) == 0 || errno == EEXIST ? 0 : -1;
    int in = open(path, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = in >= 0 && out >= 0 && read(in, bytes, (size_t)st->st_size) == st->st_size && write(out, bytes, (size_t)st->st_size) == st->st_size;
    (void)close(in);
    (void)close(out);
    return good ? 0 : -1;
}

static void opens_whole(const char *folder, size_t at)
{
    struct error e = {0};
    struct ledger_record r;
    struct ledger *l = open_at(folder, &e);
    if (l == NULL)
        give_up("opening:", &e, at);
    struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
    uint64_t i = 0;
    while (ledger_reader_next(reader, &r, &e) == 1)
        i++;
    if (i != 14 || ledger_size(l) != 14)
        give_up("reading:", &e, at);
    ledger_reader_free(reader);
    ledger_close(l);
    states++;
}

static void moves_up(void **state)
{
    (void)state;
    char folder[96];
    char after[96];
    struct error e = {0};
    fresh(folder, "before");
    assert_int_equal(nftw(FIXTURE "/format-1", copy_one, 16, FTW_PHYS), 0);
    size_t begin = disk_watch(folder);
    struct ledger *l = open_at(folder, &e);
    assert_non_null(l);
    ledger_close(l);
    size_t end = disk_ops();
    states = 0;
    for (size_t at = begin; at <= end; at++)
        for (enum loss kind = LOSE_ALL; kind < LOSE_KINDS; kind++) {
            fresh(after, "after");
            (void)disk_crash(at, after, survives, &kind);
            opens_whole(after, at);
        }
    print_message("# %zu states while a keyring moved up\n", states);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {CASE(power_lost), CASE(fails), CASE(moves_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
