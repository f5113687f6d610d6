/* The start of a TCP stream as a TLS ClientHello. What is whole must stay whole when more follows. */
#include "wire/tls.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_hello whole;
    enum tls_hello_status status = tls_hello_decode(span_of(data, size), &whole);
    if (status == TLS_HELLO_OK && whole.name.n > 0 && (whole.name.p < data || whole.name.p + whole.name.n > data + size || whole.name.n > 255))
        abort();
    bool settled = false;
    for (size_t n = 0; n < size && size < 4096; n++) {
        struct tls_hello part;
        enum tls_hello_status s = tls_hello_decode(span_of(data, n), &part);
        if (n > 0 && settled && s == TLS_HELLO_MORE)
            abort();
        settled = n > 0 && s != TLS_HELLO_MORE;
        if (s == TLS_HELLO_OK && (status != TLS_HELLO_OK || !span_equal(part.name, whole.name)))
            abort();
    }
    return 0;
}
