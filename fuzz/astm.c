/* Any bytes as ASTM records. */
#include "wire/astm.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size);
    struct span record;
    struct hl7_delims d = {.field = '|', .repetition = '\\', .component = '^', .escape = '&'};
    while (astm_record(&rest, &record)) {
        struct span f[16];
        struct span code, text;
        struct astm_sender sender;
        (void)astm_delims(record, &d);
        size_t n = astm_fields(&d, record, f, 16);
        if (record.n == 0 || n < 2 || n > 16)
            abort();
        (void)astm_type(&d, record);
        for (size_t i = 1; i < 16; i++) {
            astm_test(&d, f[i], &code, &text);
            astm_sender(&d, f[i], &sender);
            struct span first = astm_first_component(&d, f[i]);
            if (code.n + text.n > f[i].n || first.n > f[i].n || sender.model.n + sender.maker.n + sender.serial.n + sender.software.n > f[i].n)
                abort();
        }
    }
    return 0;
}
