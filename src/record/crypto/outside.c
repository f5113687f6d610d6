#include "record/crypto/outside.h"

#include "record/crypto/x509_private.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

/* ── the request ── */

static bool add_extensions(X509_REQ *request, const char *const *names, size_t n)
{
    struct buf text = BUF_INIT(CERTIFICATE_NAMES * (CERTIFICATE_NAME + 8));
    for (size_t i = 0; i < n; i++) {
        uint8_t address[16];
        buf_addf(&text, "%s%s:%s", i > 0 ? "," : "", x509_address(names[i], address) > 0 ? "IP" : "DNS", names[i]);
    }
    STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, NULL, NULL, request, NULL, 0);
    const struct {
        int nid;
        const char *value;
    } wanted[] = {{NID_subject_alt_name, buf_text(&text)}, /* its names were checked: none has a comma */
                  {NID_key_usage, "critical,digitalSignature"},
                  {NID_ext_key_usage, "serverAuth,clientAuth"}};
    bool ok = all != NULL && buf_ok(&text);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0] && ok; i++) {
        X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, wanted[i].nid, wanted[i].value);
        ok = x != NULL && sk_X509_EXTENSION_push(all, x) > 0;
        if (!ok)
            X509_EXTENSION_free(x);
    }
    ok = ok && X509_REQ_add_extensions(request, all) == 1;
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    buf_release(&text);
    return ok;
}

static bool fill(X509_REQ *request, EVP_PKEY *key, const char *const *names, size_t n)
{
    char common[65];
    (void)snprintf(common, sizeof common, "%.64s", names[0]);
    return X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
           X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0) == 1 &&
           X509_REQ_set_pubkey(request, key) == 1 && add_extensions(request, names, n) && X509_REQ_sign(request, key, EVP_sha256()) > 0;
}

int outside_request(const char *const *names, size_t n, struct buf *key_out, struct buf *request_out, struct error *e)
{
    if (n == 0 || n > CERTIFICATE_NAMES)
        return err_set(e, ERR_MISUSE, "a certificate has 1 to %d names", CERTIFICATE_NAMES);
    for (size_t i = 0; i < n; i++)
        if (!certificate_name_valid(names[i]))
            return err_set(e, ERR_MISUSE, "\"%.80s\" is neither a host name nor an IP address", names[i]);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_REQ *request = X509_REQ_new();
    int rc = key == NULL || request == NULL || !fill(request, key, names, n) ? x509_failed(e, "making a certificate request") : 0;
    BIO *bio = rc != 0 ? NULL : BIO_new(BIO_s_secmem());
    if (rc == 0)
        rc = x509_take_bio(bio, bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1, key_out, e);
    bio = rc != 0 ? NULL : BIO_new(BIO_s_mem());
    if (rc == 0)
        rc = x509_take_bio(bio, bio != NULL && PEM_write_bio_X509_REQ(bio, request) == 1, request_out, e);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    return rc;
}

/* ── what comes back ── */

static const char *leaf_wrong(X509 *leaf, EVP_PKEY *key, tq_time now)
{
    struct certificate c;
    if (X509_check_private_key(leaf, key) != 1)
        return "it is not for the key of the last request: was another request made since?";
    if (!certificate_of(leaf, &c) || c.serial[0] == 0)
        return "it cannot be read";
    if (c.not_after <= now)
        return "it has ended already, or the clock is wrong";
    if (c.not_before > now)
        return "it has not begun yet, or the clock is wrong";
    if (c.authority)
        return "it is an authority's own: the first certificate has to be that of the request";
    bool tls = X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) == 1 || X509_check_purpose(leaf, X509_PURPOSE_SSL_CLIENT, 0) == 1;
    return tls ? NULL : "it is not for TLS";
}

static int accept_chain(BIO *bio, EVP_PKEY *key, tq_time now, struct buf *out, struct error *e)
{
    X509 *before = NULL;
    const char *wrong = NULL;
    int n = 0;
    for (X509 *x; wrong == NULL && (x = PEM_read_bio_X509(bio, NULL, x509_no_passphrase, NULL)) != NULL; n++) {
        if (n == OUTSIDE_CHAIN)
            wrong = "more certificates come with it than a chain has";
        else if (n == 0)
            wrong = leaf_wrong(x, key, now);
        else if (X509_check_issued(x, before) != X509_V_OK)
            wrong = "a certificate behind it did not make the one before: put them in order, its own first";
        if (wrong == NULL && x509_to_pem(x, out, e) != 0) {
            X509_free(x);
            X509_free(before);
            return -1;
        }
        X509_free(before);
        before = x;
    }
    X509_free(before);
    ERR_clear_error(); /* the end of the text counts as an error there */
    if (wrong == NULL && n == 0)
        wrong = "it is no PEM text";
    return wrong == NULL ? 0 : err_set(e, ERR_MISUSE, "the certificate is not taken: %s", wrong);
}

int outside_accept(struct span key_pem, struct span chain_pem, tq_time now, struct buf *chain_out, struct error *e)
{
    if (chain_pem.n == 0 || chain_pem.n > CERTIFICATE_PEM)
        return err_set(e, ERR_MISUSE, "the certificate is not taken: it is no PEM text");
    BIO *bio = BIO_new_mem_buf(key_pem.p, (int)key_pem.n);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, x509_no_passphrase, NULL);
    BIO_free(bio);
    bio = key == NULL ? NULL : BIO_new_mem_buf(chain_pem.p, (int)chain_pem.n);
    int rc = bio == NULL ? x509_failed(e, "reading the key of a request") : accept_chain(bio, key, now, chain_out, e);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return rc;
}
