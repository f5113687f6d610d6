#include "record/crypto/authority.h"

#include "record/crypto/crypto.h"
#include "record/crypto/x509_private.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#define AUTHORITY_DAYS 3652 /* ten years */
#define NAME_MAX_BYTES 40
#define CRL_SLACK 3600

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

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

/* From a little before now, so that clients whose clocks are behind still take it; not beyond `most` (NULL: no end). */
static bool set_period(X509 *x, tq_time now, unsigned days, const ASN1_TIME *most)
{
    time_t from = (time_t)(now / TIME_SECOND) - 3600;
    time_t to = from + (time_t)days * 86400;
    if (ASN1_TIME_set(X509_getm_notBefore(x), from) == NULL || ASN1_TIME_set(X509_getm_notAfter(x), to) == NULL)
        return false;
    return most == NULL || ASN1_TIME_compare(X509_get0_notAfter(x), most) <= 0 || X509_set1_notAfter(x, most) == 1;
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

/* One permitted or excluded name: a host name with all below it ("": every one), or addresses with their mask. */
static bool add_subtree(STACK_OF(GENERAL_SUBTREE) * *list, int type, const void *value, int n)
{
    GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
    ASN1_STRING *text = ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
    if (*list == NULL)
        *list = sk_GENERAL_SUBTREE_new_null();
    if (tree == NULL || text == NULL || *list == NULL || ASN1_STRING_set(text, value, n) != 1) {
        GENERAL_SUBTREE_free(tree);
        ASN1_STRING_free(text);
        return false;
    }
    GENERAL_NAME_set0_value(tree->base, type, text);
    if (sk_GENERAL_SUBTREE_push(*list, tree) > 0)
        return true;
    GENERAL_SUBTREE_free(tree);
    return false;
}

/* "10.0.0.0/8" as address and mask. Bytes of both together; 0: it is none. */
static int parse_network(const char *text, uint8_t out[32])
{
    char address[CERTIFICATE_NAME];
    uint64_t bits = 0;
    size_t at = strcspn(text, "/");
    if (text[at] == 0 || at >= sizeof address)
        return 0;
    memcpy(address, text, at);
    address[at] = 0;
    int n = x509_address(address, out);
    if (n == 0 || !span_decimal(span_str(text + at + 1), (uint64_t)n * 8, &bits))
        return 0;
    for (int i = 0; i < n; i++) {
        unsigned left = bits > (uint64_t)i * 8 ? (unsigned)(bits - (uint64_t)i * 8) : 0;
        out[n + i] = left >= 8 ? 0xff : (uint8_t)(0xff00u >> left);
        out[i] &= out[n + i];
    }
    return 2 * n;
}

/* Name constraints (RFC 5280, 4.2.1.10): of the kind that nothing is permitted of, everything is excluded. */
static bool constrain(X509 *x, const char *const *permit, size_t n)
{
    static const uint8_t every[32] = {0};
    NAME_CONSTRAINTS *c = NAME_CONSTRAINTS_new();
    bool dns = false;
    bool ok = c != NULL;
    bool ip = false;
    for (size_t i = 0; ok && i < n; i++) {
        uint8_t network[32];
        int bytes = parse_network(permit[i], network);
        ok = bytes > 0 ? add_subtree(&c->permittedSubtrees, GEN_IPADD, network, bytes)
                       : add_subtree(&c->permittedSubtrees, GEN_DNS, permit[i], (int)strlen(permit[i]));
        ip = ip || bytes > 0;
        dns = dns || bytes == 0;
    }
    if (ok && !dns)
        ok = add_subtree(&c->excludedSubtrees, GEN_DNS, "", 0);
    if (ok && !ip)
        ok = add_subtree(&c->excludedSubtrees, GEN_IPADD, every, 8) && add_subtree(&c->excludedSubtrees, GEN_IPADD, every, 32);
    ok = ok && X509_add1_ext_i2d(x, NID_name_constraints, c, 1, X509V3_ADD_DEFAULT) == 1;
    NAME_CONSTRAINTS_free(c);
    return ok;
}

static bool fill_authority(X509 *x, EVP_PKEY *key, const char *common, tq_time now)
{
    X509_NAME *subject = X509_get_subject_name(x);
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && set_period(x, now, AUTHORITY_DAYS, NULL) && set_name(subject, common) &&
           X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key) == 1 &&
           add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") && add_extension(x, x, NID_subject_key_identifier, "hash");
}

static int check_site(const char *name, struct error *e)
{
    size_t n = strlen(name);
    if (n == 0 || n > NAME_MAX_BYTES)
        return err_set(e, ERR_MISUSE, "the site's name has 1 to %d characters", NAME_MAX_BYTES);
    for (size_t i = 0; i < n; i++)
        if (name[i] < 0x20 || name[i] > 0x7e)
            return err_set(e, ERR_MISUSE, "the site's name has a character that is not printable ASCII at position %zu", i + 1);
    return 0;
}

static struct authority *make(const char *site, const char *what, bool links, const char *const *permit, size_t permit_n, tq_time now,
                              struct error *e)
{
    char common[NAME_MAX_BYTES + 24];
    if (check_site(site, e) != 0)
        return NULL;
    (void)snprintf(common, sizeof common, "%s %s authority", site, what);
    struct authority *a = calloc(1, sizeof *a);
    if (a != NULL) {
        a->key = EVP_EC_gen("P-256");
        a->certificate = X509_new();
    }
    bool ok = a != NULL && a->key != NULL && a->certificate != NULL && fill_authority(a->certificate, a->key, common, now);
    ok = ok && (!links || add_extension(a->certificate, a->certificate, NID_ext_key_usage, "serverAuth,clientAuth"));
    ok = ok && (permit_n == 0 || constrain(a->certificate, permit, permit_n)) && X509_sign(a->certificate, a->key, EVP_sha256()) > 0;
    if (ok)
        return a;
    authority_free(a);
    (void)x509_failed(e, "making the authority");
    return NULL;
}

struct authority *authority_new(const char *name, tq_time now, struct error *e)
{
    return make(name, "site", false, NULL, 0, now, e);
}

struct authority *authority_new_links(const char *name, const char *const *permit, size_t n, tq_time now, struct error *e)
{
    uint8_t network[32];
    for (size_t i = 0; i < n; i++)
        if (i >= CERTIFICATE_NAMES || (parse_network(permit[i], network) == 0 && !certificate_name_valid(permit[i]))) {
            (void)err_set(e, ERR_MISUSE, "\"%.80s\" is neither a host name nor a network (10.0.0.0/8), or there are over %d", permit[i],
                          CERTIFICATE_NAMES);
            return NULL;
        }
    return make(name, "link", true, permit, n, now, e);
}

struct authority *authority_load(struct span key_pem, struct span certificate_pem, struct error *e)
{
    struct authority *a = calloc(1, sizeof *a);
    if (a == NULL) {
        (void)x509_failed(e, "reading the site authority");
        return NULL;
    }
    BIO *in = key_pem.n > CERTIFICATE_PEM ? NULL : BIO_new_mem_buf(key_pem.p, (int)key_pem.n);
    a->key = in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, x509_no_passphrase, NULL);
    BIO_free(in);
    a->certificate = x509_from_pem(certificate_pem);
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

static int put_key(EVP_PKEY *key, struct buf *out, struct error *e)
{
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    bool ok = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    return x509_take_bio(bio, ok, out, e);
}

int authority_key_pem(const struct authority *a, struct buf *out, struct error *e)
{
    return put_key(a->key, out, e);
}

int authority_certificate_pem(const struct authority *a, struct buf *out, struct error *e)
{
    return x509_to_pem(a->certificate, out, e);
}

static void put_fingerprint(const uint8_t digest[SHA256_SIZE], char out[AUTHORITY_FINGERPRINT])
{
    for (size_t i = 0; i < SHA256_SIZE; i++)
        (void)snprintf(out + 3 * i, 4, "%02X%s", digest[i], i + 1 < SHA256_SIZE ? ":" : "");
}

void authority_fingerprint(const struct authority *a, char out[AUTHORITY_FINGERPRINT])
{
    uint8_t digest[SHA256_SIZE] = {0};
    unsigned n = sizeof digest;
    (void)X509_digest(a->certificate, EVP_sha256(), digest, &n);
    put_fingerprint(digest, out);
}

static int check_terms(const struct authority_terms *t, struct error *e)
{
    if (t->n == 0 || t->n > AUTHORITY_NAMES_MAX)
        return err_set(e, ERR_MISUSE, "a certificate has 1 to %d names", AUTHORITY_NAMES_MAX);
    for (size_t i = 0; i < t->n; i++)
        if (!certificate_name_valid(t->names[i]))
            return err_set(e, ERR_MISUSE, "\"%.80s\" is neither a host name nor an IP address, so no certificate can be made for it", t->names[i]);
    if (t->days == 0 || t->days > (t->client ? AUTHORITY_LINK_DAYS_MAX : AUTHORITY_SERVER_DAYS_MAX))
        return err_set(e, ERR_MISUSE, "a certificate lives 1 to %d days", t->client ? AUTHORITY_LINK_DAYS_MAX : AUTHORITY_SERVER_DAYS_MAX);
    return 0;
}

/* text has been checked. NULL: no memory. */
static GENERAL_NAME *general_name(const char *text)
{
    uint8_t address[16];
    int n = x509_address(text, address);
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

static GENERAL_NAME *uri_name(const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = ASN1_STRING_type_new(V_ASN1_IA5STRING);
    if (name == NULL || value == NULL || ASN1_STRING_set(value, text, (int)strlen(text)) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, GEN_URI, value);
    return name;
}

static bool add_names(X509 *x, const struct authority_terms *t)
{
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    size_t n = t->n + (t->uri != NULL);
    bool ok = all != NULL;
    for (size_t i = 0; i < n && ok; i++) {
        GENERAL_NAME *name = i < t->n ? general_name(t->names[i]) : uri_name(t->uri);
        ok = name != NULL && sk_GENERAL_NAME_push(all, name) > 0;
        if (!ok)
            GENERAL_NAME_free(name);
    }
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(all);
    return ok;
}

static bool fill_leaf(X509 *x, EVP_PKEY *key, const struct authority *a, const struct authority_terms *t)
{
    char common[65]; /* a common name has at most 64 characters; peers look at the alternative names */
    X509 *issuer = a->certificate;
    (void)snprintf(common, sizeof common, "%.64s", t->common != NULL ? t->common : t->names[0]);
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && set_period(x, t->now, t->days, X509_get0_notAfter(issuer)) &&
           set_name(X509_get_subject_name(x), common) && X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
           X509_set_pubkey(x, key) == 1 && add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, issuer, NID_key_usage,
                         EVP_PKEY_is_a(key, "RSA") ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature") &&
           add_extension(x, issuer, NID_ext_key_usage, t->client ? "serverAuth,clientAuth" : "serverAuth") &&
           add_extension(x, issuer, NID_subject_key_identifier, "hash") && add_extension(x, issuer, NID_authority_key_identifier, "keyid:always") &&
           add_names(x, t) && X509_sign(x, a->key, EVP_sha256()) > 0;
}

static int certify(const struct authority *a, EVP_PKEY *key, const struct authority_terms *t, struct buf *chain_out, struct error *e)
{
    X509 *x = X509_new();
    int rc = x == NULL || !fill_leaf(x, key, a, t) ? x509_failed(e, "making a certificate") : 0;
    if (rc == 0)
        rc = x509_to_pem(x, chain_out, e);
    if (rc == 0)
        rc = x509_to_pem(a->certificate, chain_out, e);
    X509_free(x);
    return rc;
}

int authority_make(const struct authority *a, const struct authority_terms *t, struct buf *key_out, struct buf *chain_out, struct error *e)
{
    if (check_terms(t, e) != 0)
        return -1;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    int rc = key == NULL ? x509_failed(e, "making a key") : put_key(key, key_out, e);
    if (rc == 0)
        rc = certify(a, key, t, chain_out, e);
    EVP_PKEY_free(key);
    return rc;
}

int authority_sign(const struct authority *a, const struct request_signed *r, const struct authority_terms *t, struct buf *chain_out, struct error *e)
{
    return check_terms(t, e) != 0 || request_signed_names(r, t->names, t->n, e) != 0 ? -1 : certify(a, r->key, t, chain_out, e);
}

int authority_issue(const struct authority *a, const char *const *names, size_t n, tq_time now, unsigned days, struct buf *key_out,
                    struct buf *chain_out, struct error *e)
{
    struct authority_terms t = {.names = names, .n = n, .now = now, .days = days};
    return authority_make(a, &t, key_out, chain_out, e);
}

/* ── revoked certificates ── */

static bool add_revoked(X509_CRL *crl, const struct authority_revoked *r)
{
    BIGNUM *number = NULL;
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)(r->at / TIME_SECOND));
    ASN1_INTEGER *serial = BN_hex2bn(&number, r->serial) > 0 ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    bool ok = entry != NULL && at != NULL && serial != NULL && X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
              X509_REVOKED_set_revocationDate(entry, at) == 1 && X509_CRL_add0_revoked(crl, entry) == 1;
    if (!ok)
        X509_REVOKED_free(entry);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(at);
    BN_free(number);
    return ok;
}

static bool fill_crl(X509_CRL *crl, const struct authority *a, uint64_t number, tq_time now, unsigned days)
{
    X509V3_CTX ctx;
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(now / TIME_SECOND) - CRL_SLACK);
    ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(now / TIME_SECOND) + (time_t)days * 86400);
    ASN1_INTEGER *count = ASN1_INTEGER_new();
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, a->certificate, NULL, NULL, crl, 0);
    X509_EXTENSION *key = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    bool ok = from != NULL && to != NULL && count != NULL && key != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
              X509_CRL_set_issuer_name(crl, X509_get_subject_name(a->certificate)) == 1 && X509_CRL_set1_lastUpdate(crl, from) == 1 &&
              X509_CRL_set1_nextUpdate(crl, to) == 1 && X509_CRL_add_ext(crl, key, -1) == 1 && ASN1_INTEGER_set_uint64(count, number) == 1 &&
              X509_CRL_add1_ext_i2d(crl, NID_crl_number, count, 0, X509V3_ADD_DEFAULT) == 1;
    X509_EXTENSION_free(key);
    ASN1_INTEGER_free(count);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return ok;
}

int authority_crl(const struct authority *a, const struct authority_revoked *revoked, size_t n, uint64_t number, tq_time now, unsigned days,
                  struct buf *out, struct error *e)
{
    X509_CRL *crl = X509_CRL_new();
    bool ok = crl != NULL && fill_crl(crl, a, number, now, days);
    for (size_t i = 0; ok && i < n; i++)
        ok = add_revoked(crl, &revoked[i]);
    ok = ok && X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, a->key, EVP_sha256()) > 0;
    BIO *bio = ok ? BIO_new(BIO_s_mem()) : NULL;
    ok = bio != NULL && PEM_write_bio_X509_CRL(bio, crl) == 1;
    X509_CRL_free(crl);
    return x509_take_bio(bio, ok, out, e);
}

int authority_inspect(struct span certificate_pem, tq_time *ret_not_after, char fingerprint[AUTHORITY_FINGERPRINT], struct error *e)
{
    struct certificate c;
    if (certificate_read(certificate_pem, &c, e) != 0)
        return -1;
    *ret_not_after = c.not_after;
    if (fingerprint != NULL)
        put_fingerprint(c.fingerprint, fingerprint);
    return 0;
}
