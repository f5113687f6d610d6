/* links: the keeper's side of the relay: it tells how far records are durable, hands on what people decide, knows how links are, and has a thread
 * that reads the relay's spool in and feeds what waits for its delivery.
 *
 * Invariants
 *  1. The relay's channel is the main thread's. What other threads want sent waits in a queue that is capped.
 *  2. A record that was spooled is put on the ledger only where its number is not there yet: the ledger is looked through for that, from where the
 *     spool says up to where this keeper began; the appender knows those that came since.
 *  3. What comes to the ledger that way is handed to the detector, which judges it where it has not yet; if it ends meanwhile, what was handed to it
 * and not judged stays unjudged. The relay hears that a piece was read in when all of it is on its way to the detector: what it hands on then comes
 * behind it.
 *  4. Feeding begins when everything that was committed by then is in the views, so that what was delivered is not fed. */
#ifndef TQ_PROC_LINKS_H
#define TQ_PROC_LINKS_H

#include "door/api/api.h"
#include "proc/appender.h"
#include "proc/link.h"
#include "proc/message.h"
#include "proc/projector.h"

#include <poll.h>

struct links;

struct links_options {
    uint8_t run[RUN_ID];
    void (*wake)(void *context); /* any thread: the main thread is to call links_step */
    /* Main thread: this side of a link shows the certificate of another authority. */
    void (*seen)(void *context, const char *link, int side, const struct link_side_status *s);
    void *context;
};

/* What there is once the ledger is open. Everything outlives links. */
struct links_open {
    struct ledger *ledger;
    pthread_mutex_t *ledger_lock;
    struct appender *appender;
    struct projector *projector;
    struct store *store;
    uint8_t secret[LINK_KEY]; /* opens the spool */
    uint8_t key[LINK_KEY];    /* seals it */
};

struct links *links_new(const struct links_options *options, struct error *e);
int links_opened(struct links *l, const struct links_open *open, struct error *e);
void links_stop(struct links *l); /* ends the thread; before the appender's end */

/* ── main thread ── */
void links_relay(struct links *l, int fd); /* a new channel */
int links_fd(const struct links *l);
short links_events(const struct links *l);
/* -1: the relay is to be complained of. */
int links_read(struct links *l, struct error *e);
/* Sends what waits. locked: the ledger waits for its passphrase. recording: records that come now become durable soon. durable: up to this number
 * they are. */
void links_step(struct links *l, bool locked, bool recording, uint64_t durable, uint64_t ledger);
/* Hands the detector what came to the ledger by the spool, as much as it takes now. */
void links_late(struct links *l, struct channel *detector);

/* ── any thread ── */
size_t links_list(struct links *l, struct api_link *ret, size_t most);
/* What a person decided, durable already. ERR_LIMIT: too much waits. */
int links_order(struct links *l, const struct link_order *order, struct error *e);
/* … about the policy of one: it is read from the views. */
void links_decided(struct links *l);

#endif
