/* removal: taking whole segments of old observations away, on record. The tree keeps every entry, so every hash and proof stays.
 *
 * Instead of the segment stays `<segment>.removed`: which records are gone, which custody record says so, and that record's own key, which opens it
 * and no other. So whoever verifies the ledger without any secret sees that the removal is on the record. docs/formats/ledger.md, Removed segments.
 *
 * Order, and what a crash leaves: (1) the custody record is durable: without effect, if nothing follows; (2) the mark is durable: with the segment
 * beside it the segment counts, and the next attempt goes on; (3) segment and index go. A mark without its record is none, a missing segment without
 * a mark is damage. */
#ifndef TQ_LEDGER_REMOVAL_H
#define TQ_LEDGER_REMOVAL_H

#include "record/ledger/ledger.h"

#define REMOVAL_TEXT 96

/* A segment that may go, or went. */
struct ledger_removal {
    uint64_t first; /* index of its first record: the number in its name */
    uint64_t last;
    uint64_t count;
    uint32_t day;   /* days since 1970 */
    uint64_t bytes; /* of the segment */
};

/* What the ledger calls it: goes word for word into the payload of the record that says that it is removed. */
void ledger_removal_text(const struct ledger_removal *r, char out[REMOVAL_TEXT]);

/* The oldest segment of observations that may go: of a day before `before` (UINT32_MAX: any), durable in place, and not the one that grows. Settles
 * the ledger. 1; 0: there is none; -1. The appender's lock. */
int ledger_removable(struct ledger *l, uint32_t before, tq_time now, struct ledger_removal *ret, struct error *e);

/* Removes it. record: the committed custody record whose payload holds its text. ERR_MISUSE: it does not. The appender's lock. */
int ledger_remove(struct ledger *l, const struct ledger_removal *r, uint64_t record, struct error *e);

#endif
