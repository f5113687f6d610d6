/* Time zone files (base/zone.h), as a machine may have them. */
#include "base/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone z;
    struct error e = {0};
    if (zone_read(span_of(data, size), &z, &e) != 0)
        return 0;
    for (int64_t t = -40; t < 60; t++) {
        int32_t offset = zone_offset(&z, t * 365 * 86400 * TIME_SECOND / 4);
        if (offset < -200 * 3600 || offset > 200 * 3600)
            abort();
        (void)zone_day(&z, t * 365 * 86400 * TIME_SECOND / 4);
    }
    return 0;
}
