/* Passkeys judged: the vectors of W3C Web Authentication Level 3, keys made here, every way in which one can be wrong, and libfido2's opinion of the
 * same bytes. */
#include "authenticator.h"
#include "door/api/body.h"
#include "door/api/passkey_check.h"
#include "record/crypto/crypto.h"
#include "record/crypto/signature.h"
#include "webauthn_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <stdio.h>
#include <stdlib.h>

static const struct passkey_party example = {.id = "example.org", .origin = "https://example.org"};

/* ── the standard's vectors ── None but one verifies its user, which we ask for: so they are right in everything else. ── */

static void vectors_of_registration(void **state)
{
    (void)state;
    struct webauthn_attestation a;
    assert_int_equal(passkey_check_new(&example, hex(SELF_ES256_CHALLENGE).p, hex(SELF_ES256_CLIENT), hex(SELF_ES256_ATTESTATION), &a), PASSKEY_GOOD);
    assert_int_equal(a.format, WEBAUTHN_PACKED_SELF);
    assert_int_equal(passkey_check_new(&example, hex(NONE_ES256_CHALLENGE).p, hex(NONE_ES256_CLIENT), hex(NONE_ES256_ATTESTATION), &a),
                     PASSKEY_UNVERIFIED);
    /* one bit of the signature, of the key, of what is signed */
    static const size_t places[] = {50, 200, 240};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct span bytes = hex(SELF_ES256_ATTESTATION);
        ((uint8_t *)(uintptr_t)bytes.p)[places[i]] ^= 1;
        assert_int_not_equal(passkey_check_new(&example, hex(SELF_ES256_CHALLENGE).p, hex(SELF_ES256_CLIENT), bytes, &a), PASSKEY_GOOD);
    }
}

/* The signature of a vector under its own algorithm's function: what passkey_check_use calls behind its other checks. */
static void vectors_of_signatures(void **state)
{
    (void)state;
    static const struct {
        const char *registered, *data, *client, *signature;
    } v[] = {{NULL, NONE_ES256_USE_DATA, NONE_ES256_USE_CLIENT, NONE_ES256_USE_SIGNATURE},
             {EDDSA_DATA, EDDSA_USE_DATA, EDDSA_USE_CLIENT, EDDSA_USE_SIGNATURE},
             {RS256_DATA, RS256_USE_DATA, RS256_USE_CLIENT, RS256_USE_SIGNATURE}};
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct webauthn_data d;
        struct webauthn_attestation a;
        struct error e = {0};
        if (v[i].registered == NULL) {
            assert_int_equal(webauthn_attestation_read(hex(NONE_ES256_ATTESTATION), &a, &e), 0);
            d = a.data;
        } else {
            assert_int_equal(webauthn_data_read(hex(v[i].registered), &d, &e), 0);
        }
        uint8_t message[37 + 32];
        struct span signature = hex(v[i].signature);
        memcpy(message, hex(v[i].data).p, 37);
        crypto_sha256(hex(v[i].client), message + 37);
        for (int bad = 0; bad < 2; bad++) {
            message[5] ^= (uint8_t)bad;
            struct span m = span_of(message, sizeof message);
            bool good = i == 0   ? crypto_es256_verify(d.key.x, d.key.y, m, signature)
                        : i == 1 ? crypto_verify(d.key.x.p, m, signature.p)
                                 : crypto_rs256_verify(d.key.n, d.key.e, m, signature);
            assert_int_equal(good, bad == 0);
        }
    }
}

/* RFC 4226, appendix D. */
static void hotp_vectors(void **state)
{
    (void)state;
    static const uint32_t codes[] = {755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489};
    for (uint64_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_int_equal(crypto_hotp(span_str("12345678901234567890"), i), codes[i]);
    /* RFC 6238, appendix B (SHA-1), the last six of its eight digits */
    assert_int_equal(crypto_hotp(span_str("12345678901234567890"), 1111111109 / 30), 81804);
    assert_int_equal(crypto_hotp(span_str("12345678901234567890"), 20000000000 / 30), 353130);
}

/* ── keys made here ── */

static const struct said usual = {
    .type = "webauthn.get", .id = "lab.example", .origin = "https://lab.example:8443", .flags = 5, .counter = 8, .challenge = {1, 2, 3}};
static const struct passkey_party lab = {.id = "lab.example", .origin = "https://lab.example:8443"};

/* What libfido2 says of the same: 1 good, 0 not. It looks at host name, presence, verification and signature. */
static int referee(const struct test_key *m, const char *id, struct span data, struct span client, struct span signature)
{
    fido_init(0);
    fido_assert_t *a = fido_assert_new();
    uint8_t hash[32];
    crypto_sha256(client, hash);
    assert_int_equal(fido_assert_set_clientdata_hash(a, hash, sizeof hash), FIDO_OK);
    assert_int_equal(fido_assert_set_rp(a, id), FIDO_OK);
    assert_int_equal(fido_assert_set_count(a, 1), FIDO_OK);
    assert_int_equal(fido_assert_set_up(a, FIDO_OPT_TRUE), FIDO_OK);
    assert_int_equal(fido_assert_set_uv(a, FIDO_OPT_TRUE), FIDO_OK);
    int r = fido_assert_set_authdata_raw(a, 0, data.p, data.n);
    if (r == FIDO_OK)
        r = fido_assert_set_sig(a, 0, signature.p, signature.n);
    if (r == FIDO_OK && m->algorithm == WEBAUTHN_ES256) {
        es256_pk_t *key = es256_pk_new();
        assert_int_equal(es256_pk_from_EVP_PKEY(key, m->key), FIDO_OK);
        r = fido_assert_verify(a, 0, COSE_ES256, key);
        es256_pk_free(&key);
    } else if (r == FIDO_OK && m->algorithm == WEBAUTHN_RS256) {
        rs256_pk_t *key = rs256_pk_new();
        assert_int_equal(rs256_pk_from_EVP_PKEY(key, m->key), FIDO_OK);
        r = fido_assert_verify(a, 0, COSE_RS256, key);
        rs256_pk_free(&key);
    } else if (r == FIDO_OK) {
        eddsa_pk_t *key = eddsa_pk_new();
        assert_int_equal(eddsa_pk_from_EVP_PKEY(key, m->key), FIDO_OK);
        r = fido_assert_verify(a, 0, COSE_EDDSA, key);
        eddsa_pk_free(&key);
    }
    fido_assert_free(&a);
    return r == FIDO_OK;
}

/* Makes the assertion, damages it where asked, and gives our verdict and libfido2's. */
static enum passkey_wrong judge(const struct test_key *m, const struct said *s, uint32_t counter, uint8_t kept_flags, int damage, int *ret_referee,
                                uint32_t *ret_counter)
{
    struct buf client = BUF_INIT(2048);
    struct buf data = BUF_INIT(2048);
    struct buf signature = BUF_INIT(1024);
    add_client(&client, s);
    add_head(&data, s);
    sign(&signature, m, buf_span(&data), buf_span(&client));
    if (damage == 1)
        signature.p[signature.n - 3] ^= 1;
    if (damage == 2)
        data.p[36] ^= 1;
    if (damage == 3)
        data.n--;
    struct passkey_kept kept = {.cose = buf_span(&m->cose), .counter = counter, .flags = kept_flags};
    struct passkey_use use = {.data = buf_span(&data), .client = buf_span(&client), .signature = buf_span(&signature)};
    enum passkey_wrong wrong = passkey_check_use(&lab, usual.challenge, &kept, &use, ret_counter);
    *ret_referee = referee(m, lab.id, use.data, use.client, use.signature);
    buf_release(&client);
    buf_release(&data);
    buf_release(&signature);
    return wrong;
}

static void uses(void **state)
{
    (void)state;
    static const int64_t algorithms[] = {WEBAUTHN_ES256, WEBAUTHN_EDDSA, WEBAUTHN_RS256};
    for (size_t i = 0; i < 3; i++) {
        struct test_key m = test_key_make(algorithms[i]);
        uint32_t counter = 0;
        int second = 0;
        assert_int_equal(judge(&m, &usual, 7, 5, 0, &second, &counter), PASSKEY_GOOD);
        assert_int_equal(counter, 8);
        assert_int_equal(second, 1);
        assert_int_equal(judge(&m, &usual, 7, 5, 1, &second, &counter), PASSKEY_SIGNATURE);
        assert_int_equal(second, 0);
        assert_int_equal(judge(&m, &usual, 7, 5, 2, &second, &counter), PASSKEY_SIGNATURE);
        assert_int_equal(second, 0);
        assert_int_equal(judge(&m, &usual, 7, 5, 3, &second, &counter), PASSKEY_MALFORMED);
        assert_int_equal(second, 0);
        struct test_key other = test_key_make(algorithms[i]);
        struct test_key mixed = {.key = other.key, .algorithm = m.algorithm, .cose = m.cose};
        assert_int_equal(judge(&mixed, &usual, 7, 5, 0, &second, &counter), PASSKEY_SIGNATURE);
        test_key_drop(&other);
        test_key_drop(&m);
    }
}

static void wrongs(void **state)
{
    (void)state;
    struct test_key m = test_key_make(WEBAUTHN_ES256);
    static const struct {
        struct said s;
        uint32_t counter;
        uint8_t kept;
        enum passkey_wrong want;
        int referee; /* of what it does not look at it says yes */
    } cases[] = {
        {{"webauthn.create", "lab.example", "https://lab.example:8443", NULL, 5, 8, {1, 2, 3}}, 7, 5, PASSKEY_TYPE, 1},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", NULL, 5, 8, {1, 2, 4}}, 7, 5, PASSKEY_OTHER, 1},
        {{"webauthn.get", "lab.example", "https://lab.example", NULL, 5, 8, {1, 2, 3}}, 7, 5, PASSKEY_ORIGIN, 1},
        {{"webauthn.get", "lab.example", "http://lab.example:8443", NULL, 5, 8, {1, 2, 3}}, 7, 5, PASSKEY_ORIGIN, 1},
        {{"webauthn.get", "lab.example", "https://evil.lab.example:8443", NULL, 5, 8, {1, 2, 3}}, 7, 5, PASSKEY_ORIGIN, 1},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", ",\"topOrigin\":\"https://evil.example\"", 5, 8, {1, 2, 3}},
         7,
         5,
         PASSKEY_ORIGIN,
         1},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", ",\"origin\":\"https://lab.example:8443\"", 5, 8, {1, 2, 3}},
         7,
         5,
         PASSKEY_MALFORMED,
         1},
        {{"webauthn.get", "evil.example", "https://lab.example:8443", NULL, 5, 8, {1, 2, 3}}, 7, 5, PASSKEY_PARTY, 0},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", NULL, 4, 8, {1, 2, 3}}, 7, 5, PASSKEY_UNTOUCHED, 0},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", NULL, 1, 8, {1, 2, 3}}, 7, 5, PASSKEY_UNVERIFIED, 0},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", NULL, 5 | 16, 8, {1, 2, 3}}, 7, 5, PASSKEY_FLAGS, 1},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", NULL, 5 | 8, 8, {1, 2, 3}}, 7, 5, PASSKEY_FLAGS, 1},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", NULL, 5, 7, {1, 2, 3}}, 7, 5, PASSKEY_CLONED, 1},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", NULL, 5, 0, {1, 2, 3}}, 7, 5, PASSKEY_CLONED, 1},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", NULL, 5, 0, {1, 2, 3}}, 0, 5, PASSKEY_GOOD, 1},
        {{"webauthn.get", "lab.example", "https://lab.example:8443", ",\"later\":[1,{\"x\":null}]", 5 | 8 | 16, 9, {1, 2, 3}},
         7,
         5 | 8,
         PASSKEY_GOOD,
         1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int second = 0;
        uint32_t counter = 77;
        assert_int_equal(judge(&m, &cases[i].s, cases[i].counter, cases[i].kept, 0, &second, &counter), cases[i].want);
        assert_int_equal(second, cases[i].referee);
        assert_int_equal(counter, cases[i].want == PASSKEY_GOOD ? cases[i].s.counter : 77);
        assert_true(strlen(passkey_wrong_word(cases[i].want)) > 3 && strlen(passkey_wrong_sentence(cases[i].want)) > 9);
    }
    test_key_drop(&m);
}

/* A registration that is made here, of each format, and what is wrong with it. */
static enum passkey_wrong register_it(const struct test_key *m, const struct said *s, const char *format, int64_t algorithm)
{
    struct buf client = BUF_INIT(2048);
    struct buf all = BUF_INIT(8192);
    struct webauthn_attestation a;
    add_client(&client, s);
    attest(&all, m, s, hex("deadbeef"), buf_span(&client), format, algorithm);
    enum passkey_wrong wrong = passkey_check_new(&lab, usual.challenge, buf_span(&client), buf_span(&all), &a);
    buf_release(&client);
    buf_release(&all);
    return wrong;
}

static void registrations(void **state)
{
    (void)state;
    struct said s = usual;
    s.type = "webauthn.create";
    s.flags = 0x45;
    struct test_key m = test_key_make(WEBAUTHN_ES256);
    struct test_key rsa = test_key_make(WEBAUTHN_RS256);
    assert_int_equal(register_it(&m, &s, "none", 0), PASSKEY_GOOD);
    assert_int_equal(register_it(&rsa, &s, "none", 0), PASSKEY_GOOD);
    assert_int_equal(register_it(&m, &s, "packed", -7), PASSKEY_GOOD);
    assert_int_equal(register_it(&m, &s, "packed", -8), PASSKEY_ALGORITHM);
    assert_int_equal(register_it(&m, &s, "None", 0), PASSKEY_MALFORMED);
    struct test_key other = test_key_make(WEBAUTHN_ES256);
    struct test_key mixed = {.key = other.key, .algorithm = WEBAUTHN_ES256, .cose = m.cose};
    assert_int_equal(register_it(&mixed, &s, "packed", -7), PASSKEY_SIGNATURE);
    s.flags = 0x41;
    assert_int_equal(register_it(&m, &s, "none", 0), PASSKEY_UNVERIFIED);
    s.flags = 0x44;
    assert_int_equal(register_it(&m, &s, "none", 0), PASSKEY_UNTOUCHED);
    s.flags = 0x45;
    s.id = "example.org";
    assert_int_equal(register_it(&m, &s, "none", 0), PASSKEY_PARTY);
    s.id = usual.id;
    s.origin = "https://localhost";
    assert_int_equal(register_it(&m, &s, "none", 0), PASSKEY_ORIGIN);
    s.origin = usual.origin;
    s.challenge[31] = 1;
    assert_int_equal(register_it(&m, &s, "none", 0), PASSKEY_OTHER);
    s.type = "webauthn.get";
    assert_int_equal(register_it(&m, &s, "none", 0), PASSKEY_TYPE);
    test_key_drop(&m);
    test_key_drop(&rsa);
    test_key_drop(&other);
}

/* Keys that are none: a point off the curve, an even exponent, an exponent of one. */
static void bad_keys(void **state)
{
    (void)state;
    uint8_t x[32] = {1};
    uint8_t n[256] = {0x80, [255] = 1};
    uint8_t signature[256] = {0};
    struct span m = span_str("message");
    assert_false(crypto_es256_verify(span_of(x, 32), span_of(x, 32), m, span_of(signature, 8)));
    assert_false(crypto_es256_verify(span_of(x, 31), span_of(x, 32), m, span_of(signature, 8)));
    assert_false(crypto_rs256_verify(span_of(n, 256), span_of((const uint8_t[]){4}, 1), m, span_of(signature, 256)));
    assert_false(crypto_rs256_verify(span_of(n, 256), span_of((const uint8_t[]){1}, 1), m, span_of(signature, 256)));
    assert_false(crypto_rs256_verify(span_of(n, 256), span_of((const uint8_t[]){1, 0, 1}, 3), m, span_of(signature, 255)));
    assert_false(crypto_rs256_verify(span_of(n, 256), span_of((const uint8_t[]){1, 0, 1}, 3), m, span_of(signature, 256)));
}

static void client_data(void **state)
{
    (void)state;
    struct client_data d;
    assert_true(client_data_parse(span_str("{\"type\":\"a\",\"challenge\":\"b\",\"origin\":\"c\",\"x\":[[]]}"), &d));
    assert_string_equal(d.origin, "c");
    assert_true(client_data_parse(span_str("{\"type\":\"a\",\"challenge\":\"b\",\"origin\":\"c\",\"crossOrigin\":true}"), &d));
    assert_true(d.inside_another);
    static const char *const bad[] = {"",
                                      "null",
                                      "[]",
                                      "{}",
                                      "{\"type\":\"a\",\"challenge\":\"b\"}",
                                      "{\"type\":\"a\",\"challenge\":\"b\",\"origin\":1}",
                                      "{\"type\":\"a\",\"challenge\":\"b\",\"origin\":\"c\\u0000\"}",
                                      "{\"type\":\"a\",\"type\":\"a\",\"challenge\":\"b\",\"origin\":\"c\"}",
                                      "{\"type\":\"a\",\"challenge\":\"b\",\"origin\":\"c\",\"crossOrigin\":\"no\"}",
                                      "{\"type\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"challenge\":\"b\",\"origin\":\"c\"}",
                                      "{\"type\":\"a\",\"challenge\":\"b\",\"origin\":\"c\"} x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(client_data_parse(span_str(bad[i]), &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_registration),
        cmocka_unit_test(vectors_of_signatures),
        cmocka_unit_test(hotp_vectors),
        cmocka_unit_test(uses),
        cmocka_unit_test(wrongs),
        cmocka_unit_test(registrations),
        cmocka_unit_test(bad_keys),
        cmocka_unit_test(client_data),
    };
    return cmocka_run_group_tests_name("passkey_check", tests, NULL, NULL);
}
