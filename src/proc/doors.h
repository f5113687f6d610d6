/* doors: the keeper's side of the warden. What is to be open follows from the views alone (lab/door.h): a thread reads them, orders what is missing,
 * and puts on the ledger what the warden tells. So no order is lost with a process: a new warden hears all of it again.
 *
 * It also makes findings: remote access that no door explains (access.standing), a door for long (access.door_long), and one asked for again and
 * again (access.door_again).
 *
 * Invariants
 *  1. The warden's channel is the main thread's; what the thread wants sent waits in a queue that is capped.
 *  2. A door is opened only while it is approved, not withdrawn, whoever asked may still ask, and its time is not over; the order carries what is
 * left of its time.
 *  3. Every approved door is closed on the ledger: by the warden's word, or, where that does not come, when its time is over: the kernel's timer is
 * the same. */
#ifndef TQ_PROC_DOORS_H
#define TQ_PROC_DOORS_H

#include "door/api/api.h"
#include "proc/appender.h"
#include "proc/door_order.h"
#include "proc/message.h"
#include "record/store/store.h"

#include <poll.h>

struct doors;

struct doors_options {
    const char *devices; /* networks, a line each; copied. "": no warden is configured */
    const char *vendors;
    const char *site;            /* where roles have to be in force; outlives the doors */
    int64_t longest;             /* seconds that a door may be open */
    bool replay;                 /* a capture is read: there is no warden */
    void (*wake)(void *context); /* any thread: the main thread is to call doors_step */
    void (*notice)(void *context, const char *topic, const char *id, const char *etag);
    void *context;
};

struct doors *doors_new(const struct doors_options *options, struct error *e);
/* The ledger is open: starts the thread. Both outlive it. */
int doors_opened(struct doors *d, struct appender *appender, struct store *store, struct error *e);
void doors_stop(struct doors *d); /* ends the thread; before the appender's end */

/* ── main thread ── */
void doors_warden(struct doors *d, int fd); /* a new channel */
int doors_fd(const struct doors *d);
short doors_events(const struct doors *d);
int doors_read(struct doors *d, struct error *e); /* -1: the warden is to be complained of */
void doors_step(struct doors *d);                 /* sends what waits */

/* ── any thread ── */
void doors_poke(struct doors *d); /* the views changed */
void doors_state(struct doors *d, struct api_doors *ret);
enum api_door_way doors_way(struct doors *d, const struct address *from, const struct address *to);

#endif
