/* An authenticator small enough for a test: keys of each kind, what they and the browser say, with everything in it to choose. Behind cmocka.h. */
#ifndef TQ_TEST_AUTHENTICATOR_H
#define TQ_TEST_AUTHENTICATOR_H

#include "base/text.h"
#include "record/crypto/crypto.h"
#include "wire/webauthn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

static inline struct span hex(const char *text)
{
    static uint8_t space[64][2048];
    static size_t turn;
    uint8_t *out = space[turn++ % 64];
    size_t n = strlen(text) / 2;
    assert_true(n <= sizeof space[0] && text_unhex(span_str(text), out, n));
    return span_of(out, n);
}

struct test_key {
    EVP_PKEY *key;
    int64_t algorithm;
    struct buf cose;
};

static inline void bytes_of(struct buf *out, EVP_PKEY *key, const char *what, size_t n)
{
    BIGNUM *number = NULL;
    uint8_t bytes[1024];
    assert_int_equal(EVP_PKEY_get_bn_param(key, what, &number), 1);
    assert_int_equal(BN_bn2binpad(number, bytes, (int)n), n);
    buf_add(out, bytes, n);
    BN_free(number);
}

static inline struct test_key test_key_make(int64_t algorithm)
{
    struct test_key m = {.algorithm = algorithm, .cose = BUF_INIT(2048)};
    if (algorithm == WEBAUTHN_ES256) {
        m.key = EVP_EC_gen("P-256");
        assert_non_null(m.key);
        buf_add_span(&m.cose, hex("a50102032620012158"
                                  "20"));
        bytes_of(&m.cose, m.key, OSSL_PKEY_PARAM_EC_PUB_X, 32);
        buf_add_span(&m.cose, hex("225820"));
        bytes_of(&m.cose, m.key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    } else if (algorithm == WEBAUTHN_RS256) {
        m.key = EVP_RSA_gen(2048);
        assert_non_null(m.key);
        buf_add_span(&m.cose, hex("a401030339010020590100"));
        bytes_of(&m.cose, m.key, OSSL_PKEY_PARAM_RSA_N, 256);
        buf_add_span(&m.cose, hex("2143010001"));
    } else {
        uint8_t raw[32];
        size_t n = sizeof raw;
        m.key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        assert_non_null(m.key);
        assert_int_equal(EVP_PKEY_get_raw_public_key(m.key, raw, &n), 1);
        buf_add_span(&m.cose, hex("a4010103272006215820"));
        buf_add(&m.cose, raw, 32);
    }
    return m;
}

static inline void test_key_drop(struct test_key *m)
{
    EVP_PKEY_free(m->key);
    buf_release(&m->cose);
}

/* An assertion as a browser and an authenticator would make it, with everything in it to choose. */
struct said {
    const char *type, *id, *origin, *more;
    uint8_t flags;
    uint32_t counter;
    uint8_t challenge[32];
};

static inline void add_client(struct buf *out, const struct said *s)
{
    struct buf challenge = BUF_INIT(64);
    text_base64url(&challenge, span_of(s->challenge, 32));
    buf_addf(out, "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"%s\",\"crossOrigin\":false%s}", s->type, buf_text(&challenge), s->origin,
             s->more == NULL ? "" : s->more);
    buf_release(&challenge);
}

static inline void add_head(struct buf *out, const struct said *s)
{
    uint8_t hash[32];
    crypto_sha256(span_str(s->id), hash);
    buf_add(out, hash, 32);
    buf_u8(out, s->flags);
    buf_be32(out, s->counter);
}

static inline void sign(struct buf *out, const struct test_key *m, struct span data, struct span client)
{
    uint8_t message[2048 + 32];
    uint8_t signature[1024];
    size_t n = sizeof signature;
    memcpy(message, data.p, data.n);
    crypto_sha256(client, message + data.n);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, m->algorithm == WEBAUTHN_EDDSA ? NULL : "SHA256", NULL, NULL, m->key, NULL), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &n, message, data.n + 32), 1);
    EVP_MD_CTX_free(ctx);
    buf_add(out, signature, n);
}

/* An attestation object for a new passkey with this id. */
static inline void attest(struct buf *out, const struct test_key *m, const struct said *s, struct span id, struct span client, const char *format,
                          int64_t algorithm)
{
    struct buf data = BUF_INIT(4096);
    struct buf signature = BUF_INIT(1024);
    add_head(&data, s);
    buf_add_span(&data, hex("00000000000000000000000000000000"));
    buf_be16(&data, (uint16_t)id.n);
    buf_add_span(&data, id);
    buf_add_span(&data, buf_span(&m->cose));
    buf_add_span(out, hex("a363666d74"));
    buf_u8(out, (uint8_t)(0x60 + strlen(format)));
    buf_add_str(out, format);
    buf_add_span(out, hex("6761747453746d74"));
    if (strcmp(format, "packed") == 0) {
        sign(&signature, m, buf_span(&data), client);
        buf_add_span(out, hex("a263616c67"));
        buf_u8(out, (uint8_t)(0x20 - 1 - algorithm));
        buf_add_span(out, hex("6373696758"));
        buf_u8(out, (uint8_t)signature.n);
        buf_add_span(out, buf_span(&signature));
    } else {
        buf_u8(out, 0xa0);
    }
    buf_add_span(out, hex("686175746844617461"));
    buf_u8(out, data.n < 256 ? 0x58 : 0x59);
    if (data.n < 256)
        buf_u8(out, (uint8_t)data.n);
    else
        buf_be16(out, (uint16_t)data.n);
    buf_add_span(out, buf_span(&data));
    buf_release(&data);
    buf_release(&signature);
}

#endif
