/* errand: what the keeper lets the courier do, and what came of it (MESSAGE_ERRAND, MESSAGE_OUTCOME). One request an errand; the keeper says where
 * to and with which authority, the courier knows nothing else. */
#ifndef TQ_PROC_ERRAND_H
#define TQ_PROC_ERRAND_H

#include "base/buf.h"
#include "base/error.h"

#define ERRAND_TEXT 1024        /* most bytes of an address or a media type */
#define ERRAND_AUTHORITY 8192   /* most bytes of authorities as PEM */
#define ERRAND_BODY (64u << 10) /* most bytes of what is sent, and of what is answered */
#define ERRAND_MAX (ERRAND_BODY + ERRAND_AUTHORITY + 8 * ERRAND_TEXT)

struct errand {
    uint32_t id;           /* comes back with the outcome */
    struct span url;       /* http or https; smtp or smtps: a mail, see below */
    struct span type;      /* of the body */
    struct span authority; /* PEM: the only authorities that count; empty: those of the machine */
    struct span body;      /* of a POST; empty: a GET. Of a mail: its text, lines that end in CR LF */
    /* of a mail: */
    struct span from, to;       /* addresses */
    struct span user, password; /* at the mail server; empty: none is needed */
    bool clear;                 /* it may go unencrypted: else an smtp server must speak STARTTLS */
};

struct outcome {
    uint32_t id;
    uint16_t status;  /* of the answer; 0: there was none. Of a mail: the server's last reply code */
    struct span type; /* of the answer, without parameters */
    struct span why;  /* where there was none: a sentence of ours */
    struct span body;
};

/* A witness of lab.yaml, told by the supervisor to the keeper (MESSAGE_WITNESS). */
struct witness_told {
    struct span name, url, key, authority; /* the last: PEM, or empty */
};

/* Decoded spans point into the message. -1: ERR_PEER. */
void errand_encode(struct buf *out, const struct errand *x);
int errand_decode(struct span in, struct errand *ret, struct error *e);
void outcome_encode(struct buf *out, const struct outcome *x);
int outcome_decode(struct span in, struct outcome *ret, struct error *e);
void witness_told_encode(struct buf *out, const struct witness_told *x);
int witness_told_decode(struct span in, struct witness_told *ret, struct error *e);

#endif
