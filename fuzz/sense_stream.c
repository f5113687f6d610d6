/* A capture through the whole of sense, with small limits so that they are reached, and records that are looked at. */
#include "engine/sense/sense.h"
#include "engine/sense/source.h"

#include <stdlib.h>

struct feed {
    struct span left;
};

static ssize_t read_feed(void *context, void *into, size_t n)
{
    struct feed *f = context;
    size_t take = f->left.n < n ? f->left.n : n;
    struct span s = span_take(&f->left, take);
    if (take > 0)
        memcpy(into, s.p, take);
    return (ssize_t)take;
}

struct watch {
    uint64_t seq;
    uint64_t closed;
    struct buf encoded;
};

static void put(void *context, const struct record *r)
{
    struct watch *w = context;
    if (r->seq != ++w->seq)
        abort();
    w->closed += r->event == EVENT_FLOW_CLOSED;
    buf_clear(&w->encoded);
    record_encode(&w->encoded, r);
    if (!buf_ok(&w->encoded))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct feed f = {.left = span_of(data, size)};
    struct watch w = {.encoded = BUF_INIT(4u << 20)};
    struct sense_options options = {.hash_key = {1, 2}, .flow_records = true, .sink = {.put = put, .context = &w}};
    options.limits = (struct sense_limits){
        .flows = 4, .fragments = 8192, .reassembly_flow = 512, .reassembly_total = 1024, .message = 2048, .messages_total = 4096};
    struct source *source = source_new(read_feed, &f, &e);
    struct sense *sense = sense_new(&options, &e);
    if (source == NULL || sense == NULL)
        abort();
    struct packet p;
    for (int i = 0; i < 10000 && source_next(source, &p, &e) == 1; i++)
        sense_packet(sense, p.time, p.linktype, p.bytes, p.wire_length);
    sense_finish(sense);
    if (w.closed != sense_stats(sense)->flows)
        abort();
    sense_free(sense);
    source_free(source);
    buf_release(&w.encoded);
    return 0;
}
