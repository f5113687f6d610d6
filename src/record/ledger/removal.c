#include "record/ledger/removal.h"

#include "record/ledger/file.h"
#include "record/ledger/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC SPAN_LIT("TQREMV1\n")
#define FORMAT 1
#define EVENT_KEY SPAN_LIT("\"event\":")
#define EVENT_VALUE SPAN_LIT("\"retention.removed\"") /* of the payload's first event: what came from outside (a body) stands behind it */

void ledger_removal_text(const struct ledger_removal *r, char out[REMOVAL_TEXT])
{
    (void)snprintf(out, REMOVAL_TEXT, "observation/%020" PRIu64 "-%020" PRIu64 "/%" PRIu64, r->first, r->last, r->count);
}

/* ── The mark ── */

void mark_format(const struct mark *m, uint8_t out[MARK_BYTES])
{
    struct buf b = {.p = out, .size = MARK_BYTES, .max = MARK_BYTES};
    uint8_t hash[SHA256_SIZE];
    buf_add_span(&b, MAGIC);
    buf_be16(&b, FORMAT);
    buf_u8(&b, LEDGER_OBSERVATION);
    buf_u8(&b, 0);
    buf_be32(&b, m->removal.day);
    buf_add(&b, m->log_id, LOG_ID);
    buf_be64(&b, m->removal.first);
    buf_be64(&b, m->removal.last);
    buf_be64(&b, m->removal.count);
    buf_be64(&b, m->removal.bytes);
    buf_be64(&b, m->record);
    buf_add(&b, m->key, sizeof m->key);
    while (b.n < MARK_BYTES - SHA256_SIZE)
        buf_u8(&b, 0);
    crypto_sha256(buf_span(&b), hash);
    buf_add(&b, hash, sizeof hash);
}

int mark_parse(struct span in, struct mark *ret, struct error *e)
{
    struct mark m = {0};
    uint8_t hash[SHA256_SIZE];
    if (in.n != MARK_BYTES || !span_starts(in, MAGIC))
        return err_set(e, ERR_CORRUPT, "it is not the mark of a removed segment");
    if ((in.p[8] << 8 | in.p[9]) > FORMAT)
        return err_set(e, ERR_LIMIT, "it was written by a newer program (format %d, this one knows %d): use that one", in.p[8] << 8 | in.p[9],
                       FORMAT);
    crypto_sha256(span_of(in.p, MARK_BYTES - SHA256_SIZE), hash);
    if (memcmp(hash, in.p + MARK_BYTES - SHA256_SIZE, sizeof hash) != 0)
        return err_set(e, ERR_CORRUPT, "it does not hold");
    (void)span_skip(&in, 8);
    uint16_t format = span_be16(&in);
    uint8_t stream = span_u8(&in);
    uint8_t zero = span_u8(&in);
    m.removal.day = span_be32(&in);
    memcpy(m.log_id, span_take(&in, LOG_ID).p, LOG_ID);
    m.removal.first = span_be64(&in);
    m.removal.last = span_be64(&in);
    m.removal.count = span_be64(&in);
    m.removal.bytes = span_be64(&in);
    m.record = span_be64(&in);
    memcpy(m.key, span_take(&in, sizeof m.key).p, sizeof m.key);
    for (size_t i = 0; i + SHA256_SIZE < in.n; i++)
        zero |= in.p[i];
    if (format != FORMAT || stream != LEDGER_OBSERVATION || zero != 0 || m.removal.last < m.removal.first || m.removal.count == 0 ||
        m.removal.count - 1 > m.removal.last - m.removal.first || m.record <= m.removal.last)
        return err_set(e, ERR_CORRUPT, "it has a field that cannot be");
    *ret = m;
    return 0;
}

static void mark_path(char out[SEGMENT_PATH + 16], uint64_t first)
{
    char path[SEGMENT_PATH];
    segment_path(path, LEDGER_OBSERVATION, first);
    (void)snprintf(out, SEGMENT_PATH + 16, "%s" MARK_SUFFIX, path);
}

static int load_mark(int dir, uint64_t first, struct mark *ret, struct error *e)
{
    char path[SEGMENT_PATH + 16];
    char segment[SEGMENT_PATH];
    struct buf file = BUF_INIT(MARK_BYTES);
    struct error why = {0};
    struct stat st;
    mark_path(path, first);
    segment_path(segment, LEDGER_OBSERVATION, first);
    int rc = file_load(dir, path, MARK_BYTES, &file, &why);
    if (rc == 0)
        rc = mark_parse(buf_span(&file), ret, &why);
    if (rc == 0 && ret->removal.first != first)
        rc = err_set(&why, ERR_CORRUPT, "it is another segment's");
    if (rc != 0)
        (void)err_set(e, why.class, "%s cannot be used: %s", path, why.text);
    else
        ret->there = fstatat(dir, segment, &st, AT_SYMLINK_NOFOLLOW) == 0;
    buf_release(&file);
    return rc;
}

int mark_list(int dir, struct mark **ret, size_t *ret_n, struct error *e)
{
    uint64_t *firsts = NULL;
    size_t n = 0;
    *ret = NULL;
    *ret_n = 0;
    if (segment_list(dir, LEDGER_OBSERVATION, MARK_SUFFIX, &firsts, &n, e) != 0)
        return -1;
    if (n == 0) {
        free(firsts);
        return 0;
    }
    struct mark *list = calloc(n, sizeof *list);
    int rc = list == NULL ? err_sys(e, ENOMEM, "listing removed segments") : 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = load_mark(dir, firsts[i], &list[i], e);
    free(firsts);
    if (rc != 0) {
        free(list);
        return -1;
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

struct mark *mark_of(struct mark *list, size_t n, uint64_t index)
{
    size_t low = 0; /* marks before it begin at or before `index` */
    size_t high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].removal.first <= index)
            low = middle + 1;
        else
            high = middle;
    }
    struct mark *m = low == 0 ? NULL : &list[low - 1];
    return m != NULL && index <= m->removal.last && !m->there ? m : NULL;
}

/* Behind the first time that `what` stands there; empty: nowhere. */
static struct span behind(struct span in, struct span what)
{
    const uint8_t *at = in.n == 0 ? NULL : memmem(in.p, in.n, what.p, what.n);
    return at == NULL ? (struct span){0} : span_of(at + what.n, in.n - (size_t)(at - in.p) - what.n);
}

/* Whether a payload says that this was removed. */
static bool says_so(const struct ledger_removal *r, struct span payload)
{
    char text[REMOVAL_TEXT + 2];
    text[0] = '"';
    ledger_removal_text(r, text + 1);
    size_t n = strlen(text);
    text[n++] = '"';
    struct span value = behind(payload, EVENT_KEY);
    return span_starts(value, EVENT_VALUE) && memmem(value.p, value.n, text, n) != NULL;
}

int mark_check(const struct mark *m, const struct sealed_record *sealed, struct error *e)
{
    struct entry entry;
    struct error why = {0};
    struct buf clear = BUF_INIT(LEDGER_PAYLOAD_MAX);
    int rc = entry_parse(sealed->entry, &entry, &why);
    if (rc == 0 && (entry.stream != LEDGER_CUSTODY || !buf_reserve(&clear, (size_t)entry.clear_n + 1)))
        rc = err_set(&why, ERR_CORRUPT, "it is no custody record");
    if (rc == 0)
        rc = entry_open_shown(m->log_id, m->key, sealed, &entry, clear.p, &why);
    if (rc == 0 && !says_so(&m->removal, span_of(clear.p, entry.clear_n)))
        rc = err_set(&why, ERR_CORRUPT, "it does not say that these records were removed");
    buf_release(&clear);
    if (rc != 0)
        return err_set(e, ERR_CORRUPT, "the records %llu to %llu are missing, and record %llu does not account for it: %s",
                       (unsigned long long)m->removal.first, (unsigned long long)m->removal.last, (unsigned long long)m->record, why.text);
    return 0;
}

/* ── Removing ── */

/* Fills last and count by walking through the segment. */
static int measure(int dir, struct ledger_removal *r, uint64_t limit, struct error *e)
{
    struct segment_reader reader;
    struct sealed_record record;
    int rc;
    segment_reader_init(&reader, dir, LEDGER_OBSERVATION, NULL);
    rc = segment_reader_seek(&reader, r->first, e);
    r->count = 0;
    while (rc == 0 && (rc = segment_reader_peek(&reader, limit, &record, e)) == 1 && reader.first == r->first) {
        r->last = record.index;
        r->count++;
        segment_reader_step(&reader, &record);
        rc = 0;
    }
    segment_reader_release(&reader);
    if (rc < 0)
        return -1;
    return r->count > 0 ? 0 : err_set(e, ERR_CORRUPT, "a segment of observations holds no record");
}

/* The day in a segment's header, and its size. */
static int look_at(int dir, uint64_t first, struct ledger_removal *ret, struct error *e)
{
    char path[SEGMENT_PATH];
    uint8_t header[SEGMENT_HEADER];
    size_t n = 0;
    struct stat st;
    struct error why = {0};
    segment_path(path, LEDGER_OBSERVATION, first);
    int fd = file_open_read(dir, path, e);
    if (fd < 0)
        return -1;
    int rc = file_read(fd, path, header, sizeof header, 0, &n, e);
    if (rc == 0 && segment_header_check(span_of(header, n), LEDGER_OBSERVATION, first, NULL, &ret->day, &why) != 0)
        rc = err_set(e, why.class, "%s cannot be used: %s", path, why.text);
    if (rc == 0 && fstat(fd, &st) != 0)
        rc = err_sys(e, errno, "reading %s", path);
    ret->first = first;
    ret->bytes = rc == 0 ? (uint64_t)st.st_size : 0;
    (void)close(fd);
    return rc;
}

int ledger_removable(struct ledger *l, uint32_t before, tq_time now, struct ledger_removal *ret, struct error *e)
{
    uint64_t *firsts = NULL;
    size_t n = 0;
    struct journal_base base;
    struct ledger_removal r = {0};
    if (segment_list(ledger_dir(l), LEDGER_OBSERVATION, "", &firsts, &n, e) != 0)
        return -1;
    uint64_t oldest = n > 1 ? firsts[0] : SEGMENT_NONE; /* the last one grows */
    free(firsts);
    if (oldest == SEGMENT_NONE || ledger_held(l, ledger_size(l)))
        return 0;
    if (look_at(ledger_dir(l), oldest, &r, e) != 0)
        return -1;
    if (before != UINT32_MAX && r.day >= before)
        return 0;
    if (ledger_settle(l, now, &base, e) != 0)
        return -1;
    if (base.segment[1].first == SEGMENT_NONE || oldest >= base.segment[1].first)
        return 0;
    if (measure(ledger_dir(l), &r, base.size, e) != 0)
        return -1;
    *ret = r;
    return 1;
}

int ledger_find_custody(struct ledger *l, uint64_t index, struct segment_reader *reader, struct sealed_record *ret, struct error *e)
{
    int rc = segment_reader_seek(reader, index, e);
    while (rc == 0) {
        rc = segment_reader_peek(reader, ledger_size(l), ret, e);
        if (rc != 1)
            return rc < 0 ? -1 : err_set(e, ERR_MISUSE, "there is no custody record %llu", (unsigned long long)index);
        if (ret->index == index)
            return 0;
        if (ret->index > index)
            break;
        segment_reader_step(reader, ret);
        rc = 0;
    }
    return rc < 0 ? -1 : err_set(e, ERR_MISUSE, "there is no custody record %llu", (unsigned long long)index);
}

int ledger_remove(struct ledger *l, const struct ledger_removal *r, uint64_t record, struct error *e)
{
    struct mark m = {.removal = *r, .record = record};
    struct segment_reader reader;
    struct sealed_record sealed;
    char path[SEGMENT_PATH];
    char mark[SEGMENT_PATH + 16];
    char index[HINT_PATH];
    uint8_t bytes[MARK_BYTES];
    struct error why = {0};
    struct ledger_head *head = malloc(sizeof *head);
    if (head == NULL)
        return err_sys(e, ENOMEM, "removing a segment");
    ledger_head(l, head);
    bool signed_for = record < head->published; /* whoever verifies must find the record under the checkpoint */
    free(head);
    if (!signed_for)
        return err_set(e, ERR_MISUSE, "record %llu is under no checkpoint yet", (unsigned long long)record);
    if (ledger_held(l, record))
        return err_set(e, ERR_AGAIN, "the ledger is being copied: segments go when that is done");
    memcpy(m.log_id, ledger_ring(l)->log_id, LOG_ID);
    segment_reader_init(&reader, ledger_dir(l), LEDGER_CUSTODY, m.log_id);
    int rc = ledger_find_custody(l, record, &reader, &sealed, e);
    if (rc == 0)
        rc = entry_show(ledger_ring(l), &sealed, m.key, e);
    if (rc == 0 && mark_check(&m, &sealed, &why) != 0)
        rc = err_set(e, ERR_MISUSE, "%s", why.text);
    segment_reader_release(&reader);
    segment_path(path, LEDGER_OBSERVATION, r->first);
    hints_path(index, path);
    mark_path(mark, r->first);
    mark_format(&m, bytes);
    if (rc == 0 && (file_replace(ledger_dir(l), mark, span_of(bytes, sizeof bytes), true, e) != 0 || file_remove(ledger_dir(l), path, e) != 0 ||
                    file_remove(ledger_dir(l), index, e) != 0))
        rc = -1;
    crypto_wipe(&m, sizeof m);
    return rc == 0 ? file_sync_parent(ledger_dir(l), path, e) : -1;
}
