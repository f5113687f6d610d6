/* Certificates and certificate requests of others, PEM and DER; what another authority made of a request of ours; and the bytes of a link's TLS as
 * the relay opens them. */
#include "proc/link_tls.h"
#include "record/crypto/outside.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tq_time now(void)
{
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"lis.example", "10.0.5.9"};
    struct span text = span_of(data, size);
    struct certificate c;
    struct error e = {0};
    if (certificate_read(text, &c, &e) == 0 && (c.names_n > CERTIFICATE_NAMES || strlen(c.subject) >= sizeof c.subject))
        abort();
    for (size_t i = 0; i < c.names_n && e.class == ERR_NONE; i++)
        if (!certificate_name_valid(c.names[i]))
            abort();
    struct request_signed *r = request_signed_read(text, &e);
    if (r != NULL) {
        uint8_t pin[32];
        (void)request_signed_names(r, names, 2, &e);
        request_signed_pin(r, pin);
        request_signed_free(r);
    }
    static struct buf key = BUF_SECRET(4096);
    struct buf chain = BUF_INIT(2 * CERTIFICATE_PEM);
    if (key.n == 0) {
        struct buf request = BUF_INIT(CERTIFICATE_REQUEST);
        if (outside_request(names, 2, &key, &request, &e) != 0)
            abort();
        buf_release(&request);
    }
    if (outside_accept(buf_span(&key), text, 0, &chain, &e) == 0)
        abort(); /* nobody knows the key */
    buf_release(&chain);
    link_tls_free(link_tls_open(text, now, &e));
    return 0;
}
