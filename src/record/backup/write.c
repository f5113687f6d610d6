#include "record/backup/inside.h"
#include "record/ledger/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "the backup"
#define BESIDE_MAX (8u << 20) /* most bytes of a file beside the ledger */

struct writer {
    const struct backup_job *job;
    uint8_t id[BACKUP_ID];
    uint8_t key[BACKUP_KEY];
    uint64_t at; /* where the next chunk goes */
    uint64_t number;
    uint64_t files;
    size_t filled;
    struct crypto_hash *file;
    struct crypto_hash *all; /* of every file's path, length and hash */
    uint8_t clear[BACKUP_CHUNK];
    uint8_t sealed[CHUNK_HEAD + BACKUP_CHUNK + AES_GCM_TAG];
};

/* ── Chunks ── */

static int put_chunk(struct writer *w, bool last, struct error *e)
{
    uint8_t nonce[AES_GCM_NONCE];
    uint8_t ad[BACKUP_ID + 8 + 4];
    uint32_t head = (uint32_t)w->filled | (last ? CHUNK_LAST : 0);
    struct buf h = {.p = w->sealed, .size = CHUNK_HEAD, .max = CHUNK_HEAD};
    if (w->job->go_on != NULL && !w->job->go_on(w->job->context, w->at))
        return err_set(e, ERR_CLOSED, "the backup was stopped");
    buf_be32(&h, head);
    backup_chunk_bind(w->id, w->number, head, nonce, ad);
    crypto_seal(w->key, nonce, span_of(ad, sizeof ad), span_of(w->clear, w->filled), w->sealed + CHUNK_HEAD);
    size_t n = CHUNK_HEAD + w->filled + AES_GCM_TAG;
    if (file_write(w->job->fd, NAME, span_of(w->sealed, n), w->at, e) != 0)
        return -1;
    w->at += n;
    w->number++;
    w->filled = 0;
    return 0;
}

static int put(struct writer *w, struct span bytes, struct error *e)
{
    while (bytes.n > 0) {
        size_t n = BACKUP_CHUNK - w->filled < bytes.n ? BACKUP_CHUNK - w->filled : bytes.n;
        memcpy(w->clear + w->filled, span_take(&bytes, n).p, n);
        w->filled += n;
        if (w->filled == BACKUP_CHUNK && put_chunk(w, false, e) != 0)
            return -1;
    }
    return 0;
}

/* ── Files ── */

static int put_content(struct writer *w, const struct cut_file *f, struct error *e)
{
    static const size_t piece = 64u << 10;
    if (f->fd < 0) {
        crypto_hash_add(w->file, f->bytes);
        return put(w, f->bytes, e);
    }
    uint8_t *bytes = malloc(piece);
    int rc = bytes == NULL ? err_sys(e, ENOMEM, "copying %s", f->path) : 0;
    for (uint64_t at = 0; rc == 0 && at < f->length;) {
        size_t want = f->length - at < piece ? (size_t)(f->length - at) : piece;
        size_t n = 0;
        rc = file_read(f->fd, f->path, bytes, want, at, &n, e);
        if (rc == 0 && n < want)
            rc = err_set(e, ERR_CORRUPT, "%s lost its end while it was copied", f->path);
        if (rc == 0) {
            crypto_hash_add(w->file, span_of(bytes, n));
            rc = put(w, span_of(bytes, n), e);
            at += n;
        }
    }
    free(bytes);
    return rc;
}

static int put_file(struct writer *w, const char *prefix, const struct cut_file *f, struct error *e)
{
    char path[BACKUP_PATH_MAX];
    uint8_t hash[SHA256_SIZE];
    struct buf head = BUF_INIT(BACKUP_PATH_MAX + 16);
    int n = snprintf(path, sizeof path, "%s%s", prefix, f->path);
    if (n < 0 || (size_t)n >= sizeof path || !backup_path_allowed(span_str(path)))
        return err_set(e, ERR_MISUSE, "%s%s cannot be in a backup", prefix, f->path);
    buf_u8(&head, ITEM_FILE);
    buf_u8(&head, (uint8_t)n);
    buf_add_str(&head, path);
    buf_be64(&head, f->length);
    int rc = buf_ok(&head) ? put(w, buf_span(&head), e) : err_sys(e, ENOMEM, "copying %s", path);
    if (rc == 0)
        rc = put_content(w, f, e);
    crypto_hash_end(w->file, hash);
    if (rc == 0) {
        crypto_hash_add(w->all, span_of(head.p + 1, head.n - 1));
        crypto_hash_add(w->all, span_of(hash, sizeof hash));
        w->files++;
        rc = put(w, span_of(hash, sizeof hash), e);
    }
    buf_release(&head);
    return rc;
}

static int put_of_ledger(void *context, const struct cut_file *f, struct error *e)
{
    return put_file(context, "ledger/", f, e);
}

/* The small files of one folder below the data folder that may go along; prefix: "" or with a "/" at its end. One that is not there holds none. */
static int put_folder(struct writer *w, const char *prefix, struct error *e)
{
    int copy = openat(w->job->data, prefix[0] == 0 ? "." : prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (d == NULL) {
        int why = errno;
        if (copy >= 0)
            (void)close(copy);
        return copy < 0 && why == ENOENT && prefix[0] != 0 ? 0 : err_sys(e, why, "reading the data folder");
    }
    int rc = 0;
    for (struct dirent *f = readdir(d); f != NULL && rc == 0; f = readdir(d)) {
        char path[BACKUP_PATH_MAX];
        struct stat st;
        struct buf bytes = BUF_SECRET(BESIDE_MAX);
        struct error why = {0};
        int n = snprintf(path, sizeof path, "%s%s", prefix, f->d_name);
        if (n < 0 || (size_t)n >= sizeof path || strchr(f->d_name, '/') != NULL || !backup_path_allowed(span_str(path)) ||
            fstatat(w->job->data, path, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (file_load(w->job->data, path, BESIDE_MAX, &bytes, &why) == 0)
            rc = put_file(w, "", &(struct cut_file){.path = path, .fd = -1, .bytes = buf_span(&bytes), .length = bytes.n}, e);
        else if (why.class != ERR_CLOSED)
            rc = err_set(e, why.class, "%s", why.text);
        buf_release(&bytes);
    }
    (void)closedir(d);
    return rc;
}

static int put_beside(struct writer *w, struct error *e)
{
    static const char *const folders[] = {"", "pki/", "pki/made/", "links/"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (put_folder(w, folders[i], e) != 0)
            return -1;
    return 0;
}

/* ── The whole ── */

static int put_head(struct writer *w, struct error *e)
{
    const struct ledger_cut *c = w->job->cut;
    struct buf head = BUF_INIT(HEAD_BEFORE_KEYRING + BACKUP_KEYRING_MAX + SHA256_SIZE);
    static const uint8_t nonce[AES_GCM_NONCE];
    uint8_t salt[32];
    uint8_t wrap[32];
    uint8_t wrapped[BACKUP_KEY + AES_GCM_TAG];
    uint8_t hash[SHA256_SIZE];
    struct span keyring = ledger_cut_small(c, "keyring");
    memcpy(w->id, w->job->id, sizeof w->id);
    crypto_random(w->key, sizeof w->key);
    crypto_random(salt, sizeof salt);
    buf_add_span(&head, BACKUP_MAGIC);
    buf_be16(&head, BACKUP_FORMAT);
    buf_add(&head, (uint8_t[6]){0}, 6);
    buf_add(&head, c->log_id, sizeof c->log_id);
    buf_add(&head, w->id, sizeof w->id);
    buf_be64(&head, (uint64_t)w->job->now);
    buf_be64(&head, c->size);
    buf_add(&head, c->root, sizeof c->root);
    buf_add(&head, salt, sizeof salt);
    if (!buf_ok(&head))
        return err_sys(e, ENOMEM, "writing a backup");
    backup_wrapping_key(w->job->opening, salt, wrap);
    crypto_seal(wrap, nonce, buf_span(&head), span_of(w->key, sizeof w->key), wrapped);
    crypto_wipe(wrap, sizeof wrap);
    buf_add(&head, wrapped, sizeof wrapped);
    buf_be32(&head, (uint32_t)keyring.n);
    buf_add_span(&head, keyring);
    crypto_sha256(buf_span(&head), hash);
    buf_add(&head, hash, sizeof hash);
    int rc = keyring.n == 0 || !buf_ok(&head) ? err_set(e, ERR_LIMIT, "the keyring is missing, or too large for a backup")
                                              : file_write(w->job->fd, NAME, buf_span(&head), 0, e);
    w->at = head.n;
    buf_release(&head);
    return rc;
}

static int put_end(struct writer *w, struct error *e)
{
    struct buf end = BUF_INIT(64);
    uint8_t hash[SHA256_SIZE];
    crypto_hash_end(w->all, hash);
    buf_u8(&end, ITEM_END);
    buf_be64(&end, w->files);
    buf_add(&end, hash, sizeof hash);
    int rc = buf_ok(&end) ? put(w, buf_span(&end), e) : err_sys(e, ENOMEM, "writing a backup");
    buf_release(&end);
    return rc == 0 ? put_chunk(w, true, e) : -1;
}

int backup_write(const struct backup_job *job, struct backup_made *ret, struct error *e)
{
    struct writer *w = crypto_secret_new(sizeof *w, NULL);
    if (w == NULL)
        return err_sys(e, ENOMEM, "writing a backup");
    w->job = job;
    w->file = crypto_hash_new();
    w->all = crypto_hash_new();
    int rc = w->file == NULL || w->all == NULL ? err_sys(e, ENOMEM, "writing a backup") : put_head(w, e);
    if (rc == 0)
        rc = ledger_cut_files(job->cut, put_of_ledger, w, e);
    if (rc == 0 && job->data >= 0)
        rc = put_beside(w, e);
    if (rc == 0)
        rc = put_end(w, e);
    if (rc == 0)
        rc = file_sync(job->fd, NAME, e);
    if (rc == 0) {
        *ret = (struct backup_made){.bytes = w->at, .files = w->files};
    }
    crypto_hash_free(w->file);
    crypto_hash_free(w->all);
    crypto_secret_free(w, sizeof *w);
    return rc;
}
