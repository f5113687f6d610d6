/* The keyring of format 1: all keys in one file under the root key. It is read, and moved to format 2 by keyring_settle. docs/formats/ledger.md. */
#include "record/ledger/keyring.h"

#include <errno.h>

#define MAGIC SPAN_LIT("TQKEYR1\n")
#define HEADER 68
#define KEY_BYTES 72

bool keyring_1_is(struct span file)
{
    return file.n >= 10 && span_starts(file, MAGIC) && file.p[8] == 0 && file.p[9] == 1;
}

/* The outside of the file: everything but the sealed part, and the file's own hash. */
static int take_outside(struct span in, struct span *ret_salt, struct span *ret_check, struct span *ret_sealed, struct error *e)
{
    uint8_t hash[SHA256_SIZE];
    static const uint8_t zeros[6];
    if (in.n < HEADER + SHA256_SIZE)
        return err_set(e, ERR_CORRUPT, "the keyring is cut: put it back from a backup");
    crypto_sha256(span_of(in.p, in.n - SHA256_SIZE), hash);
    if (memcmp(hash, in.p + in.n - SHA256_SIZE, SHA256_SIZE) != 0)
        return err_set(e, ERR_CORRUPT, "the keyring's own hash does not hold: it was damaged or changed; put it back from a backup");
    (void)span_skip(&in, 10);
    struct span zero = span_take(&in, 6);
    *ret_salt = span_take(&in, 32);
    *ret_check = span_take(&in, 16);
    uint32_t n = span_be32(&in);
    if (memcmp(zero.p, zeros, 6) != 0 || n < AES_GCM_TAG || in.n != (size_t)n + SHA256_SIZE)
        return err_set(e, ERR_CORRUPT, "the keyring's header does not hold: put it back from a backup");
    *ret_sealed = span_take(&in, n);
    return 0;
}

static bool take_clear(struct keyring *k, struct span in)
{
    struct span log_id = span_take(&in, LOG_ID);
    struct span seed = span_take(&in, ED25519_SEED);
    struct span purpose = span_take(&in, 32);
    size_t origin_n = span_u8(&in);
    struct span origin = span_take(&in, origin_n);
    size_t n = span_be32(&in);
    if (in.bad || origin_n == 0 || origin_n > NOTE_NAME_MAX || n > KEYRING_1_KEYS || in.n != n * KEY_BYTES)
        return false;
    memcpy(k->log_id, log_id.p, LOG_ID);
    memcpy(k->seed, seed.p, ED25519_SEED);
    memcpy(k->purpose, purpose.p, 32);
    memcpy(k->origin, origin.p, origin_n);
    k->origin[origin_n] = 0;
    for (size_t i = 0; i < n; i++) {
        struct period_key p = {.epoch = k->epoch};
        memcpy(p.id, span_take(&in, KEY_ID).p, KEY_ID);
        memcpy(p.scope, span_take(&in, KEY_SCOPE).p, KEY_SCOPE);
        p.stream = (uint8_t)(span_be32(&in) >> 24);
        p.period = span_be32(&in);
        memcpy(p.key, span_take(&in, sizeof p.key).p, sizeof p.key);
        int rc = keyring_put(k, &p, NULL);
        crypto_wipe(&p, sizeof p);
        if (rc != 0)
            return false;
    }
    return true;
}

static int open_sealed(struct keyring *k, struct span file, struct span salt, struct span check_is, struct span sealed, struct error *e)
{
    uint8_t wrap[32];
    uint8_t check[32];
    static const uint8_t nonce[AES_GCM_NONCE];
    size_t n = sealed.n - AES_GCM_TAG;
    uint8_t *clear = crypto_secret_new(n == 0 ? 1 : n, NULL);
    struct span root = span_of(k->root, sizeof k->root);
    int rc = 0;
    crypto_hkdf(root, salt, SPAN_LIT("tourniquet keyring v1"), wrap, 32);
    crypto_hkdf(root, salt, SPAN_LIT("tourniquet keyring check v1"), check, 32);
    if (clear == NULL)
        rc = err_sys(e, ENOMEM, "opening the keyring");
    else if (!crypto_equal(check, check_is.p, check_is.n))
        rc = err_set(e, ERR_MISUSE,
                     "the root key is not the one of this ledger: nothing in it can be read with this key; put the right key file back");
    else if (!crypto_open(wrap, nonce, span_of(file.p, HEADER), sealed, clear) || !take_clear(k, span_of(clear, n)))
        rc = err_set(e, ERR_CORRUPT, "the keyring does not open: it was changed; put it back from a backup");
    crypto_secret_free(clear, n == 0 ? 1 : n);
    crypto_wipe(wrap, sizeof wrap);
    crypto_wipe(check, sizeof check);
    return rc;
}

int keyring_1_read(struct keyring *k, struct span file, const struct root_source *source, struct error *e)
{
    struct span salt;
    struct span check;
    struct span sealed;
    struct error why = {0};
    if (take_outside(file, &salt, &check, &sealed, e) != 0)
        return -1;
    if (source->kind != ROOT_FILE)
        return err_set(e, ERR_MISUSE,
                       "this ledger is of an earlier version and opens by its key file: start it once with root_key: file, then change "
                       "the source with `tourniquet keys rotate`");
    if (root_open(source, NULL, (struct passphrase_cost){0}, k->root, &why) == 0)
        return open_sealed(k, file, salt, check, sealed, e);
    if (why.class == ERR_CLOSED)
        return err_set(e, ERR_MISUSE, "the root key %s is missing: without it nothing in the ledger can be read; put the file back", source->path);
    if (e != NULL)
        *e = why;
    return -1;
}

int keyring_1_check(struct span file, struct error *e)
{
    struct span salt;
    struct span check;
    struct span sealed;
    return take_outside(file, &salt, &check, &sealed, e);
}
