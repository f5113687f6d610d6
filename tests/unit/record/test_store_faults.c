/* The store on a disk that loses power, tears and reorders writes, is full, or fails (disk.h). What is asked after each of it, always the same: it
 * opens, or the fault is told; every answer is right; what the last finished checkpoint held is there; and it goes on.
 *
 * TOURNIQUET_LONG=1 takes every operation as the place of the crash with many losses at each; otherwise a sample by TEST_SEED. */
#include "disk.h"
#include "store_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP 8
#define STEPS 9 /* of rows; after every third a checkpoint */

static unsigned seed;
static bool thorough;

static int setup(void **state)
{
    const char *given = getenv("TEST_SEED");
    const char *want = getenv("TOURNIQUET_LONG");
    seed = given == NULL ? 20261128 : (unsigned)strtoul(given, NULL, 10);
    thorough = want != NULL && strcmp(want, "1") == 0;
    (void)printf("# TEST_SEED=%u\n", seed);
    return place_setup(state);
}

/* One batch of STEP rows; what place_rows does, but a failure is an answer. */
static int step(struct store *s, int64_t first, struct error *e)
{
    struct store_conn *w = store_writer(s);
    int r = store_begin(w, e);
    for (int64_t a = first; r == 0 && a < first + STEP; a++)
        r = place_row(w, a, 0, e);
    if (r == 0)
        r = store_run(store_stmt(w, "UPDATE total SET n = (SELECT count(*) FROM t)"), e);
    if (r == 0)
        r = store_commit(w, e);
    store_rollback(w);
    return r;
}

/* From where it is to the end, with a checkpoint after every third step. Returns the steps that were done. */
static int go_on(struct store *s, int from, struct error *e)
{
    struct store_mark mark;
    for (int i = from; i < STEPS; i++) {
        if (step(s, (int64_t)i * STEP, e) != 0)
            return i;
        if (i % 3 == 2 && store_checkpoint(s, &mark, e) != 0)
            return i + 1;
    }
    return STEPS;
}

static void path_of(char out[96], const char *name)
{
    (void)snprintf(out, 96, "%s/%s", place, name);
    (void)close(place_open(name));
    place_empty(name);
}

/* torn: the fault may have left half of a head, within one sector, which no disk does: then it is refused by name, and rebuilt. */
static void must_finish(const char *name, const char *where, bool torn)
{
    struct error e = {0};
    struct store_mark mark;
    struct store *s = place_store(name, NULL, &e);
    if (s == NULL && torn && strstr(e.text, HEAD) != NULL) {
        int dir = place_open(name);
        assert_int_equal(store_drop(dir, &e), 0);
        (void)close(dir);
        s = place_store(name, NULL, &e);
    }
    if (s == NULL)
        fail_msg("%s: %s", where, e.text);
    int64_t rows = place_ask(s, &e);
    if (rows < 0 || rows % STEP != 0)
        fail_msg("%s: %lld rows: %s", where, (long long)rows, e.text);
    if (go_on(s, (int)(rows / STEP), &e) != STEPS || store_checkpoint(s, &mark, &e) != 0)
        fail_msg("%s: it does not go on: %s", where, e.text);
    store_close(s);
    s = place_store(name, NULL, &e);
    if (s == NULL || place_ask(s, &e) != (int64_t)STEPS * STEP)
        fail_msg("%s: afterwards: %s", where, e.text);
    store_close(s);
}

/* ── power ── */

static bool lose_all(void *context, size_t op, uint64_t sector, bool size_only)
{
    (void)context;
    (void)op;
    (void)sector;
    (void)size_only;
    return false;
}

static bool keep_all(void *context, size_t op, uint64_t sector, bool size_only)
{
    return !lose_all(context, op, sector, size_only);
}

static bool toss(void *context, size_t op, uint64_t sector, bool size_only)
{
    (void)op;
    (void)sector;
    (void)size_only;
    return rand_r(context) % 2 == 0;
}

static void crash(size_t at, disk_choice *choose, int64_t least)
{
    struct error e = {0};
    char note[STORE_NOTE];
    char folder[96];
    char where[64];
    path_of(folder, "crashed");
    (void)snprintf(where, sizeof where, "power lost before operation %zu", at);
    (void)disk_crash(at, folder, choose, &seed);
    struct store *s = place_store("crashed", note, &e);
    if (s == NULL)
        fail_msg("%s (%s): %s", where, disk_path(at), e.text);
    int64_t rows = place_ask(s, &e);
    if (rows < least || rows % STEP != 0)
        fail_msg("%s: %lld rows, %lld were durable: %s, %s", where, (long long)rows, (long long)least, e.text, note);
    store_close(s);
    must_finish("crashed", where, false);
}

static void power_may_go_at_any_point(void **state)
{
    (void)state;
    struct error e = {0};
    char folder[96];
    size_t done[STEPS + 1] = {0};
    size_t states = 0;
    struct store_mark mark;
    path_of(folder, "a");
    struct store *s = place_store("a", NULL, &e);
    assert_non_null(s);
    assert_int_equal(store_checkpoint(s, &mark, &e), 0);
    store_close(s);
    size_t first = disk_watch(folder);
    s = place_store("a", NULL, &e);
    assert_non_null(s);
    for (int i = 0; i < STEPS; i++) {
        assert_int_equal(step(s, (int64_t)i * STEP, &e), 0);
        if (i % 3 == 2) {
            assert_int_equal(store_checkpoint(s, &mark, &e), 0);
            done[i] = disk_ops();
        }
    }
    size_t last = disk_ops();
    for (size_t at = first; at <= last; at++) {
        int64_t least = 0;
        for (int i = 0; i < STEPS; i++)
            if (done[i] != 0 && done[i] <= at)
                least = (int64_t)(i + 1) * STEP;
        if (!thorough && rand_r(&seed) % 2 != 0 && !(at < last && DISK_IS_SYNC(disk_kind(at))))
            continue;
        crash(at, lose_all, least);
        crash(at, keep_all, least);
        for (int i = 0; i < (thorough ? 20 : 3); i++)
            crash(at, toss, least);
        states += thorough ? 22 : 5;
    }
    store_close(s);
    disk_stop();
    (void)printf("# %zu operations, %zu states after a crash\n", last - first, states);
    assert_true(states > 75);
}

/* ── faults ── */

/* The fault at the nth operation; then the same open store goes on, then a new one. Returns whether there was an nth operation. */
static bool fault(size_t nth, enum disk_fault how, int errnum)
{
    struct error e = {0};
    char folder[96];
    char where[80];
    path_of(folder, "faulty");
    (void)snprintf(where, sizeof where, "fault %d, errno %d, at operation %zu", (int)how, errnum, nth);
    struct store *s = place_store("faulty", NULL, &e);
    assert_non_null(s);
    (void)disk_watch(folder);
    disk_fail(nth, how, errnum);
    int steps = go_on(s, 0, &e);
    bool met = disk_failed();
    bool quiet = how == FAULT_SHORT;
    if (met && steps < STEPS && (quiet || e.class == ERR_NONE || e.class == ERR_CORRUPT))
        fail_msg("%s: %s", where, e.text);
    disk_mend();
    struct error damage;
    if (store_damaged(s, &damage))
        fail_msg("%s: taken for damage: %s", where, damage.text);
    int64_t rows = place_ask(s, &e);
    if (rows < 0 || rows % STEP != 0 || rows < (int64_t)steps * STEP)
        fail_msg("%s: %lld rows after %d steps: %s", where, (long long)rows, steps, e.text);
    e = (struct error){0};
    if (go_on(s, (int)(rows / STEP), &e) != STEPS)
        fail_msg("%s: it does not go on: %s", where, e.text);
    store_close(s);
    disk_stop();
    must_finish("faulty", where, how == FAULT_HALF);
    return met;
}

static void what_the_disk_refuses_is_told_and_stops_nothing(void **state)
{
    (void)state;
    static const struct {
        enum disk_fault how;
        int errnum;
    } faults[] = {{FAULT_ERROR, EIO},      {FAULT_ERROR, ENOSPC}, {FAULT_SHORT, 0},           {FAULT_HALF, ENOSPC},
                  {FAULT_LASTING, ENOSPC}, {FAULT_LASTING, EIO},  {FAULT_NOTHING_SYNCED, EIO}};
    size_t met = 0;
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
        size_t nth = 0;
        while (fault(nth, faults[f].how, faults[f].errnum)) {
            met++;
            nth += thorough ? 1 : 1 + (size_t)rand_r(&seed) % 6;
        }
    }
    (void)printf("# %zu faults\n", met);
    assert_true(met > 50);
}

/* A store that cannot be made is told, and made later. */
static void a_store_that_cannot_be_made(void **state)
{
    (void)state;
    bool met = true;
    for (size_t nth = 0; met; nth++) {
        struct error e = {0};
        char folder[96];
        path_of(folder, "unmade");
        (void)disk_watch(folder);
        disk_fail(nth, FAULT_LASTING, ENOSPC);
        struct store *s = place_store("unmade", NULL, &e);
        met = disk_failed();
        assert_true((s == NULL) == met);
        store_close(s);
        disk_stop();
        int dir = place_open("unmade");
        assert_int_equal(store_drop(dir, &e), 0); /* as its keeper does it */
        (void)close(dir);
        must_finish("unmade", "made after all", false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_may_go_at_any_point),
        cmocka_unit_test(what_the_disk_refuses_is_told_and_stops_nothing),
        cmocka_unit_test(a_store_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, setup, place_teardown);
}
