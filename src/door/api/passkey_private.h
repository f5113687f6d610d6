/* What the files of passkeys share: proof.c judges their use, passkey.c keeps them, methods.c shows and changes one's own ways to sign in, recover.c
 * lets somebody in again. */
#ifndef TQ_DOOR_API_PASSKEY_PRIVATE_H
#define TQ_DOOR_API_PASSKEY_PRIVATE_H

#include "door/api/api_private.h"
#include "door/api/passkey_check.h"
#include "lab/people/challenge.h"
#include "lab/people/passkey.h"
#include "lab/people/totp.h"

/* Somebody says: this passkey is mine, and it signed this. */
struct passkey_claim {
    struct span id;                    /* base64url */
    struct span account;               /* whose it must be; empty: whoever's it is */
    struct span user;                  /* what the authenticator knows them by, hexadecimal; empty: it did not say */
    enum challenge_for what;           /* the nonce is for this … */
    struct span who;                   /* … and for them */
    uint8_t nonce[CHALLENGE_SIZE];     /* as it was handed out */
    uint8_t challenge[CHALLENGE_SIZE]; /* what has to be signed: the nonce, or a hash of it and more */
    struct passkey_use use;
    const char *permission; /* for the record of its use; NULL: a sign-in */
};

/* Judges it; one at a time. Good: the use is recorded (unless the ledger cannot be written: then the call is answered), the nonce used up, *p filled.
 * Cloned: it is stopped, with a finding. Nothing else is answered here. */
enum passkey_wrong passkey_judge(struct call *c, const struct passkey_claim *claim, struct passkey *p);

/* What X-Proof's passkey signs. */
void proof_challenge(const struct request *r, const uint8_t nonce[CHALLENGE_SIZE], uint8_t out[CHALLENGE_SIZE]);

void passkey_put_bytes(struct jsonw *j, const char *key, struct span bytes); /* base64url */
void passkey_put_descriptor(struct jsonw *j, struct span id, struct span transports);

/* What to ask an authenticator for, so that it makes a passkey for this account; who: what its challenge is bound to. */
void passkey_put_wish(struct call *c, const struct account *account, struct span who);

/* A new passkey as the page sends it; all texts but the name in base64url. */
struct passkey_new {
    struct span name, client, attestation, transports;
};

/* Checks it against a challenge bound to `who`, which is used up. False: the problem is set. */
bool passkey_accept(struct call *c, const struct account *account, struct span who, const struct passkey_new *told, struct passkey *ret);
void passkey_record(struct record *r, const struct passkey *p); /* its fields; p holds as long as r */

void methods_put(struct call *c); /* the answer of GET /session/methods */

#endif
