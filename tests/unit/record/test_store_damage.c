/* Somebody changes the files of a store: bytes, pages, frames, whole files. What is asked after each of it, always the same: it is refused and named,
 * or it shows as an earlier state of its own (which its keeper catches up), or it has no effect on any answer, and then it lies in one of these
 * ranges:
 *
 *   store.head, between its two places and before the second: never read
 *
 * TOURNIQUET_LONG=1 flips a bit of every byte of every file; otherwise a sample by TEST_SEED. */
#include "store_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE 4096u
#define FRAME 4120u
#define LOG_BLOCK 76u
#define HEAD_BYTES 189u
#define SAMPLE 1500

static uint8_t bytes[1u << 20];
static bool thorough;
static unsigned seed;

/* Rows 0 … 23 in the pages of checkpoint 1, of which the older ones are in "old"; 24 … 29 more in 2; 30 … 39 in the log, in two batches. */
static struct store_mark mark;

static int make_all(void **state)
{
    const char *given = getenv("TEST_SEED");
    const char *want = getenv("TOURNIQUET_LONG");
    seed = given == NULL ? 20261128 : (unsigned)strtoul(given, NULL, 10);
    thorough = want != NULL && strcmp(want, "1") == 0;
    (void)printf("# TEST_SEED=%u\n", seed);
    struct error e = {0};
    if (place_setup(state) != 0)
        return -1;
    struct store *s = place_store("good", NULL, &e);
    assert_non_null(s);
    place_rows(s, 0, 24, 0);
    assert_int_equal(store_checkpoint(s, &mark, &e), 0);
    place_rows(s, 24, 2, 0);
    place_copy("good", "old"); /* with a log of its own */
    place_rows(s, 26, 4, 0);
    assert_int_equal(store_checkpoint(s, &mark, &e), 0);
    place_rows(s, 30, 5, 0);
    place_rows(s, 35, 5, 0);
    store_close(s);
    return 0;
}

/* What became of "tried". Answers that are wrong end the test here. rows: -1 where it was refused. */
struct verdict {
    int64_t rows;
    struct error why;
    char note[STORE_NOTE];
};

static struct verdict try_it(void)
{
    struct verdict v = {.rows = -1};
    struct store *s = place_store("tried", v.note, &v.why);
    if (s == NULL)
        return v;
    v.rows = place_ask(s, &v.why);
    if (v.rows == -2)
        fail_msg("an answer is wrong");
    store_close(s);
    return v;
}

static bool says(const struct verdict *v, const char *what)
{
    return strstr(v->rows < 0 ? v->why.text : v->note, what) != NULL;
}

static void flip(const char *name, const char *file, size_t at, uint8_t bit)
{
    char path[160];
    uint8_t byte;
    (void)snprintf(path, sizeof path, "%s/%s/%s", place, name, file);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= bit;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    (void)close(fd);
}

/* What must be said of a change at this byte. Empty: it has no effect. */
static void expected(const char *file, size_t at, char out[64])
{
    out[0] = 0;
    if (strcmp(file, PAGES) == 0)
        (void)snprintf(out, 64, "store.db: page %zu ", at / PAGE + 1);
    else if (strcmp(file, LOG) == 0 && at < LOG_BLOCK)
        (void)snprintf(out, 64, "store.wal: its head");
    else if (strcmp(file, LOG) == 0)
        (void)snprintf(out, 64, "store.wal: frame %zu ", (at - LOG_BLOCK) / FRAME + 1);
    else if (at < HEAD_BYTES || at >= PAGE)
        (void)snprintf(out, 64, "store.head");
}

static void flip_and_see(const char *file, size_t at, uint8_t bit)
{
    char want[64];
    place_copy("good", "tried");
    flip("tried", file, at, bit);
    struct verdict v = try_it();
    expected(file, at, want);
    bool refused = strcmp(file, LOG) != 0 && want[0] != 0;
    if ((v.rows < 0) != refused || (want[0] != 0 && !says(&v, want)) || (want[0] == 0 && (v.rows != 40 || v.note[0] != 0)))
        fail_msg("%s, byte %zu, bit %u: %lld rows, \"%s\", \"%s\"", file, at, bit, (long long)v.rows, v.why.text, v.note);
    if (strcmp(file, LOG) == 0 && v.rows != 30 && v.rows != 35)
        fail_msg("%s, byte %zu: %lld rows", file, at, (long long)v.rows);
}

static void every_flipped_byte_is_named_or_of_no_effect(void **state)
{
    (void)state;
    const char *const files[] = {HEAD, PAGES, LOG};
    size_t done = 0;
    for (size_t f = 0; f < 3; f++) {
        size_t n = place_read("good", files[f], bytes, sizeof bytes);
        for (size_t i = 0; i < (thorough ? n : SAMPLE / 3); i++) {
            size_t at = thorough ? i : (size_t)rand_r(&seed) % n;
            flip_and_see(files[f], at, (uint8_t)(1u << (unsigned)rand_r(&seed) % 8));
            done++;
        }
    }
    (void)printf("# %zu bytes flipped\n", done);
}

static void flipped_under_way_is_refused_when_read(void **state)
{
    (void)state;
    const char *const files[] = {PAGES, LOG};
    size_t refused = 0;
    size_t untouched = 0;
    for (size_t f = 0; f < 2; f++) {
        size_t n = place_read("good", files[f], bytes, sizeof bytes);
        size_t first = f == 0 ? 0 : LOG_BLOCK;
        size_t each = f == 0 ? PAGE : FRAME;
        for (size_t at = first; at < n; at += each) {
            struct error e = {0};
            place_copy("good", "tried");
            struct store *s = place_store("tried", NULL, &e);
            assert_non_null(s);
            size_t in = at + (size_t)rand_r(&seed) % each;
            flip("tried", files[f], in, 1);
            int64_t rows = place_ask(s, &e);
            char want[64];
            expected(files[f], in, want);
            if (rows == -1) { /* named; else a newer one stands in the log, or SQLite had no reason to look there */
                refused++;
                assert_int_equal(e.class, ERR_CORRUPT);
                if (strstr(e.text, want) == NULL)
                    fail_msg("%s instead of %s", e.text, want);
                assert_true(store_damaged(s, &e));
            } else {
                untouched++;
                assert_int_equal(rows, 40);
            }
            store_close(s);
        }
    }
    (void)printf("# %zu refused when read, %zu never read\n", refused, untouched);
    assert_true(refused >= 8);
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static void swapped_and_moved_pages_are_named(void **state)
{
    (void)state;
    size_t n = place_read("good", PAGES, bytes, sizeof bytes);
    assert_true(n >= 4 * PAGE);
    for (size_t a = 0; a < n / PAGE; a++)
        for (size_t b = a + 1; b < n / PAGE; b++) {
            char want[64];
            (void)snprintf(want, sizeof want, "page %zu ", a + 1);
            place_copy("good", "tried");
            (void)place_read("good", PAGES, bytes, sizeof bytes);
            swap(bytes + a * PAGE, bytes + b * PAGE, PAGE);
            place_write("tried", PAGES, bytes, n);
            struct verdict v = try_it();
            assert_int_equal(v.rows, -1);
            assert_true(says(&v, want));
        }
    n = place_read("good", LOG, bytes, sizeof bytes);
    for (size_t k = 0; k + 1 < (n - LOG_BLOCK) / FRAME; k++) {
        char want[64];
        (void)snprintf(want, sizeof want, "frame %zu ", k + 1);
        place_copy("good", "tried");
        (void)place_read("good", LOG, bytes, sizeof bytes);
        swap(bytes + LOG_BLOCK + k * FRAME, bytes + LOG_BLOCK + (k + 1) * FRAME, FRAME);
        place_write("tried", LOG, bytes, n);
        struct verdict v = try_it();
        assert_true(says(&v, want));
        assert_true(v.rows == 30 || v.rows == 35);
    }
}

static void an_older_page_that_opens_is_found_by_the_set_hash(void **state)
{
    (void)state;
    static uint8_t old[sizeof bytes];
    size_t n = place_read("good", PAGES, bytes, sizeof bytes);
    size_t m = place_read("old", PAGES, old, sizeof old);
    size_t changed = 0;
    for (size_t at = 0; at < m; at += PAGE) {
        if (memcmp(bytes + at, old + at, PAGE) == 0)
            continue;
        changed++;
        place_copy("good", "tried");
        (void)place_read("good", PAGES, bytes, sizeof bytes);
        memcpy(bytes + at, old + at, PAGE); /* it holds, by itself */
        place_write("tried", PAGES, bytes, n);
        struct verdict v = try_it();
        assert_int_equal(v.rows, -1);
        assert_int_equal(v.why.class, ERR_CORRUPT);
        assert_true(says(&v, "not those of checkpoint 2 together"));
        (void)place_read("good", PAGES, bytes, sizeof bytes);

        struct error e = {0}; /* and under way: memory knows which is the newest */
        place_copy("good", "tried");
        struct store *s = place_store("tried", NULL, &e);
        assert_non_null(s);
        memcpy(bytes + at, old + at, PAGE);
        place_write("tried", PAGES, bytes, n);
        int64_t rows = place_ask(s, &e);
        assert_true(rows == -1 || rows == 40);
        store_close(s);
        (void)place_read("good", PAGES, bytes, sizeof bytes);
    }
    assert_true(changed >= 2);
    for (size_t at = 0; at < n; at += PAGE) { /* one made to look as if it was never written */
        place_copy("good", "tried");
        (void)place_read("good", PAGES, bytes, sizeof bytes);
        memset(bytes + at, 0, PAGE);
        place_write("tried", PAGES, bytes, n);
        struct verdict v = try_it();
        assert_int_equal(v.rows, -1);
        assert_true(says(&v, "together"));
    }
}

static void older_files_are_refused_or_an_earlier_state(void **state)
{
    (void)state;
    const char *const files[] = {HEAD, PAGES, LOG};
    static const int64_t rows[8] = {40, -1, -1, -1, 30, -1, -1, 26}; /* by which of the three are old: all of them are the old store as it was */
    for (unsigned which = 0; which < 8; which++) {
        place_copy("good", "tried");
        for (unsigned f = 0; f < 3; f++)
            if ((which >> f & 1) != 0)
                place_copy_file("old", "tried", files[f]);
        struct verdict v = try_it();
        /* old head and old pages go together: 24 rows, and a log of theirs or none */
        int64_t want = which == 3 ? 24 : rows[which];
        if (v.rows != want)
            fail_msg("old files %u: %lld rows instead of %lld (%s)", which, (long long)v.rows, (long long)want, v.why.text);
    }
    place_copy("good", "tried");
    uint8_t mixed[PAGE + HEAD_BYTES];
    assert_int_equal(place_read("good", HEAD, bytes, sizeof bytes), sizeof mixed);
    assert_int_equal(place_read("old", HEAD, mixed, sizeof mixed), sizeof mixed);
    for (unsigned half = 0; half < 2; half++) { /* one place of the head from before */
        uint8_t other[sizeof mixed];
        memcpy(other, bytes, sizeof other);
        memcpy(other + half * PAGE, mixed + half * PAGE, HEAD_BYTES);
        place_copy("good", "tried");
        place_write("tried", HEAD, other, sizeof other);
        struct verdict v = try_it();
        assert_int_equal(v.rows, -1); /* not two writings in a row; or in a row, and of a copying whose log is gone */
        assert_true(says(&v, half == 0 ? "store.head" : "in the middle of a checkpoint"));
    }
}

static void what_was_cut_is_found(void **state)
{
    (void)state;
    size_t n = place_read("good", PAGES, bytes, sizeof bytes);
    for (size_t keep = 0; keep < n; keep += 1 + (size_t)rand_r(&seed) % PAGE) {
        place_copy("good", "tried");
        place_write("tried", PAGES, bytes, keep);
        struct verdict v = try_it();
        assert_int_equal(v.rows, -1);
        assert_true(says(&v, "store.db"));
    }
    place_copy("good", "tried"); /* and more than belongs there */
    memset(bytes + n, 0, PAGE);
    place_write("tried", PAGES, bytes, n + PAGE);
    assert_int_equal(try_it().rows, -1);
    n = place_read("good", LOG, bytes, sizeof bytes);
    for (size_t keep = 0; keep < n; keep += 1 + (size_t)rand_r(&seed) % (FRAME / 2)) {
        place_copy("good", "tried");
        place_write("tried", LOG, bytes, keep);
        struct verdict v = try_it();
        assert_true(v.rows == 30 || v.rows == 35);
        if (keep > LOG_BLOCK && (keep - LOG_BLOCK) % FRAME != 0)
            assert_true(says(&v, "does not hold"));
    }
    n = place_read("good", HEAD, bytes, sizeof bytes);
    for (size_t keep = 0; keep < n; keep += 61) {
        place_copy("good", "tried");
        place_write("tried", HEAD, bytes, keep);
        assert_int_equal(try_it().rows, -1);
    }
}

static void after_a_loss_it_goes_on(void **state)
{
    (void)state;
    struct error e = {0};
    place_copy("good", "tried");
    size_t n = place_read("good", LOG, bytes, sizeof bytes);
    place_write("tried", LOG, bytes, n - 1);
    struct store *s = place_store("tried", NULL, &e);
    assert_non_null(s);
    int64_t rows = place_ask(s, &e);
    assert_int_equal(rows, 35);
    place_rows(s, 35, 5, 0); /* caught up */
    struct store_mark now;
    assert_int_equal(store_checkpoint(s, &now, &e), 0);
    assert_int_equal(now.generation, mark.generation + 1);
    store_close(s);
    assert_int_equal(try_it().rows, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_is_named_or_of_no_effect),
        cmocka_unit_test(flipped_under_way_is_refused_when_read),
        cmocka_unit_test(swapped_and_moved_pages_are_named),
        cmocka_unit_test(an_older_page_that_opens_is_found_by_the_set_hash),
        cmocka_unit_test(older_files_are_refused_or_an_earlier_state),
        cmocka_unit_test(what_was_cut_is_found),
        cmocka_unit_test(after_a_loss_it_goes_on),
    };
    return cmocka_run_group_tests(tests, make_all, place_teardown);
}
