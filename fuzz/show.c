/* Any bytes as a kept message, in every form: what is shown lies in the text, fields are numbered upwards, and it ends.
 *
 * Input: form, then the message. */
#include "wire/show.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct span part, struct span text)
{
    if (part.n > 0 && (part.p < text.p || part.p + part.n > text.p + text.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 65536)
        return 0;
    enum show_form form = (enum show_form)(data[0] % 4);
    struct span bytes = span_of(data + 1, size - 1);
    struct buf plain = BUF_INIT(CHARSET_GROWTH * bytes.n + 8);
    const char *charset = NULL;
    struct span text = show_text(form, bytes, &plain, &charset);
    if (!buf_ok(&plain) || charset == NULL)
        abort();
    static struct show_reader r;
    struct show_line line;
    struct show_field field;
    size_t lines = 0;
    size_t shown = 0;
    show_start(&r, form, text);
    while (show_line(&r, &line)) {
        if (++lines > text.n || line.name.n > SHOW_NAME || show_left(&r) > text.n)
            abort();
        check_inside(line.name, text);
        size_t before = 0;
        while (show_field(&r, &field)) {
            check_inside(field.text, text);
            check_inside(field.name, text);
            if (field.number <= before || (field.text.n == 0) != field.withheld)
                abort();
            before = field.number;
            shown += field.text.n;
        }
    }
    if (shown > text.n)
        abort();
    buf_release(&plain);
    return 0;
}
