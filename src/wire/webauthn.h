/* webauthn: what an authenticator says, taken apart: authenticator data, attestation object, public key (W3C Web Authentication Level 3, sections
 * 6.1, 6.5; COSE: RFC 9052, RFC 9053, RFC 8812). Nothing is judged here: whether it is ours, fresh and signed is door/api/passkey_check.h's matter.
 */
#ifndef TQ_WIRE_WEBAUTHN_H
#define TQ_WIRE_WEBAUTHN_H

#include "base/error.h"
#include "base/span.h"

#define WEBAUTHN_ID_MAX 1023  /* most bytes of a credential's id (section 7.1, step 25) */
#define WEBAUTHN_KEY_MAX 1100 /* most bytes of a public key: RSA of 8192 bits */
#define WEBAUTHN_AAGUID 16

enum webauthn_flag {
    WEBAUTHN_PRESENT = 1,     /* somebody touched it */
    WEBAUTHN_VERIFIED = 4,    /* … and it knows who: fingerprint, face, PIN */
    WEBAUTHN_BACKUP_ABLE = 8, /* the key may leave the device (synchronised) */
    WEBAUTHN_BACKED_UP = 16,
    WEBAUTHN_ATTESTED = 64, /* a new credential follows */
    WEBAUTHN_EXTENDED = 128,
};

enum webauthn_algorithm { WEBAUTHN_ES256 = -7, WEBAUTHN_EDDSA = -8, WEBAUTHN_RS256 = -257 };

/* A COSE key of one of our three algorithms. */
struct webauthn_key {
    enum webauthn_algorithm algorithm;
    struct span x, y; /* ES256: 32 bytes each; EdDSA: x alone, 32 bytes */
    struct span n, e; /* RS256: modulus of 256 to 1024 bytes, exponent of 1 to 8 */
};

struct webauthn_data {
    struct span rp_id_hash; /* 32 bytes */
    uint8_t flags;
    uint32_t counter;
    /* with WEBAUTHN_ATTESTED */
    struct span aaguid;
    struct span id;
    struct span cose; /* the key as it came */
    struct webauthn_key key;
};

enum webauthn_format {
    WEBAUTHN_NONE = 1,
    WEBAUTHN_PACKED_SELF, /* signed with the credential's own key */
};

struct webauthn_attestation {
    enum webauthn_format format;
    struct span data_bytes; /* authenticator data as it is signed */
    struct webauthn_data data;
    int64_t algorithm; /* of a packed one */
    struct span signature;
};

/* A public key, whole and nothing behind it. -1: none of ours (ERR_PEER). Spans point into `in`. */
int webauthn_key_read(struct span in, struct webauthn_key *ret, struct error *e);

/* Authenticator data, whole and nothing behind it. */
int webauthn_data_read(struct span in, struct webauthn_data *ret, struct error *e);

/* An attestation object: of format none, or packed without certificates. It holds a new credential. */
int webauthn_attestation_read(struct span in, struct webauthn_attestation *ret, struct error *e);

#endif
