/* steward: the keeper's thread that looks after room on the disk: what is kept long enough goes, on record; where room is short the oldest
 * observations go first, then no more are kept (but counted, and told); custody goes on to the last byte.
 *
 *   ok            what is older than retention.observations and retention.evidence goes
 *   short         less than a tenth, and less than 5 GiB, is free: the oldest days of observations go, until an eighth (6 GiB) is free or none is
 * left very short    less than 3 %, and less than 1 GiB: besides, observations are not kept
 *
 * Each removal is a record first (record/ledger/removal.h). Both states are the finding ledger.disk_short, which ends by itself. */
#ifndef TQ_PROC_STEWARD_H
#define TQ_PROC_STEWARD_H

#include "door/api/api.h"
#include "proc/appender.h"
#include "proc/start.h"

struct steward;

struct steward_options {
    struct ledger *ledger;
    pthread_mutex_t *ledger_lock;
    struct appender *appender;
    int64_t keep_observations; /* seconds; 0: for ever */
    int64_t keep_evidence;     /* packets of findings: the same */
    int backups;               /* their folder; -1 */
    bool short_open;           /* the finding ledger.disk_short is open from an earlier start */
    bool keys_short;           /* and ledger.keys_short */
};

/* The present folder is the data folder. NULL: ERR_SYSTEM. */
struct steward *steward_start(const struct steward_options *options, struct error *e);
void steward_stop(struct steward *s); /* no record is made after this; s may be NULL */

/* False: not looked at yet. Any thread. */
bool steward_disk(struct steward *s, struct api_disk_state *ret);

/* Where these amounts of bytes leave the disk: "ok", "short", "very-short". */
const char *steward_state(uint64_t total, uint64_t free);

#endif
