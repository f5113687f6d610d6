/* The stream reader: the same messages whole and cut; the message reader: it ends, and what it gives lies in the input. */
#include "wire/poct1a.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
    uint64_t hash;
    size_t ends;
};

static void frames(struct span s, size_t step, struct sum *sum)
{
    struct poct1a_frame f = {0};
    size_t at = 0;
    while (s.n > 0) {
        struct span piece = span_take(&s, s.n < step ? s.n : step);
        size_t n = piece.n;
        enum poct1a_event event;
        while ((event = poct1a_frame_next(&f, &piece)) != POCT1A_MORE) {
            if (f.root_n < 7 || f.root_n > POCT1A_NAME || (event == POCT1A_START) != f.open)
                abort();
            sum->hash = sum->hash * 31 + (uint64_t)event * 65599 + at + n - piece.n;
            sum->ends += event == POCT1A_END;
        }
        if (piece.n != 0)
            abort();
        at += n;
    }
}

static void inside(struct span outer, struct span s)
{
    if (s.n > 0 && (s.p < outer.p || s.p + s.n > outer.p + outer.n))
        abort();
}

static void message(struct span s)
{
    struct poct1a_reader r;
    uint8_t out[POCT1A_VALUE];
    char time[POCT1A_TIME_TEXT];
    poct1a_start(&r, s);
    for (size_t tokens = 0;; tokens++) {
        enum poct1a_token token = poct1a_next(&r);
        if (token == POCT1A_DONE || token == POCT1A_BAD) {
            if ((token == POCT1A_BAD) != (r.flaw != NULL) || r.at > s.n)
                abort();
            return;
        }
        if (tokens > 2 * s.n || r.depth > POCT1A_DEPTH)
            abort();
        inside(s, r.name);
        if (token == POCT1A_TEXT)
            inside(s, r.text);
        for (size_t i = 0; token == POCT1A_OPEN && i < r.attributes; i++) {
            struct span v = r.attribute[i].value;
            inside(s, v);
            if (v.n > sizeof out || poct1a_text(v, out) > v.n)
                abort();
            (void)poct1a_time(v, time);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span s = span_of(data, size);
    struct sum whole = {0};
    struct sum cut = {0};
    frames(s, size + 1, &whole);
    frames(s, 1 + size % 7, &cut);
    if (whole.hash != cut.hash || whole.ends != cut.ends)
        abort();
    message(s);
    return 0;
}
