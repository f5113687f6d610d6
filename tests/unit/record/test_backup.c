/* Backups: written while the ledger goes on, read back into a folder that holds and opens; every byte flipped and every length cut is refused, named.
 */
#include "ledger_place.h"
#include "record/backup/backup.h"
#include "record/crypto/crypto.h"
#include "record/ledger/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 (INT64_C(1795000000) * TIME_SECOND)
#define DAY (INT64_C(86400) * TIME_SECOND)

static struct span text_of(uint64_t i, char out[64])
{
    (void)snprintf(out, 64, "record %llu of a lab that is made up", (unsigned long long)i);
    return span_str(out);
}

static void append(struct ledger *l, uint64_t from, uint64_t to)
{
    struct error e = {0};
    char text[64];
    for (uint64_t i = from; i < to; i++) {
        tq_time t = T0 + (tq_time)(i / 100) * DAY;
        if (ledger_append(l, i % 3 == 0 ? LEDGER_OBSERVATION : LEDGER_CUSTODY, NULL, t, text_of(i, text), NULL, &e) != 0 ||
            (i % 7 == 0 && ledger_commit(l, t, &e) != 0))
            fail_msg("%s", e.text);
    }
    assert_int_equal(ledger_commit(l, T0 + 100 * DAY, &e), 0);
}

static int backup_at(struct ledger *l, struct ledger_cut *cut, const char *path, struct backup_made *made, struct error *e)
{
    uint8_t key[32];
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    ledger_opening_key(l, key);
    struct backup_job job = {.cut = cut, .data = -1, .opening = key, .now = T0, .fd = fd};
    crypto_random(job.id, sizeof job.id);
    int rc = backup_write(&job, made, e);
    (void)close(fd);
    return rc;
}

static int read_at(const char *path, const uint8_t key[32], int dir, struct backup_restored *ret, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct backup_reader *r = backup_open(fd, e);
    int rc = r == NULL || backup_unlock(r, key, e) != 0 ? -1 : backup_read(r, dir, NULL, NULL, ret, e);
    backup_close(r);
    (void)close(fd);
    return rc;
}

static void place_of(char out[160], const char *name)
{
    (void)snprintf(out, 160, "%s.%s", ledger_path, name);
}

/* Restores into `folder` and opens the ledger there with the same root key; checks that records 0 to n - 1 and no others are there. */
static void check_restored(const char *backup, const uint8_t key[32], uint64_t n)
{
    char folder[160];
    char dir[200];
    struct error e = {0};
    struct backup_restored restored;
    place_of(folder, "restored");
    assert_int_equal(mkdir(folder, 0700), 0);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (read_at(backup, key, fd, &restored, &e) != 0)
        fail_msg("%s", e.text);
    (void)close(fd);
    (void)snprintf(dir, sizeof dir, "%s/ledger", folder);
    struct ledger_report report;
    assert_int_equal(ledger_verify(dir, NULL, NULL, &report, &e), 0);
    if (!report.holds)
        fail_msg("%s", report.why);
    assert_int_equal(report.records, n);
    struct ledger_options o = place_options();
    o.dir = dir;
    o.create = false;
    char note[256];
    struct ledger *l = ledger_open(&o, note, &e);
    if (l == NULL)
        fail_msg("%s", e.text);
    assert_string_equal(note, "");
    struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
    struct ledger_record record;
    uint64_t seen = 0;
    char text[64];
    while (ledger_reader_next(reader, &record, &e) == 1) {
        assert_true(span_equal(record.payload, text_of(record.index, text)));
        assert_int_equal(record.index, seen);
        seen++;
    }
    assert_int_equal(seen, n);
    ledger_reader_free(reader);
    append(l, n, n + 10); /* and it goes on */
    ledger_close(l);
    assert_int_equal(ledger_verify(dir, NULL, NULL, &report, &e), 0);
    assert_true(report.holds);
    folder_remove(folder);
}

/* The cut is of one moment, however much is appended and settled before its files are read. */
static void test_goes_on(void **state)
{
    (void)state;
    char backup[160];
    struct error e = {0};
    struct ledger_cut cut;
    struct backup_made made;
    uint8_t key[32];
    place_of(backup, "backup");
    struct ledger_options o = place_options();
    o.settle = 4096;
    struct ledger *l = ledger_open(&o, NULL, &e);
    assert_non_null(l);
    append(l, 0, 777);
    assert_int_equal(ledger_cut_take(l, T0, &cut, &e), 0);
    assert_int_equal(cut.size, 777);
    append(l, 777, 1999);
    if (backup_at(l, &cut, backup, &made, &e) != 0)
        fail_msg("%s", e.text);
    ledger_cut_release(&cut);
    ledger_opening_key(l, key);
    check_restored(backup, key, 777);
    struct stat st;
    assert_int_equal(stat(backup, &st), 0);
    assert_int_equal(st.st_size, made.bytes);
    assert_int_equal(ledger_cut_take(l, T0, &cut, &e), 0);
    assert_int_equal(backup_at(l, &cut, backup, &made, &e), 0);
    ledger_cut_release(&cut);
    check_restored(backup, key, 1999);
    ledger_close(l);
    (void)unlink(backup);
}

/* What was appended and not committed is in no backup, and is not lost by one. */
static void test_queued(void **state)
{
    (void)state;
    char backup[160];
    char text[64];
    struct error e = {0};
    struct ledger_cut cut;
    struct backup_made made;
    uint8_t key[32];
    place_of(backup, "backup");
    struct ledger *l = open_ledger(NULL);
    assert_int_equal(ledger_cut_take(l, T0, &cut, &e), 0); /* an empty one */
    assert_int_equal(backup_at(l, &cut, backup, &made, &e), 0);
    ledger_cut_release(&cut);
    ledger_opening_key(l, key);
    check_restored(backup, key, 0);
    append(l, 0, 300);
    assert_int_equal(ledger_append(l, LEDGER_CUSTODY, NULL, T0, text_of(300, text), NULL, &e), 0);
    assert_int_equal(ledger_cut_take(l, T0, &cut, &e), 0);
    assert_int_equal(backup_at(l, &cut, backup, &made, &e), 0);
    ledger_cut_release(&cut);
    check_restored(backup, key, 300);
    assert_int_equal(ledger_commit(l, T0, &e), 0);
    assert_int_equal(ledger_size(l), 301);
    ledger_close(l);
    (void)unlink(backup);
}

static void test_damage(void **state)
{
    (void)state;
    char backup[160];
    struct error e = {0};
    struct ledger_cut cut;
    struct backup_made made;
    struct backup_restored restored;
    uint8_t key[32];
    place_of(backup, "backup");
    struct ledger *l = open_ledger(NULL);
    append(l, 0, 20);
    assert_int_equal(ledger_cut_take(l, T0, &cut, &e), 0);
    assert_int_equal(backup_at(l, &cut, backup, &made, &e), 0);
    ledger_cut_release(&cut);
    ledger_opening_key(l, key);
    ledger_close(l);
    assert_int_equal(read_at(backup, key, -1, &restored, &e), 0);
    assert_int_equal(restored.files, made.files);

    struct buf whole = BUF_INIT(1u << 20);
    assert_int_equal(file_load(AT_FDCWD, backup, whole.max, &whole, &e), 0);
    int fd = open(backup, O_RDWR | O_CLOEXEC);
    const char *want = getenv("TOURNIQUET_LONG"); /* every byte; else all of the head and a sample of the rest */
    size_t step = want != NULL && strcmp(want, "1") == 0 ? 1 : 23;
    for (size_t i = 0; i < whole.n; i += i < 200 ? 1 : step) {
        uint8_t flipped = (uint8_t)(whole.p[i] ^ (1u << i % 8));
        assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
        e = (struct error){0};
        if (read_at(backup, key, -1, &restored, &e) == 0)
            fail_msg("byte %zu flipped is believed", i);
        if (e.class != ERR_CORRUPT && e.class != ERR_LIMIT && e.class != ERR_MISUSE)
            fail_msg("byte %zu flipped: %s", i, e.text);
        assert_true(e.text[0] != 0);
        assert_int_equal(pwrite(fd, whole.p + i, 1, (off_t)i), 1);
    }
    for (size_t n = 0; n < whole.n; n += step) {
        size_t length = whole.n - 1 - n;
        assert_int_equal(ftruncate(fd, (off_t)length), 0);
        e = (struct error){0};
        assert_int_equal(read_at(backup, key, -1, &restored, &e), -1);
        assert_int_equal(e.class, ERR_CORRUPT);
    }
    assert_int_equal(pwrite(fd, whole.p, whole.n, 0), whole.n);
    assert_int_equal(pwrite(fd, "x", 1, (off_t)whole.n), 1);
    assert_int_equal(read_at(backup, key, -1, &restored, &e), -1);
    assert_non_null(strstr(e.text, "bytes behind its end"));
    (void)close(fd);
    buf_release(&whole);
    key[3] ^= 1;
    e = (struct error){0};
    assert_int_equal(read_at(backup, key, -1, &restored, &e), -1);
    (void)unlink(backup);
}

/* Chunks that change places, or come from another backup of the same ledger, do not open. */
static void test_chunks(void **state)
{
    (void)state;
    char backup[160];
    char other[160];
    struct error e = {0};
    struct ledger_cut cut;
    struct backup_made made;
    struct backup_restored restored;
    uint8_t key[32];
    place_of(backup, "backup");
    place_of(other, "other");
    struct ledger *l = open_ledger(NULL);
    append(l, 0, 6000);
    assert_int_equal(ledger_cut_take(l, T0, &cut, &e), 0);
    assert_int_equal(backup_at(l, &cut, backup, &made, &e), 0);
    assert_int_equal(backup_at(l, &cut, other, &made, &e), 0);
    ledger_cut_release(&cut);
    ledger_opening_key(l, key);
    ledger_close(l);
    struct buf a = BUF_INIT(64u << 20);
    struct buf b = BUF_INIT(64u << 20);
    assert_int_equal(file_load(AT_FDCWD, backup, a.max, &a, &e), 0);
    assert_int_equal(file_load(AT_FDCWD, other, b.max, &b, &e), 0);
    struct backup_head head;
    assert_int_equal(backup_head_parse(buf_span(&a), &head, &e), 0);
    size_t chunk = 4 + BACKUP_CHUNK + 16;
    assert_true(a.n > head.n + 3 * chunk);
    int fd = open(backup, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, a.p + head.n + chunk, chunk, (off_t)head.n), chunk);
    assert_int_equal(pwrite(fd, a.p + head.n, chunk, (off_t)(head.n + chunk)), chunk);
    assert_int_equal(read_at(backup, key, -1, &restored, &e), -1);
    assert_non_null(strstr(e.text, "chunk 0"));
    assert_int_equal(pwrite(fd, a.p, a.n, 0), a.n);
    assert_int_equal(pwrite(fd, b.p + head.n + chunk, chunk, (off_t)(head.n + chunk)), chunk);
    assert_int_equal(read_at(backup, key, -1, &restored, &e), -1);
    assert_non_null(strstr(e.text, "chunk 1"));
    (void)close(fd);
    buf_release(&a);
    buf_release(&b);
    (void)unlink(backup);
    (void)unlink(other);
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const good[] = {"ledger/keyring",
                                       "ledger/segment/custody/00000000000000000000",
                                       "ledger/tile/entries/x001/234.p/7",
                                       "identity.sealed",
                                       "pki/authority.key",
                                       "pki/issued",
                                       "pki/made/0a1b.pem",
                                       "links/Chem-1_a.lis.pem"};
    static const char *const bad[] = {"",
                                      "root.key",
                                      "api.sock",
                                      "/etc/passwd",
                                      "ledger/../root.key",
                                      "ledger//x",
                                      "ledger/",
                                      "ledger",
                                      "../x",
                                      "x",
                                      "store/x",
                                      "ledger/.x",
                                      ".sealed",
                                      "ledger/A",
                                      "a/b",
                                      "ledger/a/b/c/d/e/f/g",
                                      "pki",
                                      "pki/A",
                                      "pki/made",
                                      "pki/x/y",
                                      "pki/made/x/y",
                                      "links/x/y",
                                      "links/",
                                      "links/../root.key",
                                      "Links/x"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(backup_path_allowed(span_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (backup_path_allowed(span_str(bad[i])))
            fail_msg("%s is allowed", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_goes_on, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_queued, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_damage, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_chunks, place_make, place_remove),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
