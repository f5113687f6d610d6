#include "record/ledger/tiles.h"

#include "record/ledger/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FEW_TILES 8 /* up to here each file is synced by itself */

void tile_path(char out[TILE_PATH], int level, uint64_t n, unsigned width)
{
    unsigned groups[7]; /* of three digits, last first: 2^64 has 20 digits */
    unsigned count = 0;
    do {
        groups[count++] = (unsigned)(n % 1000);
        n /= 1000;
    } while (n > 0);
    int used = level < 0 ? snprintf(out, TILE_PATH, "tile/entries/") : snprintf(out, TILE_PATH, "tile/%d/", level);
    while (count-- > 0)
        used += snprintf(out + used, TILE_PATH - (size_t)used, count > 0 ? "x%03u/" : "%03u", groups[count]);
    if (width < TILE_WIDTH)
        (void)snprintf(out + used, TILE_PATH - (size_t)used, ".p/%u", width);
}

/* Finds and loads a file of at least `width` items; *ret_width is how many it must have. */
static int load_wide(int dir, int level, uint64_t n, unsigned width, size_t max, struct buf *out, unsigned *ret_width, struct error *e)
{
    char path[TILE_PATH];
    struct error why = {0};
    for (unsigned step = 0; step <= TILE_WIDTH; step++) { /* the exact one, the full one, then wider partials */
        unsigned w = step == 0 ? width : step == 1 ? TILE_WIDTH : width + step - 1;
        if (step > 0 && (width == TILE_WIDTH || (step > 1 && w >= TILE_WIDTH)))
            break;
        tile_path(path, level, n, w);
        if (file_load(dir, path, max, out, &why) == 0) {
            *ret_width = w;
            return 0;
        }
        if (why.class != ERR_CLOSED) {
            if (e != NULL)
                *e = why;
            return -1;
        }
    }
    tile_path(path, level, n, width);
    return err_set(e, ERR_CORRUPT, "%s is missing", path);
}

int tile_load(int dir, int level, uint64_t n, unsigned width, struct tree_hash out[TILE_WIDTH], struct error *e)
{
    struct buf file = BUF_INIT(sizeof(struct tree_hash) * TILE_WIDTH);
    unsigned has = 0;
    int rc = load_wide(dir, level, n, width, file.max, &file, &has, e);
    if (rc == 0 && file.n != sizeof(struct tree_hash) * has) {
        char path[TILE_PATH];
        tile_path(path, level, n, has);
        rc = err_set(e, ERR_CORRUPT, "%s has not the length of a tile of %u hashes", path, has);
    }
    if (rc == 0)
        memcpy(out, file.p, sizeof(struct tree_hash) * width);
    buf_release(&file);
    return rc;
}

bool bundle_next(struct span *in, struct span *ret_entry)
{
    if (in->n == 0)
        return false;
    uint16_t n = span_be16(in);
    *ret_entry = span_take(in, n);
    return !in->bad;
}

int bundle_load(int dir, uint64_t n, unsigned width, struct buf *out, unsigned *ret_good, struct error *e)
{
    size_t before = out->n;
    unsigned has = 0;
    unsigned good = 0;
    size_t end = before;
    int rc = load_wide(dir, TILE_ENTRIES, n, width, BUNDLE_MAX, out, &has, e);
    if (rc == 0) {
        struct span in = span_of(out->p + before, out->n - before);
        struct span entry;
        while (good < has && bundle_next(&in, &entry) && entry.n == ENTRY_BYTES) {
            if (++good == width)
                end = (size_t)(in.p - out->p);
        }
        if (good < has || in.n > 0) {
            char path[TILE_PATH];
            tile_path(path, TILE_ENTRIES, n, has);
            rc = err_set(e, ERR_CORRUPT, "%s is not a bundle of %u entries (%u are well-formed)", path, has, good);
        }
    }
    if (ret_good != NULL)
        *ret_good = good;
    out->n = rc == 0 ? end : before; /* a wider file may have been read */
    return rc;
}

/* ── Hashes out of tiles ── */

void tile_source_init(struct tile_source *s, int dir, uint64_t size)
{
    s->dir = dir;
    s->size = size;
    s->level = -1;
}

static int source_get(void *context, unsigned height, uint64_t index, struct tree_hash *ret, struct error *e)
{
    struct tile_source *s = context;
    int level = (int)(height / 8);
    unsigned rest = height % 8;
    uint64_t first = index << rest; /* in hashes of this level */
    uint64_t n = first / TILE_WIDTH;
    if (s->level != level || s->n != n) {
        unsigned width = n < tile_full(s->size, level) ? TILE_WIDTH : tile_partial(s->size, level);
        s->level = -1;
        if (tile_load(s->dir, level, n, width, s->hashes, e) != 0)
            return -1;
        s->level = level;
        s->n = n;
    }
    struct tree t = {0};
    struct tree_hash made[TREE_HEIGHT];
    for (uint64_t i = 0; i < UINT64_C(1) << rest; i++)
        (void)tree_append(&t, &s->hashes[(first + i) % TILE_WIDTH], made);
    tree_root(&t, ret);
    return 0;
}

struct tree_source tile_tree_source(struct tile_source *s)
{
    return (struct tree_source){.get = source_get, .context = s};
}

/* ── The right edge ── */

void edge_init(struct edge *x, int dir)
{
    memset(x, 0, sizeof *x);
    x->dir = dir;
    x->bundle = BUF_INIT(BUNDLE_MAX);
}

void edge_release(struct edge *x)
{
    buf_release(&x->bundle);
}

int edge_load(struct edge *x, uint64_t size, struct error *e)
{
    struct tile_source *s = malloc(sizeof *s);
    if (s == NULL)
        return err_set(e, ERR_SYSTEM, "not enough memory to read the tree");
    tile_source_init(s, x->dir, size);
    struct tree_source source = tile_tree_source(s);
    int rc = tree_load(&x->tree, size, &source, e);
    free(s);
    for (int level = 0; level < TILE_LEVELS && rc == 0; level++) {
        unsigned width = tile_partial(size, level);
        if (width > 0)
            rc = tile_load(x->dir, level, tile_full(size, level), width, x->tiles[level], e);
    }
    buf_clear(&x->bundle);
    if (rc == 0 && tile_partial(size, TILE_ENTRIES) > 0)
        rc = bundle_load(x->dir, tile_full(size, TILE_ENTRIES), tile_partial(size, TILE_ENTRIES), &x->bundle, NULL, e);
    return rc;
}

static int store(struct edge *x, int level, uint64_t n, unsigned width, struct error *e)
{
    char path[TILE_PATH];
    tile_path(path, level, n, width);
    struct span data = level == TILE_ENTRIES ? buf_span(&x->bundle) : span_of(x->tiles[level], width * sizeof(struct tree_hash));
    return file_store(x->dir, path, data, width == TILE_WIDTH, e); /* full ones stay: settling finds them written */
}

int edge_add(struct edge *x, struct span entry, const struct tree_hash *leaf, struct error *e)
{
    UNCLEARED struct tree_hash made[TREE_HEIGHT];
    uint64_t at = x->tree.size;
    unsigned count = tree_append(&x->tree, leaf, made);
    buf_be16(&x->bundle, (uint16_t)entry.n);
    buf_add_span(&x->bundle, entry);
    if (!buf_ok(&x->bundle))
        return err_set(e, ERR_SYSTEM, "not enough memory for a bundle of entries");
    if (at % TILE_WIDTH == TILE_WIDTH - 1) {
        if (store(x, TILE_ENTRIES, at / TILE_WIDTH, TILE_WIDTH, e) != 0)
            return -1;
        buf_clear(&x->bundle);
    }
    for (unsigned level = 0; level < TILE_LEVELS && 8 * level < count; level++) {
        uint64_t i = at >> (8 * level);
        x->tiles[level][i % TILE_WIDTH] = made[8 * level];
        if (i % TILE_WIDTH == TILE_WIDTH - 1 && store(x, (int)level, i / TILE_WIDTH, TILE_WIDTH, e) != 0)
            return -1;
    }
    return 0;
}

int edge_publish(struct edge *x, uint64_t published, struct error *e)
{
    uint64_t size = x->tree.size;
    for (int level = TILE_ENTRIES; level < TILE_LEVELS; level++) {
        unsigned shift = 8u * (unsigned)(level < 0 ? 0 : level);
        unsigned width = tile_partial(size, level);
        if (width == 0 || published >> shift == size >> shift)
            continue; /* there is none, or it stands there already */
        if (store(x, level, tile_full(size, level), width, e) != 0)
            return -1;
    }
    return 0;
}

/* Syncs the folder of path and those above it, up to the ledger's own, unless `last` is the same folder. */
static int sync_folders(int dir, const char *path, char last[TILE_PATH], struct error *e)
{
    char folder[TILE_PATH];
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strrchr(folder, '/'); slash != NULL; slash = strrchr(folder, '/')) {
        *slash = 0;
        if (strcmp(folder, last) == 0)
            return 0;
        if (last[0] == 0 || strlen(folder) >= strlen(last) || strncmp(folder, last, strlen(folder)) != 0) {
            if (file_sync_path(dir, folder, e) != 0)
                return -1;
        }
    }
    return 0;
}

int edge_sync(struct edge *x, uint64_t base, struct error *e)
{
    uint64_t size = x->tree.size;
    if (tile_full(size, 0) - tile_full(base, 0) > FEW_TILES)
        return file_sync_all(x->dir, e);
    char path[TILE_PATH];
    char last[TILE_PATH] = "";
    for (int level = TILE_ENTRIES; level < TILE_LEVELS; level++) {
        uint64_t full = tile_full(size, level);
        unsigned width = tile_partial(size, level);
        for (uint64_t n = tile_full(base, level); n < full || (n == full && width > 0); n++) {
            tile_path(path, level, n, n < full ? TILE_WIDTH : width);
            if (file_sync_path(x->dir, path, e) != 0 || sync_folders(x->dir, path, last, e) != 0)
                return -1;
            char *slash = strrchr(path, '/');
            *slash = 0;
            (void)snprintf(last, sizeof last, "%s", path);
        }
    }
    return 0;
}

void edge_tidy(struct edge *x, uint64_t base)
{
    char path[TILE_PATH + 4];
    for (int level = TILE_ENTRIES; level < TILE_LEVELS; level++) {
        for (uint64_t n = tile_full(base, level); n < tile_full(x->tree.size, level); n++) {
            tile_path(path, level, n, TILE_WIDTH);
            memcpy(path + strlen(path), ".p", 3);
            (void)file_remove_dir(x->dir, path, NULL); /* one that stays does no harm */
        }
    }
}

void edge_tidy_last(struct edge *x)
{
    for (int level = TILE_ENTRIES; level < TILE_LEVELS; level++) {
        char path[TILE_PATH];
        unsigned width = tile_partial(x->tree.size, level);
        tile_path(path, level, tile_full(x->tree.size, level), width);
        char *slash = strrchr(path, '/');
        *slash = 0;
        int fd = openat(x->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        if (d == NULL) {
            if (fd >= 0)
                (void)close(fd);
            continue;
        }
        char keep[8];
        (void)snprintf(keep, sizeof keep, "%u", width);
        for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
            if (entry->d_name[0] != '.' && strcmp(entry->d_name, keep) != 0)
                (void)unlinkat(fd, entry->d_name, 0);
        }
        (void)closedir(d);
    }
}
