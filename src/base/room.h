/* Memory for large tables that are hit at random. In small pages each look-up pays for finding the page as well as for the entry (most of all in a
 * virtual machine), so this lies in pages of 2 MiB where the kernel has them. */
#ifndef TQ_BASE_ROOM_H
#define TQ_BASE_ROOM_H

#include <stddef.h>

/* n bytes (not 0) of zeros, on a page boundary; from 1 MiB on rounded up to whole large pages. NULL: no memory. */
void *room_new(size_t n);
/* Takes all of it from the kernel now, where it would come piece by piece as it is used. n: as it was asked for. */
void room_take(void *room, size_t n);
/* n: as it was asked for. NULL is left alone. */
void room_free(void *room, size_t n);

#endif
