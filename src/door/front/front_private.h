/* What front.c and stream.c share. */
#ifndef TQ_FRONT_PRIVATE_H
#define TQ_FRONT_PRIVATE_H

#include "base/table.h"
#include "door/front/front.h"

#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>

/* A request that waits for the keeper's reply. */
struct pending {
    struct evhttp_request *http;
    bool stream; /* GET /api/v1/stream: a good reply opens a stream */
};

/* One event stream. */
struct stream {
    struct evhttp_request *http; /* NULL: free slot */
    uint64_t check;              /* id of the request that asks again whether the session still holds; 0: none under way */
    char session[128];
    char peer[64];
};

struct front {
    struct event_base *base;
    SSL_CTX *tls;
    struct evhttp *http;
    struct evconnlistener *listener;
    char *name;
    int (*send)(void *context, const struct request *r);
    void *context;
    uint64_t last_id;
    struct pending pending[FRONT_PENDING];
    uint64_t pending_id[FRONT_PENDING]; /* 0: free slot */
    struct stream streams[FRONT_STREAMS];
    struct event *heartbeat;
    unsigned beats;
    size_t connections;
    bool paused; /* not accepting: FRONT_CONNECTIONS are open */
    bool keeper;
    struct buf scratch;
};

/* The request of the page as the keeper wants it; spans point into the evhttp request and into room. */
struct request_room {
    char session[128];
    char peer[64];
    struct buf body;
};

void front_secure_headers(struct front *f, struct evhttp_request *http);
void front_problem(struct front *f, struct evhttp_request *http, int status, const char *code, const char *detail);
int front_ask(struct front *f, struct evhttp_request *http, bool stream);

/* stream.c */
void stream_open(struct front *f, struct evhttp_request *http);
void stream_checked(struct front *f, uint64_t id, unsigned status);
void stream_beat(struct front *f);
void stream_tell(struct front *f, struct span line);
void stream_close_all(struct front *f);
bool stream_is_check(const struct front *f, uint64_t id);

#endif
