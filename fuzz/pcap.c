/* A pcap file, plain or packed, through the source. The first byte says in which pieces it arrives. */
#include "engine/sense/source.h"

#include <stdlib.h>

struct feed {
    struct span left;
    size_t piece;
};

static ssize_t read_feed(void *context, void *into, size_t n)
{
    struct feed *f = context;
    size_t take = f->left.n < f->piece ? f->left.n : f->piece;
    take = take < n ? take : n;
    struct span s = span_take(&f->left, take);
    if (take > 0)
        memcpy(into, s.p, take);
    return (ssize_t)take;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct feed f = {.piece = 1 + (size_t)span_u8(&in) * 16};
    f.left = in;
    struct error e = {0};
    struct source *s = source_new(read_feed, &f, &e);
    if (s == NULL)
        return 0;
    struct packet p;
    volatile unsigned sum = 0; /* so that every byte is read */
    for (int i = 0; i < 100000 && source_next(s, &p, &e) == 1; i++) {
        for (size_t k = 0; k < p.bytes.n; k++)
            sum += p.bytes.p[k];
        if (p.bytes.n > 262144 || p.wire_length < p.bytes.n)
            abort();
    }
    source_free(s);
    (void)sum;
    return 0;
}
