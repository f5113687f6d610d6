/* ASTM frames: verdicts and text must not depend on how the stream is cut. The first byte gives the size of the pieces. */
#include "wire/astm_link.h"

#include <stdlib.h>

#define MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct span s, size_t step, uint32_t *sum)
{
    struct astm_link l = {0};
    while (s.n > 0) {
        struct span in = span_take(&s, s.n < step ? s.n : step);
        struct span got = {0};
        enum astm_event event;
        while ((event = astm_link_next(&l, &in, &got)) != ASTM_MORE) {
            if (event == ASTM_TEXT || event == ASTM_JUNK) {
                for (size_t i = 0; i < got.n; i++)
                    *sum = *sum * 31 + got.p[i] + (uint32_t)event;
            } else {
                *sum = *sum * 31 + (uint32_t)event * 1000 + (event == ASTM_FRAME_GOOD ? l.out_of_order + 2u * l.last_of_message : 0);
            }
        }
        if (in.n != 0)
            abort();
    }
    *sum = *sum * 31 + astm_link_close(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > MOST)
        return 0;
    uint32_t whole = 0;
    uint32_t cut = 0;
    run(span_of(data + 1, size - 1), size, &whole);
    run(span_of(data + 1, size - 1), 1 + data[0] % 40u, &cut);
    if (whole != cut)
        abort();
    return 0;
}
