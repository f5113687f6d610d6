/* The authority of the links as files: what was made stays, a torn line goes, a code is good once. */
#include "../cmocka_all.h"

#include "base/text.h"
#include "proc/link_tls.h"
#include "proc/pki.h"
#include "proc/pki_files.h"
#include "record/crypto/x509.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY (INT64_C(86400) * TIME_SECOND)
#define NOW (INT64_C(1764000000) * TIME_SECOND)

static char folder[32];

static int begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/tq-pki-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return chdir(folder);
}

static int end(void **state)
{
    (void)state;
    char command[64];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return chdir("/") != 0 ? -1 : system(command);
}

static struct pki *opened(tq_time now)
{
    struct error e = {0};
    struct pki *p = pki_open(now, &e);
    if (p == NULL)
        fail_msg("%s", e.text);
    return p;
}

static struct pki *with_authority(void)
{
    struct error e = {0};
    struct pki *p = opened(NOW);
    assert_int_equal(pki_init(p, "main-street", NULL, 0, NOW, &e), 0);
    return p;
}

static off_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

/* A request for a common name and, unless NULL, alternative names in OpenSSL's notation. */
static void request(const char *common, const char *san, struct buf *out)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_REQ *r = X509_REQ_new();
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(r), "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0), 1);
    assert_int_equal(X509_REQ_set_pubkey(r, key), 1);
    if (san != NULL) {
        STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
        X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
        assert_non_null(x);
        (void)sk_X509_EXTENSION_push(all, x);
        assert_int_equal(X509_REQ_add_extensions(r, all), 1);
        sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    }
    assert_true(X509_REQ_sign(r, key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;
    assert_int_equal(PEM_write_bio_X509_REQ(bio, r), 1);
    long n = BIO_get_mem_data(bio, &p);
    buf_clear(out);
    buf_add(out, p, (size_t)n);
    BIO_free(bio);
    X509_REQ_free(r);
    EVP_PKEY_free(key);
}

static void makes_and_renews(void **state)
{
    (void)state;
    struct error e = {0};
    struct api_certificate first;
    struct api_certificate second;
    struct pki *p = opened(NOW);
    assert_int_equal(pki_make_own(p, "chem", "lis", "relay.example", NOW, &first, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    assert_int_equal(pki_init(p, "main-street", NULL, 0, NOW, &e), 0);
    assert_int_equal(pki_init(p, "main-street", NULL, 0, NOW, &e), -1);
    assert_true(pki_due(pki_own(p, "chem", "lis"), "relay.example", NOW));
    assert_int_equal(pki_make_own(p, "chem", "lis", "relay.example,10.0.5.1", NOW, &first, &e), 0);
    assert_true(size_of("links/chem.lis.pem") > 0);

    const struct api_certificate *own = pki_own(p, "chem", "lis");
    assert_non_null(own);
    assert_false(pki_due(own, "relay.example,10.0.5.1", NOW));
    assert_true(pki_due(own, "relay.example", NOW));                       /* other names */
    assert_false(pki_due(own, "relay.example,10.0.5.1", NOW + 243 * DAY)); /* two thirds of 365 days, less an hour */
    assert_true(pki_due(own, "relay.example,10.0.5.1", NOW + 244 * DAY));
    assert_true(pki_due(own, "relay.example,10.0.5.1", NOW - 2 * DAY)); /* made by a clock that was ahead */
    assert_null(pki_own(p, "chem", "analyzer"));

    assert_int_equal(pki_make_own(p, "chem", "lis", "relay.example,10.0.5.1", NOW + 244 * DAY, &second, &e), 0);
    assert_string_equal(second.replaces, first.serial);
    pki_free(p);
    p = opened(NOW + 244 * DAY);
    assert_int_equal(pki_count(p), 2);
    assert_true(pki_at(p, 0)->replaced);
    assert_string_equal(pki_own(p, "chem", "lis")->serial, second.serial);
    assert_string_equal(pki_at(p, 1)->replaces, first.serial);
    assert_int_equal(pki_make_own(p, "chem", "lis", "relay.example", NOW - DAY, &second, &e), -1); /* before the authority */
    assert_non_null(strstr(e.text, "clock"));
    assert_int_equal(pki_make_own(p, "chem", "lis", "relay.example", NOW + 3700 * DAY, &second, &e), -1); /* after it */
    assert_int_equal(pki_make_own(p, "chem", "lis", "relay example", NOW, &second, &e), -1);
    pki_free(p);
    p = opened(NOW + 2000 * DAY); /* ended long ago: forgotten, and still in the file */
    assert_int_equal(pki_count(p), 0);
    assert_true(size_of(PKI_ISSUED) > 0);
    pki_free(p);
}

static void revokes(void **state)
{
    (void)state;
    struct error e = {0};
    struct api_certificate x;
    struct api_certificate again;
    struct buf crl = BUF_INIT(65536);
    struct pki *p = with_authority();
    assert_int_equal(pki_make_own(p, "chem", "lis", "relay.example", NOW, &x, &e), 0);
    assert_int_equal(pki_revoke(p, SPAN_LIT("0123"), NOW, &again, &e), -1);
    assert_int_equal(pki_revoke(p, span_str(x.serial), NOW + DAY, &again, &e), 0);
    assert_true(again.revoked == NOW + DAY);
    assert_int_equal(pki_revoke(p, span_str(x.serial), NOW + DAY, &again, &e), -1);
    assert_null(pki_own(p, "chem", "lis")); /* so that another one is due */
    assert_int_equal(size_of(PKI_REVOKED), 65);
    assert_int_equal(pki_crl(p, NOW + DAY, &crl, &e), 0);
    BIO *bio = BIO_new_mem_buf(crl.p, (int)crl.n);
    X509_CRL *list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    assert_non_null(list);
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)), 1);
    X509_CRL_free(list);
    BIO_free(bio);
    pki_free(p);
    p = opened(NOW + DAY);
    assert_true(pki_find(p, span_str(x.serial))->revoked == NOW + DAY);
    pki_free(p);
    buf_release(&crl);
}

static void blocks_what_others_made(void **state)
{
    (void)state;
    struct error e = {0};
    struct api_certificate x;
    struct api_certificate seen = {.outside = true, .serial = "0102", .link = "chem", .side = "lis", .subject = "CN=lis", .not_after = INT64_MAX};
    memset(seen.fingerprint, 'a', 64);
    struct buf crl = BUF_INIT(65536);
    struct pki *p = with_authority();
    assert_int_equal(pki_block(p, &seen, NOW, &x, &e), 0);
    assert_true(x.revoked == NOW);
    assert_int_equal(size_of(PKI_REVOKED), 65);
    pki_free(p);
    p = opened(NOW);
    assert_int_equal(pki_count(p), 1);
    assert_true(pki_at(p, 0)->outside && pki_at(p, 0)->revoked == NOW);
    assert_string_equal(pki_at(p, 0)->fingerprint, seen.fingerprint);
    assert_int_equal(pki_crl(p, NOW, &crl, &e), 0); /* what others made is not ours to list */
    BIO *bio = BIO_new_mem_buf(crl.p, (int)crl.n);
    X509_CRL *list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    assert_true(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)) <= 0);
    X509_CRL_free(list);
    BIO_free(bio);
    assert_int_equal(pki_chain(p, SPAN_LIT("0102"), &crl, &e), -1);
    assert_int_equal(pki_make_own(p, "chem", "lis", "relay.example", NOW, &x, &e), 0);
    assert_int_equal(pki_revoke(p, span_str(x.serial), NOW, &x, &e), 0);
    assert_int_equal(size_of(PKI_REVOKED), 130);
    pki_free(p);
    buf_release(&crl);
}

static void torn_and_damaged(void **state)
{
    (void)state;
    struct error e = {0};
    struct api_certificate x;
    struct pki *p = with_authority();
    assert_int_equal(pki_make_own(p, "chem", "lis", "relay.example", NOW, &x, &e), 0);
    pki_free(p);
    off_t whole = size_of(PKI_ISSUED);
    int fd = open(PKI_ISSUED, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "made 1764000", 12), 12); /* the machine stopped here */
    (void)close(fd);
    p = opened(NOW);
    assert_int_equal(pki_count(p), 1);
    assert_int_equal(pki_make_own(p, "haem", "lis", "relay.example", NOW, &x, &e), 0);
    pki_free(p);
    p = opened(NOW);
    assert_int_equal(pki_count(p), 2);
    pki_free(p);
    fd = open(PKI_ISSUED, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, whole), 1);
    (void)close(fd);
    assert_null(pki_open(NOW, &e));
    assert_int_equal(e.class, ERR_CORRUPT);
}

static struct api_enrolment of_lis(void)
{
    return (struct api_enrolment){.link = "chem", .side = "lis", .names = "lis.example,10.0.5.9", .days = 90};
}

static void enrols_once(void **state)
{
    (void)state;
    struct error e = {0};
    struct api_certificate x;
    char code[ENROLMENT_CODE];
    struct api_enrolment n = of_lis();
    struct buf csr = BUF_INIT(65536);
    struct buf chain = BUF_INIT(65536);
    struct pki *p = with_authority();
    assert_int_equal(pki_enrol(p, &n, NOW, NOW + DAY, code, &e), 0);
    assert_int_equal(strlen(code), 17);
    pki_free(p);
    struct buf kept = BUF_INIT(4096); /* the code is not in the file, nor without its dashes */
    int fd = open(PKI_ENROLMENTS, O_RDONLY | O_CLOEXEC);
    assert_true(buf_reserve(&kept, 4000));
    kept.n = (size_t)read(fd, kept.p, 4000);
    (void)close(fd);
    assert_null(memmem(kept.p, kept.n, code, 5));
    buf_release(&kept);

    p = opened(NOW);
    assert_int_equal(pki_enrolment_count(p), 1);
    request("lis.example", "DNS:lis.example,IP:10.0.5.9", &csr);
    assert_int_equal(pki_redeem(p, SPAN_LIT("00000-00000-00000"), buf_span(&csr), NOW, &x, &chain, &e), -1);
    assert_int_equal(e.class, ERR_LOCKED);
    char typed[32] = "";
    for (size_t i = 0, to = 0; code[i] != 0; i++) /* as people type it */
        if (code[i] != '-')
            typed[to++] = code[i] == '0' ? 'o' : code[i] == '1' ? 'l' : (char)(code[i] >= 'A' ? code[i] | 0x20 : code[i]);
    assert_int_equal(pki_redeem(p, span_str(typed), buf_span(&csr), NOW, &x, &chain, &e), 0);
    assert_false(x.ours);
    struct certificate c;
    assert_int_equal(certificate_read(buf_span(&chain), &c, &e), 0);
    assert_string_equal(c.serial, x.serial);
    assert_string_equal(c.uri, "tourniquet:link/chem/lis");
    assert_int_equal(c.names_n, 2);
    assert_string_equal(c.names[0], "lis.example");
    assert_string_equal(c.names[1], "10.0.5.9");
    assert_true(c.not_after == NOW - 3600 * TIME_SECOND + 90 * DAY);
    assert_int_equal(pki_redeem(p, span_str(code), buf_span(&csr), NOW, &x, &chain, &e), -1);
    assert_int_equal(e.class, ERR_LOCKED);
    buf_clear(&chain);
    assert_int_equal(pki_chain(p, span_str(c.serial), &chain, &e), 0);
    pki_free(p);
    p = opened(NOW);
    assert_int_equal(pki_enrolment_count(p), 0);
    assert_int_equal(pki_count(p), 1);
    pki_free(p);
    buf_release(&csr);
    buf_release(&chain);
}

static void refuses_requests(void **state)
{
    (void)state;
    static const struct {
        const char *common;
        const char *san;
    } bad[] = {{"evil.example", NULL},
               {"lis.example", "DNS:evil.example"},
               {"lis.example", "DNS:lis.example,IP:10.0.5.10"},
               {"lis.example", "DNS:*.example"},
               {"lis.example", "URI:tourniquet:link/haem/lis"},
               {"lis.example", "email:a@lis.example"}};
    struct error e = {0};
    struct api_certificate x;
    char code[ENROLMENT_CODE];
    struct api_enrolment n = of_lis();
    struct buf csr = BUF_INIT(65536);
    struct buf chain = BUF_INIT(65536);
    struct pki *p = with_authority();
    assert_int_equal(pki_enrol(p, &n, NOW, NOW + DAY, code, &e), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        request(bad[i].common, bad[i].san, &csr);
        assert_int_equal(pki_redeem(p, span_str(code), buf_span(&csr), NOW, &x, &chain, &e), -1);
        assert_int_equal(e.class, ERR_PEER);
    }
    assert_int_equal(pki_count(p), 0);
    assert_int_equal(pki_redeem(p, span_str(code), SPAN_LIT("no request"), NOW, &x, &chain, &e), -1);
    request("LIS.example", NULL, &csr);
    assert_int_equal(pki_redeem(p, span_str(code), buf_span(&csr), NOW + 2 * DAY, &x, &chain, &e), -1); /* too late */
    assert_int_equal(e.class, ERR_LOCKED);

    n = of_lis();
    assert_int_equal(pki_enrol(p, &n, NOW, NOW + DAY, code, &e), 0);
    request("evil.example", NULL, &csr);
    for (int i = 0; i < PKI_TRIES; i++)
        assert_int_equal(pki_redeem(p, span_str(code), buf_span(&csr), NOW, &x, &chain, &e), -1);
    assert_int_equal(pki_redeem(p, span_str(code), buf_span(&csr), NOW, &x, &chain, &e), -1);
    assert_int_equal(e.class, ERR_LOCKED); /* so many tries end it */

    n = of_lis();
    assert_int_equal(pki_enrol(p, &n, NOW, NOW + DAY, code, &e), 0);
    struct api_enrolment gone;
    assert_int_equal(pki_withdraw(p, span_str(n.id), &gone, &e), 0);
    assert_int_equal(pki_withdraw(p, span_str(n.id), &gone, &e), -1);
    request("lis.example", NULL, &csr);
    assert_int_equal(pki_redeem(p, span_str(code), buf_span(&csr), NOW, &x, &chain, &e), -1);
    (void)snprintf(n.names, sizeof n.names, "lis.example,*.example");
    assert_int_equal(pki_enrol(p, &n, NOW, NOW + DAY, code, &e), -1);
    pki_free(p);
    buf_release(&csr);
    buf_release(&chain);
}

static void an_enrolment_fills_up(void **state)
{
    (void)state;
    struct error e = {0};
    char code[ENROLMENT_CODE];
    struct pki *p = with_authority();
    for (int i = 0; i < PKI_ENROLMENTS_MAX; i++) {
        struct api_enrolment n = of_lis();
        assert_int_equal(pki_enrol(p, &n, NOW, NOW + DAY, code, &e), 0);
    }
    struct api_enrolment n = of_lis();
    assert_int_equal(pki_enrol(p, &n, NOW, NOW + DAY, code, &e), -1);
    assert_int_equal(e.class, ERR_LIMIT);
    assert_int_equal(pki_enrol(p, &n, NOW + 2 * DAY, NOW + 3 * DAY, code, &e), 0); /* the old ones have ended */
    assert_int_equal(pki_enrolment_count(p), 1);
    pki_free(p);
}

static void permits_names(void **state)
{
    (void)state;
    struct error e = {0};
    struct api_certificate x;
    const char *permit[] = {"lab.example", "10.0.0.0/8"};
    const char *bad[] = {"10.0.0.0/33"};
    struct pki *p = opened(NOW);
    assert_int_equal(pki_init(p, "main-street", bad, 1, NOW, &e), -1);
    assert_int_equal(pki_init(p, "main-street", permit, 2, NOW, &e), 0);
    assert_int_equal(pki_make_own(p, "chem", "lis", "relay.lab.example,10.2.3.4", NOW, &x, &e), 0);
    struct buf chain = BUF_INIT(65536);
    struct buf root = BUF_INIT(65536);
    assert_int_equal(pki_chain(p, span_str(x.serial), &chain, &e), 0);
    assert_int_equal(pki_chain(p, SPAN_LIT(""), &root, &e), 0);
    assert_int_equal(pki_make_own(p, "chem", "analyzer", "10.2.3.4", NOW, &x, &e), 0);
    assert_int_equal(pki_make_own(p, "haem", "lis", "relay.elsewhere", NOW, &x, &e), 0);
    struct buf other = BUF_INIT(65536);
    assert_int_equal(pki_chain(p, span_str(x.serial), &other, &e), 0);
    for (int i = 0; i < 2; i++) { /* who checks sees what it may not have */
        struct buf *leaf_text = i == 0 ? &chain : &other;
        BIO *bio = BIO_new_mem_buf(root.p, (int)root.n);
        X509 *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        BIO_free(bio);
        bio = BIO_new_mem_buf(leaf_text->p, (int)leaf_text->n);
        X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        BIO_free(bio);
        X509_STORE *store = X509_STORE_new();
        X509_STORE_CTX *ctx = X509_STORE_CTX_new();
        assert_int_equal(X509_STORE_add_cert(store, ca), 1);
        assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, NULL), 1);
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)(NOW / TIME_SECOND));
        assert_int_equal(X509_verify_cert(ctx), i == 0);
        if (i == 1)
            assert_int_equal(X509_STORE_CTX_get_error(ctx), X509_V_ERR_PERMITTED_VIOLATION);
        X509_STORE_CTX_free(ctx);
        X509_STORE_free(store);
        X509_free(leaf);
        X509_free(ca);
    }
    pki_free(p);
    buf_release(&chain);
    buf_release(&root);
    buf_release(&other);
}

/* ── made by another authority ── */

static EVP_PKEY *key_of(const char *path)
{
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    (void)fclose(f);
    assert_non_null(key);
    return key;
}

/* A certificate for this key by `by` (NULL: itself), as PEM behind what is there. */
static X509 *vendor(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *by, int days, struct buf *out)
{
    X509 *x = X509_new();
    X509V3_CTX ctx;
    assert_non_null(x);
    (void)X509_set_version(x, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 77 + days);
    (void)ASN1_TIME_set(X509_getm_notBefore(x), NOW / TIME_SECOND - 86400);
    (void)ASN1_TIME_set(X509_getm_notAfter(x), NOW / TIME_SECOND + (time_t)days * 86400);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    (void)X509_set_issuer_name(x, X509_get_subject_name(issuer == NULL ? x : issuer));
    (void)X509_set_pubkey(x, key);
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer == NULL ? x : issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    (void)X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    e = issuer == NULL ? NULL : X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, "DNS:box.example,IP:10.0.5.2");
    if (e != NULL)
        (void)X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    assert_true(X509_sign(x, by == NULL ? key : by, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    (void)PEM_write_bio_X509(bio, x);
    long n = BIO_get_mem_data(bio, &text);
    buf_add(out, text, (size_t)n);
    BIO_free(bio);
    return x;
}

static const char *refused(struct pki *p, const struct buf *pem)
{
    static struct error e;
    struct api_certificate x;
    e = (struct error){0};
    assert_int_equal(pki_install(p, "chem", "lis", buf_span(pem), NOW, &x, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    return e.text;
}

static void made_outside(void **state)
{
    struct pki *p = with_authority();
    struct buf request = BUF_INIT(CERTIFICATE_PEM);
    struct buf root_pem = BUF_INIT(CERTIFICATE_PEM);
    struct buf pem = BUF_INIT(CERTIFICATE_PEM);
    struct api_certificate own;
    struct api_certificate x;
    struct error e = {0};
    (void)state;
    assert_int_equal(pki_make_own(p, "chem", "lis", "box.example", NOW, &own, &e), 0);
    EVP_PKEY *vendor_key = EVP_EC_gen("P-256");
    X509 *root = vendor(vendor_key, "Vendor", NULL, NULL, 3650, &root_pem);
    assert_non_null(strstr(refused(p, &root_pem), "no request waits"));
    assert_int_equal(pki_request("chem", "lis", "box.example,a b", &request, &e), -1);
    assert_int_equal(pki_request("chem", "lis", "box.example,10.0.5.2", &request, &e), 0);
    struct request_signed *signed_one = request_signed_read(buf_span(&request), &e);
    assert_non_null(signed_one);
    static const char *const names[] = {"box.example", "10.0.5.2"};
    assert_int_equal(request_signed_names(signed_one, names, 2, &e), 0);
    assert_int_equal(request_signed_names(signed_one, names, 1, &e), -1);
    request_signed_free(signed_one);
    struct stat st;
    assert_int_equal(stat("links/chem.lis.request", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    EVP_PKEY *key = key_of("links/chem.lis.request");
    /* what does not fit */
    X509 *leaf = vendor(vendor_key, "box.example", root, vendor_key, 90, &pem);
    assert_non_null(strstr(refused(p, &pem), "not for the key"));
    X509_free(leaf);
    buf_clear(&pem);
    leaf = vendor(key, "box.example", root, vendor_key, -1, &pem);
    assert_non_null(strstr(refused(p, &pem), "ended"));
    X509_free(leaf);
    buf_clear(&pem);
    leaf = vendor(key, "box.example", NULL, NULL, 30, &pem);
    assert_non_null(strstr(refused(p, &pem), "authority"));
    X509_free(leaf);
    buf_clear(&pem);
    buf_add_str(&pem, "no PEM at all");
    assert_non_null(strstr(refused(p, &pem), "no PEM"));
    buf_clear(&pem);
    leaf = vendor(key, "box.example", root, vendor_key, 90, &pem);
    X509_free(vendor(vendor_key, "Stranger", NULL, NULL, 90, &pem));
    assert_non_null(strstr(refused(p, &pem), "did not make"));
    assert_ptr_equal(pki_own(p, "chem", "lis"), pki_find(p, span_str(own.serial)));
    /* what fits, with what made it */
    buf_clear(&pem);
    X509_free(leaf);
    leaf = vendor(key, "box.example", root, vendor_key, 90, &pem);
    buf_add_span(&pem, buf_span(&root_pem));
    if (pki_install(p, "chem", "lis", buf_span(&pem), NOW, &x, &e) != 0)
        fail_msg("%s", e.text);
    assert_true(x.ours && x.given && x.renew_at == 0);
    assert_string_equal(x.names, "box.example,10.0.5.2");
    assert_string_equal(x.replaces, own.serial);
    assert_int_equal(stat("links/chem.lis.request", &st), -1);
    EVP_PKEY *shown = key_of("links/chem.lis.pem");
    assert_int_equal(EVP_PKEY_eq(shown, key), 1);
    /* it stays, also over a start, and is never renewed by our own */
    pki_free(p);
    p = opened(NOW);
    const struct api_certificate *now = pki_own(p, "chem", "lis");
    assert_non_null(now);
    assert_true(now->given && strcmp(now->serial, x.serial) == 0);
    assert_false(pki_due(now, "other.example", NOW + 100 * DAY));
    assert_int_equal(pki_request("chem", "lis", "box.example", &request, &e), 0);
    assert_non_null(strstr(refused(p, &pem), "not for the key"));
    /* what is revoked of it is no matter of our list of revoked ones, and our own takes its place */
    assert_int_equal(pki_revoke(p, span_str(x.serial), NOW, &x, &e), 0);
    assert_true(pki_due(pki_own(p, "chem", "lis"), "box.example", NOW));
    struct buf crl = BUF_INIT(CERTIFICATE_PEM);
    assert_int_equal(pki_crl(p, NOW, &crl, &e), 0);
    BIO *bio = BIO_new_mem_buf(crl.p, (int)crl.n);
    X509_CRL *list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    assert_non_null(list);
    assert_true(X509_CRL_get_REVOKED(list) == NULL || sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)) == 0);
    X509_CRL_free(list);
    BIO_free(bio);
    buf_release(&crl);
    EVP_PKEY_free(shown);
    EVP_PKEY_free(key);
    EVP_PKEY_free(vendor_key);
    X509_free(leaf);
    X509_free(root);
    buf_release(&request);
    buf_release(&root_pem);
    buf_release(&pem);
    pki_free(p);
}

/* ── the authority after this one ── */

static void succession(void **state)
{
    struct pki *p = with_authority();
    struct api_certificate own;
    struct api_certificate first;
    struct api_certificate x;
    struct api_certificate other;
    struct error e = {0};
    struct buf text = BUF_INIT(CERTIFICATE_PEM);
    (void)state;
    assert_int_equal(pki_make_own(p, "chem", "lis", "box.example", NOW, &own, &e), 0);
    assert_true(pki_authority(p, &first));
    assert_false(pki_next(p, &x) || pki_former(p, &x));
    assert_int_equal(pki_switch(p, &x, &e), -1);
    assert_int_equal(pki_drop(p, &x, &e), -1);
    assert_int_equal(pki_make_next(p, "main-street", NULL, 0, NOW + DAY, &x, &e), 0);
    assert_int_equal(pki_make_next(p, "main-street", NULL, 0, NOW, &other, &e), -1);
    assert_true(pki_next(p, &other) && strcmp(other.serial, x.serial) == 0 && other.not_after > first.not_after);
    assert_true(pki_authority(p, &other) && strcmp(other.serial, first.serial) == 0); /* still */
    /* whoever asks for the authority gets both */
    assert_int_equal(pki_chain(p, (struct span){0}, &text, &e), 0);
    const char *second = strstr(buf_text(&text) + 1, "-----BEGIN CERTIFICATE");
    assert_non_null(second);
    assert_null(strstr(second + 1, "-----BEGIN CERTIFICATE"));
    /* the machine stops right after the certificate was put in its place: the next start goes on */
    struct buf pem = BUF_INIT(CERTIFICATE_PEM);
    FILE *f = fopen(PKI_NEXT, "re");
    assert_non_null(f);
    char piece[4096];
    buf_add(&pem, piece, fread(piece, 1, sizeof piece, f));
    (void)fclose(f);
    pki_free(p);
    f = fopen(PKI_AUTHORITY, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(pem.p, 1, pem.n, f), pem.n);
    (void)fclose(f);
    buf_release(&pem);
    p = opened(NOW);
    assert_true(pki_authority(p, &other) && strcmp(other.serial, x.serial) == 0);
    assert_false(pki_next(p, &other));
    assert_int_equal(size_of(PKI_NEXT_KEY), -1);
    /* once more, as it goes: the former one is known until it is dropped */
    assert_int_equal(pki_make_next(p, "main-street", NULL, 0, NOW, &x, &e), 0);
    assert_int_equal(pki_switch(p, &other, &e), 0);
    assert_string_equal(other.serial, x.serial);
    assert_int_equal(pki_make_own(p, "chem", "lis", "box.example", NOW, &own, &e), 0);
    assert_int_equal(pki_make_next(p, "main-street", NULL, 0, NOW, &x, &e), -1); /* one change at a time */
    pki_free(p);
    p = opened(NOW);
    assert_true(pki_former(p, &x) && pki_authority(p, &other) && strcmp(x.serial, other.serial) != 0);
    assert_int_equal(pki_drop(p, &x, &e), 0);
    assert_false(pki_former(p, &x));
    buf_release(&text);
    pki_free(p);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(makes_and_renews), IN_FOLDER(revokes),          IN_FOLDER(blocks_what_others_made), IN_FOLDER(torn_and_damaged),
        IN_FOLDER(enrols_once),      IN_FOLDER(refuses_requests), IN_FOLDER(an_enrolment_fills_up),   IN_FOLDER(permits_names),
        IN_FOLDER(made_outside),     IN_FOLDER(succession),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
