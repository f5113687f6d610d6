/* passkey: the public keys with which people prove that it is they: in a phone, a computer, a security key. Several a person, each with a name. */
#ifndef TQ_LAB_PASSKEY_H
#define TQ_LAB_PASSKEY_H

#include "base/error.h"
#include "base/time.h"
#include "lab/people/account.h"
#include "record/store/store.h"

#define PASSKEYS_PER_ACCOUNT 20
#define PASSKEY_NAME_MAX 60  /* characters */
#define PASSKEY_HANDLE 17    /* 16 hexadecimal digits of the hash of its id, and a final zero: its name in addresses */
#define PASSKEY_ID_TEXT 1365 /* the id in base64url */
#define PASSKEY_KEY_TEXT 1468
#define PASSKEY_USER 65 /* 64 hexadecimal digits: what authenticators know a person by; says nothing about them */

struct passkey {
    char handle[PASSKEY_HANDLE];
    char account[ACCOUNT_NAME_MAX + 1];
    char name[4 * PASSKEY_NAME_MAX + 1];
    char id[PASSKEY_ID_TEXT];
    char key[PASSKEY_KEY_TEXT]; /* COSE, in base64url */
    char user[PASSKEY_USER];
    char transports[64]; /* words with spaces between: "usb nfc" */
    uint32_t counter;
    uint8_t flags;
    tq_time added;
    tq_time used;    /* 0: never */
    tq_time stopped; /* its counter did not go on; 0: it did */
};

/* The name in addresses of this id (base64url). */
void passkey_handle(struct span id, char out[PASSKEY_HANDLE]);

bool passkey_name_valid(struct span name); /* 1-60 characters of UTF-8 without control characters */

/* By its id (base64url), or by account and handle. 0, or -1 when the store failed. */
int passkey_get(struct store_conn *c, struct span id, struct passkey *ret, bool *ret_found, struct error *e);
int passkey_of(struct store_conn *c, struct span account, struct span handle, struct passkey *ret, bool *ret_found, struct error *e);

typedef void passkey_each(void *context, const struct passkey *p);
int passkey_list(struct store_conn *c, struct span account, passkey_each *each, void *context, struct error *e); /* oldest first */
int64_t passkey_total(struct store_conn *c, struct span account, struct error *e);                               /* those not stopped; -1 */

#endif
