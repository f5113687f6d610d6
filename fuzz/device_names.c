/* The readers of what names devices, one by the first byte of the input: they end, and what they give lies in the input. */
#include "wire/banner.h"
#include "wire/browse.h"
#include "wire/dhcp.h"
#include "wire/dhcp6.h"
#include "wire/ja4.h"
#include "wire/names.h"
#include "wire/ndp.h"
#include "wire/neighbour.h"
#include "wire/ntlm.h"
#include "wire/snmp.h"
#include "wire/tls_certificate.h"
#include "wire/wsd.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span outer, struct span s)
{
    if (s.n > 0 && (s.p < outer.p || s.p + s.n > outer.p + outer.n))
        abort();
}

static void fuzz_names(struct span s)
{
    struct names n;
    struct names_record r;
    char text[16];
    uint8_t kind;
    if (!names_start(s, &n))
        return;
    while (names_next(&n, &r)) {
        inside(s, r.data);
        if (r.n >= NAMES_TEXT || names_netbios(&r, text, &kind) > 15)
            abort();
    }
}

static void fuzz_neighbour(struct span s, bool cdp)
{
    struct neighbour n;
    (void)(cdp ? cdp_decode(s, &n) : lldp_decode(s, &n));
    inside(s, n.name);
    inside(s, n.software);
    inside(s, n.model);
    inside(s, n.maker);
    inside(s, n.serial);
}

static void fuzz_dhcp6(struct span s)
{
    struct dhcp6 d;
    if (!dhcp6_decode(s, &d))
        return;
    inside(s, d.hostname);
    inside(s, d.vendor);
    inside(s, d.address);
    if (d.address.n != 0 && d.address.n != 16)
        abort();
}

static void fuzz_frames(struct span s)
{
    static const uint8_t source[16] = {0xfe, 0x80, [15] = 1};
    struct browse b;
    struct ndp n;
    if (browse_decode(s, &b))
        inside(s, b.name);
    if (ndp_decode(s, span_of(source, 16), &n)) {
        inside(s, n.mac);
        if (n.mac.n != 6 || n.ip.n != 16)
            abort();
    }
}

static void fuzz_text(struct span s)
{
    struct wsd w;
    struct banner b;
    if (wsd_decode(s, &w)) {
        inside(s, w.model);
        inside(s, w.name);
    }
    if (banner_sip(s, &b))
        inside(s, b.text);
    inside(s, banner_ssdp_type(s));
    inside(s, banner_upnp(s, "modelName"));
    inside(s, banner_ipp(s));
}

static void fuzz_tls(struct span s)
{
    struct span name;
    char print[JA4_TEXT];
    char options[DHCP_OPTIONS_TEXT];
    if (tls_certificate(s, &name) == TLS_HELLO_OK)
        inside(s, name);
    if (ja4(s, print) && strlen(print) != JA4_TEXT - 1)
        abort();
    if (dhcp_options_text(s, options) != strlen(options))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span s = span_of(data + 1, size - 1);
    struct snmp_system system;
    struct banner b;
    struct ntlm n;
    switch (data[0] % 10) {
    case 0:
        if (snmp_system(s, &system)) {
            inside(s, system.name);
            inside(s, system.description);
        }
        break;
    case 1: fuzz_neighbour(s, false); break;
    case 2: fuzz_neighbour(s, true); break;
    case 3: fuzz_names(s); break;
    case 4:
        if (ntlm_find(s, &n) && memchr(n.host, 0, sizeof n.host) == NULL)
            abort();
        break;
    case 5:
        (void)banner_unfinished(s);
        if (banner_stream(s, &b) || banner_ssdp(s, &b))
            inside(s, b.text);
        break;
    case 6: fuzz_dhcp6(s); break;
    case 7: fuzz_text(s); break;
    case 9: fuzz_frames(s); break;
    default: fuzz_tls(s); break;
    }
    return 0;
}
