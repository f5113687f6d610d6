/* Invariants
 *  1. Every algorithm is fetched once (pthread_once) and never by name afterwards: no provider lookup, no allocation for it on a hot path. SHA-256 is
 *     OpenSSL's own function and not its EVP wrapping, which costs more than hashing 100 bytes; OpenSSL calls these functions deprecated in favour of
 * the wrapping, and ships them in every 3.x.
 *  2. A context belongs to one thread (thread-specific, freed when the thread ends) and is set up anew at each use.
 *  3. A key does not outlive its call: the cipher context is set to an all-zero key before the call returns, and what lies on the stack is wiped. (A
 * sealer keeps its last key until it is told to forget.)
 *  4. Only verify and open say "no". Everything else succeeds or ends the process (fatal): no caller can go on with a hash or seal that was not made.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_*: invariant 1 */
#include "record/crypto/crypto.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HMAC_BLOCK 64
#define HMAC_JOINED 192

static EVP_CIPHER *cipher_gcm;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;
static bool started;

/* What one thread keeps between calls. */
struct scratch {
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
    EVP_MD_CTX_free(s->sign);
    EVP_CIPHER_CTX_free(s->cipher);
    free(s);
}

static void fetch(void)
{
    cipher_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    started = cipher_gcm != NULL && sodium_init() >= 0 && pthread_key_create(&scratch_key, scratch_free) == 0;
}

int crypto_start(struct error *e)
{
    (void)pthread_once(&once, fetch);
    if (!started)
        return err_set(e, ERR_SYSTEM, "AES-256-GCM is not available in the cryptographic library (OpenSSL): check its configuration");
    return 0;
}

/* A context that knows its cipher: naming it again at each use would cost as much as sealing 100 bytes. */
static EVP_CIPHER_CTX *cipher_new(void)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL || EVP_EncryptInit_ex2(ctx, cipher_gcm, NULL, NULL, NULL) == 1)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static _Thread_local struct scratch *own_scratch;

static struct scratch *scratch_new(void)
{
    if (crypto_start(NULL) != 0)
        fatal("starting");
    struct scratch *s = calloc(1, sizeof *s);
    if (s == NULL)
        fatal("allocating");
    s->sign = EVP_MD_CTX_new();
    s->cipher = cipher_new();
    if (s->sign == NULL || s->cipher == NULL || pthread_setspecific(scratch_key, s) != 0)
        fatal("allocating");
    own_scratch = s;
    return s;
}

static inline struct scratch *scratch(void)
{
    return own_scratch != NULL ? own_scratch : scratch_new();
}

/* ── Hash ── */

static void digest_add(SHA256_CTX *ctx, struct span data)
{
    if (data.n > 0 && SHA256_Update(ctx, data.p, data.n) != 1)
        fatal("SHA-256");
}

static void digest_end(SHA256_CTX *ctx, uint8_t out[SHA256_SIZE])
{
    if (SHA256_Final(out, ctx) != 1)
        fatal("SHA-256");
}

void crypto_sha256_parts(const struct span *parts, size_t n, uint8_t out[SHA256_SIZE])
{
    SHA256_CTX ctx;
    (void)SHA256_Init(&ctx);
    for (size_t i = 0; i < n; i++)
        digest_add(&ctx, parts[i]);
    digest_end(&ctx, out);
}

void crypto_sha256(struct span data, uint8_t out[SHA256_SIZE])
{
    crypto_sha256_parts(&data, 1, out);
}

void crypto_sha1(struct span data, uint8_t out[SHA1_SIZE])
{
    (void)SHA1(data.p, data.n, out);
}

struct crypto_hash {
    SHA256_CTX ctx;
};

struct crypto_hash *crypto_hash_new(void)
{
    struct crypto_hash *h = calloc(1, sizeof *h);
    if (h != NULL)
        (void)SHA256_Init(&h->ctx);
    return h;
}

void crypto_hash_add(struct crypto_hash *h, struct span data)
{
    digest_add(&h->ctx, data);
}

void crypto_hash_end(struct crypto_hash *h, uint8_t out[SHA256_SIZE])
{
    digest_end(&h->ctx, out);
    (void)SHA256_Init(&h->ctx);
}

void crypto_hash_free(struct crypto_hash *h)
{
    free(h);
}

/* ── HMAC (RFC 2104) and HKDF (RFC 5869) ── */

/* SHA-256's state behind one block of the key with every byte changed by `pad`. */
static void hmac_pad(const uint8_t key[HMAC_BLOCK], uint8_t pad, uint32_t ret[8])
{
    SHA256_CTX ctx;
    uint8_t block[HMAC_BLOCK];
    for (size_t i = 0; i < HMAC_BLOCK; i++)
        block[i] = key[i] ^ pad;
    (void)SHA256_Init(&ctx);
    SHA256_Transform(&ctx, block);
    memcpy(ret, ctx.h, sizeof ctx.h);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(&ctx, sizeof ctx);
}

void crypto_hmac_set(struct crypto_hmac *h, struct span key)
{
    uint8_t block[HMAC_BLOCK] = {0};
    if (key.n > HMAC_BLOCK)
        crypto_sha256(key, block);
    else if (key.n > 0)
        memcpy(block, key.p, key.n);
    hmac_pad(block, 0x36, h->inner);
    hmac_pad(block, 0x5c, h->outer);
    OPENSSL_cleanse(block, sizeof block);
}

/* Goes on where one block has been taken in. */
static void digest_resume(SHA256_CTX *ctx, const uint32_t state[8])
{
    (void)SHA256_Init(ctx);
    memcpy(ctx->h, state, sizeof ctx->h);
    ctx->Nl = 8 * HMAC_BLOCK;
}

void crypto_hmac_do(const struct crypto_hmac *h, const struct span *parts, size_t n, uint8_t out[SHA256_SIZE])
{
    SHA256_CTX ctx;
    UNCLEARED uint8_t joined[HMAC_JOINED]; /* short parts are taken in together: each call costs as much as some bytes */
    size_t held = 0;
    digest_resume(&ctx, h->inner);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > sizeof joined - held) {
            digest_add(&ctx, span_of(joined, held));
            held = 0;
        }
        if (parts[i].n > sizeof joined) {
            digest_add(&ctx, parts[i]);
        } else if (parts[i].n > 0) {
            memcpy(joined + held, parts[i].p, parts[i].n);
            held += parts[i].n;
        }
    }
    digest_add(&ctx, span_of(joined, held));
    OPENSSL_cleanse(joined, held);
    digest_end(&ctx, out);
    digest_resume(&ctx, h->outer);
    digest_add(&ctx, span_of(out, SHA256_SIZE));
    digest_end(&ctx, out);
    OPENSSL_cleanse(&ctx, sizeof ctx);
}

void crypto_hmac_sha256(struct span key, struct span data, uint8_t out[SHA256_SIZE])
{
    struct crypto_hmac h;
    uint8_t mac[SHA256_SIZE]; /* out may be part of key or data */
    crypto_hmac_set(&h, key);
    crypto_hmac_do(&h, &data, 1, mac);
    memcpy(out, mac, sizeof mac);
    OPENSSL_cleanse(&h, sizeof h);
    OPENSSL_cleanse(mac, sizeof mac);
}

struct crypto_hmac *crypto_hmac_new(struct span key)
{
    struct crypto_hmac *h = calloc(1, sizeof *h);
    if (h != NULL)
        crypto_hmac_set(h, key);
    return h;
}

void crypto_hmac_free(struct crypto_hmac *h)
{
    if (h != NULL)
        OPENSSL_cleanse(h, sizeof *h);
    free(h);
}

void crypto_hkdf_expand_with(const struct crypto_hmac *key, struct span info, uint8_t *out, size_t out_n)
{
    uint8_t block[SHA256_SIZE];
    if (out_n > 255 * SHA256_SIZE)
        fatal("HKDF (asked for too much)");
    for (uint8_t counter = 1; out_n > 0; counter++) {
        struct span parts[] = {span_of(block, counter == 1 ? 0 : sizeof block), info, span_of(&counter, 1)};
        crypto_hmac_do(key, parts, 3, block);
        size_t n = out_n < sizeof block ? out_n : sizeof block;
        memcpy(out, block, n);
        out += n;
        out_n -= n;
    }
    OPENSSL_cleanse(block, sizeof block);
}

void crypto_hkdf_expand(const uint8_t key[32], struct span info, uint8_t *out, size_t out_n)
{
    struct crypto_hmac h;
    crypto_hmac_set(&h, span_of(key, 32));
    crypto_hkdf_expand_with(&h, info, out, out_n);
    OPENSSL_cleanse(&h, sizeof h);
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
    if (EVP_EncryptInit_ex2(ctx, NULL, zero_key, NULL, NULL) != 1)
        fatal("AES-256-GCM");
}

static void seal(EVP_CIPHER_CTX *ctx, const uint8_t key[AES_GCM_KEY], const uint8_t nonce[AES_GCM_NONCE], struct span ad, struct span clear,
                 uint8_t *out)
{
    int n = 0;
    uint8_t *tag = out + clear.n;
    OSSL_PARAM get_tag[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, AES_GCM_TAG), OSSL_PARAM_construct_end()};
    if (EVP_EncryptInit_ex2(ctx, NULL, key, nonce, NULL) != 1 || !cipher_update(ctx, NULL, ad, true) || !cipher_update(ctx, out, clear, true) ||
        EVP_EncryptFinal_ex(ctx, tag, &n) != 1 || EVP_CIPHER_CTX_get_params(ctx, get_tag) != 1)
        fatal("AES-256-GCM");
}

void crypto_seal(const uint8_t key[AES_GCM_KEY], const uint8_t nonce[AES_GCM_NONCE], struct span ad, struct span clear, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = scratch()->cipher;
    seal(ctx, key, nonce, ad, clear, out);
    cipher_forget(ctx);
}

struct crypto_sealer {
    EVP_CIPHER_CTX *ctx;
};

struct crypto_sealer *crypto_sealer_new(void)
{
    struct crypto_sealer *s = calloc(1, sizeof *s);
    (void)scratch();
    if (s == NULL || (s->ctx = cipher_new()) == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

void crypto_sealer_seal(struct crypto_sealer *s, const uint8_t key[AES_GCM_KEY], struct span ad, struct span clear, uint8_t *out)
{
    static const uint8_t nonce[AES_GCM_NONCE];
    seal(s->ctx, key, nonce, ad, clear, out);
}

void crypto_sealer_forget(struct crypto_sealer *s)
{
    cipher_forget(s->ctx);
}

void crypto_sealer_free(struct crypto_sealer *s)
{
    if (s == NULL)
        return;
    EVP_CIPHER_CTX_free(s->ctx); /* the library wipes it */
    free(s);
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
    if (EVP_DecryptInit_ex2(ctx, NULL, key, nonce, NULL) != 1 || !cipher_update(ctx, NULL, ad, false) ||
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

/* Two contexts, so that going from sealing to opening does not set the key up again. */
struct crypto_bulk {
    EVP_CIPHER_CTX *seal;
    EVP_CIPHER_CTX *open;
};

struct crypto_bulk *crypto_bulk_new(const uint8_t key[AES_GCM_KEY])
{
    struct crypto_bulk *b = calloc(1, sizeof *b);
    (void)scratch();
    if (b == NULL || (b->seal = EVP_CIPHER_CTX_new()) == NULL || (b->open = EVP_CIPHER_CTX_new()) == NULL) {
        crypto_bulk_free(b);
        return NULL;
    }
    if (EVP_EncryptInit_ex2(b->seal, cipher_gcm, key, NULL, NULL) != 1 || EVP_DecryptInit_ex2(b->open, cipher_gcm, key, NULL, NULL) != 1)
        fatal("AES-256-GCM");
    return b;
}

void crypto_bulk_free(struct crypto_bulk *b)
{
    if (b == NULL)
        return;
    EVP_CIPHER_CTX_free(b->seal); /* the library wipes both */
    EVP_CIPHER_CTX_free(b->open);
    free(b);
}

void crypto_bulk_seal(struct crypto_bulk *b, const uint8_t nonce[AES_GCM_NONCE], struct span ad, struct span clear, uint8_t *out,
                      uint8_t tag[AES_GCM_TAG])
{
    int n = 0;
    uint8_t nothing[16];
    if (EVP_EncryptInit_ex2(b->seal, NULL, NULL, nonce, NULL) != 1 || !cipher_update(b->seal, NULL, ad, true) ||
        !cipher_update(b->seal, out, clear, true) || EVP_EncryptFinal_ex(b->seal, nothing, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(b->seal, EVP_CTRL_AEAD_GET_TAG, AES_GCM_TAG, tag) != 1)
        fatal("AES-256-GCM");
}

bool crypto_bulk_open(struct crypto_bulk *b, const uint8_t nonce[AES_GCM_NONCE], struct span ad, struct span sealed, const uint8_t tag[AES_GCM_TAG],
                      uint8_t *out)
{
    int n = 0;
    uint8_t nothing[16];
    uint8_t want[AES_GCM_TAG];
    memcpy(want, tag, sizeof want);
    if (EVP_DecryptInit_ex2(b->open, NULL, NULL, nonce, NULL) != 1 || !cipher_update(b->open, NULL, ad, false) ||
        !cipher_update(b->open, out, sealed, false) || EVP_CIPHER_CTX_ctrl(b->open, EVP_CTRL_AEAD_SET_TAG, AES_GCM_TAG, want) != 1)
        fatal("AES-256-GCM");
    bool right = EVP_DecryptFinal_ex(b->open, nothing, &n) == 1;
    if (!right)
        OPENSSL_cleanse(out, sealed.n);
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

/* ── Key agreement: X25519 ── */

void crypto_x25519_public(const uint8_t secret[X25519_KEY], uint8_t out[X25519_KEY])
{
    (void)scratch();
    if (crypto_scalarmult_curve25519_base(out, secret) != 0)
        fatal("X25519");
}

bool crypto_x25519(const uint8_t secret[X25519_KEY], const uint8_t public_key[X25519_KEY], uint8_t out[X25519_KEY])
{
    (void)scratch();
    return crypto_scalarmult_curve25519(out, secret, public_key) == 0;
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
