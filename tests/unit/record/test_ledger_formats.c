/* Ledgers of earlier versions are read, of later ones refused by name; and no file of another ledger, or of an earlier day, passes for this one's. */
#include "ledger_place.h"
#include "record/ledger/inside.h"
#include "record/ledger/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 (INT64_C(1795000000) * TIME_SECOND)

/* ── Every released format ── */

static const char *kept_text(struct snapshot *s, const char *path)
{
    return buf_text(snapshot_file(s, path));
}

static void fixture_put(const char *version, struct snapshot **ret_beside)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s/ledger", FIXTURE, version);
    struct snapshot *s = snapshot_take(path);
    snapshot_restore(s);
    snapshot_free(s);
    (void)snprintf(path, sizeof path, "%s/%s", FIXTURE, version);
    *ret_beside = snapshot_take(path);
    int fd = open(key_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct buf *key = snapshot_file(*ret_beside, "root.key");
    assert_true(fd >= 0 && write(fd, key->p, key->n) == (ssize_t)key->n);
    (void)close(fd);
}

/* As tests/process/make_ledger.c writes them. */
static void read_fixture(struct ledger *l, uint64_t n)
{
    struct error e = {0};
    struct ledger_record r;
    struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
    assert_non_null(reader);
    uint64_t i = 0;
    for (; i < n && ledger_reader_next(reader, &r, &e) == 1; i++) {
        assert_true(r.index == i && r.time == T0 + (tq_time)i && r.stream == (i % 4 == 1 ? LEDGER_OBSERVATION : LEDGER_CUSTODY) &&
                    r.payload.n == i % 300);
        for (size_t k = 0; k < r.payload.n; k++)
            assert_int_equal(r.payload.p[k], i & 255);
    }
    assert_int_equal(i, n);
    ledger_reader_free(reader);
}

static void format_1(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_report r;
    struct snapshot *beside;
    char note[256];
    uint64_t index = 0;
    uint64_t size = 0;
    struct ledger_cosignature cosigned;
    fixture_put("format-1", &beside);
    const char *key = kept_text(beside, "ledger/verifier.pub");
    const char *witness = kept_text(beside, "witness.pub");
    for (int i = 0; i < 2; i++) { /* as it was left, and after it was opened, mended and written to */
        assert_int_equal(ledger_verify_witnessed(ledger_path, key, kept_text(beside, "kept"), &witness, 1, &r, &e), 0);
        assert_true(r.holds);
        assert_int_equal(r.records, i == 0 ? 14 : 15);
        assert_int_equal(ledger_check(buf_span(snapshot_file(beside, "proof")), key, &index, &size, &e), 0);
        assert_true(index == 5 && size == 9);
        assert_int_equal(ledger_check_witness(buf_span(snapshot_file(beside, "proof")), witness, &cosigned, &e), 0);
        struct ledger *l = open_ledger(note);
        assert_true((strstr(note, "read back") != NULL) == (i == 0));
        assert_int_equal(ledger_size(l), i == 0 ? 14 : 15);
        read_fixture(l, 14);
        assert_int_equal(ledger_append(l, LEDGER_CUSTODY, NULL, T0, span_str("today"), NULL, &e), 0);
        assert_int_equal(ledger_commit(l, T0, &e), 0);
        ledger_close(l);
    }
    snapshot_free(beside);
}

/* As keys of format 2 were written: with a record of a patient who was erased, one of another, and a recovery key. */
static void format_2(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_report report;
    struct snapshot *beside;
    fixture_put("format-2", &beside);
    assert_int_equal(ledger_verify(ledger_path, kept_text(beside, "ledger/verifier.pub"), NULL, &report, &e), 0);
    assert_true(report.holds && report.records == 16);
    for (int i = 0; i < 2; i++) {
        struct ledger_record r;
        struct ledger_keys k;
        struct ledger *l = open_ledger(NULL);
        read_fixture(l, 14);
        struct ledger_reader *reader = ledger_reader_new(l, 14, &e);
        assert_true(ledger_reader_next(reader, &r, &e) == 1 && r.erased && r.payload.n == 0);
        assert_true(ledger_reader_next(reader, &r, &e) == 1 && !r.erased && span_is(r.payload, "stays"));
        ledger_reader_free(reader);
        ledger_keys(l, &k);
        assert_true(k.epoch == 1 && k.erased == 1 && k.carried_out == 17 && k.recovery_made == T0 + 15);
        assert_int_equal(ledger_recovery_test(l, buf_span(snapshot_file(beside, "recovery")), T0, &e), 0);
        assert_int_equal(ledger_append(l, LEDGER_CUSTODY, NULL, T0, span_str("today"), NULL, &e), 0);
        assert_int_equal(ledger_commit(l, T0, &e), 0);
        ledger_close(l);
    }
    snapshot_free(beside);
}

/* A number made greater in each place that has one: refused by name, at the start and by verifying, and nothing is touched. */
static void newer(void **state)
{
    (void)state;
    struct error e = {0};
    struct snapshot *beside;
    fixture_put("format-1", &beside);
    struct snapshot *s = snapshot_take(ledger_path);
    static const struct {
        const char *path;
        size_t at;
        bool at_start; /* else only when it is read */
    } places[] = {{"keyring", 9, true},
                  {"journal.0", 9, true},
                  {"segment/custody/00000000000000000000", 9, true},
                  {"segment/observation/00000000000000000001", 9, true},
                  {"tile/entries/000.p/14", 2 + 3, false}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct ledger_report r;
        struct ledger_options o = place_options();
        struct buf *b = snapshot_file(s, places[i].path);
        b->p[places[i].at] += 8;
        put_file(places[i].path, buf_span(b));
        struct snapshot *before = snapshot_take(ledger_path);
        e = (struct error){0};
        assert_int_equal(ledger_verify(ledger_path, NULL, NULL, &r, &e), -1);
        assert_int_equal(e.class, ERR_LIMIT);
        assert_non_null(strstr(e.text, "newer program"));
        if (places[i].at_start) {
            e = (struct error){0};
            assert_null(ledger_open(&o, NULL, &e));
            assert_int_equal(e.class, ERR_LIMIT);
            assert_non_null(strstr(e.text, "newer program"));
            struct snapshot *after = snapshot_take(ledger_path);
            assert_int_equal(before->n, after->n);
            for (size_t k = 0; k < after->n; k++)
                assert_true(span_equal(buf_span(&after->files[k].bytes), buf_span(snapshot_file(before, after->files[k].path))));
            snapshot_free(after);
        }
        snapshot_free(before);
        b->p[places[i].at] -= 8;
        put_file(places[i].path, buf_span(b));
    }
    snapshot_free(s);
    snapshot_free(beside);
}

/* ── Files that are not this ledger's, or not today's ── */

static void write_some(unsigned from, unsigned to)
{
    struct error e = {0};
    struct ledger *l = open_ledger(NULL);
    for (unsigned i = from; i < to; i++) {
        assert_int_equal(ledger_append(l, i % 2 == 0 ? LEDGER_CUSTODY : LEDGER_OBSERVATION, NULL, T0, span_str("the same in both"), NULL, &e), 0);
        assert_int_equal(ledger_commit(l, T0, &e), 0);
    }
    ledger_close(l);
}

/* Each file of `from` in turn in the place of this ledger's, which is then asked. */
static void put_in_turn(struct snapshot *own, struct snapshot *from, const char *verifier, size_t *ret_tried)
{
    for (size_t i = 0; i < own->n; i++) {
        struct error e = {0};
        struct ledger_report r;
        struct ledger_options o = place_options();
        struct span other = span_of(NULL, 0);
        const char *path = own->files[i].path;
        bool partial = strstr(path, ".p/") != NULL && strstr(path, ".p/9") == NULL; /* of an earlier head: nothing rests on it */
        for (size_t k = 0; k < from->n; k++)
            other = strcmp(from->files[k].path, path) == 0 ? buf_span(&from->files[k].bytes) : other;
        if (own->files[i].folder || partial || other.n == 0 || span_equal(other, buf_span(&own->files[i].bytes)))
            continue;
        (*ret_tried)++;
        snapshot_restore(own);
        put_file(path, other);
        bool found = ledger_verify(ledger_path, verifier, NULL, &r, &e) != 0 || !r.holds;
        struct ledger *l = ledger_open(&o, NULL, &e);
        ledger_close(l);
        if (!found && l != NULL)
            print_error("%s was believed\n", path);
        assert_true(found || (l == NULL && e.class == ERR_CORRUPT)); /* a keyring shows whose it is only to the root key */
    }
}

static void of_another_ledger(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_report r;
    size_t tried = 0;
    write_some(0, 9);
    struct snapshot *other = snapshot_take(ledger_path);
    folder_remove(ledger_path);
    write_some(0, 9); /* under the same root key and name */
    struct snapshot *own = snapshot_take(ledger_path);
    char verifier[VERIFIER_TEXT] = "";
    (void)snprintf(verifier, sizeof verifier, "%s", buf_text(snapshot_file(own, "verifier.pub")));
    put_in_turn(own, other, verifier, &tried);
    assert_true(tried >= 8);
    /* a segment, its log id and hash made to fit */
    const char *path = "segment/custody/00000000000000000000";
    struct buf *theirs = snapshot_file(other, path);
    uint8_t hash[SHA256_SIZE];
    memcpy(theirs->p + 16, snapshot_file(own, path)->p + 16, LOG_ID);
    crypto_sha256(span_of(theirs->p, 48), hash);
    memcpy(theirs->p + 48, hash, 16);
    snapshot_restore(own);
    put_file(path, buf_span(theirs));
    assert_int_equal(ledger_verify(ledger_path, verifier, NULL, &r, &e), 0);
    assert_true(!r.holds && r.first_bad == 0);
    struct ledger *l = open_ledger(NULL); /* the start reads no settled segment; the reader does */
    struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
    struct ledger_record record;
    assert_int_equal(ledger_reader_next(reader, &record, &e), -1);
    assert_non_null(strstr(e.text, "its key is not in the keyring"));
    ledger_reader_free(reader);
    ledger_close(l);
    snapshot_free(own);
    snapshot_free(other);
}

static void of_an_earlier_day(void **state)
{
    (void)state;
    size_t tried = 0;
    write_some(0, 4);
    struct snapshot *old = snapshot_take(ledger_path);
    write_some(4, 9);
    struct snapshot *own = snapshot_take(ledger_path);
    put_in_turn(own, old, NULL, &tried);
    assert_true(tried >= 3);
    snapshot_free(own);
    snapshot_free(old);
}

/* The end cut off: of a segment, and of everything that can be cut without a key. */
static void tail_cut(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_report r;
    struct ledger_options o = place_options();
    write_some(0, 9);
    struct snapshot *own = snapshot_take(ledger_path);
    static const char *const paths[] = {"segment/custody/00000000000000000000", "segment/observation/00000000000000000001"};
    for (unsigned i = 0; i < 2; i++) {
        struct buf *b = snapshot_file(own, paths[i]);
        size_t record = SEALED_RECORD_MIN + 16 + AES_GCM_TAG;
        for (size_t cut = 1; cut < 4 * record; cut += 11) {
            put_file(paths[i], span_of(b->p, b->n - cut));
            assert_int_equal(ledger_verify(ledger_path, NULL, NULL, &r, &e), 0);
            assert_false(r.holds);
            assert_int_equal(r.first_bad, (i == 0 ? 8 : 7) - 2 * ((cut - 1) / record));
            assert_null(ledger_open(&o, NULL, &e));
            assert_non_null(strstr(e.text, "lost its end"));
        }
        put_file(paths[i], buf_span(b));
    }
    for (unsigned mask = 1; mask < 8; mask++) { /* bundle, leaf tile, checkpoint of the tree of 8 */
        snapshot_restore(own);
        char path[256];
        static const char *const last[] = {"tile/entries/000.p/9", "tile/0/000.p/9", "checkpoint"};
        for (unsigned k = 0; k < 3; k++) {
            (void)snprintf(path, sizeof path, "%s/%s", ledger_path, last[k]);
            if ((mask >> k & 1) != 0)
                assert_int_equal(unlink(path), 0);
        }
        assert_int_equal(ledger_verify(ledger_path, NULL, NULL, &r, &e), 0);
        assert_false(r.holds);
    }
    snapshot_free(own);
}

/* ── Hints: where in a segment a record lies ── */

#define HINTED 4000
#define HINTS_OF_CUSTODY "segment/custody/00000000000000000000.index"
#define HINTS_OF_OBSERVATION "segment/observation/00000000000000000001.index"

/* Reads single records by lot, and one run. */
static void read_by_lot(struct ledger *l, unsigned seed, unsigned reads)
{
    struct error e = {0};
    struct ledger_record r;
    for (unsigned i = 0; i < reads; i++) {
        uint64_t from = i < 3 ? (uint64_t[]){0, HINTED - 1, HINTED / 2}[i] : (uint64_t)(unsigned)rand_r(&seed) % HINTED;
        struct ledger_reader *reader = ledger_reader_new(l, from, &e);
        assert_non_null(reader);
        for (uint64_t k = from; k < from + 3 && k < HINTED; k++) {
            if (ledger_reader_next(reader, &r, &e) != 1)
                print_error("%s\n", e.text);
            assert_true(r.index == k && r.payload.n == 100 + k % 200 && r.payload.p[0] == (k & 255));
        }
        ledger_reader_free(reader);
    }
}

static void hints_are_only_hints(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_report r;
    uint8_t bytes[300];
    struct ledger *l = open_ledger(NULL);
    for (unsigned i = 0; i < HINTED; i++) {
        memset(bytes, (int)(i & 255), sizeof bytes);
        assert_int_equal(ledger_append(l, i % 3 == 1 ? LEDGER_OBSERVATION : LEDGER_CUSTODY, NULL, T0, span_of(bytes, 100 + i % 200), NULL, &e), 0);
        if (i % 50 == 0)
            assert_int_equal(ledger_commit(l, T0, &e), 0);
    }
    assert_int_equal(ledger_commit(l, T0, &e), 0);
    struct snapshot *s = snapshot_take(ledger_path);
    struct buf *custody = snapshot_file(s, HINTS_OF_CUSTODY);
    struct buf *observation = snapshot_file(s, HINTS_OF_OBSERVATION);
    assert_true(custody->n >= 12 * 16 && custody->n % 16 == 0);
    read_by_lot(l, 1, 300);
    for (size_t at = 0; at < custody->n; at++) { /* each byte changed */
        custody->p[at] ^= (uint8_t)(1u << at % 8);
        put_file(HINTS_OF_CUSTODY, buf_span(custody));
        read_by_lot(l, (unsigned)at, 6);
        custody->p[at] ^= (uint8_t)(1u << at % 8);
    }
    struct buf wrong = BUF_INIT(1u << 20);
    for (int kind = 0; kind < 6; kind++) { /* nothing, cut, the other stream's, zeros, backwards, each one record's place too far */
        buf_clear(&wrong);
        for (size_t i = 0; i < custody->n && kind > 0; i += 16) {
            struct span index = span_of(custody->p + i, 8);
            buf_add(&wrong, custody->p + (kind == 4 ? custody->n - 16 - i : i), 16);
            if (kind == 5) /* says one record more than lies there */
                wrong.p[i + 7] = (uint8_t)(span_be64(&index) + 2);
            if (kind == 3)
                memset(wrong.p + i, 0, 16);
        }
        put_file(HINTS_OF_CUSTODY, kind == 2 ? buf_span(observation) : span_of(wrong.p, kind == 1 ? wrong.n - 9 : wrong.n));
        read_by_lot(l, 7, 60);
        assert_int_equal(ledger_verify(ledger_path, NULL, NULL, &r, &e), 0);
        assert_true(r.holds);
    }
    ledger_close(l);
    put_file(HINTS_OF_OBSERVATION, span_of(NULL, 0));
    l = open_ledger(NULL); /* the start makes them again */
    read_by_lot(l, 9, 60);
    ledger_close(l);
    struct snapshot *again = snapshot_take(ledger_path);
    assert_true(span_equal(buf_span(snapshot_file(again, HINTS_OF_CUSTODY)), buf_span(custody)));
    assert_true(span_equal(buf_span(snapshot_file(again, HINTS_OF_OBSERVATION)), buf_span(observation)));
    snapshot_free(again);
    snapshot_free(s);
    buf_release(&wrong);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)
    const struct CMUnitTest tests[] = {
        CASE(format_1), CASE(format_2), CASE(newer), CASE(of_another_ledger), CASE(of_an_earlier_day), CASE(tail_cut), CASE(hints_are_only_hints)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
