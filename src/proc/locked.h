/* locked: what the keeper does while the ledger's keys wait for a passphrase. What the pipeline sends goes into DATA/spool, sealed to the public key
 * in DATA/keeper.pub; readin.h reads it in later.
 *
 * Invariants
 *  1. Nothing that is spooled can be read here (record/spool).
 *  2. What finds no room is counted; the pipeline is never stopped by a full spool.
 *  3. A capture that is replayed is read again from its start when this process is started again: what its run had spooled before is cut off.
 *  4. Without a public key (before the first start is done) nothing is spooled and nothing asked for: locked_can says so. */
#ifndef TQ_PROC_LOCKED_H
#define TQ_PROC_LOCKED_H

#include "base/record.h"
#include "proc/payload.h"
#include "proc/premises.h"
#include "record/spool/spool.h"

#define SPOOL_FILE "spool"

#define SPOOL_MAX (UINT64_C(4) << 30)
#define SPOOL_SYNC (200 * TIME_MS)

/* First byte of what is spooled. */
enum spooled {
    SPOOLED_RECORD = 1,
    SPOOLED_EVIDENCE,
    SPOOLED_OWN,
    SPOOLED_END,
    SPOOLED_RECORDS, /* of the relay: several, each behind its length (4 bytes) */
};

/* Whether somebody who may spool may say this. The key that a spool is sealed to is public: whoever can write the disk can put records into it that
 * open like ours. So nothing is taken from it but what a keeper spools while it waits: what the pipeline says, and of its own that something was
 * started or stopped; never a person's decision, an account or an erasure. */
bool locked_may(enum spooled what, enum event event);

struct locked;

struct locked_options {
    uint8_t run[RUN_ID];
    bool replay;
    uint64_t ledger; /* it has so many records at least */
    tq_time now;
};

struct locked_state {
    tq_time since;
    uint64_t records; /* that wait, whole ones */
    uint64_t bytes;
    uint64_t max;
    uint64_t lost;
    bool nearly_full;
    char trouble[200]; /* why the last one found no room; "" */
};

/* Opens or makes the spool below the present folder. ERR_LIMIT: a newer program wrote it; ERR_SYSTEM. */
struct locked *locked_open(const struct locked_options *options, struct error *e);
void locked_free(struct locked *l); /* without a sync; l may be NULL */

bool locked_can(const struct locked *l);
void locked_put(struct locked *l, enum spooled what, struct position place, struct span encoded);
void locked_note(struct locked *l, const struct record *r); /* a record of the keeper's own */

/* Syncs what is due; monotonic clock. Returns when to call again, or 0: nothing waits. Trouble is in the state. */
tq_time locked_tick(struct locked *l, tq_time now);
void locked_sync(struct locked *l);
bool locked_waits(const struct locked *l); /* something is not durable yet */
void locked_end(struct locked *l);         /* the part is whole; syncs */

void locked_state(const struct locked *l, struct locked_state *ret);
int locked_fd(const struct locked *l);
uint64_t locked_durable(const struct locked *l); /* bytes of the file that are on the disk */

/* Takes the file away: all of it is on the ledger. */
int locked_remove(struct locked *l, struct error *e);

/* The records under the ledger's published checkpoint, which needs no key; 0: there is none. */
uint64_t locked_ledger_size(const char *ledger);

#endif
