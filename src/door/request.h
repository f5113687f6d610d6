/* A request on its way from a front door (console, local socket) to the keeper, and the answer back. Shared by front/ and api/; carried by proc/. */
#ifndef TQ_DOOR_REQUEST_H
#define TQ_DOOR_REQUEST_H

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

#define REQUEST_BODY_MAX (1u << 20)
#define REQUEST_TEXT_MAX 4096
#define REPLY_BODY_MAX (12u << 20) /* an inventory of 10,000 devices as a bill of materials */

#define REQUEST_MAIL_MAX (24u << 20) /* bytes of a reported mail that are taken, in pieces: of a larger one this much */

/* DOOR_LANDING: somebody followed the link of a simulated mail; path is "/TOKEN" or "/TOKEN/in", query "seen" where a browser came by itself.
 * DOOR_MAIL: somebody forwarded a mail; session is the address that it came from. */
enum request_door { DOOR_CONSOLE = 1, DOOR_LOCAL = 2, DOOR_LANDING = 3, DOOR_MAIL = 4 };

struct request {
    uint64_t id; /* chosen by the door; the reply repeats it */
    enum request_door door;
    struct span method;  /* GET POST PUT PATCH DELETE */
    struct span path;    /* "/api/v1/…", percent-decoded by nobody yet */
    struct span query;   /* behind "?", raw */
    struct span session; /* value of the session cookie, or empty */
    struct span csrf;    /* X-CSRF header, or empty */
    struct span bearer;  /* of "Authorization: Bearer …": an API token, or empty */
    struct span proof;   /* X-Proof header, or empty: a passkey signed this very request */
    struct span if_match;
    struct span if_none_match;
    struct span language; /* Accept-Language header, or empty */
    struct span peer;     /* address of the browser, or "uid 0" from SO_PEERCRED */
    struct span body;     /* JSON, a list of devices (CSV), or empty */
    int fd;               /* one that a command at the local socket sent along, or -1; not encoded, and closed by whoever received it */
};

struct reply {
    uint64_t id;
    uint16_t status;
    struct span type;        /* content type */
    struct span etag;        /* without quotes, or empty */
    struct span set_session; /* non-empty: a new session cookie's value */
    bool clear_session;
    struct span body;
};

/* {topic, id, etag}: what /api/v1/stream tells the page, nothing else. topic: "devices", "results", "findings", "ledger", "sensor", "today", "looks",
 * "certificates". */
struct notice {
    struct span topic;
    struct span id;
    struct span etag;
};

void request_encode(struct buf *out, const struct request *r);
int request_decode(struct span in, struct request *ret, struct error *e); /* spans point into in; ERR_PEER */
void reply_encode(struct buf *out, const struct reply *r);
int reply_decode(struct span in, struct reply *ret, struct error *e);
void notice_encode(struct buf *out, const struct notice *n);
int notice_decode(struct span in, struct notice *ret, struct error *e);

#endif
