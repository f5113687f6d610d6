#include "wire/ndp.h"

enum { SOLICITATION = 135, ADVERTISEMENT = 136, OPTION_SOURCE = 1, OPTION_TARGET = 2 };

bool ndp_decode(struct span s, struct span source, struct ndp *ret)
{
    static const uint8_t none[16];
    uint8_t type = span_u8(&s);
    uint8_t code = span_u8(&s);
    (void)span_skip(&s, 6); /* checksum, flags */
    struct span target = span_take(&s, 16);
    if (s.bad || code != 0 || source.n != 16 || (type != SOLICITATION && type != ADVERTISEMENT))
        return false;
    ret->ip = type == SOLICITATION ? source : target;
    if (memcmp(ret->ip.p, none, 16) == 0 || ret->ip.p[0] == 0xff)
        return false;
    while (s.n >= 8) {
        uint8_t option = span_u8(&s);
        size_t n = (size_t)span_u8(&s) * 8;
        if (n < 8)
            return false;
        struct span v = span_take(&s, n - 2);
        if (v.bad)
            return false;
        if (option == (type == SOLICITATION ? OPTION_SOURCE : OPTION_TARGET) && n == 8) {
            ret->mac = v;
            return true;
        }
    }
    return false;
}
