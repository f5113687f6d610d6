/* desk: where the keeper answers requests. Lines (the console, and commands at the local socket) bring them; reader threads answer; replies and
 * notices go back on the line.
 *
 * Invariants
 *  1. Only the main thread reads lines, opens and closes them. Replies and notices may be put by any thread, under the lock.
 *  2. Everything is bounded: requests in hand (DESK_REQUESTS), lines, bytes that wait on a line. A line over its bound is closed, no other one
 * suffers.
 *  3. A line is told apart from one that stood in its place before by its generation: a late reply never reaches somebody else.
 *  4. What door a request came through is decided by its line, never by what it says of itself. */
#ifndef TQ_PROC_DESK_H
#define TQ_PROC_DESK_H

#include "door/api/api.h"
#include "proc/message.h"

#include <poll.h>

#define DESK_LINES 17    /* the console's and 16 local ones */
#define DESK_REQUESTS 64 /* requests in hand */
#define DESK_READERS 2   /* threads */

struct desk;

/* answer: like api_handle; any thread. settle: like api_settle, on the same thread once the answer is on its way. wake: called on any thread when the
 * main thread has to look (something waits to be written, or there is room for requests again). complain: the console sent what it may not; its line
 * is closed. Main thread. */
struct desk *desk_new(void (*answer)(void *context, struct api_clock now, const struct request *request, struct api_reply *ret),
                      void (*settle)(void *context, struct api_clock now), void (*wake)(void *context),
                      void (*complain)(void *context, const struct error *why), void *context, struct error *e);
void desk_stop(struct desk *d); /* answers what is in hand and ends the threads */
void desk_free(struct desk *d); /* stops, writes what goes without waiting, closes the lines */

/* The console's line, in place of an older one; identity goes out first. Takes fd over. */
void desk_console(struct desk *d, int fd, struct span identity);
void desk_identity(struct desk *d, struct span identity); /* once more: the keeper has other things to say */
bool desk_has_console(const struct desk *d);

/* Takes a connection at the local socket; peer as SO_PEERCRED tells. Takes fd over; closes it where there are too many. */
void desk_local(struct desk *d, int fd);

void desk_notice(struct desk *d, const char *topic, const char *id, const char *etag); /* any thread */

/* For the main loop: fills at most DESK_LINES entries, returns how many; then hands them back after poll. */
size_t desk_poll(struct desk *d, struct pollfd *fds);
void desk_act(struct desk *d, const struct pollfd *fds, size_t n);

#endif
