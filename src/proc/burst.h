/* burst: when the relay hands nothing on, so that those who wait for an answer have processor and disk for themselves; what came is durable in its
 * spool, and the ledger comes behind. A function of what it is told and the time: it asks nobody.
 *
 * Invariants
 *  1. From the moment on at which the ledger had everything, it is let come behind for BURST_MOST at most, in one burst or several.
 *  2. After a burst that had to end while much still came, that much comes is no reason for another one until less has come for as long: then only
 *     that the ledger cannot follow. So who sends much all day has a ledger that follows all day.
 *  3. While nobody knows yet whether it is one, little more than what is ordinary is handed on: detector and keeper would be at work on the rest in
 * the middle of the burst. Nothing waits for BURST_DOUBT for that. */
#ifndef TQ_PROC_BURST_H
#define TQ_PROC_BURST_H

#include "base/time.h"
#include "proc/spooler.h"

#define BURST_LOOK (100 * TIME_MS)
#define BURST_LEAST (4u << 20)      /* so many bytes of records a second are ordinary; a burst is so many above that … */
#define BURST_BEHIND (16u << 20)    /* … or more than that a second, while the ledger is so many behind */
#define BURST_ENDS 8                /* when less comes than this part of the most … */
#define BURST_QUIET (500 * TIME_MS) /* … for so long */
#define BURST_MOST (10 * TIME_SECOND)
#define BURST_HANDS (5u << 20) /* bytes a second that are handed on of what may be the beginning of one … */
#define BURST_HANDS_AT_ONCE (1u << 20)
#define BURST_DOUBT TIME_SECOND
#define BURST_BYTES (SPOOLER_MAX / 8 * 6) /* in the spool; more end it, too */

struct burst {
    bool is;
    bool spent;       /* it had to end: the ledger catches up first … */
    bool steady;      /* … and then follows, while much comes */
    tq_time since;    /* when the ledger last had everything, before the burst */
    tq_time look_at;  /* the last look */
    tq_time much_at;  /* when more than BURST_LEAST a second came, last */
    tq_time goes_at;  /* when a good part of the most came, last */
    uint64_t bytes;   /* of records, since the last look: added to by whoever makes them */
    uint64_t above;   /* how many were above BURST_LEAST a second, up to BURST_LEAST */
    uint64_t highest; /* bytes a second, in this burst */
    uint64_t hands;   /* bytes that may be handed on, as of … */
    tq_time hands_at;
};

/* What it is to know. */
struct burst_facts {
    uint64_t behind;  /* bytes of records on their way to the ledger */
    uint64_t spooled; /* bytes in the spool */
    bool left;        /* some are in the spool alone */
    bool earlier;     /* … of an earlier relay */
    bool calm;        /* next to nothing is on its way */
    bool records;     /* the ledger is written now */
    bool can;         /* the spool takes records */
};

/* Looks, every BURST_LOOK at most (now: monotonic). True: one ended just now. */
bool burst_look(struct burst *b, const struct burst_facts *f, tq_time now);

/* May so many bytes, which came at `at`, be handed on now? Then they are. */
bool burst_lets(struct burst *b, size_t bytes, tq_time at, tq_time now);

#endif
