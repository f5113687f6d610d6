#include "base/room.h"

#include <stdint.h>
#include <sys/mman.h>

#define LARGE ((size_t)2 << 20)

static size_t whole(size_t n)
{
    return n < LARGE / 2 ? n : (n + LARGE - 1) / LARGE * LARGE;
}

static void *map(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void *room_new(size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    if (whole(n) < LARGE)
        return map(n);
    uint8_t *p = map(whole(n) + LARGE); /* what is too much at both ends goes back */
    if (p == NULL)
        return NULL;
    size_t before = (LARGE - (uintptr_t)p % LARGE) % LARGE;
    if (before > 0)
        (void)munmap(p, before);
    p += before;
    if (before < LARGE)
        (void)munmap(p + whole(n), LARGE - before);
    (void)madvise(p, whole(n), MADV_HUGEPAGE); /* a kernel without them gives small ones */
    return p;
}

void room_free(void *room, size_t n)
{
    if (room != NULL)
        (void)munmap(room, whole(n));
}
