/* Proofs with shown records from anywhere: read, checked against a key, opened, and written again the same way. */
#include "record/ledger/shown.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void each(void *context, const struct shown_record *r)
{
    (void)context;
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < r->payload.n; i++)
        sum = (uint8_t)(sum + r->payload.p[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    uint64_t tree;
    struct buf again = BUF_INIT(SHOWN_BYTES);
    if (ledger_copy_shown(span_of(data, size), &again, &e) == 0 && (!buf_ok(&again) || !span_equal(buf_span(&again), span_of(data, size))))
        abort();
    buf_release(&again);
    (void)ledger_check_shown(span_of(data, size), "tourniquet.local/test+72a917a5+AVIxBpc+oYh64tDnDnZBVwjphxe4wy15QZfCoO7tS2dj", each, NULL, &tree,
                             &e);
    return 0;
}
