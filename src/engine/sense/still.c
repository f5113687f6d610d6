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

#define WINDOW ((size_t)1 << 20)
#define STEP 65536u /* a multiple of every page there is */

_Static_assert(STREAM_IN_MOST + STEP <= WINDOW, "what is asked for has room, wherever it begins");

struct still {
    int fd;
    uint64_t start; /* where the descriptor stood */
    uint64_t size;  /* of the file: nobody changes it */
    void *window;
};

struct still *still_new(int fd)
{
    struct stat st;
    off_t start = lseek(fd, 0, SEEK_CUR);
    if (start < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        return NULL;
    struct still *s = fstat(fd, &st) == 0 ? calloc(1, sizeof *s) : NULL;
    void *window = mmap(NULL, WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == NULL || window == MAP_FAILED) {
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
        free(s);
        return NULL;
    }
    *s = (struct still){.fd = fd, .start = (uint64_t)start, .size = (uint64_t)st.st_size, .window = window};
    return s;
}

void still_free(struct still *s)
{
    if (s == NULL)
        return;
    (void)munmap(s->window, WINDOW);
    (void)fcntl(s->fd, F_SETLEASE, F_UNLCK);
    free(s);
}

/* Bytes are there before they are looked at: what the disk cannot give is left to read(2), which says so. */
static bool map(const struct still *s, uint64_t from, size_t n)
{
    void *p = mmap(s->window, n, PROT_READ, MAP_PRIVATE | MAP_FIXED, s->fd, (off_t)from);
    return p != MAP_FAILED && madvise(p, n, MADV_POPULATE_READ) == 0;
}

ssize_t still_view(void *still, uint64_t at, size_t n, const uint8_t **ret)
{
    struct still *s = still;
    uint64_t place = s->start + at;
    uint64_t from = place - place % STEP;
    uint64_t left = from < s->size ? s->size - from : 0;
    size_t whole = left < WINDOW ? (size_t)left : WINDOW;
    size_t before = (size_t)(place - from);
    if (n > WINDOW - before || fcntl(s->fd, F_GETLEASE) != F_RDLCK || (whole > 0 && !map(s, from, whole))) {
        (void)fcntl(s->fd, F_SETLEASE, F_UNLCK);
        (void)lseek(s->fd, (off_t)place, SEEK_SET);
        return -1;
    }
    *ret = (const uint8_t *)s->window + before;
    return whole > before ? (ssize_t)(whole - before) : 0;
}
