/* Any bytes as HTML: every token moves on and lies inside the text; addresses in it are read. */
#include "wire/html.h"
#include "wire/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span whole, struct span part)
{
    if (part.n > 0 && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        abort();
}

static void address(struct span text)
{
    struct buf scratch = BUF_INIT(65536);
    struct url u;
    char host[URL_HOST];
    if (url_read(text, &scratch, &u)) {
        inside(buf_span(&scratch), u.path);
        inside(buf_span(&scratch), u.query);
        inside(buf_span(&scratch), u.fragment);
        inside(buf_span(&scratch), u.userinfo);
        if (u.host_n >= URL_HOST || strlen(u.host) > u.host_n)
            abort();
    }
    (void)url_shown_host(text, host);
    buf_clear(&scratch);
    (void)url_punycode(text, &scratch);
    url_unescape(&scratch, text);
    buf_release(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span whole = span_of(data, size);
    struct html h = html_of(whole);
    struct html_token t;
    if (size > 65536)
        return 0;
    for (size_t left = size + 1; html_next(&h, &t) != HTML_END; left = h.rest.n) {
        struct span rest = t.attributes;
        struct span name;
        struct span value;
        struct buf out = BUF_INIT(1U << 20);
        if (h.rest.n >= left)
            abort();
        inside(whole, t.text);
        while (html_attribute_next(&rest, &name, &value)) {
            inside(whole, name);
            inside(whole, value);
            html_decode(&out, value);
            address(buf_span(&out));
            buf_clear(&out);
        }
        html_decode(&out, t.text);
        buf_release(&out);
    }
    struct span rest = whole;
    struct span url;
    while (url_next(&rest, &url)) {
        inside(whole, url);
        address(url);
    }
    return 0;
}
