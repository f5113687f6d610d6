/* Certificates and certificate requests of others, PEM and DER; and the bytes of a link's TLS as the relay opens them. */
#include "record/crypto/x509.h"
#include "proc/link_tls.h"

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
    link_tls_free(link_tls_open(text, now, &e));
    return 0;
}
