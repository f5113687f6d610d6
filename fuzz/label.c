/* Names for generic traffic: no first segment and no datagram, on any ports, makes the checks read past their input.
 *
 * Input: two ports, then the bytes. */
#include "engine/sense/app_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span s = span_of(data, size);
    struct flow_ref flow = {.sport = span_be16(&s), .dport = span_be16(&s)};
    if (s.bad || s.n == 0)
        return 0;
    uint8_t *exact = malloc(s.n);
    if (exact == NULL)
        abort();
    memcpy(exact, s.p, s.n);
    flow.proto = 6;
    const char *tcp = app_label_stream(&flow, span_of(exact, s.n));
    flow.proto = 17;
    const char *udp = app_label_datagram(&flow, span_of(exact, s.n));
    if ((tcp != NULL && strlen(tcp) > 20) || (udp != NULL && strlen(udp) > 20))
        abort();
    free(exact);
    return 0;
}
