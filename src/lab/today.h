/* today: the first sentence of the page, and the counts beside it. It says only what is known. */
#ifndef TQ_LAB_TODAY_H
#define TQ_LAB_TODAY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct today {
    int64_t
        needs; /* what needs a person: open findings above info, the like ones together (finding_needs); devices that wait, or that were refused */
    int64_t findings_open, findings_critical; /* open ones above info; critical among them */
    int64_t devices, devices_unknown;
    int64_t devices_waiting;                              /* on an analyzer network, and nobody has vouched for them yet */
    int64_t devices_refused;                              /* heard after somebody had refused them */
    int64_t results, messages, malformed, messages_clear; /* since the ledger began */
    int64_t not_kept;                                     /* times that something found no room: devices, addresses, conversations, findings */
    int64_t senders;                                      /* devices that sent results */
    bool capture;                                         /* there is one, or was */
    char capture_state[16];                               /* reading where one is being read, else the state of the last one */
    tq_time capture_last;                                 /* last packet; 0: none */
    int64_t packets;
    bool ledger_checked;
    bool ledger_holds;
    tq_time ledger_verified;
    uint64_t changed; /* index of the newest record behind these counts */
};

int today_get(struct store_conn *c, struct today *ret, struct error *e);
void today_sentence(const struct today *t, struct buf *out);

#endif
