/* One file a verb: it defines verb_NAME, and main.c lists it. */
#ifndef TQ_CMD_H
#define TQ_CMD_H

struct verb {
    const char *name;
    const char *summary;               /* one line for `tourniquet --help` */
    const char *usage;                 /* the whole of `tourniquet help NAME` */
    int (*run)(int argc, char **argv); /* argv[0] is the verb's name; returns the exit status */
};

extern const struct verb verb_run;
extern const struct verb verb_demo;
extern const struct verb verb_simulate;
extern const struct verb verb_sense;
extern const struct verb verb_ledger;
extern const struct verb verb_prove;
extern const struct verb verb_api;
extern const struct verb verb_unlock;
extern const struct verb verb_upgrade;
extern const struct verb verb_catalog;
extern const struct verb verb_course;
extern const struct verb verb_mail;
extern const struct verb verb_doctor;
extern const struct verb verb_keys;
extern const struct verb verb_pki;
extern const struct verb verb_backup;
extern const struct verb verb_restore;
extern const struct verb verb_door;
extern const struct verb verb_link;
extern const struct verb verb_people;
extern const struct verb verb_token;
extern const struct verb verb_device;

#endif
