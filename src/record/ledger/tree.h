/* The Merkle tree of RFC 6962/9162: hashes, the growing right edge, proofs made and checked. No I/O, no allocation. */
#ifndef TQ_LEDGER_TREE_H
#define TQ_LEDGER_TREE_H

#include "base/error.h"
#include "base/span.h"

#define TREE_HEIGHT 64 /* most levels, and so most hashes of an inclusion proof */

struct tree_hash {
    uint8_t b[32];
};

/* All perfect subtrees of the first `size` leaves, largest first: what is needed to add a leaf or to compute the root. */
struct tree {
    uint64_t size;
    unsigned depth;
    struct tree_hash stack[TREE_HEIGHT];
};

void tree_leaf_hash(struct span entry, struct tree_hash *ret);                                           /* H(00 || entry) */
void tree_node_hash(const struct tree_hash *left, const struct tree_hash *right, struct tree_hash *ret); /* H(01 || left || right) */
bool tree_hash_equal(const struct tree_hash *a, const struct tree_hash *b);

/* Adds a leaf. made[0] is the leaf, made[h] the node of height h that it completes; returns how many were made (at least 1). */
unsigned tree_append(struct tree *t, const struct tree_hash *leaf, struct tree_hash made[TREE_HEIGHT]);
void tree_root(const struct tree *t, struct tree_hash *ret); /* of no leaf: H("") */

/* Gives the root of the perfect subtree over leaves [index * 2^height, (index + 1) * 2^height). -1: not to be had, with the error set. */
struct tree_source {
    int (*get)(void *context, unsigned height, uint64_t index, struct tree_hash *ret, struct error *e);
    void *context;
};

/* Loads the right edge of a tree of `size` leaves. */
int tree_load(struct tree *t, uint64_t size, const struct tree_source *source, struct error *e);

/* The proof that leaf `index` is in the tree of `size` (leaf's sibling first). ERR_MISUSE: index is not below size. */
int tree_prove_inclusion(uint64_t index, uint64_t size, const struct tree_source *source, struct tree_hash path[TREE_HEIGHT], size_t *ret_n,
                         struct error *e);

/* The proof that the tree of `size` begins with the tree of `old`. ERR_MISUSE: old is greater than size. */
int tree_prove_consistency(uint64_t old, uint64_t size, const struct tree_source *source, struct tree_hash path[2 * TREE_HEIGHT], size_t *ret_n,
                           struct error *e);

bool tree_check_inclusion(uint64_t index, uint64_t size, const struct tree_hash *leaf, const struct tree_hash *path, size_t n,
                          const struct tree_hash *root);

/* old = 0 proves nothing about `root`: it holds for an empty path and says only that every tree begins with the empty one. */
bool tree_check_consistency(uint64_t old, uint64_t size, const struct tree_hash *old_root, const struct tree_hash *root, const struct tree_hash *path,
                            size_t n);

#endif
