#include "record/backup/inside.h"
#include "record/ledger/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "the backup"
#define PIECE (64u << 10)

struct backup_reader {
    int fd;
    struct buf head_bytes;
    struct backup_head head;
    uint8_t key[BACKUP_KEY];
    bool unlocked;
    uint64_t at; /* of the next chunk in the file */
    uint64_t chunk_at;
    uint64_t number;
    bool last;
    size_t filled;
    size_t taken;
    char path[BACKUP_PATH_MAX]; /* what is being read; "" */
    bool (*go_on)(void *context, uint64_t at);
    void *context;
    uint8_t clear[BACKUP_CHUNK];
    uint8_t sealed[BACKUP_CHUNK + AES_GCM_TAG];
};

/* ── Head ── */

static int load_head(struct backup_reader *r, struct error *e)
{
    struct error why = {.class = ERR_AGAIN};
    size_t want = HEAD_BEFORE_KEYRING;
    while (why.class == ERR_AGAIN) {
        size_t n = 0;
        buf_clear(&r->head_bytes);
        if (!buf_reserve(&r->head_bytes, want))
            return err_sys(e, ENOMEM, "reading a backup");
        if (file_read(r->fd, NAME, r->head_bytes.p, want, 0, &n, e) != 0)
            return -1;
        r->head_bytes.n = n;
        why = (struct error){0};
        if (backup_head_parse(buf_span(&r->head_bytes), &r->head, &why) == 0)
            break;
        if (why.class == ERR_AGAIN && (n < want || r->head.n <= want))
            return err_set(e, ERR_CORRUPT, "the backup was cut off in its head");
        want = r->head.n;
    }
    if (why.class != ERR_NONE) {
        *e = why;
        return -1;
    }
    r->at = r->head.n;
    return 0;
}

struct backup_reader *backup_open(int fd, struct error *e)
{
    struct backup_reader *r = crypto_secret_new(sizeof *r, NULL);
    if (r == NULL) {
        (void)err_sys(e, ENOMEM, "reading a backup");
        return NULL;
    }
    r->fd = fd;
    r->head_bytes = BUF_INIT(HEAD_BEFORE_KEYRING + BACKUP_KEYRING_MAX + SHA256_SIZE);
    if (load_head(r, e) == 0)
        return r;
    backup_close(r);
    return NULL;
}

void backup_close(struct backup_reader *r)
{
    if (r == NULL)
        return;
    buf_release(&r->head_bytes);
    crypto_secret_free(r, sizeof *r);
}

const struct backup_head *backup_reader_head(const struct backup_reader *r)
{
    return &r->head;
}

int backup_unlock(struct backup_reader *r, const uint8_t opening[32], struct error *e)
{
    static const uint8_t nonce[AES_GCM_NONCE];
    uint8_t wrap[32];
    backup_wrapping_key(opening, r->head.salt, wrap);
    r->unlocked = crypto_open(wrap, nonce, span_of(r->head_bytes.p, HEAD_BOUND), span_of(r->head.wrapped, sizeof r->head.wrapped), r->key);
    crypto_wipe(wrap, sizeof wrap);
    return r->unlocked ? 0 : err_set(e, ERR_MISUSE, "this key does not open the backup: it is another ledger's, or from another time");
}

/* ── Chunks ── */

static int damaged(struct backup_reader *r, struct error *e, const char *how)
{
    return err_set(e, ERR_CORRUPT, "the backup %s in chunk %llu, from byte %llu of its file on (%s%s)", how, (unsigned long long)r->number,
                   (unsigned long long)r->chunk_at, r->path[0] == 0 ? "between two files" : "in ", r->path);
}

static int next_chunk(struct backup_reader *r, struct error *e)
{
    uint8_t head_bytes[CHUNK_HEAD];
    uint8_t nonce[AES_GCM_NONCE];
    uint8_t ad[BACKUP_ID + 8 + 4];
    size_t n = 0;
    r->chunk_at = r->at;
    if (r->last)
        return damaged(r, e, "ends too early");
    if (r->go_on != NULL && !r->go_on(r->context, r->at))
        return err_set(e, ERR_CLOSED, "reading the backup was stopped");
    if (file_read(r->fd, NAME, head_bytes, sizeof head_bytes, r->at, &n, e) != 0)
        return -1;
    struct span in = span_of(head_bytes, n);
    uint32_t head = span_be32(&in);
    size_t clear_n = head & ~CHUNK_LAST;
    if (in.bad)
        return damaged(r, e, "was cut off");
    if (clear_n > BACKUP_CHUNK || (clear_n < BACKUP_CHUNK && (head & CHUNK_LAST) == 0))
        return damaged(r, e, "was changed or damaged");
    if (file_read(r->fd, NAME, r->sealed, clear_n + AES_GCM_TAG, r->at + CHUNK_HEAD, &n, e) != 0)
        return -1;
    if (n < clear_n + AES_GCM_TAG)
        return damaged(r, e, "was cut off");
    backup_chunk_bind(r->head.id, r->number, head, nonce, ad);
    if (!crypto_open(r->key, nonce, span_of(ad, sizeof ad), span_of(r->sealed, n), r->clear))
        return damaged(r, e, "was changed or damaged");
    r->at += CHUNK_HEAD + n;
    r->number++;
    r->last = (head & CHUNK_LAST) != 0;
    r->filled = clear_n;
    r->taken = 0;
    return 0;
}

/* Up to n of the next bytes, at least one. Holds until the next call. */
static int take_some(struct backup_reader *r, size_t n, struct span *ret, struct error *e)
{
    while (r->taken == r->filled)
        if (next_chunk(r, e) != 0)
            return -1;
    size_t have = r->filled - r->taken;
    *ret = span_of(r->clear + r->taken, have < n ? have : n);
    r->taken += ret->n;
    return 0;
}

static int take(struct backup_reader *r, uint8_t *out, size_t n, struct error *e)
{
    while (n > 0) {
        struct span some;
        if (take_some(r, n, &some, e) != 0)
            return -1;
        memcpy(out, some.p, some.n);
        out += some.n;
        n -= some.n;
    }
    return 0;
}

/* ── Files ── */

struct restoring {
    struct backup_reader *r;
    int dir;
    struct crypto_hash *file;
    struct crypto_hash *all;
    struct backup_restored done;
};

static bool is_public(const char *path)
{
    const char *dot = strrchr(path, '.');
    return strchr(path, '/') == NULL && dot != NULL && (strcmp(dot, ".pem") == 0 || strcmp(dot, ".pub") == 0);
}

static int restore_content(struct restoring *x, int fd, uint64_t length, struct error *e)
{
    for (uint64_t at = 0; at < length;) {
        struct span some;
        size_t want = length - at < PIECE ? (size_t)(length - at) : PIECE;
        if (take_some(x->r, want, &some, e) != 0)
            return -1;
        crypto_hash_add(x->file, some);
        if (fd >= 0 && file_write(fd, x->r->path, some, at, e) != 0)
            return -1;
        at += some.n;
    }
    return 0;
}

static int restore_file(struct restoring *x, struct error *e)
{
    struct backup_reader *r = x->r;
    uint8_t head[1 + BACKUP_PATH_MAX + 8];
    uint8_t hash[SHA256_SIZE];
    uint8_t kept[SHA256_SIZE];
    if (take(r, head, 1, e) != 0)
        return -1;
    size_t n = head[0];
    if (n >= BACKUP_PATH_MAX || take(r, head + 1, n + 8, e) != 0)
        return n >= BACKUP_PATH_MAX ? damaged(r, e, "names a file that cannot be") : -1;
    struct span path = span_of(head + 1, n);
    struct span length_bytes = span_of(head + 1 + n, 8);
    uint64_t length = span_be64(&length_bytes);
    if (!backup_path_allowed(path))
        return damaged(r, e, "names a file that cannot be");
    memcpy(r->path, path.p, n);
    r->path[n] = 0;
    int fd = x->dir >= 0 ? file_open_write(x->dir, r->path, e) : -1;
    if (x->dir >= 0 && fd < 0)
        return -1;
    struct stat st;
    int rc = 0;
    if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_size != 0))
        rc = damaged(r, e, "names a file twice");
    else
        rc = restore_content(x, fd, length, e);
    if (rc == 0 && fd >= 0 && is_public(r->path) && fchmod(fd, 0644) != 0)
        rc = err_sys(e, errno, "writing %s", r->path);
    if (fd >= 0)
        (void)close(fd);
    crypto_hash_end(x->file, hash);
    if (rc != 0 || take(r, kept, sizeof kept, e) != 0)
        return -1;
    if (memcmp(hash, kept, sizeof hash) != 0)
        return damaged(r, e, "holds another file than it says");
    crypto_hash_add(x->all, span_of(head, 1 + n + 8));
    crypto_hash_add(x->all, span_of(hash, sizeof hash));
    r->path[0] = 0;
    x->done.files++;
    x->done.bytes += length;
    return 0;
}

static int restore_end(struct restoring *x, struct error *e)
{
    struct backup_reader *r = x->r;
    uint8_t end[8 + SHA256_SIZE];
    uint8_t hash[SHA256_SIZE];
    struct stat st;
    crypto_hash_end(x->all, hash);
    if (take(r, end, sizeof end, e) != 0)
        return -1;
    struct span in = span_of(end, sizeof end);
    if (span_be64(&in) != x->done.files || memcmp(in.p, hash, sizeof hash) != 0)
        return damaged(r, e, "does not hold the files of its list");
    if (!r->last || r->taken != r->filled || fstat(r->fd, &st) != 0 || (S_ISREG(st.st_mode) && (uint64_t)st.st_size != r->at))
        return damaged(r, e, "has bytes behind its end");
    return x->dir < 0 ? 0 : file_sync_all(x->dir, e);
}

static int restore_all(struct restoring *x, struct error *e)
{
    for (;;) {
        uint8_t kind;
        if (take(x->r, &kind, 1, e) != 0)
            return -1;
        if (kind == ITEM_END)
            return restore_end(x, e);
        if (kind != ITEM_FILE)
            return damaged(x->r, e, "holds something that this program does not know");
        if (restore_file(x, e) != 0)
            return -1;
    }
}

int backup_read(struct backup_reader *r, int dir, bool (*go_on)(void *context, uint64_t at), void *context, struct backup_restored *ret,
                struct error *e)
{
    if (!r->unlocked)
        return err_set(e, ERR_MISUSE, "the backup was not unlocked");
    struct restoring x = {.r = r, .dir = dir, .file = crypto_hash_new(), .all = crypto_hash_new()};
    r->go_on = go_on;
    r->context = context;
    r->at = r->head.n;
    r->number = 0;
    r->last = false;
    r->filled = r->taken = 0;
    r->path[0] = 0;
    int rc = x.file == NULL || x.all == NULL ? err_sys(e, ENOMEM, "reading a backup") : restore_all(&x, e);
    crypto_hash_free(x.file);
    crypto_hash_free(x.all);
    if (rc == 0)
        *ret = x.done;
    return rc;
}
