/* Forward migrations from every schema that was ever released: fixture/schema-*.sql, each a whole store as SQL text, tables, migrations and first
 * rows. It becomes what a new store is; or it is refused, because a migration had another text then, and is rebuilt.
 *
 * usage to keep the present one: test_migrations --write FILE */
#include "lab/schema.h"
#include "lab/views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

static struct store *fresh(void)
{
    struct error e = {0};
    struct store *s = store_open_memory(&e);
    if (s == NULL || store_migrate(s, lab_schema, lab_schema_count, &e) != 0) {
        (void)fprintf(stderr, "%s\n", e.text);
        exit(3);
    }
    return s;
}

/* Statements are found again by the address of their text, so a text stays as long as the program. */
static const char *kept(const char *sql)
{
    static char *texts[4096];
    static size_t n;
    assert_true(n < sizeof texts / sizeof texts[0]);
    texts[n] = strdup(sql);
    assert_non_null(texts[n]);
    return texts[n++];
}

/* Every row of a statement that gives one text. */
static void texts(struct store *s, const char *sql, const char *after, struct buf *out)
{
    struct error e = {0};
    struct store_stmt *q = store_stmt(store_writer(s), kept(sql));
    while (store_step(q)) {
        buf_add_span(out, store_text(q, 0));
        buf_add_str(out, after);
    }
    if (store_done(q, &e) != 0) {
        (void)fprintf(stderr, "%s: %s\n", sql, e.text);
        exit(3);
    }
}

static void schema_of(struct store *s, struct buf *out)
{
    texts(s, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'migration' ORDER BY rowid", ";\n", out);
}

/* The store as statements that make it again. */
static void sql_of(struct store *s, struct buf *out)
{
    struct buf inserts = BUF_INIT(65536);
    schema_of(s, out);
    texts(
        s,
        "SELECT 'SELECT ''INSERT INTO ' || m.name || ' VALUES ('' || ' || (SELECT group_concat('quote(\"' || p.name || '\")', ' || '','' || ') FROM "
        "pragma_table_info(m.name) AS p) || ' || '')'' FROM \"' || m.name || '\"' FROM sqlite_schema AS m WHERE m.type = 'table' AND m.name NOT LIKE "
        "'sqlite_%' ORDER BY m.rowid",
        "\n", &inserts);
    struct span rest = buf_span(&inserts);
    while (rest.n > 0) {
        char sql[4096];
        struct span line = span_until(&rest, '\n', NULL);
        (void)snprintf(sql, sizeof sql, "%.*s", (int)line.n, (const char *)line.p);
        texts(s, sql, ";\n", out);
    }
    buf_release(&inserts);
}

static char *load(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(1, 1u << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1u << 20) - 1, f) > 0);
    (void)fclose(f);
    return text;
}

/* Returns whether it was migrated. */
static bool forward(const char *path, struct error *ret_why)
{
    struct error e = {0};
    char *text = load(path);
    const struct store_migration whole = {"fixture", text};
    struct store *s = store_open_memory(&e);
    assert_non_null(s);
    if (store_migrate(s, &whole, 1, &e) != 0)
        fail_msg("%s: %s", path, e.text);
    assert_int_equal(store_run(store_stmt(store_writer(s), "DELETE FROM migration WHERE name = 'fixture'"), &e), 0);
    bool migrated = store_migrate(s, lab_schema, lab_schema_count, &e) == 0;
    if (!migrated)
        assert_int_equal(e.class, ERR_MISUSE); /* the keeper drops and rebuilds */
    *ret_why = e;
    struct store *other = fresh();
    struct buf ours = BUF_INIT(1u << 20);
    struct buf theirs = BUF_INIT(1u << 20);
    sql_of(other, &theirs);
    sql_of(s, &ours);
    if (migrated && !span_equal(buf_span(&ours), buf_span(&theirs)))
        fail_msg("%s is not migrated to what a new store is:\n%s\n---\n%s", path, buf_text(&ours), buf_text(&theirs));
    store_close(s);
    store_close(other);
    buf_release(&ours);
    buf_release(&theirs);
    free(text);
    return migrated;
}

static void every_schema_goes_forward_or_is_rebuilt(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob(FIXTURE "/schema-*.sql", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct error why;
        const char *name = strrchr(found.gl_pathv[i], '/') + 1;
        if (forward(found.gl_pathv[i], &why))
            (void)printf("# %s: migrated\n", name);
        else
            (void)printf("# %s: to be rebuilt: %s\n", name, why.text);
    }
    assert_true(found.gl_pathc > 0);
    globfree(&found);
}

/* One migration behind, at every place: the store of a program that had only the first n. */
static void every_beginning_goes_forward(void **state)
{
    (void)state;
    struct store *whole = fresh();
    struct buf theirs = BUF_INIT(1u << 20);
    sql_of(whole, &theirs);
    for (size_t n = 0; n <= lab_schema_count; n++) {
        struct error e = {0};
        struct store *s = store_open_memory(&e);
        struct buf ours = BUF_INIT(1u << 20);
        assert_non_null(s);
        assert_int_equal(store_migrate(s, lab_schema, n, &e), 0);
        assert_int_equal(store_migrate(s, lab_schema, lab_schema_count, &e), 0);
        sql_of(s, &ours);
        assert_true(span_equal(buf_span(&ours), buf_span(&theirs)));
        if (n < lab_schema_count) { /* and back it is refused */
            assert_int_equal(store_migrate(s, lab_schema, n, &e), -1);
            assert_int_equal(e.class, ERR_MISUSE);
        }
        buf_release(&ours);
        store_close(s);
    }
    buf_release(&theirs);
    store_close(whole);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        struct store *s = fresh();
        struct buf text = BUF_INIT(1u << 20);
        sql_of(s, &text);
        FILE *f = fopen(argv[2], "wb");
        bool written = f != NULL && fwrite(text.p, 1, text.n, f) == text.n && fclose(f) == 0;
        buf_release(&text);
        store_close(s);
        return written ? 0 : 3;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_schema_goes_forward_or_is_rebuilt),
        cmocka_unit_test(every_beginning_goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
