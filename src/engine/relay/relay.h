/* relay: the links between analyzers and the LIS. It frames, acknowledges, applies policy and forwards bytes, over TCP and TLS.
 *
 *     analyzer ⇄ [RELAY_ANALYZER side]  link  [RELAY_LIS side] ⇄ LIS
 *
 * It opens no file, resolves no name, reads no clock and makes no records: it is handed descriptors, SSL_CTX pointers, the time and callbacks. One
 * thread uses a relay, in a process that ignores SIGPIPE. A callback may call relay_durable, relay_status and relay_link_*; nothing that frees a
 * link.
 *
 * End to end, one connection of the analyzer has one connection to the LIS of its own. What a side sends goes to the other byte for byte: at once
 * where policy can only pass or flag; message by message where policy may refuse. An answer goes back when the record of what it answers is durable,
 * or after record_wait without it. Store and forward, we answer the analyzer ourselves when the message is durable, and deliver in order over one
 * connection of the link; or over several, each sender's messages (MSH-3, MSH-4) in order over one of them.
 *
 * Sources: HL7 v2.5.1 chapter 2 (2.9: acknowledgement), MLLP release 1 and 2, CLSI LIS1-A, LIS2-A2, RFC 8446. */
#ifndef TQ_RELAY_H
#define TQ_RELAY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/time.h"

#include <openssl/ssl.h>

struct relay;
struct relay_link;

#define RELAY_DIALS 128     /* connections that the host is asked for at one time */
#define RELAY_DELIVERIES 32 /* connections over which a link may deliver */

enum relay_side { RELAY_ANALYZER, RELAY_LIS };
enum relay_protocol { RELAY_MLLP, RELAY_ASTM };
enum relay_tls { RELAY_TLS_OFF, RELAY_TLS_OPTIONAL, RELAY_TLS_REQUIRED };
enum relay_mode { RELAY_END_TO_END, RELAY_STORE_AND_FORWARD };
enum relay_unknown { RELAY_UNKNOWN_PASS, RELAY_UNKNOWN_FLAG, RELAY_UNKNOWN_REFUSE };
/* Store and forward, when the queue is full or nothing can be made durable. */
enum relay_full { RELAY_FULL_STOP, RELAY_FULL_END_TO_END };

/* ── What a link is ── */

/* One side of a link. */
struct relay_side_options {
    bool dial;          /* we connect (the host is asked to dial); else the peer connects to us */
    int listener;       /* where it connects: a listening, non-blocking socket, the relay's from now on; -1 with dial, or to be handed connections */
    enum relay_tls tls; /* OPTIONAL, peer connects: told by its first byte (0x16). OPTIONAL, we dial: TLS, and clear where the peer has none */
    SSL_CTX *context;   /* NULL only with tls OFF; the relay takes a reference. A server's or a client's, as `dial` says */
};

/* What may pass. Texts are copied. An empty list allows everything of its kind. Applied to every message that is no answer, whichever side sent it.
 */
struct relay_policy {
    enum relay_unknown unknown; /* what happens to a message that a list, size or rate does not allow */
    const char *const *types;   /* "ORU^R01" (MSH-9.1^MSH-9.2); ASTM: "ASTM.RESULT", "ASTM.QUERY", "ASTM.ORDER", "ASTM.MESSAGE" */
    size_t types_n;
    const char *const *senders; /* HL7: "APPLICATION|FACILITY" (MSH-3.1, MSH-4.1), or the application alone; ASTM: H-5 as it is written */
    size_t senders_n;
    const char *const *tests; /* OBX-3.1; ASTM: the code of R-3 (astm_test) */
    size_t tests_n;
    uint32_t size_max;   /* bytes of a message; 0: message_max alone */
    uint32_t rate_max;   /* messages a minute; 0: any */
    tq_time learn_until; /* till then everything passes and is learnt for relay_proposed; 0: no learning */
};

struct relay_link_options {
    const char *name; /* copied; for relay_link_name alone */
    void *user;       /* the host's, for relay_link_user */
    enum relay_protocol protocol;
    enum relay_mode mode;
    struct relay_side_options side[2]; /* by enum relay_side */
    struct relay_policy policy;
    tq_time record_wait;      /* how long an answer waits for its record (end to end); 0: 200 ms */
    uint32_t connections_max; /* of the analyzer side at one time; 0: 1024 */
    uint32_t message_max;     /* bytes; 0: 16 MiB. A longer one ends its connection */
    uint64_t queue_bytes;     /* store and forward: bytes of messages that wait; 0: 64 MiB */
    uint32_t queue_messages;  /* … and how many; 0: 100,000. The alarm comes at four fifths of either */
    uint32_t deliveries;      /* … and over how many connections they go, at most RELAY_DELIVERIES; 0: 1, as with ASTM, or where the LIS connects */
    enum relay_full when_full;
    tq_time message_time;   /* a message must be whole so long after its first byte; 0: 60 s */
    tq_time answer_time;    /* … and answered so long after it was forwarded; 0: 30 s (ASTM has its own: 15 s) */
    tq_time handshake_time; /* TLS; 0: 10 s */
    tq_time write_time;     /* a peer takes nothing of what waits for it; 0: 60 s */
};

/* ── What the relay tells its host ── */

enum relay_event_kind {
    RELAY_EVENT_UP,           /* the first connection of a side stands, after none did */
    RELAY_EVENT_DOWN,         /* a side cannot be reached, or its last connection that was not closed by us is gone */
    RELAY_EVENT_TLS_FAILED,   /* a handshake failed, or TLS broke later (not: the connection ended without a word in TLS) */
    RELAY_EVENT_TLS_CLEAR,    /* clear text where TLS was optional */
    RELAY_EVENT_REFUSED,      /* a message was refused by policy, and so answered */
    RELAY_EVENT_FLAGGED,      /* … passed but is not allowed by policy */
    RELAY_EVENT_UNRECORDED,   /* an answer went back without its record (record_wait passed) */
    RELAY_EVENT_FRAMING,      /* bytes outside a message, a cut or damaged one, the wrong frame */
    RELAY_EVENT_ANSWER_WRONG, /* it answers a message that does not wait for one, or with a code that is none */
    RELAY_EVENT_ANSWER_BAD,   /* the LIS said AE, AR, CE, CR, NAK */
    RELAY_EVENT_NO_ANSWER,    /* none came in time */
    RELAY_EVENT_SLOW,         /* a message that takes too long or does not end, a peer that does not read */
    RELAY_EVENT_TOO_LONG,     /* over message_max */
    RELAY_EVENT_REPEATED,     /* a control id again: the same message (told once more, not queued twice), or another one under it */
    RELAY_EVENT_FLOOD,        /* over the rate, or too many connections */
    RELAY_EVENT_CHARSET,      /* bytes that are not what MSH-18 says */
    RELAY_EVENT_QUEUE,        /* four fifths full; full; or not any more (`clear`) */
    RELAY_EVENT_STOPPED,      /* store and forward: not acknowledging now, since nothing can be kept (`clear`: again) */
    RELAY_EVENT_RESENT,       /* store and forward: sent again, unchanged, since its answer did not come */
    RELAY_EVENT_GIVEN_UP,     /* … the LIS refused it for good: it is out of the queue, undelivered */
    RELAY_EVENT_KINDS
};

struct relay_event {
    enum relay_event_kind kind;
    enum relay_side side; /* whose peer it is about */
    uint64_t session;     /* 0: the link as a whole */
    bool clear;           /* the state that this kind names is over */
    uint32_t suppressed;  /* so many of this kind were not told since the last one (one in 5 s, for each link, unless for another reason) */
    const char *text;     /* one plain sentence of ours */
    struct span foreign;  /* what the peer wrote that it is about (a type, a sender, a control id), at most 64 bytes: PHI may hide in it */
};

/* An address. */
struct relay_address {
    uint8_t family; /* 4, 6; 0: none (a local socket) */
    uint16_t port;
    uint8_t ip[16]; /* the first 4 for IPv4 */
};

/* One connection of a link, for the host's own book-keeping. */
struct relay_connection {
    uint64_t session; /* unique in the run. End to end, the two connections of a pair have one; a delivering connection has one of its own */
    enum relay_side side;
    bool dialed; /* we opened it */
    bool tls;    /* what passes on it is encrypted */
    struct relay_address peer;
    struct relay_address local;
};

enum relay_verdict { RELAY_PASSED, RELAY_FLAGGED, RELAY_REFUSED };

/* A whole message. Spans hold during the call. */
struct relay_message {
    const struct relay_connection *connection; /* where it came from */
    enum relay_verdict verdict;
    const char *reason;       /* why flagged or refused, else NULL */
    struct span content;      /* HL7: between 0x0B and 0x1C. ASTM: records, without frames. Empty where it was too long to be kept */
    struct span raw;          /* as it is to be sent again: HL7 the same; ASTM its frames, as they came */
    struct span type;         /* "ORU^R01", "ASTM.RESULT" … */
    struct span control_id;   /* MSH-10, H-3 */
    struct span sender_app;   /* MSH-3.1; H-5 */
    struct span sender_place; /* MSH-4.1 */
    uint32_t results;         /* OBX, R */
    bool answer;              /* it has an MSA */
    bool again;               /* the LIS had refused it for good, and its sender sends it once more to have it delivered */
};

enum relay_delivery {
    RELAY_DELIVERED, /* the LIS took it */
    RELAY_GIVEN_UP,  /* it refused it several times: it will not be sent again */
    RELAY_MERGED,    /* it is the same as one that an earlier run took, which is delivered */
};

struct relay_host {
    void *context;

    /* Connect `side` of `link`, then call relay_dialed with the same ticket, once and always. At most RELAY_DIALS are asked for at one time, those of
     * one link in order; back-off is the relay's. */
    void (*dial)(void *context, struct relay_link *link, enum relay_side side, uint64_t ticket);

    /* Bytes as they went over a connection: outward: we sent them. In order, each once; what waits in our buffers counts as sent. May be NULL. */
    void (*observe)(void *context, struct relay_link *link, const struct relay_connection *connection, bool outward, struct span bytes, tq_time time);

    /* A connection stands (after TLS, where there is any) or is over. ssl: NULL in clear. May be NULL. */
    void (*opened)(void *context, struct relay_link *link, const struct relay_connection *connection, const SSL *ssl);
    void (*closed)(void *context, struct relay_link *link, const struct relay_connection *connection, tq_time time);

    /* A handshake ended, well or badly; or TLS broke after it (not ok, with the handshake finished; why: OpenSSL's list of errors). ssl holds during
     * the call. False: the connection is closed though the handshake went well. May be NULL. */
    bool (*handshake)(void *context, struct relay_link *link, const struct relay_connection *connection, const SSL *ssl, bool ok);

    /* A message is whole: all its received bytes were observed, nothing is answered yet. Returns the token of its record: with relay_durable(token)
     * or more it is durable; 0: there is nothing to wait for. Store and forward: the same token names the message in `delivered`; 0 with *keep false:
     * it cannot be kept now. May be NULL: nothing is ever waited for. */
    uint64_t (*message)(void *context, struct relay_link *link, const struct relay_message *message, tq_time time, bool *keep);

    /* Store and forward: this message needs no more delivery. May be NULL. */
    void (*delivered)(void *context, struct relay_link *link, uint64_t token, enum relay_delivery how, struct span answer, tq_time time);

    /* May be NULL. */
    void (*event)(void *context, struct relay_link *link, const struct relay_event *event, tq_time time);

    /* A monotonic clock for measuring delay alone. NULL: the time of relay_work is taken, which is that of its beginning. */
    tq_time (*clock)(void *context);

    /* Store and forward with RELAY_FULL_STOP, before each read from an analyzer that speaks MLLP: may so many bytes be read, and what is whole by
     * then be kept? While not, it is as after relay_can_keep(false), until relay_can_keep(true). What an analyzer of ASTM sends it keeps until it is
     * acknowledged: while nothing is taken it hears NAK. NULL: always. */
    bool (*room)(void *context, size_t n);
};

/* ── Life ── */

/* hash_key: random, from the caller. NULL: ERR_SYSTEM. */
struct relay *relay_new(const struct relay_host *host, struct hash_key hash_key, struct error *e);
void relay_free(struct relay *r); /* closes everything, calls nothing back but `closed`; r may be NULL */

/* Adds a link and sets it to work with the next relay_work. The listeners are the relay's, also on failure. NULL: ERR_MISUSE (a side without
 * context, texts too long), ERR_SYSTEM. It lives as long as the relay. */
struct relay_link *relay_add_link(struct relay *r, const struct relay_link_options *options, struct error *e);

/* Waits for something to do, at most timeout_ms (-1: no limit; nothing longer than the relay's own next deadline as of `now`), then returns: read the
 * clock and call relay_work with the time. -1: ERR_SYSTEM. */
int relay_wait(struct relay *r, tq_time now, int timeout_ms, struct error *e);
/* How many connections and descriptors relay_wait found ready. */
int relay_ready(const struct relay *r);
/* Does what relay_wait found, and what is due at `now`: a time that never steps, neither back nor forward, since all that waits is timed by it. */
void relay_work(struct relay *r, tq_time now);
/* The wall clock is so far ahead of that time. It may step; our own answers carry it (MSH-7), and nothing else goes by it. */
void relay_wall(struct relay *r, tq_time ahead);

/* A descriptor of the host's in the same wait: ready(context, fd, events of epoll) is called from relay_work. events 0: no more, which must be said
 * before it is closed. At most 256. -1: ERR_SYSTEM. */
int relay_watch(struct relay *r, int fd, uint32_t events, void (*ready)(void *context, int fd, uint32_t events), void *context, struct error *e);

/* ── What the host tells the relay ── */

/* A connection that was asked for: fd ≥ 0, connected, non-blocking, the relay's from now on; or -1 and why not (one plain sentence, copied). */
void relay_dialed(struct relay *r, uint64_t ticket, int fd, const char *why);
/* A listener for a side that has none yet; the relay's from now on. -1: ERR_SYSTEM; then it stays the host's. */
int relay_listen(struct relay_link *link, enum relay_side side, int fd, struct error *e);
/* A connection that the host accepted itself for a side that does not dial. */
void relay_accepted(struct relay *r, struct relay_link *link, enum relay_side side, int fd);

/* Everything up to this token is durable. */
void relay_durable(struct relay *r, uint64_t token);
/* Can records be made durable at all now (keeper or spool)? True at the start. While not, store and forward does as when_full says; end to end goes
 * on, each answer after record_wait. */
void relay_can_keep(struct relay *r, bool can);

/* Store and forward: a message that an earlier run took and did not deliver, oldest first. It goes before those that this run took; hold the link
 * until all were fed, so that none of these is delivered before. raw: as in struct relay_message (ASTM: frames, or records, which are then framed
 * anew). sent: it may have reached the LIS already (told as RESENT). came: when it was taken, in the relay's time; not 0. -1: ERR_LIMIT, ERR_SYSTEM.
 */
int relay_feed(struct relay_link *link, uint64_t token, struct span raw, bool sent, tq_time came, struct error *e);

/* Bypass: bytes pass both ways at once, end to end, nothing is judged, kept or waited for; what is in the
 * queue is delivered beside. Store and forward: the analyzers' connections are closed, and pass once they come again. */
void relay_bypass(struct relay_link *link, bool on);
/* Hold: nothing goes to the LIS. End to end: nothing is read from the analyzer. Store and forward: messages are taken, and wait. */
void relay_hold(struct relay_link *link, bool on);
/* Puts another policy in place of the present one. -1: ERR_SYSTEM; then the old one stands. */
int relay_set_policy(struct relay_link *link, const struct relay_policy *policy, struct error *e);
/* For new connections; the relay takes a reference. Old ones live on. */
void relay_set_tls(struct relay_link *link, enum relay_side side, SSL_CTX *context);
/* Closes at once the connections of a side for which gone() is true (revocation). Returns how many. */
size_t relay_cut_peer(struct relay_link *link, enum relay_side side, bool (*gone)(void *context, const SSL *ssl), void *context);

/* ── Looking ── */

const char *relay_link_name(const struct relay_link *link);
void *relay_link_user(const struct relay_link *link);
/* Store and forward: the LIS may have had the message that is being delivered before: its answer did not come, or an earlier run took it, and nobody
 * knows how far that came. */
bool relay_sends_again(const struct relay_link *link);

struct relay_side_status {
    uint32_t connections;      /* that stand now */
    struct relay_address peer; /* of the newest */
    char tls_version[12];      /* "TLSv1.3"; "" in clear, or where there is none */
    tq_time since;             /* when the first of those that stand was opened; 0: none stands */
    char why[160];             /* why the last one failed or ended; "" while all is well */
};

struct relay_counters {
    uint64_t received; /* whole messages, from the analyzer */
    uint64_t forwarded;
    uint64_t from_lis; /* whole messages that are no answers, from the LIS */
    uint64_t answered; /* answers that the analyzer was given */
    uint64_t refused;
    uint64_t flagged;
    uint64_t unrecorded; /* answered without their record */
    uint64_t unanswered; /* no answer came in time */
    uint64_t resent;
    uint64_t given_up;
    uint64_t repeated;
    uint64_t violations; /* events about peers that break their protocol, told or not */
    uint64_t bytes[2];   /* received, by side */
};

enum relay_state { RELAY_STATE_DOWN, RELAY_STATE_UP, RELAY_STATE_DEGRADED, RELAY_STATE_HELD, RELAY_STATE_BYPASSED };

struct relay_status {
    enum relay_state state;
    struct relay_side_status side[2];
    struct relay_counters counters;
    uint32_t queue_messages; /* store and forward */
    uint64_t queue_bytes;
    tq_time queue_oldest; /* when the first that waits was received; 0: none waits */
    tq_time delay_p50; /* of what we added to a message and its answer together, over the last 5 to 10 minutes; 0: no message. Store and forward: how
                        * long our answer waited for its record */
    tq_time delay_p99;
    uint32_t rate; /* messages in the last whole minute */
    bool stopped;  /* store and forward: not acknowledging … */
    bool full;     /* … since so many messages wait for the LIS, not since nothing can be made durable */
    bool learning;
};
void relay_status(struct relay_link *link, tq_time now, struct relay_status *ret);

/* Store and forward: does a message wait for the LIS? */
bool relay_waits(const struct relay_link *link);

enum relay_learnt { RELAY_LEARNT_TYPE, RELAY_LEARNT_SENDER, RELAY_LEARNT_TEST };
/* What was learnt, in the form that relay_policy takes, at most 64 types, 64 senders and 1024 tests. text is foreign. */
void relay_proposed(struct relay_link *link, void (*each)(void *context, enum relay_learnt what, const char *text, uint64_t count), void *context);
/* The largest message and the busiest minute while learning. */
void relay_proposed_limits(struct relay_link *link, uint32_t *ret_size, uint32_t *ret_rate);
/* What of it was not handed out here yet, until each() returns false (that one comes again). True: that was all. `told` false: begins anew. text is
 * foreign, holds during the call, and has no zero in it. */
bool relay_learnt_news(struct relay_link *link, bool told, bool (*each)(void *context, enum relay_learnt what, struct span text), void *context);
/* What an earlier relay had learnt, and until when this one learns. */
void relay_learnt_known(struct relay_link *link, enum relay_learnt what, struct span text);
void relay_learnt_limits(struct relay_link *link, uint32_t size, uint32_t rate);
void relay_learn_until(struct relay_link *link, tq_time until);

#endif
