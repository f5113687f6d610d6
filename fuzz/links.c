/* What relay, supervisor and keeper say to each other about links: read, and written again the same way. */
#include "proc/link.h"

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
    static struct link_status status;
    struct config_relay told;
    struct link_order order;
    struct link_queued queued;
    struct error e = {0};
    uint8_t run[4];
    uint64_t seq;
    struct span in = span_of(data, size);
    struct buf again = BUF_INIT(1u << 20);
    if (link_told_decode(in, &told, &e) == 0) {
        link_told_encode(&again, &told);
        same(&again, in);
    }
    if (link_queued_decode(in, &queued, &e) == 0 && size > 0) { /* `sent` is any byte but 0 */
        link_queued_encode(&again, &queued);
        buf_clear(&again);
    }
    if (link_order_decode(in, &order, &e) == 0) {
        link_order_encode(&again, &order);
        if (again.n != size)
            abort();
        buf_clear(&again);
    }
    if (link_status_decode(in, &status, &e) == 0) {
        link_status_encode(&again, &status);
        if (again.n != size)
            abort();
        buf_clear(&again);
    }
    (void)link_seq_read(in, run, &seq);
    buf_release(&again);
    return 0;
}
