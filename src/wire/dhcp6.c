#include "wire/dhcp6.h"

enum { OPTION_IA_NA = 3, OPTION_ADDRESS = 5, OPTION_VENDOR_CLASS = 16, OPTION_FQDN = 39 };

/* Options within an identity association for addresses (21.4): the first address. */
static struct span first_address(struct span ia)
{
    (void)span_skip(&ia, 12); /* its id, two times */
    while (ia.n >= 4) {
        uint16_t code = span_be16(&ia);
        struct span v = span_take(&ia, span_be16(&ia));
        if (!v.bad && code == OPTION_ADDRESS && v.n >= 16)
            return span_take(&v, 16);
    }
    return (struct span){0};
}

static void option(uint16_t code, struct span v, struct dhcp6 *d)
{
    if (code == OPTION_IA_NA && d->address.n == 0) {
        d->address = first_address(v);
    } else if (code == OPTION_VENDOR_CLASS && d->vendor.n == 0) {
        uint32_t enterprise = span_be32(&v);
        struct span class = span_take(&v, span_be16(&v));
        if (class.bad || class.n == 0)
            return;
        d->enterprise = enterprise;
        d->vendor = class;
    } else if (code == OPTION_FQDN) {
        (void)span_u8(&v);
        struct span label = span_take(&v, span_u8(&v));
        if (!label.bad && label.n <= 63)
            d->hostname = label;
    }
}

bool dhcp6_decode(struct span s, struct dhcp6 *ret)
{
    *ret = (struct dhcp6){.type = span_u8(&s)};
    if (ret->type < 1 || ret->type > 11 || !span_skip(&s, 3))
        return false;
    while (s.n > 0) {
        uint16_t code = span_be16(&s);
        struct span v = span_take(&s, span_be16(&s));
        if (s.bad)
            return false;
        option(code, v, ret);
    }
    return true;
}
