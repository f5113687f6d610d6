/* What the files of this room share.
 *
 * A link has sessions. Three kinds:
 *
 *     PAIR      one connection of each side; bytes (or, where policy may refuse, messages) pass between them. End to end
 *     INTAKE    one connection of the analyzer, which we answer ourselves. Store and forward
 *     DELIVERY  the link's own connection to the LIS, which empties the queue, or one of its outlets. Store and forward
 *
 * Invariants:
 * 1. What a peer sends is read into the relay's one scratch buffer and is gone from there when the read is handled: a session owns a buffer only
 * while bytes wait (a message that is not whole, an answer that waits for its record, a peer that does not read).
 * 2. Nothing is read from a side while anything waits to be written to the other, or an answer in that direction waits: so what a session owns is at
 *    most one message of message_max and one read, for each direction.
 * 3. A channel or session that ends during a round is dead at once (no callback, no event reaches it) and freed at the end of the round.
 * 4. Tokens only grow; `durable` never goes back. */
#ifndef TQ_RELAY_PRIVATE_H
#define TQ_RELAY_PRIVATE_H

#include "base/table.h"
#include "engine/relay/look.h"
#include "engine/relay/measure.h"
#include "engine/relay/policy.h"
#include "engine/relay/queue.h"
#include "engine/relay/relay.h"
#include "engine/relay/timers.h"
#include "wire/astm_link.h"
#include "wire/mllp.h"

#include <sys/epoll.h>

#define RELAY_SCRATCH (64u << 10)
#define RELAY_READY 256
#define RELAY_PENDING 8   /* messages of a direction that wait for answers; the oldest is given up for a new one */
#define RELAY_WATCHES 256 /* descriptors of the host */
#define RELAY_EVENT_GAP (5 * TIME_SECOND)
#define RELAY_LINK_DIALS 32                /* connections of one link that are made at one time … */
#define RELAY_DIAL_TIME (60 * TIME_SECOND) /* how long one waits for its turn, and for the host */
#define RELAY_FDS_LEFT (RELAY_DIALS + 64)  /* descriptors that no peer gets: for the other halves of those it has, and the host's own */
#define RELAY_LINGER (10 * TIME_SECOND)    /* one half of a pair is closed: how long the other may go on */

#define CONTAINER(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

struct session;

/* ── Channels (channel.c) ── */

enum watch_kind { WATCH_HOST, WATCH_LISTENER, WATCH_CHANNEL };

/* What an event of epoll points to. */
struct watch {
    enum watch_kind kind;
    int fd; /* -1: none */
    uint32_t events;
};

enum channel_state {
    CHANNEL_NONE,
    CHANNEL_DIALING,   /* the host connects it */
    CHANNEL_PEEK,      /* its first byte will say whether it speaks TLS */
    CHANNEL_HANDSHAKE, /* TLS begins */
    CHANNEL_OPEN,
};

struct channel {
    struct watch watch;
    enum channel_state state;
    struct relay_connection connection;
    uint64_t ticket; /* while DIALING; 0: it waits for its turn, between these two of its link */
    struct channel *next_wait, *prev_wait;
    SSL *ssl;
    struct buf out; /* waits to be written, from out_at on */
    size_t out_at;
    bool told;         /* the host knows that it stands */
    bool paused;       /* nothing is read now … */
    tq_time paused_at; /* … since then */
    bool wants_write;  /* TLS must write before it can go on */
    bool clear;        /* dialed again, without TLS */
    bool ended;        /* the peer has closed its half */
    bool shut;         /* we have closed ours, or shall once `out` is empty */
    bool shut_done;
    tq_time waits_since; /* when the peer last took something, while `out` waits; when the state began, before OPEN */
};

enum relay_channel_read { CHANNEL_READ_BROKEN = -2, CHANNEL_READ_LATER = -1, CHANNEL_READ_END = 0 };

/* ── Sessions ── */

struct pending {
    uint64_t id; /* keyed hash of the control id */
    uint64_t token;
    uint64_t via;  /* store and forward, of the LIS's: the session that brought it */
    tq_time since; /* forwarded */
    tq_time delay; /* what we added on the way there */
    bool twice;    /* an accept and an application acknowledgement are to come */
};

/* One direction of a session. */
struct lane {
    union {
        struct mllp mllp;
        struct astm_link astm;
    } reader;
    struct buf raw;  /* the message that is not whole: MLLP from its 0x0B on; ASTM its records */
    uint32_t passed; /* the first bytes of raw that the other side has already */
    uint32_t content;
    uint32_t frame; /* ASTM: where the open frame's text begins in raw */
    bool open;      /* a message has begun */
    bool gather;    /* its bytes wait until it is whole */
    bool closed;    /* ASTM: the last good frame ended a message */
    bool closing;   /* … and is not answered yet */
    bool asked;     /* ASTM, endpoints: the host was told of the message whose frames have this hash */
    uint64_t hash;
    uint64_t token; /* ASTM: of the last message */
    tq_time began;
    struct buf held; /* an answer and what came behind it: they wait for a record */
    uint64_t held_token;
    tq_time held_since;
    tq_time held_until;
    uint64_t given_up;   /* the id of a message that we answered ourselves, since nobody did: a late answer to it is dropped */
    uint8_t header_n;    /* MLLP: the MSH of the newest message, for that */
    uint8_t header[255]; /* longer ones are not kept */
    uint8_t pending_n;
    struct pending pending[RELAY_PENDING]; /* of this direction's messages, oldest first */
};

enum session_kind { SESSION_PAIR, SESSION_INTAKE, SESSION_DELIVERY };

struct astm_end;

struct session {
    struct relay_link *link;
    enum session_kind kind;
    uint64_t id;
    bool dead;
    bool running;              /* all its channels are open */
    bool standing;             /* the link opens another one when this one ends (both sides are dialed; delivery) */
    uint8_t outlet;            /* DELIVERY: of the queue */
    struct channel channel[2]; /* by side; the one that the kind has not stays NONE */
    struct lane lane[2];       /* by the side where the bytes come from */
    struct astm_end *end[2];   /* ASTM where we are an endpoint */
    struct timer timer;
    tq_time ended;                          /* since one half is closed; 0: none is */
    struct session *next, **prev;           /* of the link */
    struct session *next_held, **prev_held; /* of the relay: some lane holds */
};

/* ── Links ── */

struct listener {
    struct watch watch;
    struct relay_link *link;
    enum relay_side side;
};

/* Control ids of the last messages, end to end. */
#define RECENT 64
struct recent {
    uint32_t at;
    struct {
        uint64_t id;
        uint64_t hash; /* of the content */
    } seen[RECENT];
};

struct side_state {
    uint32_t connections;
    struct relay_address peer;
    char tls_version[12];
    tq_time since;
    char why[160];
    bool down_told;
    bool up_told;
};

struct relay_link {
    struct relay *relay;
    struct relay_link_options o; /* texts and policy point nowhere here */
    char *name;
    SSL_CTX *context[2];
    struct listener listener[2];
    struct policy *policy;
    struct queue *queue; /* store and forward */
    struct session *sessions;
    uint32_t sessions_n;
    bool bypassed;
    bool hold;
    bool stopped;
    struct timer timer; /* to dial again */
    unsigned dials;     /* under way */
    struct channel *waits, *waits_last;
    struct relay_link *next_turn;
    bool in_turn;
    tq_time back_off;
    struct side_state side[2];
    struct relay_counters counters;
    struct measure measure;
    struct recent *recent; /* control ids of late; made with the first message */
    tq_time told[RELAY_EVENT_KINDS];
    const char *told_text[RELAY_EVENT_KINDS]; /* never read: another reason is told at once */
    uint32_t untold[RELAY_EVENT_KINDS];
};

/* A descriptor of the host's. */
struct host_watch {
    struct watch watch;
    void (*ready)(void *context, int fd, uint32_t events);
    void *context;
};

struct relay {
    struct relay_host host;
    struct hash_key key;
    int epoll;
    int spare;    /* a descriptor to give up for the moment in which no other is left */
    int fds_most; /* a peer whose descriptor is not below this is turned away */
    tq_time now;
    tq_time wall_ahead;
    uint64_t durable;
    bool can_keep;
    bool look;         /* something that is held may go */
    bool kick;         /* relay_work is wanted though nothing is ready */
    uint64_t sessions; /* made so far */
    uint64_t tickets;
    uint64_t answers; /* written by us: numbers their control ids, beside when the relay started */
    tq_time started;
    bool closing;
    struct table *dialing;               /* ticket → struct dialing */
    unsigned dials;                      /* under way */
    struct relay_link *turn, *turn_last; /* links of which some wait to be connected */
    struct epoll_event ready[RELAY_READY];
    int ready_n;
    struct timers timers;
    struct relay_link **links;
    size_t links_n;
    struct session *held;
    struct session *graves;
    struct host_watch watches[RELAY_WATCHES];
    uint8_t scratch[RELAY_SCRATCH];
};

static inline struct session *relay_channel_session(struct channel *c)
{
    return CONTAINER(c - c->connection.side, struct session, channel);
}

static inline struct relay *session_relay(const struct session *s)
{
    return s->link->relay;
}

static inline enum relay_side other_side(enum relay_side side)
{
    return side == RELAY_ANALYZER ? RELAY_LIS : RELAY_ANALYZER;
}

/* ── relay.c ── */

tq_time relay_clock(const struct relay *r); /* for measuring delay */
/* foreign: what the peer wrote, cut to 64 bytes. */
void relay_tell(struct relay_link *link, enum relay_event_kind kind, enum relay_side side, uint64_t session, bool clear, struct span foreign,
                const char *text);
/* As relay_tell, about a peer that breaks its protocol; counted. */
void relay_complain(struct session *s, enum relay_event_kind kind, enum relay_side side, struct span foreign, const char *text);

/* ── channel.c ── */

/* Takes a connected descriptor; the state becomes PEEK, HANDSHAKE or OPEN. False: no memory (fd is closed). */
bool relay_channel_take(struct channel *c, int fd);
/* Bytes read into out (n > 0), or enum relay_channel_read. */
int relay_channel_read(struct channel *c, uint8_t *out, size_t max);
void relay_channel_rest(struct channel *c);       /* nothing is to come now: TLS gives its buffers back */
bool relay_channel_more(const struct channel *c); /* TLS holds bytes that no event will tell of */
/* Writes what the peer takes, keeps the rest. False: the connection is broken. */
bool relay_channel_write(struct channel *c, struct span bytes);
bool relay_channel_flush(struct channel *c);
static inline bool relay_channel_waits(const struct channel *c)
{
    return c->out.n > c->out_at;
}
/* Goes on with PEEK or HANDSHAKE. 1: OPEN now; 0: not yet; -1: failed (why is set in the link's side). */
int relay_channel_progress(struct channel *c);
void relay_channel_pause(struct channel *c, bool on);
void relay_channel_interest(struct channel *c); /* tells epoll what is waited for, where that changed */
void relay_channel_shut(struct channel *c);     /* our half is closed once all is written */
void relay_channel_close(struct channel *c);

/* ── session.c ── */

struct session *session_new(struct relay_link *link, enum session_kind kind); /* NULL: no memory */
/* Ends it: its connections are closed. why: one sentence for the status of the side; NULL: an orderly end. */
void session_end(struct session *s, enum relay_side side, const char *why);
void session_bury(struct relay *r); /* frees what ended */
void session_take(struct session *s, enum relay_side side, int fd);
void session_dial(struct session *s, enum relay_side side);
void session_dial_failed(struct channel *c, const char *why);
void session_ready(struct channel *c, uint32_t events);
void session_tick(struct timer *t, tq_time now);
void session_arm(struct session *s, tq_time due); /* session_tick is called at `due` at the latest */
/* Bytes to a peer, observed. False: the session has ended. */
bool session_send(struct session *s, enum relay_side to, struct span bytes);
/* Nothing more is read from this side; what we say goes out, then it is over. */
void session_finish(struct session *s, enum relay_side side);
void session_pause(struct session *s); /* says who is read from, by invariant 2 */

/* ── turns.c ── */

struct table *turns_new(struct hash_key key);
void turns_ask(struct channel *c);   /* dials it, now or when its turn comes; it is DIALING */
void turns_leave(struct channel *c); /* its session ends */
/* The host has answered this ticket. NULL: nobody waits for it. */
struct channel *turns_over(struct relay *r, uint64_t ticket);
void turns_go(struct relay *r); /* dials those whose turn has come */

/* ── lane.c ── */

/* Bytes for the other side of a lane, behind what is held. False: the session has ended. */
bool lane_out(struct session *s, enum relay_side from, struct span bytes);
/* The same, once `token` is durable, or at `until`. */
bool lane_hold(struct session *s, enum relay_side from, struct span bytes, uint64_t token, tq_time until);
bool lane_release(struct session *s, enum relay_side from, bool recorded);
void lane_release_durable(struct relay *r);
void lane_awaits(struct session *s); /* its endpoint of ASTM waits for lane[RELAY_ANALYZER].token */
/* Remembers that a message waits for its answer; `delay`: what we added on its way. */
void lane_pending(struct session *s, enum relay_side from, struct span control_id, uint64_t token, tq_time delay, bool twice);
/* Takes the message with this control id out of those that wait. False: none waits under it. */
bool lane_answered(struct session *s, enum relay_side from, struct span control_id, struct pending *ret);
bool lane_answered_oldest(struct session *s, enum relay_side from, struct pending *ret);
bool lane_unrecorded(const struct session *s, enum relay_side from); /* a message that waits for an answer is not durable yet */
void lane_reset(struct session *s, enum relay_side from);
/* Nobody answered the newest message of the lane in time: we say so. False: the session has ended. */
bool pass_unanswered(struct session *s, enum relay_side from, uint64_t id);
uint64_t relay_id(const struct relay *r, struct span control_id);

/* ── mllp.c, astm.c: what a peer sent. False: the session has ended. ── */

bool mllp_input(struct session *s, enum relay_side from, struct span in);
void mllp_ended(struct session *s, enum relay_side from); /* no more will come */
bool astm_input(struct session *s, enum relay_side from, struct span in);

/* ── pass.c: whole messages of pairs ── */

/* MLLP release 2: a block that says stored (0x06) or not stored (0x15), and nothing else. */
static inline bool is_commit(struct span content)
{
    return content.n == 1 && (content.p[0] == 0x06 || content.p[0] == 0x15);
}

enum pass { PASS_ON, PASS_HOLD, PASS_DROP, PASS_DEAD };

/* Looks at a whole message, judges it, tells the host and the status; fills what pass_message and others go by. */
struct judged {
    struct look look;
    struct policy_verdict verdict;
    uint64_t token;
    bool keep;
    bool again; /* as in struct relay_message */
};
void pass_judge(struct session *s, enum relay_side from, struct span content, uint32_t size, struct judged *ret);
/* What happens to a message of a pair; PASS_HOLD: its bytes wait for *ret_token. */
enum pass pass_message(struct session *s, enum relay_side from, struct span content, uint32_t size, uint64_t *ret_token);
/* Tells the host of a whole message of ASTM that has gone on already; its token. */
uint64_t pass_seen(struct session *s, enum relay_side from, struct span raw, struct span content, uint32_t size);
void pass_tell(struct session *s, enum relay_side from, struct span raw, struct span content, struct judged *j);
bool pass_gathers(const struct session *s, enum relay_side from); /* a message that begins now is to be whole before its bytes go on */

/* ── answer.c: our own answers ── */

enum answer { ANSWER_ACCEPT, ANSWER_ERROR, ANSWER_REJECT };
/* Appends a framed answer to a message, with the code that its MSH-15 and MSH-16 ask for; nothing where they ask for none. code: ERR-3 (table 0357);
 * reason: for MSA-3 and ERR-8; both only where it is no ANSWER_ACCEPT. */
void answer_write(struct relay_link *link, struct buf *out, const struct look *look, enum answer what, const char *code, const char *reason);
bool answer_asked(struct span condition, bool good); /* does MSH-15 or MSH-16 of this value ask for an answer? */

/* ── keep.c: store and forward ── */

/* SENT_NOT: the receiver was not ready or did not answer; SENT_REFUSED: it answered NAK to one frame six times. */
enum astm_sent { ASTM_SENT, ASTM_SENT_NOT, ASTM_SENT_REFUSED };

enum pass keep_message(struct session *s, enum relay_side from, struct span raw, struct span content, uint32_t size);
enum astm_decision keep_astm(struct session *s, struct span frames, struct span records, uint64_t *ret_token);
void keep_sent(struct session *s, enum astm_sent how, const char *why); /* ASTM: what became of the message that was being delivered */
struct session *keep_newest_intake(struct relay_link *link);
bool keep_room(struct session *s);       /* may it be read from? Else it is paused now */
void keep_poll(struct relay_link *link); /* is an answer of the LIS there? */
void keep_wake(struct relay_link *link); /* something to deliver, or something changed */
void keep_delivery_tick(struct session *s, tq_time now, tq_time *due);
void keep_stand(struct relay_link *link, bool all); /* dials for outlets without a connection; all: also where nothing waits */
void keep_delivery_ended(struct session *s);        /* its connection is gone */
void keep_delivery_opened(struct session *s);
bool keep_empties(const struct session *s); /* it delivers, and something waits for it */
/* What waits. True: four fifths of what may wait do. */
bool relay_queue_look(const struct queue *q, const struct relay_link *link, uint32_t *ret_messages, uint64_t *ret_bytes, tq_time *ret_oldest);

/* ── astm_end.c: an endpoint of LIS1-A ── */

struct astm_end *astm_end_new(struct session *s, enum relay_side side);
void astm_end_free(struct astm_end *e);
bool astm_end_input(struct astm_end *e, struct span in);
bool astm_end_idle(const struct astm_end *e);  /* it has nothing to send */
bool astm_end_waits(const struct astm_end *e); /* for a decision */
/* Sends the frames of a message, which must stay until astm_sent. */
void astm_end_send(struct astm_end *e, struct span frames);
enum astm_decision { ASTM_ACCEPT, ASTM_WAIT, ASTM_AGAIN, ASTM_REFUSE };
/* What becomes of the message for which astm_received said ASTM_WAIT. */
void astm_end_decide(struct astm_end *e, enum astm_decision what, uint64_t token);
tq_time astm_end_due(const struct astm_end *e);
void astm_end_tick(struct astm_end *e, tq_time now);

/* ── astm_pair.c: what its endpoints make of messages ── */

/* Judges a message and tells the host, once, however often its last frame comes. False: refused. */
bool astm_told(struct session *s, enum relay_side from, struct span frames, struct span records, struct judged *ret);
enum astm_decision astm_received(struct session *s, enum relay_side from, struct span frames, struct span records, uint64_t *ret_token);
void astm_sent(struct session *s, enum relay_side to, enum astm_sent how, const char *why);

/* ── link.c ── */

void link_ready(struct listener *l);
bool link_opened(struct channel *c);             /* a connection stands. False: the host does not want it */
void link_closed(struct channel *c, bool stood); /* it does not any more */
void link_why(struct relay_link *link, enum relay_side side, const char *why);
void link_ended(struct session *s);                                    /* a session is over */
void link_wake(struct relay_link *link);                               /* opens what should be open */
void link_pair(struct session *s, enum relay_side missing);            /* finds the other half of a pair */
void link_take(struct relay_link *link, enum relay_side side, int fd); /* a peer has connected */
void link_free(struct relay_link *link);
bool link_ends(const struct relay_link *link, const struct session *s); /* its sessions are endpoints (ASTM that may refuse, or is kept) */

#endif
