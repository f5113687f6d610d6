/* What the supervisor's files share. */
#ifndef TQ_PROC_SUPERVISOR_PRIVATE_H
#define TQ_PROC_SUPERVISOR_PRIVATE_H

#include "base/time.h"
#include "proc/dial.h"
#include "proc/handover.h"
#include "proc/link.h"
#include "proc/premises.h"
#include "proc/programs.h"
#include "proc/spawn.h"
#include "proc/supervisor.h"

#define CHILDREN (ROLE_COUNT + CONFIG_CAPTURES - 1)
#define DEATHS 5 /* within a minute: reported loudly */

/* Roles give way to others, one after the other: to those of a new program, or a detector to one that is told what was learnt. */
struct upgrade {
    bool asked;   /* it begins when the capture is read */
    bool relearn; /* the detector is to be replaced */
    bool under_way;
    bool relearning;      /* it is only that */
    size_t who[CHILDREN]; /* children, in their order */
    size_t count;
    size_t at;
    bool starting; /* who[at] was started anew and is not ready yet; else it is still ending */
    tq_time deadline;
    struct programs next;
};

struct child {
    enum role role;
    pid_t pid; /* 0: OFF */
    struct channel control;
    bool ready;
    bool was_ready; /* once in this run */
    tq_time started;
    tq_time not_before;     /* back-off: not started again before */
    unsigned failures;      /* in a row */
    tq_time deaths[DEATHS]; /* ring */
    size_t death_count;
    char why[128];  /* of the restart that the keeper has not been told yet, or "" */
    bool restarted; /* runs again after that death */
    bool replacing; /* it was told to end, so that another takes its place */
    /* a sensor that listens */
    size_t capture;    /* its place in the configuration */
    bool listening;    /* it was given its interface */
    tq_time reopen_at; /* else: when to try again */
    unsigned reopens;  /* attempts in a row */
    char trouble[200]; /* why there is none, as last said; "" */
};

/* Where the peers of one side of a link connect, and whether its TLS is with the relay. */
struct listener {
    bool tls;       /* it has any */
    bool tls_given; /* to the present relay */
    tq_time tls_at; /* else: when to try again */
    char tls_trouble[200];
    int fd; /* -1: not open */
    bool wanted;
    tq_time retry_at;
    char trouble[200]; /* as last said; "" */
};

struct supervisor {
    const struct supervisor_options *o;
    char folder[SPAWN_PATH];
    struct programs programs; /* the executables that roles are started from */
    struct upgrade upgrade;
    char from[PROGRAM_VERSION]; /* version of the program that this one took over from; "" */
    char to[PROGRAM_VERSION];   /* version of the program that roles are upgraded to */
    uint64_t self;              /* mark of the file that runs */
    bool give;                  /* the roles are new: the supervisor itself is next */
    bool unprivileged;
    uint8_t run[RUN_ID];
    struct hash_key hash_key;
    int data_fd;
    int listen_fd;
    int landing_fd; /* -1: no landing page */
    int postbox_fd; /* -1: no mail arrives */
    int local_fd;
    int own_fd;
    struct buf authority[CONFIG_WITNESSES]; /* of each witness's certificate, as PEM; or empty */
    int backup_fd;                          /* -1: none */
    struct listener listeners[CONFIG_RELAYS][LINK_SIDES];
    struct dialer *dialer; /* NULL: there are no links */
    int signal_fd;
    /* By role; live, the second to last sensors stand behind. */
    struct child children[CHILDREN];
    size_t child_count;
    bool live; /* interfaces are listened to */
    uint64_t starts;
    tq_time backoff_most; /* between a role's death and its next start */
    bool read_out;        /* the present sensor handed everything on */
    bool durable;         /* the capture is durable to its end (or there is none) */
    bool stopping;
    size_t stop_step;
    tq_time stop_deadline; /* of the present step; 0: not begun */
    bool announced;
    bool fingerprint_told;
    struct progress progress;
    struct error failure; /* why the run ends badly */
};

void supervisor_kill(struct child *c);            /* at once, without counting it as a death */
void supervisor_channel(struct child *c, int fd); /* its control channel */

/* ── supervisor_open.c ── */

struct supervisor *supervisor_lay_out(const struct supervisor_options *options,
                                      struct error *e);     /* holds nothing yet; the caller frees it. NULL: e */
int supervisor_open(struct supervisor *s, struct error *e); /* what the roles are given, as lab.yaml says; supervisor_close after both ways out */
void supervisor_close(struct supervisor *s);

/* ── supervisor_links.c: what the relay is given ── */

int links_prepare(struct supervisor *s, struct error *e); /* nothing is open yet; links_step opens what is not there by then */
void links_give_up(struct supervisor *s);                 /* another program goes on: it knows nothing of what is being dialled */
void links_close(struct supervisor *s);
int links_fill_start(struct supervisor *s, struct start *start, int *ret_spool, struct error *e);
int links_certify(struct supervisor *s, struct child *keeper, struct error *e);
int links_tell(struct supervisor *s, struct child *relay, struct error *e); /* right behind START */
void links_dial(struct supervisor *s, struct span body);
void links_certificates(struct supervisor *s);                           /* keys, certificates or revocations changed: the relay gets all anew */
void links_step(struct supervisor *s, const struct pollfd *p, size_t n); /* opens what is due, goes on dialling */
tq_time links_deadline(const struct supervisor *s);                      /* 0: none */

/* ── upgrade.c ── */

void upgrade_ask(struct supervisor *s); /* SIGHUP */
/* Tells the keeper that another program runs: why is "", or what still is the one before. */
void upgrade_tell(struct supervisor *s, const char *from, const char *to, const char *why);
void upgrade_relearn(struct supervisor *s);                /* the keeper can tell a detector what was learnt */
void upgrade_step(struct supervisor *s);                   /* each turn: begins, goes on, gives up */
tq_time upgrade_deadline(const struct supervisor *s);      /* 0: none */
bool upgrade_ended(struct supervisor *s, struct child *c); /* a child ended: true: as it was told, it is started at once */
void upgrade_ready(struct supervisor *s, struct child *c);
bool upgrade_failed(struct supervisor *s, struct child *c,
                    const char *why); /* a child that was just replaced is no good: true: back to the one before */

#endif
