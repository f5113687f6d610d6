#include "base/wipe.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void wipe_free(void *p)
{
    if (p != NULL)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

void *wipe_realloc(void *p, size_t n)
{
    size_t had = p == NULL ? 0 : malloc_usable_size(p);
    void *moved = n == 0 ? NULL : malloc(n);
    if (n > 0 && moved == NULL)
        return NULL;
    if (moved != NULL && had > 0)
        memcpy(moved, p, had < n ? had : n);
    wipe_free(p);
    return moved;
}
