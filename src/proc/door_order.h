/* door_order: what keeper and warden say to each other about doors, and the networks that lab.yaml names.
 *
 *   keeper → warden (MESSAGE_DOOR)   open, close; settle: those named so far on this channel are all that are to be open
 *   warden → keeper (MESSAGE_DOOR_TOLD)  state of the firewall; opened, counted, closed
 *
 * A door is the way from one address to one port of another, for a time. The kernel keeps the time: nobody of ours is needed to close it. */
#ifndef TQ_PROC_DOOR_ORDER_H
#define TQ_PROC_DOOR_ORDER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/record.h"

#define DOOR_ORDER_ID 16 /* hexadecimal digits */
#define DOOR_ORDER_MAX 128
#define DOOR_TOLD_WHY 256
#define DOOR_TOLD_MAX 512
#define DOOR_LONGEST_MS (INT64_C(24) * 3600 * 1000) /* no order keeps a door open longer */

enum door_order_kind { DOOR_ORDER_OPEN = 1, DOOR_ORDER_CLOSE, DOOR_ORDER_SETTLE };

struct door_way {
    struct address from, to; /* of one family */
    uint8_t proto;           /* 6, 17 */
    uint16_t port;           /* of `to` */
};

struct door_order {
    enum door_order_kind kind;
    char id[DOOR_ORDER_ID + 1];
    struct door_way way; /* open */
    int64_t ms;          /* open: how long from now on, 1 to DOOR_LONGEST_MS */
};

enum door_told_kind {
    DOOR_TOLD_STATE = 1, /* on: the firewall does what it is told; else why not */
    DOOR_TOLD_OPENED,
    DOOR_TOLD_COUNT, /* what went through so far */
    DOOR_TOLD_CLOSED /* the same, at last; why: empty, or what went wrong */
};

struct door_told {
    enum door_told_kind kind;
    bool on;
    char id[DOOR_ORDER_ID + 1];
    bool timed; /* closed: its time was over */
    uint64_t packets, bytes_up, bytes_down;
    struct span why;
};

/* Decoded spans point into the message. -1: ERR_PEER. */
void door_order_encode(struct buf *out, const struct door_order *x);
int door_order_decode(struct span in, struct door_order *ret, struct error *e);
void door_told_encode(struct buf *out, const struct door_told *x);
int door_told_decode(struct span in, struct door_told *ret, struct error *e);

/* 16 small hexadecimal digits? */
bool door_order_id(struct span id);

/* ── networks ── */

/* "10.8.0.0/24", "fd00:8::/64", or one address. False: it is none, or bits behind its prefix are set. */
bool network_parse(struct span text, struct address *ret, unsigned *ret_bits);
/* Is the address in one of these networks (a line each)? */
bool network_has(const char *lines, const struct address *a);

#endif
