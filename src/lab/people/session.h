/* session: who is signed in at the console. Sessions live in the keeper's memory only: a restart signs everybody out.
 *
 * A token is 256 random bits; only its SHA-256 is kept, so that memory read by somebody else opens no door. What records show of a session is its
 * handle, from which the token cannot be had. Sessions end after 30 minutes without a request and 12 hours after they began. Thread-safe. */
#ifndef TQ_LAB_SESSION_H
#define TQ_LAB_SESSION_H

#include "base/error.h"
#include "base/time.h"
#include "lab/people/account.h"

#define SESSION_TOKEN 65 /* 64 hexadecimal digits and a final zero */
#define SESSION_HANDLE 17
#define SESSION_CSRF 33
#define SESSION_IDLE (30 * 60 * TIME_SECOND)
#define SESSION_LONGEST (INT64_C(12) * 3600 * TIME_SECOND)
#define SESSIONS_MAX 1000
#define SESSIONS_PER_ACCOUNT 20

struct sessions;

struct session {
    char account[ACCOUNT_NAME_MAX + 1];
    char handle[SESSION_HANDLE];
    char origin[96];  /* where it was opened from, as records show it */
    tq_time opened;   /* monotonic, like last */
    tq_time last;     /* the person's last request */
    bool two_factors; /* a passkey opened it, or a code of an app beside the password; or one of them was set up in it */
};

struct sessions *sessions_new(struct error *e);
void sessions_free(struct sessions *s); /* wipes */

/* Times are of the monotonic clock. The account's oldest session goes where it has SESSIONS_PER_ACCOUNT already. False: no room (SESSIONS_MAX). */
bool session_open(struct sessions *s, const char *account, const char *origin, bool two_factors, tq_time now, char ret_token[SESSION_TOKEN],
                  struct session *ret);
void session_second_factor(struct sessions *s, struct span token); /* one was set up in this session */

/* The live session with this token; counts as its use. False: none. */
bool session_use(struct sessions *s, struct span token, tq_time now, struct session *ret);
bool session_look(struct sessions *s, struct span token, tq_time now,
                  struct session *ret); /* the same, without counting as a request of the person */

/* Ends it. False: there was none. */
bool session_close(struct sessions *s, struct span token, struct session *ret);

/* Takes out one session that has run out; false: there is none (left). *ret_idle: by idleness, else by age. */
bool session_expired(struct sessions *s, tq_time now, struct session *ret, bool *ret_idle);

/* Ends one session of this account (NULL: of anybody) with this handle (NULL: with any other than `but`). False: there is none (left). */
bool session_end_one(struct sessions *s, const char *account, const char *handle, const char *but, struct session *ret);

/* Every live session, in no order; each must not call back. */
void sessions_each(struct sessions *s, tq_time now, void (*each)(void *context, const struct session *one), void *context);

size_t sessions_count(struct sessions *s);

/* What a browser must send with every change: made from the token, says nothing about it. Empty where token is no token. */
void session_csrf(struct span token, char out[SESSION_CSRF]);

#endif
