#include "engine/sense/still.h"

#include "engine/sense/stream_in.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

/* A large page: what lies in the system's memory in pieces of that size is mapped by such pieces. */
#define LARGE ((size_t)2 << 20)
#define ROOM (2 * LARGE)
#define STEP 65536u /* a multiple of every page there is, and as much as is mapped around one page that is asked for */
#define LEAST_PAGE 4096

_Static_assert(STREAM_IN_MOST + STEP <= LARGE, "what is asked for has room, wherever it begins");

struct still {
    int fd;
    uint64_t start;   /* where the descriptor stood */
    uint64_t size;    /* of the file: nobody changes it */
    uint8_t *taken;   /* addresses for ROOM, and as many more as it takes … */
    uint8_t *windows; /* … to begin at a large page */
};

struct still *still_new(int fd)
{
    struct stat st;
    off_t start = lseek(fd, 0, SEEK_CUR);
    if (start < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        return NULL;
    struct still *s = fstat(fd, &st) == 0 ? calloc(1, sizeof *s) : NULL;
    uint8_t *taken = mmap(NULL, ROOM + LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == NULL || taken == MAP_FAILED) {
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
        free(s);
        return NULL;
    }
    *s = (struct still){.fd = fd, .start = (uint64_t)start, .size = (uint64_t)st.st_size, .taken = taken};
    s->windows = taken + (LARGE - (uintptr_t)taken % LARGE) % LARGE;
    return s;
}

void still_free(struct still *s)
{
    if (s == NULL)
        return;
    (void)munmap(s->taken, ROOM + LARGE);
    (void)fcntl(s->fd, F_SETLEASE, F_UNLCK);
    free(s);
}

/* Bytes are there before they are looked at: what the disk cannot give is left to read(2), which says so. A page that is asked for brings those
 * around it that the system has, which takes less than to ask for each of them; whether it has all is what mincore(2) tells a file's owner, as is who
 * gets a lease. */
static bool is_there(uint8_t *p, size_t n)
{
    unsigned char pages[ROOM / LEAST_PAGE];
    unsigned char all = 1;
    for (size_t i = 0; i < n; i += STEP)
        if (madvise(p + i, 1, MADV_POPULATE_READ) != 0)
            return false;
    if (mincore(p, n, pages) != 0)
        return false;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < n; i += page)
        all &= pages[i / page];
    return (all & 1) != 0 || madvise(p, n, MADV_POPULATE_READ) == 0;
}

/* Maps from there on, at an address that lies in its large page as the bytes do in the file, in place of what was mapped before. NULL: not possible.
 */
static const uint8_t *map(const struct still *s, uint64_t from, size_t n)
{
    uint8_t *to = s->windows + from % LARGE;
    if (mmap(s->windows, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        return NULL;
    if (n > 0 && (mmap(to, n, PROT_READ, MAP_PRIVATE | MAP_FIXED, s->fd, (off_t)from) == MAP_FAILED || !is_there(to, n)))
        return NULL;
    return to;
}

#define TRIED ((size_t)1 << 20)
#define PIECE ((size_t)128 << 10)

/* One byte of each page. */
static void look_at(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i += LEAST_PAGE)
        (void)*(const volatile uint8_t *)(p + i);
}

bool still_is_dear(const struct still *s, uint64_t (*now)(void))
{
    uint64_t from = s->start - s->start % STEP;
    uint64_t copied = UINT64_MAX;
    uint64_t looked = UINT64_MAX;
    bool tried = s->size >= from + TRIED;
    uint8_t *copy = tried ? malloc(PIECE) : NULL;
    const uint8_t *window = copy == NULL ? NULL : map(s, from, TRIED);
    for (size_t i = 0; window != NULL && i < TRIED; i += 2 * PIECE) { /* the quickest of each counts: what else the machine does is left out */
        uint64_t start = now();
        bool got = pread(s->fd, copy, PIECE, (off_t)(from + i)) == (ssize_t)PIECE;
        uint64_t between = now();
        look_at(window + i + PIECE, PIECE);
        uint64_t end = now();
        copied = got && between - start < copied ? between - start : copied;
        looked = end - between < looked ? end - between : looked;
    }
    free(copy);
    return window != NULL && looked > copied;
}

ssize_t still_view(void *still, uint64_t at, size_t n, const uint8_t **ret)
{
    struct still *s = still;
    uint64_t place = s->start + at;
    uint64_t from = place - place % STEP;
    uint64_t end = (from + STREAM_IN_MOST + STEP + LARGE - 1) / LARGE * LARGE; /* the next end of a large page behind what may be asked for */
    size_t whole = from < s->size ? (size_t)((s->size < end ? s->size : end) - from) : 0;
    size_t before = (size_t)(place - from);
    const uint8_t *window = n > STREAM_IN_MOST || fcntl(s->fd, F_GETLEASE) != F_RDLCK ? NULL : map(s, from, whole);
    if (window == NULL) {
        (void)fcntl(s->fd, F_SETLEASE, F_UNLCK);
        (void)lseek(s->fd, (off_t)place, SEEK_SET);
        return -1;
    }
    *ret = window + before;
    return whole > before ? (ssize_t)(whole - before) : 0;
}
