/* appender: the keeper's thread that takes records, veils them, seals them onto the ledger and makes them durable together.
 *
 * Invariants
 *  1. It is the only thread that appends to the ledger, and it never waits for SQL: views follow the ledger at their own pace.
 *  2. Exactly once. Within a run the pipeline's records come in one order, which is the same however often the capture is read again
 * (proc/supervisor.c says why). Each has a position (seq, ordinal) that grows. The appender remembers the highest position it took on each of the two
 * streams and takes only what comes after it; at its start these are the highest durable ones of the run, found on the ledger.
 *  3. Two positions, one for each stream, and not one for both: an observation waits up to a second for company while later custody records
 *     become durable. On one stream records become durable in order, so what is durable of a stream is always a prefix of it.
 *     The packets of a finding stand under the finding's position, which grows from one to the next in a replay: a third position tells which were
 *     taken. Live, nothing is sent again, and answers of several sensors come in any order.
 *  4. What was taken is either durable in the end or the keeper ends: a failed commit is final (appender_failed), never skipped over.
 *  5. Who waits for a decision is told its index only after the commit that covers it.
 *  6. A relay hands its records on again when it does not know what became of them: of this run only those with a greater number are taken. One that
 * comes by the spool and through the pipeline, too, since its relay was killed, is taken once. Somebody
 *     waits for them, so they are committed as soon as the ones before are.
 *  7. The intake is bounded: appender_full says when the pipeline has to wait. Decisions are bounded by the number of threads that make them. */
#ifndef TQ_PROC_APPENDER_H
#define TQ_PROC_APPENDER_H

#include "base/record.h"
#include "proc/payload.h"
#include "proc/start.h"
#include "record/ledger/ledger.h"
#include "record/veil/veil.h"

#include <pthread.h>

#define APPENDER_INTAKE (8u << 20) /* bytes of encoded records above which the pipeline waits */

struct appender;

struct appender_options {
    struct ledger *ledger;
    pthread_mutex_t *ledger_lock; /* held during each call on the ledger */
    struct veil *veil;            /* used by this thread only */
    uint8_t run[RUN_ID];
    struct position custody; /* highest durable position of this run on the custody stream */
    struct position observation;
    struct position evidence;         /* of the last finding whose packets are durable */
    bool replay;                      /* a capture is read, which may be read again */
    struct progress progress;         /* counts of this run so far */
    void (*committed)(void *context); /* called on the appender's thread after each commit, failure or drained intake */
    void *context;
};

struct appender *appender_start(const struct appender_options *options, struct error *e);

/* Appends and commits all that was put, then ends the thread. -1: it had failed. */
int appender_stop(struct appender *a, struct error *e);

/* One record of the pipeline, encoded. Copied. */
int appender_put(struct appender *a, struct position position, struct span encoded, struct error *e);
/* The packets of the finding at this position. Copied. */
int appender_put_evidence(struct appender *a, struct position finding, struct span encoded, struct error *e);
/* Between on and off, what is put does not wake the thread: what came together is committed together. */
void appender_gather(struct appender *a, bool on);
void appender_end(struct appender *a); /* the capture is read to its end */
bool appender_full(struct appender *a);

/* spare: observations are counted and not kept, because the disk is nearly full; custody is kept as ever. Any thread. */
void appender_spare(struct appender *a, bool spare);
uint64_t appender_skipped(struct appender *a);

/* A record that a relay had spooled, of whichever run: whoever puts it knows that it is not on the ledger. */
int appender_put_link(struct appender *a, struct span encoded, struct error *e);

/* Reading a spool in (readin.h). A record of the keeper's own that was spooled. */
int appender_put_noted(struct appender *a, struct span encoded, struct error *e);
/* What is put from now on belongs to this run; of another one than the present, everything is taken: who puts it knows what is durable already. Ends
 * with the present run again. */
int appender_run(struct appender *a, const uint8_t run[RUN_ID], struct error *e);
/* A mark: appender_marked is true once everything before it is durable. One in the life of an appender. */
int appender_mark(struct appender *a, struct error *e);
bool appender_marked(struct appender *a);

/* A record of the keeper's own; nobody waits. */
int appender_note(struct appender *a, const struct record *r, struct error *e);

/* A decision: waits until it is durable. -1: ERR_SYSTEM, ERR_LIMIT (the record is too large). */
int appender_decide(struct appender *a, const struct record *r, uint64_t *ret_index, struct error *e);

/* Calls act on the appender's thread, under the ledger's lock, with everything that was put before committed; waits for it. -1: what act said, or the
 * appender had failed (ERR_SYSTEM). A ledger that failed in it stops the appender, as a failed commit does. */
typedef int appender_act(void *context, struct ledger *l, struct veil *v, struct error *e);
int appender_do(struct appender *a, appender_act *act, void *context, struct error *e);

/* What is durable now. */
struct progress appender_progress(struct appender *a);

/* True once a commit failed; *e says why. Nothing is taken any more. */
bool appender_failed(struct appender *a, struct error *e);

/* The stream that an event belongs to. */
enum ledger_stream appender_stream(enum event event);

#endif
