#include "record/ledger/tree.h"

#include "record/crypto/crypto.h"

void tree_leaf_hash(struct span entry, struct tree_hash *ret)
{
    crypto_sha256_parts((struct span[]){SPAN_LIT("\0"), entry}, 2, ret->b);
}

void tree_node_hash(const struct tree_hash *left, const struct tree_hash *right, struct tree_hash *ret)
{
    uint8_t both[65];
    both[0] = 1;
    memcpy(both + 1, left->b, 32);
    memcpy(both + 33, right->b, 32);
    crypto_sha256(span_of(both, sizeof both), ret->b);
}

bool tree_hash_equal(const struct tree_hash *a, const struct tree_hash *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

unsigned tree_append(struct tree *t, const struct tree_hash *leaf, struct tree_hash made[TREE_HEIGHT])
{
    unsigned height = 0;
    made[0] = *leaf;
    for (uint64_t rest = t->size; (rest & 1) != 0 && height + 1 < TREE_HEIGHT; rest >>= 1, height++) {
        t->depth--;
        tree_node_hash(&t->stack[t->depth], &made[height], &made[height + 1]);
    }
    t->stack[t->depth++] = made[height];
    t->size++;
    return height + 1;
}

void tree_root(const struct tree *t, struct tree_hash *ret)
{
    if (t->depth == 0) {
        crypto_sha256(span_of(NULL, 0), ret->b);
        return;
    }
    struct tree_hash r = t->stack[t->depth - 1];
    for (unsigned i = t->depth - 1; i > 0; i--)
        tree_node_hash(&t->stack[i - 1], &r, &r);
    *ret = r;
}

int tree_load(struct tree *t, uint64_t size, const struct tree_source *source, struct error *e)
{
    struct tree made = {.size = size};
    uint64_t begin = 0;
    for (unsigned height = TREE_HEIGHT; height-- > 0;) {
        if ((size >> height & 1) == 0)
            continue;
        if (source->get(source->context, height, begin >> height, &made.stack[made.depth++], e) != 0)
            return -1;
        begin += UINT64_C(1) << height;
    }
    *t = made;
    return 0;
}

/* Height of the largest power of two strictly below n (n > 1). */
static unsigned split_height(uint64_t n)
{
    return 63u - (unsigned)__builtin_clzll(n - 1);
}

/* Root over leaves [begin, end), where begin is a multiple of the power of two at or above end - begin. */
static int range_root(uint64_t begin, uint64_t end, const struct tree_source *source, struct tree_hash *ret, struct error *e)
{
    uint64_t n = end - begin;
    if ((n & (n - 1)) == 0) {
        unsigned height = (unsigned)__builtin_ctzll(n);
        return source->get(source->context, height, begin >> height, ret, e);
    }
    /* the perfect subtrees from left to right, put together from the right */
    struct tree_hash parts[TREE_HEIGHT];
    unsigned count = 0;
    for (uint64_t at = begin; at < end; count++) {
        unsigned height = 63u - (unsigned)__builtin_clzll(end - at);
        if (source->get(source->context, height, at >> height, &parts[count], e) != 0)
            return -1;
        at += UINT64_C(1) << height;
    }
    *ret = parts[count - 1];
    for (unsigned i = count - 1; i > 0; i--)
        tree_node_hash(&parts[i - 1], ret, ret);
    return 0;
}

static void reverse(struct tree_hash *path, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct tree_hash h = path[i];
        path[i] = path[n - 1 - i];
        path[n - 1 - i] = h;
    }
}

int tree_prove_inclusion(uint64_t index, uint64_t size, const struct tree_source *source, struct tree_hash path[TREE_HEIGHT], size_t *ret_n,
                         struct error *e)
{
    if (index >= size)
        return err_set(e, ERR_MISUSE, "there is no record %llu: the ledger has %llu, counted from 0", (unsigned long long)index,
                       (unsigned long long)size);
    uint64_t begin = 0;
    uint64_t end = size;
    size_t n = 0;
    while (end - begin > 1) { /* from the root down; RFC 9162, 2.1.3.1 */
        uint64_t middle = begin + (UINT64_C(1) << split_height(end - begin));
        bool left = index < middle;
        if (range_root(left ? middle : begin, left ? end : middle, source, &path[n++], e) != 0)
            return -1;
        begin = left ? begin : middle;
        end = left ? middle : end;
    }
    reverse(path, n);
    *ret_n = n;
    return 0;
}

int tree_prove_consistency(uint64_t old, uint64_t size, const struct tree_source *source, struct tree_hash path[2 * TREE_HEIGHT], size_t *ret_n,
                           struct error *e)
{
    if (old > size)
        return err_set(e, ERR_MISUSE, "a tree of %llu records cannot begin with %llu", (unsigned long long)size, (unsigned long long)old);
    *ret_n = 0;
    if (old == 0 || old == size)
        return 0;
    uint64_t begin = 0;
    uint64_t end = size;
    size_t n = 0;
    while (old != end) { /* RFC 9162, 2.1.4.1: begin > 0 is the flag's false */
        uint64_t middle = begin + (UINT64_C(1) << split_height(end - begin));
        bool left = old <= middle;
        if (range_root(left ? middle : begin, left ? end : middle, source, &path[n++], e) != 0)
            return -1;
        begin = left ? begin : middle;
        end = left ? middle : end;
    }
    if (begin > 0 && range_root(begin, end, source, &path[n++], e) != 0)
        return -1;
    reverse(path, n);
    *ret_n = n;
    return 0;
}

bool tree_check_inclusion(uint64_t index, uint64_t size, const struct tree_hash *leaf, const struct tree_hash *path, size_t n,
                          const struct tree_hash *root)
{
    if (index >= size)
        return false;
    uint64_t fn = index;
    uint64_t sn = size - 1;
    struct tree_hash r = *leaf;
    for (size_t i = 0; i < n; i++) { /* RFC 9162, 2.1.3.2 */
        if (sn == 0)
            return false;
        if ((fn & 1) != 0 || fn == sn) {
            tree_node_hash(&path[i], &r, &r);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            tree_node_hash(&r, &path[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && tree_hash_equal(&r, root);
}

bool tree_check_consistency(uint64_t old, uint64_t size, const struct tree_hash *old_root, const struct tree_hash *root, const struct tree_hash *path,
                            size_t n)
{
    if (old > size)
        return false;
    if (old == size)
        return n == 0 && tree_hash_equal(old_root, root);
    if (old == 0)
        return n == 0;
    uint64_t fn = old - 1;
    uint64_t sn = size - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    size_t at = 0;
    struct tree_hash fr = *old_root;
    if ((old & (old - 1)) != 0) { /* RFC 9162, 2.1.4.2: a power of two brings its own root */
        if (n == 0)
            return false;
        fr = path[at++];
    } else if (n == 0) {
        return false;
    }
    struct tree_hash sr = fr;
    for (; at < n; at++) {
        if (sn == 0)
            return false;
        if ((fn & 1) != 0 || fn == sn) {
            tree_node_hash(&path[at], &fr, &fr);
            tree_node_hash(&path[at], &sr, &sr);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            tree_node_hash(&sr, &path[at], &sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && tree_hash_equal(&fr, old_root) && tree_hash_equal(&sr, root);
}
