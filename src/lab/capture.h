/* capture: what the sensors read, and how well. */
#ifndef TQ_LAB_CAPTURE_H
#define TQ_LAB_CAPTURE_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct capture_row {
    struct span name, state; /* reading, ended, failed */
    int64_t packets, bytes, flows, dropped, damaged;
    int64_t dropped_flows, dropped_lab; /* of dropped: records of flows and devices, other records; the rest are packets that the kernel dropped */
    int64_t shed_bulk, shed_other;      /* packets whose content was passed over to keep up */
    int64_t failures;                   /* how often it could not be read any more in this run */
    tq_time first_time, last_time, dropped_first, dropped_last, failed_at, back_at; /* 0: none */
    struct span why;                                                                /* it is read no more, or what was dropped; empty: neither */
};

typedef void capture_each(void *context, const struct capture_row *row);
int capture_list(struct store_conn *c, capture_each *each, void *context, struct error *e);

#endif
