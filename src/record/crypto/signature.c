#include "record/crypto/signature.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>

static EVP_PKEY *key_from(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* Frees the key. Whatever is wrong with key or signature is "no". */
static bool verify(EVP_PKEY *key, struct span message, struct span signature)
{
    EVP_MD_CTX *ctx = key == NULL ? NULL : EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
                EVP_DigestVerify(ctx, signature.p, signature.n, message.p, message.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return good;
}

bool crypto_es256_verify(struct span x, struct span y, struct span message, struct span signature)
{
    uint8_t point[65] = {4};
    char group[] = "P-256";
    if (x.n != 32 || y.n != 32 || signature.n == 0)
        return false;
    memcpy(point + 1, x.p, 32);
    memcpy(point + 33, y.p, 32);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point), OSSL_PARAM_construct_end()};
    return verify(key_from("EC", params), message, signature);
}

bool crypto_rs256_verify(struct span n, struct span e, struct span message, struct span signature)
{
    if (n.n < 256 || n.n > 1024 || n.p[0] == 0 || e.n == 0 || e.n > 8 || (e.p[e.n - 1] & 1) == 0 || (e.n == 1 && e.p[0] < 3) || signature.n != n.n)
        return false;
    BIGNUM *modulus = BN_bin2bn(n.p, (int)n.n, NULL);
    BIGNUM *exponent = BN_bin2bn(e.p, (int)e.n, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    if (modulus != NULL && exponent != NULL && build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        params = OSSL_PARAM_BLD_to_param(build);
    bool good = verify(key_from("RSA", params), message, signature); /* PKCS #1 v1.5 is the padding where none is chosen */
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return good;
}

uint32_t crypto_hotp(struct span key, uint64_t counter)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    uint64_t big = htobe64(counter);
    if (HMAC(EVP_sha1(), key.p, (int)key.n, (const uint8_t *)&big, sizeof big, mac, &n) == NULL || n != 20) {
        (void)fprintf(stderr, "tourniquet: HMAC-SHA-1 failed in the cryptographic library; stopping\n");
        abort();
    }
    struct span at = span_of(mac + (mac[19] & 15), 4);
    return (span_be32(&at) & 0x7fffffff) % 1000000;
}
