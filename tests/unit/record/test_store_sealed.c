/* The store in a folder: what comes back, what an outsider sees, and what happens to it when somebody changes its files. */
#include "store_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAX (8u << 20)

static struct store *must_open(const char *name)
{
    struct error e = {0};
    char note[STORE_NOTE];
    struct store *s = place_store(name, note, &e);
    if (s == NULL)
        fail_msg("%s: %s", name, e.text);
    if (note[0] != 0)
        fail_msg("%s: %s", name, note);
    return s;
}

static void must_hold(struct store *s, int64_t rows)
{
    struct error e = {0};
    int64_t got = place_ask(s, &e);
    if (got != rows)
        fail_msg("%lld rows instead of %lld: %s", (long long)got, (long long)rows, e.text);
}

static void must_checkpoint(struct store *s, struct store_mark *mark)
{
    struct error e = {0};
    if (store_checkpoint(s, mark, &e) != 0)
        fail_msg("%s", e.text);
}

/* 300 rows in the pages, 200 in the log. */
static void make(const char *name, struct store_mark *mark)
{
    place_empty(name);
    struct store *s = must_open(name);
    place_rows(s, 0, 300, 0);
    must_checkpoint(s, mark);
    place_rows(s, 300, 100, 0);
    place_rows(s, 400, 100, 0);
    store_close(s);
}

static void what_was_written_comes_back(void **state)
{
    (void)state;
    struct error e = {0};
    struct store_mark mark;
    struct store_mark now;
    make("a", &mark);
    struct store *s = must_open("a");
    must_hold(s, 500);
    assert_true(store_mark(s, &now));
    assert_true(now.generation == mark.generation && now.pages == mark.pages);
    assert_memory_equal(now.life, mark.life, STORE_LIFE);
    assert_memory_equal(now.hash, mark.hash, sizeof now.hash);
    must_checkpoint(s, &now);
    assert_int_equal(now.generation, mark.generation + 1);
    assert_memory_equal(now.life, mark.life, STORE_LIFE);
    assert_memory_not_equal(now.hash, mark.hash, sizeof now.hash);
    must_hold(s, 500);
    struct store *second = place_store("a", NULL, &e);
    assert_null(second);
    assert_int_equal(e.class, ERR_AGAIN); /* one at a time */
    store_close(s);
    s = must_open("a");
    must_hold(s, 500);
    store_close(s);
    int dir = place_open("a");
    struct store_scanned scanned;
    if (store_scan(dir, store_key, &scanned, &e) != 0)
        fail_msg("%s", e.text);
    assert_memory_equal(scanned.mark.hash, now.hash, sizeof now.hash);
    uint8_t other[32] = {9};
    assert_int_equal(store_scan(dir, other, &scanned, &e), -1);
    assert_int_equal(e.class, ERR_CORRUPT);
    assert_int_equal(store_drop(dir, &e), 0);
    assert_int_equal(store_scan(dir, store_key, &scanned, &e), -1);
    assert_int_equal(e.class, ERR_CLOSED);
    (void)close(dir);
}

static void nothing_lies_there_in_the_clear(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_MAX];
    struct store_mark mark;
    make("a", &mark);
    const char *const files[] = {HEAD, PAGES, LOG};
    const char *const words[] = {"row with words", "SQLite format", "CREATE TABLE", "migration"};
    for (size_t f = 0; f < 3; f++) {
        size_t n = place_read("a", files[f], bytes, sizeof bytes);
        assert_true(n > 0 && n < sizeof bytes);
        for (size_t w = 0; w < 4; w++)
            if (memmem(bytes, n, words[w], strlen(words[w])) != NULL)
                fail_msg("%s holds \"%s\"", files[f], words[w]);
    }
}

static void a_large_batch_leaves_the_cache_and_comes_back(void **state)
{
    (void)state;
    struct error e = {0};
    struct store_mark mark;
    place_empty("a");
    struct store *s = must_open("a");
    assert_int_equal(store_run(store_stmt(store_writer(s), "PRAGMA cache_size=10"), &e), 0);
    place_rows(s, 0, 5000, 0); /* the same pages are changed again and again, far more of them than the cache holds */
    must_hold(s, 5000);
    struct store_conn *w = store_writer(s);
    assert_int_equal(store_begin(w, &e), 0);
    assert_int_equal(store_run(store_stmt(w, "UPDATE t SET b = 'x' || a"), &e), 0);
    store_rollback(w);
    must_hold(s, 5000);
    place_rows(s, 100, 4900, 1);
    store_close(s);
    s = must_open("a"); /* SQLite's own sums over the log hold */
    must_hold(s, 5000);
    must_checkpoint(s, &mark);
    store_close(s);
    s = must_open("a");
    must_hold(s, 5000);
    store_close(s);
}

/* ── looks and batches side by side ── */

struct crowd {
    struct store *s;
    atomic_bool stop;
    atomic_int looks;
    atomic_int wrong;
};

static void *look_on(void *context)
{
    struct crowd *c = context;
    struct error e = {0};
    struct store_conn *r = store_reader_open(c->s, &e);
    while (r != NULL && !atomic_load(&c->stop)) {
        if (store_look(r, &e) != 0) {
            atomic_fetch_add(&c->wrong, 1);
            break;
        }
        int64_t rows = store_run_int(store_stmt(r, "SELECT count(*) FROM t"), -1, &e);
        int64_t total = store_run_int(store_stmt(r, "SELECT n FROM total"), -2, &e);
        if (rows != total || rows % 10 != 0)
            atomic_fetch_add(&c->wrong, 1);
        store_look_end(r);
        atomic_fetch_add(&c->looks, 1);
    }
    if (r == NULL)
        atomic_fetch_add(&c->wrong, 1);
    store_reader_close(r);
    return NULL;
}

static void readers_and_checkpoints_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct store_mark mark;
    place_empty("a");
    struct crowd c = {.s = must_open("a")};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_on, &c), 0);
    for (int64_t batch = 0; batch < 300; batch++) {
        place_rows(c.s, batch * 10, 10, 0);
        if (batch % 40 == 7)
            must_checkpoint(c.s, &mark);
    }
    while (atomic_load(&c.looks) < 20 && atomic_load(&c.wrong) == 0)
        (void)sched_yield();
    atomic_store(&c.stop, true);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&c.wrong), 0);
    must_hold(c.s, 3000);
    store_close(c.s);
}

static void a_look_stays_what_it_was(void **state)
{
    (void)state;
    struct error e = {0};
    place_empty("a");
    struct store *s = must_open("a");
    place_rows(s, 0, 10, 0);
    struct store_conn *r = store_reader_open(s, &e);
    assert_non_null(r);
    assert_int_equal(store_look(r, &e), 0);
    assert_int_equal(store_run_int(store_stmt(r, "SELECT count(*) FROM t"), -1, &e), 10);
    place_rows(s, 10, 10, 0); /* no wait for the look */
    assert_int_equal(store_run_int(store_stmt(r, "SELECT count(*) FROM t"), -1, &e), 10);
    store_look_end(r);
    assert_int_equal(store_look(r, &e), 0);
    assert_int_equal(store_run_int(store_stmt(r, "SELECT count(*) FROM t"), -1, &e), 20);
    store_look_end(r);
    store_reader_close(r);
    store_close(s);
}

/* ── other programs' stores ── */

static void another_programs_store_is_refused(void **state)
{
    (void)state;
    struct error e = {0};
    struct store_mark mark;
    make("a", &mark);
    int dir = place_open("a");
    struct store *s = store_open(dir, store_key, NULL, NULL, &e);
    assert_non_null(s);
    const struct store_migration newer[] = {store_schema[0], store_schema[1], {"003", "CREATE TABLE n(a INTEGER) STRICT;"}};
    assert_int_equal(store_migrate(s, newer, 3, &e), 0); /* forward, over the rows that are there */
    must_hold(s, 500);
    assert_int_equal(store_migrate(s, store_schema, STORE_SCHEMA, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    assert_non_null(strstr(e.text, "003"));
    const struct store_migration edited[] = {store_schema[0], store_schema[1], {"003", "CREATE TABLE n(a TEXT) STRICT;"}};
    assert_int_equal(store_migrate(s, edited, 3, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    store_close(s);
    (void)close(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(nothing_lies_there_in_the_clear),
        cmocka_unit_test(a_large_batch_leaves_the_cache_and_comes_back),
        cmocka_unit_test(readers_and_checkpoints_do_not_disturb_each_other),
        cmocka_unit_test(a_look_stays_what_it_was),
        cmocka_unit_test(another_programs_store_is_refused),
    };
    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
