/* pki: the authority of the lab's links as files below the data folder (pki_files.h), outside the root key. The present folder is the data folder.
 *
 * Invariants
 *  1. What was made or revoked stands in pki/issued before anybody gets it: a line each, appended and synced, never changed. A line that a stopped
 *     machine left unfinished is cut off at the next start; nobody had what it told of.
 *  2. pki/revoked is in force before a revocation is answered.
 *  3. Of an enrolment's code only the hash is kept; it is struck out before its certificate is made: one use at most.
 *  4. Nothing is made outside the authority's own life: then the clock is wrong.
 *
 * Not thread-safe: the registrar's lock is around it. Reads no clock. */
#ifndef TQ_PROC_PKI_H
#define TQ_PROC_PKI_H

#include "door/api/certificate.h"

#define PKI_CERTIFICATES 4096 /* most that are known; ended ones are forgotten after PKI_FORGET days (the file keeps them) */
#define PKI_FORGET 400
#define PKI_ENROLMENTS_MAX 64 /* most that are open */
#define PKI_TRIES 20          /* requests that are no good, until an enrolment is struck out */
#define PKI_OWN_DAYS 365      /* life of the program's own certificates */
#define PKI_GIVEN_YEARS 50    /* a certificate of another authority that lives longer counts as one that ends then */
#define PKI_RENEW_DAYS 30     /* … which are renewed so long before their end, or at 2/3 of their life */

/* Whose certificate of a device it is, as an alternative name: no link takes it, for it names none of theirs. */
#define PKI_DEVICE_URI "tourniquet:device/%s"

struct pki;

/* Reads what is there. ERR_CORRUPT: a line is damaged; ERR_SYSTEM. */
struct pki *pki_open(tq_time now, struct error *e);
void pki_free(struct pki *p);

bool pki_authority(const struct pki *p, struct api_certificate *ret);
/* site: name of the laboratory. ERR_MISUSE: there is one, or a name to permit is none. */
int pki_init(struct pki *p, const char *site, const char *const *permit, size_t n, tq_time now, struct error *e);

/* The authority that is to follow, and the one before: both are taken beside the present one (pki_succeed.c). False: there is none. */
bool pki_next(const struct pki *p, struct api_certificate *ret);
bool pki_former(const struct pki *p, struct api_certificate *ret);
/* As pki_init. ERR_MISUSE: there is none to follow, or a change is under way. */
int pki_make_next(struct pki *p, const char *site, const char *const *permit, size_t n, tq_time now, struct api_certificate *ret, struct error *e);
int pki_switch(struct pki *p, struct api_certificate *ret,
               struct error *e); /* the next one takes the place; certificates of our own are the caller's */
int pki_drop(struct pki *p, struct api_certificate *ret, struct error *e); /* what the former one made is taken no more */

size_t pki_count(const struct pki *p);
const struct api_certificate *pki_at(const struct pki *p, size_t i); /* oldest first; until the next change */
const struct api_certificate *pki_find(const struct pki *p, struct span serial);
/* The program's own for this side, in force; NULL: none. */
const struct api_certificate *pki_own(const struct pki *p, const char *link, const char *side);

/* Does its key lie where the relay gets it? */
bool pki_has_key(const char *link, const char *side);

/* Is it time for the next one? Never of one that another authority made. names: what it should be for. */
bool pki_due(const struct api_certificate *own, const char *names, tq_time now);

/* A new key and certificate of our own, in the place of the one that is there. names: commas between. */
int pki_make_own(struct pki *p, const char *link, const char *side, const char *names, tq_time now, struct api_certificate *ret, struct error *e);

/* A key and a request for a certificate that another authority makes (pki_outside.c); one that waits already is thrown away. names: commas between.
 */
int pki_request(const char *link, const char *side, const char *names, struct buf *request, struct error *e);
/* The certificate for it, with what made it behind: takes the place of the one that is there. ERR_MISUSE: it does not fit, or none is awaited. */
int pki_install(struct pki *p, const char *link, const char *side, struct span pem, tq_time now, struct api_certificate *ret, struct error *e);

/* x: link, side, names, days; id and until are filled. */
int pki_enrol(struct pki *p, struct api_enrolment *x, tq_time now, tq_time until, char code[ENROLMENT_CODE], struct error *e);
size_t pki_enrolment_count(const struct pki *p);
const struct api_enrolment *pki_enrolment(const struct pki *p, size_t i);
int pki_withdraw(struct pki *p, struct span id, struct api_enrolment *ret, struct error *e);
/* ERR_LOCKED: no open enrolment has this code; ERR_PEER: the request is no good (the code stays good for some more tries). */
int pki_redeem(struct pki *p, struct span code, struct span request, tq_time now, struct api_certificate *ret, struct buf *chain, struct error *e);

int pki_revoke(struct pki *p, struct span serial, tq_time now, struct api_certificate *ret, struct error *e);

/* Revokes one of another authority that was seen: it is refused by its fingerprint. */
int pki_block(struct pki *p, const struct api_certificate *seen, tq_time now, struct api_certificate *ret, struct error *e);

/* The chain of one of ours or of an enrolled one, as PEM, without a key. ERR_MISUSE. */
int pki_chain(const struct pki *p, struct span serial, struct buf *out, struct error *e);
int pki_crl(const struct pki *p, tq_time now, struct buf *out, struct error *e);

/* Splits names at commas; at most CERTIFICATE_NAMES, each checked. copy holds them. ERR_MISUSE. */
int pki_names(const char *text, char copy[CERTIFICATE_NAMES_TEXT], const char *ret[], size_t *ret_n, struct error *e);

#endif
