#include "record/ledger/shown.h"

#include "base/text.h"
#include "record/ledger/file.h"
#include "record/ledger/inside.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MAGIC "tourniquet/shown-records@v1"

struct part {
    uint64_t index;
    uint8_t entry[ENTRY_BYTES];
    size_t path_n;
    struct tree_hash path[TREE_HEIGHT];
    bool open;
    uint8_t key[32];
    struct buf sealed;
};

struct shown {
    uint8_t log_id[LOG_ID];
    size_t n;
    struct part *parts; /* SHOWN_RECORDS of them */
    struct span checkpoint;
};

static int shown_init(struct shown *s, struct error *e)
{
    *s = (struct shown){.parts = calloc(SHOWN_RECORDS, sizeof *s->parts)};
    return s->parts == NULL ? err_sys(e, ENOMEM, "reading a proof") : 0;
}

static void shown_release(struct shown *s)
{
    for (size_t i = 0; i < s->n; i++) {
        buf_release(&s->parts[i].sealed);
        crypto_wipe(s->parts[i].key, sizeof s->parts[i].key);
    }
    free(s->parts);
}

/* ── the text ── */

static void put_line(struct buf *out, const char *word, struct span bytes)
{
    buf_add_str(out, word);
    buf_u8(out, ' ');
    text_base64(out, bytes);
    buf_u8(out, '\n');
}

static void format(struct buf *out, const struct shown *s)
{
    buf_add_str(out, MAGIC "\n");
    put_line(out, "log", span_of(s->log_id, LOG_ID));
    for (size_t i = 0; i < s->n; i++) {
        const struct part *p = &s->parts[i];
        buf_addf(out, "record %llu\n", (unsigned long long)p->index);
        put_line(out, "entry", span_of(p->entry, ENTRY_BYTES));
        for (size_t k = 0; k < p->path_n; k++)
            put_line(out, "path", span_of(p->path[k].b, sizeof p->path[k].b));
        if (!p->open)
            continue;
        put_line(out, "key", span_of(p->key, sizeof p->key));
        put_line(out, "sealed", buf_span(&p->sealed));
    }
    buf_u8(out, '\n');
    buf_add_span(out, s->checkpoint);
}

/* "WORD BASE64": exactly n bytes. */
static bool take_bytes(struct span line, const char *word, uint8_t *out, size_t n)
{
    struct buf b = {.p = out, .max = n, .size = n};
    size_t w = strlen(word);
    return line.n > w && memcmp(line.p, word, w) == 0 && line.p[w] == ' ' && text_unbase64(span_of(line.p + w + 1, line.n - w - 1), &b) && b.n == n;
}

static bool is_word(struct span line, const char *word)
{
    size_t w = strlen(word);
    return line.n > w && memcmp(line.p, word, w) == 0 && line.p[w] == ' ';
}

static int bad_line(size_t number, const char *why, struct error *e)
{
    return err_set(e, ERR_CORRUPT, "line %zu of the proof: %s", number, why);
}

static int take_sealed(struct span line, struct part *p, size_t number, struct error *e)
{
    p->sealed = BUF_INIT(SEALED_MAX);
    if (!text_unbase64(span_of(line.p + 7, line.n - 7), &p->sealed) || p->sealed.n < AES_GCM_TAG)
        return bad_line(number, "the sealed bytes are not base64", e);
    p->open = true;
    return 0;
}

static int take_line(struct shown *s, struct span line, size_t number, struct error *e)
{
    struct part *p = s->n == 0 ? NULL : &s->parts[s->n - 1];
    if (is_word(line, "record")) {
        if (s->n == SHOWN_RECORDS)
            return bad_line(number, "there are more than 64 records", e);
        uint64_t index = 0;
        if (!span_decimal(span_of(line.p + 7, line.n - 7), INT64_MAX, &index) || (line.n > 8 && line.p[7] == '0'))
            return bad_line(number, "a record's number is none", e);
        s->parts[s->n++] = (struct part){.index = index, .path_n = TREE_HEIGHT};
        return 0;
    }
    if (p != NULL && p->path_n == TREE_HEIGHT) { /* right behind the number */
        p->path_n = 0;
        return take_bytes(line, "entry", p->entry, ENTRY_BYTES) ? 0 : bad_line(number, "an entry of 116 bytes should be here", e);
    }
    if (p != NULL && !p->open && p->sealed.max == 0 && is_word(line, "path"))
        return p->path_n < TREE_HEIGHT - 1 && take_bytes(line, "path", p->path[p->path_n++].b, sizeof p->path[0].b)
                   ? 0
                   : bad_line(number, "it is no hash, or there are more than 63", e);
    if (p != NULL && !p->open && p->sealed.max == 0 && take_bytes(line, "key", p->key, sizeof p->key)) {
        p->sealed.max = 1; /* its sealed bytes come next */
        return 0;
    }
    if (p != NULL && !p->open && p->sealed.max == 1 && is_word(line, "sealed"))
        return take_sealed(line, p, number, e);
    return bad_line(number, "it is not one that stands here", e);
}

static int parse(struct span text, struct shown *s, struct error *e)
{
    bool lf = false;
    if (text.n > SHOWN_BYTES || !span_is(span_until(&text, '\n', &lf), MAGIC) || !lf)
        return err_set(e, ERR_CORRUPT, "not a proof: it does not begin with " MAGIC);
    if (!take_bytes(span_until(&text, '\n', &lf), "log", s->log_id, LOG_ID) || !lf)
        return bad_line(2, "the log's id should be here", e);
    for (size_t number = 3;; number++) {
        struct span line = span_until(&text, '\n', &lf);
        if (!lf)
            return err_set(e, ERR_CORRUPT, "the proof ends before its checkpoint");
        if (line.n == 0)
            break;
        if (take_line(s, line, number, e) != 0)
            return -1;
    }
    const struct part *last = s->n == 0 ? NULL : &s->parts[s->n - 1];
    if (last == NULL || last->path_n == TREE_HEIGHT)
        return err_set(e, ERR_CORRUPT, "the proof holds no record, or its last one is cut");
    for (size_t i = 0; i < s->n; i++)
        if (s->parts[i].path_n == TREE_HEIGHT || s->parts[i].sealed.max == 1)
            return err_set(e, ERR_CORRUPT, "record %llu of the proof is cut", (unsigned long long)s->parts[i].index);
    s->checkpoint = text;
    return 0;
}

bool ledger_is_shown(struct span text)
{
    return span_starts(text, SPAN_LIT(MAGIC "\n"));
}

int ledger_copy_shown(struct span bundle, struct buf *out, struct error *e)
{
    struct shown s;
    int rc = shown_init(&s, e);
    if (rc == 0)
        rc = parse(bundle, &s, e);
    if (rc == 0)
        format(out, &s);
    if (s.parts != NULL)
        shown_release(&s);
    return rc;
}

/* ── checking ── */

static int check_part(const struct part *p, const struct checkpoint *head, struct error *e)
{
    struct tree_hash leaf;
    tree_leaf_hash(span_of(p->entry, ENTRY_BYTES), &leaf);
    if (!tree_check_inclusion(p->index, head->size, &leaf, p->path, p->path_n, &head->root))
        return err_set(e, ERR_CORRUPT, "the proof does not hold: record %llu with this entry is not in the tree that was signed",
                       (unsigned long long)p->index);
    return 0;
}

/* Opens it where its key is there; clear: room for its payload. */
static int open_part(const struct shown *s, const struct part *p, struct buf *clear, struct shown_record *ret, struct error *e)
{
    struct entry entry;
    if (entry_parse(span_of(p->entry, ENTRY_BYTES), &entry, e) != 0)
        return err_context(e, "record %llu of the proof does not hold", (unsigned long long)p->index);
    *ret = (struct shown_record){.index = p->index, .time = entry.time, .open = p->open};
    if (!p->open)
        return 0;
    struct sealed_record sealed = {.index = p->index, .entry = span_of(p->entry, ENTRY_BYTES), .sealed = buf_span(&p->sealed)};
    buf_clear(clear);
    if (!buf_reserve(clear, entry.clear_n == 0 ? 1 : entry.clear_n))
        return err_sys(e, ENOMEM, "opening record %llu", (unsigned long long)p->index);
    if (entry_open_shown(s->log_id, p->key, &sealed, &entry, clear->p, e) != 0)
        return err_context(e, "record %llu of the proof does not hold", (unsigned long long)p->index);
    ret->payload = span_of(clear->p, entry.clear_n);
    return 0;
}

static int check_all(const struct shown *s, const char *verifier, struct checkpoint *ret_head, struct error *e)
{
    struct note_key key;
    struct buf clear = BUF_SECRET(LEDGER_PAYLOAD_MAX);
    struct shown_record r;
    int rc = note_key_parse(&key, span_str(verifier), e);
    if (rc == 0 && checkpoint_open(s->checkpoint, &key, ret_head, e) != 0)
        rc = err_context(e, "the proof's checkpoint does not hold");
    for (size_t i = 0; rc == 0 && i < s->n; i++)
        if (check_part(&s->parts[i], ret_head, e) != 0 || open_part(s, &s->parts[i], &clear, &r, e) != 0)
            rc = -1;
    buf_release(&clear);
    return rc;
}

int ledger_check_shown(struct span bundle, const char *verifier, void (*each)(void *context, const struct shown_record *r), void *context,
                       uint64_t *ret_size, struct error *e)
{
    struct shown s;
    struct checkpoint head = {0};
    struct buf clear = BUF_SECRET(LEDGER_PAYLOAD_MAX);
    int rc = shown_init(&s, e);
    if (rc == 0)
        rc = parse(bundle, &s, e);
    if (rc == 0)
        rc = check_all(&s, verifier, &head, e);
    for (size_t i = 0; rc == 0 && each != NULL && i < s.n; i++) {
        struct shown_record r;
        rc = open_part(&s, &s.parts[i], &clear, &r, e);
        if (rc == 0)
            each(context, &r);
    }
    if (rc == 0)
        *ret_size = head.size;
    if (s.parts != NULL)
        shown_release(&s);
    buf_release(&clear);
    return rc;
}

/* ── making ── */

/* The record as it lies in its segment: its sealed bytes and the key that opens it, where it is to be opened. */
static int take_record(struct ledger *l, const struct shown_wish *wish, struct part *p, struct error *e)
{
    struct segment_reader reader;
    struct sealed_record sealed;
    segment_reader_init(&reader, ledger_dir(l), LEDGER_CUSTODY, ledger_ring(l)->log_id);
    int rc = ledger_find_custody(l, wish->index, &reader, &sealed, e);
    if (rc == 0)
        memcpy(p->entry, sealed.entry.p, ENTRY_BYTES);
    if (rc == 0 && wish->open)
        rc = entry_show(ledger_ring(l), &sealed, p->key, e);
    if (rc == 0 && wish->open) {
        p->open = true;
        p->sealed = BUF_INIT(SEALED_MAX);
        buf_add_span(&p->sealed, sealed.sealed);
        rc = buf_ok(&p->sealed) ? 0 : err_sys(e, ENOMEM, "showing record %llu", (unsigned long long)wish->index);
    }
    segment_reader_release(&reader);
    return rc;
}

static int prove_part(struct tile_source *tiles, const struct checkpoint *head, struct part *p, struct error *e)
{
    struct tree_source source = tile_tree_source(tiles);
    struct error why = {0};
    if (p->index >= head->size)
        return err_set(e, ERR_AGAIN, "record %llu is under no checkpoint yet", (unsigned long long)p->index);
    if (tree_prove_inclusion(p->index, head->size, &source, p->path, &p->path_n, e) != 0)
        return -1;
    return check_part(p, head, &why) == 0
               ? 0
               : err_set(e, ERR_CORRUPT, "no proof of record %llu can be made: the ledger does not hold; run ledger verify",
                         (unsigned long long)p->index);
}

int ledger_show(struct ledger *l, const char *dir, const struct shown_wish *wishes, size_t n, struct buf *out, struct error *e)
{
    struct shown s;
    struct note_key key;
    struct checkpoint head;
    struct tile_source tiles;
    struct buf note = BUF_INIT(4096);
    if (n == 0 || n > SHOWN_RECORDS)
        return err_set(e, ERR_MISUSE, "a proof holds 1 to %d records", SHOWN_RECORDS);
    int fd = ledger_folder_open(dir, e);
    int rc = fd < 0 ? -1 : shown_init(&s, e);
    if (rc != 0) {
        if (fd >= 0)
            (void)close(fd);
        return rc;
    }
    memcpy(s.log_id, ledger_ring(l)->log_id, LOG_ID);
    rc = head_load(fd, &key, &note, &head, e);
    s.checkpoint = buf_span(&note);
    if (rc == 0)
        tile_source_init(&tiles, fd, head.size);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct part *p = &s.parts[s.n++];
        *p = (struct part){.index = wishes[i].index};
        if (take_record(l, &wishes[i], p, e) != 0 || prove_part(&tiles, &head, p, e) != 0)
            rc = -1;
    }
    if (rc == 0) {
        format(out, &s);
        rc = buf_ok(out) ? 0 : err_set(e, ERR_LIMIT, "the proof would have more than %u bytes", SHOWN_BYTES);
    }
    shown_release(&s);
    buf_release(&note);
    (void)close(fd);
    return rc;
}
