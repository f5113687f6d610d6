/* A disk that is written down, can be told to fail, and can lose power. It stands between the ledger and the system at link time (--wrap in
 * meson.build): the product knows nothing of it.
 *
 * Every call that changes something under a watched folder goes to the real file system and into a log. From the log follows what a disk may hold
 * after a crash at any point: what was synced, for certain; of the rest any part, in any order, in sectors of 512 bytes. A sync that failed leaves
 * the bytes that it should have saved unsure for ever, also when a later sync of the same file succeeds (Linux marks the pages clean): only writing
 * them again helps. */
#ifndef TQ_TEST_DISK_H
#define TQ_TEST_DISK_H

#include "base/buf.h"

#define DISK_SECTOR 512
#define DISK_OPS 4096

enum disk_op { DISK_WRITE, DISK_CUT, DISK_CREATE, DISK_MKDIR, DISK_RENAME, DISK_UNLINK, DISK_RMDIR, DISK_SYNC, DISK_SYNC_DIR, DISK_SYNC_ALL };

#define DISK_IS_SYNC(kind) ((kind) >= DISK_SYNC)

/* ── Writing down ── */

/* Empties the log and begins anew, with what lies in the folder now as durable. Returns where the log of what comes now begins. */
size_t disk_watch(const char *folder);
void disk_stop(void);
size_t disk_ops(void);
enum disk_op disk_kind(size_t op);
const char *disk_path(size_t op);                                     /* under the folder; "" for a sync of everything */
void disk_sectors(size_t op, uint64_t *ret_first, uint64_t *ret_end); /* of a write: the sectors that it touches */
void disk_print(size_t from, size_t to);

/* ── Failing ── */

enum disk_fault {
    FAULT_ERROR,          /* the call fails with errnum and does nothing */
    FAULT_SHORT,          /* a write takes one byte less than half and succeeds: the caller has to go on */
    FAULT_HALF,           /* a write takes half of its bytes, and the next fails with errnum */
    FAULT_LASTING,        /* this and every later call that changes something fails with errnum */
    FAULT_NOTHING_SYNCED, /* this sync and all later ones fail with errnum, writes go on */
};

/* The call with this number in the log from now on (0: the next) fails. */
void disk_fail(size_t in, enum disk_fault how, int errnum);
void disk_mend(void);
bool disk_failed(void); /* the fault was met */

/* ── Losing power ── */

/* Whether a sector (of DISK_WRITE) or an operation (sector 0) that no sync has saved is on the disk. `size_only`: asks whether a lost write's length
 * is. */
typedef bool disk_choice(void *context, size_t op, uint64_t sector, bool size_only);

/* Makes `folder` (which must be empty) what the disk holds when power goes before operation `at`. Returns how many choices there were. */
size_t disk_crash(size_t at, const char *folder, disk_choice *choose, void *context);

/* Operations before `at` that a crash there may or may not lose: appends their numbers, at most max, returns how many. */
size_t disk_unsure(size_t at, size_t *ret_ops, size_t max);

#endif
