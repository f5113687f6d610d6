/* programme: what lab.yaml says about training and mail, on its way from the supervisor to the keeper: in the packed text of the lab's own courses,
 * as entries of the kinds 's' (settings, a line each), 'z' (the time zone's file) and 'a' (the mail server's authority). */
#ifndef TQ_PROC_PROGRAMME_H
#define TQ_PROC_PROGRAMME_H

#include "base/buf.h"
#include "base/zone.h"
#include "proc/config.h"

#define PROGRAMME_AUTHORITY 6144
#define PROGRAMME_TOLD 8 /* addresses that new findings are told to */

struct programme {
    int64_t questions, tries, cool_down, remind, escalate;
    char url[CONFIG_HOST + 32]; /* "smtp://mail.lab.example:587"; "": no mail server */
    char tls[CONFIG_NAME];
    char from[CONFIG_HOST];
    char user[CONFIG_HOST];
    char password[256];
    char language[CONFIG_NAME];
    char landing[CONFIG_HOST + 32];  /* "https://inbox.lab.example:8444": where links of simulated mails lead; "": nowhere */
    char targets[CONFIG_WORDS_MAX];  /* that they may go to, a line each */
    char lure[CONFIG_HOST];          /* their sender; "": from */
    int64_t every;                   /* days between two of them to one person */
    char domains[CONFIG_WORDS_MAX];  /* the lab's own mail domains, with spaces between */
    char findings[CONFIG_WORDS_MAX]; /* addresses that new findings are told to, with spaces between; "": nobody's */
    char findings_from[CONFIG_NAME]; /* the least severity */
    char receiver[CONFIG_HOST];
    char scanner[8];       /* "yes": there is a virus scanner */
    struct span zone;      /* TZif; empty: UTC */
    struct span authority; /* PEM; empty: the machine's */
};

/* Reads the files that the configuration names. ERR_MISUSE: one of them cannot be read, or is none; mail without a sender. */
int programme_pack(const struct config *c, struct buf *packed, struct error *e);
/* The first listener for this ("landing", "mail"); NULL: there is none. */
const struct config_listener *programme_listener(const struct config *c, const char *purpose);
/* The name of the lab's time zone: of the configuration, else the machine's; "" where it has none. */
void programme_zone(const struct config *c, char out[CONFIG_NAME]);
/* Spans point into packed; without entries: the defaults, no mail. ERR_CORRUPT: not handed over whole. */
int programme_unpack(struct span packed, struct programme *ret, struct error *e);

#endif
