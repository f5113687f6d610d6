/* wipe: memory that is wiped when it is given back, for libraries that hold secrets for a moment (jansson, libevent, OpenSSL) and take functions of
 * ours. What such a block held cannot be found in the process any more. */
#ifndef TQ_BASE_WIPE_H
#define TQ_BASE_WIPE_H

#include <stddef.h>

void wipe_free(void *p);               /* of malloc; NULL is nothing */
void *wipe_realloc(void *p, size_t n); /* always to another place; n 0 frees */

#endif
