/* What the files of the verb `doctor` share. */
#ifndef TQ_CMD_DOCTOR_H
#define TQ_CMD_DOCTOR_H

#include "proc/config.h"

enum doctor_state { DOCTOR_GOOD, DOCTOR_MENDED, DOCTOR_ATTENTION, DOCTOR_BAD, DOCTOR_SKIPPED };

struct doctor {
    struct config config;
    const char *config_file; /* NULL: none given */
    const char *data;
    int folder;   /* the data folder */
    bool running; /* a Tourniquet has it; else the doctor does, until it ends */
    bool mend;
    bool ledger_holds;
    bool locked; /* it runs, and waits for its passphrase */
    unsigned bad;
};

/* One line for a check: JSON on standard output, words on standard error. */
void doctor_say(struct doctor *d, const char *check, enum doctor_state state, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* GET from the running keeper: a jansson object, or NULL with the reason. */
void *doctor_ask(struct doctor *d, const char *path, struct error *e);

/* doctor_store.c */
void doctor_store(struct doctor *d);

/* doctor_keys.c */
void doctor_keys(struct doctor *d);
void doctor_spool(struct doctor *d);
void doctor_backups(struct doctor *d);

/* doctor_machine.c */
void doctor_folder(struct doctor *d);
void doctor_space(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_cores(struct doctor *d);
void doctor_firewall(struct doctor *d);

/* doctor_scanner.c */
void doctor_scanner(struct doctor *d);

#endif
