/* A damaged detector state is refused whole, or taken and saved again as it was. */
#include "engine/detect/detect.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct detect_options options = {.hash_key = {1, 2}};
    struct error e = {0};
    struct detect *d = detect_new(&options, &e);
    if (d == NULL)
        abort();
    struct buf out = BUF_INIT(1 << 24);
    if (detect_restore(d, span_of(data, size), &e) == 0) {
        detect_save(d, &out);
        if (!buf_ok(&out) || out.n > size)
            abort(); /* the same entry twice in the input is one in the output; never more */
    } else if (e.text[0] == 0) {
        abort();
    }
    buf_release(&out);
    detect_free(d);
    return 0;
}
