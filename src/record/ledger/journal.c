#include "record/ledger/journal.h"

#include "record/ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC SPAN_LIT("TQJRNL1\n")
#define FRAME_MAGIC SPAN_LIT("TQFRAME1")
#define BASE_BYTES 128
#define GROW (1u << 20)       /* the file grows by so much, … */
#define GROW_MOST (4u << 20)  /* … by its own length up to this */
#define KEEP (4u << 20)       /* a file of so much stays as long as it is at an orderly end */
#define WRITE_STEP (1u << 20) /* so much of a long frame is written while the rest is being sealed */
#define SEND_FROM (16u << 10) /* a smaller frame is written faster by its sync alone */

const char *journal_path(uint64_t generation)
{
    return generation % 2 == 0 ? "journal.0" : "journal.1";
}

static uint64_t pages(uint64_t n)
{
    return (n + JOURNAL_PAGE - 1) / JOURNAL_PAGE * JOURNAL_PAGE;
}

void journal_init(struct journal *j, int dir)
{
    *j = (struct journal){.dir = dir, .fd = -1, .direct = -1};
}

/* A second descriptor, for writing past the system's cache. Where the file system has none, everything goes through the cache. */
static void open_direct(struct journal *j)
{
    if (j->stage == NULL)
        j->stage = aligned_alloc(JOURNAL_PAGE, WRITE_STEP);
    if (j->stage != NULL)
        j->direct = openat(j->dir, journal_path(j->base.generation), O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW);
}

static void close_direct(struct journal *j)
{
    if (j->direct >= 0)
        (void)close(j->direct);
    j->direct = -1;
}

void journal_close(struct journal *j)
{
    if (j->fd >= 0)
        (void)close(j->fd);
    j->fd = -1;
    close_direct(j);
    free(j->stage);
    j->stage = NULL;
    crypto_hash_free(j->hash);
    j->hash = NULL;
}

/* ── Page 0 ── */

int journal_base_parse(struct span in, struct journal_base *ret, struct error *e)
{
    uint8_t hash[SHA256_SIZE];
    if (in.n < JOURNAL_PAGE || !span_starts(in, MAGIC))
        return err_set(e, ERR_CORRUPT, "it does not begin like a journal");
    if ((in.p[8] << 8 | in.p[9]) > JOURNAL_FORMAT)
        return err_set(e, ERR_LIMIT, "it was written by a newer program (format %d, this one knows %d): use that one", in.p[8] << 8 | in.p[9],
                       JOURNAL_FORMAT);
    crypto_sha256(span_of(in.p, BASE_BYTES), hash);
    if (memcmp(hash, in.p + BASE_BYTES, sizeof hash) != 0)
        return err_set(e, ERR_CORRUPT, "its first page does not hold");
    for (size_t i = BASE_BYTES + SHA256_SIZE; i < JOURNAL_PAGE; i++) {
        if (in.p[i] != 0)
            return err_set(e, ERR_CORRUPT, "its first page has bytes where none should be");
    }
    struct journal_base b;
    (void)span_skip(&in, 10);
    struct span zero = span_take(&in, 6);
    memcpy(b.log_id, span_take(&in, LOG_ID).p, LOG_ID);
    b.generation = span_be64(&in);
    b.size = span_be64(&in);
    memcpy(b.root.b, span_take(&in, 32).p, 32);
    memcpy(b.nonce, span_take(&in, 16).p, 16);
    for (unsigned i = 0; i < STREAMS; i++) {
        b.segment[i].first = span_be64(&in);
        b.segment[i].length = span_be64(&in);
    }
    static const uint8_t zeros[6];
    if (memcmp(zero.p, zeros, sizeof zeros) != 0 || b.generation == 0)
        return err_set(e, ERR_CORRUPT, "its first page has a field that cannot be");
    *ret = b;
    return 0;
}

void journal_page(const struct journal_base *b, uint8_t page[JOURNAL_PAGE])
{
    struct buf out = {.p = page, .size = JOURNAL_PAGE, .max = JOURNAL_PAGE};
    uint8_t hash[SHA256_SIZE];
    memset(page, 0, JOURNAL_PAGE);
    buf_add_span(&out, MAGIC);
    buf_be16(&out, JOURNAL_FORMAT);
    buf_add(&out, (uint8_t[6]){0}, 6);
    buf_add(&out, b->log_id, LOG_ID);
    buf_be64(&out, b->generation);
    buf_be64(&out, b->size);
    buf_add(&out, b->root.b, 32);
    buf_add(&out, b->nonce, 16);
    for (unsigned i = 0; i < STREAMS; i++) {
        buf_be64(&out, b->segment[i].first);
        buf_be64(&out, b->segment[i].length);
    }
    crypto_sha256(buf_span(&out), hash);
    buf_add(&out, hash, sizeof hash);
}

int journal_begin(struct journal *j, const struct journal_base *base, struct error *e)
{
    uint8_t page[JOURNAL_PAGE];
    struct stat st;
    struct journal_base b = *base;
    const char *path = journal_path(b.generation);
    crypto_random(b.nonce, sizeof b.nonce);
    journal_page(&b, page);
    int fd = file_open_write(j->dir, path, e);
    if (fd < 0)
        return -1;
    if (file_write(fd, path, span_of(page, sizeof page), 0, e) != 0 || file_sync(fd, path, e) != 0 || file_sync_path(j->dir, ".", e) != 0) {
        (void)close(fd);
        return -1;
    }
    if (fstat(fd, &st) != 0) {
        (void)close(fd);
        return err_sys(e, errno, "reading %s", path);
    }
    journal_close(j);
    j->fd = fd;
    j->base = b;
    j->end = JOURNAL_PAGE;
    j->allocated = (uint64_t)st.st_size;
    open_direct(j);
    return 0;
}

/* -1: not there or does not hold. */
static int load_base(int dir, const char *path, struct journal_base *ret, struct error *e)
{
    uint8_t page[JOURNAL_PAGE];
    size_t n = 0;
    struct error why = {0};
    int fd = file_open_read(dir, path, e);
    if (fd < 0)
        return -1;
    int rc = file_read(fd, path, page, sizeof page, 0, &n, e);
    (void)close(fd);
    if (rc == 0 && journal_base_parse(span_of(page, n), ret, &why) != 0)
        rc = err_set(e, why.class, "%s cannot be used: %s", path, why.text);
    return rc;
}

int journal_open(struct journal *j, bool read_only, struct error *e)
{
    struct journal_base base[2];
    struct error why[2] = {{0}};
    int best = -1;
    for (int i = 0; i < 2; i++) {
        if (load_base(j->dir, journal_path((uint64_t)i), &base[i], &why[i]) == 0) {
            if (base[i].generation % 2 != (uint64_t)i)
                (void)err_set(&why[i], ERR_CORRUPT, "%s is the other one under a wrong name", journal_path((uint64_t)i));
            else if (best < 0 || base[i].generation > base[best].generation)
                best = i;
        } else if (why[i].class == ERR_LIMIT || why[i].class == ERR_SYSTEM) {
            if (e != NULL)
                *e = why[i];
            return -1;
        }
    }
    if (best < 0) {
        if (e != NULL)
            *e = why[0].class == ERR_CLOSED ? why[1] : why[0];
        return -1;
    }
    const char *path = journal_path((uint64_t)best);
    struct stat st;
    int fd = openat(j->dir, path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_sys(e, errno, "opening %s", path);
    if (fstat(fd, &st) != 0) {
        (void)close(fd);
        return err_sys(e, errno, "reading %s", path);
    }
    journal_close(j);
    j->fd = fd;
    j->base = base[best];
    j->end = JOURNAL_PAGE;
    j->allocated = (uint64_t)st.st_size;
    if (!read_only)
        open_direct(j);
    return 0;
}

/* ── Frames ── */

void journal_frame_begin(struct buf *out)
{
    buf_clear(out);
    buf_add(out, (uint8_t[JOURNAL_FRAME_HEADER]){0}, JOURNAL_FRAME_HEADER);
}

static void put_frame_header(struct buf *frame, const struct journal *j, uint64_t first, uint32_t count, tq_time time)
{
    struct buf out = {.p = frame->p, .size = JOURNAL_FRAME_HEADER, .max = JOURNAL_FRAME_HEADER};
    buf_add_span(&out, FRAME_MAGIC);
    buf_be64(&out, first);
    buf_be32(&out, count);
    buf_be32(&out, (uint32_t)(frame->n - JOURNAL_FRAME_HEADER));
    buf_add(&out, j->base.nonce, 16);
    buf_be64(&out, (uint64_t)time);
}

void journal_keep(struct journal *j)
{
    j->put = 0;
}

void journal_cancel(struct journal *j)
{
    static const uint8_t zeros[JOURNAL_PAGE];
    if (j->fd < 0 || j->put == 0)
        return;
    if (file_write(j->fd, journal_path(j->base.generation), span_of(zeros, sizeof zeros), j->put, NULL) == 0)
        (void)file_sync(j->fd, journal_path(j->base.generation), NULL);
    j->end = j->put;
    j->put = 0;
}

/* Zeros behind a frame that reaches beyond the file, so that the next ones overwrite blocks that exist. */
static int grow(struct journal *j, uint64_t end, struct error *e)
{
    static const uint8_t zeros[64u << 10];
    uint64_t step = j->allocated < GROW ? GROW : j->allocated < GROW_MOST ? j->allocated / GROW * GROW : GROW_MOST;
    uint64_t size = end + step;
    for (uint64_t at = end; at < size; at += sizeof zeros) {
        if (file_write(j->fd, journal_path(j->base.generation), span_of(zeros, sizeof zeros), at, e) != 0)
            return -1;
    }
    j->allocated = size;
    return 0;
}

int journal_put(struct journal *j, struct buf *frame, uint64_t first, uint32_t count, tq_time time, struct error *e)
{
    if (j->hash == NULL && (j->hash = crypto_hash_new()) == NULL)
        return err_sys(e, ENOMEM, "writing %s", journal_path(j->base.generation));
    put_frame_header(frame, j, first, count, time);
    j->put = j->end;
    j->hashed = j->written = 0;
    j->by_pages = j->direct >= 0 && j->end + pages(frame->n + SHA256_SIZE) <= j->allocated;
    return 0;
}

/* Writes the frame's bytes up to n. */
static int put_bytes(struct journal *j, const struct buf *frame, size_t n, struct error *e)
{
    int rc = file_write(j->fd, journal_path(j->base.generation), span_of(frame->p + j->written, n - j->written), j->put + j->written, e);
    j->written = n;
    return rc;
}

/* Writes staged pages past the cache. What a write leaves over goes the other way. */
static int put_stage(struct journal *j, size_t n, uint64_t at, struct error *e)
{
    ssize_t done = j->direct < 0 ? 0 : pwrite(j->direct, j->stage, n, (off_t)at);
    if (done < 0 && errno == EINVAL) /* this file system wants another alignment, or only promised */
        close_direct(j);
    else if (done < 0 && errno != EINTR)
        return err_sys(e, errno, "writing %s", journal_path(j->base.generation));
    size_t rest = done < 0 ? n : n - (size_t)done;
    return file_write(j->fd, journal_path(j->base.generation), span_of(j->stage + (n - rest), rest), at + (n - rest), e);
}

/* The same by whole pages, with zeros behind the frame's end: the sync that follows has nothing left to do but to ask the disk. */
static int put_pages(struct journal *j, const struct buf *frame, size_t n, struct error *e)
{
    size_t end = n < frame->n ? n / JOURNAL_PAGE * JOURNAL_PAGE : pages(n);
    while (j->written < end) {
        size_t piece = end - j->written < WRITE_STEP ? end - j->written : WRITE_STEP;
        size_t filled = frame->n - j->written < piece ? frame->n - j->written : piece;
        memcpy(j->stage, frame->p + j->written, filled);
        memset(j->stage + filled, 0, piece - filled);
        if (put_stage(j, piece, j->put + j->written, e) != 0)
            return -1;
        j->written += piece;
    }
    return 0;
}

int journal_put_more(struct journal *j, struct buf *frame, size_t sealed, struct error *e)
{
    uint8_t hash[SHA256_SIZE];
    crypto_hash_add(j->hash, span_of(frame->p + j->hashed, sealed - j->hashed));
    j->hashed = sealed;
    if (sealed < frame->n && sealed - j->written < WRITE_STEP)
        return 0;
    if (sealed < frame->n)
        return j->by_pages ? put_pages(j, frame, sealed, e) : put_bytes(j, frame, sealed, e);
    crypto_hash_end(j->hash, hash);
    buf_add(frame, hash, sizeof hash);
    if (!buf_ok(frame))
        return err_sys(e, ENOMEM, "writing %s", journal_path(j->base.generation));
    uint64_t end = j->end + pages(frame->n);
    if (j->by_pages) {
        if (put_pages(j, frame, frame->n, e) != 0)
            return -1;
    } else {
        if (put_bytes(j, frame, frame->n, e) != 0 || (end > j->allocated && grow(j, end, e) != 0))
            return -1;
        if (frame->n >= SEND_FROM)
            file_send(j->fd, j->put, end - j->put);
    }
    j->end = end;
    return 0;
}

int journal_sync(struct journal *j, struct error *e)
{
    return file_sync(j->fd, journal_path(j->base.generation), e);
}

bool journal_frame_parse(struct span in, const uint8_t nonce[16], struct journal_frame *ret, size_t *ret_need)
{
    struct span all = in;
    uint8_t hash[SHA256_SIZE];
    *ret_need = 0;
    if (in.n < JOURNAL_FRAME_HEADER || !span_starts(in, FRAME_MAGIC))
        return false;
    (void)span_skip(&in, 8);
    struct journal_frame f = {.first = span_be64(&in), .count = span_be32(&in)};
    uint32_t body = span_be32(&in);
    struct span nonce_is = span_take(&in, 16);
    f.time = (tq_time)span_be64(&in);
    struct span zero = span_take(&in, 16);
    static const uint8_t zeros[16];
    if (memcmp(nonce_is.p, nonce, 16) != 0 || memcmp(zero.p, zeros, sizeof zeros) != 0 || body > JOURNAL_BODY_MAX || f.count == 0)
        return false;
    *ret_need = (size_t)JOURNAL_FRAME_HEADER + body + SHA256_SIZE;
    f.body = span_take(&in, body);
    struct span hash_is = span_take(&in, SHA256_SIZE);
    if (in.bad)
        return false;
    crypto_sha256(span_of(all.p, JOURNAL_FRAME_HEADER + body), hash);
    if (memcmp(hash, hash_is.p, sizeof hash) != 0)
        return false;
    *ret = f;
    return true;
}

/* Reads and checks the frame at `at`: 1, 0 (none), -1 (the machine failed). */
static int read_frame(struct journal *j, uint64_t at, struct buf *bytes, struct journal_frame *ret, struct error *e)
{
    const char *path = journal_path(j->base.generation);
    size_t got = 0;
    size_t need = 0;
    buf_clear(bytes);
    if (!buf_reserve(bytes, JOURNAL_PAGE))
        return err_sys(e, ENOMEM, "reading %s", path);
    if (file_read(j->fd, path, bytes->p, JOURNAL_PAGE, at, &got, e) != 0)
        return -1;
    bytes->n = got;
    if (journal_frame_parse(buf_span(bytes), j->base.nonce, ret, &need))
        return 1;
    if (need <= got)
        return 0;
    size_t more = need - got;
    if (!buf_reserve(bytes, more))
        return err_sys(e, ENOMEM, "reading %s", path);
    if (file_read(j->fd, path, bytes->p + bytes->n, more, at + bytes->n, &got, e) != 0)
        return -1;
    bytes->n += got;
    return journal_frame_parse(buf_span(bytes), j->base.nonce, ret, &need) ? 1 : 0;
}

/* The head of a frame of this generation. */
static bool head_is(const struct journal *j, struct span in)
{
    return in.n >= 40 && span_starts(in, FRAME_MAGIC) && memcmp(in.p + 24, j->base.nonce, 16) == 0;
}

/* Whether the head of a frame of this generation stands there: one look, for the many pages of a journal where none does. */
static bool may_begin(struct journal *j, uint64_t at)
{
    uint8_t head[40];
    size_t got = 0;
    if (file_read(j->fd, journal_path(j->base.generation), head, sizeof head, at, &got, NULL) != 0)
        return true; /* reading all of it says why */
    return head_is(j, span_of(head, got));
}

int journal_next(struct journal *j, uint64_t first, struct buf *bytes, struct journal_frame *ret, bool *ret_torn, struct error *e)
{
    int rc = read_frame(j, j->end, bytes, ret, e);
    if (rc < 0)
        return -1;
    if (rc == 1 && ret->first == first) {
        j->end += pages(JOURNAL_FRAME_HEADER + ret->body.n + SHA256_SIZE);
        return 1;
    }
    *ret_torn = head_is(j, buf_span(bytes)) /* a write that was cut short */;
    struct journal_frame behind;
    for (uint64_t at = j->end + (rc == 1 ? 0 : JOURNAL_PAGE); at < j->allocated; at += JOURNAL_PAGE) {
        rc = may_begin(j, at) ? read_frame(j, at, bytes, &behind, e) : 0;
        if (rc < 0)
            return -1;
        if (rc == 1)
            return err_set(e, ERR_CORRUPT, "%s is damaged at byte %llu: record %llu should stand there, and whole commits stand behind it",
                           journal_path(j->base.generation), (unsigned long long)j->end, (unsigned long long)first);
    }
    return 0;
}

int journal_rewrite(struct journal *j, uint64_t end, struct error *e)
{
    const char *path = journal_path(j->base.generation);
    struct buf piece = BUF_INIT(GROW);
    int rc = buf_reserve(&piece, GROW) ? 0 : err_sys(e, ENOMEM, "reading %s", path);
    for (uint64_t at = 0; rc == 0 && at < end; at += piece.n) {
        rc = file_read(j->fd, path, piece.p, end - at < GROW ? (size_t)(end - at) : GROW, at, &piece.n, e);
        if (rc != 0 || piece.n == 0)
            break;
        rc = file_write(j->fd, path, buf_span(&piece), at, e);
    }
    buf_release(&piece);
    return rc == 0 && file_sync(j->fd, path, e) == 0 ? file_sync_path(j->dir, ".", e) : -1;
}

int journal_shrink(struct journal *j, struct error *e)
{
    const char *before = journal_path(j->base.generation + 1); /* the generation before lies there */
    struct stat st;
    if (j->allocated >= KEEP || (fstatat(j->dir, before, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size >= KEEP))
        return 0;
    if (file_cut(j->fd, journal_path(j->base.generation), JOURNAL_PAGE, e) != 0)
        return -1;
    j->allocated = JOURNAL_PAGE;
    if (file_remove(j->dir, before, e) != 0)
        return -1;
    return file_sync(j->fd, journal_path(j->base.generation), e);
}
