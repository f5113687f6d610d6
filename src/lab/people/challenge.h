/* challenge: what a passkey has to sign. 32 bytes: 12 random ones, when they were made, and a keyed hash of that, of what they are for and for whom.
 * Nothing is kept of a challenge that is handed out, so whoever asks for a million crowds nobody out; what is kept is which ones were used, until
 * they are too old anyway. Thread-safe. */
#ifndef TQ_LAB_CHALLENGE_H
#define TQ_LAB_CHALLENGE_H

#include "base/error.h"
#include "base/span.h"
#include "base/time.h"

#define CHALLENGE_SIZE 32
#define CHALLENGE_AGE (5 * 60 * TIME_SECOND)
#define CHALLENGES_USED 4096 /* most uses within CHALLENGE_AGE: above that, later ones are refused */

enum challenge_for { CHALLENGE_SIGN_IN = 1, CHALLENGE_NEW, CHALLENGE_PROOF, CHALLENGE_TOTP };

struct challenges;

struct challenges *challenges_new(struct error *e);
void challenges_free(struct challenges *s); /* wipes */

/* who: a session's handle, an account; whatever must be the same when it comes back. now: monotonic clock. */
void challenge_make(struct challenges *s, enum challenge_for what, struct span who, tq_time now, uint8_t out[CHALLENGE_SIZE]);

/* Was it made here, for this and for them, is it young enough, and not used yet? */
bool challenge_live(struct challenges *s, enum challenge_for what, struct span who, tq_time now, const uint8_t challenge[CHALLENGE_SIZE]);

/* Uses it up. False: it was used already, or too many were. Only for one that challenge_live says yes of. */
bool challenge_use(struct challenges *s, tq_time now, const uint8_t challenge[CHALLENGE_SIZE]);

#endif
