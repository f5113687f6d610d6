/* ahead: a thread that has the disk write what the ledger will want durable when it settles, so that little is left to wait for then.
 *
 * It decides nothing: what it syncs may be synced again, and a failure is the settling's to find (each descriptor hears of it once, whoever heard
 * before). */
#ifndef TQ_PROC_AHEAD_H
#define TQ_PROC_AHEAD_H

#include "base/error.h"

#include <stddef.h>

struct ahead;

/* dir: the ledger's folder. NULL: ERR_SYSTEM. */
struct ahead *ahead_start(const char *dir, struct error *e);
void ahead_stop(struct ahead *a); /* a may be NULL */

/* So many bytes more were committed. Never waits. */
void ahead_note(struct ahead *a, size_t bytes);

#endif
