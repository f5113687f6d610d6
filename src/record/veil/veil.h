/* veil: clear fields → tokens. The only code that turns a record into text that may be printed, kept in a view, or sent.
 *
 * Tokens are keyed (HMAC-SHA-256 under the token key, cut to 80 bits, base32): the same patient gives the same token under one key, and nobody
 * without the key can try names. docs/formats/events.md gives every form. */
#ifndef TQ_VEIL_H
#define TQ_VEIL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/record.h"

#define VEIL_KEY 32

struct veil;

/* reveal: adds the clear fields (patient_id, specimen_id, value …) for a person who may see them. The key is copied into locked memory. */
struct veil *veil_new(const uint8_t key[VEIL_KEY], bool reveal, struct error *e);
void veil_free(struct veil *v);

/* Appends the record as one JSON object, without line end. The id of a finding is made here, from kind and cause. */
void veil_json(struct veil *v, struct buf *out, const struct record *r);

/* Appends the clear fields (PATIENT, SPECIMEN, VALUE, foreign ones that became tokens, SECRET) as one JSON object, for sealing only: this text never
 * leaves the keeper unsealed. PRIVATE fields are left out. */
void veil_private_json(struct veil *v, struct buf *out, const struct record *r);

/* Both texts of one record, which is looked through once. */
void veil_texts(struct veil *v, struct buf *veiled, struct buf *private, const struct record *r);

/* The id of a finding: 32 hexadecimal digits and a final zero. */
void veil_finding_id(struct veil *v, const char *kind, struct span cause, char out[33]);

#define VEIL_SCOPE 16
/* Whose records a key seals (record/ledger/keys.h): the first 16 bytes of the keyed hash of a patient's identifier, of which the first 10 are the
 * token. */
void veil_scope(struct veil *v, struct span patient, uint8_t out[VEIL_SCOPE]);

/* A patient's token as text. */
#define VEIL_TOKEN_TEXT 19
void veil_patient(struct veil *v, struct span patient, char out[VEIL_TOKEN_TEXT]);
void veil_specimen(struct veil *v, struct span specimen, char out[VEIL_TOKEN_TEXT]); /* of a specimen or order */

/* The bytes of a patient's token, "P-" and 16 characters: the beginning of the scope. False: it is no such token. */
#define VEIL_TOKEN_BYTES 10
bool veil_token_bytes(struct span token, uint8_t out[VEIL_TOKEN_BYTES]);

#endif
