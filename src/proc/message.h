/* How the processes talk: typed, length-prefixed, size-capped messages over stream socket pairs.
 *
 * One table (message.c) says which role may send which message to which, how large it may be and how many descriptors come with it. A message that
 * the table does not allow makes the channel fail with ERR_PEER: the receiver closes the connection (an outsider) or asks for the sibling's restart;
 * it never stops itself.
 *
 * On the wire: length of the body (u32), type (u8), descriptors (u8), zero (u16), body; big-endian. Descriptors come by SCM_RIGHTS with the first
 * byte. */
#ifndef TQ_PROC_MESSAGE_H
#define TQ_PROC_MESSAGE_H

#include "base/buf.h"
#include "base/error.h"

enum role {
    ROLE_NONE,
    ROLE_SUPERVISOR,
    ROLE_SENSOR,
    ROLE_DETECTOR,
    ROLE_KEEPER,
    ROLE_CONSOLE,
    ROLE_COURIER,
    ROLE_RELAY,
    ROLE_LOCAL,   /* a command at the local socket: an outsider */
    ROLE_WITNESS, /* a program of its own: `ledger witness serve` */
    ROLE_WARDEN,
    ROLE_READER,
    ROLE_COUNT
};

const char *role_name(enum role r); /* "sensor" …; "" for ROLE_NONE and what is no role */

enum message_type {
    MESSAGE_NONE,
    /* supervisor → role */
    MESSAGE_START,     /* what the role is to do (start.h) and the descriptors of its own */
    MESSAGE_PEER,      /* u8 role, u8 which of them (sensors: their place in `capture:`), and a descriptor that leads to it */
    MESSAGE_RESTARTED, /* to the keeper: a role was restarted; u8 role, then why in words */
    MESSAGE_WITNESS,   /* to the keeper: a witness of lab.yaml (errand.h); one each, before anything else */
    MESSAGE_CAPTURE,   /* to a sensor that listens: u32 link type and a packet socket with its ring; or no descriptor, and why there is none */
    MESSAGE_PART,      /* to a sensor or the detector: u8 role that is replaced: hand over what waits for it, let go, and wait for the next PEER */
    MESSAGE_LINK,      /* to the relay: a link of lab.yaml (link.h), in their order; right behind START */
    MESSAGE_LISTENER,  /* to the relay: u16 link, u8 side, and the socket where its peers connect */
    MESSAGE_TLS,       /* to the relay: u16 link, u8 side, and a sealed file with what link_tls_open takes: for new connections */
    MESSAGE_DIALLED,   /* to the relay: u64 ticket, then why not in words; or the connection */
    MESSAGE_UPGRADED,  /* to the keeper: the version before and the one now, each behind its length in a byte; then what still is the one before */
    MESSAGE_CERTIFY,   /* to the keeper: a side of a link that speaks TLS (certify.h) */
    MESSAGE_STOP,      /* finish what is in hand, make it durable, end */
    /* role → supervisor */
    MESSAGE_READY,     /* narrowed and at work; u32 dialect, then words about what could not be narrowed, or nothing */
    MESSAGE_FAILED,    /* it cannot go on: u8 error class, then words */
    MESSAGE_COMPLAINT, /* u8 role whose channel was bad, u8 which of them, then words: please restart it */
    MESSAGE_RELEARN,   /* from the keeper: what the detector had learnt can be read now; the present one began without it */
    MESSAGE_CERTIFIED, /* from the keeper: certificates of links, or what is revoked, changed: hand them to the relay anew (link_tls.h) */
    MESSAGE_LOST,      /* from a sensor: its interface is gone; why, in words */
    MESSAGE_DIAL,      /* from the relay: u64 ticket, u16 link, u8 side: connect to it, please */
    MESSAGE_DURABLE,   /* from the keeper: what is durable (struct progress) */
    MESSAGE_TERMINAL,  /* from the keeper: lines for the person at the terminal (set-up code, fingerprint) */
    /* the pipeline */
    MESSAGE_RECORD, /* u64 seq, u32 ordinal, then record_encode's form */
    MESSAGE_LATE,  /* from the keeper to the detector: a record of a relay that came to the ledger by a spool, as record_encode writes it: judge it */
    MESSAGE_END,   /* the capture is read to its end */
    MESSAGE_STATE, /* what the detector has learnt (docs/formats/detector-state.md): from the keeper before the first record, back at the end; or
                      nothing */
    MESSAGE_WANT,  /* from the detector to a sensor: u64 number, then u64 ids of flows (at most WANT_FLOWS): their newest packets, please */
    MESSAGE_PACKETS,  /* the answer: u64 number, u32 packets, a capture file (pcapng); none: there are none any more */
    MESSAGE_EVIDENCE, /* from the detector to the keeper: u64 seq, u32 ordinal of the finding, then the evidence.packets as record_encode writes it */
    MESSAGE_DONE,     /* from the detector to the sensor of a replay: nothing more is wanted of it */
    /* links (link.h) */
    MESSAGE_RECORDED, /* from the keeper to the relay: how far its records are durable */
    MESSAGE_ORDER,    /* … what a person decided about a link */
    MESSAGE_QUEUED,   /* … a message that an earlier relay took and did not deliver; no link: that was the last */
    MESSAGE_READ_IN,  /* … u64: up to this byte its spool is on the ledger; 0: it could not be read in */
    MESSAGE_FEED,     /* from the relay: u64: what earlier relays left, and those of this run up to this number, please (QUEUED) */
    MESSAGE_SPOOLED,  /* from the relay: 2 x u64: from this byte of its spool up to that it is to be read in */
    MESSAGE_STATUS,   /* … how a link is */
    /* doors of makers' engineers (door_order.h) */
    MESSAGE_DOOR,      /* from the keeper to the warden */
    MESSAGE_DOOR_TOLD, /* and back */
    /* mails that people report (mail_job.h) */
    MESSAGE_MAIL,      /* from the keeper to the reader: one mail */
    MESSAGE_MAIL_READ, /* and back: u32 its job, u8 0 read, 1 no mail, 2 it cannot be read; then what mailed.h says */
    MESSAGE_SCANNER,   /* from the reader to the supervisor: a connection to the virus scanner, please; and back: it, or nothing */
    /* to other machines */
    MESSAGE_ERRAND,  /* from the keeper to the courier (errand.h) */
    MESSAGE_OUTCOME, /* and what came of it */
    /* the doors */
    MESSAGE_IDENTITY, /* from the keeper to the console: u8 locked, u32 length, certificate PEM, key PEM; again when it is unlocked */
    MESSAGE_REQUEST,  /* door/request.h */
    MESSAGE_REPLY,
    MESSAGE_NOTICE,
    MESSAGE_COUNT
};

#define MESSAGE_HEAD 8
#define WANT_FLOWS 8
#define STATE_MAX (2u << 20) /* most bytes of a detector's state */
#define MESSAGE_FDS 5        /* most descriptors of one message */
#define START_FDS 5          /* most descriptors that come with START */

struct message {
    enum message_type type;
    struct span body;     /* in the channel's buffer, until the next call on the channel */
    int fds[MESSAGE_FDS]; /* the receiver's own; close-on-exec */
    size_t fd_count;
};

struct channel {
    int fd; /* -1: closed */
    enum role self;
    enum role peer;
    struct buf in;
    size_t taken; /* bytes at the front of `in` that were handed out */
    struct buf out;
    size_t sent; /* bytes at the front of `out` that are written */
    int fds[2 * MESSAGE_FDS];
    size_t fd_count;
};

/* One number for everything that two roles must agree on: messages, events, keys of records, formats of the ledger. Parts of different builds have
 * different ones: they would take each other's numbers for something else. It goes first in START and READY. */
uint32_t message_dialect(void);

/* May `from` send this type to `to`? */
bool message_allowed(enum message_type type, enum role from, enum role to);

/* Takes over fd (made non-blocking). out_max: most bytes that may wait to be written (one message more may be put when nothing waits). */
void channel_open(struct channel *c, int fd, enum role self, enum role peer, size_t out_max);
void channel_close(struct channel *c);

/* Reads once what is there. 0: read something; -1: ERR_AGAIN nothing there, ERR_CLOSED the peer is gone, ERR_PEER, ERR_SYSTEM. */
int channel_read(struct channel *c, struct error *e);

/* 1: *ret is the next message; 0: none is complete yet; -1: what came is no permitted message (ERR_PEER). */
int channel_next(struct channel *c, struct message *ret, struct error *e);

/* Forgets the messages that were taken: where the channel is secret their bytes are wiped now, not when the next ones come. */
void channel_forget(struct channel *c);

/* Queues a message. -1: ERR_LIMIT the queue is full (write first) or the body too large, ERR_MISUSE not permitted, ERR_CLOSED. */
int channel_put(struct channel *c, enum message_type type, struct span body, struct error *e);

/* Writes what goes without waiting. 0: all is written or the peer's buffer is full (channel_waiting tells); -1: ERR_CLOSED, ERR_SYSTEM. */
int channel_write(struct channel *c, struct error *e);

/* Sends a message with descriptors at once (they stay the caller's). For small control messages: a peer whose buffer is full gives ERR_LIMIT. */
int channel_send_fds(struct channel *c, enum message_type type, struct span body, const int *fds, size_t n, struct error *e);

/* Puts and writes, waiting as long as the peer needs. */
int channel_send(struct channel *c, enum message_type type, struct span body, struct error *e);

/* Writes all that waits. Ends early with ERR_AGAIN when descriptor `watch` (or -1) becomes readable meanwhile. */
int channel_flush(struct channel *c, int watch, struct error *e);

static inline size_t channel_waiting(const struct channel *c)
{
    return c->out.n - c->sent;
}

#endif
