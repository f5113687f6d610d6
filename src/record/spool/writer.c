/* Invariants
 *  1. Bytes below `at` are written and never changed again; `waiting` goes there next. A write that failed half-way is repeated at the same place.
 *  2. A frame is sealed under keys that no other frame has, and they are forgotten as soon as it is sealed: what is written cannot be read here.
 *  3. After a failed sync nobody knows what reached the disk, and a later one would not tell: this writer takes nothing more (a new part can be
 * begun).
 *  4. A record that is refused leaves no trace: cap and memory are looked at before the chain steps on.
 *  5. Where room is ready, whole blocks are written past the cache: the last one again with what follows, its bytes of before unchanged. `stage`
 * begins with them, whichever way they were written. */
#include "record/spool/spool_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define WAITING_MAX (8u << 20)   /* bytes that wait while the disk takes nothing */
#define WRITE_PIECE (256u << 10) /* from so many on they are written without waiting for a sync */
#define STAGE (128u << 10)

struct spool_writer {
    struct spool_chain chain;
    int fd;
    uint64_t at;
    uint64_t synced;
    uint64_t max;
    uint64_t records;
    bool failed;
    uint64_t ready; /* up to here room is ready */
    uint8_t *stage; /* NULL: nothing goes past the cache */
    struct buf waiting;
};

static int begin(struct spool_writer *w, const struct spool_part *part, const uint8_t to[X25519_KEY], struct error *e)
{
    struct spool_header h = {.part = *part};
    uint8_t secret[X25519_KEY];
    uint8_t shared[X25519_KEY];
    uint8_t header[HEADER];
    h.part.offset = w->at;
    memcpy(h.to, to, X25519_KEY);
    crypto_random(secret, sizeof secret);
    crypto_x25519_public(secret, h.ephemeral);
    bool agreed = crypto_x25519(secret, to, shared);
    crypto_wipe(secret, sizeof secret);
    spool_header_encode(header, &h);
    if (agreed)
        spool_chain_start(&w->chain, shared, header);
    crypto_wipe(shared, sizeof shared);
    buf_add(&w->waiting, header, sizeof header);
    if (!agreed)
        return err_set(e, ERR_MISUSE, "what the spool is to be sealed to is no public key");
    return buf_ok(&w->waiting) ? 0 : err_set(e, ERR_SYSTEM, "no memory for the spool");
}

struct spool_writer *spool_writer_at(int fd, uint64_t used, const struct spool_part *part, const uint8_t to[X25519_KEY], uint64_t max,
                                     struct error *e)
{
    if (aligned(used) > max || max - aligned(used) < HEADER) {
        (void)err_set(e, ERR_LIMIT, "the spool is full: %llu bytes", (unsigned long long)used);
        return NULL;
    }
    struct spool_writer *w = crypto_secret_new(sizeof *w, NULL);
    if (w == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the spool");
        return NULL;
    }
    w->fd = fd;
    w->at = w->synced = aligned(used);
    w->max = max;
    w->waiting = BUF_INIT(WAITING_MAX + FRAME_MAX);
    if (begin(w, part, to, e) != 0) {
        spool_writer_free(w);
        return NULL;
    }
    return w;
}

struct spool_writer *spool_writer_new(int fd, const struct spool_part *part, const uint8_t to[X25519_KEY], uint64_t max, struct error *e)
{
    uint64_t size = 0;
    return spool_size(fd, &size, e) != 0 ? NULL : spool_writer_at(fd, size, part, to, max, e);
}

static void leave_stage(struct spool_writer *w)
{
    free(w->stage);
    w->stage = NULL;
}

void spool_use_ready(struct spool_writer *w, uint64_t ready)
{
    size_t n = 0;
    uint64_t block = w->at / SPOOL_ALIGN * SPOOL_ALIGN;
    w->ready = ready / SPOOL_ALIGN * SPOOL_ALIGN;
    if (w->stage != NULL || block >= w->ready)
        return;
    w->stage = aligned_alloc(SPOOL_ALIGN, STAGE);
    if (w->stage != NULL && (spool_read_at(w->fd, w->stage, (size_t)(w->at - block), block, &n, NULL) != 0 || block + n != w->at))
        leave_stage(w);
}

/* n bytes of the stage, at the block of w->at. *durable: asked for, and whether they are. False: they have to go the other way. */
static bool put_stage(struct spool_writer *w, size_t n, bool *durable, int *ret_errno)
{
    struct iovec blocks = {.iov_base = w->stage, .iov_len = n};
    bool sync = *durable;
    *durable = false;
    *ret_errno = 0;
    if (!spool_past_cache(w->fd, true))
        return false;
    ssize_t done = pwritev2(w->fd, &blocks, 1, (off_t)(w->at / SPOOL_ALIGN * SPOOL_ALIGN), sync ? RWF_DSYNC : 0);
    int failed = errno;
    (void)spool_past_cache(w->fd, false);
    if (done == (ssize_t)n)
        *durable = sync;
    else if (done < 0 && sync && failed != EINVAL && failed != EOPNOTSUPP && failed != EINTR)
        *ret_errno = failed; /* nobody knows what reached the disk */
    return done == (ssize_t)n;
}

/* Writes what waits in place. What could not be written so still waits. */
static void write_in_place(struct spool_writer *w, bool durable, int *ret_errno)
{
    size_t done = 0;
    *ret_errno = 0;
    while (w->stage != NULL && done < w->waiting.n) {
        size_t before = (size_t)(w->at % SPOOL_ALIGN);
        size_t n = w->waiting.n - done < STAGE - before ? w->waiting.n - done : STAGE - before;
        size_t end = before + n;
        bool sync = durable && w->synced == w->at && n == w->waiting.n - done;
        if (aligned(w->at + n) > w->ready)
            break;
        memcpy(w->stage + before, w->waiting.p + done, n);
        memset(w->stage + end, 0, (size_t)aligned(end) - end);
        if (!put_stage(w, (size_t)aligned(end), &sync, ret_errno)) {
            leave_stage(w);
            break;
        }
        w->at += n;
        w->synced = sync ? w->at : w->synced;
        done += n;
        memmove(w->stage, w->stage + end / SPOOL_ALIGN * SPOOL_ALIGN, end % SPOOL_ALIGN);
    }
    memmove(w->waiting.p, w->waiting.p + done, w->waiting.n - done);
    w->waiting.n -= done;
}

/* durable: what is written so that a sync costs nothing more is synced with it. */
static int write_waiting(struct spool_writer *w, bool durable, struct error *e)
{
    int failed = 0;
    if (w->failed)
        return err_set(e, ERR_SYSTEM, "the spool could not be made durable before; it has to be begun anew");
    if (w->stage != NULL)
        write_in_place(w, durable, &failed);
    w->failed = failed != 0;
    if (w->failed)
        return err_sys(e, failed, "making the spool durable");
    size_t done = 0;
    while (done < w->waiting.n) {
        ssize_t n = pwrite(w->fd, w->waiting.p + done, w->waiting.n - done, (off_t)(w->at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_sys(e, n == 0 ? ENOSPC : errno, "writing the spool");
        done += (size_t)n;
        leave_stage(w); /* beyond the room that is ready */
    }
    w->at += done;
    buf_clear(&w->waiting);
    return 0;
}

static void put_frame(struct spool_writer *w, struct spool_place place, struct span record)
{
    uint8_t *frame = w->waiting.p + w->waiting.n; /* there is room */
    struct buf b = {.p = frame, .size = HEAD, .max = HEAD};
    buf_be32(&b, record.n);
    buf_be64(&b, place.seq);
    buf_be32(&b, place.ordinal);
    spool_chain_check(&w->chain, frame, frame + HEAD_CLEAR);
    static const uint8_t nonce[AES_GCM_NONCE]; /* zeros: the key seals this one text */
    crypto_seal(w->chain.seal, nonce, span_of(frame, HEAD), record, frame + HEAD);
    w->waiting.n += HEAD + record.n + AES_GCM_TAG;
    spool_chain_step(&w->chain);
}

static int add(struct spool_writer *w, struct spool_place place, struct span record, struct error *e)
{
    size_t need = HEAD + record.n + AES_GCM_TAG;
    uint64_t used = w->at + w->waiting.n;
    if (used > w->max || w->max - used < need)
        return err_set(e, ERR_LIMIT, "the spool is full: %llu bytes", (unsigned long long)used);
    if (w->waiting.n > WAITING_MAX)
        return err_set(e, ERR_LIMIT, "the disk takes nothing, and no more may wait for it");
    if (!buf_reserve(&w->waiting, need)) {
        w->waiting.failed = false;
        return err_set(e, ERR_SYSTEM, "no memory for the spool");
    }
    put_frame(w, place, record);
    return 0;
}

int spool_write(struct spool_writer *w, struct spool_place place, struct span record, struct error *e)
{
    if (record.n == 0 || record.n > SPOOL_RECORD_MAX)
        return err_set(e, ERR_MISUSE, "a record of %u bytes cannot be spooled", record.n);
    if (add(w, place, record, e) != 0)
        return -1;
    w->records++;
    if (w->waiting.n >= WRITE_PIECE)
        (void)write_waiting(w, false, NULL); /* where the disk takes nothing, the sync says so */
    return 0;
}

int spool_sync(struct spool_writer *w, struct error *e)
{
    if (write_waiting(w, true, e) != 0)
        return -1;
    if (w->synced == w->at)
        return 0;
    w->failed = fdatasync(w->fd) != 0;
    if (w->failed)
        return err_sys(e, errno, "making the spool durable");
    w->synced = w->at;
    return 0;
}

bool spool_failed(const struct spool_writer *w)
{
    return w->failed;
}

struct spool_counts spool_counts(const struct spool_writer *w)
{
    uint64_t bytes = w->at + w->waiting.n;
    return (struct spool_counts){
        .bytes = bytes, .max = w->max, .records = w->records, .unsynced = bytes - w->synced, .nearly_full = bytes > w->max / 5 * 4};
}

int spool_end(struct spool_writer *w, struct error *e)
{
    return add(w, (struct spool_place){0}, (struct span){0}, e) != 0 ? -1 : spool_sync(w, e);
}

void spool_writer_free(struct spool_writer *w)
{
    if (w == NULL)
        return;
    leave_stage(w);
    buf_release(&w->waiting);
    crypto_secret_free(w, sizeof *w);
}
