#include "wire/dhcp.h"

#include <stdio.h>

static void fixed(struct span *s, uint8_t *out, size_t n)
{
    struct span v = span_take(s, n);
    if (!v.bad)
        memcpy(out, v.p, n);
}

/* Option 81 (RFC 4702): flags, two result bytes, then the name: plain text, or labels of DNS when flag E is set. Only the first label is of use. */
static struct span fqdn_host(struct span v)
{
    uint8_t flags = span_u8(&v);
    (void)span_skip(&v, 2);
    if (flags & 0x04) {
        size_t n = span_u8(&v);
        return n > 63 ? (struct span){0} : span_take(&v, n);
    }
    return span_until(&v, '.', NULL);
}

static void option(uint8_t code, struct span v, struct dhcp *d, struct span *fqdn)
{
    switch (code) {
    case 12: d->hostname = v; break;
    case 50:
        if (v.n == 4)
            fixed(&v, d->requested_ip, 4);
        break;
    case 53:
        if (v.n == 1)
            d->type = span_peek(&v, 0);
        break;
    case 54:
        if (v.n == 4)
            fixed(&v, d->server_ip, 4);
        break;
    case 55: d->options = v; break;
    case 60: d->vendor = v; break;
    case 81: *fqdn = fqdn_host(v); break;
    default: break;
    }
}

bool dhcp_decode(struct span s, struct dhcp *ret)
{
    struct dhcp d = {0};
    uint8_t operation = span_u8(&s);
    uint8_t hardware = span_u8(&s);
    uint8_t size = span_u8(&s);
    (void)span_skip(&s, 9); /* hops, transaction, seconds, flags */
    fixed(&s, d.client_ip, 4);
    fixed(&s, d.your_ip, 4);
    (void)span_skip(&s, 8); /* next server, relay */
    fixed(&s, d.mac, 6);
    (void)span_skip(&s, 10 + 64 + 128); /* rest of the address, server name, file */
    uint32_t cookie = span_be32(&s);
    if (s.bad || cookie != 0x63825363 || (operation != 1 && operation != 2) || hardware != 1 || size != 6)
        return false;
    d.reply = operation == 2;
    struct span fqdn = {0};
    while (s.n > 0) {
        uint8_t code = span_u8(&s);
        if (code == 255)
            break;
        if (code == 0)
            continue;
        struct span v = span_take(&s, span_u8(&s));
        if (v.bad)
            break;
        option(code, v, &d, &fqdn);
    }
    if (d.hostname.n == 0 && !fqdn.bad)
        d.hostname = fqdn;
    while (d.hostname.n > 0 && d.hostname.p[d.hostname.n - 1] == 0) /* some clients count a final zero */
        d.hostname.n--;
    *ret = d;
    return true;
}

size_t dhcp_options_text(struct span options, char out[DHCP_OPTIONS_TEXT])
{
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < options.n && n + 5 < DHCP_OPTIONS_TEXT; i++)
        n += (size_t)snprintf(out + n, DHCP_OPTIONS_TEXT - n, "%s%u", i > 0 ? "," : "", options.p[i]);
    return n;
}
