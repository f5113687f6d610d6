#include "proc/premises.h"

#include "proc/own.h"
#include "proc/programme.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_QUEUE 128
#define DEPTH_MAX 8 /* of folders below the data folder */
#define LOCAL_NAME "api.sock"
#define LOCK_MS 50
#define LOCK_TURNS 40 /* 2 s */

/* ── data folder ── */

static int make_folders(const char *path, const char *what, struct error *e)
{
    char part[CONFIG_PATH];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return err_set(e, ERR_MISUSE, "the %s's path is longer than %d bytes", what, CONFIG_PATH - 1);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, i == n ? 0700 : 0755) != 0 && errno != EEXIST && errno != EISDIR)
            return err_sys(e, errno, "the %s %s cannot be made", what, path);
    }
    return 0;
}

/* Gives a folder and all below it to its owner, without following links. Files with a second name are left alone: they may be somebody else's. */
static int give_to(int dir, uid_t owner, int depth, struct error *e)
{
    struct stat st;
    if (fstat(dir, &st) != 0 || (st.st_uid != owner && fchown(dir, owner, owner) != 0))
        return err_sys(e, errno, "the data folder cannot be given to uid %u", (unsigned)owner);
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (d == NULL)
        return err_sys(e, errno, "the data folder cannot be read");
    int r = 0;
    for (struct dirent *f = readdir(d); f != NULL && r == 0; f = readdir(d)) {
        if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0 || fstatat(dir, f->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth > 0) {
            int below = openat(dir, f->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            r = below < 0 ? err_sys(e, errno, "a folder in the data folder cannot be opened") : give_to(below, owner, depth - 1, e);
            if (below >= 0)
                (void)close(below);
        } else if (S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid != owner &&
                   fchownat(dir, f->d_name, owner, owner, AT_SYMLINK_NOFOLLOW) != 0) {
            r = err_sys(e, errno, "a file in the data folder cannot be given to uid %u", (unsigned)owner);
        }
    }
    (void)closedir(d);
    return r;
}

/* Takes the folder's lock. One that was killed just now may hold it for a moment yet, by a role of its that is not quite gone. */
static int take_lock(int fd)
{
    for (int turn = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; turn++) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK || turn == LOCK_TURNS)
            return -1;
        (void)usleep(LOCK_MS * 1000);
    }
    return 0;
}

int premises_data(const char *path, uid_t owner, int *ret_fd, struct error *e)
{
    if (make_folders(path, "data folder", e) != 0)
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno, "the data folder %s cannot be opened", path);
    int r = 0;
    if (take_lock(fd) != 0)
        r = errno == EWOULDBLOCK
                ? err_set(e, ERR_MISUSE, "another Tourniquet is running on the data folder %s: stop it first, or choose another folder", path)
                : err_sys(e, errno, "the data folder %s cannot be locked", path);
    else if (geteuid() == 0)
        r = give_to(fd, owner, DEPTH_MAX, e);
    else if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        r = err_sys(e, errno, "the data folder %s cannot be written", path);
    if (r != 0)
        (void)close(fd);
    else
        *ret_fd = fd;
    return r;
}

/* ── folder of backups ── */

static bool is_empty(int dir)
{
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    bool empty = d != NULL;
    if (d == NULL && copy >= 0)
        (void)close(copy);
    for (struct dirent *f = d == NULL ? NULL : readdir(d); f != NULL && empty; f = readdir(d))
        empty = strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0;
    if (d != NULL)
        (void)closedir(d);
    return empty;
}

int premises_credential(const char *name, int *ret_fd, struct error *e)
{
    char path[2048];
    const char *folder = getenv("CREDENTIALS_DIRECTORY"); /* systemd.exec(5), Credentials */
    if (folder == NULL || (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return err_set(e, ERR_MISUSE, "root_key: credential needs a start by systemd with LoadCredentialEncrypted=%s in the unit", name);
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return *ret_fd < 0 ? err_set(e, ERR_MISUSE, "the credential %s cannot be read (%s): is it in the unit?", name, strerror(errno)) : 0;
}

int premises_backup(const char *path, uid_t owner, int *ret_fd, struct error *e)
{
    if (make_folders(path, "folder of backups", e) != 0)
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno, "the folder of backups %s cannot be opened", path);
    int r = 0;
    if (geteuid() == 0 && is_empty(fd) && fchown(fd, owner, owner) != 0)
        r = err_sys(e, errno, "the folder of backups %s cannot be given to uid %u", path, (unsigned)owner);
    else if (geteuid() != 0 && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        r = err_sys(e, errno, "the folder of backups %s cannot be written", path);
    if (r != 0)
        (void)close(fd);
    else
        *ret_fd = fd;
    return r;
}

/* ── sockets ── */

int premises_listen(const struct config_endpoint *at, const char *what, const char *key, int *ret_fd, struct error *e)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } where = {0};
    char text[CONFIG_HOST + 16];
    config_endpoint_text(at, text, sizeof text);
    bool six = strchr(at->host, ':') != NULL;
    where.any.sa_family = six ? AF_INET6 : AF_INET;
    *(six ? &where.six.sin6_port : &where.four.sin_port) = htons(at->port);
    if (inet_pton(where.any.sa_family, at->host, six ? (void *)&where.six.sin6_addr : (void *)&where.four.sin_addr) != 1)
        return err_set(e, ERR_MISUSE, "%s: %s is no address", key, at->host);
    int fd = socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    if (fd < 0)
        return err_sys(e, errno, "making a socket for %s", text);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (six)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    int r = 0;
    if (bind(fd, &where.any, six ? sizeof where.six : sizeof where.four) != 0 || listen(fd, LISTEN_QUEUE) != 0) {
        if (errno == EADDRINUSE)
            r = err_set(e, ERR_MISUSE, "%s cannot be served on %s: another program uses this port; choose another with %s", what, text, key);
        else if (errno == EADDRNOTAVAIL)
            r = err_set(e, ERR_MISUSE, "%s cannot be served on %s: this machine has no such address; choose another with %s", what, text, key);
        else
            r = err_sys(e, errno, "%s cannot be served on %s", what, text);
    }
    if (r != 0)
        (void)close(fd);
    else
        *ret_fd = fd;
    return r;
}

int premises_local(int data_fd, uid_t owner, int *ret_fd, struct error *e)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    /* Through /proc, because the path of a socket may have 107 bytes and that of a data folder more. */
    (void)snprintf(where.sun_path, sizeof where.sun_path, "/proc/self/fd/%d/" LOCAL_NAME, data_fd);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(e, errno, "making the local socket");
    (void)unlinkat(data_fd, LOCAL_NAME, 0);
    mode_t before = umask(0117);
    int r = bind(fd, (const struct sockaddr *)&where, sizeof where);
    (void)umask(before);
    if (r == 0 && geteuid() == 0)
        r = fchownat(data_fd, LOCAL_NAME, owner, owner, AT_SYMLINK_NOFOLLOW);
    if (r == 0)
        r = listen(fd, LISTEN_QUEUE);
    if (r != 0) {
        r = err_sys(e, errno, "the local socket " LOCAL_NAME " cannot be made in the data folder");
        (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

int premises_spool(int data_fd, uid_t owner, int *ret_fd, struct buf *key, struct error *e)
{
    int fd = openat(data_fd, RELAY_SPOOL_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(e, errno, "opening the relay's spool");
    if (geteuid() == 0 && fchown(fd, owner, owner) != 0) {
        (void)close(fd);
        return err_sys(e, errno, "the relay's spool cannot be given to uid %u", (unsigned)owner);
    }
    int from = openat(data_fd, SPOOL_KEY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from >= 0 && buf_reserve(key, 64)) {
        ssize_t n = read(from, key->p, 64);
        key->n = n > 0 ? (size_t)n : 0;
    }
    if (from >= 0)
        (void)close(from);
    *ret_fd = fd;
    return 0;
}

/* ── what the lab wrote itself ── */

static int read_catalog(const char *folder, struct buf *texts, struct error *e)
{
    struct catalog *c = catalog_new(e);
    int r = c == NULL ? -1 : own_catalog_read(folder, c, texts, e);
    catalog_free(c);
    return r;
}

/* Courses, policies, the time zone, and how training is run and mail sent: in one packed text. */
static int read_courses(const struct config *c, struct buf *texts, struct error *e)
{
    struct buf packed = BUF_SECRET(OWN_COURSES_MAX);
    struct courses *s = courses_new(e);
    int r = s == NULL ? -1 : 0;
    if (r == 0 && c->courses[0] != 0)
        r = own_courses_read(c->courses, s, &packed, e);
    if (r == 0 && c->policies[0] != 0)
        r = own_policies_read(c->policies, s, &packed, e);
    if (r == 0)
        r = programme_pack(c, &packed, e);
    courses_free(s);
    own_courses_follow(texts);
    buf_add_span(texts, buf_span(&packed));
    buf_release(&packed);
    return r;
}

static int keep_own(struct span texts, int *ret_fd, struct error *e)
{
    int fd = memfd_create("own", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool kept = fd >= 0;
    while (kept && texts.n > 0) {
        ssize_t n = write(fd, texts.p, texts.n);
        kept = n > 0 && span_skip(&texts, (size_t)n);
    }
    kept = kept && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
    if (kept) {
        *ret_fd = fd;
        return 0;
    }
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    return err_sys(e, why, "keeping the lab's own lists, catalog and courses");
}

int premises_own(const struct config *config, int *ret_fd, struct error *e)
{
    struct buf texts = BUF_SECRET(OWN_MAX);
    int r = own_breached_read(config->breached, &texts, e);
    if (r == 0 && config->catalog[0] != 0)
        r = read_catalog(config->catalog, &texts, e);
    if (r == 0)
        r = read_courses(config, &texts, e);
    if (r == 0)
        r = keep_own(buf_span(&texts), ret_fd, e);
    buf_release(&texts);
    return r;
}

/* ── authorities ── */

int premises_authority(const char *path, struct buf *out, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(e, ERR_MISUSE, "the authority %s cannot be opened: %s", path, strerror(errno));
    ssize_t n = 1;
    while (n > 0 && buf_reserve(out, 512)) {
        n = read(fd, out->p + out->n, 512);
        out->n += n > 0 ? (size_t)n : 0;
    }
    (void)close(fd);
    if (n < 0)
        return err_set(e, ERR_MISUSE, "the authority %s cannot be read", path);
    if (!buf_ok(out))
        return err_set(e, ERR_MISUSE, "the authority %s has over %d bytes: give the one certificate that signed the witness's", path, AUTHORITY_MAX);
    struct span mark = SPAN_LIT("-----BEGIN CERTIFICATE-----");
    return memmem(out->p, out->n, mark.p, mark.n) != NULL ? 0 : err_set(e, ERR_MISUSE, "the authority %s holds no certificate (PEM)", path);
}

/* ── capture ── */

int premises_capture(const char *path, int *ret_fd, struct error *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int why = errno;
        if (fd >= 0)
            (void)close(fd);
        return err_set(e, ERR_MISUSE, "the capture %s cannot be opened: %s", path, strerror(why));
    }
    if (!S_ISREG(st.st_mode)) {
        (void)close(fd);
        return err_set(e, ERR_MISUSE, "the capture %s is no ordinary file: --replay must be able to read it again from its start", path);
    }
    *ret_fd = fd;
    return 0;
}
