/* Whatever record comes in: what the veil writes is JSON, without a key twice, and shows no private text. */
#include "record/veil/veil.h"

#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct buf *out)
{
    if (!buf_ok(out))
        abort();
    json_t *j = json_loadb((const char *)out->p, out->n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    if (j == NULL)
        abort();
    json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct veil *veils[2];
    static struct record r;
    static const uint8_t key[VEIL_KEY] = {7};
    for (int reveal = 0; reveal < 2; reveal++)
        if (veils[reveal] == NULL && (veils[reveal] = veil_new(key, reveal == 1, NULL)) == NULL)
            abort();
    if (record_decode(span_of(data, size), &r, NULL) != 0)
        return 0;
    struct buf out = BUF_INIT(1 << 28);
    for (int reveal = 0; reveal < 2; reveal++) {
        veil_json(veils[reveal], &out, &r);
        check(&out);
        buf_clear(&out);
    }
    veil_private_json(veils[0], &out, &r);
    check(&out);
    buf_release(&out);
    return 0;
}
