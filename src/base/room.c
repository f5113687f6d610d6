#include "base/room.h"

#include <stdint.h>
#include <sys/mman.h>

/* The leak checker looks for pointers where it is told to: what lies in a room is no leak. */
#ifdef SANITIZED_ADDRESS
#include <sanitizer/lsan_interface.h>
#define NOTE(p, n) __lsan_register_root_region(p, n)
#define FORGET(p, n) __lsan_unregister_root_region(p, n)
#else
#define NOTE(p, n) ((void)0)
#define FORGET(p, n) ((void)0)
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

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
    if (whole(n) < LARGE) {
        void *small = map(n);
        if (small != NULL)
            NOTE(small, whole(n));
        return small;
    }
    uint8_t *p = map(whole(n) + LARGE); /* what is too much at both ends goes back */
    if (p == NULL)
        return NULL;
    size_t before = (LARGE - (uintptr_t)p % LARGE) % LARGE;
    if (before > 0)
        (void)munmap(p, before);
    p += before;
    if (before < LARGE)
        (void)munmap(p + whole(n), LARGE - before);
    NOTE(p, whole(n));
    (void)madvise(p, whole(n), MADV_HUGEPAGE); /* a kernel without them gives small ones */
    return p;
}

void room_take(void *room, size_t n)
{
    (void)madvise(room, whole(n), MADV_POPULATE_WRITE); /* an older kernel gives them as they are used */
}

void room_free(void *room, size_t n)
{
    if (room == NULL)
        return;
    FORGET(room, whole(n));
    (void)munmap(room, whole(n));
}
