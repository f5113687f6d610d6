/* Room made ready: zeros that are durable before anything is written over them. Where a file grows, or gets blocks, a sync waits for the file
 * system's own journal, too; where it does not, a sync is one write.
 *
 * Zeros say nothing wherever they stand (docs/formats/spool.md): behind the frames of a part, and between parts. So a file that was emptied is one of
 * zeros, and what it held is overwritten, not only given back. */
#include "record/spool/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE (1u << 20)
#define TAIL 64 /* what was written last may end with a few zeros of its own */

bool spool_past_cache(int fd, bool past)
{
    return fcntl(fd, F_SETFL, past ? O_DIRECT : 0) == 0;
}

static int sync_all(int fd, struct error *e)
{
    return fdatasync(fd) == 0 ? 0 : err_sys(e, errno, "making the spool's room durable");
}

/* Zeros over whole blocks. */
static int put_zeros(int fd, uint64_t from, uint64_t to, struct error *e)
{
    uint8_t *zeros = aligned_alloc(SPOOL_ALIGN, PIECE);
    if (zeros == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for the spool");
    memset(zeros, 0, PIECE);
    bool past = spool_past_cache(fd, true);
    int r = 0;
    while (from < to && r == 0) {
        size_t piece = to - from < PIECE ? (size_t)(to - from) : PIECE;
        ssize_t n = pwrite(fd, zeros, piece, (off_t)from);
        if (n < 0 && errno == EINVAL && past)
            past = !spool_past_cache(fd, false); /* this file system wants another alignment */
        else if (n == 0 || (n < 0 && errno != EINTR))
            r = err_sys(e, n == 0 ? ENOSPC : errno, "making room in the spool");
        else if (n > 0)
            from += (uint64_t)n / SPOOL_ALIGN * SPOOL_ALIGN;
        if (n > 0 && n < SPOOL_ALIGN)
            r = err_sys(e, ENOSPC, "making room in the spool");
    }
    (void)spool_past_cache(fd, false);
    free(zeros);
    return r;
}

int spool_ready(int fd, uint64_t from, uint64_t to, struct error *e)
{
    return put_zeros(fd, aligned(from), aligned(to), e) != 0 ? -1 : sync_all(fd, e);
}

/* Behind the last byte that is not zero; 0: they all are. */
static int find_last(int fd, uint64_t size, uint64_t *ret, struct error *e)
{
    uint8_t *bytes = malloc(PIECE);
    if (bytes == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for the spool");
    int r = 0;
    size_t n = 0;
    uint64_t at = size;
    while (r == 0 && n == 0 && at > 0) {
        uint64_t from = (at - 1) / PIECE * PIECE;
        r = spool_read_at(fd, bytes, (size_t)(at - from), from, &n, e);
        while (n > 0 && bytes[n - 1] == 0)
            n--;
        at = from;
    }
    free(bytes);
    *ret = r == 0 ? at + n : size;
    return r;
}

/* An emptying takes the header first: where none is left, and none stands at the beginning, the rest of that lies there. */
static int finish_emptying(int fd, uint64_t *used, struct error *e)
{
    static const uint8_t zeros[HEADER];
    uint8_t bytes[HEADER];
    struct spool_header h;
    size_t n = 0;
    if (*used == 0 || spool_read_at(fd, bytes, sizeof bytes, 0, &n, e) != 0)
        return *used == 0 ? 0 : -1;
    if (n < sizeof bytes || memcmp(bytes, zeros, sizeof zeros) != 0)
        return 0;
    int r = spool_find_header(fd, 0, *used, &h, e);
    if (r == 0 && (r = spool_ready(fd, 0, *used, e)) == 0)
        *used = 0;
    return r < 0 ? -1 : 0;
}

int spool_room(int fd, uint64_t *ret_used, uint64_t *ret_ready, struct error *e)
{
    uint64_t size = 0;
    uint64_t used = 0;
    (void)spool_past_cache(fd, false); /* whoever wrote before may have ended in the middle */
    if (spool_size(fd, &size, e) != 0 || find_last(fd, size, &used, e) != 0 || finish_emptying(fd, &used, e) != 0)
        return -1;
    *ret_used = used == 0 || used + TAIL > size ? (used == 0 ? 0 : size) : used + TAIL;
    *ret_ready = size / SPOOL_ALIGN * SPOOL_ALIGN;
    return 0;
}

static void count_part(void *context, const struct spool_part *part)
{
    unsigned *parts = context;
    *parts += part->offset == 0 ? 1 : 2;
}

int spool_empty(int fd, uint64_t used, uint64_t keep, uint64_t *ret_ready, struct error *e)
{
    uint64_t size = 0;
    unsigned parts = 0;
    struct error none = {0};
    *ret_ready = 0;
    bool one = spool_size(fd, &size, &none) == 0 && used <= keep && spool_parts_between(fd, 0, used, count_part, &parts, &none) == 0 && parts == 1;
    if (one && size > keep && ftruncate(fd, (off_t)keep) == 0)
        size = keep;
    if (one && spool_ready(fd, 0, SPOOL_ALIGN, &none) == 0 && spool_ready(fd, 0, used, &none) == 0) {
        *ret_ready = size / SPOOL_ALIGN * SPOOL_ALIGN;
        return 0;
    }
    return ftruncate(fd, 0) == 0 ? 0 : err_sys(e, errno, "emptying the spool");
}
