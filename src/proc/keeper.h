/* What the files of the keeper share: its one state. keeper_main.c listens; keeper_open.c opens; keeper_host.c does for the request handlers what
 * they ask for.
 */
#ifndef TQ_PROC_KEEPER_H
#define TQ_PROC_KEEPER_H

#include "door/api/api.h"
#include "door/api/body.h"
#include "lab/backup_view.h"
#include "proc/appender.h"
#include "proc/desk.h"
#include "proc/doors.h"
#include "proc/identity.h"
#include "proc/learnt.h"
#include "proc/links.h"
#include "proc/mailroom.h"
#include "proc/programme.h"
#include "proc/registrar.h"
#include "proc/reminder.h"
#include "proc/role.h"
#include "proc/steward.h"
#include "proc/stored_views.h"
#include "proc/vault.h"
#include "proc/verifier.h"
#include "proc/waiting.h"
#include "proc/witnesses.h"

#include "record/ledger/root.h"

#include <pthread.h>
#include <stdatomic.h>

#define LEDGER_DIR "ledger"
#define KEEPER_ROOT_KEY "root.key"

struct keeper {
    struct role_self self;
    struct channel detector;
    struct channel courier;
    struct links *links;
    struct doors *doors;
    struct mailroom *mailroom;
    struct mail_secret exercise; /* what the mark of the program's own exercises is made with (mail_ours_mark) */
    struct position last;        /* of the present channel from the detector */
    struct learnt learnt;
    int wake_fd;
    pthread_mutex_t ledger_lock;
    struct ledger *ledger;
    struct veil *veil;
    struct store *store;
    struct keeper_views *views;
    struct courses *courses;
    struct buf own; /* the lab's own courses, policies and settings, packed; programme points into it */
    struct programme programme;
    struct reminder *reminder;
    struct api *api;
    struct appender *appender;
    struct projector *projector;
    struct desk *desk;
    struct verifier *verifier;
    struct witnesses *witnesses;
    struct buf told_witnesses; /* of lab.yaml: u32 length, what MESSAGE_WITNESS said */
    struct vault *vault;
    struct steward *steward;
    struct registrar *registrar;
    atomic_bool certified;         /* links have to get their certificates anew */
    bool keys_short;               /* the finding is open, as the views told it at the start; so is the next */
    bool disk_short;               /* the finding is open, as the views told it at the start */
    bool witness_quiet;            /* the same */
    struct backup_summary backups; /* as the views told it at the start */
    struct identity identity;
    struct buf identity_message;
    struct found found;
    struct store_mark mark; /* of a checkpoint whose record waits for the appender; generation 0: none */
    uint64_t mark_applied;
    char mended[512];    /* what was wrong with the views' store at the start */
    atomic_bool damaged; /* and what is wrong with it now */
    char verifier_line[512];
    struct buf told; /* the last progress message … */
    tq_time told_at; /* … and when; monotonic */
    bool ended;
    bool open;                    /* the ledger is, and all that stands on it; before: only desk and waiting */
    _Atomic bool answers;         /* the same, for readers' threads */
    _Atomic int at_gate;          /* readers' threads that may use `waiting` */
    struct waiting *waiting;      /* the ledger is locked, or what was spooled meanwhile is read in; NULL: neither */
    pthread_mutex_t waiting_lock; /* guards its end, for metrics */
    int step_ms;
    tq_time verify_at; /* monotonic */
    bool stopping;
};

extern struct keeper k; /* the one of this process */

/* ── keeper_main.c; any thread ── */

void keeper_wake(void *context);
void keeper_notice(void *context, const char *topic, const char *id, const char *etag);

/* ── keeper_open.c ── */

bool keeper_used_before(void);
void keeper_hear_witnesses(void);
/* passphrase: empty where none was given. ERR_LOCKED: one is needed, or it is not this one. */
int keeper_open_ledger(struct span passphrase, struct error *e);
int keeper_open_rest(struct error *e); /* behind the ledger: on the main thread at a start, on the opener's once a passphrase was right */
void keeper_put_identity(bool locked);
void keeper_note_checkpoint(void *context, const struct store_mark *mark, uint64_t applied);
int lock_prepare(enum root_kind kind, struct error *e);

extern const struct api_host keeper_host; /* any thread */

#endif
