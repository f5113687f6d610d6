/* verifier: the keeper's background thread that recomputes the ledger from its files. The outcome is a ledger.verified record; a ledger that does not
 * hold is also a finding (ledger.broken). */
#ifndef TQ_PROC_VERIFIER_H
#define TQ_PROC_VERIFIER_H

#include "proc/appender.h"

struct verifier;

/* dir: the ledger's folder; key: its verifier line (both copied). Its records go to the appender until verifier_stop. NULL: ERR_SYSTEM. */
struct verifier *verifier_start(const char *dir, const char *key, struct appender *appender, struct error *e);

/* No record is made after this. A check under way is not waited for: its thread ends with the process. */
void verifier_stop(struct verifier *v);

/* Starts a check; person: who asked ("" for the program itself). -1: ERR_AGAIN: one is under way. Any thread. */
int verifier_ask(struct verifier *v, struct span person, struct error *e);
bool verifier_busy(struct verifier *v);

/* Says that what was read could not be trusted: the finding without a check. Any thread. */
void verifier_report(struct verifier *v, uint64_t first_bad, const char *why);

#endif
