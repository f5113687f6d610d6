/* passkey_check: is it a new passkey, or the use of one, that we asked for (W3C Web Authentication Level 3, sections 7.1 and 7.2)? Pure: the caller
 * makes challenges, sees to it that each counts once, and keeps what is returned. */
#ifndef TQ_DOOR_PASSKEY_CHECK_H
#define TQ_DOOR_PASSKEY_CHECK_H

#include "wire/webauthn.h"

#define PASSKEY_CHALLENGE 32
#define PASSKEY_CLIENT_MAX 2048 /* most bytes of what a browser says of itself */
#define PASSKEY_SIGNATURE_MAX 1024
#define PASSKEY_DATA_MAX 4096
#define PASSKEY_ATTESTATION_MAX 8192

/* For whom passkeys are: the host name of the page, and its origin ("https://lab.example:8443"). */
struct passkey_party {
    const char *id;
    const char *origin;
};

enum passkey_wrong {
    PASSKEY_GOOD,
    PASSKEY_MALFORMED,
    PASSKEY_TYPE,       /* a registration where a use was asked for, or the other way round */
    PASSKEY_OTHER,      /* not our challenge */
    PASSKEY_ORIGIN,     /* another page, or a page inside another */
    PASSKEY_PARTY,      /* made for another host name */
    PASSKEY_UNTOUCHED,  /* nobody was there */
    PASSKEY_UNVERIFIED, /* somebody was, and the key does not know who */
    PASSKEY_FLAGS,      /* it says of itself what cannot be, or what it did not say before */
    PASSKEY_ALGORITHM,  /* signed with another algorithm than its key's */
    PASSKEY_SIGNATURE,
    PASSKEY_CLONED,  /* its counter did not go on: there are two of it */
    PASSKEY_UNKNOWN, /* the caller's word: it is nobody's, or another person's, or stopped */
    PASSKEY_WRONGS
};

/* A code ("passkey-origin"), and a sentence for the person. Never NULL. */
const char *passkey_wrong_word(enum passkey_wrong wrong);
const char *passkey_wrong_sentence(enum passkey_wrong wrong);

/* A new passkey. client: clientDataJSON; attestation: the attestation object. ret (filled when good) points into it. */
enum passkey_wrong passkey_check_new(const struct passkey_party *party, const uint8_t challenge[PASSKEY_CHALLENGE], struct span client,
                                     struct span attestation, struct webauthn_attestation *ret);

/* What is kept of a passkey, as far as its use is judged by it. */
struct passkey_kept {
    struct span cose;
    uint32_t counter;
    uint8_t flags; /* of its registration */
};

struct passkey_use {
    struct span data;   /* authenticator data */
    struct span client; /* clientDataJSON */
    struct span signature;
};

/* Its use. The counter is looked at last: PASSKEY_CLONED says that everything else was right. ret_counter: the counter to keep. */
enum passkey_wrong passkey_check_use(const struct passkey_party *party, const uint8_t challenge[PASSKEY_CHALLENGE], const struct passkey_kept *kept,
                                     const struct passkey_use *use, uint32_t *ret_counter);

#endif
