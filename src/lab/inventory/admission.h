/* admission: may this device be on the lab's network? A new device is unknown until a person vouches for it, or refuses it.
 *
 * Rules (docs/inventory.md tells them):
 *  1. A decision is about the device as it was: its identities, and the MAC addresses that they had. The newest decision about one counts.
 *  2. A device is vouched for where all that was decided about its identities says so and each MAC address that it has now was vouched for. So
 * neither another network card nor a device that evidence joins later (a forged serial number) gets in by what was said before.
 *  3. It waits for a person where it is unknown, is on an analyzer network (a zone in which an analyzer is), was heard, and is neither retired nor
 *     behind a terminal server (who is vouched for in its place). */
#ifndef TQ_LAB_ADMISSION_H
#define TQ_LAB_ADMISSION_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

#define ADMISSION_ROWS 100                           /* devices in one asset.admission */
#define ADMISSION_MACS 16                            /* MAC addresses of one of them */
#define ADMISSION_ROW 1024                           /* bytes of its row in the record */
#define ADMISSION_LEARNING (7 * 86400 * TIME_SECOND) /* after the first device was seen: those of then may be vouched for together */

enum admission_decision { ADMISSION_VOUCH, ADMISSION_REFUSE, ADMISSION_WITHDRAW, ADMISSION_DECISIONS };
const char *admission_word(enum admission_decision d); /* "vouch" …: of requests and records */
bool admission_find(struct span word, enum admission_decision *ret);

/* SQL over the row `asset` of a root: does it wait for a person (rule 3)? */
#define ADMISSION_WAITS                                                                                                                              \
    "(asset.admission = 'unknown' AND asset.retired = 0 AND asset.behind IS NULL AND asset.zone IN (SELECT zone FROM asset AS near WHERE "           \
    "near.role = 'analyzer' AND near.retired = 0 AND near.zone IS NOT NULL AND near.root = near.n) AND (asset.first_seen IS NOT NULL OR EXISTS "     \
    "(SELECT 1 FROM asset AS seen WHERE seen.root = asset.n AND seen.first_seen IS NOT NULL)))"

struct admission_row {
    struct span person, why; /* of the newest decision; empty: none, or not told */
    tq_time time;            /* 0: nothing was decided */
    int64_t record;
    bool mixed;           /* evidence joined what was decided about in different ways */
    struct span new_macs; /* JSON array: MAC addresses that nobody vouched for, where others of the device are */
};
typedef void admission_each(void *context, const struct admission_row *row);
/* What was decided about the device whose root is n; `each` is called once. */
int admission_get(struct store_conn *c, int64_t n, admission_each *each, void *context, struct error *e);

/* Appends the row of a record: {"asset","ip","mac"}, the device as it is now. False: it has no such device. */
bool admission_put_row(struct store_conn *c, int64_t n, struct buf *out, struct error *e);

/* Devices that wait for a person; those that were refused and were heard after that. -1: failed. */
int64_t admission_waiting(struct store_conn *c, struct error *e);
int64_t admission_refused_heard(struct store_conn *c, struct error *e);

/* When learning ends: ADMISSION_LEARNING after the first device was seen; 0: none was. -1: failed. */
tq_time admission_learning_until(struct store_conn *c, struct error *e);

/* Devices that wait and were first seen before `until`, in the order in which they became known. `digest` (SHA-256 in hexadecimal) is of these and
 * their state: the same only as long as nothing of that changes. */
typedef void admission_candidate(void *context, int64_t n, struct span id, struct span title, struct span role, struct span ips, struct span macs,
                                 tq_time first_seen);
int admission_candidates(struct store_conn *c, tq_time until, admission_candidate *each, void *context, char digest[65], struct error *e);

/* Is the certificate of this device (the id of any of its identities) still good: it exists, is neither refused nor retired? */
int admission_keeps_certificate(struct store_conn *c, struct span id, bool *ret, struct error *e);
/* Is this the id of an identity of the device whose root is n? */
bool admission_same_device(struct store_conn *c, struct span id, int64_t n);

/* How a switch writes a MAC address as a user name (MAC authentication bypass). */
enum admission_form { ADMISSION_BARE, ADMISSION_HYPHEN, ADMISSION_COLON, ADMISSION_DOT, ADMISSION_FORMS };
bool admission_form_find(struct span word, enum admission_form *ret); /* bare, hyphen, colon, dot */

/* All MAC addresses that were vouched for and are a device's now, as FreeRADIUS reads users (man 5 users; rlm_files): the address is name and
 * password. Devices that are refused or retired are left out, whatever was said of their addresses before. */
int admission_radius(struct store_conn *c, const char *site, enum admission_form form, bool upper, struct buf *out, struct error *e);

#endif
