/* What the files of the relay role share: its one state. relay_main.c listens and hands on, relay_hand.c has records made of bytes (talk.h), here or
 * by a second thread, relay_keep.c makes them durable, relay_tell.c says how links are.
 *
 *   engine ── bytes as they went ──► sense's readers ──► records ──► outbox ──► detector ──► keeper ── durable up to … ──► engine: answers go
 *                                                          └──────► spool: durable before the ledger has it
 *
 * Invariants
 *  1. The engine never waits for anybody: not for detector or keeper, nor for the disk (spooler.h).
 *  2. Every record has a number that grows within the run. The engine's tokens are tickets (tickets.h), which stand for the number of a message's
 * last record; a message that the keeper fed has its record's index for a token, which is below all of them.
 *  3. A record stays in the outbox until the ledger has it, or it is durable in the spool and the room is needed. Who takes records anew gets all of
 *     them again: the keeper takes each once.
 *  4. Links that store and forward take messages from the start, and deliver none before the keeper has fed what earlier relays left: so order is
 *     kept. Where no keeper does, they deliver after FEED_WAIT (locked) or FEED_LONGER all the same.
 *  5. Records come to the detector in the order of their numbers. While older ones are on the spool alone (an earlier relay left them, there was no
 * room here, a keeper died), newer ones are not handed on, but go to the spool, too: the keeper reads it in, piece by piece, until what is left is
 *     here. The detector is told how far it can trust in having all (relay.behind); after BEHIND_MOST in vain newer ones go all the same.
 *     In a burst nothing is handed on, for BURST_MOST (burst.h): processor and disk are for those who wait for an answer.
 *  6. The spool is written first: one fdatasync makes a record durable, while the ledger, which has keys, trees and views to make, comes behind. The
 *     file is emptied as soon as the ledger has all that is in it (roll); what is only there is read in.
 *  7. Whatever makes records of bytes (talk.h) is the second thread's while jobs for it wait in the ring, else the first's. It is given jobs while
 *     much is to do, gives records back, and knows nothing else; their numbers they get here. Room for what will come of a job is looked for before
 * it is given, so that a message which is taken will be recorded: where it cannot be, for want of memory, the relay ends before it is answered. */
#ifndef TQ_PROC_RELAY_ROLE_H
#define TQ_PROC_RELAY_ROLE_H

#include "base/table.h"
#include "engine/relay/relay.h"
#include "proc/burst.h"
#include "proc/link.h"
#include "proc/link_tls.h"
#include "proc/outbox.h"
#include "proc/role.h"
#include "proc/spooler.h"
#include "proc/talk.h"
#include "proc/tickets.h"

#define SPOOL_AFTER (100 * TIME_MS) /* while the spool is emptied, a record that the ledger does not have by then is spooled all the same */

/* What is told of a link once, and again when it is over. */
enum standing {
    STANDING_DOWN,
    STANDING_QUEUE,
    STANDING_STOPPED,
    STANDING_FULL,
    STANDING_UNRECORDED,
    STANDING_DELAYED,
    STANDING_BYPASSED,
    STANDING_SPOOLED,
    STANDING_BARE,
    STANDINGS
};

/* What was told of a link lately. */
struct said {
    uint64_t what; /* a hash of its kind and its reason */
    tq_time at;
};

#define SAID_MOST 24

struct line {
    struct config_relay config;
    uint16_t index;
    struct relay_link *link; /* NULL: it has not begun */
    struct talk_link talk;
    bool store;
    bool stops; /* … and takes nothing while nothing can be made safe */
    bool records;
    bool bypassed, held;       /* by order */
    char unknown[CONFIG_NAME]; /* as lab.yaml says */
    struct buf approved;       /* the policy that a person approved, as MESSAGE_ORDER said it; empty: none */
    enum link_state told;      /* as last recorded */
    bool told_any;
    bool told_waiting; /* the keeper was told that messages wait for the LIS */
    bool standing[STANDINGS];
    tq_time down_since;    /* the LIS's side; 0: it is up */
    tq_time stopped_since; /* 0: messages are taken */
    struct said said[SAID_MOST];
    uint64_t late, spooled; /* messages */
    uint64_t unrecorded;    /* as the engine counted at the last look … */
    uint64_t received;      /* … and as it counted these */
    uint64_t lost;          /* records of any link, then */
    tq_time learn_from;     /* wall; 0: it has not begun */
    tq_time learning_until; /* wall */
    bool proposed;          /* … and is over: what was learnt is on the ledger, for a person to approve */
    bool learn_told;        /* a record about it was made */
    tq_time learn_at;
    uint32_t learn_size, learn_rate;       /* as told */
    struct buf known;                      /* LINK_ORDER_LEARNT, until the link has begun */
    struct link_tls *tls[LINK_SIDES];      /* the newest; NULL: none is needed, or it has not come */
    struct link_tls_peer peer[LINK_SIDES]; /* the last certificate that was accepted; not shown: none */
    char refused[LINK_SIDES][200];         /* why the last handshake failed; "": it did not */
    int listener[LINK_SIDES];
    bool listening[LINK_SIDES];
    tq_time bare_since; /* TLS is asked for, and no certificate is there; 0: it is */
    bool unfed;         /* an earlier relay left messages that it could not take yet, for want of a certificate … */
    bool missed;        /* … in the present round */
    tq_time unfed_by;   /* … and which it does not wait for any longer */
    struct table *fed;  /* records of the messages that the keeper fed */
};

struct relay_role {
    struct role_self self;
    struct relay *relay;
    struct line lines[CONFIG_RELAYS];
    size_t lines_n;
    struct channel detector;
    struct channel keeper;
    uint64_t detector_seq; /* of the present channel */
    struct outbox outbox;
    struct spooler *spool;
    int wake_fd;
    uint64_t seq;       /* of the last record */
    uint64_t recorded;  /* the ledger has everything up to this one */
    bool hurry;         /* somebody waits for a record that is not handed on yet */
    bool awaited;       /* somebody may wait for a record that the spool was not given yet */
    bool doubts;        /* more is not handed on, since it may be the beginning of a burst */
    bool more;          /* … nor was all that the detector would take: the next turn goes on */
    tq_time advanced;   /* when `recorded` last grew */
    bool recording;     /* the keeper says that it records … */
    bool locked;        /* it waits for a passphrase */
    bool stalled;       /* … but takes too long */
    bool rolling;       /* the spool takes nothing while the keeper records, until it was emptied */
    bool spool_counts;  /* the messages that wait there are counted */
    tq_time spool_from; /* when the first that is in the spool came; 0: it is empty */
    tq_time away_since; /* nobody records, or not in time; 0: the keeper does */
    bool greeted;       /* what people decided about links was heard, or nobody says it in time */
    bool heard;         /* it was heard */
    tq_time greet_by;
    bool fed;        /* what earlier relays left was fed, or nobody is there who could … */
    bool fed_whole;  /* … it was fed to its end */
    bool feed_asked; /* of the present keeper */
    bool feed_later; /* something of it could not be taken */
    tq_time feed_at;
    tq_time feed_by;
    bool old_spool; /* an earlier relay left something in the spool, which is not read in yet */
    tq_time ask_at;
    uint64_t asked_bytes; /* up to this one the keeper is reading the spool in; 0: it is not … */
    uint64_t asked_seq;   /* … and up to this number */
    bool full;            /* what is to be read in leaves the spool no room for more than what was taken already … */
    bool brim;            /* … nor for that */
    bool short_of;        /* the outbox has no room for more than that, until a good part of it is free again */
    struct burst burst;   /* while it is, nothing is handed on: the spool alone has what comes */
    struct {
        tq_time at;         /* since when older records are on the spool alone, or since some of them were read in; 0: none is */
        tq_time began;      /* the first of these */
        tq_time from;       /* wall: they may be of this time */
        bool is;            /* the detector was told … */
        bool told;          /* … the present one, by way of the present keeper */
        tq_time lost_until; /* wall: what an earlier relay had in hand then may be lost; told with the first that says that all is here */
    } behind;
    tq_time mend_at;
    uint64_t lost; /* records that found no room anywhere */
    tq_time wall;
    tq_time now; /* of the monotonic clock: nothing that waits is early or late where the wall clock steps */
    tq_time status_at;
    tq_time queues_at; /* the keeper was told of queues alone */
    bool stopping;
    struct buf encoded;        /* it keeps its memory: a record each few microseconds */
    struct outbox_arena arena; /* of records that are made here */
    struct tickets *tickets;
};

extern struct relay_role rr;

/* ── relay_hand.c ── */
int hand_start(uint64_t flows, struct error *e); /* flows: numbers of connections begin behind this one */
void hand_turn(int ready);                       /* so many connections or other things are to be looked at now */
void hand_collect(void);                         /* what the second thread has made goes into the outbox */
void hand_drain(void);                           /* … when it has made all that it was given */
/* This thread is about to wait for events (then: does it not have to, since records are there?), or did. */
bool hand_waits(bool on);
bool hand_room(void *context, size_t n); /* may so many bytes be read from an analyzer that we answer? Once not, not before hand_has_room */
bool hand_has_room(void);
void talk_observe(void *context, struct relay_link *link, const struct relay_connection *connection, bool outward, struct span bytes, tq_time time);
void talk_closed(void *context, struct relay_link *link, const struct relay_connection *connection, tq_time time);
uint64_t talk_message(void *context, struct relay_link *link, const struct relay_message *message, tq_time time, bool *keep);
void talk_delivered(void *context, struct relay_link *link, uint64_t token, enum relay_delivery how, struct span answer, tq_time time);
void talk_settle(void);                    /* the engine has ended its turn: what waited for its word goes */
void talk_forget(void);                    /* there is another detector */
void talk_end(void);                       /* every connection is over */
uint64_t talk_put(const struct record *r); /* a record of the relay's own; its number, or 0: it found no room */
bool relay_records_now(void);              /* the keeper takes records and is in time */

/* ── relay_keep.c ── */
bool relay_spools(void);        /* what is put is made durable by the spool: nobody waits for the keeper */
void keep_step(void);           /* each turn: what is to be durable goes to the spool; the engine hears what is; the spool is emptied */
void keep_all(void);            /* what is durable nowhere goes to the spool */
void keep_read_in(void);        /* asks the keeper to read in what only the spool has, when it can */
void keep_doubt(void);          /* a keeper is gone, or another one is there */
bool keep_can(void);            /* what is taken now becomes durable */
bool keep_in_order(void);       /* what is in the outbox can be handed on: the detector has everything older */
void keep_read(uint64_t bytes); /* the keeper has read the spool in up to this byte; 0: it could not */
void keep_untold(void);         /* the detector, or the keeper behind it, is another one */
/* Whether the detector is to be told how far it has everything: the record, in rr.encoded. keep_told: it was handed on. */
bool keep_notice(void);
void keep_told(void);
tq_time keep_due(tq_time until); /* when keep_step is to be called at the latest */

/* ── relay_main.c ── */
struct line *relay_line(struct span name); /* NULL: lab.yaml has none of that name */

/* ── relay_learn.c ── */
tq_time learn_begin(struct line *l); /* until when the engine shall learn; 0: not at all */
void learn_known(struct line *l, const struct link_order *x, struct span order);
void learn_fed(struct line *l);             /* the link has begun: what was known before is handed to it */
void learn_step(struct line *l, bool last); /* about once a second, and once more at the end */

/* ── relay_tell.c ── */
void tell_event(void *context, struct relay_link *link, const struct relay_event *event, tq_time time);
void tell_handshake(struct line *l, const struct relay_connection *connection, const struct link_tls_peer *peer);
void tell_step(void); /* about once a second: states, findings, status to the keeper */
/* What became empty, or is no longer, since the keeper was told: nobody is to take one for the other for a second. */
bool tell_queues_due(void);
void tell_queues(void);
void tell_standing(struct line *l, enum standing what, bool on, const char *why);

#endif
