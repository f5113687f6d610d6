/* What the nouns' projections share. Only files of lab/ include it. */
#ifndef TQ_LAB_VIEWS_PRIVATE_H
#define TQ_LAB_VIEWS_PRIVATE_H

#include "base/zone.h"
#include "lab/event.h"
#include "lab/views.h"
#include "record/crypto/crypto.h"

#include <stdatomic.h>

#define VIEW_NOTICES 64
#define VIEW_ID 40
#define VIEW_COUNTERS 32 /* names in the whole program, and room */

#define KEEP_RESULTS 100000
#define KEEP_MESSAGES 100000
#define KEEP_LEDGER_ROWS 100000
#define KEEP_ASSETS 10000
#define KEEP_ADDRESSES 40000
#define KEEP_ADDRESSES_OF_ONE 64
#define KEEP_EVIDENCE 50
#define KEEP_FACTS 500
#define KEEP_CONVERSATIONS 100000
#define KEEP_FINDINGS 10000
#define KEEP_FINDING_EVENTS 100
#define KEEP_PACKETS 10000
#define KEEP_CAPTURES 256
#define KEEP_ACCOUNTS 100000
#define KEEP_PLACES 32  /* of one account: those that it used last */
#define KEEP_GRANTS 100 /* of one account, those that ended among them */
#define KEEP_SLACK 1000 /* a full table is cut this many rows at a time */

struct view_notice {
    char id[VIEW_ID];
    uint64_t etag;
};

struct view_notices {
    size_t n;
    bool whole; /* one without id: the list as a whole */
    uint64_t etag;
    struct view_notice ids[VIEW_NOTICES];
};

/* One of the table's counters, as it is with the open batch. */
struct view_counter {
    const char *name; /* a constant of the program */
    int64_t value;
    bool changed; /* since the last commit */
};

/* What the message of the newest results says about each of them: asked for once, and forgotten when another record comes. */
struct result_memo {
    bool known;
    bool awaited;
    int64_t run;
    int64_t src;   /* 0: not known */
    int64_t place; /* of the next result */
    struct buf id;
    struct buf texts; /* of the message's columns, one behind the other … */
    uint32_t ends[5]; /* … and where each ends … */
    bool missing[5];
};

struct keeper_views {
    struct store *store;
    struct store_conn *w;
    struct catalog *catalog;
    struct asset_match *match; /* room for matching, of the projector's thread */
    struct asset_memos *memos; /* what it gave */
    char site[128];
    struct zone zone;          /* of the lab */
    struct crypto_hash *basis; /* until it is resumed or first kept */
    char basis_text[65];
    bool open;      /* a batch is open */
    bool any;       /* a record was applied */
    uint64_t index; /* of the last one */
    uint32_t position;
    bool was_any; /* the same as of the last commit */
    uint64_t was_index;
    uint32_t was_position;
    char link_run[9];                            /* of the relay's records in this batch … */
    int64_t link_seq;                            /* … the highest number; 0: there is none */
    struct view_counter counters[VIEW_COUNTERS]; /* those that were asked for since the last batch that was abandoned */
    size_t counters_n;
    struct result_memo result;
    bool doors_known;    /* the next is */
    tq_time doors_until; /* later records of sensors belong to no door */
    _Atomic uint64_t visible;
    _Atomic uint64_t skipped;
    _Atomic uint64_t decided;
    struct view_notices notices[TOPIC_COUNT];
};

/* One record in hand. */
struct apply {
    struct keeper_views *v;
    struct store_conn *w;
    const struct committed *c;
    struct event_view ev;
    bool foremost; /* it is about who speaks a lab protocol, or a person says it: it may take the last of the room */
};

/* How much of a cap this record may fill. Whoever floods the network with addresses leaves a tenth to those who matter. */
int64_t view_room(const struct apply *a, int64_t cap);

/* Every projection: 0, or -1 when the store failed. What a record says wrongly is ignored. */
typedef int apply_fn(struct apply *a, struct error *e);

void view_notice(struct keeper_views *v, enum view_topic topic, struct span id, uint64_t etag); /* empty id: the whole list */
/* Counters stand in memory while records are applied, and in their table from the end of the batch on. counter_now: with what this batch added; 0
 * where it never was, or where it cannot be read (then e is set). counter_get: as it is committed. */
int counter_add(struct apply *a, const char *name, int64_t n, struct error *e);
int64_t counter_now(struct apply *a, const char *name, struct error *e);
int64_t counter_get(struct store_conn *c, const char *name, struct error *e);

apply_fn asset_apply_evidence, asset_apply_flow;
apply_fn asset_apply_named, asset_apply_edited, asset_apply_joined, asset_apply_split, asset_apply_distinct, asset_apply_imported,
    asset_apply_unimported, asset_apply_admission;
apply_fn message_apply, result_apply, custody_apply;
/* n more results stand in the store. */
int results_counted(struct apply *a, int64_t n, struct error *e);
apply_fn custody_stopped; /* nothing is listened to any more: what was awaited is awaited no longer */
apply_fn finding_apply, finding_apply_decision, finding_apply_ended, finding_apply_packets, finding_apply_packets_removed, told_apply;
apply_fn account_apply_created, look_apply;
apply_fn account_apply_edited, account_apply_granted, account_apply_withdrawn, account_apply_closed, account_apply_reopened, account_apply_reset;
apply_fn account_apply_password, account_apply_reviewed, account_apply_signed_in;
apply_fn token_apply_created, token_apply_revoked, policy_apply;
apply_fn setting_apply;
apply_fn act_apply;                                                                        /* of every record: what people did */
int token_end_all(struct apply *a, const char *account, const char *why, struct error *e); /* the account's tokens end */
apply_fn passkey_apply_added, passkey_apply_used, passkey_apply_renamed, passkey_apply_removed, passkey_apply_stopped;
apply_fn totp_apply_set, totp_apply_used, totp_apply_removed;
/* Nothing of this account opens anything any more: passkeys, the app, an open recovery. */
int passkey_drop_all(struct apply *a, struct span account, struct error *e);
apply_fn training_apply_contact, training_apply_assigned, training_apply_unassigned, training_apply_refresher, training_apply_course;
apply_fn training_apply_begun, training_apply_answered, training_apply_completed, training_apply_classroom, training_apply_policy;
apply_fn training_apply_acknowledged, training_apply_reminded, training_apply_standing, training_apply_left;
apply_fn training_apply_account; /* of every record, behind its own projection: who has which role now has which duties */
apply_fn phishing_apply_planned, phishing_apply_ended, phishing_apply_sent, phishing_apply_visited, phishing_apply_reported;
apply_fn recovery_apply_asked, recovery_apply_approved, recovery_apply_ended;
apply_fn report_apply_filed, report_apply_step;
apply_fn mail_apply_reported, mail_apply_decided, incident_apply_opened;
apply_fn capture_apply_started, capture_apply_ended, capture_apply_status, capture_apply_run;
apply_fn backup_apply_made, backup_apply_tested, retention_apply_removed;
apply_fn keys_apply_erased;
apply_fn certificate_apply;
apply_fn link_apply_state, link_apply_decision, link_apply_learnt, link_apply_policy, link_apply_delivered;
int link_have_row(struct apply *a, struct span name, struct error *e);
apply_fn link_apply_message;                                 /* of a lab.message: where it went over a link */
apply_fn link_apply_seen;                                    /* of every record: its number, where a relay made it */
int link_keep_seen(struct keeper_views *v, struct error *e); /* the batch ends: the highest is kept */
apply_fn door_apply_asked, door_apply_step;
apply_fn door_apply_flow, door_apply_evidence; /* behind the inventory's */
apply_fn ledger_apply_row, ledger_apply_verified, ledger_apply_erased, ledger_apply_checkpoint;

/* The asset that holds this address, made where it is new (0: it is no address of one device, or the inventory is full). */
int asset_at(struct apply *a, struct span ip, int64_t *ret_asset, struct error *e);

/* Is it the address of one device (no group, no broadcast, none of this machine)? Is it one of the lab's own networks? */
bool address_of_one_device(struct span ip);
bool address_of_own_network(struct span ip);

void address_network(struct span ip, struct buf *out); /* appends its segment: "10.0.5.0/24", "fd00:0:0:1::/64" */

/* One conversation or message more. a, b: the identities at its ends, or 0. */
struct conversation {
    struct span src, dst, app;
    int64_t a, b;
    int64_t packets, bytes, messages;
};
bool app_of_lab(struct span app); /* a lab protocol */
int conversation_add(struct apply *a, const struct conversation *c, struct error *e);

/* A lab message went from one asset to another: counts it, and judges roles anew. Either may be 0. */
struct asset_traffic {
    int64_t from; /* becomes the instrument, where the address is a terminal server's */
    int64_t to;
    struct span protocol;
    struct span sender; /* the names that the message gives to its ends */
    struct span receiver;
    int64_t port; /* where the sender listens; 0: it calls */
    int64_t results;
    bool ack;
};
int asset_saw_message(struct apply *a, struct asset_traffic *t, struct error *e);
int asset_saw_result(struct apply *a, int64_t asset, struct error *e); /* the identity that sent the result in hand reports this test */

#endif
