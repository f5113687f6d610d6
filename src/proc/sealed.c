#include "proc/sealed.h"

#include "record/crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION 1

static int read_file(const char *path, struct buf *out, bool *ret_there, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *ret_there = fd >= 0;
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(e, errno, "opening %s", path);
    int r = 0;
    while (r == 0 && buf_reserve(out, 4096)) {
        ssize_t n = read(fd, out->p + out->n, 4096);
        if (n == 0)
            break;
        if (n < 0)
            r = err_sys(e, errno, "reading %s", path);
        else
            out->n += (size_t)n;
    }
    (void)close(fd);
    return r == 0 && !buf_ok(out) ? err_set(e, ERR_CORRUPT, "%s is larger than it can be", path) : r;
}

int plain_load(const char *name, struct buf *out, bool *ret_there, struct error *e)
{
    return read_file(name, out, ret_there, e);
}

/* The present folder: the new name is durable, too. */
static int sync_folder(const char *name, struct error *e)
{
    int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) != 0 ? err_sys(e, errno, "making %s durable", name) : 0;
    if (fd >= 0)
        (void)close(fd);
    return r;
}

int plain_save(const char *name, mode_t mode, struct span bytes, struct error *e)
{
    char under_way[128];
    if ((size_t)snprintf(under_way, sizeof under_way, "%s.new", name) >= sizeof under_way)
        return err_set(e, ERR_MISUSE, "the name of a file is too long");
    int fd = open(under_way, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_sys(e, errno, "making %s", under_way);
    int r = fchmod(fd, mode) == 0 ? 0 : err_sys(e, errno, "writing %s", under_way);
    while (r == 0 && bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n > 0)
            (void)span_skip(&bytes, (size_t)n);
        else if (n == 0 || errno != EINTR)
            r = err_sys(e, n == 0 ? ENOSPC : errno, "writing %s", under_way);
    }
    if (r == 0 && fsync(fd) != 0)
        r = err_sys(e, errno, "writing %s", under_way);
    (void)close(fd);
    if (r == 0 && rename(under_way, name) != 0)
        r = err_sys(e, errno, "renaming %s to %s", under_way, name);
    return r == 0 ? sync_folder(name, e) : -1;
}

int sealed_load(const char *name, const uint8_t key[32], struct buf *out, bool *ret_there, struct error *e)
{
    struct buf file = BUF_INIT(SEALED_FILE_MAX);
    int r = read_file(name, &file, ret_there, e);
    if (r == 0 && *ret_there) {
        struct span s = buf_span(&file);
        uint8_t version = span_u8(&s);
        struct span nonce = span_take(&s, AES_GCM_NONCE);
        bool opens = !s.bad && version == VERSION && s.n >= AES_GCM_TAG && buf_reserve(out, s.n) &&
                     crypto_open(key, nonce.p, span_str(name), s, out->p + out->n);
        if (opens)
            out->n += s.n - AES_GCM_TAG;
        else
            r = err_set(e, ERR_CORRUPT, "%s does not open under this data folder's root key: it was damaged, or belongs to another one", name);
    }
    buf_release(&file);
    return r;
}

int sealed_save(const char *name, const uint8_t key[32], struct span clear, struct error *e)
{
    struct buf file = BUF_INIT(SEALED_FILE_MAX);
    uint8_t nonce[AES_GCM_NONCE];
    crypto_random(nonce, sizeof nonce);
    buf_u8(&file, VERSION);
    buf_add(&file, nonce, sizeof nonce);
    int r = -1;
    if (buf_reserve(&file, clear.n + AES_GCM_TAG)) {
        crypto_seal(key, nonce, span_str(name), clear, file.p + file.n);
        file.n += clear.n + AES_GCM_TAG;
        r = plain_save(name, 0600, buf_span(&file), e);
    } else {
        (void)err_set(e, ERR_SYSTEM, "no memory for %s", name);
    }
    buf_release(&file);
    return r;
}
