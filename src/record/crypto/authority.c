#include "record/crypto/authority.h"

#include "record/crypto/crypto.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define AUTHORITY_DAYS 3652 /* ten years */
#define NAME_MAX_BYTES 40
#define PEM_MAX 65536

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

static int failed(struct error *e, const char *what)
{
    ERR_clear_error();
    return err_set(e, ERR_SYSTEM, "%s failed in the cryptographic library (out of memory?)", what);
}

/* 128 random bits, positive and without a leading zero byte (RFC 5280, 4.1.2.2). */
static bool set_serial(X509 *x)
{
    uint8_t bytes[16];
    crypto_random(bytes, sizeof bytes);
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
    BN_free(number);
    return ok;
}

static bool set_period(X509 *x, tq_time now, unsigned days)
{
    time_t from = (time_t)(now / TIME_SECOND) - 3600; /* clients whose clocks are a little behind still take it */
    time_t to = from + (time_t)days * 86400;
    return ASN1_TIME_set(X509_getm_notBefore(x), from) != NULL && ASN1_TIME_set(X509_getm_notAfter(x), to) != NULL;
}

static bool set_name(X509_NAME *name, const char *common)
{
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Tourniquet", -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0) == 1;
}

/* value: OpenSSL's configuration text for the extension; only our own constants come here. */
static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = extension != NULL && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool fill_authority(X509 *x, EVP_PKEY *key, const char *common, tq_time now)
{
    X509_NAME *subject = X509_get_subject_name(x);
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && set_period(x, now, AUTHORITY_DAYS) && set_name(subject, common) &&
           X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key) == 1 &&
           add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") && add_extension(x, x, NID_subject_key_identifier, "hash") &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

struct authority *authority_new(const char *name, tq_time now, struct error *e)
{
    size_t n = strlen(name);
    if (n == 0 || n > NAME_MAX_BYTES) {
        (void)err_set(e, ERR_MISUSE, "the site's name has 1 to %d characters", NAME_MAX_BYTES);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (name[i] < 0x20 || name[i] > 0x7e) {
            (void)err_set(e, ERR_MISUSE, "the site's name has a character that is not printable ASCII at position %zu", i + 1);
            return NULL;
        }
    }
    char common[NAME_MAX_BYTES + 24];
    (void)snprintf(common, sizeof common, "%s site authority", name);
    struct authority *a = calloc(1, sizeof *a);
    if (a != NULL) {
        a->key = EVP_EC_gen("P-256");
        a->certificate = X509_new();
    }
    if (a == NULL || a->key == NULL || a->certificate == NULL || !fill_authority(a->certificate, a->key, common, now)) {
        authority_free(a);
        (void)failed(e, "making the site authority");
        return NULL;
    }
    return a;
}

/* Never asks a terminal for a pass phrase. */
static int no_passphrase(char *buf, int size, int rwflag, void *context)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)context;
    return -1;
}

static X509 *read_certificate(struct span pem)
{
    if (pem.n > PEM_MAX)
        return NULL;
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = in == NULL ? NULL : PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
    BIO_free(in);
    ERR_clear_error();
    return x;
}

struct authority *authority_load(struct span key_pem, struct span certificate_pem, struct error *e)
{
    struct authority *a = calloc(1, sizeof *a);
    if (a == NULL) {
        (void)failed(e, "reading the site authority");
        return NULL;
    }
    BIO *in = key_pem.n > PEM_MAX ? NULL : BIO_new_mem_buf(key_pem.p, (int)key_pem.n);
    a->key = in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
    BIO_free(in);
    a->certificate = read_certificate(certificate_pem);
    const char *why = NULL;
    if (a->key == NULL)
        why = "the key is not a readable PEM text";
    else if (a->certificate == NULL)
        why = "the certificate is not a readable PEM text";
    else if (X509_check_ca(a->certificate) != 1)
        why = "the certificate is not an authority's";
    else if (X509_check_private_key(a->certificate, a->key) != 1)
        why = "the key does not belong to the certificate";
    ERR_clear_error();
    if (why != NULL) {
        authority_free(a);
        (void)err_set(e, ERR_CORRUPT, "the site authority cannot be used: %s", why);
        return NULL;
    }
    return a;
}

void authority_free(struct authority *a)
{
    if (a == NULL)
        return;
    EVP_PKEY_free(a->key);
    X509_free(a->certificate);
    free(a);
}

/* Moves what was written to a memory BIO to out, and frees the BIO. */
static int take_bio(BIO *bio, bool ok, struct buf *out, struct error *e)
{
    char *p = NULL;
    long n = bio == NULL ? 0 : BIO_get_mem_data(bio, &p);
    if (ok && n > 0)
        buf_add(out, p, (size_t)n);
    BIO_free(bio);
    if (!ok || n <= 0 || !buf_ok(out))
        return failed(e, "writing PEM");
    return 0;
}

static int put_key(EVP_PKEY *key, struct buf *out, struct error *e)
{
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    bool ok = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    return take_bio(bio, ok, out, e);
}

static int put_certificate(X509 *x, struct buf *out, struct error *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio != NULL && PEM_write_bio_X509(bio, x) == 1;
    return take_bio(bio, ok, out, e);
}

int authority_key_pem(const struct authority *a, struct buf *out, struct error *e)
{
    return put_key(a->key, out, e);
}

int authority_certificate_pem(const struct authority *a, struct buf *out, struct error *e)
{
    return put_certificate(a->certificate, out, e);
}

static void fingerprint_of(const X509 *x, char out[AUTHORITY_FINGERPRINT])
{
    uint8_t digest[SHA256_SIZE] = {0};
    unsigned n = sizeof digest;
    (void)X509_digest(x, EVP_sha256(), digest, &n);
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(out + 3 * i, 4, "%02X%s", digest[i], i + 1 < sizeof digest ? ":" : "");
}

void authority_fingerprint(const struct authority *a, char out[AUTHORITY_FINGERPRINT])
{
    fingerprint_of(a->certificate, out);
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

/* Bytes of an address: 4 or 16; 0: the text is none. */
static int parse_address(const char *text, uint8_t out[16])
{
    return inet_pton(AF_INET, text, out) == 1 ? 4 : inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static int check_names(const char *const *names, size_t n, struct error *e)
{
    uint8_t address[16];
    if (n == 0 || n > AUTHORITY_NAMES_MAX)
        return err_set(e, ERR_MISUSE, "a server certificate has 1 to %d names", AUTHORITY_NAMES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (parse_address(names[i], address) == 0 && !is_host_name(names[i]))
            return err_set(e, ERR_MISUSE, "\"%.80s\" is neither a host name nor an IP address, so no certificate can be made for it", names[i]);
    }
    return 0;
}

/* text has been checked. NULL: no memory. */
static GENERAL_NAME *general_name(const char *text)
{
    uint8_t address[16];
    int n = parse_address(text, address);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = ASN1_STRING_type_new(n > 0 ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    if (name == NULL || value == NULL || ASN1_STRING_set(value, n > 0 ? (const void *)address : text, n > 0 ? n : (int)strlen(text)) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, n > 0 ? GEN_IPADD : GEN_DNS, value);
    return name;
}

static int add_names(X509 *x, const char *const *names, size_t n, struct error *e)
{
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    bool ok = all != NULL;
    for (size_t i = 0; i < n && ok; i++) {
        GENERAL_NAME *name = general_name(names[i]);
        ok = name != NULL && sk_GENERAL_NAME_push(all, name) > 0;
        if (!ok)
            GENERAL_NAME_free(name);
    }
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(all);
    return ok ? 0 : failed(e, "making a server certificate");
}

static bool fill_server(X509 *x, EVP_PKEY *key, const struct authority *a, const char *first, tq_time now, unsigned days)
{
    char common[65]; /* a common name has at most 64 characters; clients look at the alternative names */
    (void)snprintf(common, sizeof common, "%.64s", first);
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && set_period(x, now, days) && set_name(X509_get_subject_name(x), common) &&
           X509_set_issuer_name(x, X509_get_subject_name(a->certificate)) == 1 && X509_set_pubkey(x, key) == 1 &&
           add_extension(x, a->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, a->certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(x, a->certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(x, a->certificate, NID_subject_key_identifier, "hash") &&
           add_extension(x, a->certificate, NID_authority_key_identifier, "keyid:always");
}

int authority_issue(const struct authority *a, const char *const *names, size_t n, tq_time now, unsigned days, struct buf *key_out,
                    struct buf *chain_out, struct error *e)
{
    if (check_names(names, n, e) != 0)
        return -1;
    if (days == 0 || days > AUTHORITY_SERVER_DAYS_MAX)
        return err_set(e, ERR_MISUSE, "a server certificate lives 1 to %d days", AUTHORITY_SERVER_DAYS_MAX);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    int rc = key == NULL || x == NULL || !fill_server(x, key, a, names[0], now, days) ? failed(e, "making a server certificate") : 0;
    if (rc == 0)
        rc = add_names(x, names, n, e);
    if (rc == 0 && X509_sign(x, a->key, EVP_sha256()) <= 0)
        rc = failed(e, "signing a server certificate");
    if (rc == 0)
        rc = put_key(key, key_out, e);
    if (rc == 0)
        rc = put_certificate(x, chain_out, e);
    if (rc == 0)
        rc = put_certificate(a->certificate, chain_out, e);
    X509_free(x);
    EVP_PKEY_free(key);
    return rc;
}

int authority_inspect(struct span certificate_pem, tq_time *ret_not_after, char fingerprint[AUTHORITY_FINGERPRINT], struct error *e)
{
    X509 *x = read_certificate(certificate_pem);
    struct tm tm;
    if (x == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1) {
        X509_free(x);
        ERR_clear_error();
        return err_set(e, ERR_CORRUPT, "the certificate is not a readable PEM text");
    }
    int64_t seconds = time_from_civil(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday, (unsigned)tm.tm_hour, (unsigned)tm.tm_min,
                                      (unsigned)tm.tm_sec);
    *ret_not_after = seconds > INT64_MAX / TIME_SECOND ? INT64_MAX : seconds * TIME_SECOND;
    if (fingerprint != NULL)
        fingerprint_of(x, fingerprint);
    X509_free(x);
    return 0;
}
