/* Any bytes as an attachment: what it is, what is in it. Every walk ends. */
#include "wire/attachment.h"
#include "wire/ole.h"
#include "wire/zip.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span whole, struct span part)
{
    if (part.n > 0 && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span file = span_of(data, size);
    struct span found;
    struct zip z;
    struct zip_entry e;
    struct ole o;
    struct ole_entry entry;
    const char *type = attachment_type(file);
    size_t n = 0;
    (void)attachment_look(type, file);
    (void)attachment_look("pdf", file);
    (void)attachment_look("rtf", file);
    (void)attachment_name(file, &type);
    (void)attachment_name_lies(file);
    if (zip_open(&z, file))
        while (zip_next(&z, &e)) {
            inside(file, e.name);
            inside(file, e.data);
            if (++n > ZIP_FILES)
                abort();
        }
    n = 0;
    if (ole_open(&o, file))
        while (ole_next(&o, &entry))
            if (++n > OLE_ENTRIES + 32)
                abort();
    for (struct span rest = file; attachment_pdf_uri(&rest, &found);)
        inside(file, found);
    for (struct span rest = file; attachment_pdf_stream(&rest, &found);)
        inside(file, found);
    for (struct span rest = file; attachment_tnef_name(&rest, &found);)
        inside(file, found);
    return 0;
}
