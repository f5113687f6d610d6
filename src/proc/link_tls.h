/* link_tls: TLS of one side of a link.
 *
 * The supervisor collects what a side needs (key, chain, authorities, pins, what is revoked) below the data folder and hands it to the relay as
 * bytes, at the start and whenever the keeper says that something changed. The relay makes an SSL_CTX of them and has no path. A new context is for
 * new handshakes; a connection lives on with the one that it began with.
 *
 *   supervisor: link_tls_pack → bytes, in a sealed memfd        relay: link_tls_open → link_tls_context → SSL_new by the engine
 *
 * Every handshake is checked whole (no tickets, no resumption): the chain, its dates at the given clock, the host name or the pin, for which link an
 * own certificate was made, and what is revoked. */
#ifndef TQ_PROC_LINK_TLS_H
#define TQ_PROC_LINK_TLS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

#include <openssl/types.h>

#define LINK_TLS_NAME 64             /* room for a link's name */
#define LINK_TLS_HOST 254            /* room for a host name or address */
#define LINK_TLS_PINS 4              /* most pins of a side */
#define LINK_TLS_AUTHORITIES 32768   /* most bytes of authorities (PEM) */
#define LINK_TLS_REVOKED 4096        /* most revoked certificates that are looked for */
#define LINK_TLS_PACKED (256u << 10) /* most bytes of a packed side */

enum link_tls_side { LINK_TLS_ANALYZER = 1, LINK_TLS_LIS = 2 };

const char *link_tls_side_name(enum link_tls_side side); /* "analyzer", "lis" */

/* What lab.yaml says of a side. */
struct link_tls_terms {
    char link[LINK_TLS_NAME];
    enum link_tls_side side;
    bool dials;                      /* we open the connection */
    bool optional;                   /* where we accept: whoever shows no certificate is taken too */
    bool tls12;                      /* TLS 1.2 besides 1.3 */
    char host[LINK_TLS_HOST];        /* where we dial: the name or address that the peer's certificate must have; "": none is asked for */
    uint8_t pins[LINK_TLS_PINS][32]; /* SHA-256 of the peer's SubjectPublicKeyInfo (RFC 7469, 2.4); one of them must match */
    size_t pins_n;
    struct span authority; /* PEM, an authority of others for this side; empty: the lab's own, or with pins: none is needed */
};

/* Reads "sha256/" and 43 or 44 characters of base64, or 64 hexadecimal digits (colons are skipped). False: no pin. */
bool link_tls_pin(struct span text, uint8_t ret_pin[32]);

/* ── the supervisor ── */

/* Appends all that the relay needs for this side; out is secret (BUF_SECRET(LINK_TLS_PACKED)). data: the data folder. ERR_AGAIN: the side has no
 * certificate yet, the keeper is about to make one; ERR_CORRUPT, ERR_SYSTEM. */
int link_tls_pack(int data, const struct link_tls_terms *terms, struct buf *out, struct error *e);

/* ── the relay ── */

struct link_tls;

/* clock: the time that certificates are judged at (clock_now). NULL: ERR_CORRUPT it is not what link_tls_pack wrote, or key and certificate do not go
 * together. */
struct link_tls *link_tls_open(struct span packed, tq_time (*clock)(void), struct error *e);
void link_tls_free(struct link_tls *t); /* what runs under its context goes on */

/* For the engine: a client's context where terms.dials, else a server's; it checks, names (SNI) and refuses by itself. SSL_CTX_up_ref to keep it
 * longer than t. */
SSL_CTX *link_tls_context(const struct link_tls *t);
const struct link_tls_terms *link_tls_terms(const struct link_tls *t); /* without authority */

/* Why a peer was refused: what somebody has to do about it differs. */
enum link_tls_reason {
    LINK_TLS_FAILED,      /* TLS itself went wrong, or the peer did not take us */
    LINK_TLS_PINNED,      /* another key than the one that is pinned */
    LINK_TLS_OLD,         /* another version of TLS than is taken */
    LINK_TLS_DATES,       /* the certificate has ended, or not begun */
    LINK_TLS_NAMED,       /* it is for another name, link or side */
    LINK_TLS_FOREIGN,     /* it is from another authority */
    LINK_TLS_REVOKED_NOW, /* it is revoked */
    LINK_TLS_REASONS
};

/* What a handshake showed, once it ended well or badly. */
struct link_tls_peer {
    bool shown; /* the peer showed a certificate: the next five hold */
    char subject[256];
    char issuer[256];
    char serial[42];         /* hexadecimal */
    uint8_t fingerprint[32]; /* SHA-256 of the certificate */
    tq_time not_after;
    bool own;                    /* the lab's own authority made it */
    bool good;                   /* the peer was accepted */
    bool silent;                 /* nothing came from it at all: a look at the port, not a handshake */
    char version[8];             /* "1.3"; "": the handshake ended before that */
    char why[200];               /* why it was refused, in a sentence; "" */
    enum link_tls_reason reason; /* of why */
};
void link_tls_peer(const SSL *ssl, struct link_tls_peer *ret);

/* The same of a handshake that failed, or of TLS that broke after one that went well: then why is what OpenSSL's list of errors says. */
void link_tls_broke(const SSL *ssl, struct link_tls_peer *ret);

/* Is this certificate, or one that it stands on, revoked under what t knows? For running connections, after a new t came. */
bool link_tls_revokes(const struct link_tls *t, const SSL *ssl);

#endif
