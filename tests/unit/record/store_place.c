#include "store_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const uint8_t store_key[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
const struct store_migration store_schema[STORE_SCHEMA] = {
    {"001", "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT; CREATE INDEX t_b ON t(b);"},
    {"002", "CREATE TABLE total(one INTEGER PRIMARY KEY, n INTEGER) STRICT; INSERT INTO total VALUES (1, 0);"},
};
char place[64];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int place_setup(void **state)
{
    (void)state;
    (void)snprintf(place, sizeof place, "%s/tq-store-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(place) == NULL ? -1 : 0;
}

int place_teardown(void **state)
{
    (void)state;
    return nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void path_of(char out[160], const char *name, const char *file)
{
    (void)snprintf(out, 160, "%s/%s%s%s", place, name, file == NULL ? "" : "/", file == NULL ? "" : file);
}

int place_open(const char *name)
{
    char path[160];
    path_of(path, name, NULL);
    (void)mkdir(path, 0700);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

void place_empty(const char *name)
{
    int fd = place_open(name);
    const char *const files[] = {HEAD, PAGES, LOG};
    for (size_t i = 0; i < 3; i++)
        (void)unlinkat(fd, files[i], 0);
    (void)close(fd);
}

size_t place_read(const char *name, const char *file, uint8_t *out, size_t max)
{
    char path[160];
    path_of(path, name, file);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(out, 1, max, f);
    (void)fclose(f);
    return n;
}

void place_write(const char *name, const char *file, const uint8_t *bytes, size_t n)
{
    char path[160];
    path_of(path, name, file);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

void place_copy_file(const char *from, const char *to, const char *file)
{
    static uint8_t bytes[8u << 20];
    size_t n = place_read(from, file, bytes, sizeof bytes);
    assert_true(n < sizeof bytes);
    (void)close(place_open(to));
    place_write(to, file, bytes, n);
}

void place_copy(const char *from, const char *to)
{
    place_copy_file(from, to, HEAD);
    place_copy_file(from, to, PAGES);
    place_copy_file(from, to, LOG);
}

struct store *place_store(const char *name, char note[STORE_NOTE], struct error *e)
{
    int dir = place_open(name);
    struct store *s = store_open(dir, store_key, NULL, note, e);
    (void)close(dir);
    if (s != NULL && store_migrate(s, store_schema, STORE_SCHEMA, e) != 0) {
        store_close(s);
        return NULL;
    }
    return s;
}

static void text_of(int64_t a, int64_t again, char out[400])
{
    (void)snprintf(out, 400, "%0*lld row with words that anybody would know if they stood in the clear, %lld", (int)(80 + a * 7 % 200), (long long)a,
                   (long long)again);
}

int place_row(struct store_conn *w, int64_t a, int64_t again, struct error *e)
{
    char text[400];
    text_of(a, again, text);
    struct store_stmt *q = store_stmt(w, "INSERT INTO t VALUES (?1, ?2) ON CONFLICT(a) DO UPDATE SET b = excluded.b");
    store_bind_int(q, 1, a);
    store_bind_str(q, 2, text);
    return store_run(q, e);
}

void place_rows(struct store *s, int64_t first, int64_t n, int64_t again)
{
    struct error e = {0};
    struct store_conn *w = store_writer(s);
    if (store_begin(w, &e) != 0)
        fail_msg("%s", e.text);
    for (int64_t a = first; a < first + n; a++)
        if (place_row(w, a, again, &e) != 0)
            fail_msg("%s", e.text);
    struct store_stmt *q = store_stmt(w, "UPDATE total SET n = (SELECT count(*) FROM t)");
    if (store_run(q, &e) != 0 || store_commit(w, &e) != 0)
        fail_msg("%s", e.text);
}

int64_t place_ask(struct store *s, struct error *e)
{
    struct store_conn *r = store_reader_open(s, e);
    if (r == NULL)
        return -1;
    int64_t rows = 0;
    int64_t wrong = store_look(r, e) != 0 ? -1 : 0;
    struct store_stmt *q = store_stmt(r, "SELECT a, b FROM t ORDER BY a");
    while (wrong == 0 && store_step(q)) {
        char text[400];
        struct span b = store_text(q, 1);
        int64_t a = store_int(q, 0);
        text_of(a, 0, text);
        size_t n = strlen(text) - 1;
        if (a != rows || b.n != n + 1 || memcmp(b.p, text, n) != 0 || b.p[n] < '0' || b.p[n] > '9')
            wrong = -2;
        rows++;
    }
    if (store_done(q, wrong == 0 ? e : NULL) != 0)
        wrong = -1;
    struct error other = {0};
    if (wrong == 0) {
        int64_t by_text = store_run_int(store_stmt(r, "SELECT count(DISTINCT b) FROM t INDEXED BY t_b"), -7, &other);
        int64_t total = store_run_int(store_stmt(r, "SELECT n FROM total"), -7, &other);
        if (other.class != ERR_NONE) {
            wrong = -1;
            *e = other;
        } else if (by_text != rows || total != rows) {
            wrong = -2;
        }
    }
    store_look_end(r);
    store_reader_close(r);
    return wrong != 0 ? wrong : rows;
}
