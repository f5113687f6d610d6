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
    struct span link, leg;                    /* where it passed the relay: the link's name, received or forwarded */
    int64_t message_record;                   /* -1: not among those kept */
    struct span receiver_device;              /* the id of the device that it went to */
    struct span sender_title, receiver_title; /* what these devices are called */
    /* what became of the result, wherever this row saw it: lab/inventory/custody.h */
    int state;
    struct span why;  /* in a word: same, converted, changed … */
    struct span part; /* that changed */
    struct span finding;
    int64_t received;  /* the record where it was seen first */
    int64_t forwarded; /* … and last; -1: nowhere else */
    int64_t told;      /* the record that says how this row compares, or else what became of it; -1: none */
    struct span step;  /* how this row compares with the one before; empty: it is the first */
    struct span changed;
};

struct result_query {
    struct span search; /* lower-case; empty: all */
    struct span sender; /* exactly; empty: all */
    int verdict;        /* enum custody_state; -1: all */
    bool first;         /* each result once: where it was seen first */
    int64_t before;     /* go on behind the row with this n (0: from the start) */
    int64_t limit;
};

typedef void result_each(void *context, const struct result_row *row);
int result_list(struct store_conn *c, const struct result_query *query, result_each *each, void *context, struct error *e); /* newest first */
int64_t result_total(struct store_conn *c, const struct result_query *query, struct error *e);                              /* rows kept that match */

#endif
