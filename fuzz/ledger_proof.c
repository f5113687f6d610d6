/* Proofs from anywhere: read, checked against a key, and written again the same way. */
#include "record/ledger/ledger.h"
#include "record/ledger/note.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct proof p;
    uint64_t index;
    uint64_t tree;
    if (proof_parse(span_of(data, size), &p, &e) == 0) {
        struct buf again = BUF_INIT(1u << 20);
        proof_format(&again, buf_span(&p.extra), p.index, p.path, p.n, p.checkpoint);
        if (!buf_ok(&again) || !span_equal(buf_span(&again), span_of(data, size)))
            abort();
        buf_release(&again);
        buf_release(&p.extra);
    }
    (void)ledger_check(span_of(data, size), "example.com/log+d455c521+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", &index, &tree, &e);
    return 0;
}
