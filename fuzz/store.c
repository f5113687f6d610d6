/* The files of a sealed store, edited: whatever is done to them, it is refused, or what it answers is an earlier state of its own, word for word.
 *
 * An input is a list of edits of 8 bytes: which file and what (1), length (1), place (3), from where or what (3). */
#include "record/store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES 3
#define FILE_MAX (1u << 17)
#define EDIT 8
#define PAGES_ROWS 20 /* in the pages; STEP more for each batch in the log */
#define STEP 5
#define STEPS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[FILES] = {"store.head", "store.db", "store.wal"};
static const uint8_t key[32] = {5};
static char folder[64];
static int dir;

struct file {
    size_t n;
    uint8_t bytes[FILE_MAX];
};
static struct file good[FILES];
static struct file tried[FILES];

static void need(bool right)
{
    if (!right)
        abort();
}

static void text_of(int64_t a, char out[128])
{
    (void)snprintf(out, 128, "%0*lld is a row", (int)(60 + a % 40), (long long)a);
}

static void rows(struct store *s, int64_t first, int64_t n)
{
    struct error e;
    struct store_conn *w = store_writer(s);
    need(store_begin(w, &e) == 0);
    for (int64_t a = first; a < first + n; a++) {
        char text[128];
        text_of(a, text);
        struct store_stmt *q = store_stmt(w, "INSERT INTO t VALUES (?1, ?2)");
        store_bind_int(q, 1, a);
        store_bind_str(q, 2, text);
        need(store_run(q, &e) == 0);
    }
    need(store_commit(w, &e) == 0);
}

static void clean(void)
{
    for (size_t f = 0; f < FILES; f++)
        (void)unlinkat(dir, names[f], 0);
    (void)rmdir(folder);
}

static void make(void)
{
    static const struct store_migration schema = {"001", "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT; CREATE INDEX t_b ON t(b);"};
    struct error e;
    struct store_mark mark;
    (void)snprintf(folder, sizeof folder, "%s/tq-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    need(mkdtemp(folder) != NULL);
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)atexit(clean);
    struct store *s = store_open(dir, key, NULL, NULL, &e);
    need(s != NULL && store_migrate(s, &schema, 1, &e) == 0);
    rows(s, 0, PAGES_ROWS);
    need(store_checkpoint(s, &mark, &e) == 0);
    for (int i = 0; i < STEPS; i++)
        rows(s, PAGES_ROWS + (int64_t)i * STEP, STEP);
    store_close(s);
    for (size_t f = 0; f < FILES; f++) {
        int fd = openat(dir, names[f], O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, good[f].bytes, FILE_MAX);
        need(n > 0 && n < (ssize_t)FILE_MAX);
        good[f].n = (size_t)n;
        (void)close(fd);
    }
}

static void edit(struct span *in)
{
    uint8_t what = span_u8(in);
    size_t n = span_u8(in);
    struct file *f = &tried[what % FILES];
    size_t at = span_be24(in) % (f->n + 1);
    uint32_t value = span_be24(in);
    size_t from = value % (f->n + 1);
    switch (what / FILES % 5) {
    case 0: /* a bit */
        if (at < f->n)
            f->bytes[at] ^= (uint8_t)(1u << value % 8);
        break;
    case 1: f->n = at; break;
    case 2: /* bytes of the same file */
        if (at + n <= f->n && from + n <= f->n)
            memmove(f->bytes + at, f->bytes + from, n);
        break;
    case 3: /* a page or frame of the same file */
        at = at / 4096 * 4096;
        from = from / 4096 * 4096;
        if (at + 4096 <= f->n && from + 4096 <= f->n)
            memmove(f->bytes + at, f->bytes + from, 4096);
        break;
    default: /* more than belongs there */
        if (f->n + n <= FILE_MAX) {
            memset(f->bytes + f->n, (int)(value & 255), n);
            f->n += n;
        }
    }
}

static void ask(struct store *s)
{
    struct error e = {0};
    struct store_conn *r = store_reader_open(s, &e);
    int64_t n = 0;
    need(r != NULL && store_look(r, &e) == 0);
    struct store_stmt *q = store_stmt(r, "SELECT a, b FROM t ORDER BY a");
    while (store_step(q)) {
        char text[128];
        text_of(n, text);
        need(store_int(q, 0) == n && span_is(store_text(q, 1), text));
        n++;
    }
    need(store_done(q, &e) == 0);
    need(n >= PAGES_ROWS && n <= PAGES_ROWS + STEPS * STEP && (n - PAGES_ROWS) % STEP == 0);
    need(store_run_int(store_stmt(r, "SELECT count(DISTINCT b) FROM t INDEXED BY t_b"), -1, &e) == n);
    store_look_end(r);
    store_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    struct span in = span_of(data, size < 64 * EDIT ? size : 64 * EDIT);
    struct store_scanned scanned;
    struct error e = {0};
    if (!made)
        make();
    made = true;
    memcpy(tried, good, sizeof tried);
    while (in.n >= EDIT)
        edit(&in);
    for (size_t f = 0; f < FILES; f++) {
        int fd = openat(dir, names[f], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        need(fd >= 0 && write(fd, tried[f].bytes, tried[f].n) == (ssize_t)tried[f].n);
        (void)close(fd);
    }
    bool holds = store_scan(dir, key, &scanned, &e) == 0;
    struct store *s = store_open(dir, key, NULL, NULL, &e);
    need((s != NULL) == holds);
    if (s != NULL)
        ask(s);
    store_close(s);
    return 0;
}
