/* postbox: where mail about mail arrives. The lab's mail server hands over what people forward (SMTP, wire/smtp.h); each mail goes to the keeper as
 * if its sender had brought it on the page. Nothing is kept here longer than the keeper takes to answer, and nothing is taken that is not durable:
 * until then the mail server has it, and tries again. One thread, one event loop, everything capped (POSTBOX_*). */
#ifndef TQ_FRONT_POSTBOX_H
#define TQ_FRONT_POSTBOX_H

#include "base/error.h"
#include "door/request.h"

struct event_base;
struct sockaddr;

#define POSTBOX_SESSIONS 16 /* most connections at once; further ones are told to come again */
#define POSTBOX_IDLE 60     /* seconds that a client, or the keeper, may be silent */
#define POSTBOX_LONGEST 900 /* seconds of a connection */

struct postbox_options {
    struct event_base *base;
    int listen_fd;                                              /* listening, non-blocking; the caller keeps it open as long as the postbox lives */
    const char *name;                                           /* the host that mail is taken for, and that the certificate names */
    bool clear;                                                 /* mail may come without TLS */
    struct span certificate;                                    /* PEM: server certificate, then the site's authority */
    struct span key;                                            /* PEM; not kept beyond OpenSSL's copy */
    bool (*admits)(void *context, const struct sockaddr *from); /* is it one of the lab's mail servers? */
    /* Sends a request to the keeper; -1: there is none now. Spans hold during the call. */
    int (*send)(void *context, const struct request *r);
    void *context;
};

struct postbox;

/* NULL: *e says what is wrong with the certificate, the key or the socket. The name and spans of the options are copied. */
struct postbox *postbox_new(const struct postbox_options *options, struct error *e);
void postbox_free(struct postbox *b);

void postbox_reply(struct postbox *b, const struct reply *r); /* an unknown id is ignored: the client left */
void postbox_keeper_gone(struct postbox *b);                  /* whoever waits is told to come again */

#endif
