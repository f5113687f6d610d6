/* What keeper and warden say to each other about doors: read, and written again the same way; and what a kernel answers about its firewall. */
#include "proc/firewall.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct buf *again, struct span before)
{
    if (!buf_ok(again) || !span_equal(buf_span(again), before))
        abort();
    buf_clear(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct firewall_door doors[FIREWALL_DOORS];
    struct error e = {0};
    struct door_order order;
    struct door_told told;
    struct address network;
    unsigned bits;
    size_t n = 0;
    int wrong = 0;
    struct span in = span_of(data, size);
    struct buf again = BUF_INIT(4096);
    if (door_order_decode(in, &order, &e) == 0) {
        door_order_encode(&again, &order);
        same(&again, in);
    }
    if (door_told_decode(in, &told, &e) == 0) {
        door_told_encode(&again, &told);
        same(&again, in);
    }
    if (network_parse(in, &network, &bits) && bits > (network.family == 4 ? 32u : 128u))
        abort();
    (void)firewall_read(in, 5, doors, &n, &wrong, &e);
    if (n > FIREWALL_DOORS || wrong < 0)
        abort();
    buf_release(&again);
    return 0;
}
