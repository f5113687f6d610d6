/* mark: what stands in the place of a removed segment. For the files of this folder. */
#ifndef TQ_LEDGER_MARK_H
#define TQ_LEDGER_MARK_H

#include "record/ledger/inside.h"
#include "record/ledger/removal.h"

#define MARK_BYTES 160
#define MARK_SUFFIX ".removed"

struct mark {
    struct ledger_removal removal;
    uint64_t record;
    uint8_t log_id[LOG_ID];
    uint8_t key[32]; /* of that record alone */
    bool there;      /* the segment is there all the same: it counts */
    uint64_t seen;   /* records of it that the tree has (verifying) */
};

void mark_format(const struct mark *m, uint8_t out[MARK_BYTES]);
int mark_parse(struct span in, struct mark *ret, struct error *e); /* ERR_CORRUPT, ERR_LIMIT */

/* All marks of the observations, by rising first record. The caller frees them. */
int mark_list(int dir, struct mark **ret, size_t *ret_n, struct error *e);

/* The mark that this record's segment left; NULL: none, or the segment is there. */
struct mark *mark_of(struct mark *list, size_t n, uint64_t index);

/* Whether the record says what the mark says. sealed: the custody record as it lies in its segment. ERR_CORRUPT. */
int mark_check(const struct mark *m, const struct sealed_record *sealed, struct error *e);

#endif
