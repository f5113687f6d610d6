/* The store: migrations, batches and looks, statements, and what a connection may not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static const struct store_migration schema[] = {
    {"001", "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT;"},
    {"002", "CREATE TABLE u(c INTEGER) STRICT; INSERT INTO u VALUES (0);"},
};

static struct store *fresh(void)
{
    struct error e = {0};
    struct store *s = store_open_memory(&e);
    assert_non_null(s);
    if (store_migrate(s, schema, 2, &e) != 0)
        fail_msg("%s", e.text);
    return s;
}

static void migrations_run_once_and_whole(void **state)
{
    (void)state;
    struct error e = {0};
    struct store *s = fresh();
    assert_int_equal(store_migrate(s, schema, 2, &e), 0); /* again: nothing to do */
    const struct store_migration wrong[] = {schema[0], schema[1], {"003", "CREATE TABLE v(a INTEGER) STRICT;"}, {"004", "CREATE TABEL w(a)"}};
    assert_int_equal(store_migrate(s, wrong, 4, &e), -1);
    assert_non_null(strstr(e.text, "004"));
    assert_int_equal(store_run_int(store_stmt(store_writer(s), "SELECT count(*) FROM sqlite_schema WHERE name = 'v'"), -1, &e), 0);
    store_close(s);
}

static void values_come_back_as_they_were(void **state)
{
    (void)state;
    struct error e = {0};
    struct store *s = fresh();
    struct store_conn *w = store_writer(s);
    assert_int_equal(store_begin(w, &e), 0);
    static const char tricky[] = "a'b\"c; DROP TABLE t; --";
    for (int i = 0; i < 3; i++) {
        struct store_stmt *q = store_stmt(w, "INSERT INTO t(b) VALUES (?1)");
        if (i < 2)
            store_bind_text(q, 1, i == 0 ? span_str(tricky) : SPAN_LIT(""));
        assert_int_equal(store_run(q, &e), 0);
    }
    assert_int_equal(store_commit(w, &e), 0);
    struct store_conn *r = store_reader_open(s, &e);
    assert_non_null(r);
    assert_int_equal(store_look(r, &e), 0);
    struct store_stmt *q = store_stmt(r, "SELECT a, b FROM t ORDER BY a");
    assert_true(store_step(q));
    assert_int_equal(store_int(q, 0), 1);
    assert_true(span_is(store_text(q, 1), tricky));
    assert_true(store_step(q));
    assert_false(store_is_null(q, 1));
    assert_true(store_step(q));
    assert_true(store_is_null(q, 1));
    assert_false(store_step(q));
    assert_int_equal(store_done(q, &e), 0);
    store_look_end(r);
    store_reader_close(r);
    store_close(s);
}

static void failures_are_told_and_forgotten(void **state)
{
    (void)state;
    struct error e = {0};
    struct store *s = fresh();
    struct store_conn *w = store_writer(s);
    static const char wrong[] = "SELECT a FROM nowhere";
    assert_int_equal(store_run(store_stmt(w, wrong), &e), -1);
    if (strstr(e.text, "nowhere") == NULL)
        fail_msg("%s", e.text);
    static const char typed[] = "INSERT INTO u VALUES (?1)";
    struct store_stmt *q = store_stmt(w, typed);
    store_bind_str(q, 1, "not a number");
    assert_int_equal(store_run(q, &e), -1); /* STRICT */
    q = store_stmt(w, typed);
    store_bind_int(q, 1, 7);
    assert_int_equal(store_run(q, &e), 0);
    store_close(s);
}

static void connections_are_narrow(void **state)
{
    (void)state;
    struct error e = {0};
    struct store *s = fresh();
    struct store_conn *r = store_reader_open(s, &e);
    assert_int_equal(store_run(store_stmt(r, "INSERT INTO u VALUES (1)"), &e), -1); /* readers cannot write */
    struct store_conn *w = store_writer(s);
    assert_int_equal(store_run(store_stmt(w, "ATTACH '/tmp/tourniquet-must-not-be.db' AS other"), &e), -1);
    assert_int_equal(store_run(store_stmt(w, "SELECT load_extension('x')"), &e), -1);
    assert_int_equal(store_run(store_stmt(w, "UPDATE sqlite_schema SET sql = 'x'"), &e), -1);
    assert_int_equal(store_begin(r, &e), -1);
    assert_int_equal(store_look(w, &e), -1);
    store_reader_close(r);
    store_close(s);
}

static void what_is_rolled_back_was_never_there(void **state)
{
    (void)state;
    struct error e = {0};
    struct store *s = fresh();
    struct store_conn *w = store_writer(s);
    assert_int_equal(store_begin(w, &e), 0);
    assert_int_equal(store_run(store_stmt(w, "INSERT INTO u VALUES (5)"), &e), 0);
    store_rollback(w);
    assert_int_equal(store_run_int(store_stmt(w, "SELECT count(*) FROM u"), -1, &e), 1);
    assert_int_equal(store_commit(w, &e), 0); /* of nothing */
    store_close(s);
}

struct crowd {
    struct store *s;
    atomic_bool stop;
    atomic_int looks;
    atomic_int torn;
};

static void *read_pairs(void *context)
{
    struct crowd *c = context;
    struct error e = {0};
    struct store_conn *r = store_reader_open(c->s, &e);
    while (r != NULL && !atomic_load(&c->stop)) {
        if (store_look(r, &e) != 0) {
            atomic_fetch_add(&c->torn, 1);
            break;
        }
        int64_t first = store_run_int(store_stmt(r, "SELECT count(*) FROM t"), -1, &e);
        int64_t second = store_run_int(store_stmt(r, "SELECT count(*) FROM t"), -2, &e);
        if (first != second || first % 10 != 0) /* batches of ten: never seen in part, never changing in one look */
            atomic_fetch_add(&c->torn, 1);
        store_look_end(r);
        atomic_fetch_add(&c->looks, 1);
    }
    store_reader_close(r);
    return NULL;
}

static void readers_see_whole_batches_and_nobody_starves(void **state)
{
    (void)state;
    struct error e = {0};
    struct crowd c = {.s = fresh()};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_pairs, &c), 0);
    struct store_conn *w = store_writer(c.s);
    for (int batch = 0; batch < 300; batch++) {
        assert_int_equal(store_begin(w, &e), 0);
        for (int i = 0; i < 10; i++)
            assert_int_equal(store_run(store_stmt(w, "INSERT INTO t(b) VALUES ('x')"), &e), 0);
        assert_int_equal(store_commit(w, &e), 0);
    }
    while (atomic_load(&c.looks) < 20)
        (void)sched_yield();
    atomic_store(&c.stop, true);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&c.torn), 0);
    store_close(c.s);
}

static void two_stores_share_nothing(void **state)
{
    (void)state;
    struct error e = {0};
    struct store *a = fresh();
    struct store *b = fresh();
    assert_int_equal(store_run(store_stmt(store_writer(a), "INSERT INTO u VALUES (5)"), &e), 0);
    struct buf x = BUF_INIT(65536);
    struct buf y = BUF_INIT(65536);
    assert_int_equal(store_dump(store_writer(a), &x, &e), 0);
    assert_int_equal(store_dump(store_writer(b), &y, &e), 0);
    assert_non_null(strstr(buf_text(&x), "[u]\n0\n5\n"));
    assert_non_null(strstr(buf_text(&y), "[u]\n0\n"));
    assert_null(strstr(buf_text(&y), "5\n"));
    buf_release(&x);
    buf_release(&y);
    store_close(a);
    store_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migrations_run_once_and_whole),
        cmocka_unit_test(values_come_back_as_they_were),
        cmocka_unit_test(failures_are_told_and_forgotten),
        cmocka_unit_test(connections_are_narrow),
        cmocka_unit_test(what_is_rolled_back_was_never_there),
        cmocka_unit_test(readers_see_whole_batches_and_nobody_starves),
        cmocka_unit_test(two_stores_share_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
