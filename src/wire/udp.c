#include "wire/udp.h"

bool udp_decode(struct span s, struct udp *ret)
{
    ret->sport = span_be16(&s);
    ret->dport = span_be16(&s);
    uint16_t length = span_be16(&s);
    (void)span_be16(&s);
    if (s.bad || (length != 0 && length < 8))
        return false;
    size_t promised = length == 0 ? s.n : (size_t)length - 8;
    size_t there = promised < s.n ? promised : s.n;
    ret->missing = (uint32_t)(promised - there);
    ret->payload = span_take(&s, there);
    return true;
}
