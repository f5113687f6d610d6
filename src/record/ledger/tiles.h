/* The tree on disk in C2SP tlog-tiles form: names, reading, and the growing right edge that the writer keeps. */
#ifndef TQ_LEDGER_TILES_H
#define TQ_LEDGER_TILES_H

#include "base/buf.h"
#include "base/error.h"
#include "record/ledger/entry.h"
#include "record/ledger/tree.h"

#define TILE_WIDTH 256
#define TILE_LEVELS 8 /* levels 0-7: 2^64 leaves */
#define TILE_PATH 64
#define TILE_ENTRIES (-1) /* the level that stands for entry bundles */
#define BUNDLE_MAX (TILE_WIDTH * (2 + ENTRY_BYTES))

/* tile/<level>/<n> or tile/entries/<n>; width below 256 adds .p/<width>. */
void tile_path(char out[TILE_PATH], int level, uint64_t n, unsigned width);

/* Width of the partial tile of this level in a tree of `size`: 0, there is none. */
static inline unsigned tile_partial(uint64_t size, int level)
{
    return (unsigned)(size >> (8 * (level < 0 ? 0 : level)) & 255);
}

/* Number of full tiles of this level. */
static inline uint64_t tile_full(uint64_t size, int level)
{
    return level >= TILE_LEVELS - 1 ? 0 : size >> (8 * ((level < 0 ? 0 : level) + 1));
}

/* Reads at least the first `width` hashes of a tile, from the file of that width, the full one, or a wider one. ERR_CORRUPT: missing or of a wrong
 * length. */
int tile_load(int dir, int level, uint64_t n, unsigned width, struct tree_hash out[TILE_WIDTH], struct error *e);

/* The same for a bundle: appends the bytes of its first `width` entries. *ret_good (may be NULL): how many entries from the front are well-formed. */
int bundle_load(int dir, uint64_t n, unsigned width, struct buf *out, unsigned *ret_good, struct error *e);

/* Takes the next entry off a bundle. False: none left, or not well-formed (in->bad). */
bool bundle_next(struct span *in, struct span *ret_entry);

/* Hashes of perfect subtrees out of the tiles of a tree of `size`, the last tile read kept at hand. */
struct tile_source {
    int dir;
    uint64_t size;
    int level; /* what is in hashes: -1 nothing */
    uint64_t n;
    struct tree_hash hashes[TILE_WIDTH];
};

void tile_source_init(struct tile_source *s, int dir, uint64_t size);
struct tree_source tile_tree_source(struct tile_source *s);

/* The writer's right edge: the tree, and the tiles and the bundle that are not full yet. */
struct edge {
    int dir;
    struct tree tree;
    struct tree_hash tiles[TILE_LEVELS][TILE_WIDTH];
    struct buf bundle;
};

void edge_init(struct edge *x, int dir);
void edge_release(struct edge *x);
int edge_load(struct edge *x, uint64_t size, struct error *e);                                  /* from the files of a tree of this size */
int edge_add(struct edge *x, struct span entry, const struct tree_hash *leaf, struct error *e); /* leaf: its hash; writes what becomes full */
int edge_publish(struct edge *x, uint64_t published, struct error *e); /* writes the partials that differ from those of the size published before */
int edge_sync(struct edge *x, uint64_t base, struct error *e);         /* makes durable what was written since the tree had `base` leaves */
void edge_tidy(struct edge *x, uint64_t base);                         /* removes partials of tiles full since `base`, after edge_sync */
void edge_tidy_last(struct edge *x);                                   /* removes all partials but those of the present size */

#endif
