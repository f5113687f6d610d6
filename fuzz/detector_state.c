/* A damaged detector state is refused whole, or taken and saved again as it was. */
#include "engine/detect/detect.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct detect *d; /* a refused state leaves the detector as new, so it serves until one is taken */
    const struct detect_options options = {.hash_key = {1, 2}};
    struct error e = {0};
    if (d == NULL && (d = detect_new(&options, &e)) == NULL)
        abort();
    if (detect_restore(d, span_of(data, size), &e) != 0) {
        if (e.text[0] == 0)
            abort();
        return 0;
    }
    struct buf out = BUF_INIT(1 << 24);
    detect_save(d, &out);
    if (!buf_ok(&out) || out.n > size)
        abort(); /* the same entry twice in the input is one in the output; never more */
    buf_release(&out);
    detect_free(d);
    d = NULL;
    return 0;
}
