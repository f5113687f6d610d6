/* Any bytes on a channel, between any two roles: framing, and the bodies that roles decode. The first byte chooses the pair. */
#include "proc/message.h"
#include "base/record.h"
#include "proc/payload.h"
#include "proc/start.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const struct message *m)
{
    static struct record record;
    static struct payload payload;
    struct start start;
    struct progress progress;
    struct error e;
    struct span s = m->body;
    (void)start_decode(m->body, &start, &e);
    (void)progress_decode(m->body, &progress, &e);
    (void)payload_decode(m->body, &payload, &e);
    if (span_skip(&s, 12))
        (void)record_decode(s, &record, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 65536)
        return 0;
    enum role from = (enum role)(1 + data[0] % (ROLE_COUNT - 1));
    enum role to = (enum role)(1 + data[0] / 16 % (ROLE_COUNT - 1));
    struct channel c = {.fd = -1, .self = to, .peer = from, .in = BUF_INIT(1 << 20)};
    buf_add(&c.in, data + 1, size - 1);
    struct message m;
    struct error e = {0};
    size_t taken = 0;
    int r;
    while ((r = channel_next(&c, &m, &e)) == 1) {
        if (!message_allowed(m.type, from, to) || c.taken <= taken || c.taken > size - 1 || m.fd_count != 0)
            abort();
        taken = c.taken;
        decode(&m);
    }
    if (r < 0 && e.class != ERR_PEER)
        abort();
    buf_release(&c.in);
    return 0;
}
