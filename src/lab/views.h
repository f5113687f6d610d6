/* views: what the ledger's records amount to, as tables that can be asked. Deleted and rebuilt at will: replaying the ledger from record 0 gives the
 * same tables, byte for byte, because nothing here reads a clock or draws a random number.
 *
 * One thread (the projector) applies records, in ledger order; any number of threads read. What was applied becomes visible at views_commit. */
#ifndef TQ_LAB_VIEWS_H
#define TQ_LAB_VIEWS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "base/zone.h"
#include "record/store/store.h"

/* One event as the projector finds it on the ledger. Texts belong to the caller and hold during the call. */
struct committed {
    uint64_t index;           /* leaf on the ledger */
    uint32_t position;        /* place in its leaf (0 in the custody stream) */
    bool custody;             /* stream: custody, or observation */
    tq_time recorded;         /* the keeper's clock */
    struct span json;         /* the veiled event: one JSON object */
    struct span private_json; /* the sealed rest of account.*, training.*, mail.* … ({"password_hash":…}: proc/projector.c); empty for others */
};

/* What the page is told: coalesced, so that a thousand results give one notice. */
enum view_topic {
    TOPIC_DEVICES,
    TOPIC_RESULTS,
    TOPIC_FINDINGS,
    TOPIC_LEDGER,
    TOPIC_SENSOR,
    TOPIC_TODAY,
    TOPIC_LOOKS,
    TOPIC_CERTIFICATES,
    TOPIC_LINKS,
    TOPIC_PEOPLE,
    TOPIC_ACTS,
    TOPIC_REPORTS,
    TOPIC_DOORS,
    TOPIC_TRAINING,
    TOPIC_MAIL,
    TOPIC_COUNT
};

struct keeper_views;

/* Runs the schema of every noun that has not run on this store. `site` (copied) goes into the ids of devices. NULL: ERR_MISUSE: another program made
 * the store; ERR_SYSTEM. The store outlives the views. */
struct keeper_views *views_open(struct store *store, const char *site, struct error *e);
void views_close(struct keeper_views *v);

/* The catalog of device models that devices are compared with; it does not change once records are applied. Any thread. */
const struct catalog *views_catalog(const struct keeper_views *v);
/* Adds a file of the lab's own entries, before the first record is applied. ERR_MISUSE: "name:line:column: what is wrong". */
int views_catalog_add(struct keeper_views *v, struct span text, const char *name, struct error *e);

/* The lab's time zone, a TZif file, before the first record is applied; without it days are those of UTC. ERR_MISUSE: it is none. */
int views_zone_set(struct keeper_views *v, struct span file, struct error *e);
const struct zone *views_zone(const struct keeper_views *v); /* any thread */

/* Applies one record; index and position must grow. A record whose JSON is not understood is counted (views_skipped) and otherwise ignored: the
 * ledger is the truth, and a view must survive whatever is on it. -1: the store failed (ERR_SYSTEM), or the order is broken (ERR_MISUSE). */
int views_apply(struct keeper_views *v, const struct committed *c, struct error *e);

/* The same for a record whose key was erased: what it said is known no more; it is listed as erased. c->json is not used. */
int views_erased(struct keeper_views *v, const struct committed *c, struct error *e);

/* Makes everything applied visible to readers. Call at the end of a leaf or of a batch of leaves: of a store in memory readers wait while a batch is
 * open, so keep batches short (256 records or 20 ms). */
int views_commit(struct keeper_views *v, struct error *e);
void views_abandon(struct keeper_views *v); /* forgets what was applied since the last commit */

/* ── a store that was there before ── */

/* Takes up where the store's rows end, once, after the catalog's last file and before the first record: *ret_next is the first record that is not in,
 * and `state` what views_keep was given with them (0 and nothing: the store is new). ERR_MISUSE: the rows were made by other projections, with
 * another catalog or for another site. */
int views_resume(struct keeper_views *v, uint64_t *ret_next, struct buf *state, struct error *e);
/* Becomes part of the batch in hand: records before `next` are in, and a text to find again. */
int views_keep(struct keeper_views *v, uint64_t next, struct span state, struct error *e);

/* What the ledger said last of the store (store.checkpoint). False: nothing yet. */
struct views_checkpoint {
    uint64_t record;
    char life[2 * STORE_LIFE + 1];
    uint64_t generation;
    char hash[65];
};
bool views_last_checkpoint(struct keeper_views *v, struct views_checkpoint *ret);

/* The index of the last record that readers can see + 1; 0 when none. Any thread. */
uint64_t views_visible(const struct keeper_views *v);
/* What people decided about devices and findings is below this: whoever keeps something of those between requests shows at least these records.
 * Any thread. */
uint64_t views_decided(const struct keeper_views *v);
uint64_t views_skipped(const struct keeper_views *v); /* any thread */

/* Hands over the notices gathered since the last call (at most 1 + 64 a topic: above that one without id) and forgets them. Projector thread, after
 * views_commit. topic: "devices" …; id: "" where the whole list is meant; etag: decimal index. */
void views_take_notices(struct keeper_views *v, void (*each)(void *context, const char *topic, const char *id, const char *etag), void *context);

#endif
