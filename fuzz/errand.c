/* What keeper and courier say to each other: read, and written again the same way. */
#include "proc/errand.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct buf *again, struct span before)
{
    if (!buf_ok(again) || !span_equal(buf_span(again), before))
        abort();
    buf_clear(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct errand errand;
    struct outcome outcome;
    struct witness_told told;
    struct span in = span_of(data, size);
    struct buf again = BUF_INIT(1u << 20);
    if (errand_decode(in, &errand, &e) == 0) {
        errand_encode(&again, &errand);
        same(&again, in);
    }
    if (outcome_decode(in, &outcome, &e) == 0) {
        outcome_encode(&again, &outcome);
        same(&again, in);
    }
    if (witness_told_decode(in, &told, &e) == 0) {
        witness_told_encode(&again, &told);
        same(&again, in);
    }
    buf_release(&again);
    return 0;
}
