#include "record/ledger/keyring.h"

#include "record/ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC SPAN_LIT("TQKEYR1\n")
#define HEADER 68
#define KEY_BYTES 72
#define CLEAR_MAX (LOG_ID + ED25519_SEED + 32 + 1 + NOTE_NAME_MAX + 4 + KEYRING_KEYS_MAX * KEY_BYTES)
#define FILE_MAX (HEADER + CLEAR_MAX + AES_GCM_TAG + SHA256_SIZE)
#define PATH "keyring"

/* ── Root key ── */

int root_key_load(const char *path, uint8_t out[ROOT_KEY], struct error *e)
{
    struct error why = {0};
    int fd = file_open_read(AT_FDCWD, path, &why);
    if (fd < 0) {
        if (e != NULL)
            *e = why;
        return -1;
    }
    struct stat st;
    uint8_t bytes[ROOT_KEY + 1];
    size_t n = 0;
    int rc = 0;
    if (fstat(fd, &st) != 0)
        rc = err_sys(e, errno, "reading the key %s", path);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(e, ERR_MISUSE, "the key %s is not a regular file", path);
    else if ((st.st_mode & 077) != 0)
        rc = err_set(e, ERR_MISUSE, "the key %s may be read by others (mode %o): chmod 600 it, and think about who may have read it", path,
                     (unsigned)st.st_mode & 07777);
    else
        rc = file_read(fd, path, bytes, sizeof bytes, 0, &n, e);
    (void)close(fd);
    if (rc == 0 && n != ROOT_KEY)
        rc = err_set(e, ERR_MISUSE, "the key %s has not exactly %d bytes: put the right file back", path, ROOT_KEY);
    if (rc == 0)
        memcpy(out, bytes, ROOT_KEY);
    crypto_wipe(bytes, sizeof bytes);
    return rc;
}

int root_key_make(const char *path, struct error *e)
{
    if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(e, ERR_MISUSE, "the key %s is there already", path);
    uint8_t key[ROOT_KEY];
    crypto_random(key, sizeof key);
    int rc = file_replace(AT_FDCWD, path, span_of(key, sizeof key), true, e);
    crypto_wipe(key, sizeof key);
    return rc;
}

/* ── Keyring ── */

struct keyring *keyring_new(struct error *e)
{
    bool locked = false;
    struct keyring *k = crypto_secret_new(sizeof *k, &locked);
    if (k == NULL)
        (void)err_sys(e, ENOMEM, "making room for keys");
    else
        k->locked = locked;
    return k;
}

void keyring_free(struct keyring *k)
{
    crypto_secret_free(k, sizeof *k);
}

void keyring_start(struct keyring *k, const char *origin)
{
    size_t n = strnlen(origin, NOTE_NAME_MAX);
    crypto_random(k->log_id, sizeof k->log_id);
    crypto_random(k->seed, sizeof k->seed);
    crypto_random(k->purpose, sizeof k->purpose);
    memcpy(k->origin, origin, n);
    k->origin[n] = 0;
    k->n = 0;
}

static void wrapping_keys(const struct keyring *k, struct span salt, uint8_t wrap[32], uint8_t check[32])
{
    crypto_hkdf(span_of(k->root, sizeof k->root), salt, SPAN_LIT("tourniquet keyring v1"), wrap, 32);
    crypto_hkdf(span_of(k->root, sizeof k->root), salt, SPAN_LIT("tourniquet keyring check v1"), check, 32);
}

static void put_clear(const struct keyring *k, struct buf *out)
{
    size_t n = strnlen(k->origin, NOTE_NAME_MAX);
    buf_add(out, k->log_id, sizeof k->log_id);
    buf_add(out, k->seed, sizeof k->seed);
    buf_add(out, k->purpose, sizeof k->purpose);
    buf_u8(out, (uint8_t)n);
    buf_add(out, k->origin, n);
    buf_be32(out, (uint32_t)k->n);
    for (size_t i = 0; i < k->n; i++) {
        const struct period_key *p = &k->keys[i];
        buf_add(out, p->id, sizeof p->id);
        buf_add(out, p->scope, sizeof p->scope);
        buf_be32(out, (uint32_t)p->stream << 24);
        buf_be32(out, p->period);
        buf_add(out, p->key, sizeof p->key);
    }
}

static bool take_clear(struct keyring *k, struct span in)
{
    struct span log_id = span_take(&in, LOG_ID);
    struct span seed = span_take(&in, ED25519_SEED);
    struct span purpose = span_take(&in, 32);
    size_t origin_n = span_u8(&in);
    struct span origin = span_take(&in, origin_n);
    size_t n = span_be32(&in);
    if (in.bad || origin_n == 0 || origin_n > NOTE_NAME_MAX || n > KEYRING_KEYS_MAX || in.n != n * KEY_BYTES)
        return false;
    memcpy(k->log_id, log_id.p, LOG_ID);
    memcpy(k->seed, seed.p, ED25519_SEED);
    memcpy(k->purpose, purpose.p, 32);
    memcpy(k->origin, origin.p, origin_n);
    k->origin[origin_n] = 0;
    k->n = n;
    for (size_t i = 0; i < n; i++) {
        struct period_key *p = &k->keys[i];
        memcpy(p->id, span_take(&in, KEY_ID).p, KEY_ID);
        memcpy(p->scope, span_take(&in, sizeof p->scope).p, sizeof p->scope);
        p->stream = (uint8_t)(span_be32(&in) >> 24);
        p->period = span_be32(&in);
        memcpy(p->key, span_take(&in, sizeof p->key).p, sizeof p->key);
    }
    return true;
}

/* The outside of the file: everything but the sealed part, and the file's own hash. */
static int take_outside(struct span file, struct span *ret_salt, struct span *ret_check, struct span *ret_sealed, struct error *e)
{
    struct span in = file;
    uint8_t hash[SHA256_SIZE];
    if (in.n >= 10 && span_starts(in, MAGIC) && (in.p[8] << 8 | in.p[9]) > KEYRING_FORMAT)
        return err_set(e, ERR_LIMIT, "the keyring was written by a newer program (format %d, this one knows %d)", in.p[8] << 8 | in.p[9],
                       KEYRING_FORMAT);
    if (in.n < HEADER + SHA256_SIZE || !span_starts(in, MAGIC))
        return err_set(e, ERR_CORRUPT, "the keyring is cut, or no keyring: put it back from a backup");
    crypto_sha256(span_of(in.p, in.n - SHA256_SIZE), hash);
    if (memcmp(hash, in.p + in.n - SHA256_SIZE, SHA256_SIZE) != 0)
        return err_set(e, ERR_CORRUPT, "the keyring's own hash does not hold: it was damaged or changed; put it back from a backup");
    (void)span_skip(&in, 8);
    uint16_t format = span_be16(&in);
    struct span zero = span_take(&in, 6);
    *ret_salt = span_take(&in, 32);
    *ret_check = span_take(&in, 16);
    uint32_t n = span_be32(&in);
    static const uint8_t zeros[6];
    if (format != KEYRING_FORMAT || memcmp(zero.p, zeros, 6) != 0 || n < AES_GCM_TAG || in.n != (size_t)n + SHA256_SIZE)
        return err_set(e, ERR_CORRUPT, "the keyring's header does not hold: put it back from a backup");
    *ret_sealed = span_take(&in, n);
    return 0;
}

static int load_file(int dir, struct buf *file, struct error *e)
{
    return file_load(dir, PATH, FILE_MAX, file, e);
}

int keyring_load(struct keyring *k, int dir, struct error *e)
{
    struct buf file = BUF_INIT(FILE_MAX);
    struct span salt;
    struct span check_is;
    struct span sealed;
    if (load_file(dir, &file, e) != 0 || take_outside(buf_span(&file), &salt, &check_is, &sealed, e) != 0) {
        buf_release(&file);
        return -1;
    }
    uint8_t wrap[32];
    uint8_t check[32];
    size_t clear_n = sealed.n - AES_GCM_TAG;
    uint8_t *clear = crypto_secret_new(clear_n, NULL);
    int rc = 0;
    wrapping_keys(k, salt, wrap, check);
    static const uint8_t nonce[AES_GCM_NONCE];
    if (clear == NULL)
        rc = err_sys(e, ENOMEM, "opening the keyring");
    else if (!crypto_equal(check, check_is.p, check_is.n))
        rc = err_set(e, ERR_MISUSE,
                     "the root key is not the one of this ledger: nothing in it can be read with this key; put the right key file back");
    else if (!crypto_open(wrap, nonce, span_of(file.p, HEADER), sealed, clear) || !take_clear(k, span_of(clear, clear_n)))
        rc = err_set(e, ERR_CORRUPT, "the keyring does not open: it was changed; put it back from a backup");
    crypto_secret_free(clear, clear_n);
    crypto_wipe(wrap, sizeof wrap);
    crypto_wipe(check, sizeof check);
    buf_release(&file);
    return rc;
}

int keyring_save(const struct keyring *k, int dir, struct error *e)
{
    struct buf clear = BUF_SECRET(CLEAR_MAX);
    struct buf file = BUF_INIT(FILE_MAX);
    uint8_t salt[32];
    uint8_t wrap[32];
    uint8_t check[32];
    uint8_t hash[SHA256_SIZE];
    static const uint8_t nonce[AES_GCM_NONCE];
    crypto_random(salt, sizeof salt);
    wrapping_keys(k, span_of(salt, sizeof salt), wrap, check);
    put_clear(k, &clear);
    buf_add_span(&file, MAGIC);
    buf_be16(&file, KEYRING_FORMAT);
    buf_add(&file, (uint8_t[6]){0}, 6);
    buf_add(&file, salt, sizeof salt);
    buf_add(&file, check, 16);
    buf_be32(&file, (uint32_t)(clear.n + AES_GCM_TAG));
    int rc = -1;
    if (buf_ok(&clear) && buf_reserve(&file, clear.n + AES_GCM_TAG + SHA256_SIZE)) {
        crypto_seal(wrap, nonce, span_of(file.p, HEADER), buf_span(&clear), file.p + HEADER);
        file.n += clear.n + AES_GCM_TAG;
        crypto_sha256(buf_span(&file), hash);
        buf_add(&file, hash, sizeof hash);
        rc = file_replace(dir, PATH, buf_span(&file), true, e);
    } else {
        (void)err_sys(e, ENOMEM, "writing the keyring");
    }
    crypto_wipe(wrap, sizeof wrap);
    crypto_wipe(check, sizeof check);
    buf_release(&clear);
    buf_release(&file);
    return rc;
}

int keyring_check(int dir, struct error *e)
{
    struct buf file = BUF_INIT(FILE_MAX);
    struct span salt;
    struct span check;
    struct span sealed;
    int rc = load_file(dir, &file, e) != 0 ? -1 : take_outside(buf_span(&file), &salt, &check, &sealed, e);
    buf_release(&file);
    return rc;
}

/* Year * 100 + month of a time, UTC. */
static uint32_t period_of(tq_time time)
{
    char text[TIME_TEXT];
    (void)time_format(time, text);
    uint32_t period = 0;
    for (const char *p = text; p < text + 7; p++) {
        if (*p != '-')
            period = period * 10 + (uint32_t)(*p - '0');
    }
    return period;
}

const struct period_key *keyring_for(const struct keyring *k, uint8_t stream, tq_time time)
{
    static const uint8_t any[16];
    uint32_t period = period_of(time);
    for (size_t i = k->n; i-- > 0;) {
        if (k->keys[i].stream == stream && k->keys[i].period == period && memcmp(k->keys[i].scope, any, sizeof any) == 0)
            return &k->keys[i];
    }
    return NULL;
}

const struct period_key *keyring_by_id(const struct keyring *k, const uint8_t id[KEY_ID])
{
    for (size_t i = k->n; i-- > 0;) {
        if (memcmp(k->keys[i].id, id, KEY_ID) == 0)
            return &k->keys[i];
    }
    return NULL;
}

int keyring_add(struct keyring *k, uint8_t stream, tq_time time, struct error *e)
{
    if (k->n == KEYRING_KEYS_MAX)
        return err_set(e, ERR_LIMIT, "the keyring is full (%d period keys)", KEYRING_KEYS_MAX);
    struct period_key *p = &k->keys[k->n];
    *p = (struct period_key){.stream = stream, .period = period_of(time)};
    crypto_random(p->id, sizeof p->id);
    crypto_random(p->key, sizeof p->key);
    k->n++;
    return 0;
}
