#include "record/ledger/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int file_write(int fd, const char *path, struct span data, uint64_t at, struct error *e)
{
    while (data.n > 0) {
        ssize_t n = pwrite(fd, data.p, data.n, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_sys(e, n == 0 ? ENOSPC : errno, "writing %s", path);
        (void)span_skip(&data, (size_t)n);
        at += (uint64_t)n;
    }
    return 0;
}

int file_sync(int fd, const char *path, struct error *e)
{
    return fdatasync(fd) == 0 ? 0 : err_sys(e, errno, "making %s durable", path);
}

void file_send(int fd, uint64_t at, uint64_t n)
{
    (void)sync_file_range(fd, (off_t)at, (off_t)n, SYNC_FILE_RANGE_WRITE); /* a hint: the sync that follows tells of errors */
}

int file_cut(int fd, const char *path, uint64_t size, struct error *e)
{
    return ftruncate(fd, (off_t)size) == 0 ? 0 : err_sys(e, errno, "cutting %s", path);
}

int file_make_dirs(int dir, const char *path, struct error *e)
{
    char part[PATH_MAX];
    if (strlen(path) >= sizeof part)
        return err_set(e, ERR_MISUSE, "the path %.100s… is too long", path);
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - path);
        if (n == 0)
            continue;
        memcpy(part, path, n);
        part[n] = 0;
        if (mkdirat(dir, part, 0700) != 0 && errno != EEXIST)
            return err_sys(e, errno, "making the folder %s", part);
    }
    return 0;
}

static int open_made(int dir, const char *path, int flags, struct error *e)
{
    int fd = openat(dir, path, O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd < 0 && errno == ENOENT) {
        if (file_make_dirs(dir, path, e) != 0)
            return -1;
        fd = openat(dir, path, O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    }
    return fd < 0 ? err_sys(e, errno, "opening %s for writing", path) : fd;
}

int file_open_write(int dir, const char *path, struct error *e)
{
    return open_made(dir, path, O_RDWR, e);
}

int file_open_read(int dir, const char *path, struct error *e)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY); /* it may be a pipe that somebody put there: no waiting */
    if (fd >= 0)
        return fd;
    int errnum = errno;
    (void)err_sys(e, errnum, "opening %s", path);
    if ((errnum == ENOENT || errnum == ENOTDIR) && e != NULL)
        e->class = ERR_CLOSED;
    return -1;
}

int file_read(int fd, const char *path, uint8_t *out, size_t n, uint64_t at, size_t *ret_n, struct error *e)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = pread(fd, out + got, n - got, (off_t)(at + got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_sys(e, errno, "reading %s", path);
        if (r == 0)
            break;
        got += (size_t)r;
    }
    *ret_n = got;
    return 0;
}

int file_load(int dir, const char *path, size_t max, struct buf *out, struct error *e)
{
    int fd = file_open_read(dir, path, e);
    if (fd < 0)
        return -1;
    int rc = 0;
    struct stat st;
    size_t got = 0;
    if (fstat(fd, &st) != 0)
        rc = err_sys(e, errno, "reading %s", path);
    else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
        rc = err_set(e, ERR_CORRUPT, "%s is not a file of at most %zu bytes", path, max);
    else if (!buf_reserve(out, (size_t)st.st_size))
        rc = err_set(e, ERR_SYSTEM, "not enough memory to read %s", path);
    else
        rc = file_read(fd, path, out->p + out->n, (size_t)st.st_size, 0, &got, e);
    if (rc == 0)
        out->n += got;
    (void)close(fd);
    return rc;
}

int file_store(int dir, const char *path, struct span data, bool send, struct error *e)
{
    int fd = open_made(dir, path, O_WRONLY | O_TRUNC, e);
    if (fd < 0)
        return -1;
    int rc = file_write(fd, path, data, 0, e);
    if (rc == 0 && send)
        file_send(fd, 0, data.n);
    (void)close(fd);
    return rc;
}

int file_sync_path(int dir, const char *path, struct error *e)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_sys(e, errno, "opening %s", path);
    int rc = fsync(fd) == 0 ? 0 : err_sys(e, errno, "making %s durable", path);
    (void)close(fd);
    return rc;
}

int file_sync_parent(int dir, const char *path, struct error *e)
{
    char folder[PATH_MAX];
    size_t n = strnlen(path, sizeof folder - 1);
    memcpy(folder, path, n);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    folder[n] = 0;
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return file_sync_path(dir, ".", e);
    slash[slash == folder ? 1 : 0] = 0;
    return file_sync_path(dir, folder, e);
}

int file_make_folder(const char *path, struct error *e)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? 0 : err_sys(e, errno, "making the folder %s", path);
    if (file_sync_parent(AT_FDCWD, path, e) == 0)
        return 0;
    (void)rmdir(path);
    return -1;
}

int file_sync_all(int dir, struct error *e)
{
    return syncfs(dir) == 0 ? 0 : err_sys(e, errno, "making the ledger durable");
}

int file_replace(int dir, const char *path, struct span data, bool sync, struct error *e)
{
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return err_set(e, ERR_MISUSE, "the path %.100s… is too long", path);
    int fd = open_made(dir, temporary, O_WRONLY | O_TRUNC, e);
    if (fd < 0)
        return -1;
    int rc = file_write(fd, temporary, data, 0, e);
    if (rc == 0 && sync)
        rc = file_sync(fd, temporary, e);
    (void)close(fd);
    if (rc == 0 && renameat(dir, temporary, dir, path) != 0)
        rc = err_sys(e, errno, "putting %s in place", path);
    if (rc != 0) {
        (void)unlinkat(dir, temporary, 0);
        return -1;
    }
    if (!sync)
        return 0;
    return file_sync_parent(dir, path, e);
}

int file_remove(int dir, const char *path, struct error *e)
{
    return unlinkat(dir, path, 0) == 0 || errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, errno, "removing %s", path);
}

int file_remove_dir(int dir, const char *path, struct error *e)
{
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, errno, "opening %s", path);
    DIR *d = fdopendir(fd);
    if (d == NULL) {
        (void)close(fd);
        return err_sys(e, errno, "opening %s", path);
    }
    int rc = 0;
    for (struct dirent *entry = readdir(d); entry != NULL && rc == 0; entry = readdir(d)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlinkat(fd, entry->d_name, 0) != 0)
            rc = err_sys(e, errno, "removing %s/%s", path, entry->d_name);
    }
    (void)closedir(d);
    if (rc == 0 && unlinkat(dir, path, AT_REMOVEDIR) != 0)
        rc = err_sys(e, errno, "removing %s", path);
    return rc;
}
