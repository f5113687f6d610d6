/* Any bytes as an HL7 message: segments, fields, escapes, times. */
#include "wire/hl7.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parts(const struct hl7_delims *d, struct span field)
{
    static uint8_t out[HL7_UNESCAPED(65536)];
    char time[HL7_TIME_TEXT];
    for (size_t i = 1; i < 4; i++) {
        struct span part = hl7_part(hl7_part(field, d->repetition, i), d->component, i);
        if (part.n <= 65536 && hl7_unescape(d, part, out) > HL7_UNESCAPED(part.n) - 4)
            abort();
        if (hl7_time(part, time) >= sizeof time)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span message = span_of(data, size);
    struct hl7_delims d;
    if (!hl7_delims(message, &d))
        d = (struct hl7_delims){.field = '|', .component = '^', .repetition = '~', .escape = '\\', .sub = '&'};
    d.charset = (uint8_t)(size % CHARSET_COUNT);
    struct span rest = message;
    struct span segment;
    size_t total = 0;
    while (hl7_segment(&d, &rest, &segment)) {
        struct span f[30];
        total += segment.n;
        size_t n = hl7_fields(&d, segment, f, 30);
        if (segment.n == 0 || n < 1 || n > 30)
            abort();
        for (size_t i = 0; i < 30; i++) {
            if (f[i].n > 0 && (f[i].p < segment.p || f[i].p + f[i].n > segment.p + segment.n))
                abort();
            parts(&d, f[i]);
        }
        (void)hl7_segment_named(&d, segment);
    }
    if (total > size)
        abort();
    return 0;
}
