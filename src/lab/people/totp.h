/* totp: codes of an authenticator app (RFC 6238 with SHA-1, six digits, 30 seconds: what every app knows), beside the password. A code counts once.
 */
#ifndef TQ_LAB_TOTP_H
#define TQ_LAB_TOTP_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

#define TOTP_SECRET 20
#define TOTP_TEXT 33 /* the secret in base32, and a final zero */
#define TOTP_STEP (30 * TIME_SECOND)

struct totp {
    char secret[TOTP_TEXT];
    int64_t step; /* the last one that was used: only later ones count */
    tq_time since;
};

int totp_get(struct store_conn *c, struct span account, struct totp *ret, bool *ret_found, struct error *e);

void totp_secret_make(char out[TOTP_TEXT]);
/* The step whose code this is: now's, the one before, the one after, if it is later than `after`. -1: none. typed: digits, spaces are skipped. */
int64_t totp_step(const char *secret, struct span typed, tq_time wall, int64_t after);
/* For tests and the like: the code of a step; out: six digits and a final zero. False: the secret is none. */
bool totp_code(const char *secret, int64_t step, char out[7]);

#endif
