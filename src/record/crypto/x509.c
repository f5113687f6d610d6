#include "record/crypto/x509_private.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define RSA_LEAST 2048
#define RSA_MOST 8192 /* a longer one costs more to check than it protects */
#define EXPONENT_LEAST 65537
#define EXTENSIONS_MAX 32

/* ── shared with authority.c ── */

int x509_failed(struct error *e, const char *what)
{
    ERR_clear_error();
    return err_set(e, ERR_SYSTEM, "%s failed in the cryptographic library (out of memory?)", what);
}

int x509_no_passphrase(char *buf, int size, int rwflag, void *context)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)context;
    return -1;
}

X509 *x509_from_pem(struct span pem)
{
    if (pem.n > CERTIFICATE_PEM)
        return NULL;
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = in == NULL ? NULL : PEM_read_bio_X509(in, NULL, x509_no_passphrase, NULL);
    BIO_free(in);
    ERR_clear_error();
    return x;
}

int x509_take_bio(BIO *bio, bool ok, struct buf *out, struct error *e)
{
    char *p = NULL;
    long n = bio == NULL ? 0 : BIO_get_mem_data(bio, &p);
    if (ok && n > 0)
        buf_add(out, p, (size_t)n);
    BIO_free(bio);
    return ok && n > 0 && buf_ok(out) ? 0 : x509_failed(e, "writing PEM");
}

int x509_to_pem(X509 *x, struct buf *out, struct error *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio != NULL && PEM_write_bio_X509(bio, x) == 1;
    return x509_take_bio(bio, ok, out, e);
}

/* ── names ── */

int x509_address(const char *text, uint8_t out[16])
{
    return inet_pton(AF_INET, text, out) == 1 ? 4 : inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

/* Letters, digits, hyphens inside labels of 1 to 63, at most 253 together (RFC 1123, section 2.1). No wildcard. */
static bool is_host_name(const char *s)
{
    size_t n = strlen(s);
    if (n == 0 || n > 253)
        return false;
    size_t label = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '.') {
            if (label == 0 || s[i - 1] == '-')
                return false;
            label = 0;
            continue;
        }
        if (!(isascii(c) && isalnum(c)) && !(c == '-' && label > 0))
            return false;
        if (++label > 63)
            return false;
    }
    return label > 0 && s[n - 1] != '-';
}

bool certificate_name_valid(const char *name)
{
    uint8_t address[16];
    return x509_address(name, address) > 0 || is_host_name(name);
}

/* One alternative name as text, in out. False: neither host name nor address, or no well-formed one. */
static bool name_text(const GENERAL_NAME *name, char out[CERTIFICATE_NAME])
{
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD)
        return false;
    const uint8_t *p = ASN1_STRING_get0_data(value);
    int n = ASN1_STRING_length(value);
    if (type == GEN_IPADD)
        return (n == 4 || n == 16) && inet_ntop(n == 4 ? AF_INET : AF_INET6, p, out, CERTIFICATE_NAME) != NULL;
    if (n <= 0 || n >= CERTIFICATE_NAME || memchr(p, 0, (size_t)n) != NULL)
        return false;
    memcpy(out, p, (size_t)n);
    out[n] = 0;
    return is_host_name(out);
}

/* Printable ASCII of a name, RFC 2253; what does not fit is cut. */
static void put_subject(const X509_NAME *name, char out[256])
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;
    long n = 0;
    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
        n = BIO_get_mem_data(bio, &p);
    size_t at = 0;
    for (long i = 0; i < n && at < 255; i++)
        if (p[i] >= 0x20 && p[i] <= 0x7e)
            out[at++] = p[i];
    out[at] = 0;
    BIO_free(bio);
}

/* ── certificates ── */

static bool time_of(const ASN1_TIME *from, tq_time *ret)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(from, &tm) != 1)
        return false;
    int64_t s = time_from_civil(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday, (unsigned)tm.tm_hour, (unsigned)tm.tm_min,
                                (unsigned)tm.tm_sec);
    *ret = s > INT64_MAX / TIME_SECOND ? INT64_MAX : s < INT64_MIN / TIME_SECOND ? INT64_MIN : s * TIME_SECOND;
    return true;
}

static void put_serial(const X509 *x, char out[42])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    const uint8_t *p = ASN1_STRING_get0_data(serial);
    int n = ASN1_STRING_length(serial);
    out[0] = 0;
    for (int i = 0; n <= 20 && i < n; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", p[i]);
}

static void put_names(const X509 *x, struct certificate *ret)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        int type = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
        if (ret->names_n < CERTIFICATE_NAMES && name_text(name, ret->names[ret->names_n]))
            ret->names_n++;
        int n = type == GEN_URI ? ASN1_STRING_length(value) : 0;
        if (ret->uri[0] == 0 && n > 0 && n < CERTIFICATE_NAME && memchr(ASN1_STRING_get0_data(value), 0, (size_t)n) == NULL)
            memcpy(ret->uri, ASN1_STRING_get0_data(value), (size_t)n); /* the rest is zeros */
    }
    GENERAL_NAMES_free(names);
}

bool certificate_of(X509 *x, struct certificate *ret)
{
    unsigned n = sizeof ret->fingerprint;
    *ret = (struct certificate){0};
    uint8_t *key = NULL;
    int key_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
    bool ok = key_n > 0 && X509_digest(x, EVP_sha256(), ret->fingerprint, &n) == 1 &&
              EVP_Digest(key, (size_t)key_n, ret->pin, NULL, EVP_sha256(), NULL) == 1 && time_of(X509_get0_notBefore(x), &ret->not_before) &&
              time_of(X509_get0_notAfter(x), &ret->not_after);
    OPENSSL_free(key);
    if (ok) {
        put_subject(X509_get_subject_name(x), ret->subject);
        put_subject(X509_get_issuer_name(x), ret->issuer);
        put_serial(x, ret->serial);
        put_names(x, ret);
        ret->authority = X509_check_ca(x) > 0;
    }
    ERR_clear_error();
    return ok;
}

int certificate_read(struct span text, struct certificate *ret, struct error *e)
{
    const uint8_t *p = text.p;
    X509 *x = NULL;
    if (text.n > 0 && text.n <= CERTIFICATE_PEM && text.p[0] == 0x30)
        x = d2i_X509(NULL, &p, text.n);
    else if (text.n > 0)
        x = x509_from_pem(text);
    bool ok = x != NULL && certificate_of(x, ret);
    X509_free(x);
    ERR_clear_error();
    return ok ? 0 : err_set(e, ERR_CORRUPT, "the certificate is not a readable PEM text");
}

/* ── requests ── */

static bool rsa_fits(const EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    int bits = EVP_PKEY_get_bits(key);
    bool ok = bits >= RSA_LEAST && bits <= RSA_MOST && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_odd(exponent) &&
              BN_num_bits(exponent) <= 64 && BN_get_word(exponent) >= EXPONENT_LEAST;
    BN_free(exponent);
    return ok;
}

static bool curve_fits(const EVP_PKEY *key)
{
    static const char *const curves[] = {SN_X9_62_prime256v1, SN_secp384r1, SN_secp521r1};
    char group[32];
    size_t n = 0;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &n) != 1)
        return false;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(group, curves[i]) == 0)
            return true;
    return false;
}

static const char *key_wrong(const EVP_PKEY *key)
{
    if (key == NULL)
        return "its key cannot be read";
    if (EVP_PKEY_is_a(key, "RSA"))
        return rsa_fits(key) ? NULL : "its RSA key is shorter than 2048 bits, longer than 8192, or has a weak exponent";
    if (EVP_PKEY_is_a(key, "EC"))
        return curve_fits(key) ? NULL : "its key is on another curve than P-256, P-384 or P-521";
    return EVP_PKEY_is_a(key, "ED25519") ? NULL : "its key is neither ECDSA nor Ed25519 nor RSA";
}

static X509_REQ *parse_request(struct span text)
{
    const uint8_t *p = text.p;
    if (text.n == 0 || text.n > CERTIFICATE_REQUEST)
        return NULL;
    X509_REQ *r = NULL;
    if (text.p[0] == 0x30) {
        r = d2i_X509_REQ(NULL, &p, text.n);
        if (r != NULL && p != text.p + text.n) {
            X509_REQ_free(r);
            r = NULL;
        }
    } else {
        BIO *in = BIO_new_mem_buf(text.p, (int)text.n);
        r = in == NULL ? NULL : PEM_read_bio_X509_REQ(in, NULL, x509_no_passphrase, NULL);
        BIO_free(in);
    }
    ERR_clear_error();
    return r;
}

static bool signed_with_weak_hash(const X509_REQ *r)
{
    int digest = 0;
    int kind = 0;
    if (OBJ_find_sigid_algs(X509_REQ_get_signature_nid(r), &digest, &kind) != 1)
        return true;
    return digest == NID_md5 || digest == NID_sha1 || digest == NID_md5_sha1 || digest == NID_md4 || digest == NID_md2;
}

static bool asks_for_authority(X509_REQ *r)
{
    STACK_OF(X509_EXTENSION) *all = X509_REQ_get_extensions(r);
    BASIC_CONSTRAINTS *b = X509V3_get_d2i(all, NID_basic_constraints, NULL, NULL);
    bool asks = sk_X509_EXTENSION_num(all) > EXTENSIONS_MAX || (b != NULL && b->ca != 0);
    BASIC_CONSTRAINTS_free(b);
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return asks;
}

struct request_signed *request_signed_read(struct span text, struct error *e)
{
    struct request_signed *r = calloc(1, sizeof *r);
    if (r == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for a certificate request");
        return NULL;
    }
    r->request = parse_request(text);
    r->key = r->request == NULL ? NULL : X509_REQ_get_pubkey(r->request);
    const char *why = NULL;
    if (r->request == NULL)
        why = "it cannot be read: it must be a PEM text that begins with -----BEGIN CERTIFICATE REQUEST-----";
    else if (X509_REQ_get_version(r->request) != X509_REQ_VERSION_1)
        why = "its version is not 1";
    else if ((why = key_wrong(r->key)) == NULL) {
        if (signed_with_weak_hash(r->request))
            why = "it is signed with a hash that does not hold (MD5, SHA-1) or is not known";
        else if (X509_REQ_verify(r->request, r->key) != 1)
            why = "its signature does not fit: it was changed, or made with another key";
        else if (asks_for_authority(r->request))
            why = "it asks to become an authority";
    }
    ERR_clear_error();
    if (why == NULL)
        return r;
    request_signed_free(r);
    (void)err_set(e, ERR_PEER, "the request cannot be used: %s", why);
    return NULL;
}

void request_signed_free(struct request_signed *r)
{
    if (r == NULL)
        return;
    EVP_PKEY_free(r->key);
    X509_REQ_free(r->request);
    free(r);
}

/* Compared as text for host names (without regard to case) and as bytes for addresses. */
static bool among(const char *name, const char *const *names, size_t n)
{
    uint8_t a[16];
    uint8_t b[16];
    int bytes = x509_address(name, a);
    for (size_t i = 0; i < n; i++)
        if (bytes > 0 ? x509_address(names[i], b) == bytes && memcmp(a, b, (size_t)bytes) == 0 : strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static int check_common_name(const X509_REQ *r, const char *const *names, size_t n, struct error *e)
{
    X509_NAME *subject = X509_REQ_get_subject_name(r);
    for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) {
        uint8_t *text = NULL;
        int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
        char name[CERTIFICATE_NAME] = "";
        bool whole = length >= 0 && length < CERTIFICATE_NAME && (length == 0 || memchr(text, 0, (size_t)length) == NULL);
        if (whole && length > 0)
            memcpy(name, text, (size_t)length);
        OPENSSL_free(text);
        if (!whole || (name[0] != 0 && !among(name, names, n)))
            return err_set(e, ERR_PEER, "the request's common name is none of the names that this enrolment is for (%s%s)", names[0],
                           n > 1 ? ", …" : "");
    }
    return 0;
}

int request_signed_names(const struct request_signed *r, const char *const *names, size_t n, struct error *e)
{
    if (check_common_name(r->request, names, n, e) != 0)
        return -1;
    STACK_OF(X509_EXTENSION) *all = X509_REQ_get_extensions(r->request);
    int critical = 0;
    GENERAL_NAMES *asked = X509V3_get_d2i(all, NID_subject_alt_name, &critical, NULL);
    int rc = asked == NULL && critical != -1 ? err_set(e, ERR_PEER, "the request's alternative names cannot be read") : 0;
    for (int i = 0; rc == 0 && i < sk_GENERAL_NAME_num(asked); i++) {
        char name[CERTIFICATE_NAME];
        if (!name_text(sk_GENERAL_NAME_value(asked, i), name))
            rc = err_set(e, ERR_PEER, "the request asks for a name that is neither a host name nor an address");
        else if (!among(name, names, n))
            rc = err_set(e, ERR_PEER, "the request asks for the name %.80s, which this enrolment is not for", name);
    }
    GENERAL_NAMES_free(asked);
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    ERR_clear_error();
    return rc;
}

void request_signed_pin(const struct request_signed *r, uint8_t out[32])
{
    uint8_t *key = NULL;
    int n = i2d_PUBKEY(r->key, &key);
    memset(out, 0, 32);
    if (n > 0)
        (void)EVP_Digest(key, (size_t)n, out, NULL, EVP_sha256(), NULL);
    OPENSSL_free(key);
}
