#include "record/ledger/cut.h"

#include "record/ledger/file.h"
#include "record/ledger/inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_MAX (256u << 20) /* most bytes of one of them: a key file of 2,097,152 keys and 1,048,576 erased ones */
#define SMALL_FILES 4096

/* ── What changes ── */

static struct cut_small *add(struct ledger_cut *c, const char *path, struct error *e)
{
    if (c->n == SMALL_FILES) {
        (void)err_set(e, ERR_LIMIT, "the ledger's folder holds more than %d small files", SMALL_FILES);
        return NULL;
    }
    struct cut_small *more = reallocarray(c->small, c->n + 1, sizeof *more);
    if (more == NULL) {
        (void)err_sys(e, ENOMEM, "copying the ledger");
        return NULL;
    }
    c->small = more;
    more += c->n++;
    (void)snprintf(more->path, sizeof more->path, "%s", path);
    more->bytes = BUF_INIT(SMALL_MAX);
    return more;
}

static int add_bytes(struct ledger_cut *c, const char *path, struct span bytes, struct error *e)
{
    struct cut_small *s = add(c, path, e);
    if (s == NULL)
        return -1;
    buf_add_span(&s->bytes, bytes);
    return buf_ok(&s->bytes) ? 0 : err_sys(e, ENOMEM, "copying the ledger");
}

/* A file that may be missing. */
static int add_file(struct ledger_cut *c, const char *path, struct error *e)
{
    struct error why = {0};
    struct cut_small *s = add(c, path, e);
    if (s == NULL)
        return -1;
    if (file_load(c->dir, path, SMALL_MAX, &s->bytes, &why) == 0)
        return 0;
    buf_release(&s->bytes);
    c->n--;
    if (why.class == ERR_CLOSED)
        return 0;
    *e = why;
    return -1;
}

static int add_folder(struct ledger_cut *c, const char *folder, struct error *e)
{
    int fd = openat(c->dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(e, errno, "opening the folder %s", folder);
    DIR *d = fdopendir(fd);
    if (d == NULL) {
        (void)close(fd);
        return err_sys(e, errno, "opening the folder %s", folder);
    }
    int rc = 0;
    for (struct dirent *f = readdir(d); f != NULL && rc == 0; f = readdir(d)) {
        char path[CUT_PATH];
        const char *dot = strrchr(f->d_name, '.');
        if (f->d_name[0] == '.' || (dot != NULL && strcmp(dot, ".tmp") == 0) ||
            (size_t)snprintf(path, sizeof path, "%s/%s", folder, f->d_name) >= sizeof path)
            continue;
        rc = add_file(c, path, e);
    }
    (void)closedir(d);
    return rc;
}

int ledger_cut_take(struct ledger *l, tq_time now, struct ledger_cut *ret, struct error *e)
{
    struct journal_base base;
    uint8_t page[JOURNAL_PAGE];
    static const char *const files[] = {"keyring", "erasures", "verifier.pub"};
    *ret = (struct ledger_cut){.dir = -1};
    if (ledger_settle(l, now, &base, e) != 0)
        return -1;
    ret->of = l;
    ledger_hold(l, base.size);
    ret->dir = fcntl(ledger_dir(l), F_DUPFD_CLOEXEC, 0);
    if (ret->dir < 0)
        return err_sys(e, errno, "copying the ledger");
    memcpy(ret->log_id, base.log_id, LOG_ID);
    memcpy(ret->root, base.root.b, sizeof ret->root);
    ret->size = base.size;
    for (unsigned i = 0; i < STREAMS; i++) {
        ret->last[i] = base.segment[i].first;
        ret->length[i] = base.segment[i].length;
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (add_file(ret, files[i], e) != 0)
            return -1;
    journal_page(&base, page);
    if (add_folder(ret, "keys", e) != 0 || add_folder(ret, "witness", e) != 0 || add_bytes(ret, "checkpoint", span_str(ledger_checkpoint(l)), e) != 0)
        return -1;
    return add_bytes(ret, journal_path(base.generation), span_of(page, sizeof page), e);
}

void ledger_cut_release(struct ledger_cut *c)
{
    for (size_t i = 0; i < c->n; i++)
        buf_release(&c->small[i].bytes);
    free(c->small);
    if (c->of != NULL)
        ledger_let_go(c->of);
    if (c->dir >= 0)
        (void)close(c->dir);
    *c = (struct ledger_cut){.dir = -1};
}

struct span ledger_cut_small(const struct ledger_cut *c, const char *path)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->small[i].path, path) == 0)
            return buf_span(&c->small[i].bytes);
    return (struct span){0};
}

/* ── What only grows, or never changes ── */

struct handing {
    const struct ledger_cut *c;
    int (*each)(void *context, const struct cut_file *file, struct error *e);
    void *context;
};

static int hand_bytes(const struct handing *h, const char *path, struct span bytes, struct error *e)
{
    return h->each(h->context, &(struct cut_file){.path = path, .fd = -1, .bytes = bytes, .length = bytes.n}, e);
}

/* length: SEGMENT_NONE, all of it. A file that went since the cut is stepped over where `may_go` says so. */
static int hand_file(const struct handing *h, const char *path, uint64_t length, bool may_go, struct error *e)
{
    struct stat st;
    struct error why = {0};
    int fd = file_open_read(h->c->dir, path, &why);
    if (fd < 0) {
        if (why.class == ERR_CLOSED && may_go)
            return 0;
        return err_set(e, why.class == ERR_CLOSED ? ERR_CORRUPT : why.class, "the ledger cannot be copied: %s", why.text);
    }
    int rc = 0;
    if (fstat(fd, &st) != 0)
        rc = err_sys(e, errno, "reading %s", path);
    else if (length != SEGMENT_NONE && (uint64_t)st.st_size < length)
        rc = err_set(e, ERR_CORRUPT, "the ledger cannot be copied: %s has lost its end", path);
    else
        rc = h->each(h->context, &(struct cut_file){.path = path, .fd = fd, .length = length != SEGMENT_NONE ? length : (uint64_t)st.st_size}, e);
    (void)close(fd);
    return rc;
}

/* Segments first and then what stands in the place of removed ones: one that is removed in between leaves its mark to be found. */
static int hand_stream(const struct handing *h, enum ledger_stream stream, struct error *e)
{
    static const char *const suffixes[] = {"", ".removed"};
    unsigned slot = stream_slot(stream);
    int rc = 0;
    for (unsigned k = 0; k < 2 && rc == 0; k++) {
        uint64_t *firsts = NULL;
        size_t n = 0;
        if (segment_list(h->c->dir, stream, suffixes[k], &firsts, &n, e) != 0)
            return -1;
        for (size_t i = 0; i < n && rc == 0; i++) {
            char path[SEGMENT_PATH];
            char marked[SEGMENT_PATH + 16];
            if (h->c->last[slot] == SEGMENT_NONE || firsts[i] > h->c->last[slot])
                continue;
            segment_path(path, stream, firsts[i]);
            (void)snprintf(marked, sizeof marked, "%s%s", path, suffixes[k]);
            rc = hand_file(h, marked, k == 0 && firsts[i] == h->c->last[slot] ? h->c->length[slot] : SEGMENT_NONE, firsts[i] != h->c->last[slot], e);
        }
        free(firsts);
    }
    return rc;
}

/* The last tile of a level, as wide as it was: it may be wider or full on disk by now. */
static int hand_partial(const struct handing *h, int level, struct error *e)
{
    char path[TILE_PATH];
    struct tree_hash hashes[TILE_WIDTH];
    unsigned width = tile_partial(h->c->size, level);
    uint64_t n = tile_full(h->c->size, level);
    if (width == 0)
        return 0;
    tile_path(path, level, n, width);
    if (level != TILE_ENTRIES)
        return tile_load(h->c->dir, level, n, width, hashes, e) == 0 ? hand_bytes(h, path, span_of(hashes, width * sizeof hashes[0]), e) : -1;
    struct buf bundle = BUF_INIT(BUNDLE_MAX);
    int rc = bundle_load(h->c->dir, n, width, &bundle, NULL, e);
    if (rc == 0)
        rc = hand_bytes(h, path, buf_span(&bundle), e);
    buf_release(&bundle);
    return rc;
}

static int hand_tiles(const struct handing *h, struct error *e)
{
    char path[TILE_PATH];
    for (int level = TILE_ENTRIES; level < TILE_LEVELS; level++) {
        for (uint64_t n = 0; n < tile_full(h->c->size, level); n++) {
            tile_path(path, level, n, TILE_WIDTH);
            if (hand_file(h, path, SEGMENT_NONE, false, e) != 0)
                return -1;
        }
        if (hand_partial(h, level, e) != 0)
            return -1;
    }
    return 0;
}

int ledger_cut_files(const struct ledger_cut *c, int (*each)(void *context, const struct cut_file *file, struct error *e), void *context,
                     struct error *e)
{
    const struct handing h = {.c = c, .each = each, .context = context};
    for (size_t i = 0; i < c->n; i++)
        if (hand_bytes(&h, c->small[i].path, buf_span(&c->small[i].bytes), e) != 0)
            return -1;
    if (hand_stream(&h, LEDGER_CUSTODY, e) != 0 || hand_stream(&h, LEDGER_OBSERVATION, e) != 0)
        return -1;
    return hand_tiles(&h, e);
}
