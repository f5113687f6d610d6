/* Cursors: whatever reads as one must be written as the same one; a cursor of one list is none of another. */
#include "door/api/api_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct page page = {.limit = 1};
    struct page again = {.limit = 1};
    struct buf out = BUF_INIT(4096);
    if (cursor_read(span_of(data, size), "devices", &page)) {
        cursor_write(&out, "devices", &page);
        if (!buf_ok(&out) || !cursor_read(buf_span(&out), "devices", &again) || again.number != page.number || again.order != page.order ||
            strcmp(again.text, page.text) != 0)
            abort();
        if (cursor_read(span_of(data, size), "results", &page))
            abort();
    }
    buf_release(&out);
    return 0;
}
