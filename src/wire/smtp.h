/* smtp: the receiving side of SMTP (RFC 5321) as a reader of what a client sends: pure, bytes in, answers and events out. Extensions: PIPELINING
 * (RFC 2920), SIZE (RFC 1870), 8BITMIME (RFC 6152), ENHANCEDSTATUSCODES (RFC 2034), STARTTLS (RFC 3207). It takes mail for one host and relays
 * nothing.
 *
 * Invariants
 *  1. A mail ends with CR LF "." CR LF and nothing else: what other readers take for an end (bare LF or CR) is content, so nobody smuggles a second
 *     mail in a first.
 *  2. Nothing that came before TLS counts behind it.
 *  3. While an answer of the caller's is awaited no input is looked at. */
#ifndef TQ_WIRE_SMTP_H
#define TQ_WIRE_SMTP_H

#include "base/buf.h"

#define SMTP_LINE 2048   /* most bytes of a command (RFC 5321, 4.5.3.1.4: 512, and more for extensions) */
#define SMTP_ADDRESS 254 /* most bytes of an address (RFC 5321, 4.5.3.1.3) */
#define SMTP_HOST 253
#define SMTP_RECIPIENTS 100        /* RFC 5321, 4.5.3.1.8; the mail counts once */
#define SMTP_SIZE_MAX (100u << 20) /* most bytes of a mail that a client may announce */
#define SMTP_WRONG 10              /* commands that are none, then the connection ends */
#define SMTP_ANSWERS 4096          /* room that `out` of smtp_next needs, at least */

enum smtp_event {
    SMTP_MORE,   /* the input is used up */
    SMTP_TLS,    /* `out` goes first, then TLS begins; the rest of the input is to be thrown away, then smtp_secured */
    SMTP_SENDER, /* who is `from`? smtp_answer */
    SMTP_DATA,   /* *ret: bytes of the mail, in order, as they are kept */
    SMTP_END,    /* the mail is whole: smtp_answer */
    SMTP_CLOSE,  /* `out` goes first, then the connection ends */
};

enum smtp_verdict {
    SMTP_TAKEN,
    SMTP_UNKNOWN,    /* nobody here has this address */
    SMTP_LATER,      /* try again: nothing is kept */
    SMTP_OFTEN,      /* too many within an hour: try again */
    SMTP_NO_MAIL,    /* it is none */
    SMTP_UNREADABLE, /* built to do harm to what reads it */
};

enum smtp_state { SMTP_IDLE, SMTP_GREETED, SMTP_ASKED_SENDER, SMTP_FROM, SMTP_TO, SMTP_BODY, SMTP_ASKED_END, SMTP_GONE };

struct smtp {
    /* in */
    char host[SMTP_HOST + 1]; /* the name that mail is taken for */
    bool offers_tls;
    bool needs_tls; /* no mail without it */
    /* out */
    char from[SMTP_ADDRESS + 1]; /* of the mail in hand */
    bool secured;
    /* inside */
    enum smtp_state state;
    unsigned wrong;
    unsigned recipients;
    bool overlong; /* the line in hand is: it is passed over up to its end */
    uint8_t dots;  /* of the mail: where in a line it stands */
    size_t line_n;
    char line[SMTP_LINE];
};

/* Greets. The reader starts zeroed but for what is `in`. */
void smtp_open(struct smtp *s, struct buf *out);

/* Steps over as much of `in` as makes one event and appends what is to be said. *ret is set with SMTP_DATA and holds until the next call. */
enum smtp_event smtp_next(struct smtp *s, struct span *in, struct buf *out, struct span *ret);

/* Behind SMTP_SENDER and SMTP_END. */
void smtp_answer(struct smtp *s, enum smtp_verdict verdict, struct buf *out);

/* TLS is there: what was said before is forgotten (RFC 3207, section 4.2). */
void smtp_secured(struct smtp *s);

#endif
