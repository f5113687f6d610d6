/* cut: the files of a ledger as they stand at one moment, while it goes on. What changes is read into memory at that moment; what only grows or never
 * changes (segments, full tiles) is read afterwards, up to the length that it had. */
#ifndef TQ_LEDGER_CUT_H
#define TQ_LEDGER_CUT_H

#include "base/buf.h"
#include "record/ledger/ledger.h"

#define CUT_PATH 96

struct cut_small {
    char path[CUT_PATH];
    struct buf bytes;
};

struct ledger_cut {
    struct ledger *of; /* removes no segment until this is released */
    int dir;           /* a descriptor of its own */
    uint8_t log_id[16];
    uint64_t size;
    uint8_t root[32];
    uint64_t last[2]; /* of each stream, the number of the last segment, and its length */
    uint64_t length[2];
    size_t n;
    struct cut_small *small; /* keys, checkpoint, journal … */
};

/* One file of a cut, relative to the ledger's folder. */
struct cut_file {
    const char *path;
    int fd; /* where `length` bytes are to be read from its beginning; -1: they are in `bytes` */
    struct span bytes;
    uint64_t length;
};

/* Settles the ledger (all that is committed becomes durable in place) and notes what it is made of. Under the appender's lock; release the cut in any
 * case, before the ledger is closed. Until then no segment is removed: what would say so on record is not in the cut. */
int ledger_cut_take(struct ledger *l, tq_time now, struct ledger_cut *ret, struct error *e);
void ledger_cut_release(struct ledger_cut *c);

/* Hands over every file, each opened when its turn comes: without a lock, as long as it may take. Stops at the first -1. */
int ledger_cut_files(const struct ledger_cut *c, int (*each)(void *context, const struct cut_file *file, struct error *e), void *context,
                     struct error *e);

/* What one of the small files held; empty where there was none. */
struct span ledger_cut_small(const struct ledger_cut *c, const char *path);

#endif
