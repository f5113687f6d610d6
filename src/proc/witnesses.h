/* witnesses: the keeper's thread that has the ledger's head cosigned by other machines (C2SP tlog-witness, as client). It makes the offer and judges
 * the answer; the courier only carries.
 *
 * What is recorded: ledger.witnessed where a witness's state changes (agrees, silent, refused), not each time. A fork or a rollback that the witness
 * shows is also the finding ledger.fork; one that it only speaks of, or a day without a cosignature, the finding ledger.witness_silent. */
#ifndef TQ_PROC_WITNESSES_H
#define TQ_PROC_WITNESSES_H

#include "door/api/api.h"
#include "proc/appender.h"
#include "proc/errand.h"

#define WITNESSES_ASKED 8 /* most witnesses of lab.yaml */

struct witnesses;

struct witnesses_options {
    struct ledger *ledger; /* for ledger_head only */
    const char *dir;       /* the ledger's folder */
    const char *verifier;  /* its verifier line */
    struct appender *appender;
    bool quiet;                     /* a finding that one of them is silent is open, as the views told it at the start */
    void (*changed)(void *context); /* any thread: there is an errand to take, or something to show */
    void *context;
};

/* All is copied. NULL: ERR_SYSTEM. */
struct witnesses *witnesses_new(const struct witnesses_options *options, struct error *e);

/* A witness of lab.yaml, as MESSAGE_WITNESS brings it (errand.h). Before witnesses_start. ERR_MISUSE: its key is none; ERR_PEER: malformed. */
int witnesses_add(struct witnesses *w, struct span told, struct error *e);
int witnesses_start(struct witnesses *w, struct error *e);

/* No record is made and no errand given after this. */
void witnesses_stop(struct witnesses *w);

/* Main thread. Appends the next errand, if there is one. */
bool witnesses_errand(struct witnesses *w, struct buf *out);
int witnesses_outcome(struct witnesses *w, struct span outcome, struct error *e); /* ERR_PEER: malformed, or nobody waits for it */
void witnesses_courier_gone(struct witnesses *w);                                 /* what it had in hand is asked again */

/* Any thread. Those of lab.yaml, then those whose cosignatures are kept otherwise. */
size_t witnesses_list(struct witnesses *w, struct api_witness ret[API_WITNESSES]);
/* Asks now. ERR_MISUSE: no such witness, or it has no address; ERR_AGAIN: it is being asked. */
int witnesses_ask(struct witnesses *w, struct span name, struct error *e);
/* Keeps a note that somebody brought. witness: its verifier line, or "": one of lab.yaml, or one that is kept already. ret_name: whose. */
int witnesses_bring(struct witnesses *w, struct span note, const char *witness, char ret_name[129], uint64_t *ret_size, struct error *e);

#endif
