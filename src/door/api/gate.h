/* gate: what answers instead of the api while the ledger's keys wait for a passphrase. Nobody is signed in then; all that can be asked is how things
 * stand, and all that can be done is to unlock.
 *
 * Invariants
 *  1. A passphrase is tried one at a time, and after five wrong ones at a door within a minute that door waits; the local socket has a count of its
 *     own, so that nobody keeps the person at the machine out by trying on the page.
 *  2. From the page it needs the token that GET /unlock gave (X-CSRF), besides the door's own look at Origin: no other site's page can read it.
 *  3. No passphrase goes into an error, an answer or a record; the parsed one is wiped. */
#ifndef TQ_DOOR_GATE_H
#define TQ_DOOR_GATE_H

#include "base/json.h"
#include "door/api/api.h"

struct gate;

enum gate_stage {
    GATE_LOCKED,  /* waits for the passphrase */
    GATE_FRESH,   /* waits for the first one: there is no ledger yet */
    GATE_OPENING, /* it was right; views are being read */
    GATE_OPEN,
};

struct gate_state {
    enum gate_stage stage;
    tq_time since;
    uint64_t records; /* that wait */
    uint64_t bytes;   /* of what they take, and may take at most */
    uint64_t max;
    uint64_t lost; /* found no room */
    bool nearly_full;
    bool keeping; /* records are kept at all */
};

struct gate_host {
    void *context;
    void (*state)(void *context, struct gate_state *ret);
    /* Tries it; takes as long as Argon2id takes. fresh: it is to become the passphrase of a new ledger. who: for the record. -1: ERR_LOCKED it is not
     * the one; anything else: it could not be tried, and why. */
    int (*unlock)(void *context, struct span passphrase, const char *who, struct error *e);
};

struct gate *gate_new(const char *site, const struct gate_host *host, struct error *e);
void gate_free(struct gate *g);

/* Like api_handle. */
void gate_handle(struct gate *g, struct api_clock now, const struct request *request, struct api_reply *ret);

/* The members of GET /unlock, for both. token: "" where none is needed. */
void gate_put(struct jsonw *j, const struct gate_state *s, const char *token);

void gate_metrics(const struct gate_state *s, struct buf *out); /* Prometheus text */

/* How many passphrases were wrong. */
uint64_t gate_wrong(struct gate *g);

#endif
