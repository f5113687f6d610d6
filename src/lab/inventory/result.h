/* result: one measured value's report, as it was seen on the wire; never the value. The newest 100,000 are kept; counters go on. */
#ifndef TQ_LAB_RESULT_H
#define TQ_LAB_RESULT_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct result_row {
    int64_t n;
    uint64_t record;
    uint32_t position;
    tq_time time, recorded;
    struct span sender, sender_device, receiver, test_code, test_system, test_text, patient, specimen, units, status, observed_at;
    struct span flags; /* a JSON array */
    struct span message, protocol, type, control_id;
};

struct result_query {
    struct span search; /* lower-case; empty: all */
    struct span sender; /* exactly; empty: all */
    int64_t before;     /* go on behind the row with this n (0: from the start) */
    int64_t limit;
};

typedef void result_each(void *context, const struct result_row *row);
int result_list(struct store_conn *c, const struct result_query *query, result_each *each, void *context, struct error *e); /* newest first */
int64_t result_total(struct store_conn *c, const struct result_query *query, struct error *e);                              /* rows kept that match */

#endif
