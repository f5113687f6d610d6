#include "wire/tcp.h"

bool tcp_decode(struct span s, struct tcp *ret)
{
    struct span h = span_take(&s, 20);
    if (h.bad)
        return false;
    ret->sport = span_be16(&h);
    ret->dport = span_be16(&h);
    ret->seq = span_be32(&h);
    ret->ack = span_be32(&h);
    uint8_t offset = span_u8(&h) >> 4;
    ret->flags = span_u8(&h);
    ret->window = span_be16(&h);
    if (offset < 5 || !span_skip(&s, (size_t)offset * 4 - 20))
        return false;
    ret->payload = s;
    return true;
}
