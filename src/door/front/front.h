/* front: the HTTPS door. Serves the embedded page, hands every request under /api to the keeper, and keeps the event streams.
 *
 * It holds the TLS key and nothing else: no store, no session, no permission; what it cannot answer from the page it asks the keeper. It reads no
 * clock but libevent's timers. One thread, one event loop, everything capped (FRONT_*). */
#ifndef TQ_FRONT_H
#define TQ_FRONT_H

#include "base/error.h"
#include "door/request.h"

struct event_base;
struct evhttp_bound_socket;

#define FRONT_CONNECTIONS 512           /* most TLS connections at once; more wait in the listen queue */
#define FRONT_PENDING 256               /* most requests that wait for the keeper; more get 503 */
#define FRONT_STREAMS 64                /* most event streams */
#define FRONT_STREAM_QUEUE (256 * 1024) /* most bytes that a slow browser may leave unread before its stream is closed */

struct front_options {
    struct event_base *base;
    int listen_fd;           /* listening, non-blocking; the caller keeps it open as long as the front lives */
    const char *name;        /* the host name of certificate, cookie and passkeys */
    bool landing;            /* serves nothing but where links of simulated mails lead (landing.c): no page, no cookie, no API */
    struct span certificate; /* PEM: server certificate, then the site's authority */
    struct span key;         /* PEM; not kept beyond OpenSSL's copy */
    /* Sends a request to the keeper; -1: there is none now (the browser gets 503). Spans hold during the call. */
    int (*send)(void *context, const struct request *r);
    void *context;
};

struct front;

/* Whatever libevent and OpenSSL give back is wiped: answers may show what is hidden, requests bring passwords. Call it before anything of either.
 * False: something of OpenSSL was used before. */
bool front_wipe_freed(void);

/* NULL: *e says what is wrong with the certificate, the key or the socket. The strings and spans of the options are copied. */
struct front *front_new(const struct front_options *options, struct error *e);
void front_free(struct front *f);

void front_reply(struct front *f, const struct reply *r);   /* an unknown id is ignored: the browser left */
void front_notice(struct front *f, const struct notice *n); /* goes to every stream */
void front_keeper_gone(struct front *f);                    /* whoever waits gets 503; streams stay and hear "keeper" when it is back */
void front_keeper_back(struct front *f);
void front_locked(struct front *f, bool locked); /* what /healthz says */

#endif
