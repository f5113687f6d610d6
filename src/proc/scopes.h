/* scopes: whose a record is, so that it is sealed under that patient's key of the month and can be erased with it (record/ledger/keys.h).
 *
 *   lab.result, lab.order, lab.message that name exactly one patient      that patient's scope
 *   lab.message that names several (also: this one was that one)          a key of its own, which goes when any of them is erased
 *   lab.message with patients that it does not name                       a key of its own
 *   lab.message that is a part of one (continued), and names nobody       a key of its own, which goes with any patient of its conversation lately
 *   evidence.packets                                                      a key of its own, which goes with every patient whose messages passed
 *                                                                         in the packets' conversations lately, and with the finding's own; and
 *                                                                         when it was kept long enough (SCOPE_EVIDENCE)
 *   everything else, and a message about nobody                           nobody's
 *
 * A finding stays when a patient goes: it is sealed as nobody's, and what it would keep in clear of a patient's message is left out (scopes_bare):
 * that stands in the messages that it names.
 *
 * Which patients a conversation is about is remembered of the newest 1,024 that had any: those of its newest messages, as many as can be in the
 * packets that are kept of a finding (RECORD_PACKETS bytes of messages, at most SCOPES_FLOW patients). */
#ifndef TQ_PROC_SCOPES_H
#define TQ_PROC_SCOPES_H

#include "base/record.h"
#include "record/ledger/ledger.h"
#include "record/veil/veil.h"

#define SCOPES_FLOW 2048                      /* of one conversation: 384 bytes each, and with headers and answers none is so short */
#define SCOPES_MOST (2 * SCOPES_FLOW + 64)    /* of one record: packets are of at most two conversations */
#define SCOPE_EVIDENCE LEDGER_KIND "evidence" /* and zeros: all packets that are kept */

struct scopes;
struct scopes *scopes_new(void); /* NULL: no memory */
void scopes_free(struct scopes *s);

struct scope_choice {
    bool shared;   /* a key of its own; else: n is 0 (nobody's) or 1 */
    bool short_of; /* not all of them are there: what erasing could not reach must not be kept, neither bytes nor clear fields */
    size_t n;
    uint8_t of[SCOPES_MOST][LEDGER_SCOPE]; /* each once */
};

/* Looks at each record of the pipeline, in order. */
void scopes_choose(struct scopes *s, struct veil *v, const struct record *r, struct scope_choice *ret);

/* Whether a finding's hidden texts must not be kept: its conversations were about patients. */
bool scopes_bare(const struct scopes *s, const struct record *r);

#endif
