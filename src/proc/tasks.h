/* tasks: what takes the keeper long (checking the ledger, making or testing a backup): how far it is, since when, for whom, and that somebody wants
 * it to end. Whoever works tells; whoever is asked by a person reads. One of each kind at a time. Any thread. */
#ifndef TQ_PROC_TASKS_H
#define TQ_PROC_TASKS_H

#include "door/api/api.h"

void task_begin(enum api_task_kind kind, const char *person); /* person: who asked; "": the program itself */
/* So much of so much is done (records, bytes). False: somebody wants it to end. */
bool task_step(enum api_task_kind kind, uint64_t done, uint64_t total);
/* It is over. True: because somebody wanted it; by: who. */
bool task_end(enum api_task_kind kind, char by[API_TASK_PERSON]);

/* api_host's. */
size_t task_list(struct api_task ret[API_TASKS]);
bool task_cancel(enum api_task_kind kind, struct span person); /* false: nothing of the kind is under way */

#endif
