/* What front.c and stream.c share. */
#ifndef TQ_FRONT_PRIVATE_H
#define TQ_FRONT_PRIVATE_H

#include "base/json.h"
#include "door/front/front.h"

#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>

enum ask {
    ASK_ANSWER, /* the reply goes to the browser as it is */
    ASK_STREAM, /* GET /api/v1/stream: a good reply opens a stream */
    ASK_CHECK,  /* does the session of an open stream still hold? */
};

/* A request that waits for the keeper's reply. */
struct pending {
    uint64_t id; /* 0: free slot */
    struct evhttp_request *http;
    enum ask ask;
    unsigned beat; /* when it was asked */
};

/* A TLS connection; on the front's list, the one that sent a whole request last first. */
struct line {
    struct front *front;
    struct bufferevent *bufferevent;
    unsigned beat; /* when it was accepted or its last request was whole */
    bool large;    /* a request of more than UNREAD_MAX comes in */
    struct line *newer;
    struct line *older;
};

struct front {
    struct event_base *base;
    SSL_CTX *tls;
    struct evhttp *http;
    struct evconnlistener *listener;
    char *name;
    bool landing;
    int (*send)(void *context, const struct request *r);
    void *context;
    uint64_t last_id;
    struct pending pending[FRONT_PENDING];
    struct evhttp_request *streams[FRONT_STREAMS]; /* open event streams; NULL: free slot */
    struct event *heartbeat;
    unsigned beats;
    size_t large; /* lines that are */
    struct line *newest;
    struct line *oldest;
    size_t connections;
    bool paused; /* not accepting: FRONT_CONNECTIONS are open */
    bool locked; /* the keeper waits for its passphrase */
    bool keeper;
    struct buf scratch;
};

void front_secure_headers(struct front *f, struct evhttp_request *http);
void front_problem(struct front *f, struct evhttp_request *http, int status, const char *code, const char *detail);
int front_ask(struct front *f, struct evhttp_request *http, enum ask ask); /* -1: the keeper cannot be asked now; nothing was answered */
void front_forget(struct front *f, const struct evhttp_request *http);     /* no reply is waited for any more on behalf of this request */

void front_header(struct evhttp_request *http, const char *name, const char *value);
void front_send(struct evhttp_request *http, int status, struct span body);
int front_ask_landing(struct front *f, struct evhttp_request *http, bool seen); /* as front_ask: nothing of the browser's goes along but the path */

/* landing.c */
void landing_handle(struct front *f, struct evhttp_request *http, struct span path);
void landing_reply(struct front *f, struct evhttp_request *http, const struct reply *r);

/* stream.c */
void stream_open(struct front *f, struct evhttp_request *http);
void stream_end(struct front *f, struct evhttp_request *http); /* ends the stream of this request, where there is one */
void stream_beat(struct front *f);
void stream_tell(struct front *f, struct span lines);
void stream_close_all(struct front *f);

#endif
