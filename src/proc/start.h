/* What the supervisor tells a role at its start (MESSAGE_START), and what the keeper tells about its progress (MESSAGE_DURABLE). */
#ifndef TQ_PROC_START_H
#define TQ_PROC_START_H

#include "base/error.h"
#include "base/hash.h"
#include "proc/payload.h"

#define START_NAME 256
#define START_SETTINGS 48

/* A setting of lab.yaml, by the name of its map or list ("backup", "relay"), and a digest of what it says. */
struct start_setting {
    char name[24];
    uint8_t digest[8];
};

struct start {
    bool unprivileged;   /* keep the uid */
    bool replay;         /* a capture file is read in this run */
    uint8_t root;        /* keeper: enum root_kind (record/ledger/root.h) */
    bool ndpi;           /* sensor: labels by nDPI */
    bool bodies;         /* sensor: messages go with their bytes */
    uint32_t packets;    /* sensor: MiB of packets that it keeps in memory; 0: none. Detector: not 0: it asks for them */
    uint8_t links;       /* relay: so many LINK messages follow */
    uint8_t spool_key_n; /* relay: bytes of the key to seal its spool to; 0: it comes later */
    uint8_t spool_key[32];
    uint64_t ledger;   /* relay: the ledger has so many records at least */
    uint8_t witnesses; /* keeper: so many WITNESS messages follow */
    uint32_t uid;      /* to become, unless unprivileged; also the gid */
    uint8_t run[RUN_ID];
    uint64_t first; /* live: ids of flows (sensor) and numbers of records (detector) begin behind this; it grows with every start of a role */
    struct hash_key hash_key; /* of tables: one a run, so that a capture read again gives the same records in the same order */
    char site[64];
    char name[START_NAME]; /* sensor: the capture's or the interface's name; keeper and console: host name of the page */
    char address[64];      /* keeper: the address of the page, for its certificate */
    char
        landing[START_NAME]; /* keeper and console: host name of the landing page; "": there is none. The console gets its socket behind the page's */
    char postbox[START_NAME]; /* the same of where mail about mail arrives; its socket comes behind */
    char postbox_from[1024];  /* console: networks of the mail servers that may bring it, a line each */
    bool postbox_clear;       /* … without TLS too */
    uint16_t port;            /* keeper: of the page, as browsers know it */
    char time_zone[64];       /* keeper: the lab's, by its name; "": nobody knows */
    uint32_t lock;            /* keeper: seconds after which a page that nobody touches locks */
    /* keeper: what it does by itself */
    char backup_to[1024]; /* the folder of backups, for people to read; "": none */
    bool backup_folder;   /* its descriptor comes too, as the fourth */
    int64_t backup_every; /* seconds */
    int64_t backup_keep;
    int64_t backup_test;       /* seconds */
    int64_t keep_observations; /* seconds; 0: for ever */
    int64_t keep_evidence;     /* the same */
    /* keeper and warden: networks, a line each; "": there is no warden */
    char warden_devices[1024];
    char warden_vendors[1024];
    int64_t warden_longest; /* keeper: seconds */
    uint8_t settings_n;     /* what lab.yaml says: the keeper writes down what changed */
    struct start_setting settings[START_SETTINGS];
};

/* START: the sensor of a replay gets the capture's descriptor (one that listens gets its sockets by CAPTURE); the keeper the data folder, the
 * listening local socket, what the lab wrote itself (catalog, courses) and, where there is one, the folder of backups; the console the listening
 * socket; the relay its spool. */
void start_encode(struct buf *out, const struct start *s);
/* -1: ERR_PEER, also where supervisor and role are of different builds (message_dialect). */
int start_decode(struct span in, struct start *ret, struct error *e);

struct progress {
    bool ended;        /* the capture is read to its end, and everything from it is durable */
    uint64_t ledger;   /* leaves */
    uint64_t records;  /* records of this run's capture */
    uint64_t messages; /* lab.message … */
    uint64_t results;
    uint64_t findings;
    uint64_t packets; /* as capture.ended says */
    uint64_t damaged;
    uint64_t link; /* the last number of a relay's record of this run; 0: none */
};

/* First byte of a TERMINAL message: what the text behind it is. */
enum terminal { TERMINAL_FINGERPRINT = 1, TERMINAL_SETUP_CODE = 2, TERMINAL_LOCKED = 3 };

void progress_encode(struct buf *out, const struct progress *p);
int progress_decode(struct span in, struct progress *ret, struct error *e);

#endif
