/* readin: what was spooled while the ledger was locked goes to the appender, in its order, each record once (docs/formats/spool.md, Exactly once). */
#ifndef TQ_PROC_READIN_H
#define TQ_PROC_READIN_H

#include "proc/appender.h"
#include "record/spool/spool.h"

#define READIN_RUNS 4096 /* most runs in one spool: one each time that the machine was started */

struct readin;

/* Counts what the ledger holds already. fd: the spool, the caller's; secret: what opens it. No appender works yet. ERR_LIMIT, ERR_SYSTEM. */
struct readin *readin_new(int fd, const uint8_t secret[X25519_KEY], const uint8_t run[RUN_ID], struct ledger *ledger, struct error *e);

/* Hands over what stands before byte `durable`, as long as the appender takes it and at most about 1 MiB. 1: there is more; 0: all is handed over;
 * -1: ERR_SYSTEM. */
int readin_step(struct readin *r, uint64_t durable, struct appender *a, struct error *e);

/* All is handed over and nothing comes any more: the appender goes on with the present run, behind a mark. */
int readin_finish(struct readin *r, struct appender *a, struct error *e);

struct readin_counts {
    uint64_t records; /* handed over */
    uint64_t skipped; /* were on the ledger already */
    uint64_t refused; /* say what is not a spool's to say (locked_may): somebody else put them there */
    struct spool_losses losses;
    char why[320]; /* the first place that does not hold; "" */
};
void readin_counts(const struct readin *r, struct readin_counts *ret);
void readin_free(struct readin *r); /* r may be NULL */

#endif
