/* The key file: frames on pages of their own, each sealed under W with a salt of its own. docs/formats/ledger.md, Key file. */
#include "record/ledger/file.h"
#include "record/ledger/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC SPAN_LIT("TQKEYS2\n")
#define FRAME_MAGIC SPAN_LIT("TQKEYFR2")
#define FOLDER "keys"
#define PAGE 4096
#define HEADER 48 /* and its hash */
#define FRAME_HEADER 96
#define KEY_BYTES 84
#define ERASED_BYTES 32
#define ROOM (256u << 10) /* bytes that are made ready at a time */
#define FRAME_KEYS 8192   /* keys in one frame */
#define FRAME_CLEAR_MAX (FRAME_KEYS * KEY_BYTES)
#define FRAME_MAX (FRAME_HEADER + FRAME_CLEAR_MAX + AES_GCM_TAG + SHA256_SIZE + PAGE)
#define PATH_BYTES 32

enum { KIND_IDENTITY = 1, KIND_KEYS = 2, KIND_ERASED = 3 };

static const uint8_t zero_nonce[AES_GCM_NONCE];

static void path_of(const uint8_t generation[GENERATION], char out[PATH_BYTES])
{
    size_t n = (size_t)snprintf(out, PATH_BYTES, "%s/", FOLDER);
    for (size_t i = 0; i < 8; i++)
        n += (size_t)snprintf(out + n, PATH_BYTES - n, "%02x", generation[i]);
}

static size_t paged(size_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

/* ── Clear texts of frames ── */

static void put_identity(const struct keyring *k, struct buf *out)
{
    size_t n = strnlen(k->origin, NOTE_NAME_MAX);
    buf_add(out, k->log_id, sizeof k->log_id);
    buf_add(out, k->seed, sizeof k->seed);
    buf_add(out, k->purpose, sizeof k->purpose);
    buf_be32(out, k->epoch);
    buf_be64(out, (uint64_t)k->made);
    buf_be64(out, (uint64_t)k->rotated);
    buf_be64(out, k->carried_out);
    buf_u8(out, (uint8_t)n);
    buf_add(out, k->origin, n);
}

static bool take_identity(struct keyring *k, struct span in)
{
    struct span log_id = span_take(&in, LOG_ID);
    struct span seed = span_take(&in, ED25519_SEED);
    struct span purpose = span_take(&in, 32);
    uint32_t epoch = span_be32(&in);
    tq_time made = (tq_time)span_be64(&in);
    tq_time rotated = (tq_time)span_be64(&in);
    uint64_t carried_out = span_be64(&in);
    size_t n = span_u8(&in);
    struct span origin = span_take(&in, n);
    if (in.bad || in.n != 0 || n == 0 || n > NOTE_NAME_MAX)
        return false;
    memcpy(k->log_id, log_id.p, LOG_ID);
    memcpy(k->seed, seed.p, ED25519_SEED);
    memcpy(k->purpose, purpose.p, 32);
    memcpy(k->origin, origin.p, n);
    k->origin[n] = 0;
    k->epoch = epoch;
    k->made = made;
    k->rotated = rotated;
    k->carried_out = carried_out;
    return true;
}

static void put_key(const struct period_key *p, struct buf *out)
{
    buf_add(out, p->id, sizeof p->id);
    buf_add(out, p->scope, sizeof p->scope);
    buf_add(out, p->key, sizeof p->key);
    buf_be64(out, p->first);
    buf_be32(out, p->period);
    buf_be32(out, p->epoch);
    buf_be32(out, (uint32_t)p->stream << 24);
}

static bool take_keys(struct keyring *k, struct span in)
{
    if (in.n % KEY_BYTES != 0)
        return false;
    while (in.n > 0) {
        struct period_key p = {0};
        memcpy(p.id, span_take(&in, KEY_ID).p, KEY_ID);
        memcpy(p.scope, span_take(&in, KEY_SCOPE).p, KEY_SCOPE);
        memcpy(p.key, span_take(&in, sizeof p.key).p, sizeof p.key);
        p.first = span_be64(&in);
        p.period = span_be32(&in);
        p.epoch = span_be32(&in);
        uint32_t stream = span_be32(&in);
        p.stream = (uint8_t)(stream >> 24);
        bool good = (stream & 0xffffff) == 0 && keyring_put(k, &p, NULL) == 0;
        crypto_wipe(&p, sizeof p);
        if (!good)
            return false;
    }
    return true;
}

static bool take_erased(struct keyring *k, struct span in)
{
    size_t n = in.n / ERASED_BYTES;
    if (in.n % ERASED_BYTES != 0 || k->erased_n + n > KEYRING_ERASED_MAX || !keyring_erased_room(k, n))
        return false;
    for (; n > 0; n--) {
        struct erased_key x;
        memcpy(x.id, span_take(&in, KEY_ID).p, KEY_ID);
        x.at = (tq_time)span_be64(&in);
        x.record = span_be64(&in);
        keyring_erased_add(k, &x);
    }
    return true;
}

bool key_frame_apply(struct keyring *k, uint8_t kind, struct span clear)
{
    switch (kind) {
    case KIND_IDENTITY: return take_identity(k, clear);
    case KIND_KEYS: return take_keys(k, clear);
    case KIND_ERASED: return take_erased(k, clear);
    default: return false;
    }
}

/* ── Frames ── */

static void frame_key(const uint8_t w[WRAPPING_KEY], const uint8_t generation[GENERATION], uint64_t number, const uint8_t salt[32], uint8_t out[32])
{
    struct buf info = BUF_INIT(128);
    buf_add_str(&info, "tourniquet key file v1");
    buf_u8(&info, 0);
    buf_add(&info, generation, GENERATION);
    buf_be64(&info, number);
    buf_add(&info, salt, 32);
    crypto_hkdf_expand(w, buf_span(&info), out, 32);
    buf_release(&info);
}

/* Appends a sealed frame with its hash and the zeros up to the next page. */
static void put_frame(const struct keyring *k, uint64_t number, uint8_t kind, struct span clear, struct buf *out)
{
    uint8_t salt[32];
    uint8_t key[32];
    uint8_t hash[SHA256_SIZE];
    static const uint8_t zeros[PAGE];
    size_t begin = out->n;
    crypto_random(salt, sizeof salt);
    buf_add_span(out, FRAME_MAGIC);
    buf_be64(out, number);
    buf_be32(out, (uint32_t)kind << 24);
    buf_be32(out, (uint32_t)(clear.n + AES_GCM_TAG));
    buf_add(out, k->slots.generation, GENERATION);
    buf_add(out, zeros, 24);
    buf_add(out, salt, sizeof salt);
    if (!buf_reserve(out, clear.n + AES_GCM_TAG + SHA256_SIZE + PAGE))
        return;
    frame_key(k->w, k->slots.generation, number, salt, key);
    crypto_seal(key, zero_nonce, span_of(out->p + begin, FRAME_HEADER), clear, out->p + out->n);
    crypto_wipe(key, sizeof key);
    out->n += clear.n + AES_GCM_TAG;
    crypto_sha256(span_of(out->p + begin, out->n - begin), hash);
    buf_add(out, hash, sizeof hash);
    buf_add(out, zeros, paged(out->n - begin) - (out->n - begin));
}

bool key_frame_take(struct span in, const uint8_t generation[GENERATION], struct key_frame *ret)
{
    struct span at = in;
    if (!span_starts(at, FRAME_MAGIC))
        return false;
    (void)span_skip(&at, 8);
    struct key_frame f = {.number = span_be64(&at)};
    uint32_t kind = span_be32(&at);
    uint32_t sealed_n = span_be32(&at);
    struct span of = span_take(&at, GENERATION);
    struct span zero = span_take(&at, 24);
    struct span salt = span_take(&at, 32);
    f.sealed = span_take(&at, sealed_n);
    struct span hash_is = span_take(&at, SHA256_SIZE);
    if (at.bad || (kind & 0xffffff) != 0 || sealed_n < AES_GCM_TAG || sealed_n > FRAME_CLEAR_MAX + AES_GCM_TAG ||
        memcmp(of.p, generation, GENERATION) != 0 || !span_zero(zero))
        return false;
    uint8_t hash[SHA256_SIZE];
    f.kind = (uint8_t)(kind >> 24);
    f.bytes = span_of(in.p, FRAME_HEADER + sealed_n);
    memcpy(f.salt, salt.p, sizeof f.salt);
    f.pages = paged(f.bytes.n + SHA256_SIZE);
    crypto_sha256(f.bytes, hash);
    if (memcmp(hash, hash_is.p, sizeof hash) != 0 || in.n < f.pages || !span_zero(span_of(at.p, f.pages - f.bytes.n - SHA256_SIZE)))
        return false;
    *ret = f;
    return true;
}

/* ── Writing ── */

struct writing {
    struct keyring *k;
    int fd;
    const char *path;
    uint64_t number;
    uint64_t at;
    bool sync_each; /* a frame is durable before the next is written: no torn one has a whole one behind it */
    struct buf clear;
    struct buf bytes;
};

static int write_frame(struct writing *w, uint8_t kind, struct error *e)
{
    buf_clear(&w->bytes);
    put_frame(w->k, w->number, kind, buf_span(&w->clear), &w->bytes);
    if (!buf_ok(&w->clear) || !buf_ok(&w->bytes))
        return err_sys(e, ENOMEM, "writing the keys");
    if (file_write(w->fd, w->path, buf_span(&w->bytes), w->at, e) != 0)
        return -1;
    w->number++;
    w->at += w->bytes.n;
    buf_clear(&w->clear);
    return w->sync_each ? file_sync(w->fd, w->path, e) : 0;
}

static int write_keys(struct writing *w, size_t from, struct error *e)
{
    struct keyring *k = w->k;
    size_t n = 0;
    for (size_t i = from; i < k->n; i++) {
        const struct period_key *p = keyring_at(k, i);
        if (p->going)
            continue;
        put_key(p, &w->clear);
        if (++n % FRAME_KEYS == 0 && write_frame(w, KIND_KEYS, e) != 0)
            return -1;
    }
    return w->clear.n > 0 ? write_frame(w, KIND_KEYS, e) : 0;
}

static int write_erased(struct writing *w, struct error *e)
{
    struct keyring *k = w->k;
    for (size_t i = 0; i < k->erased_n; i++) {
        buf_add(&w->clear, k->erased[i].id, KEY_ID);
        buf_be64(&w->clear, (uint64_t)k->erased[i].at);
        buf_be64(&w->clear, k->erased[i].record);
        if ((i + 1) % FRAME_KEYS == 0 && write_frame(w, KIND_ERASED, e) != 0)
            return -1;
    }
    return w->clear.n > 0 ? write_frame(w, KIND_ERASED, e) : 0;
}

static int write_header(struct writing *w, struct error *e)
{
    uint8_t hash[SHA256_SIZE];
    static const uint8_t zeros[PAGE];
    buf_add_span(&w->bytes, MAGIC);
    buf_be16(&w->bytes, KEYFILE_FORMAT);
    buf_add(&w->bytes, zeros, 6);
    buf_add(&w->bytes, w->k->log_id, LOG_ID);
    buf_add(&w->bytes, w->k->slots.generation, GENERATION);
    if (!buf_ok(&w->bytes))
        return err_sys(e, ENOMEM, "writing the keys");
    crypto_sha256(buf_span(&w->bytes), hash);
    buf_add(&w->bytes, hash, sizeof hash);
    buf_add(&w->bytes, zeros, PAGE - w->bytes.n);
    w->at = PAGE;
    return buf_ok(&w->bytes) ? file_write(w->fd, w->path, buf_span(&w->bytes), 0, e) : err_sys(e, ENOMEM, "writing the keys");
}

int keyfile_write(struct keyring *k, int dir, struct error *e)
{
    char path[PATH_BYTES];
    path_of(k->slots.generation, path);
    struct writing w = {.k = k, .path = path, .clear = BUF_SECRET(FRAME_CLEAR_MAX), .bytes = BUF_INIT(FRAME_MAX)};
    w.fd = file_open_write(dir, path, e);
    if (w.fd < 0)
        return -1;
    int rc = write_header(&w, e);
    put_identity(k, &w.clear);
    if (rc == 0)
        rc = write_frame(&w, KIND_IDENTITY, e);
    if (rc == 0)
        rc = write_keys(&w, 0, e);
    if (rc == 0)
        rc = write_erased(&w, e);
    if (rc == 0)
        rc = file_sync(w.fd, path, e);
    if (rc == 0)
        rc = file_sync_path(dir, FOLDER, e);
    if (rc == 0)
        rc = file_sync_path(dir, ".", e); /* the folder may be new */
    (void)close(w.fd);
    buf_release(&w.clear);
    buf_release(&w.bytes);
    if (rc != 0)
        return -1;
    k->slots.base = (uint32_t)w.number;
    k->file_format = KEYFILE_FORMAT;
    k->frames = w.number;
    k->base_end = k->end = w.at;
    k->allocated = 0;
    return 0;
}

/* Zeros behind the frames, so that the next ones overwrite blocks that are there: their sync then has no file system's journal to wait for. What a
 * crash leaves of it is no frame, as before. */
static int make_room(struct keyring *k, const struct writing *w, struct error *e)
{
    static const uint8_t zeros[16 * PAGE];
    if (k->end + PAGE <= k->allocated)
        return 0;
    for (uint64_t at = k->end; at < k->end + ROOM; at += sizeof zeros)
        if (file_write(w->fd, w->path, span_of(zeros, sizeof zeros), at, e) != 0)
            return -1;
    k->allocated = k->end + ROOM;
    return 0;
}

int keyfile_append(struct keyring *k, int dir, struct error *e)
{
    char path[PATH_BYTES];
    path_of(k->slots.generation, path);
    struct writing w = {.k = k,
                        .path = path,
                        .number = k->frames,
                        .at = k->end,
                        .sync_each = true,
                        .clear = BUF_SECRET(FRAME_CLEAR_MAX),
                        .bytes = BUF_INIT(FRAME_MAX)};
    w.fd = file_open_write(dir, path, e);
    int rc = w.fd < 0 || make_room(k, &w, e) != 0 ? -1 : write_keys(&w, k->durable, e);
    if (w.fd >= 0)
        (void)close(w.fd);
    buf_release(&w.clear);
    buf_release(&w.bytes);
    if (rc != 0)
        return -1;
    k->frames = w.number;
    k->end = w.at;
    k->durable = k->n;
    return 0;
}

void keyfile_trim(struct keyring *k, int dir)
{
    char path[PATH_BYTES];
    if (k->allocated <= k->end)
        return;
    path_of(k->slots.generation, path);
    int fd = file_open_write(dir, path, NULL);
    if (fd < 0)
        return;
    (void)file_cut(fd, path, k->end, NULL);
    (void)close(fd);
    k->allocated = 0;
}

/* ── Reading ── */

struct reading {
    int fd;
    char path[PATH_BYTES];
    uint64_t size;
    uint64_t at;
    unsigned format;
    struct buf page;
};

static int open_file(struct reading *r, int dir, const struct slots *s, struct error *e)
{
    struct stat st;
    struct error why = {0};
    uint8_t hash[SHA256_SIZE];
    *r = (struct reading){.page = BUF_INIT(FRAME_MAX)};
    path_of(s->generation, r->path);
    r->fd = file_open_read(dir, r->path, &why);
    if (r->fd < 0) {
        if (why.class == ERR_CLOSED)
            return err_set(e, ERR_CORRUPT, "the key file %s is missing: nothing in the ledger can be read; put it back from a backup", r->path);
        if (e != NULL)
            *e = why;
        return -1;
    }
    size_t got = 0;
    if (fstat(r->fd, &st) != 0)
        return err_sys(e, errno, "reading %s", r->path);
    r->size = (uint64_t)st.st_size;
    if (!buf_reserve(&r->page, PAGE))
        return err_sys(e, ENOMEM, "reading %s", r->path);
    if (file_read(r->fd, r->path, r->page.p, PAGE, 0, &got, e) != 0)
        return -1;
    struct span in = span_of(r->page.p, got);
    if (got >= 10 && span_starts(in, MAGIC) && (in.p[8] << 8 | in.p[9]) > KEYFILE_FORMAT)
        return err_set(e, ERR_LIMIT, "the key file was written by a newer program (format %d, this one knows %d)", in.p[8] << 8 | in.p[9],
                       KEYFILE_FORMAT);
    if (got == PAGE)
        crypto_sha256(span_of(in.p, HEADER), hash);
    if (got != PAGE || !span_starts(in, MAGIC) || memcmp(hash, in.p + HEADER, sizeof hash) != 0 || memcmp(in.p + 16, s->log_id, LOG_ID) != 0 ||
        memcmp(in.p + 32, s->generation, GENERATION) != 0 || !span_zero(span_of(in.p + HEADER + SHA256_SIZE, PAGE - HEADER - SHA256_SIZE)))
        return err_set(e, ERR_CORRUPT, "the key file %s is cut, damaged or another one: put it back from a backup", r->path);
    r->format = (unsigned)in.p[8] << 8 | in.p[9];
    r->at = PAGE;
    return 0;
}

static void close_file(struct reading *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    buf_release(&r->page);
}

/* Whether a whole frame stands at `at`: 1, 0; -1: it could not be read. */
static int frame_at(struct reading *r, uint64_t at, const struct slots *s, struct key_frame *ret, struct error *e)
{
    size_t got = 0;
    size_t want = PAGE;
    if (at >= r->size)
        return 0;
    for (int i = 0; i < 2; i++) { /* its first page says how long it is */
        buf_clear(&r->page);
        if (!buf_reserve(&r->page, want))
            return err_sys(e, ENOMEM, "reading %s", r->path);
        if (file_read(r->fd, r->path, r->page.p, want, at, &got, e) != 0)
            return -1;
        struct span head = span_of(r->page.p, got);
        if (!span_starts(head, FRAME_MAGIC) || got < FRAME_HEADER)
            return 0;
        (void)span_skip(&head, 20);
        uint32_t sealed = span_be32(&head);
        if (sealed > FRAME_CLEAR_MAX + AES_GCM_TAG)
            return 0;
        want = paged(FRAME_HEADER + sealed + SHA256_SIZE);
        if (want <= got)
            break;
    }
    return key_frame_take(span_of(r->page.p, got), s->generation, ret) ? 1 : 0;
}

/* The next frame: 1; 0: the end; -1. What was torn at the end was never acknowledged. */
static int next_frame(struct reading *r, const struct slots *s, uint64_t number, struct key_frame *ret, struct error *e)
{
    int rc = frame_at(r, r->at, s, ret, e);
    if (rc < 0)
        return -1;
    if (rc == 1 && ret->number == number) {
        r->at += ret->pages;
        return 1;
    }
    if (rc == 1 || number < s->base)
        return err_set(e, ERR_CORRUPT, "part %llu of the key file %s does not hold: the keys in it cannot be read; put it back from a backup",
                       (unsigned long long)number, r->path);
    for (uint64_t at = r->at + PAGE; at < r->size; at += PAGE) {
        rc = frame_at(r, at, s, ret, e);
        if (rc < 0)
            return -1;
        if (rc == 1)
            return err_set(e, ERR_CORRUPT, "part %llu of the key file %s does not hold, and whole ones stand behind it: put it back from a backup",
                           (unsigned long long)number, r->path);
    }
    return 0;
}

static int open_frame(struct keyring *k, const struct key_frame *f, const char *path, struct error *e)
{
    size_t n = f->sealed.n - AES_GCM_TAG;
    uint8_t *clear = crypto_secret_new(n == 0 ? 1 : n, NULL);
    uint8_t key[32];
    if (clear == NULL)
        return err_sys(e, ENOMEM, "opening the keys");
    frame_key(k->w, k->slots.generation, f->number, f->salt, key);
    bool good = (f->number == 0) == (f->kind == KIND_IDENTITY) && crypto_open(key, zero_nonce, span_of(f->bytes.p, FRAME_HEADER), f->sealed, clear) &&
                key_frame_apply(k, f->kind, span_of(clear, n));
    crypto_wipe(key, sizeof key);
    crypto_secret_free(clear, n == 0 ? 1 : n);
    if (good)
        return 0;
    return err_set(e, ERR_CORRUPT, "part %llu of the key file %s does not open: it was changed; put it back from a backup",
                   (unsigned long long)f->number, path);
}

int keyfile_read(struct keyring *k, int dir, struct error *e)
{
    struct reading r;
    struct key_frame f;
    uint64_t number = 0;
    int rc = open_file(&r, dir, &k->slots, e);
    while (rc == 0 && (rc = next_frame(&r, &k->slots, number, &f, e)) == 1) {
        rc = open_frame(k, &f, r.path, e);
        if (++number == k->slots.base)
            k->base_end = r.at;
    }
    if (rc == 0 && memcmp(k->log_id, k->slots.log_id, LOG_ID) != 0)
        rc = err_set(e, ERR_CORRUPT, "the key file %s is another ledger's: put it back from a backup", r.path);
    k->frames = number;
    k->end = r.at;
    k->durable = k->n;
    k->file_format = r.format;
    close_file(&r);
    return rc;
}

int keyfile_check(int dir, const struct slots *s, struct error *e)
{
    struct reading r;
    struct key_frame f;
    uint64_t number = 0;
    int rc = open_file(&r, dir, s, e);
    while (rc == 0 && (rc = next_frame(&r, s, number, &f, e)) == 1) {
        number++;
        rc = 0;
    }
    close_file(&r);
    return rc;
}

int keyfile_rewrite_tail(struct keyring *k, int dir, struct error *e)
{
    char path[PATH_BYTES];
    uint8_t page[PAGE];
    path_of(k->slots.generation, path);
    int fd = file_open_write(dir, path, e);
    int rc = fd < 0 ? -1 : 0;
    for (uint64_t at = k->base_end; at < k->end && rc == 0; at += PAGE) {
        size_t got = 0;
        rc = file_read(fd, path, page, sizeof page, at, &got, e);
        if (rc == 0)
            rc = file_write(fd, path, span_of(page, got), at, e);
    }
    if (rc == 0)
        rc = file_sync(fd, path, e);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

/* ── Removing ── */

/* Zeros over what was there: a convenience beside destroying W, for a flash disk may keep the old blocks. */
static int overwrite(int dir, const char *path, struct error *e)
{
    static const uint8_t zeros[16 * PAGE];
    struct stat st;
    int fd = file_open_write(dir, path, e);
    if (fd < 0)
        return -1;
    int rc = fstat(fd, &st) == 0 ? 0 : err_sys(e, errno, "reading %s", path);
    for (uint64_t at = 0; rc == 0 && at < (uint64_t)st.st_size; at += sizeof zeros) {
        uint64_t left = (uint64_t)st.st_size - at;
        rc = file_write(fd, path, span_of(zeros, left < sizeof zeros ? (size_t)left : sizeof zeros), at, e);
    }
    if (rc == 0)
        rc = file_sync(fd, path, e);
    (void)close(fd);
    return rc;
}

static int drop(int dir, const char *path, struct error *e)
{
    return overwrite(dir, path, e) == 0 ? file_remove(dir, path, e) : -1;
}

int keyfile_drop(int dir, const uint8_t generation[GENERATION], struct error *e)
{
    char path[PATH_BYTES];
    path_of(generation, path);
    return drop(dir, path, e) == 0 ? file_sync_path(dir, FOLDER, e) : -1;
}

int keyfile_drop_others(int dir, const uint8_t generation[GENERATION], struct error *e)
{
    char kept[PATH_BYTES];
    path_of(generation, kept);
    int fd = openat(dir, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(e, errno, "opening %s", FOLDER);
    DIR *d = fdopendir(fd);
    if (d == NULL) {
        (void)close(fd);
        return err_sys(e, errno, "opening %s", FOLDER);
    }
    int rc = 0;
    bool any = false;
    for (struct dirent *f = readdir(d); f != NULL && rc == 0; f = readdir(d)) {
        char path[NAME_MAX + 8];
        if (f->d_name[0] == '.' || (size_t)snprintf(path, sizeof path, "%s/%s", FOLDER, f->d_name) >= sizeof path || strcmp(path, kept) == 0)
            continue;
        any = true;
        rc = drop(dir, path, e);
    }
    (void)closedir(d);
    return rc == 0 && any ? file_sync_path(dir, FOLDER, e) : rc;
}
