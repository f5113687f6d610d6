/* throttle: slows down who guesses, without shutting out who works here.
 *
 * Every attempt counts as wrong until it turns out right. Waiting grows with wrong attempts of the same (account, peer): a guesser at one place waits
 * up to 5 minutes, and a colleague at another place does not wait with him. One account from many places, and one place with many accounts, wait up
 * to 30 s. All together may not try more than 5 times a second (bursts of 30). What is 15 minutes old is forgotten.
 *
 * Whoever comes from a place from which this account was signed in with before (`known`) does not wait for guessers at other places, and has a share
 * of those 5 times of their own: however many machines guess, nobody is kept out where she works. Thread-safe. */
#ifndef TQ_LAB_THROTTLE_H
#define TQ_LAB_THROTTLE_H

#include "base/error.h"
#include "base/span.h"
#include "base/time.h"

struct throttle;

struct throttle *throttle_new(struct error *e);
void throttle_free(struct throttle *t);

/* May this attempt be made? True: it is counted. False: *ret_wait says in how many seconds it may. now: monotonic clock. */
bool throttle_ask(struct throttle *t, struct span account, struct span peer, bool known, tq_time now, int64_t *ret_wait);

/* The attempt was right: what was counted against this account at this peer is forgotten. */
void throttle_right(struct throttle *t, struct span account, struct span peer);

/* A plain window: at most `most` attempts that are counted within a minute. True: there is room; counts nothing. */
struct throttle_window {
    tq_time start;
    int64_t count;
};
bool throttle_window_open(struct throttle_window *w, int64_t most, tq_time now, int64_t *ret_wait);
void throttle_window_count(struct throttle_window *w);

#endif
