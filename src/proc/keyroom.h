/* keyroom: what the keeper does with the ledger's keys when somebody asks: tells, erases, rotates, makes and tests the recovery key.
 *
 * An erasure, in this order: the record keys.erased is durable, and the views drop what it names as they apply it; then the keys go. A stop in
 * between leaves a record whose keys are still there: the next start carries it out (keyroom_start), for the keyring knows which record it carried
 * out last. */
#ifndef TQ_PROC_KEYROOM_H
#define TQ_PROC_KEYROOM_H

#include "door/api/api.h"
#include "proc/appender.h"

/* Carries out erasures that a stop left undone, destroys a key file that opens nothing any more, and remembers whether the finding ledger.key_on_disk
 * stands. The views are caught up, and no thread is at work yet. */
int keyroom_start(struct ledger *l, const char *key_file, struct store_conn *views, struct error *e);

/* From now on the functions below may be called. key_file: where a key file lies or is made. Tells the finding while the key lies on this disk, and
 * ends it when it does no more. */
void keyroom_open(struct appender *a, const char *key_file);

/* For the API (api.h says what each does), on any thread; context is not used. */
int keyroom_tell(void *context, struct api_keys *ret, struct error *e);
int keyroom_choose(void *context, struct span patient, struct api_erasure *erasure, struct error *e);
int keyroom_erase(void *context, const struct api_erasure *erasure, uint64_t record, uint64_t *ret_keys, struct error *e);
int keyroom_rotate(void *context, struct span source, struct span secret, struct error *e);
int keyroom_recovery(void *context, struct span typed, char text[API_RECOVERY_TEXT], struct error *e);

#endif
