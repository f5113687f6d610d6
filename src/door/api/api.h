/* api: the request table of the keeper. Two doors (console, local socket) lead here; every request's session, permission, CSRF token and If-Match are
 * checked here and nowhere else. docs/api.md is the contract; /api/v1/openapi.json is made from the table (table.c).
 *
 * Invariants
 *  1. No handler writes SQL: a change is one decision record, given to host.decide, which returns when it is durable and visible in the views.
 *  2. Nobody is believed: the console's word about who is asking is a session token that only this room can check.
 *  3. Every change and every refusal is a record. Refusals are thinned to 60 a minute, and the next one says how many were left out.
 *  4. Changes are made one at a time (one lock), so that If-Match is compared with what the change will meet.
 *  5. What is hidden is shown only behind a record of the look that is durable (look.c).
 *  6. No password, token, set-up code or body of a request goes into a record, an error text or a reply.
 *
 * api_handle may be called from any number of threads at once. */
#ifndef TQ_DOOR_API_H
#define TQ_DOOR_API_H

#include "base/record.h"
#include "door/api/certificate.h"
#include "door/request.h"
#include "lab/views.h"

struct api;
struct courses;
struct shown_wish;

struct api_clock {
    tq_time wall;      /* goes into records and answers */
    tq_time monotonic; /* CLOCK_MONOTONIC: for the age of sessions, throttling and waiting */
};

/* What GET /ledger tells, as the keeper knows it. Texts hold until the callback's caller returns from api_handle; copy into the fixed arrays. */
struct api_ledger_state {
    uint64_t records;   /* committed leaves */
    uint64_t bytes;     /* of the ledger's files */
    tq_time first_time; /* recorded time of record 0; 0: none */
    tq_time checkpoint_time;
    char origin[128];
    char root[45];         /* base64 */
    char checkpoint[2048]; /* the signed note */
    char verifier[512];    /* the public key as a note verifier line */
    bool verifying;
};

/* A record of the custody stream, opened. Spans point into the buffer that was given. */
struct api_record {
    tq_time recorded;
    struct span veiled;  /* JSON: what anybody who is signed in may see */
    struct span private; /* JSON: what only a look shows; may be empty */
    struct span body;    /* bytes as they were received, or their beginning; may be empty */
    uint64_t body_whole; /* bytes of the whole */
    struct span digest;  /* SHA-256 of the whole, 32 bytes; empty: not known */
};

/* A witness as GET /witnesses shows it. */
#define API_WITNESSES 24
struct api_witness {
    char name[129];
    char key[256];  /* verifier line */
    char url[1024]; /* "": its cosignatures are brought by hand */
    bool any;       /* it has cosigned: size and at say what and when */
    uint64_t size;
    tq_time at;
    char state[12]; /* agrees, behind, silent, refused, never */
    char why[200];  /* "" */
    bool asking;
};

/* What POST /ledger/check found. */
struct api_proof {
    uint64_t index;
    uint64_t records; /* under the proof's checkpoint */
};

#define API_BACKUP_ID 40

/* What GET /backups tells beyond the views. */
struct api_backup_state {
    char doing[16];             /* "making", "testing" or "" */
    char due[200];              /* what is late or missing, in a sentence; "" */
    char failed[API_BACKUP_ID]; /* the last one asked for that failed; "" */
    char why[256];
};

/* Long work of the keeper's, one of a kind at a time. */
#define API_TASK_PERSON 128
enum api_task_kind { API_TASK_VERIFY, API_TASK_BACKUP, API_TASK_TEST, API_TASKS };
struct api_task {
    enum api_task_kind kind;
    char person[API_TASK_PERSON]; /* who asked; "": the program itself */
    tq_time began, began_monotonic;
    uint64_t done, total; /* records, or bytes; total 0: nobody knows */
    bool ending;          /* somebody ended it, and it has not noticed yet */
};

/* What GET /disk tells. Texts are constants. */
struct api_disk_state {
    uint64_t total; /* bytes of the file system that the data folder is on */
    uint64_t free;
    struct {
        const char *what;
        uint64_t bytes;
    } used[8];
    size_t used_n;
    int64_t per_day;      /* bytes; INT64_MIN: not known yet */
    tq_time full_at;      /* 0: not known, or never at this rate */
    const char *state;    /* "ok", "short", "very-short" */
    uint64_t not_kept;    /* observations, since the start */
    const char *first[4]; /* what goes when room is short, in this order */
    size_t first_n;
    int64_t observation_days; /* kept so long; 0: for ever */
    int64_t evidence_days;    /* the same: packets of findings */
};

/* The ledger's keys: what protects them, and what was done with them. Times: 0 is never. */
struct api_keys {
    char source[16];
    char protects[200]; /* from whom, and from whom not, in words */
    char not [200];
    bool on_disk; /* the root key lies on the same disk */
    tq_time made;
    tq_time rotated;
    uint32_t epoch;
    uint64_t period_keys;
    uint64_t erased;
    tq_time last_erasure;
    tq_time recovery_made;
    tq_time recovery_tested;
};

struct api_erasure {
    char patient[19]; /* the token */
    uint32_t from;    /* months, year * 100 + month */
    uint32_t to;
    uint64_t keys;  /* how many are there */
    uint64_t first; /* records that are sealed with them lie between these two */
    uint64_t last;
};

#define API_RECOVERY_TEXT 70

/* A link as GET /links shows it. */
#define API_LINKS 64
struct api_link_side {
    char where[280]; /* as lab.yaml says */
    char peer[80];   /* the newest connection's, "": none */
    char ip[46];
    uint32_t connections;
    char tls[12]; /* "": clear, or no connection */
    char name[64];
    tq_time expires;
    char why[160];
};
struct api_link {
    char name[64], protocol[8], mode[20];
    const char *state; /* up, down, degraded, held, bypassed */
    char why[200];
    struct api_link_side side[2]; /* the analyzer's, the LIS's */
    uint32_t rate;                /* messages a minute */
    int64_t delay_p50, delay_p99, delay_limit;
    uint32_t queue_messages;
    uint64_t queue_bytes, queue_max;
    tq_time queue_oldest;
    char unknown[16];
    tq_time learning_until;
    uint64_t counters[7]; /* received, forwarded, refused, flagged, late, spooled, resent */
};
/* What a person decided about a link. */
struct api_link_order {
    enum { API_LINK_BYPASS = 1, API_LINK_HOLD, API_LINK_POLICY } what;
    struct span link;
    bool on; /* not of a policy, which is read from the views */
};

/* Doors, as the keeper's firewall has them now. */
#define API_DOORS 64
struct api_door_count {
    char id[17];
    uint64_t packets, bytes_up, bytes_down;
};
struct api_doors {
    bool configured; /* lab.yaml names networks for them */
    bool on;         /* the firewall does what it is told … */
    char why[257];   /* … or why not */
    int64_t longest; /* seconds that a door may be open; 0: as long as any */
    size_t n;
    struct api_door_count counts[API_DOORS]; /* of doors that are open */
};
enum api_door_way { API_DOOR_GOOD, API_DOOR_FAMILIES, API_DOOR_NO_VENDOR, API_DOOR_NO_DEVICE };

/* What the keeper does for the handlers. All callbacks may be called from several threads at once. */
struct api_host {
    void *context;

    /* Appends the decision and waits until it is durable and projected (views_visible > index). Spans in the record hold during the call.
     * -1: not written (ERR_SYSTEM, ERR_LIMIT) or not in time (ERR_AGAIN). */
    int (*decide)(void *context, const struct record *r, uint64_t *ret_index, struct error *e);

    void (*ledger_state)(void *context, struct api_ledger_state *ret);

    /* Appends a tlog-proof of the record. ERR_MISUSE: there is no such record. */
    int (*ledger_prove)(void *context, uint64_t index, struct buf *out, struct error *e);

    /* Opens a record into *opened, a secret buffer. ERR_MISUSE: there is no such record, or it holds several; ERR_CLOSED: its key was erased, and
     * when in words. */
    int (*ledger_open_record)(void *context, uint64_t index, struct buf *opened, struct api_record *ret, struct error *e);

    /* Appends a bundle of these records (record/ledger/shown.h). ERR_CLOSED: the key of one was erased, in words; ERR_MISUSE, ERR_AGAIN: none can be
     * made now. */
    int (*ledger_show)(void *context, const struct shown_wish *wishes, size_t n, struct buf *out, struct error *e);

    /* The token of a specimen's or order's identifier. */
    int (*specimen)(void *context, struct span identifier, char out[32], struct error *e);

    /* Starts checking the whole ledger in the background; its outcome becomes a ledger.verified record, with person as who asked. ERR_AGAIN: one is
     * under way. */
    int (*ledger_verify)(void *context, struct span person, struct error *e);

    /* Appends the head as an offer to a witness (tlog-witness's add-checkpoint), with the proof that it goes on from `old` records; UINT64_MAX: from
     * the last that a witness cosigned. ERR_MISUSE: there are not so many. */
    int (*ledger_offer)(void *context, uint64_t old, struct buf *out, struct error *e);

    /* Checks a tlog-proof under this ledger's key. ERR_CORRUPT: it does not hold, and why. */
    int (*ledger_check)(void *context, struct span proof, struct api_proof *ret, struct error *e);

    size_t (*witnesses)(void *context, struct api_witness ret[API_WITNESSES]);

    /* Asks a witness to cosign now; what comes of it shows in `witnesses`. ERR_MISUSE: none with an address has this name; ERR_AGAIN: under way. */
    int (*witness_ask)(void *context, struct span name, struct error *e);

    /* Keeps a cosigned note. key: of the witness, or "" where it is known. ERR_CORRUPT: it does not hold; ERR_MISUSE: older than what is kept, or the
     * key is none, or unknown. */
    int (*witness_bring)(void *context, struct span note, const char *key, char ret_name[129], uint64_t *ret_size, struct error *e);

    /* These may be NULL. Making: into the keeper's own folder, or (fd not -1; it stays the caller's) into an empty file. ERR_AGAIN: one is being made
     * or tested; ERR_MISUSE: there is no folder, or no such backup, in a sentence. */
    void (*backup_state)(void *context, struct api_backup_state *ret);
    int (*backup_make)(void *context, struct span person, int fd, struct span where, char ret_id[API_BACKUP_ID], struct error *e);
    int (*backup_test)(void *context, struct span person, struct span id, struct error *e);

    /* The ledger's keys. keys may be NULL, and then the others are. ERR_MISUSE: what was asked for cannot be, in a sentence. */
    int (*keys)(void *context, struct api_keys *ret, struct error *e);
    /* Fills what an erasure of these months would take. patient: the identifier in clear; empty: erasure->patient is given. */
    int (*keys_choose)(void *context, struct span patient, struct api_erasure *erasure, struct error *e);
    /* Destroys the keys; record: the committed keys.erased. */
    int (*keys_erase)(void *context, const struct api_erasure *erasure, uint64_t record, uint64_t *ret_keys, struct error *e);
    /* source: "file", "passphrase" (with secret); empty: it stays. */
    int (*keys_rotate)(void *context, struct span source, struct span secret, struct error *e);
    /* typed empty: makes a recovery key, its text to be shown once; else tests this one. */
    int (*keys_recovery)(void *context, struct span typed, char text[API_RECOVERY_TEXT], struct error *e);

    /* The certificates of links; may be NULL. */
    const struct api_pki *pki;

    /* May be NULL. What is under way; and ends it before its end (false: nothing of the kind is). */
    size_t (*tasks)(void *context, struct api_task ret[API_TASKS]);
    bool (*task_cancel)(void *context, enum api_task_kind kind, struct span person);

    /* May be NULL. False: not measured yet. */
    bool (*disk_state)(void *context, struct api_disk_state *ret);

    /* May be NULL. Links as the relay last told; and what was decided, durable already, for the relay. ERR_LIMIT. */
    size_t (*links)(void *context, struct api_link *ret, size_t most);
    int (*link_order)(void *context, const struct api_link_order *order, struct error *e);

    /* May be NULL. Doors: how the firewall is; whether a way leads from a vendor's network to a device's; and that people decided something. */
    void (*doors)(void *context, struct api_doors *ret);
    enum api_door_way (*door_way)(void *context, const struct address *from, const struct address *to);
    void (*doors_changed)(void *context);

    /* May be NULL. Has a mail that somebody reports read, by a process that can do nothing else: appends what it tells (door/mailed.h). cut: its end
     * is missing. ERR_MISUSE: it is no mail; ERR_CORRUPT: it cannot be read; ERR_AGAIN: not now. */
    int (*mail_read)(void *context, struct span message, bool cut, struct buf *told, struct error *e);
    /* May be NULL. Did the program send this itself, as an exercise: does the mark belong to the id? Then what somebody reported is a lesson that
     * went well. */
    bool (*mail_ours)(void *context, struct span id, struct span mark);
    /* May be NULL. Has this person told, by mail, what is thought of a mail that they reported. attached: it came whole, as an attachment or a file.
     */
    void (*mail_tell)(void *context, struct span account, struct span id, bool attached);

    /* May be NULL. Has a mail sent to those who are told new findings, that only says that it came. */
    void (*test_findings)(void *context);

    /* May be NULL. Has a mail sent to this person, about what they have to learn. */
    void (*remind)(void *context, struct span account);
    /* May be NULL. What this person signs in with was changed, and that is durable; or (EVENT_TOTP_USED) a code of their app came a second time, and
     * was refused. They are told where an address of theirs is known. */
    void (*account_changed)(void *context, struct span account, enum event event);

    /* May be NULL. Appends further lines in the Prometheus text format. */
    void (*metrics)(void *context, struct buf *out);
};

/* How training is run: lab.yaml, key "training". */
struct api_training {
    int64_t questions; /* of an attempt */
    int64_t tries;     /* that may fail before … */
    int64_t cool_down; /* … so many seconds pass */
    int64_t remind;    /* days before it is due */
    int64_t escalate;  /* days after */
    bool mail;         /* there is a mail server */
};
#define API_TRAINING ((struct api_training){.questions = 10, .tries = 3, .cool_down = 3600, .remind = 7, .escalate = 14})

/* How phishing simulations are run: lab.yaml, keys "phishing" and "listeners". */
struct api_phishing {
    const char *landing;  /* "https://inbox.lab.example:8444"; "" or NULL: there is no landing page */
    const char *domains;  /* a line each; "" or NULL: none may be sent to */
    const char *language; /* of mails: en, es */
    int64_t every;        /* days */
};

struct api_options {
    const char *site;           /* name of the laboratory */
    struct store *store;        /* the one that the views stand on; outlives the api */
    struct keeper_views *views; /* outlives the api */
    struct api_host host;
    const struct courses *courses; /* outlive the api; NULL: there are none */
    struct api_training training;  /* all 0: API_TRAINING */
    struct api_phishing phishing;  /* copied */
    const char *name;              /* host name of the page: passkeys belong to it */
    const char *origin;            /* "https://lab.example:8443" */
    const uint8_t *key;            /* 32 bytes of the keeper's own, the same at every start */
    const char *time_zone;         /* the lab's, by its name: times are shown in it; NULL or "": nobody knows */
    const char *told_to;           /* addresses that new findings are told to, with spaces between; NULL or "": nobody's */
    const char *told_from;         /* the least severity that is told so */
    const char *postbox;           /* the host that takes mail about mail; NULL or "": none */
    int64_t lock_s;                /* seconds that nobody touches the page before it locks; 0: two minutes */
};

/* Call it after the ledger has been replayed: whether a first administrator exists decides whether there is a set-up code. */
struct api *api_new(const struct api_options *options, struct error *e);
void api_free(struct api *api);

/* What the lab's files say of its policies goes on the ledger, where it is new: once, before the first request. -1: not written. */
int api_policies(struct api *api, tq_time now, struct error *e);

#define SETUP_CODE_TEXT 12 /* "XXXXX-XXXXX" and a final zero */

/* Copies the one-time set-up code, to be shown once by the supervisor; false (and ""): there is an administrator already. The code lives as long as
 * the api. */
bool api_setup_code(struct api *api, char out[SETUP_CODE_TEXT]);

/* An answer with the memory it stands on. Start with API_REPLY_INIT; it can be used again; release at the end. */
struct api_reply {
    struct reply r; /* spans point into the members below */
    struct buf body;
    char type[64];
    char etag[24];
    char session[65];
    bool hidden; /* it shows what is hidden: api_reply_release it as soon as it is handed on */
};

#define API_REPLY_INIT ((struct api_reply){.body = {.max = REPLY_BODY_MAX, .secret = true}})

/* Answers one request; never fails: what goes wrong is an answer too (application/problem+json). */
void api_handle(struct api *api, struct api_clock now, const struct request *request, struct api_reply *ret);
void api_reply_release(struct api_reply *reply);
/* After an answer is on its way: what the next one should not wait for (the network's graph, where it is due: a tenth of a second). The thread of
 * whoever answered; nothing most times. */
void api_settle(struct api *api, struct api_clock now);

#endif
