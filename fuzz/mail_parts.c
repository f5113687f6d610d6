/* Any bytes as header, parts and encodings of a message. Parts lie inside the message; decoded text is UTF-8. */
#include "wire/mail_head.h"
#include "wire/mail_tree.h"

#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span whole, struct span part)
{
    if (part.n > 0 && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mail_tree tree;
    struct span whole = span_of(data, size);
    if (size > 65536)
        return 0;
    mail_tree_read(&tree, whole);
    if (tree.n == 0 || tree.n > MAIL_PARTS)
        abort();
    for (size_t i = 0; i < tree.n; i++) {
        struct buf out = BUF_INIT(4096);
        inside(whole, tree.parts[i].head);
        inside(whole, tree.parts[i].body);
        if (tree.parts[i].parent >= tree.n || tree.parts[i].depth >= MAIL_DEPTH)
            abort();
        mail_decode(&out, tree.parts[i].encoding, tree.parts[i].body);
        if (!buf_ok(&out) || out.n > out.max)
            abort();
        buf_release(&out);
    }
    struct mail_field f;
    struct span rest = whole;
    while (mail_field_next(&rest, &f)) {
        struct buf out = BUF_INIT(1U << 20);
        struct mail_address a;
        struct span list = f.value;
        mail_words_decode(&out, f.value);
        (void)mail_parameter(f.value, "filename", &out);
        while (mail_address_next(&list, &a)) {
            inside(whole, a.address);
            mail_display_decode(&out, a.display);
            inside(whole, mail_domain(a.address));
        }
        (void)mail_charset_decode(&out, f.name, f.value);
        if (buf_ok(&out) && !text_is_utf8(buf_span(&out)))
            abort();
        buf_release(&out);
    }
    return 0;
}
