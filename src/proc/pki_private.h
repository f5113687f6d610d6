/* What pki.c and pki_enrol.c share. */
#ifndef TQ_PROC_PKI_PRIVATE_H
#define TQ_PROC_PKI_PRIVATE_H

#include "proc/pki.h"
#include "record/crypto/authority.h"

struct enrolment {
    struct api_enrolment x;
    uint8_t hash[32]; /* SHA-256 of the code */
    int tries;
};

struct pki {
    struct authority *authority; /* NULL: none yet */
    struct api_certificate own;  /* the authority's certificate */
    struct buf pem;              /* the same */
    struct buf next_pem;         /* of the authority that is to follow; empty: none */
    struct buf former_pem;       /* of the one before, while it is taken */
    struct api_certificate next, former;
    uint64_t issued_bytes; /* of pki/issued */
    size_t n;
    struct api_certificate *made; /* oldest first */
    size_t enrolled_n;
    struct enrolment enrolled[PKI_ENROLMENTS_MAX];
};

/* Is the clock fit to make something at? ERR_MISUSE. */
int pki_clock_fits(const struct pki *p, tq_time now, struct error *e);
/* What a certificate says, for a line of the list. */
int pki_describe(struct span pem, const char *link, const char *side, const char *names, tq_time now, struct api_certificate *ret, struct error *e);
/* Writes the line, durable, and takes it into the list. */
int pki_add(struct pki *p, const struct api_certificate *x, struct error *e);
int pki_keep_chain(const char *serial, struct span chain, struct error *e);

int pki_authority_load(struct pki *p, struct error *e); /* puts it in the place of the one in memory */
int pki_succession_mend(struct error *e);               /* a change that a stopped machine left by half; before anything is read */
int pki_succession_load(struct pki *p, struct error *e);

int pki_enrolments_load(struct pki *p, struct error *e);

/* Takes a word up to the next space, with a final zero; false: missing, or too long. */
bool pki_word(struct span *line, char *out, size_t size);
bool pki_seconds(struct span *line, tq_time *ret);

#endif
