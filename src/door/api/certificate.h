/* What the keeper tells the request handlers about the certificates of links, and does with them for them. */
#ifndef TQ_DOOR_API_CERTIFICATE_H
#define TQ_DOOR_API_CERTIFICATE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "lab/people/code.h"

#define CERTIFICATE_LINK 64
#define CERTIFICATE_NAMES_TEXT 1024 /* room for names with commas between */
#define ENROLMENT_GROUPS 3          /* of the code: 75 bits */
#define ENROLMENT_CODE CODE_TEXT(ENROLMENT_GROUPS)
#define ENROLMENT_ID 17
#define CERTIFICATE_DEVICE "device" /* as a side: no link's, but a device's (802.1X) */

struct api_certificate {
    char serial[42];      /* hexadecimal */
    char fingerprint[65]; /* SHA-256, lower case */
    char link[CERTIFICATE_LINK];
    char side[12]; /* "analyzer", "lis": whose side of the link it is for; "device": it is a device's, `link` is its id; "": the authority's own */
    char names[CERTIFICATE_NAMES_TEXT];
    char subject[256]; /* of one that was seen; else "" */
    bool ours;         /* the program has its key, and renews it … */
    bool given;        /* … unless another authority made it, and people have to bring the next one */
    bool outside;      /* made by another authority, or signed by itself, and seen in a handshake */
    bool replaced;     /* ours: a newer one stands in its place */
    tq_time made;      /* or seen */
    tq_time not_before;
    tq_time not_after;
    tq_time renew_at;  /* ours: when the next one is due; else 0 */
    tq_time revoked;   /* 0: it is not */
    char replaces[42]; /* what a rotation put it in the place of; "" */
};

struct api_enrolment {
    char id[ENROLMENT_ID];
    char link[CERTIFICATE_LINK];
    char side[12];
    char names[CERTIFICATE_NAMES_TEXT]; /* commas between */
    int64_t days;                       /* life of the certificate */
    tq_time until;
    bool known; /* of a new one: lab.yaml has this side of a link, and it speaks TLS */
};

/* All callbacks may be called from several threads at once. ERR_MISUSE: what was asked for cannot be, in a sentence. */
struct api_pki {
    /* Is there an authority? Fills it where there is. */
    bool (*authority)(void *context, struct api_certificate *ret);
    /* Makes it. permit: host names and networks that certificates may have, n of them; none: any. */
    int (*init)(void *context, const char *const *permit, size_t n, struct api_certificate *ret, struct error *e);
    /* Which: "next", "former". False: there is none. */
    bool (*beside)(void *context, const char *which, struct api_certificate *ret);
    /* What: "next" makes it (permit: as init), "switch" puts it in the place of the present one, "drop" takes the former one no more. */
    int (*succeed)(void *context, const char *what, const char *const *permit, size_t n, struct api_certificate *ret, struct error *e);
    /* Calls each, newest first. */
    void (*list)(void *context, void (*each)(void *to, const struct api_certificate *x), void *to);
    void (*enrolments)(void *context, void (*each)(void *to, const struct api_enrolment *x), void *to);

    /* what: "chain" of a serial, "authority", "crl": as PEM. */
    int (*fetch)(void *context, const char *what, struct span serial, struct buf *out, struct error *e);

    int (*enrol)(void *context, struct api_enrolment *x, char code[ENROLMENT_CODE], struct error *e); /* fills id and until */
    int (*withdraw)(void *context, struct span id, struct api_enrolment *ret, struct error *e);
    /* ERR_LOCKED: no open enrolment has this code; ERR_PEER: the request is not good, in a sentence. */
    int (*redeem)(void *context, struct span code, struct span request, struct api_certificate *ret, struct buf *chain, struct error *e);

    /* A new key for a side of a link, and the request for its certificate by another authority (PEM). names: ""; those of lab.yaml. */
    int (*request)(void *context, const char *link, const char *side, const char *names, struct buf *out, struct error *e);
    /* That certificate has come: it is shown from now on. */
    int (*install)(void *context, const char *link, const char *side, struct span pem, struct api_certificate *ret, struct error *e);

    int (*rotate)(void *context, struct span serial, struct api_certificate *ret, struct error *e);
    int (*revoke)(void *context, struct span serial, struct api_certificate *ret, struct error *e);
};

struct record;

#define CERTIFICATE_FOR (CERTIFICATE_LINK + 32)

/* "link NAME, LIS side"; "device ID"; "the authority of the links" where side is "". */
void certificate_for(const char *link, const char *side, char out[CERTIFICATE_FOR]);

/* Writes what a certificate is into a record of what was done with it; x and words have to last as long as the record. */
void certificate_record(struct record *r, const struct api_certificate *x, char words[CERTIFICATE_FOR]);

#endif
