/* The payload of a UDP datagram as DHCP. */
#include "wire/dhcp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dhcp d;
    if (!dhcp_decode(span_of(data, size), &d))
        return 0;
    const struct span texts[2] = {d.hostname, d.vendor};
    for (int i = 0; i < 2; i++) {
        if (texts[i].n > 255 || (texts[i].n > 0 && (texts[i].p < data || texts[i].p + texts[i].n > data + size)))
            abort();
    }
    return 0;
}
