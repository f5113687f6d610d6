/* Frames of requests, replies and notices: whatever decodes must encode to the same bytes. */
#include "door/request.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct buf *b, const uint8_t *data, size_t size)
{
    if (!buf_ok(b) || b->n != size || memcmp(b->p, data, size) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct request request;
    struct reply reply;
    struct notice notice;
    struct span in = span_of(data, size);
    struct buf out = BUF_INIT(size + 64);
    if (request_decode(in, &request, &e) == 0) {
        request_encode(&out, &request);
        same(&out, data, size);
    }
    buf_clear(&out);
    if (reply_decode(in, &reply, &e) == 0) {
        reply_encode(&out, &reply);
        same(&out, data, size);
    }
    buf_clear(&out);
    if (notice_decode(in, &notice, &e) == 0) {
        notice_encode(&out, &notice);
        same(&out, data, size);
    }
    buf_release(&out);
    return 0;
}
