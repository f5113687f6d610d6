/* Two directions through the MLLP reader: content and framing must not depend on how the stream is cut. The first byte gives the size of the pieces.
 */
#include "wire/mllp.h"

#include <stdlib.h>

#define MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct trace {
    size_t blocks;
    size_t restarts;
    size_t content;
    size_t junk;
    uint32_t sum;
};

static void run(struct span s, size_t step, bool any, struct trace *t)
{
    struct mllp m = {.any_block = any};
    while (s.n > 0) {
        struct span in = span_take(&s, s.n < step ? s.n : step);
        struct span got = {0};
        enum mllp_event event;
        while ((event = mllp_next(&m, &in, &got)) != MLLP_MORE) {
            if (event == MLLP_CONTENT || event == MLLP_JUNK) {
                if (got.n == 0)
                    abort();
                *(event == MLLP_JUNK ? &t->junk : &t->content) += got.n;
                for (size_t i = 0; i < got.n; i++)
                    t->sum = t->sum * 31 + got.p[i] + (event == MLLP_JUNK);
            } else {
                t->blocks += event == MLLP_END;
                t->restarts += event == MLLP_RESTART;
                t->sum = t->sum * 31 + (uint32_t)event * 1000;
            }
        }
    }
    t->restarts += mllp_close(&m) == MLLP_RESTART;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > MOST)
        return 0;
    struct span s = span_of(data + 1, size - 1);
    for (int any = 0; any < 2; any++) {
        struct trace whole = {0};
        struct trace cut = {0};
        run(s, s.n, any != 0, &whole);
        run(s, 1 + data[0] % 40u, any != 0, &cut);
        if (whole.blocks != cut.blocks || whole.restarts != cut.restarts || whole.content != cut.content || whole.sum != cut.sum)
            abort();
    }
    return 0;
}
