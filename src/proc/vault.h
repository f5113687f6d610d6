/* vault: the keeper's thread that makes backups, tests them by restoring them, and removes old ones.
 *
 *   made      a cut of the ledger (under the ledger's lock), then its files, into NAME.tmp; durable; renamed. The record backup.made follows.
 *   tested    restored into DATA/backup.test, verified there, removed again. The record backup.tested follows.
 *
 * One thing at a time. What was asked for goes before what is due. A backup that is late or broken is a finding, and ends as one when it is no more.
 */
#ifndef TQ_PROC_VAULT_H
#define TQ_PROC_VAULT_H

#include "proc/appender.h"
#include "proc/start.h"
#include "record/backup/backup.h"

#define RESTORED "restored" /* beside the ledger: it was restored from the backup with this id, and no record says so yet */

struct vault;

struct vault_options {
    const struct start *start; /* copied */
    int folder;                /* of the backups; -1: none, or it could not be opened */
    struct ledger *ledger;
    pthread_mutex_t *ledger_lock;
    struct appender *appender;
    const char *verifier;  /* the ledger's key, as a verifier line; copied */
    tq_time last_tested;   /* what the views say; 0: never */
    const char *last_good; /* the backup that passed its test last; "": none */
    bool overdue;          /* the findings that are open */
    bool broken;
};

/* The present folder is the data folder. NULL: ERR_SYSTEM. */
struct vault *vault_start(const struct vault_options *options, struct error *e);
/* What is under way is given up. No record is made after this. */
void vault_stop(struct vault *v);

/* Something to do may be due now. Any thread. */
void vault_poke(struct vault *v);

/* Begins a backup into the vault's folder, or into the empty file `fd` (which stays the caller's); person: who asked; where: what is written down as
 * its place. ERR_AGAIN: something is under way; ERR_MISUSE: there is no folder, or fd is no empty file. Any thread. */
int vault_make(struct vault *v, struct span person, int fd, struct span where, char ret_id[BACKUP_ID_TEXT], struct error *e);
/* Begins the test of one in the vault's folder. ERR_AGAIN; ERR_MISUSE: it is not there. Any thread. */
int vault_test(struct vault *v, struct span person, struct span id, struct error *e);

struct vault_state {
    char doing[16];              /* "making", "testing", "" */
    char due[200];               /* what is late or missing, in a sentence; "" */
    char failed[BACKUP_ID_TEXT]; /* the last one that was asked for and failed; "" */
    char why[256];
};
void vault_state(struct vault *v, struct vault_state *ret);

#endif
