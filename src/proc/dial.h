/* dial: outgoing connections for the relay, which may open none itself. Nothing here waits: names are resolved by a child process, connections are
 * made non-blocking, and the supervisor's loop comes by when something happened.
 *
 *   asked ──(a name)──► RESOLVING ──► CONNECTING, one address after the other ──► done: a descriptor, or why there is none */
#ifndef TQ_PROC_DIAL_H
#define TQ_PROC_DIAL_H

#include "base/time.h"
#include "proc/config.h"

#include <poll.h>
#include <sys/types.h>

#define DIALS 128                    /* at once */
#define DIAL_TIME (10 * TIME_SECOND) /* for one address, and for resolving */

struct dialer;

/* uid: what the resolving child becomes where this process is root. done: fd is the receiver's own, non-blocking and close-on-exec; -1: why says why
 * not. NULL: no memory. */
struct dialer *dialer_new(uid_t uid, void (*done)(void *context, uint64_t id, int fd, const char *why), void *context);
void dialer_free(struct dialer *d); /* closes what is under way; d may be NULL */

/* id: comes back with the outcome, which may come before this returns. */
void dial(struct dialer *d, uint64_t id, const struct config_endpoint *to, tq_time now);
void dial_forget(struct dialer *d);                   /* whoever asked is gone: nothing comes back */
void dial_give_up(struct dialer *d, const char *why); /* what is under way fails, so that it is asked for again */

/* Descriptors to wait for: at most DIALS. After poll, the same go to dial_act; monotonic clock. */
size_t dial_poll(const struct dialer *d, struct pollfd *p);
void dial_act(struct dialer *d, const struct pollfd *p, size_t n, tq_time now);
tq_time dial_deadline(const struct dialer *d); /* when dial_act is to be called at the latest; 0: nothing waits */

#endif
