/* A pcapng file through the source, and its block decoders on their own. The first byte says in which pieces it arrives. */
#include "wire/pcapng.h"
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

static void blocks(struct span s)
{
    bool big = s.n % 2 == 1;
    uint32_t type;
    uint32_t length;
    struct pcapng_interface i;
    struct pcapng_packet p;
    size_t head;
    (void)pcapng_section_order(s, &big);
    (void)pcapng_block_decode(big, s, &type, &length);
    if (pcapng_interface_decode(big, s, &i) && i.per_second == 0)
        abort();
    for (uint32_t kind = PCAPNG_PACKET_OLD; kind <= PCAPNG_ENHANCED; kind++) {
        if (pcapng_packet_decode(big, kind, s, 96, &p, &head) && pcapng_interface_decode(big, s, &i))
            (void)pcapng_time(&i, p.stamp);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    blocks(in);
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
