/* Verifying without any secret: everything is read from the folder as an outsider could, in one pass and bounded memory.
 *
 * A writer may be at work meanwhile. The journal's page 0 is read first and the checkpoint after it, so that the checkpoint covers at least the
 * journal's base; what the writer removes (partial tiles that became full) is found again in the full tile. */
#include "record/ledger/file.h"
#include "record/ledger/mark.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct verify {
    int dir;
    bool (*step)(void *context, uint64_t done, uint64_t total); /* NULL: nobody watches */
    void *step_context;
    struct note_key key;
    struct buf note; /* the checkpoint's text */
    struct checkpoint head;
    bool has_since;
    struct checkpoint since;
    struct kept kept[WITNESSES_MAX]; /* what witnesses cosigned */
    size_t kept_n;
    bool has_journal;
    struct journal journal;
    struct error journal_error;

    struct segment_reader streams[STREAMS];
    struct mark *marks; /* of segments that were removed */
    size_t marks_n;
    struct tree tree;
    struct tree_hash levels[TILE_LEVELS][TILE_WIDTH]; /* hashes of the tiles that are being filled */
    struct tree_hash tile[TILE_WIDTH];                /* one read from disk */
    struct tree_hash journal_root;                    /* of the tree at the journal's base, once passed */
    struct buf bundle;
    struct ledger_report *report;
};

/* What was found does not hold: fills the report, returns 1. */
__attribute__((format(printf, 3, 4))) static int bad(struct verify *v, uint64_t index, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    v->report->holds = false;
    v->report->first_bad = index;
    (void)vsnprintf(v->report->why, sizeof v->report->why, format, args);
    va_end(args);
    return 1;
}

/* An error of class ERR_CORRUPT or ERR_CLOSED is a finding (1), any other one the machine's (-1). */
static int judge(struct verify *v, uint64_t index, const struct error *why, struct error *e)
{
    if (why->class == ERR_CORRUPT || why->class == ERR_CLOSED)
        return bad(v, index, "%s", why->text);
    *e = *why;
    return -1;
}

/* ── Head ── */

static int load_key(struct verify *v, const char *verifier, struct error *e)
{
    struct buf line = BUF_INIT(VERIFIER_TEXT);
    struct error why = {0};
    struct note_key own;
    if (verifier != NULL && note_key_parse(&v->key, span_str(verifier), e) != 0)
        return -1;
    int rc = file_load(v->dir, "verifier.pub", VERIFIER_TEXT, &line, &why);
    if (rc != 0) {
        rc = judge(v, LEDGER_NO_RECORD, &why, e);
    } else if (note_key_parse(&own, buf_span(&line), &why) != 0) {
        rc = bad(v, LEDGER_NO_RECORD, "verifier.pub does not hold: %.150s", why.text);
    } else if (line.p[line.n - 1] != '\n') {
        rc = bad(v, LEDGER_NO_RECORD, "verifier.pub does not hold: its line end is missing");
    } else if (verifier == NULL) {
        v->key = own;
    } else if (memcmp(own.public_key, v->key.public_key, sizeof own.public_key) != 0 || strcmp(own.name, v->key.name) != 0) {
        rc = bad(v, LEDGER_NO_RECORD, "verifier.pub is not the key that was kept: the ledger's key was exchanged");
    }
    buf_release(&line);
    return rc;
}

static int load_head(struct verify *v, const char *since, struct error *e)
{
    struct error why = {0};
    if (file_load(v->dir, "checkpoint", 4096, &v->note, &why) != 0)
        return judge(v, LEDGER_NO_RECORD, &why, e);
    if (checkpoint_open(buf_span(&v->note), &v->key, &v->head, &why) != 0)
        return bad(v, LEDGER_NO_RECORD, "the checkpoint does not hold: %s", why.text);
    struct buf root = {.p = (uint8_t *)v->report->checkpoint_root, .size = 44, .max = 44};
    text_base64(&root, span_of(v->head.root.b, sizeof v->head.root.b));
    v->report->checkpoint_root[44] = 0;
    v->report->checkpoint_size = v->head.size;
    if (since == NULL)
        return 0;
    if (checkpoint_open(span_str(since), &v->key, &v->since, &why) != 0)
        return err_set(e, ERR_MISUSE, "the kept checkpoint cannot be compared with: %s", why.text);
    v->has_since = true;
    if (v->since.size > v->head.size)
        return bad(v, v->head.size, "the kept checkpoint covers %llu records, this ledger has %llu: its end was cut off, or an old copy was put back",
                   (unsigned long long)v->since.size, (unsigned long long)v->head.size);
    return 0;
}

/* The cosigned checkpoints beside the ledger are compared like a kept one; each witness that the caller knows must have one. */
static int load_witnesses(struct verify *v, const char *const *witnesses, size_t n, struct error *e)
{
    struct error why = {0};
    struct note_key key;
    if (kept_load_all(v->dir, &v->key, v->kept, &v->kept_n, &why) != 0)
        return judge(v, LEDGER_NO_RECORD, &why, e);
    for (size_t i = 0; i < v->kept_n; i++) {
        struct ledger_cosignature *c = &v->report->cosignatures[i];
        (void)snprintf(c->name, sizeof c->name, "%s", v->kept[i].key.name);
        c->size = v->kept[i].head.size;
        c->seconds = v->kept[i].seconds;
        c->known = false;
    }
    v->report->cosignatures_n = v->kept_n;
    for (size_t k = 0; k < n; k++) {
        bool found = false;
        if (note_witness_parse(&key, span_str(witnesses[k]), e) != 0)
            return -1;
        for (size_t i = 0; i < v->kept_n; i++) {
            if (memcmp(key.public_key, v->kept[i].key.public_key, sizeof key.public_key) == 0 && strcmp(key.name, v->kept[i].key.name) == 0)
                found = v->report->cosignatures[i].known = true;
        }
        if (!found)
            return bad(v, LEDGER_NO_RECORD, "no checkpoint cosigned by %s lies beside the ledger", key.name);
    }
    for (size_t i = 0; i < v->kept_n; i++) {
        if (v->kept[i].head.size > v->head.size)
            return bad(v, v->head.size, "%s has cosigned %llu records, this ledger has %llu: its end was cut off, or an old copy was put back",
                       v->kept[i].key.name, (unsigned long long)v->kept[i].head.size, (unsigned long long)v->head.size);
    }
    return 0;
}

/* ── The walk ── */

/* Whether the record's segment was removed, on record as far as the mark says; that it is, check_marks finds. A segment may be removed while the
 * ledger is read: then its mark is found when it is missed. */
static bool was_removed(struct verify *v, struct segment_reader *s, uint64_t index, bool missed)
{
    struct error why = {0};
    struct mark *m = mark_of(v->marks, v->marks_n, index);
    if (m == NULL && missed) {
        struct mark *before = v->marks;
        size_t n = v->marks_n;
        if (mark_list(v->dir, &v->marks, &v->marks_n, &why) != 0) {
            v->marks = before;
            v->marks_n = n;
            return false;
        }
        for (size_t i = 0; i < v->marks_n; i++)
            for (size_t k = 0; k < n; k++)
                if (before[k].removal.first == v->marks[i].removal.first)
                    v->marks[i].seen = before[k].seen;
        for (size_t i = 0; i < v->marks_n && v->marks[i].removal.last < index; i++) /* what was read before it went was there */
            v->marks[i].there |= v->marks[i].seen == 0;
        free(before);
        m = mark_of(v->marks, v->marks_n, index);
        if (m != NULL && segment_reader_seek(s, m->removal.last + 1, &why) != 0)
            return false;
    }
    if (m == NULL)
        return false;
    m->seen++;
    v->report->removed++;
    v->report->removed_by = m->record;
    return true;
}

/* The record's bytes in its segment against its entry. 0, 1 (report filled), -1. */
static int check_sealed(struct verify *v, uint64_t index, struct span entry_bytes, struct error *e)
{
    UNCLEARED struct entry entry;
    struct sealed_record r;
    UNCLEARED struct error why;
    uint8_t hash[SHA256_SIZE];
    if (entry_parse(entry_bytes, &entry, &why) != 0)
        return judge(v, index, &why, e);
    struct segment_reader *s = &v->streams[stream_slot(entry.stream)];
    if (entry.stream == LEDGER_OBSERVATION && was_removed(v, s, index, false))
        return 0;
    int rc = segment_reader_peek(s, v->head.size, &r, &why);
    bool missed = rc == 0 || (rc < 0 && why.class == ERR_CLOSED) || (rc == 1 && r.index != index);
    if (missed && entry.stream == LEDGER_OBSERVATION && was_removed(v, s, index, true))
        return 0;
    if (rc < 0)
        return judge(v, index, &why, e);
    if (rc == 0 || r.index != index)
        return bad(v, index, "its sealed bytes are not where they should be, in %s", s->first == SEGMENT_NONE ? "a segment" : s->path);
    if (!span_equal(r.entry, entry_bytes) || r.sealed.n != (size_t)entry.clear_n + AES_GCM_TAG)
        return bad(v, index, "in %s stands another entry than in the tree", s->path);
    crypto_sha256(r.sealed, hash);
    if (memcmp(hash, entry.hash, sizeof hash) != 0)
        return bad(v, index, "its sealed bytes in %s were changed", s->path);
    segment_reader_step(s, &r);
    return 0;
}

/* Compares a tile on disk with the hashes computed. */
static int check_tile(struct verify *v, int level, uint64_t n, unsigned width, struct error *e)
{
    struct error why = {0};
    uint64_t first = n << 8 << (8 * level); /* no overflow: the tree has at least this many leaves */
    char path[TILE_PATH];
    if (tile_load(v->dir, level, n, width, v->tile, &why) != 0)
        return judge(v, first, &why, e);
    for (unsigned i = 0; i < width; i++) {
        if (!tree_hash_equal(&v->tile[i], &v->levels[level][i])) {
            tile_path(path, level, n, width);
            return bad(v, first + ((uint64_t)i << (8 * level)), "hash %u of %s is not that of the entries below it", i, path);
        }
    }
    return 0;
}

static int add_leaf(struct verify *v, struct span entry, const struct tree_hash *expected, struct error *e)
{
    UNCLEARED struct tree_hash made[TREE_HEIGHT];
    uint64_t index = v->tree.size;
    tree_leaf_hash(entry, &made[0]);
    if (!tree_hash_equal(&made[0], expected))
        return bad(v, index, "its entry is not the one that its tile was computed from");
    unsigned count = tree_append(&v->tree, &made[0], made);
    for (int level = 0; level < TILE_LEVELS && 8 * (unsigned)level < count; level++) {
        uint64_t i = index >> (8 * level);
        v->levels[level][i % TILE_WIDTH] = made[8 * level];
        if (level > 0 && i % TILE_WIDTH == TILE_WIDTH - 1) {
            int rc = check_tile(v, level, i / TILE_WIDTH, TILE_WIDTH, e);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

/* Roots at sizes of the past that something kept speaks of. */
static int check_passed(struct verify *v)
{
    struct tree_hash root;
    uint64_t size = v->tree.size;
    bool wanted = (v->has_since && size == v->since.size) || (v->has_journal && size == v->journal.base.size);
    for (size_t i = 0; i < v->kept_n; i++)
        wanted |= size == v->kept[i].head.size;
    if (!wanted)
        return 0;
    tree_root(&v->tree, &root);
    if (v->has_journal && size == v->journal.base.size)
        v->journal_root = root;
    if (v->has_since && size == v->since.size && !tree_hash_equal(&root, &v->since.root))
        return bad(v, LEDGER_NO_RECORD, "the first %llu records are not those of the kept checkpoint: the ledger was rewritten",
                   (unsigned long long)size);
    for (size_t i = 0; i < v->kept_n; i++) {
        if (size == v->kept[i].head.size && !tree_hash_equal(&root, &v->kept[i].head.root))
            return bad(v, LEDGER_NO_RECORD, "the first %llu records are not those that %s cosigned: the ledger was rewritten",
                       (unsigned long long)size, v->kept[i].key.name);
    }
    return 0;
}

static int walk_bundle(struct verify *v, uint64_t n, unsigned width, struct error *e)
{
    struct error why = {0};
    unsigned good = 0;
    struct tree_hash expected[TILE_WIDTH];
    buf_clear(&v->bundle);
    if (bundle_load(v->dir, n, width, &v->bundle, &good, &why) != 0)
        return judge(v, n * TILE_WIDTH + (good < width ? good : 0), &why, e);
    if (tile_load(v->dir, 0, n, width, expected, &why) != 0)
        return judge(v, n * TILE_WIDTH, &why, e);
    struct span in = buf_span(&v->bundle);
    struct span entry;
    for (unsigned i = 0; i < width && bundle_next(&in, &entry); i++) {
        int rc = check_sealed(v, v->tree.size, entry, e);
        if (rc == 0)
            rc = add_leaf(v, entry, &expected[i], e);
        if (rc == 0)
            rc = check_passed(v);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int walk(struct verify *v, struct error *e)
{
    int rc = check_passed(v);
    while (rc == 0 && v->tree.size < v->head.size) {
        uint64_t left = v->head.size - v->tree.size;
        if (v->step != NULL && v->tree.size % (4ul * TILE_WIDTH) == 0 && !v->step(v->step_context, v->tree.size, v->head.size))
            return err_set(e, ERR_CLOSED, "the check was ended before its end");
        rc = walk_bundle(v, v->tree.size / TILE_WIDTH, left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH, e);
    }
    for (int level = 1; level < TILE_LEVELS && rc == 0; level++) {
        unsigned width = tile_partial(v->head.size, level);
        if (width > 0)
            rc = check_tile(v, level, tile_full(v->head.size, level), width, e);
    }
    if (rc != 0)
        return rc;
    struct tree_hash root;
    tree_root(&v->tree, &root);
    if (!tree_hash_equal(&root, &v->head.root))
        return bad(v, LEDGER_NO_RECORD, "the entries do not give the root that was signed: the ledger was rewritten");
    return 0;
}

/* ── Removed segments ── */

static int load_marks(struct verify *v, struct error *e)
{
    struct error why = {0};
    return mark_list(v->dir, &v->marks, &v->marks_n, &why) == 0 ? 0 : judge(v, LEDGER_NO_RECORD, &why, e);
}

/* The record that says so must be in the tree, say just this, and be of this log; then nothing but what it names may be missing. */
static int check_mark(struct verify *v, const struct mark *m, struct error *e)
{
    struct segment_reader reader;
    struct sealed_record r;
    struct error why = {0};
    uint64_t n = m->record / TILE_WIDTH;
    uint64_t left = v->head.size - n * TILE_WIDTH;
    int rc = 0;
    if (m->record >= v->head.size || m->seen != m->removal.count)
        return bad(v, m->removal.first, "what was removed there is not what the mark in its place says");
    segment_reader_init(&reader, v->dir, LEDGER_CUSTODY, v->streams[0].log_id);
    buf_clear(&v->bundle);
    if (bundle_load(v->dir, n, left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH, &v->bundle, NULL, &why) != 0 ||
        segment_reader_seek(&reader, m->record, &why) != 0)
        rc = judge(v, m->record, &why, e);
    struct span entry = span_of(v->bundle.p + (m->record % TILE_WIDTH) * (2 + ENTRY_BYTES) + 2, ENTRY_BYTES);
    int found = 0;
    while (rc == 0 && (found = segment_reader_peek(&reader, v->head.size, &r, &why)) == 1 && r.index < m->record)
        segment_reader_step(&reader, &r);
    if (rc == 0 && found < 0)
        rc = judge(v, m->record, &why, e);
    else if (rc == 0 && (found == 0 || r.index != m->record || !span_equal(r.entry, entry)))
        rc = bad(v, m->removal.first, "its segment is missing, and record %llu, which should say why, is no custody record",
                 (unsigned long long)m->record);
    else if (rc == 0 && memcmp(m->log_id, v->streams[0].log_id, LOG_ID) != 0)
        rc = bad(v, m->removal.first, "the mark in the place of its segment is another ledger's");
    else if (rc == 0 && mark_check(m, &r, &why) != 0)
        rc = bad(v, m->removal.first, "%s", why.text);
    segment_reader_release(&reader);
    return rc;
}

static int check_marks(struct verify *v, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; i < v->marks_n && rc == 0; i++)
        if (!v->marks[i].there)
            rc = check_mark(v, &v->marks[i], e);
    return rc;
}

/* ── Journal and keyring ── */

/* A writer began another generation meanwhile: what was read of the old one says nothing. */
static bool journal_moved_on(struct verify *v)
{
    struct journal now;
    journal_init(&now, v->dir);
    bool moved = journal_open(&now, true, NULL) == 0 && now.base.generation != v->journal.base.generation;
    journal_close(&now);
    return moved;
}

/* A frame's record against the tree's entry (or, behind the checkpoint, in itself). */
static int check_framed(struct verify *v, const struct sealed_record *r, struct error *e)
{
    struct entry entry;
    struct error why = {0};
    uint8_t hash[SHA256_SIZE];
    if (entry_parse(r->entry, &entry, &why) != 0)
        return judge(v, r->index, &why, e);
    crypto_sha256(r->sealed, hash);
    if (memcmp(hash, entry.hash, sizeof hash) != 0)
        return bad(v, r->index, "its sealed bytes in the journal were changed");
    if (r->index >= v->head.size) {
        v->report->unsigned_tail++;
        return 0;
    }
    uint64_t n = r->index / TILE_WIDTH;
    uint64_t left = v->head.size - n * TILE_WIDTH;
    buf_clear(&v->bundle);
    if (bundle_load(v->dir, n, left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH, &v->bundle, NULL, &why) != 0)
        return judge(v, r->index, &why, e);
    struct span at = span_of(v->bundle.p + (r->index % TILE_WIDTH) * (2 + ENTRY_BYTES) + 2, ENTRY_BYTES);
    return span_equal(at, r->entry) ? 0 : bad(v, r->index, "in the journal stands another entry than in the tree");
}

static int check_frames(struct verify *v, struct buf *bytes, struct error *e)
{
    struct journal_frame f;
    struct error why = {0};
    uint64_t next = v->journal.base.size;
    bool torn = false;
    int rc;
    while ((rc = journal_next(&v->journal, next, bytes, &f, &torn, &why)) == 1) {
        struct sealed_record r;
        while (sealed_record_take(&f.body, &r) == 1 && r.index == next) {
            int bad_one = check_framed(v, &r, e);
            if (bad_one != 0)
                return bad_one;
            next++;
        }
        if (f.body.n > 0)
            return bad(v, next, "the journal's commit at record %llu is not well-formed", (unsigned long long)f.first);
    }
    if (rc < 0)
        return judge(v, next, &why, e);
    if (next < v->head.size)
        return bad(v, next, "the journal ends before the records that the checkpoint covers: a frame in it was damaged");
    return 0;
}

static int check_journal(struct verify *v, struct error *e)
{
    if (!v->has_journal)
        return judge(v, LEDGER_NO_RECORD, &v->journal_error, e);
    const struct journal_base *b = &v->journal.base;
    if (b->size > v->head.size)
        return bad(v, v->head.size, "the journal knows of %llu records, the checkpoint covers %llu: an older checkpoint was put back",
                   (unsigned long long)b->size, (unsigned long long)v->head.size);
    if (!tree_hash_equal(&b->root, &v->journal_root))
        return bad(v, LEDGER_NO_RECORD, "the journal belongs to another tree");
    for (unsigned i = 0; i < STREAMS; i++) {
        if (!v->streams[i].any_log && memcmp(v->streams[i].log_id, b->log_id, LOG_ID) != 0)
            return bad(v, LEDGER_NO_RECORD, "the %s segments belong to another ledger than the journal", i == 0 ? "custody" : "observation");
    }
    struct buf bytes = BUF_INIT(JOURNAL_FRAME_HEADER + JOURNAL_BODY_MAX + SHA256_SIZE + JOURNAL_PAGE);
    int rc = check_frames(v, &bytes, e);
    buf_release(&bytes);
    if (rc == 1 && journal_moved_on(v)) {
        v->report->holds = true;
        v->report->unsigned_tail = 0;
        rc = 0;
    }
    return rc;
}

static int check_keyring(struct verify *v, struct error *e)
{
    struct error why = {0};
    return keyring_check(v->dir, &why) == 0 ? 0 : judge(v, LEDGER_NO_RECORD, &why, e);
}

static int verify_all(struct verify *v, const char *verifier, const char *since, const char *const *witnesses, size_t n, struct error *e)
{
    journal_init(&v->journal, v->dir);
    v->has_journal = journal_open(&v->journal, true, &v->journal_error) == 0;
    int rc = load_key(v, verifier, e);
    if (rc == 0)
        rc = load_head(v, since, e);
    if (rc == 0)
        rc = load_witnesses(v, witnesses, n, e);
    if (rc == 0)
        rc = load_marks(v, e);
    if (rc == 0)
        rc = walk(v, e);
    if (rc == 0)
        rc = check_marks(v, e);
    if (rc == 0)
        rc = check_journal(v, e);
    if (rc == 0)
        rc = check_keyring(v, e);
    return rc;
}

struct watch {
    bool (*step)(void *context, uint64_t done, uint64_t total);
    void *context;
};

static int verify_folder(const char *dir, const char *verifier, const char *since, const char *const *witnesses, size_t n, struct watch watch,
                         struct ledger_report *ret, struct error *e)
{
    struct error why = {0};
    struct ledger_report report = {.holds = true, .first_bad = LEDGER_NO_RECORD, .compared = verifier != NULL || since != NULL || n > 0};
    int fd = ledger_folder_open(dir, &why);
    struct verify *v = fd < 0 ? NULL : calloc(1, sizeof *v);
    int rc = -1;
    if (v != NULL) {
        v->dir = fd;
        v->report = &report;
        v->step = watch.step;
        v->step_context = watch.context;
        v->note = BUF_INIT(4096);
        v->bundle = BUF_INIT(BUNDLE_MAX);
        for (unsigned i = 0; i < STREAMS; i++)
            segment_reader_init(&v->streams[i], fd, (enum ledger_stream)(i + 1), NULL);
        rc = verify_all(v, verifier, since, witnesses, n, &why);
        report.records = v->tree.size + report.unsigned_tail;
        for (unsigned i = 0; i < STREAMS; i++)
            segment_reader_release(&v->streams[i]);
        journal_close(&v->journal);
        kept_release(v->kept, v->kept_n);
        buf_release(&v->note);
        buf_release(&v->bundle);
        free(v->marks);
        free(v);
    } else if (fd >= 0) {
        (void)err_sys(&why, ENOMEM, "verifying the ledger");
    }
    if (fd >= 0)
        (void)close(fd);
    if (rc >= 0)
        *ret = report;
    else if (e != NULL)
        *e = why;
    return rc >= 0 ? 0 : -1;
}

int ledger_verify(const char *dir, const char *verifier, const char *since, struct ledger_report *ret, struct error *e)
{
    return verify_folder(dir, verifier, since, NULL, 0, (struct watch){0}, ret, e);
}

int ledger_verify_witnessed(const char *dir, const char *verifier, const char *since, const char *const *witnesses, size_t n,
                            struct ledger_report *ret, struct error *e)
{
    return verify_folder(dir, verifier, since, witnesses, n, (struct watch){0}, ret, e);
}

int ledger_verify_watched(const char *dir, const char *verifier, bool (*step)(void *context, uint64_t done, uint64_t total), void *context,
                          struct ledger_report *ret, struct error *e)
{
    return verify_folder(dir, verifier, NULL, NULL, 0, (struct watch){step, context}, ret, e);
}
