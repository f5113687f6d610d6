/* Certificate requests and certificates of others: good ones, hostile ones, and what is read of them. */
#include "../cmocka_all.h"

#include "record/crypto/authority.h"
#include "record/crypto/x509.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define NOW (INT64_C(1764000000) * TIME_SECOND)

static const char *const names[] = {"lis.example", "10.0.5.9"};

struct wanted {
    EVP_PKEY *key;
    const EVP_MD *digest;
    const char *common;
    int nid; /* of an extension; 0: none */
    const char *value;
    long version;
};

static X509_REQ *build(const struct wanted *w)
{
    X509_REQ *r = X509_REQ_new();
    assert_int_equal(X509_REQ_set_version(r, w->version), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(r), "CN", MBSTRING_UTF8, (const unsigned char *)w->common, -1, -1, 0), 1);
    assert_int_equal(X509_REQ_set_pubkey(r, w->key), 1);
    if (w->nid != 0) {
        STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
        X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, w->nid, w->value);
        assert_non_null(x);
        (void)sk_X509_EXTENSION_push(all, x);
        assert_int_equal(X509_REQ_add_extensions(r, all), 1);
        sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, w->digest, NULL, w->key), 1);
    assert_true(X509_REQ_sign_ctx(r, ctx) > 0);
    EVP_MD_CTX_free(ctx);
    return r;
}

static void to_der(X509_REQ *r, struct buf *out)
{
    uint8_t *p = NULL;
    int n = i2d_X509_REQ(r, &p);
    assert_true(n > 0);
    buf_clear(out);
    buf_add(out, p, (size_t)n);
    OPENSSL_free(p);
    X509_REQ_free(r);
}

static void expect(const struct wanted *w, const char *why)
{
    struct error e = {0};
    struct buf der = BUF_INIT(65536);
    to_der(build(w), &der);
    struct request_signed *r = request_signed_read(buf_span(&der), &e);
    if (why == NULL && r == NULL)
        fail_msg("%s", e.text);
    if (why != NULL) {
        if (r != NULL)
            fail_msg("it was taken, and not refused because: %s", why);
        assert_int_equal(e.class, ERR_PEER);
        if (strstr(e.text, why) == NULL)
            fail_msg("%s (expected: %s)", e.text, why);
    }
    request_signed_free(r);
    buf_release(&der);
}

static void keys(void **state)
{
    (void)state;
    EVP_PKEY *p256 = EVP_EC_gen("P-256");
    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    EVP_PKEY *p224 = EVP_EC_gen("P-224");
    EVP_PKEY *k256 = EVP_EC_gen("secp256k1");
    EVP_PKEY *rsa1 = EVP_RSA_gen(1024);
    EVP_PKEY *rsa2 = EVP_RSA_gen(2048);
    EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    expect(&(struct wanted){.key = p256, .digest = EVP_sha256(), .common = "lis.example"}, NULL);
    expect(&(struct wanted){.key = p384, .digest = EVP_sha384(), .common = "lis.example"}, NULL);
    expect(&(struct wanted){.key = rsa2, .digest = EVP_sha256(), .common = "lis.example"}, NULL);
    expect(&(struct wanted){.key = ed, .common = "lis.example"}, NULL);
    expect(&(struct wanted){.key = p224, .digest = EVP_sha256(), .common = "lis.example"}, "another curve");
    expect(&(struct wanted){.key = k256, .digest = EVP_sha256(), .common = "lis.example"}, "another curve");
    expect(&(struct wanted){.key = rsa1, .digest = EVP_sha256(), .common = "lis.example"}, "RSA key");
    expect(&(struct wanted){.key = rsa2, .digest = EVP_sha1(), .common = "lis.example"}, "hash that does not hold");
    expect(&(struct wanted){.key = p256, .digest = EVP_sha256(), .common = "lis.example", .nid = NID_basic_constraints, .value = "critical,CA:TRUE"},
           "authority");
    expect(&(struct wanted){.key = p256, .digest = EVP_sha256(), .common = "lis.example", .version = 1}, "version");
    EVP_PKEY *all[] = {p256, p384, p224, k256, rsa1, rsa2, ed};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        EVP_PKEY_free(all[i]);
}

/* Whatever byte of a request is another one, it is refused, or is the same to the letter: nobody can change what somebody signed. */
static void changed_bytes(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf der = BUF_INIT(65536);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    to_der(build(&(struct wanted){.key = key, .digest = EVP_sha256(), .common = "lis.example"}), &der);
    for (size_t i = 0; i < der.n; i++) {
        der.p[i] ^= 1;
        struct request_signed *r = request_signed_read(buf_span(&der), &e);
        if (r != NULL)
            fail_msg("a request with another byte at %zu is taken", i);
        der.p[i] ^= 1;
    }
    for (size_t n = 0; n < der.n; n++)
        assert_null(request_signed_read(span_of(der.p, n), &e));
    buf_u8(&der, 0);
    assert_null(request_signed_read(buf_span(&der), &e)); /* stray bytes */
    struct buf long_one = BUF_INIT(CERTIFICATE_REQUEST + 1);
    assert_true(buf_reserve(&long_one, CERTIFICATE_REQUEST + 1));
    memset(long_one.p, '-', CERTIFICATE_REQUEST + 1);
    long_one.n = CERTIFICATE_REQUEST + 1;
    assert_null(request_signed_read(buf_span(&long_one), &e));
    buf_release(&long_one);
    buf_release(&der);
    EVP_PKEY_free(key);
}

static void names_of_requests(void **state)
{
    (void)state;
    static const struct {
        const char *common;
        const char *san;
        bool good;
    } cases[] = {{"lis.example", NULL, true},
                 {"LIS.Example", "DNS:LIS.example, IP:10.0.5.9", true},
                 {"10.0.5.9", "IP:10.0.5.9", true},
                 {"", "DNS:lis.example", true},
                 {"lis.example.evil", NULL, false},
                 {"evil", "DNS:lis.example", false},
                 {"lis.example", "DNS:lis.example.evil", false},
                 {"lis.example", "DNS:*", false},
                 {"lis.example", "IP:10.0.5.90", false},
                 {"lis.example", "IP:::ffff:10.0.5.9", false},
                 {"lis.example", "RID:1.2.3.4", false}};
    struct error e = {0};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf der = BUF_INIT(65536);
        struct wanted w = {.key = key, .digest = EVP_sha256(), .common = cases[i].common[0] != 0 ? cases[i].common : "x", .value = cases[i].san};
        w.nid = cases[i].san != NULL ? NID_subject_alt_name : 0;
        X509_REQ *built = build(&w);
        if (cases[i].common[0] == 0) { /* no common name at all */
            X509_NAME *none = X509_NAME_new();
            assert_int_equal(X509_REQ_set_subject_name(built, none), 1);
            X509_NAME_free(none);
            assert_true(X509_REQ_sign(built, key, EVP_sha256()) > 0);
        }
        to_der(built, &der);
        struct request_signed *r = request_signed_read(buf_span(&der), &e);
        assert_non_null(r);
        bool taken = request_signed_names(r, names, 2, &e) == 0;
        if (taken != cases[i].good)
            fail_msg("%s, %s: %s", cases[i].common, cases[i].san, taken ? "taken" : e.text);
        request_signed_free(r);
        buf_release(&der);
    }
    /* a name with a zero in it is not the name before the zero */
    X509_REQ *built = build(&(struct wanted){.key = key, .digest = EVP_sha256(), .common = "lis.example"});
    X509_NAME *two = X509_NAME_new();
    assert_int_equal(X509_NAME_add_entry_by_NID(two, NID_commonName, V_ASN1_UTF8STRING, (const unsigned char *)"lis.example\0.evil", 17, -1, 0), 1);
    assert_int_equal(X509_REQ_set_subject_name(built, two), 1);
    X509_NAME_free(two);
    assert_true(X509_REQ_sign(built, key, EVP_sha256()) > 0);
    struct buf der = BUF_INIT(65536);
    to_der(built, &der);
    struct request_signed *r = request_signed_read(buf_span(&der), &e);
    assert_non_null(r);
    assert_int_equal(request_signed_names(r, names, 2, &e), -1);
    request_signed_free(r);
    buf_release(&der);
    EVP_PKEY_free(key);
}

static void certificates(void **state)
{
    (void)state;
    struct error e = {0};
    struct certificate c;
    struct authority *a = authority_new_links("main-street", NULL, 0, NOW, &e);
    struct buf key = BUF_SECRET(65536);
    struct buf chain = BUF_INIT(65536);
    struct authority_terms t = {.names = names, .n = 2, .uri = "tourniquet:link/chem/lis", .client = true, .now = NOW, .days = 90};
    assert_int_equal(authority_make(a, &t, &key, &chain, &e), 0);
    assert_int_equal(certificate_read(buf_span(&chain), &c, &e), 0);
    assert_string_equal(c.subject, "CN=lis.example,O=Tourniquet");
    assert_string_equal(c.issuer, "CN=main-street link authority,O=Tourniquet");
    assert_int_equal(strlen(c.serial), 32);
    assert_int_equal(c.names_n, 2);
    assert_string_equal(c.uri, "tourniquet:link/chem/lis");
    assert_false(c.authority);
    assert_true(c.not_before == NOW - 3600 * TIME_SECOND && c.not_after - c.not_before == 90 * 86400 * TIME_SECOND);
    char first[42];
    memcpy(first, c.serial, sizeof first);
    buf_clear(&key);
    buf_clear(&chain);
    assert_int_equal(authority_make(a, &t, &key, &chain, &e), 0);
    assert_int_equal(certificate_read(buf_span(&chain), &c, &e), 0);
    assert_string_not_equal(first, c.serial);
    t.days = 826;
    assert_int_equal(authority_make(a, &t, &key, &chain, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    t.days = 800; /* no longer than the authority lives */
    t.now = NOW + INT64_C(3600) * 86400 * TIME_SECOND;
    buf_clear(&key);
    buf_clear(&chain);
    assert_int_equal(authority_make(a, &t, &key, &chain, &e), 0);
    assert_int_equal(certificate_read(buf_span(&chain), &c, &e), 0);
    assert_true(c.not_after == NOW + (INT64_C(3652) * 86400 - 3600) * TIME_SECOND);
    assert_int_equal(certificate_read(SPAN_LIT("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), &c, &e), -1);
    assert_int_equal(e.class, ERR_CORRUPT);
    assert_int_equal(certificate_read((struct span){0}, &c, &e), -1);
    authority_free(a);
    buf_release(&key);
    buf_release(&chain);
}

static void valid_names(void **state)
{
    (void)state;
    static const char *const good[] = {"lis", "lis.example", "a-b.c", "10.0.5.9", "fe80::1", "::"};
    static const char *const bad[] = {"", ".", "a..b", "-a", "a-", "a_b", "*.example", "a b", "10.0.5.9/8", "lis.example.", "[::1]"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(certificate_name_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(certificate_name_valid(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),         cmocka_unit_test(changed_bytes), cmocka_unit_test(names_of_requests),
        cmocka_unit_test(certificates), cmocka_unit_test(valid_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
