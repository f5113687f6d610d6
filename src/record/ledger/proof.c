/* Proofs, made from the folder and checked from their texts: of a record (tlog-proof), and that one tree goes on from another. No secret is needed.
 */
#include "record/ledger/file.h"
#include "record/ledger/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int ledger_folder_open(const char *dir, struct error *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? err_set(e, ERR_MISUSE, "there is no ledger in %s", dir)
                                                   : err_sys(e, errno, "opening the folder %s", dir);
    if (faccessat(fd, "checkpoint", F_OK, 0) != 0 && faccessat(fd, "keyring", F_OK, 0) != 0 && faccessat(fd, "segment", F_OK, 0) != 0) {
        (void)close(fd);
        return err_set(e, ERR_MISUSE, "there is no ledger in %s", dir);
    }
    return fd;
}

int head_load(int dir, struct note_key *ret_key, struct buf *note, struct checkpoint *ret, struct error *e)
{
    struct buf line = BUF_INIT(VERIFIER_TEXT);
    int rc = file_load(dir, "verifier.pub", VERIFIER_TEXT, &line, e);
    if (rc == 0)
        rc = note_key_parse(ret_key, buf_span(&line), e);
    buf_release(&line);
    if (rc != 0 || file_load(dir, "checkpoint", 4096, note, e) != 0)
        return -1;
    return checkpoint_open(buf_span(note), ret_key, ret, e);
}

/* What making a proof takes. */
struct maker {
    int dir;
    struct note_key key;
    struct buf note; /* the head's text */
    struct checkpoint head;
    struct tile_source tiles;
};

static void maker_free(struct maker *m)
{
    if (m == NULL)
        return;
    (void)close(m->dir);
    buf_release(&m->note);
    free(m);
}

static struct maker *maker_new(const char *dir, struct error *e)
{
    int fd = ledger_folder_open(dir, e);
    if (fd < 0)
        return NULL;
    struct maker *m = calloc(1, sizeof *m);
    if (m == NULL) {
        (void)close(fd);
        (void)err_sys(e, ENOMEM, "making a proof");
        return NULL;
    }
    m->dir = fd;
    m->note = BUF_INIT(4096);
    if (head_load(fd, &m->key, &m->note, &m->head, e) != 0) {
        maker_free(m);
        return NULL;
    }
    tile_source_init(&m->tiles, fd, m->head.size);
    return m;
}

/* ── A record ── */

static int prove(struct maker *m, uint64_t index, const struct checkpoint *head, struct span note, struct buf *out, struct error *e)
{
    struct tree_source source = tile_tree_source(&m->tiles);
    struct buf bundle = BUF_INIT(BUNDLE_MAX);
    struct tree_hash path[TREE_HEIGHT];
    struct tree_hash leaf;
    size_t n = 0;
    uint64_t first = index / TILE_WIDTH * TILE_WIDTH;
    if (tree_prove_inclusion(index, head->size, &source, path, &n, e) != 0)
        return -1;
    unsigned width = m->head.size - first < TILE_WIDTH ? (unsigned)(m->head.size - first) : TILE_WIDTH;
    int rc = bundle_load(m->dir, index / TILE_WIDTH, width, &bundle, NULL, e);
    if (rc == 0) {
        struct span entry = span_of(bundle.p + (index - first) * (2 + ENTRY_BYTES) + 2, ENTRY_BYTES);
        tree_leaf_hash(entry, &leaf);
        if (tree_check_inclusion(index, head->size, &leaf, path, n, &head->root))
            proof_format(out, entry, index, path, n, note);
        else
            rc = err_set(e, ERR_CORRUPT, "no proof of record %llu can be made: the ledger does not hold; run ledger verify",
                         (unsigned long long)index);
    }
    buf_release(&bundle);
    return rc != 0 || buf_ok(out) ? rc : err_sys(e, ENOMEM, "writing the proof");
}

int ledger_prove(const char *dir, uint64_t index, struct buf *out, struct error *e)
{
    struct maker *m = maker_new(dir, e);
    int rc = m == NULL ? -1 : prove(m, index, &m->head, buf_span(&m->note), out, e);
    maker_free(m);
    return rc;
}

int ledger_prove_witnessed(const char *dir, uint64_t index, const char *witness, struct buf *out, struct error *e)
{
    char path[KEPT_PATH];
    struct note_key key;
    struct kept kept = {0};
    struct error why = {0};
    if (note_witness_parse(&key, span_str(witness), e) != 0)
        return -1;
    struct maker *m = maker_new(dir, e);
    if (m == NULL)
        return -1;
    kept_path(path, &key);
    int rc = kept_load(m->dir, path, &m->key, &kept, &why);
    if (rc != 0)
        rc = err_set(e, why.class == ERR_CLOSED ? ERR_MISUSE : why.class, "there is no checkpoint cosigned by %s (%.150s)", key.name, why.text);
    else if (kept.head.size > m->head.size)
        rc = err_set(e, ERR_CORRUPT, "%s has cosigned more records than are here: the ledger does not hold; run ledger verify", key.name);
    else
        rc = prove(m, index, &kept.head, kept.note, out, e);
    kept_release(&kept, 1);
    maker_free(m);
    return rc;
}

int ledger_check(struct span proof, const char *verifier, uint64_t *ret_index, uint64_t *ret_size, struct error *e)
{
    struct note_key key;
    struct proof p;
    struct checkpoint head;
    struct tree_hash leaf;
    if (note_key_parse(&key, span_str(verifier), e) != 0 || proof_parse(proof, &p, e) != 0)
        return -1;
    int rc = 0;
    if (p.extra.n == 0)
        rc = err_set(e, ERR_CORRUPT, "the proof does not bring the record's entry (a line \"extra\")");
    else if (checkpoint_open(p.checkpoint, &key, &head, e) != 0)
        rc = err_context(e, "the proof's checkpoint does not hold");
    if (rc == 0) {
        tree_leaf_hash(buf_span(&p.extra), &leaf);
        if (!tree_check_inclusion(p.index, head.size, &leaf, p.path, p.n, &head.root))
            rc = err_set(e, ERR_CORRUPT, "the proof does not hold: record %llu with this entry is not in the tree that was signed",
                         (unsigned long long)p.index);
    }
    if (rc == 0) {
        *ret_index = p.index;
        *ret_size = head.size;
    }
    buf_release(&p.extra);
    return rc;
}

/* The note in a proof or an offer. *extra: release it. */
static int find_note(struct span text, struct span *ret, struct buf *extra, struct error *e)
{
    struct proof p;
    struct offer o;
    if (span_starts(text, SPAN_LIT("old "))) {
        if (offer_parse(text, &o, e) != 0)
            return -1;
        *ret = o.checkpoint;
        return 0;
    }
    if (proof_parse(text, &p, e) != 0)
        return -1;
    *extra = p.extra;
    *ret = p.checkpoint;
    return 0;
}

int ledger_check_witness(struct span proof, const char *witness, struct ledger_cosignature *ret, struct error *e)
{
    struct note_key key;
    struct span note;
    struct span text;
    struct buf extra = BUF_INIT(NOTE_MAX);
    struct checkpoint c;
    if (note_witness_parse(&key, span_str(witness), e) != 0)
        return -1;
    memcpy(ret->name, key.name, sizeof ret->name);
    ret->known = true;
    ret->size = ret->seconds = 0;
    int rc = find_note(proof, &note, &extra, e);
    if (rc == 0)
        rc = note_cosigned(note, &key, &text, &ret->seconds, e);
    if (rc == 0)
        rc = checkpoint_parse(text, &c, e);
    if (rc == 0)
        ret->size = c.size;
    buf_release(&extra);
    return rc;
}

/* ── One tree goes on from another ── */

static int last_witnessed(struct maker *m, uint64_t *ret, struct error *e)
{
    struct kept kept[WITNESSES_MAX];
    size_t n = 0;
    *ret = 0;
    if (kept_load_all(m->dir, &m->key, kept, &n, e) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (kept[i].head.size > *ret)
            *ret = kept[i].head.size;
    }
    kept_release(kept, n);
    return 0;
}

int ledger_offer(const char *dir, uint64_t old, struct buf *out, struct error *e)
{
    struct tree_hash path[2 * TREE_HEIGHT];
    size_t n = 0;
    struct maker *m = maker_new(dir, e);
    if (m == NULL)
        return -1;
    struct tree_source source = tile_tree_source(&m->tiles);
    int rc = old == LEDGER_LAST_WITNESSED ? last_witnessed(m, &old, e) : 0;
    if (rc == 0)
        rc = tree_prove_consistency(old, m->head.size, &source, path, &n, e);
    if (rc == 0)
        offer_format(out, old, path, n, buf_span(&m->note));
    maker_free(m);
    return rc != 0 || buf_ok(out) ? rc : err_sys(e, ENOMEM, "writing the offer");
}

int ledger_check_offer(struct span text, const char *verifier, const char *since, uint64_t *ret_old, uint64_t *ret_size, struct error *e)
{
    struct note_key key;
    struct offer o;
    struct checkpoint old;
    struct checkpoint new;
    if (note_key_parse(&key, span_str(verifier), e) != 0 || offer_parse(text, &o, e) != 0)
        return -1;
    if (checkpoint_open(o.checkpoint, &key, &new, e) != 0)
        return err_context(e, "the offered checkpoint does not hold");
    if (checkpoint_open(span_str(since), &key, &old, e) != 0)
        return err_context(e, "the kept checkpoint does not hold");
    if (o.old != old.size)
        return err_set(e, ERR_MISUSE, "the proof begins at %llu records, the kept checkpoint has %llu: make the offer with --old %llu",
                       (unsigned long long)o.old, (unsigned long long)old.size, (unsigned long long)old.size);
    if (!tree_check_consistency(old.size, new.size, &old.root, &new.root, o.path, o.n))
        return err_set(e, ERR_CORRUPT,
                       "the head of %llu records does not go on from the kept one of %llu: the ledger was rewritten, or the proof is wrong",
                       (unsigned long long)new.size, (unsigned long long)old.size);
    *ret_old = old.size;
    *ret_size = new.size;
    return 0;
}

/* The root of the tree of the first `size` leaves. */
static int root_at(struct maker *m, uint64_t size, struct tree_hash *ret, struct error *e)
{
    struct tree t;
    struct tree_source source = tile_tree_source(&m->tiles);
    if (tree_load(&t, size, &source, e) != 0)
        return -1;
    tree_root(&t, ret);
    return 0;
}

int ledger_consistency(const char *dir, uint64_t old, uint64_t size, struct ledger_consistency *ret, struct error *e)
{
    struct tree_hash path[2 * TREE_HEIGHT];
    struct tree_hash roots[3];
    struct maker *m = maker_new(dir, e);
    if (m == NULL)
        return -1;
    struct tree_source source = tile_tree_source(&m->tiles);
    int rc = size > m->head.size ? err_set(e, ERR_MISUSE, "the ledger's head has %llu records", (unsigned long long)m->head.size) : 0;
    if (rc == 0)
        rc = tree_prove_consistency(old, size, &source, path, &ret->n, e);
    if (rc == 0 && (root_at(m, old, &roots[0], e) != 0 || root_at(m, size, &roots[1], e) != 0 || root_at(m, m->head.size, &roots[2], e) != 0))
        rc = -1;
    if (rc == 0 &&
        (ret->n > 64 || !tree_hash_equal(&roots[2], &m->head.root) || !tree_check_consistency(old, size, &roots[0], &roots[1], path, ret->n)))
        rc = err_set(e, ERR_CORRUPT, "no proof can be made: the ledger does not hold; run ledger verify");
    if (rc == 0) {
        memcpy(ret->old_root, roots[0].b, 32);
        memcpy(ret->root, roots[1].b, 32);
        memcpy(ret->path, path, 32 * ret->n);
    }
    maker_free(m);
    return rc;
}

/* ── A cosigned checkpoint, compared and kept ── */

static int compare(struct maker *m, struct span cosigned, const struct note_key *witness, struct ledger_shown *ret, struct error *e)
{
    struct checkpoint c;
    struct tree_hash root;
    struct span text;
    uint64_t seconds = 0;
    if (checkpoint_open(cosigned, &m->key, &c, e) != 0 || note_cosigned(cosigned, witness, &text, &seconds, e) != 0)
        return -1;
    *ret = (struct ledger_shown){.size = c.size, .contradicts = true};
    if (c.size > m->head.size) {
        (void)snprintf(ret->why, sizeof ret->why, "it cosigned %llu records, this ledger has %llu: its end was cut off, or an old copy was put back",
                       (unsigned long long)c.size, (unsigned long long)m->head.size);
        return 0;
    }
    if (root_at(m, c.size, &root, e) != 0)
        return -1;
    ret->contradicts = !tree_hash_equal(&root, &c.root);
    if (ret->contradicts)
        (void)snprintf(ret->why, sizeof ret->why, "the %llu records that it cosigned are not the first of this ledger: it was rewritten",
                       (unsigned long long)c.size);
    return 0;
}

int ledger_compare(const char *dir, struct span cosigned, const char *witness, struct ledger_shown *ret, struct error *e)
{
    struct note_key key;
    if (note_witness_parse(&key, span_str(witness), e) != 0)
        return -1;
    struct maker *m = maker_new(dir, e);
    int rc = m == NULL ? -1 : compare(m, cosigned, &key, ret, e);
    maker_free(m);
    return rc;
}

int ledger_attach(const char *dir, struct span cosigned, const char *witness, struct error *e)
{
    char path[KEPT_PATH];
    struct note_key key;
    struct ledger_shown c;
    struct kept before = {0};
    struct buf file = BUF_INIT(VERIFIER_TEXT + NOTE_MAX);
    if (note_witness_parse(&key, span_str(witness), e) != 0)
        return -1;
    struct maker *m = maker_new(dir, e);
    if (m == NULL)
        return -1;
    kept_path(path, &key);
    int rc = compare(m, cosigned, &key, &c, e);
    if (rc == 0 && c.contradicts)
        rc = err_set(e, ERR_CORRUPT, "%s: %s", key.name, c.why);
    if (rc == 0 && kept_load(m->dir, path, &m->key, &before, NULL) == 0 && before.head.size > c.size)
        rc = err_set(e, ERR_MISUSE, "a later checkpoint of %s (%llu records) is kept already", key.name, (unsigned long long)before.head.size);
    if (rc == 0) {
        char line[VERIFIER_TEXT];
        note_key_format(&key, line);
        buf_addf(&file, "%s\n", line);
        buf_add_span(&file, cosigned);
        rc = buf_ok(&file) ? file_replace(m->dir, path, buf_span(&file), true, e) : err_sys(e, ENOMEM, "keeping the checkpoint");
        if (rc == 0)
            rc = file_sync_path(m->dir, ".", e); /* the folder may be new */
    }
    buf_release(&file);
    kept_release(&before, 1);
    maker_free(m);
    return rc;
}

int ledger_cosigned_note(struct span offer, struct span lines, const char *verifier, const char *witness, struct buf *out, struct error *e)
{
    struct note_key log;
    struct note_key key;
    struct offer o;
    struct span text;
    struct span cosigned;
    uint64_t seconds;
    struct buf all = BUF_INIT(2 * NOTE_MAX);
    if (note_key_parse(&log, span_str(verifier), e) != 0 || note_witness_parse(&key, span_str(witness), e) != 0 || offer_parse(offer, &o, e) != 0 ||
        note_open(o.checkpoint, &log, &text, e) != 0)
        return -1;
    buf_add_span(&all, text);
    buf_u8(&all, '\n');
    buf_add_span(&all, note_line(o.checkpoint, &log));
    size_t own = all.n;
    buf_add_span(&all, lines);
    int rc = buf_ok(&all) ? note_cosigned(buf_span(&all), &key, &cosigned, &seconds, e)
                          : err_set(e, ERR_CORRUPT, "the answer is too long for a note");
    if (rc == 0) {
        buf_add(out, all.p, own);
        buf_add_span(out, note_line(buf_span(&all), &key));
    }
    buf_release(&all);
    return rc != 0 || buf_ok(out) ? rc : err_sys(e, ENOMEM, "putting a note together");
}

int ledger_witnesses(const char *dir, struct ledger_witness ret[WITNESSES_MAX], size_t *ret_n, struct error *e)
{
    struct kept kept[WITNESSES_MAX];
    struct note_key key;
    struct checkpoint head;
    struct buf note = BUF_INIT(4096);
    *ret_n = 0;
    int fd = ledger_folder_open(dir, e);
    if (fd < 0)
        return -1;
    int rc = head_load(fd, &key, &note, &head, e) == 0 ? kept_load_all(fd, &key, kept, ret_n, e) : -1;
    for (size_t i = 0; rc == 0 && i < *ret_n; i++) {
        ret[i] = (struct ledger_witness){.size = kept[i].head.size, .seconds = kept[i].seconds};
        memcpy(ret[i].name, kept[i].key.name, sizeof ret[i].name);
        note_key_format(&kept[i].key, ret[i].key);
    }
    if (rc == 0)
        kept_release(kept, *ret_n);
    buf_release(&note);
    (void)close(fd);
    return rc;
}

int ledger_witness_key(const char *line, char ret_name[129], struct error *e)
{
    struct note_key key;
    if (note_witness_parse(&key, span_str(line), e) != 0)
        return -1;
    if (ret_name != NULL)
        memcpy(ret_name, key.name, sizeof key.name);
    return 0;
}
