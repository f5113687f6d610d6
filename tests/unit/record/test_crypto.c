/* Known answers: FIPS 180-4, RFC 4231, RFC 5869, the GCM specification's test case 16, RFC 8032; and what each refuses. */
#include "base/text.h"
#include "record/crypto/authority.h"
#include "record/crypto/crypto.h"
#include "record/crypto/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define NOW (INT64_C(1795000000) * TIME_SECOND)

static struct span unhex(const char *text, uint8_t *out)
{
    size_t n = strlen(text) / 2;
    assert_true(text_unhex(span_str(text), out, n));
    return span_of(out, n);
}

static void assert_hex(const uint8_t *bytes, size_t n, const char *expected)
{
    char text[512];
    assert_true(n < 256);
    text_hex_to(text, bytes, n);
    assert_string_equal(text, expected);
}

static void sha256_vectors(void **state)
{
    (void)state;
    uint8_t out[32];
    crypto_sha256(span_of(NULL, 0), out);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    crypto_sha256(span_str("abc"), out);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256_parts((struct span[]){span_str("a"), span_of(NULL, 0), span_str("bc")}, 3, out);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct crypto_hash *h = crypto_hash_new();
    assert_non_null(h);
    uint8_t a[1000];
    memset(a, 'a', sizeof a);
    for (int round = 0; round < 2; round++) { /* it starts again by itself */
        for (int i = 0; i < 1000; i++)
            crypto_hash_add(h, span_of(a, sizeof a));
        crypto_hash_end(h, out);
        assert_hex(out, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    crypto_hash_free(h);
}

static void hmac_vectors(void **state)
{
    (void)state;
    uint8_t out[32];
    uint8_t key[131];
    memset(key, 0x0b, 20);
    crypto_hmac_sha256(span_of(key, 20), span_str("Hi There"), out);
    assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    memset(key, 0xaa, sizeof key);
    crypto_hmac_sha256(span_of(key, sizeof key), span_str("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    struct crypto_hmac *h = crypto_hmac_new(span_str("wrong key"));
    assert_non_null(h);
    crypto_hmac_set(h, span_str("Jefe"));
    for (int i = 0; i < 2; i++) {
        crypto_hmac_do(h, (struct span[]){span_str("what do ya want "), span_str("for nothing?")}, 2, out);
        assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
    uint8_t text[700];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7);
    for (size_t first = 0; first < 300; first++) /* however it comes in parts */
        for (size_t second = 0; second < 400; second += 1 + second / 3) {
            uint8_t whole[32];
            crypto_hmac_do(h, &(struct span){.p = text, .n = (uint32_t)(first + second + 5)}, 1, whole);
            struct span parts[] = {span_of(text, first), span_of(text + first, 0), span_of(text + first, second), span_of(text + first + second, 5)};
            crypto_hmac_do(h, parts, 4, out);
            assert_memory_equal(out, whole, sizeof whole);
        }
    crypto_hmac_free(h);
}

static void hkdf_vectors(void **state)
{
    (void)state;
    uint8_t secret[22];
    uint8_t salt[13];
    uint8_t info[10];
    uint8_t out[42];
    memset(secret, 0x0b, sizeof secret);
    (void)unhex("000102030405060708090a0b0c", salt);
    (void)unhex("f0f1f2f3f4f5f6f7f8f9", info);
    crypto_hkdf(span_of(secret, 22), span_of(salt, 13), span_of(info, 10), out, 42);
    assert_hex(out, 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    crypto_hkdf(span_of(secret, 22), span_of(NULL, 0), span_of(NULL, 0), out, 42);
    assert_hex(out, 42, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    uint8_t prk[32]; /* the first vector's own */
    (void)unhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5", prk);
    crypto_hkdf_expand(prk, span_of(info, 10), out, 42);
    assert_hex(out, 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

static void gcm_vectors(void **state)
{
    (void)state;
    uint8_t key[32];
    uint8_t nonce[12];
    uint8_t ad[20];
    uint8_t clear[60];
    uint8_t sealed[76];
    uint8_t back[60];
    (void)unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key);
    (void)unhex("cafebabefacedbaddecaf888", nonce);
    (void)unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", ad);
    struct span text = unhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39", clear);
    crypto_seal(key, nonce, span_of(ad, 20), text, sealed);
    assert_hex(sealed, 60,
               "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662");
    assert_hex(sealed + 60, 16, "76fc6ece0f4e1768cddf8853bb2d551b");
    assert_true(crypto_open(key, nonce, span_of(ad, 20), span_of(sealed, 76), back));
    assert_memory_equal(back, clear, 60);
    for (size_t i = 0; i < 76; i++) {
        static const uint8_t zero[60];
        sealed[i] ^= 1;
        assert_false(crypto_open(key, nonce, span_of(ad, 20), span_of(sealed, 76), back));
        assert_memory_equal(back, zero, 60);
        sealed[i] ^= 1;
    }
    ad[3] ^= 1;
    assert_false(crypto_open(key, nonce, span_of(ad, 20), span_of(sealed, 76), back));
    ad[3] ^= 1;
    assert_false(crypto_open(key, nonce, span_of(ad, 20), span_of(sealed, 15), back)); /* shorter than a tag */
    crypto_seal(key, nonce, span_of(NULL, 0), span_of(NULL, 0), sealed);               /* nothing, with nothing beside it */
    assert_true(crypto_open(key, nonce, span_of(NULL, 0), span_of(sealed, 16), back));
    memcpy(sealed, clear, 60); /* in place */
    crypto_seal(key, nonce, span_of(ad, 20), span_of(sealed, 60), sealed);
    assert_hex(sealed + 60, 16, "76fc6ece0f4e1768cddf8853bb2d551b");
}

static void ed25519_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *seed, *public_key, *message, *signature;
    } cases[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
         "af82", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };
    for (size_t i = 0; i < 2; i++) {
        uint8_t seed[32];
        uint8_t public_key[32];
        uint8_t message[8];
        uint8_t signature[64];
        (void)unhex(cases[i].seed, seed);
        struct span m = unhex(cases[i].message, message);
        struct crypto_signer *s = crypto_signer_new(seed);
        assert_non_null(s);
        crypto_signer_public(s, public_key);
        assert_hex(public_key, 32, cases[i].public_key);
        crypto_signer_sign(s, m, signature);
        assert_hex(signature, 64, cases[i].signature);
        crypto_signer_free(s);
        assert_true(crypto_verify(public_key, m, signature));
        for (size_t b = 0; b < 64; b++) {
            signature[b] ^= 0x10;
            assert_false(crypto_verify(public_key, m, signature));
            signature[b] ^= 0x10;
        }
        assert_false(crypto_verify(public_key, span_str("x"), signature));
    }
}

/* RFC 7748, 5.2, first vector; two sides agree; a point of small order is refused. */
static void x25519_vectors(void **state)
{
    (void)state;
    uint8_t secret[2][32];
    uint8_t public_key[2][32];
    uint8_t shared[2][32];
    (void)unhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", secret[0]);
    (void)unhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", public_key[0]);
    assert_true(crypto_x25519(secret[0], public_key[0], shared[0]));
    assert_hex(shared[0], 32, "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    crypto_random(secret[1], 32);
    for (int i = 0; i < 2; i++)
        crypto_x25519_public(secret[i], public_key[i]);
    for (int i = 0; i < 2; i++)
        assert_true(crypto_x25519(secret[i], public_key[1 - i], shared[i]));
    assert_memory_equal(shared[0], shared[1], 32);
    memset(public_key[0], 0, 32);
    assert_false(crypto_x25519(secret[0], public_key[0], shared[0]));
    public_key[0][0] = 1;
    assert_false(crypto_x25519(secret[0], public_key[0], shared[0]));
}

static void random_and_memory(void **state)
{
    (void)state;
    uint8_t a[32];
    uint8_t b[32];
    crypto_random(a, sizeof a);
    crypto_random(b, sizeof b);
    assert_false(crypto_equal(a, b, sizeof a));
    assert_true(crypto_equal(a, a, sizeof a));
    assert_true(crypto_equal(a, b, 0));
    crypto_wipe(a, sizeof a);
    assert_memory_equal(a, ((uint8_t[32]){0}), 32);
    bool locked;
    uint8_t *secret = crypto_secret_new(10000, &locked);
    assert_non_null(secret);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(secret[i], 0);
    memset(secret, 0xee, 10000);
    crypto_secret_free(secret, 10000);
    crypto_secret_free(NULL, 10);
}

static void passwords(void **state)
{
    (void)state;
    char one[PASSWORD_TEXT];
    char two[PASSWORD_TEXT];
    struct error e = {0};
    assert_int_equal(password_hash(span_str("correct horse"), one, &e), 0);
    assert_int_equal(password_hash(span_str("correct horse"), two, &e), 0);
    assert_string_not_equal(one, two);
    assert_int_equal(strncmp(one, "$argon2id$v=19$m=65536,t=3,p=1$", 31), 0);
    assert_true(password_verify(span_str("correct horse"), one));
    assert_false(password_verify(span_str("correct horsf"), one));
    assert_false(password_verify(span_of(NULL, 0), one));
    assert_false(password_verify(span_str("x"), ""));
    assert_false(password_verify(span_str("x"), "$argon2id$v=19$m=65536,t=3,p=1$garbage"));
    assert_false(password_outdated(one));
    assert_true(password_outdated("$argon2id$v=19$m=8192,t=1,p=1$YWFhYWFhYWFhYWFhYWFhYQ$YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE"));
    assert_int_equal(password_hash(span_of(NULL, 0), one, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    password_verify_nobody(span_str("whatever"));
}

static X509 *certificate(struct span pem, int which)
{
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = NULL;
    for (int i = 0; i <= which; i++) {
        X509_free(x);
        x = PEM_read_bio_X509(in, NULL, NULL, NULL);
    }
    BIO_free(in);
    return x;
}

/* Checks leaf under root at a time as a browser would: purpose, dates, host or address. */
static int chain_error(X509 *leaf, X509 *root, tq_time at)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, NULL), 1);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)(at / TIME_SECOND));
    (void)X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(ctx), X509_PURPOSE_SSL_SERVER);
    (void)X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
    (void)X509_verify_cert(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return error;
}

static void authority_issues(void **state)
{
    (void)state;
    struct error e = {0};
    struct authority *a = authority_new("main-street", NOW, &e);
    assert_non_null(a);
    struct buf key = BUF_SECRET(65536);
    struct buf cert = BUF_INIT(65536);
    assert_int_equal(authority_key_pem(a, &key, &e), 0);
    assert_int_equal(authority_certificate_pem(a, &cert, &e), 0);
    char print[AUTHORITY_FINGERPRINT];
    char print2[AUTHORITY_FINGERPRINT];
    authority_fingerprint(a, print);
    assert_int_equal(strlen(print), 95);
    struct authority *again = authority_load(buf_span(&key), buf_span(&cert), &e);
    assert_non_null(again);
    authority_fingerprint(again, print2);
    assert_string_equal(print, print2);

    const char *names[] = {"localhost", "console.lab.example", "127.0.0.1", "::1"};
    struct buf server_key = BUF_SECRET(65536);
    struct buf chain = BUF_INIT(65536);
    assert_int_equal(authority_issue(again, names, 4, NOW, 397, &server_key, &chain, &e), 0);
    X509 *leaf = certificate(buf_span(&chain), 0);
    X509 *root = certificate(buf_span(&chain), 1);
    assert_non_null(leaf);
    assert_non_null(root);
    tq_time day = 86400 * TIME_SECOND;
    assert_int_equal(chain_error(leaf, root, NOW), X509_V_OK);
    assert_int_equal(chain_error(leaf, root, NOW + 396 * day), X509_V_OK);
    assert_int_equal(chain_error(leaf, root, NOW + 398 * day), X509_V_ERR_CERT_HAS_EXPIRED);
    assert_int_equal(chain_error(leaf, root, NOW - day), X509_V_ERR_CERT_NOT_YET_VALID);
    assert_int_equal(X509_check_host(leaf, "console.lab.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(leaf, "other.lab.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.2", 0), 0);
    assert_int_equal(X509_check_ca(leaf), 0);
    assert_int_equal(X509_get_pathlen(root), 0);
    tq_time until;
    assert_int_equal(authority_inspect(buf_span(&chain), &until, print2, &e), 0);
    assert_true(until == NOW - 3600 * TIME_SECOND + 397 * day);
    assert_string_not_equal(print, print2);

    struct authority *other = authority_new("other", NOW, &e);
    struct buf other_cert = BUF_INIT(65536);
    assert_int_equal(authority_certificate_pem(other, &other_cert, &e), 0);
    assert_null(authority_load(buf_span(&key), buf_span(&other_cert), &e));
    assert_int_equal(e.class, ERR_CORRUPT);
    assert_null(authority_load(buf_span(&server_key), buf_span(&chain), &e)); /* a server's certificate is no authority */
    X509_free(leaf);
    X509_free(root);
    buf_release(&key);
    buf_release(&cert);
    buf_release(&server_key);
    buf_release(&chain);
    buf_release(&other_cert);
    authority_free(a);
    authority_free(again);
    authority_free(other);
}

static void authority_refuses(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf key = BUF_SECRET(65536);
    struct buf chain = BUF_INIT(65536);
    assert_null(authority_new("", NOW, &e));
    assert_null(authority_new("caf\xc3\xa9", NOW, &e));
    struct authority *a = authority_new("x", NOW, &e);
    assert_non_null(a);
    static const char *const wrong[] = {"", "*.example", "a..b", "-a", "a-", "a b", "caf\xc3\xa9.example", "x,DNS:evil.example"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        e = (struct error){0};
        assert_int_equal(authority_issue(a, &wrong[i], 1, NOW, 90, &key, &chain, &e), -1);
        assert_int_equal(e.class, ERR_MISUSE);
    }
    const char *name = "localhost";
    assert_int_equal(authority_issue(a, &name, 1, NOW, 398, &key, &chain, &e), -1);
    assert_int_equal(authority_issue(a, &name, 0, NOW, 90, &key, &chain, &e), -1);
    assert_int_equal(chain.n, 0);
    tq_time until;
    assert_int_equal(authority_inspect(span_str("no PEM"), &until, NULL, &e), -1);
    authority_free(a);
    buf_release(&key);
    buf_release(&chain);
}

static void bulk_seals_what_seal_seals(void **state)
{
    (void)state;
    uint8_t key[AES_GCM_KEY] = {7};
    uint8_t nonce[AES_GCM_NONCE] = {0};
    uint8_t clear[200];
    uint8_t one[sizeof clear + AES_GCM_TAG];
    uint8_t other[sizeof clear];
    uint8_t tag[AES_GCM_TAG];
    struct crypto_bulk *b = crypto_bulk_new(key);
    assert_non_null(b);
    for (uint8_t i = 0; i < 20; i++) {
        nonce[11] = i;
        memset(clear, i, sizeof clear);
        size_t n = (size_t)i * 10;
        crypto_seal(key, nonce, SPAN_LIT("where"), span_of(clear, n), one);
        crypto_bulk_seal(b, nonce, SPAN_LIT("where"), span_of(clear, n), other, tag);
        assert_memory_equal(one, other, n);
        assert_memory_equal(one + n, tag, sizeof tag);
        assert_true(crypto_bulk_open(b, nonce, SPAN_LIT("where"), span_of(other, n), tag, other)); /* in place */
        assert_memory_equal(other, clear, n);
        assert_false(crypto_bulk_open(b, nonce, SPAN_LIT("there"), span_of(one, n), tag, other));
        tag[i % 16] ^= 1;
        assert_false(crypto_bulk_open(b, nonce, SPAN_LIT("where"), span_of(one, n), tag, other));
        for (size_t k = 0; k < n; k++)
            assert_int_equal(other[k], 0); /* wiped */
    }
    crypto_bulk_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_vectors),
        cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(hkdf_vectors),
        cmocka_unit_test(gcm_vectors),
        cmocka_unit_test(ed25519_vectors),
        cmocka_unit_test(random_and_memory),
        cmocka_unit_test(x25519_vectors),
        cmocka_unit_test(passwords),
        cmocka_unit_test(authority_issues),
        cmocka_unit_test(authority_refuses),
        cmocka_unit_test(bulk_seals_what_seal_seals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
