/* Removed segments: on record or not at all. Who verifies without a secret sees it; what is missing without it is damage; a crash anywhere leaves
 * either. */
#include "disk.h"
#include "ledger_place.h"
#include "record/ledger/cut.h"
#include "record/ledger/mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY (INT64_C(86400) * TIME_SECOND)
#define DAY0 20700
#define T0 (DAY0 * DAY)

static void add(struct ledger *l, enum ledger_stream stream, tq_time t, const char *text, uint64_t *ret)
{
    struct error e = {0};
    if (ledger_append(l, stream, NULL, t, span_str(text), ret, &e) != 0)
        fail_msg("%s", e.text);
}

static void commit(struct ledger *l)
{
    struct error e = {0};
    if (ledger_commit(l, T0, &e) != 0)
        fail_msg("%s", e.text);
}

/* Four days: observations and custody records mixed, 40 a day. */
static void fill(struct ledger *l)
{
    for (int day = 0; day < 4; day++)
        for (int i = 0; i < 40; i++) {
            char text[64];
            (void)snprintf(text, sizeof text, "day %d record %d", day, i);
            add(l, i % 4 == 1 ? LEDGER_CUSTODY : LEDGER_OBSERVATION, T0 + day * DAY, text, NULL);
            if (i % 10 == 9)
                commit(l);
        }
}

/* What the keeper does: plan, put it on record, remove. Returns the record. */
static uint64_t record_of(struct ledger *l, const struct ledger_removal *r)
{
    char text[REMOVAL_TEXT];
    char payload[256];
    uint64_t index = 0;
    ledger_removal_text(r, text);
    (void)snprintf(payload, sizeof payload, "{\"time\":\"x\",\"event\":\"retention.removed\",\"removed\":[\"%s\"]}", text);
    add(l, LEDGER_CUSTODY, T0 + 5 * DAY, payload, &index);
    commit(l);
    return index;
}

static struct ledger_report verified(void)
{
    struct ledger_report report;
    struct error e = {0};
    if (ledger_verify(ledger_path, NULL, NULL, &report, &e) != 0)
        fail_msg("%s", e.text);
    return report;
}

static uint64_t readable(struct ledger *l, uint64_t from)
{
    struct error e = {0};
    struct ledger_record record;
    struct ledger_reader *r = ledger_reader_new(l, from, &e);
    assert_non_null(r);
    uint64_t n = 0;
    uint64_t last = 0;
    int rc;
    while ((rc = ledger_reader_next(r, &record, &e)) == 1) {
        assert_true(n == 0 || record.index > last);
        last = record.index;
        n++;
    }
    if (rc < 0)
        fail_msg("%s", e.text);
    assert_int_equal(last, ledger_size(l) - 1);
    ledger_reader_free(r);
    return n;
}

static void test_removed_on_record(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_removal r;
    struct ledger *l = open_ledger(NULL);
    fill(l);
    assert_int_equal(ledger_removable(l, DAY0, T0, &r, &e), 0); /* nothing is so old */
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &r, &e), 1);
    assert_int_equal(r.first, 0);
    assert_int_equal(r.last, 39);
    assert_int_equal(r.count, 30);
    assert_int_equal(r.day, DAY0);
    uint64_t size = ledger_size(l);
    assert_int_equal(ledger_remove(l, &r, 1, &e), -1); /* a custody record that says something else */
    assert_int_equal(e.class, ERR_MISUSE);
    uint64_t record = record_of(l, &r);
    assert_int_equal(ledger_remove(l, &r, record, &e), 0);
    struct ledger_report report = verified();
    if (!report.holds)
        fail_msg("%s", report.why);
    assert_int_equal(report.removed, 30);
    assert_int_equal(report.removed_by, record);
    assert_int_equal(readable(l, 0), size + 1 - 30);
    assert_int_equal(readable(l, 17), size + 1 - 17 - 17); /* from within: custody 17, 21, … 37 of the day stay */
    struct buf proof = BUF_INIT(1u << 20);
    assert_int_equal(ledger_prove(ledger_path, 8, &proof, &e), 0); /* of a removed one */
    uint64_t index = 0;
    uint64_t of = 0;
    assert_int_equal(ledger_check(buf_span(&proof), ledger_verifier(l), &index, &of, &e), 0);
    assert_int_equal(index, 8);
    buf_release(&proof);
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &r, &e), 1);
    record = record_of(l, &r);
    assert_int_equal(ledger_remove(l, &r, record, &e), 0);
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &r, &e), 0);
    assert_int_equal(ledger_removable(l, UINT32_MAX, T0, &r, &e), 1); /* where room is wanted */
    assert_int_equal(r.day, DAY0 + 2);
    record = record_of(l, &r);
    assert_int_equal(ledger_remove(l, &r, record, &e), 0);
    assert_int_equal(ledger_removable(l, UINT32_MAX, T0, &r, &e), 0); /* never the one that grows */
    ledger_close(l);
    l = open_ledger(NULL);
    assert_int_equal(readable(l, 0), size + 3 - 90);
    fill(l);
    ledger_close(l);
    report = verified();
    assert_true(report.holds);
    assert_int_equal(report.removed, 90);
}

/* A message's body may hold the very words, for its sender chose them: the record is of what its own event says, and accounts for nothing. */
static void test_words_in_a_body(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_removal r;
    char text[REMOVAL_TEXT];
    char payload[400];
    uint64_t record = 0;
    struct ledger *l = open_ledger(NULL);
    fill(l);
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &r, &e), 1);
    ledger_removal_text(&r, text);
    (void)snprintf(payload, sizeof payload, "{\"time\":\"x\",\"event\":\"lab.message\"}MSH|{\"event\":\"retention.removed\",\"removed\":[\"%s\"]}",
                   text);
    add(l, LEDGER_CUSTODY, T0 + 5 * DAY, payload, &record);
    commit(l);
    assert_int_equal(ledger_remove(l, &r, record, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    ledger_close(l);
}

/* While a cut is copied no segment goes that the cut has, on a record that it has not: what came of it would not hold. */
static void test_stays_while_it_is_copied(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_removal r;
    struct ledger_cut cut[2];
    struct ledger *l = open_ledger(NULL);
    fill(l);
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &r, &e), 1);
    assert_int_equal(ledger_cut_take(l, T0, &cut[0], &e), 0);
    uint64_t late = record_of(l, &r);
    assert_int_equal(ledger_cut_take(l, T0, &cut[1], &e), 0);
    struct ledger_removal other;
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &other, &e), 0);
    assert_int_equal(ledger_remove(l, &r, late, &e), -1);
    assert_int_equal(e.class, ERR_AGAIN);
    ledger_cut_release(&cut[0]);
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &other, &e), 0);
    ledger_cut_release(&cut[1]);
    ledger_cut_release(&cut[1]); /* a second time is nothing */
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &other, &e), 1);
    assert_int_equal(ledger_cut_take(l, T0, &cut[0], &e), 0);
    assert_int_equal(ledger_remove(l, &r, late, &e), 0); /* the cut has the record: it finds the mark */
    ledger_cut_release(&cut[0]);
    struct ledger_report report = verified();
    assert_true(report.holds);
    assert_int_equal(report.removed, r.count);
    ledger_close(l);
}

static void test_missing_is_damage(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_removal r;
    char path[SEGMENT_PATH + 128];
    struct ledger *l = open_ledger(NULL);
    fill(l);
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &r, &e), 1);
    uint64_t record = record_of(l, &r);
    assert_int_equal(ledger_remove(l, &r, record, &e), 0);
    ledger_close(l);
    struct snapshot *whole = snapshot_take(ledger_path);
    assert_true(verified().holds);
    struct buf *mark = snapshot_file(whole, "segment/observation/00000000000000000000" MARK_SUFFIX);
    assert_non_null(mark);
    for (size_t i = 0; i < mark->n; i++) { /* every byte of the mark */
        mark->p[i] ^= 0x10;
        snapshot_restore(whole);
        struct ledger_report found = {0};
        if (ledger_verify(ledger_path, NULL, NULL, &found, &e) == 0 && found.holds) /* -1: of a newer format */
            fail_msg("byte %zu of the mark changed and not found", i);
        mark->p[i] ^= 0x10;
    }
    struct mark m;
    assert_int_equal(mark_parse(buf_span(mark), &m, &e), 0);
    m.record--; /* well made, but of another record */
    mark_format(&m, mark->p);
    snapshot_restore(whole);
    struct ledger_report report = verified();
    assert_false(report.holds);
    m.record++;
    m.removal.count--; /* or about fewer records */
    mark_format(&m, mark->p);
    snapshot_restore(whole);
    assert_false(verified().holds);
    m.removal.count++;
    mark_format(&m, mark->p);
    snapshot_restore(whole);
    assert_true(verified().holds);
    (void)snprintf(path, sizeof path, "%s/segment/observation/%020d", ledger_path, 40); /* a segment without a mark */
    assert_int_equal(unlink(path), 0);
    report = verified();
    assert_false(report.holds);
    assert_int_equal(report.first_bad, 40);
    snapshot_restore(whole);
    (void)snprintf(path, sizeof path, "%s/segment/observation/%020d" MARK_SUFFIX, ledger_path, 0); /* a mark taken away */
    assert_int_equal(unlink(path), 0);
    assert_false(verified().holds);
    snapshot_free(whole);
}

/* ── a disk that loses power ── */

static unsigned seed = 20261128;

static bool none(void *context, size_t op, uint64_t sector, bool size_only)
{
    (void)context;
    (void)op;
    (void)sector;
    (void)size_only;
    return false;
}

static bool all(void *context, size_t op, uint64_t sector, bool size_only)
{
    (void)context;
    (void)op;
    (void)sector;
    (void)size_only;
    return true;
}

static bool some(void *context, size_t op, uint64_t sector, bool size_only)
{
    (void)context;
    (void)op;
    (void)sector;
    (void)size_only;
    return rand_r(&seed) % 2 == 0;
}

static void look_after_crash(size_t at, disk_choice *choose, uint64_t size)
{
    char folder[160];
    char dir[200];
    char note[256];
    struct error e = {0};
    (void)snprintf(folder, sizeof folder, "%s.crashed", ledger_path);
    assert_int_equal(mkdir(folder, 0700), 0);
    (void)disk_crash(at, folder, choose, NULL);
    (void)snprintf(dir, sizeof dir, "%s", folder);
    struct ledger_options o = place_options();
    o.dir = dir;
    o.create = false;
    struct ledger *l = ledger_open(&o, note, &e);
    if (l == NULL)
        fail_msg("crash at %zu: %s", at, e.text);
    uint64_t n = readable(l, 0);
    uint64_t has = ledger_size(l);
    assert_true(has >= size);
    assert_true(n == has || n == has - 30);
    ledger_close(l);
    struct ledger_report report;
    assert_int_equal(ledger_verify(dir, NULL, NULL, &report, &e), 0);
    if (!report.holds)
        fail_msg("crash at %zu: %s", at, report.why);
    assert_true(report.removed == 0 || report.removed == 30);
    folder_remove(folder);
}

static void test_crashes(void **state)
{
    (void)state;
    static disk_choice *const choices[] = {none, all, some, some};
    struct error e = {0};
    struct ledger_removal r;
    struct ledger *l = open_ledger(NULL);
    fill(l);
    ledger_close(l);
    size_t from = disk_watch(ledger_path);
    l = open_ledger(NULL);
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &r, &e), 1);
    uint64_t size = ledger_size(l);
    uint64_t record = record_of(l, &r);
    assert_int_equal(ledger_remove(l, &r, record, &e), 0);
    size_t to = disk_ops();
    assert_true(to > from + 8);
    for (size_t at = from; at <= to; at++)
        for (size_t c = 0; c < sizeof choices / sizeof choices[0]; c++)
            look_after_crash(at, choices[c], size);
    disk_stop();
    ledger_close(l);
}

/* A disk that fails in the middle: the ledger still holds, and the next attempt ends it. */
static void test_failing_disk(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_removal r;
    struct ledger *l = open_ledger(NULL);
    fill(l);
    assert_int_equal(ledger_removable(l, DAY0 + 2, T0, &r, &e), 1);
    uint64_t record = record_of(l, &r);
    for (size_t in = 0; in < 6; in++) {
        (void)disk_watch(ledger_path);
        disk_fail(in, FAULT_ERROR, EIO);
        int rc = ledger_remove(l, &r, record, &e);
        bool met = disk_failed();
        disk_mend();
        disk_stop();
        assert_true(rc == 0 || met);
        struct ledger_report report = verified();
        if (!report.holds)
            fail_msg("failing at %zu: %s", in, report.why);
        (void)readable(l, 0);
        if (rc == 0)
            break;
    }
    assert_int_equal(ledger_remove(l, &r, record, &e), 0);
    assert_int_equal(verified().removed, 30);
    ledger_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_removed_on_record, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_words_in_a_body, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_stays_while_it_is_copied, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_missing_is_damage, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_crashes, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_failing_disk, place_make, place_remove),
    };
    return cmocka_run_group_tests_name("removal", tests, NULL, NULL);
}
