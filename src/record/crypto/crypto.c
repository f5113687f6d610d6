/* Invariants
 *  1. Every algorithm is fetched once (pthread_once) and never by name afterwards: no provider lookup, no allocation for it on a hot path.
 *  2. A context belongs to one thread (thread-specific, freed when the thread ends) and is set up anew at each use.
 *  3. A key does not outlive its call: the cipher context is set to an all-zero key before the call returns, and what lies on the stack is wiped.
 *  4. Only verify and open say "no". Everything else succeeds or ends the process (fatal): no caller can go on with a hash or seal that was not made.
 */
#include "record/crypto/crypto.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HMAC_BLOCK 64

static EVP_MD *md_sha256;
static EVP_CIPHER *cipher_gcm;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;
static bool started;

/* What one thread keeps between calls. */
struct scratch {
    EVP_MD_CTX *hash;
    EVP_MD_CTX *sign;
    EVP_CIPHER_CTX *cipher;
};

static _Noreturn void fatal(const char *what)
{
    (void)fprintf(stderr, "tourniquet: %s failed in the cryptographic library (out of memory?); stopping\n", what);
    abort();
}

static void scratch_free(void *p)
{
    struct scratch *s = p;
    EVP_MD_CTX_free(s->hash);
    EVP_MD_CTX_free(s->sign);
    EVP_CIPHER_CTX_free(s->cipher);
    free(s);
}

static void fetch(void)
{
    md_sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    cipher_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    started = md_sha256 != NULL && cipher_gcm != NULL && sodium_init() >= 0 && pthread_key_create(&scratch_key, scratch_free) == 0;
}

int crypto_start(struct error *e)
{
    (void)pthread_once(&once, fetch);
    if (!started)
        return err_set(e, ERR_SYSTEM, "SHA-256 or AES-256-GCM is not available in the cryptographic library (OpenSSL): check its configuration");
    return 0;
}

static _Thread_local struct scratch *own_scratch;

static struct scratch *scratch_new(void)
{
    if (crypto_start(NULL) != 0)
        fatal("starting");
    struct scratch *s = calloc(1, sizeof *s);
    if (s == NULL)
        fatal("allocating");
    s->hash = EVP_MD_CTX_new();
    s->sign = EVP_MD_CTX_new();
    s->cipher = EVP_CIPHER_CTX_new();
    if (s->hash == NULL || s->sign == NULL || s->cipher == NULL || pthread_setspecific(scratch_key, s) != 0)
        fatal("allocating");
    own_scratch = s;
    return s;
}

static inline struct scratch *scratch(void)
{
    return own_scratch != NULL ? own_scratch : scratch_new();
}

/* ── Hash ── */

void crypto_sha256_parts(const struct span *parts, size_t n, uint8_t out[SHA256_SIZE])
{
    EVP_MD_CTX *ctx = scratch()->hash;
    bool ok = EVP_DigestInit_ex2(ctx, md_sha256, NULL) == 1;
    for (size_t i = 0; i < n && ok; i++)
        ok = parts[i].n == 0 || EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    if (!ok || EVP_DigestFinal_ex(ctx, out, NULL) != 1)
        fatal("SHA-256");
}

void crypto_sha256(struct span data, uint8_t out[SHA256_SIZE])
{
    crypto_sha256_parts(&data, 1, out);
}

struct crypto_hash {
    EVP_MD_CTX *ctx;
};

struct crypto_hash *crypto_hash_new(void)
{
    (void)scratch();
    struct crypto_hash *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL || EVP_DigestInit_ex2(h->ctx, md_sha256, NULL) != 1) {
        crypto_hash_free(h);
        return NULL;
    }
    return h;
}

void crypto_hash_add(struct crypto_hash *h, struct span data)
{
    if (data.n > 0 && EVP_DigestUpdate(h->ctx, data.p, data.n) != 1)
        fatal("SHA-256");
}

void crypto_hash_end(struct crypto_hash *h, uint8_t out[SHA256_SIZE])
{
    if (EVP_DigestFinal_ex(h->ctx, out, NULL) != 1 || EVP_DigestInit_ex2(h->ctx, md_sha256, NULL) != 1)
        fatal("SHA-256");
}

void crypto_hash_free(struct crypto_hash *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

/* ── HMAC (RFC 2104) and HKDF (RFC 5869) ── */

static void hmac_pads(struct span key, uint8_t inner[HMAC_BLOCK], uint8_t outer[HMAC_BLOCK])
{
    uint8_t block[HMAC_BLOCK] = {0};
    if (key.n > HMAC_BLOCK)
        crypto_sha256(key, block);
    else if (key.n > 0)
        memcpy(block, key.p, key.n);
    for (size_t i = 0; i < HMAC_BLOCK; i++) {
        inner[i] = block[i] ^ 0x36;
        outer[i] = block[i] ^ 0x5c;
    }
    OPENSSL_cleanse(block, sizeof block);
}

void crypto_hmac_sha256(struct span key, struct span data, uint8_t out[SHA256_SIZE])
{
    uint8_t inner[HMAC_BLOCK];
    uint8_t outer[HMAC_BLOCK];
    uint8_t middle[SHA256_SIZE];
    hmac_pads(key, inner, outer);
    crypto_sha256_parts((struct span[]){span_of(inner, sizeof inner), data}, 2, middle);
    crypto_sha256_parts((struct span[]){span_of(outer, sizeof outer), span_of(middle, sizeof middle)}, 2, out);
    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(outer, sizeof outer);
    OPENSSL_cleanse(middle, sizeof middle);
}

struct crypto_hmac {
    EVP_MD_CTX *inner; /* has taken the inner block */
    EVP_MD_CTX *outer;
    EVP_MD_CTX *work;
};

struct crypto_hmac *crypto_hmac_new(struct span key)
{
    (void)scratch();
    struct crypto_hmac *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->inner = EVP_MD_CTX_new();
    h->outer = EVP_MD_CTX_new();
    h->work = EVP_MD_CTX_new();
    if (h->inner == NULL || h->outer == NULL || h->work == NULL) {
        crypto_hmac_free(h);
        return NULL;
    }
    crypto_hmac_set(h, key);
    return h;
}

void crypto_hmac_set(struct crypto_hmac *h, struct span key)
{
    uint8_t inner[HMAC_BLOCK];
    uint8_t outer[HMAC_BLOCK];
    hmac_pads(key, inner, outer);
    if (EVP_DigestInit_ex2(h->inner, md_sha256, NULL) != 1 || EVP_DigestUpdate(h->inner, inner, sizeof inner) != 1 ||
        EVP_DigestInit_ex2(h->outer, md_sha256, NULL) != 1 || EVP_DigestUpdate(h->outer, outer, sizeof outer) != 1)
        fatal("HMAC");
    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(outer, sizeof outer);
}

void crypto_hmac_do(struct crypto_hmac *h, const struct span *parts, size_t n, uint8_t out[SHA256_SIZE])
{
    uint8_t middle[SHA256_SIZE];
    bool ok = EVP_MD_CTX_copy_ex(h->work, h->inner) == 1;
    for (size_t i = 0; i < n && ok; i++)
        ok = parts[i].n == 0 || EVP_DigestUpdate(h->work, parts[i].p, parts[i].n) == 1;
    ok = ok && EVP_DigestFinal_ex(h->work, middle, NULL) == 1 && EVP_MD_CTX_copy_ex(h->work, h->outer) == 1 &&
         EVP_DigestUpdate(h->work, middle, sizeof middle) == 1 && EVP_DigestFinal_ex(h->work, out, NULL) == 1;
    if (!ok)
        fatal("HMAC");
    OPENSSL_cleanse(middle, sizeof middle);
}

void crypto_hmac_free(struct crypto_hmac *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->inner); /* the library wipes a context as it frees it */
    EVP_MD_CTX_free(h->outer);
    EVP_MD_CTX_free(h->work);
    free(h);
}

void crypto_hkdf_expand(const uint8_t key[32], struct span info, uint8_t *out, size_t out_n)
{
    uint8_t inner[HMAC_BLOCK];
    uint8_t outer[HMAC_BLOCK];
    uint8_t block[SHA256_SIZE];
    uint8_t middle[SHA256_SIZE];
    if (out_n > 255 * SHA256_SIZE)
        fatal("HKDF (asked for too much)");
    hmac_pads(span_of(key, 32), inner, outer);
    for (uint8_t counter = 1; out_n > 0; counter++) {
        struct span parts[] = {span_of(inner, sizeof inner), span_of(block, counter == 1 ? 0 : sizeof block), info, span_of(&counter, 1)};
        crypto_sha256_parts(parts, 4, middle);
        crypto_sha256_parts((struct span[]){span_of(outer, sizeof outer), span_of(middle, sizeof middle)}, 2, block);
        size_t n = out_n < sizeof block ? out_n : sizeof block;
        memcpy(out, block, n);
        out += n;
        out_n -= n;
    }
    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(outer, sizeof outer);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(middle, sizeof middle);
}

void crypto_hkdf(struct span secret, struct span salt, struct span info, uint8_t *out, size_t out_n)
{
    uint8_t prk[SHA256_SIZE];
    crypto_hmac_sha256(salt, secret, prk); /* an absent salt is 32 zeros, which HMAC's padding makes the same as an empty key */
    crypto_hkdf_expand(prk, info, out, out_n);
    OPENSSL_cleanse(prk, sizeof prk);
}

/* ── Sealing: AES-256-GCM ── */

static const uint8_t zero_key[AES_GCM_KEY];

/* One EVP update takes an int: longer texts go in pieces. */
static bool cipher_update(EVP_CIPHER_CTX *ctx, uint8_t *out, struct span in, bool seal)
{
    while (in.n > 0) {
        struct span piece = span_take(&in, in.n < (1u << 30) ? in.n : 1u << 30);
        int n = 0;
        int ok = seal ? EVP_EncryptUpdate(ctx, out, &n, piece.p, (int)piece.n) : EVP_DecryptUpdate(ctx, out, &n, piece.p, (int)piece.n);
        if (ok != 1)
            return false;
        if (out != NULL)
            out += n;
    }
    return true;
}

static void cipher_forget(EVP_CIPHER_CTX *ctx)
{
    if (EVP_EncryptInit_ex2(ctx, cipher_gcm, zero_key, NULL, NULL) != 1)
        fatal("AES-256-GCM");
}

void crypto_seal(const uint8_t key[AES_GCM_KEY], const uint8_t nonce[AES_GCM_NONCE], struct span ad, struct span clear, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = scratch()->cipher;
    int n = 0;
    uint8_t *tag = out + clear.n;
    OSSL_PARAM get_tag[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, AES_GCM_TAG), OSSL_PARAM_construct_end()};
    if (EVP_EncryptInit_ex2(ctx, cipher_gcm, key, nonce, NULL) != 1 || !cipher_update(ctx, NULL, ad, true) || !cipher_update(ctx, out, clear, true) ||
        EVP_EncryptFinal_ex(ctx, tag, &n) != 1 || EVP_CIPHER_CTX_get_params(ctx, get_tag) != 1)
        fatal("AES-256-GCM");
    cipher_forget(ctx);
}

bool crypto_open(const uint8_t key[AES_GCM_KEY], const uint8_t nonce[AES_GCM_NONCE], struct span ad, struct span sealed, uint8_t *out)
{
    if (sealed.n < AES_GCM_TAG)
        return false;
    EVP_CIPHER_CTX *ctx = scratch()->cipher;
    uint8_t tag[AES_GCM_TAG];
    size_t clear_n = sealed.n - AES_GCM_TAG;
    memcpy(tag, sealed.p + clear_n, sizeof tag);
    OSSL_PARAM set_tag[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, AES_GCM_TAG), OSSL_PARAM_construct_end()};
    if (EVP_DecryptInit_ex2(ctx, cipher_gcm, key, nonce, NULL) != 1 || !cipher_update(ctx, NULL, ad, false) ||
        !cipher_update(ctx, out, span_of(sealed.p, clear_n), false) || EVP_CIPHER_CTX_set_params(ctx, set_tag) != 1)
        fatal("AES-256-GCM");
    int n = 0;
    uint8_t nothing[16];
    bool right = EVP_DecryptFinal_ex(ctx, nothing, &n) == 1;
    cipher_forget(ctx);
    if (!right)
        OPENSSL_cleanse(out, clear_n);
    return right;
}

/* ── Signatures: Ed25519 ── */

struct crypto_signer {
    EVP_PKEY *key;
};

struct crypto_signer *crypto_signer_new(const uint8_t seed[ED25519_SEED])
{
    (void)scratch();
    struct crypto_signer *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, ED25519_SEED);
    if (s->key == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

void crypto_signer_public(const struct crypto_signer *s, uint8_t out[ED25519_PUBLIC])
{
    size_t n = ED25519_PUBLIC;
    if (EVP_PKEY_get_raw_public_key(s->key, out, &n) != 1 || n != ED25519_PUBLIC)
        fatal("Ed25519");
}

void crypto_signer_sign(const struct crypto_signer *s, struct span message, uint8_t out[ED25519_SIGNATURE])
{
    EVP_MD_CTX *ctx = scratch()->sign;
    size_t n = ED25519_SIGNATURE;
    if (EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, s->key, NULL) != 1 || EVP_DigestSign(ctx, out, &n, message.p, message.n) != 1 ||
        n != ED25519_SIGNATURE)
        fatal("Ed25519");
    (void)EVP_MD_CTX_reset(ctx); /* drops its hold on the key */
}

void crypto_signer_free(struct crypto_signer *s)
{
    if (s == NULL)
        return;
    EVP_PKEY_free(s->key);
    free(s);
}

bool crypto_verify(const uint8_t public_key[ED25519_PUBLIC], struct span message, const uint8_t signature[ED25519_SIGNATURE])
{
    EVP_MD_CTX *ctx = scratch()->sign;
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key, ED25519_PUBLIC);
    if (key == NULL)
        return false;
    bool good = EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
                EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE, message.p, message.n) == 1;
    (void)EVP_MD_CTX_reset(ctx);
    EVP_PKEY_free(key);
    return good;
}

/* ── Random bytes, comparing, forgetting ── */

void crypto_random(void *out, size_t n)
{
    (void)scratch();
    if (RAND_priv_bytes_ex(NULL, out, n, 256) != 1)
        fatal("the random generator");
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
    return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

void crypto_wipe(void *p, size_t n)
{
    if (n > 0)
        OPENSSL_cleanse(p, n);
}

static size_t whole_pages(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return n == 0 || n > SIZE_MAX - page ? page : (n + page - 1) / page * page;
}

void *crypto_secret_new(size_t n, bool *ret_locked)
{
    size_t size = whole_pages(n);
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    bool locked = mlock(p, size) == 0;
    if (madvise(p, size, MADV_DONTDUMP) != 0 || madvise(p, size, MADV_DONTFORK) != 0)
        locked = false;
    if (ret_locked != NULL)
        *ret_locked = locked;
    return p;
}

void crypto_secret_free(void *p, size_t n)
{
    if (p == NULL)
        return;
    OPENSSL_cleanse(p, whole_pages(n));
    (void)munmap(p, whole_pages(n));
}
