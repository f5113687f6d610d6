#include "ledger_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[64]; /* this test's folder */
char ledger_path[96];
char key_path[96];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void folder_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A fresh folder, in memory where the machine has such a place: the sweeps write thousands of files. */
int place_make(void **state)
{
    (void)state;
    (void)snprintf(place, sizeof place, "%s/tq-ledger-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(place) == NULL)
        return -1;
    (void)snprintf(ledger_path, sizeof ledger_path, "%s/ledger", place);
    (void)snprintf(key_path, sizeof key_path, "%s/root.key", place);
    return 0;
}

int place_remove(void **state)
{
    (void)state;
    return nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct ledger_options place_options(void)
{
    return (struct ledger_options){.dir = ledger_path, .key_file = key_path, .origin = "tourniquet.local/test", .create = true};
}

struct ledger *open_ledger(char note[256])
{
    struct ledger_options o = place_options();
    struct error e = {0};
    struct ledger *l = ledger_open(&o, note, &e);
    if (l == NULL)
        print_error("%s\n", e.text);
    assert_non_null(l);
    return l;
}

/* ── Snapshots of a folder ── */

static struct snapshot *filling;
static const char *root; /* of the folder that is taken */

static int take_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    if (strlen(path) == strlen(root))
        return 0;
    assert_true(filling->n < SNAPSHOT_FILES);
    size_t i = filling->n++;
    (void)snprintf(filling->files[i].path, sizeof filling->files[i].path, "%s", path + strlen(root) + 1);
    filling->files[i].folder = kind == FTW_D;
    filling->files[i].bytes = BUF_INIT(16u << 20);
    if (kind == FTW_D)
        return 0;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    if (st->st_size > 0)
        assert_true(buf_reserve(&filling->files[i].bytes, (size_t)st->st_size));
    if (st->st_size > 0)
        assert_int_equal(read(fd, filling->files[i].bytes.p, (size_t)st->st_size), st->st_size);
    filling->files[i].bytes.n = (size_t)st->st_size;
    (void)close(fd);
    return 0;
}

struct snapshot *snapshot_take(const char *folder)
{
    root = folder;
    filling = calloc(1, sizeof *filling);
    assert_non_null(filling);
    assert_int_equal(nftw(folder, take_one, 16, FTW_PHYS), 0);
    return filling;
}

void snapshot_free(struct snapshot *s)
{
    for (size_t i = 0; i < s->n; i++)
        buf_release(&s->files[i].bytes);
    free(s);
}

void put_file(const char *path, struct span bytes)
{
    char full[256];
    (void)snprintf(full, sizeof full, "%s/%s", ledger_path, path);
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    if (bytes.n > 0)
        assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
    (void)close(fd);
}

void snapshot_restore(const struct snapshot *s)
{
    folder_remove(ledger_path);
    assert_int_equal(mkdir(ledger_path, 0700), 0);
    for (size_t i = 0; i < s->n; i++) { /* folders come before what is in them */
        char full[256];
        (void)snprintf(full, sizeof full, "%s/%s", ledger_path, s->files[i].path);
        if (s->files[i].folder)
            assert_int_equal(mkdir(full, 0700), 0);
        else
            put_file(s->files[i].path, buf_span(&s->files[i].bytes));
    }
}

struct buf *snapshot_file(struct snapshot *s, const char *path)
{
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->files[i].path, path) == 0)
            return &s->files[i].bytes;
    }
    print_error("no file %s\n", path);
    abort();
}
