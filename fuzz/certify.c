/* What supervisor and keeper say to each other about certificates of links. */
#include "proc/certify.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct certify x;
    struct error e = {0};
    if (certify_decode(span_of(data, size), &x, &e) != 0)
        return 0;
    struct buf again = BUF_INIT(CERTIFY_MAX);
    certify_encode(&again, &x);
    if (!span_equal(buf_span(&again), span_of(data, size)))
        abort();
    buf_release(&again);
    return 0;
}
