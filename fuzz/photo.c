/* Any bytes as a picture: what comes out is no longer than what went in, is the same kind, and comes out of itself unchanged. */
#include "wire/photo.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span file = span_of(data, size);
    struct buf once = BUF_INIT(1u << 20);
    struct buf twice = BUF_INIT(1u << 20);
    struct photo photo;
    struct photo again;
    struct error e = {0};
    if (size < (1u << 20) && photo_strip(file, &once, &photo, &e) == 0) {
        if (once.n > size || photo.left_out != size - once.n || photo_kind(buf_span(&once)) != photo.kind || photo.width == 0 || photo.height == 0)
            abort();
        if (photo_strip(buf_span(&once), &twice, &again, &e) != 0 || !span_equal(buf_span(&once), buf_span(&twice)) || again.left_out != 0)
            abort();
    }
    buf_release(&once);
    buf_release(&twice);
    return 0;
}
