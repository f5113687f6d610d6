#include "wire/arp.h"

static void take(struct span *s, uint8_t *out, size_t n)
{
    struct span v = span_take(s, n);
    if (!v.bad)
        memcpy(out, v.p, n);
}

bool arp_decode(struct span s, struct arp *ret)
{
    uint16_t hardware = span_be16(&s);
    uint16_t protocol = span_be16(&s);
    uint8_t hardware_size = span_u8(&s);
    uint8_t protocol_size = span_u8(&s);
    struct arp a = {.operation = span_be16(&s)};
    if (hardware != 1 || protocol != 0x0800 || hardware_size != 6 || protocol_size != 4)
        return false;
    take(&s, a.sender_mac, 6);
    take(&s, a.sender_ip, 4);
    take(&s, a.target_mac, 6);
    take(&s, a.target_ip, 4);
    if (s.bad)
        return false;
    *ret = a;
    return true;
}
