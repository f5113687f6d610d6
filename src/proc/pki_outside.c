/* Certificates of our own that another authority makes: the key and the request lie in links/NAME.SIDE.request until the certificate comes. */
#include "proc/pki_files.h"
#include "proc/pki_private.h"
#include "record/crypto/outside.h"
#include "record/ledger/file.h"

#include <fcntl.h>
#include <stdio.h>

int pki_request(const char *link, const char *side, const char *names, struct buf *request, struct error *e)
{
    char copy[CERTIFICATE_NAMES_TEXT];
    char path[PKI_PATH];
    const char *list[CERTIFICATE_NAMES];
    size_t n = 0;
    if (pki_names(names, copy, list, &n, e) != 0)
        return -1;
    struct buf key = BUF_SECRET(CERTIFICATE_PEM);
    pki_request_path(link, side, path);
    int rc = outside_request(list, n, &key, request, e);
    buf_add_span(&key, buf_span(request));
    if (rc == 0)
        rc = buf_ok(&key) ? file_replace(AT_FDCWD, path, buf_span(&key), true, e) : err_set(e, ERR_SYSTEM, "no memory for a key");
    buf_release(&key);
    return rc;
}

/* Its names, with commas between; those that nothing can be done with are left out. */
static void join_names(const struct certificate *c, char out[CERTIFICATE_NAMES_TEXT])
{
    size_t n = 0;
    (void)snprintf(out, CERTIFICATE_NAMES_TEXT, "-");
    for (size_t i = 0; i < c->names_n; i++)
        if (certificate_name_valid(c->names[i]) && n + strlen(c->names[i]) + 2 < CERTIFICATE_NAMES_TEXT)
            n += (size_t)snprintf(out + n, CERTIFICATE_NAMES_TEXT - n, "%s%s", n > 0 ? "," : "", c->names[i]);
}

static int describe(const struct pki *p, const char *link, const char *side, struct span chain, tq_time now, struct api_certificate *ret,
                    struct error *e)
{
    struct certificate c;
    char names[CERTIFICATE_NAMES_TEXT];
    if (certificate_read(chain, &c, e) != 0)
        return -1;
    join_names(&c, names);
    if (pki_describe(chain, link, side, names, now, ret, e) != 0)
        return -1;
    ret->ours = ret->given = true;
    if (ret->not_after > now + PKI_GIVEN_YEARS * 365 * INT64_C(86400) * TIME_SECOND)
        ret->not_after = now + PKI_GIVEN_YEARS * 365 * INT64_C(86400) * TIME_SECOND;
    return pki_find(p, span_str(ret->serial)) == NULL ? 0
                                                      : err_set(e, ERR_MISUSE, "a certificate with this serial number stands in the list already");
}

int pki_install(struct pki *p, const char *link, const char *side, struct span pem, tq_time now, struct api_certificate *ret, struct error *e)
{
    char wanted[PKI_PATH];
    char path[PKI_PATH];
    struct buf key = BUF_SECRET(2 * CERTIFICATE_PEM);
    struct buf chain = BUF_INIT(CERTIFICATE_PEM / 2);
    struct api_certificate x;
    struct error why = {0};
    pki_request_path(link, side, wanted);
    pki_link_path(link, side, path);
    int rc = file_load(AT_FDCWD, wanted, CERTIFICATE_PEM, &key, &why);
    if (rc != 0 && why.class == ERR_CLOSED)
        rc = err_set(&why, ERR_MISUSE, "no request waits for a certificate there: tourniquet pki csr");
    if (rc == 0)
        rc = outside_accept(buf_span(&key), pem, now, &chain, &why);
    if (rc == 0)
        rc = describe(p, link, side, buf_span(&chain), now, &x, &why);
    if (rc == 0)
        rc = pki_add(p, &x, &why);
    if (rc == 0)
        rc = pki_keep_chain(x.serial, buf_span(&chain), &why);
    buf_add_span(&key, buf_span(&chain)); /* what stands between them, the request, is passed over */
    if (rc == 0)
        rc = buf_ok(&key) && key.n <= CERTIFICATE_PEM ? file_replace(AT_FDCWD, path, buf_span(&key), true, &why)
                                                      : err_set(&why, ERR_MISUSE, "the certificate's chain is too long");
    if (rc == 0)
        rc = file_remove(AT_FDCWD, wanted, &why);
    if (rc == 0)
        *ret = *pki_find(p, span_str(x.serial));
    else if (e != NULL)
        *e = why;
    buf_release(&key);
    buf_release(&chain);
    return rc;
}
