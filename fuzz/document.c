/* Any bytes as OBX-5 of each type that may hold a document: the size told is never more than the bytes there are, and what is told lies in them.
 *
 * Input: type, then the value. */
#include "wire/document.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"ED", "RP", "TX", "FT", "ST", ""};
    static const struct hl7_delims d = {.field = '|', .component = '^', .repetition = '~', .escape = '\\', .sub = '&'};
    if (size < 1)
        return 0;
    struct span value = span_of(data + 1, size - 1);
    struct document doc;
    bool is = document_read(&d, span_str(types[data[0] % 6]), value, &doc);
    if (!is && (doc.type != NULL || doc.sized || doc.declared.n > 0))
        abort();
    if (doc.bytes > value.n || doc.declared.n > value.n)
        abort();
    if (doc.declared.n > 0 && (doc.declared.p < value.p || doc.declared.p + doc.declared.n > value.p + value.n))
        abort();
    (void)document_type(value);
    return 0;
}
