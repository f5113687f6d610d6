#include "base/text.h"
#include "lab/inventory/asset_private.h"

bool address_of_one_device(struct span ip)
{
    struct address a = {0};
    if (!address_parse(ip, &a))
        return false;
    static const uint8_t zero[16];
    if (memcmp(a.bytes, zero, sizeof zero) == 0)
        return false;
    if (a.family == 4)
        return a.bytes[0] < 224 && a.bytes[0] != 127 && a.bytes[0] != 0 && a.bytes[3] != 255;
    return a.bytes[0] != 0xff && !(memcmp(a.bytes, zero, 15) == 0 && a.bytes[15] == 1);
}

/* RFC 1918, link-local, RFC 6598 shared space, unique local and link-local IPv6. */
bool address_of_own_network(struct span ip)
{
    struct address a = {0};
    if (!address_parse(ip, &a))
        return false;
    const uint8_t *b = a.bytes;
    if (a.family == 6)
        return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
    return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) ||
           (b[0] == 100 && (b[1] & 0xc0) == 64);
}

bool mac_of_one_device(struct span mac)
{
    if (mac.n != 17 || span_is(mac, "00:00:00:00:00:00"))
        return false;
    uint8_t first = 0;
    return text_unhex(span_of(mac.p, 2), &first, 1) && (first & 1) == 0;
}

void address_network(struct span ip, struct buf *out)
{
    struct address a = {0};
    if (!address_parse(ip, &a))
        return;
    size_t host = a.family == 4 ? 3 : 8; /* the usual size of one segment: what is smaller or larger is a matter for a person's `zone` */
    memset(a.bytes + host, 0, sizeof a.bytes - host);
    char text[46];
    address_format(&a, text);
    buf_addf(out, "%s/%zu", text, 8 * host);
}
