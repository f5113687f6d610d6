#include "record/ledger/segment.h"

#include "record/ledger/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEND_STEP (1u << 20) /* bytes of a segment that are sent to the disk together */
#define MAGIC SPAN_LIT("TQSEGM1\n")
#define READ_STEP (256u << 10)

static const char *folder_of(enum ledger_stream stream)
{
    return stream == LEDGER_CUSTODY ? "segment/custody" : "segment/observation";
}

void segment_path(char out[SEGMENT_PATH], enum ledger_stream stream, uint64_t first)
{
    (void)snprintf(out, SEGMENT_PATH, "%s/%020llu", folder_of(stream), (unsigned long long)first);
}

static void make_header(const struct segment_writer *w, uint8_t out[SEGMENT_HEADER])
{
    struct buf b = {.p = out, .size = SEGMENT_HEADER, .max = SEGMENT_HEADER};
    uint8_t hash[SHA256_SIZE];
    buf_add_span(&b, MAGIC);
    buf_be16(&b, SEGMENT_FORMAT);
    buf_u8(&b, (uint8_t)w->stream);
    buf_u8(&b, 0);
    buf_be32(&b, w->day);
    buf_add(&b, w->log_id, LOG_ID);
    buf_be64(&b, w->first);
    buf_be64(&b, 0);
    crypto_sha256(buf_span(&b), hash);
    buf_add(&b, hash, 16);
}

int segment_header_check(struct span in, enum ledger_stream stream, uint64_t first, const uint8_t *log_id, uint32_t *ret_day, struct error *e)
{
    uint8_t hash[SHA256_SIZE];
    if (in.n != SEGMENT_HEADER || !span_starts(in, MAGIC))
        return err_set(e, ERR_CORRUPT, "its header is not that of a segment");
    if ((in.p[8] << 8 | in.p[9]) > SEGMENT_FORMAT)
        return err_set(e, ERR_LIMIT, "it was written by a newer program (format %d, this one knows %d): use that one", in.p[8] << 8 | in.p[9],
                       SEGMENT_FORMAT);
    crypto_sha256(span_of(in.p, 48), hash);
    if (memcmp(hash, in.p + 48, 16) != 0)
        return err_set(e, ERR_CORRUPT, "its header does not hold");
    (void)span_skip(&in, 8);
    uint16_t format = span_be16(&in);
    uint8_t stream_is = span_u8(&in);
    uint8_t zero = span_u8(&in);
    uint32_t day = span_be32(&in);
    struct span log = span_take(&in, LOG_ID);
    uint64_t first_is = span_be64(&in);
    if (format != SEGMENT_FORMAT || stream_is != (uint8_t)stream || zero != 0 || first_is != first || span_be64(&in) != 0 ||
        (log_id != NULL && memcmp(log.p, log_id, LOG_ID) != 0))
        return err_set(e, ERR_CORRUPT, "it is another log's, stream's or place's segment");
    *ret_day = day;
    return 0;
}

/* ── Finding segments ── */

static bool parse_name(const char *name, const char *suffix, uint64_t *ret)
{
    uint64_t v = 0;
    if (strlen(name) < 20 || strcmp(name + 20, suffix) != 0)
        return false;
    for (int i = 0; i < 20; i++) {
        if (name[i] < '0' || name[i] > '9' || v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(name[i] - '0');
    }
    *ret = v;
    return true;
}

/* What is looked for among a stream's segments. */
struct wanted {
    uint64_t at;
    uint64_t below; /* the greatest first at or below `at`; SEGMENT_NONE */
    uint64_t above; /* the smallest first above `at`; SEGMENT_NONE */
};

/* Opens a stream's folder for listing. *ret NULL: there is none. */
static int open_folder(int dir, enum ledger_stream stream, DIR **ret, struct error *e)
{
    *ret = NULL;
    int fd = openat(dir, folder_of(stream), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(e, errno, "opening the folder %s", folder_of(stream));
    *ret = fdopendir(fd);
    if (*ret != NULL)
        return 0;
    (void)close(fd);
    return err_sys(e, errno, "opening the folder %s", folder_of(stream));
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int segment_list(int dir, enum ledger_stream stream, const char *suffix, uint64_t **ret, size_t *ret_n, struct error *e)
{
    DIR *d;
    uint64_t *list = NULL;
    size_t n = 0;
    size_t room = 0;
    if (open_folder(dir, stream, &d, e) != 0)
        return -1;
    for (struct dirent *entry = d == NULL ? NULL : readdir(d); entry != NULL; entry = readdir(d)) {
        uint64_t first;
        if (!parse_name(entry->d_name, suffix, &first))
            continue;
        if (n == room) {
            room = room == 0 ? 64 : 2 * room;
            uint64_t *more = reallocarray(list, room, sizeof *list);
            if (more == NULL) {
                free(list);
                (void)closedir(d);
                return err_sys(e, ENOMEM, "listing the segments");
            }
            list = more;
        }
        list[n++] = first;
    }
    if (d != NULL)
        (void)closedir(d);
    if (n > 1)
        qsort(list, n, sizeof *list, by_size);
    *ret = list;
    *ret_n = n;
    return 0;
}

static int look(int dir, enum ledger_stream stream, struct wanted *w, struct error *e)
{
    DIR *d;
    w->below = w->above = SEGMENT_NONE;
    if (open_folder(dir, stream, &d, e) != 0)
        return -1;
    if (d == NULL)
        return 0;
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        uint64_t first;
        if (!parse_name(entry->d_name, "", &first))
            continue;
        if (first <= w->at && (w->below == SEGMENT_NONE || first > w->below))
            w->below = first;
        if (first > w->at && first < w->above)
            w->above = first;
    }
    (void)closedir(d);
    return 0;
}

/* ── Writing ── */

void segment_writer_init(struct segment_writer *w, int dir, const uint8_t log_id[LOG_ID], enum ledger_stream stream)
{
    *w = (struct segment_writer){.dir = dir, .fd = -1, .stream = stream, .first = SEGMENT_NONE, .hints = {.fd = -1}};
    memcpy(w->log_id, log_id, LOG_ID);
}

void segment_writer_close(struct segment_writer *w)
{
    if (w->fd >= 0)
        (void)close(w->fd);
    w->fd = -1;
    hints_close(&w->hints);
}

/* Makes the hints of all but the last segment that have none. */
static int complete_hints(struct segment_writer *w, struct error *e)
{
    struct wanted want = {.at = 0};
    char path[SEGMENT_PATH];
    char index[HINT_PATH];
    struct stat st;
    if (look(w->dir, w->stream, &want, e) != 0)
        return -1;
    uint64_t first = want.below != SEGMENT_NONE ? want.below : want.above;
    while (first != SEGMENT_NONE && first < w->first) {
        segment_path(path, w->stream, first);
        hints_path(index, path);
        if (fstatat(w->dir, index, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            int fd = openat(w->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
            struct hints h;
            if (fd >= 0 && fstat(fd, &st) == 0) {
                hints_resume(&h, w->dir, path, fd, SEGMENT_HEADER, (uint64_t)st.st_size);
                hints_close(&h);
            }
            if (fd >= 0)
                (void)close(fd);
        }
        want.at = first;
        if (look(w->dir, w->stream, &want, e) != 0)
            return -1;
        first = want.above;
    }
    return 0;
}

static int remove_above(struct segment_writer *w, uint64_t at, bool all, struct error *e)
{
    struct wanted want = {.at = at};
    char path[SEGMENT_PATH];
    char index[HINT_PATH];
    for (;;) {
        if (look(w->dir, w->stream, &want, e) != 0)
            return -1;
        uint64_t first = all && want.below != SEGMENT_NONE ? want.below : want.above;
        if (first == SEGMENT_NONE)
            return 0;
        segment_path(path, w->stream, first);
        hints_path(index, path);
        if (file_remove(w->dir, path, e) != 0 || file_remove(w->dir, index, e) != 0)
            return -1;
    }
}

int segment_writer_open(struct segment_writer *w, uint64_t first, uint64_t length, struct error *e)
{
    segment_writer_close(w);
    w->first = SEGMENT_NONE;
    w->length = 0;
    if (first == SEGMENT_NONE)
        return 0;
    char path[SEGMENT_PATH];
    uint8_t header[SEGMENT_HEADER];
    size_t n = 0;
    struct stat st;
    struct error why = {0};
    segment_path(path, w->stream, first);
    int fd = openat(w->dir, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? err_set(e, ERR_CORRUPT, "%s is missing: put it back from a backup", path) : err_sys(e, errno, "opening %s", path);
    w->fd = fd;
    if (fstat(fd, &st) != 0)
        return err_sys(e, errno, "reading %s", path);
    if (file_read(fd, path, header, sizeof header, 0, &n, e) != 0)
        return -1;
    if (segment_header_check(span_of(header, n), w->stream, first, w->log_id, &w->day, &why) != 0)
        return err_set(e, why.class, "%s cannot be used: %s", path, why.text);
    if ((uint64_t)st.st_size < length)
        return err_set(e, ERR_CORRUPT, "%s has lost its end (%lld bytes, %llu were durable): put it back from a backup", path, (long long)st.st_size,
                       (unsigned long long)length);
    w->first = first;
    w->length = length;
    return 0;
}

int segment_writer_cut(struct segment_writer *w, struct error *e)
{
    char path[SEGMENT_PATH];
    struct stat st;
    if (w->fd < 0)
        return remove_above(w, 0, true, e);
    segment_path(path, w->stream, w->first);
    if (remove_above(w, w->first, false, e) != 0)
        return -1;
    if (fstat(w->fd, &st) != 0)
        return err_sys(e, errno, "reading %s", path);
    if ((uint64_t)st.st_size > w->length && file_cut(w->fd, path, w->length, e) != 0)
        return -1;
    hints_resume(&w->hints, w->dir, path, w->fd, SEGMENT_HEADER, w->length);
    return complete_hints(w, e);
}

bool segment_due(const struct segment_writer *w, uint32_t day, size_t n)
{
    return w->fd < 0 || w->length + n > SEGMENT_SIZE_MAX || (w->stream == LEDGER_OBSERVATION && w->day != day);
}

int segment_writer_sync(struct segment_writer *w, struct error *e)
{
    if (w->fd < 0)
        return 0;
    char path[SEGMENT_PATH];
    segment_path(path, w->stream, w->first);
    return file_sync(w->fd, path, e) == 0 ? file_sync_path(w->dir, folder_of(w->stream), e) : -1;
}

static int begin(struct segment_writer *w, uint64_t index, uint32_t day, struct error *e)
{
    uint8_t header[SEGMENT_HEADER];
    char path[SEGMENT_PATH];
    if (segment_writer_sync(w, e) != 0)
        return -1;
    segment_writer_close(w);
    w->first = index;
    w->day = w->stream == LEDGER_OBSERVATION ? day : 0;
    segment_path(path, w->stream, index);
    w->fd = file_open_write(w->dir, path, e);
    if (w->fd < 0)
        return -1;
    make_header(w, header);
    w->length = SEGMENT_HEADER;
    hints_begin(&w->hints, w->dir, path, SEGMENT_HEADER);
    return file_cut(w->fd, path, 0, e) == 0 ? file_write(w->fd, path, span_of(header, sizeof header), 0, e) : -1;
}

int segment_write(struct segment_writer *w, uint64_t index, uint32_t day, struct span records, struct error *e)
{
    char path[SEGMENT_PATH];
    if (segment_due(w, day, records.n) && begin(w, index, day, e) != 0)
        return -1;
    segment_path(path, w->stream, w->first);
    if (file_write(w->fd, path, records, w->length, e) != 0)
        return -1;
    hints_add(&w->hints, records, w->length);
    w->length += records.n;
    if (w->sent > w->length)
        w->sent = 0; /* of another segment */
    if (w->length - w->sent >= SEND_STEP) {
        uint64_t end = w->length - w->length % 4096;
        file_send(w->fd, w->sent, end - w->sent);
        w->sent = end;
    }
    return 0;
}

/* ── Reading ── */

void segment_reader_init(struct segment_reader *r, int dir, enum ledger_stream stream, const uint8_t *log_id)
{
    *r = (struct segment_reader){.dir = dir, .fd = -1, .stream = stream, .first = SEGMENT_NONE, .any_log = log_id == NULL};
    r->buffer = BUF_INIT(READ_STEP + 2 * SEALED_RECORD_MAX);
    if (log_id != NULL)
        memcpy(r->log_id, log_id, LOG_ID);
}

void segment_reader_release(struct segment_reader *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
    buf_release(&r->buffer);
}

static void begin_at(struct segment_reader *r, uint64_t at)
{
    r->at = at;
    r->taken = 0;
    r->ended = false;
    r->hinted = false;
    buf_clear(&r->buffer);
}

static int open_segment(struct segment_reader *r, uint64_t first, struct error *e)
{
    uint8_t header[SEGMENT_HEADER];
    size_t n = 0;
    uint32_t day;
    struct error why = {0};
    if (r->fd >= 0)
        (void)close(r->fd);
    segment_path(r->path, r->stream, first);
    r->fd = file_open_read(r->dir, r->path, e);
    if (r->fd < 0 || file_read(r->fd, r->path, header, sizeof header, 0, &n, e) != 0)
        return -1;
    if (segment_header_check(span_of(header, n), r->stream, first, r->any_log ? NULL : r->log_id, &day, &why) != 0)
        return err_set(e, why.class, "%s cannot be used: %s", r->path, why.text);
    if (r->any_log) {
        memcpy(r->log_id, header + 16, LOG_ID);
        r->any_log = false;
    }
    r->first = first;
    begin_at(r, SEGMENT_HEADER);
    return 0;
}

int segment_reader_seek(struct segment_reader *r, uint64_t from, struct error *e)
{
    struct wanted want = {.at = from};
    r->started = true;
    r->first = SEGMENT_NONE;
    if (look(r->dir, r->stream, &want, e) != 0)
        return -1;
    uint64_t first = want.below != SEGMENT_NONE ? want.below : want.above;
    if (first == SEGMENT_NONE)
        return 0;
    if (open_segment(r, first, e) != 0)
        return -1;
    uint64_t hint = from > first ? hints_find(r->dir, r->path, r->fd, from) : 0;
    if (hint > 0) {
        begin_at(r, hint);
        r->hinted = true;
    }
    return 0;
}

bool segment_reader_rewind(struct segment_reader *r)
{
    if (!r->hinted)
        return false;
    begin_at(r, SEGMENT_HEADER);
    return true;
}

/* Reads more of the file behind what the buffer holds, at least `need` unread bytes where there are so many. */
static int fill(struct segment_reader *r, size_t need, struct error *e)
{
    buf_drop_front(&r->buffer, r->taken);
    r->at += r->taken;
    r->taken = 0;
    size_t want = need > READ_STEP ? need : READ_STEP;
    if (r->buffer.n >= want)
        return 0;
    size_t more = want - r->buffer.n;
    size_t got = 0;
    if (!buf_reserve(&r->buffer, more))
        return err_sys(e, ENOMEM, "reading %s", r->path);
    if (file_read(r->fd, r->path, r->buffer.p + r->buffer.n, more, r->at + r->buffer.n, &got, e) != 0)
        return -1;
    r->buffer.n += got;
    r->ended = got < more;
    return 0;
}

/* The bytes that the record at the front of `in` wants to have, as far as can be seen. */
static size_t record_needs(struct span in)
{
    if (in.n < SEALED_RECORD_MIN)
        return SEALED_RECORD_MIN;
    struct span at = span_of(in.p + SEALED_RECORD_MIN - 4, 4);
    size_t sealed = span_be32(&at);
    return SEALED_RECORD_MIN + (sealed > SEALED_MAX ? 0 : sealed);
}

int segment_reader_peek(struct segment_reader *r, uint64_t limit, struct sealed_record *ret, struct error *e)
{
    for (;;) {
        if (r->first == SEGMENT_NONE) { /* nothing yet: it may have begun meanwhile */
            if (segment_reader_seek(r, 0, e) != 0)
                return -1;
            if (r->first == SEGMENT_NONE)
                return 0;
        }
        struct span in = span_of(r->buffer.p + r->taken, r->buffer.n - r->taken);
        size_t need = record_needs(in);
        if (in.n < need) {
            if (fill(r, need, e) != 0)
                return -1;
            in = buf_span(&r->buffer);
            if (in.n < record_needs(in) && !r->ended)
                continue;
        }
        struct sealed_record record;
        int rc = sealed_record_take(&in, &record);
        if (rc == 1 && record.index < limit) {
            *ret = record;
            return 1;
        }
        struct span ahead = in;
        uint64_t index = span_be64(&ahead);
        if (rc == -1 && index < limit)
            return err_set(e, ERR_CORRUPT, "%s is damaged at byte %llu", r->path, (unsigned long long)r->at + r->taken);
        struct wanted want = {.at = r->first};
        if (look(r->dir, r->stream, &want, e) != 0)
            return -1;
        if (want.above == SEGMENT_NONE || want.above >= limit)
            return 0;
        if (in.n > 0)
            return err_set(e, ERR_CORRUPT, "%s has bytes behind its last record, at byte %llu", r->path, (unsigned long long)r->at + r->taken);
        if (open_segment(r, want.above, e) != 0)
            return -1;
    }
}

int segment_reader_find(struct segment_reader *r, uint64_t index, struct error *e)
{
    uint8_t wanted[8];
    for (size_t i = 0; i < sizeof wanted; i++)
        wanted[i] = (uint8_t)(index >> (56 - 8 * i));
    while (r->fd >= 0) {
        struct span in = span_of(r->buffer.p + r->taken, r->buffer.n - r->taken);
        const uint8_t *hit = in.n < sizeof wanted ? NULL : memmem(in.p, in.n, wanted, sizeof wanted);
        if (hit == NULL) {
            if (r->ended)
                return 0;
            r->taken += in.n < sizeof wanted ? 0 : in.n - (sizeof wanted - 1);
            if (fill(r, 2 * sizeof wanted, e) != 0)
                return -1;
            continue;
        }
        r->taken += (size_t)(hit - in.p);
        in = span_of(hit, in.n - (size_t)(hit - in.p));
        if (in.n < SEALED_RECORD_MIN && !r->ended && fill(r, SEALED_RECORD_MIN, e) != 0)
            return -1;
        in = span_of(r->buffer.p + r->taken, r->buffer.n - r->taken);
        size_t need = record_needs(in);
        if (in.n < need && !r->ended && fill(r, need, e) != 0)
            return -1;
        in = span_of(r->buffer.p + r->taken, r->buffer.n - r->taken);
        struct sealed_record record;
        if (sealed_record_take(&in, &record) == 1 && record.index == index)
            return 1;
        r->taken++;
    }
    return 0;
}

void segment_reader_step(struct segment_reader *r, const struct sealed_record *peeked)
{
    r->taken += peeked->bytes.n;
}

uint64_t segment_reader_left(const struct segment_reader *r)
{
    struct stat st;
    if (r->fd < 0 || fstat(r->fd, &st) != 0)
        return 0;
    uint64_t here = r->at + r->taken;
    return (uint64_t)st.st_size > here ? (uint64_t)st.st_size - here : 0;
}
