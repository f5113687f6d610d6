#include "disk.h"

#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct op {
    enum disk_op kind;
    bool failed;   /* a sync that failed */
    ino_t file;    /* of WRITE, CUT, CREATE, RENAME, SYNC */
    char path[96]; /* under the folder */
    char to[96];   /* RENAME */
    uint64_t at;   /* WRITE: where; CUT: the new size */
    uint8_t *data;
    size_t n;
};

static struct op ops[DISK_OPS];
static size_t ops_n;
static char root[PATH_MAX]; /* the watched folder; empty: none */
static bool quiet;          /* the harness's own calls */

static struct {
    bool armed;
    bool met;
    size_t at;
    enum disk_fault how;
    int errnum;
    bool half_next;
} fault;

/* Several threads write; the log has one order, in which the real calls were made. */
static pthread_mutex_t one_call = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static pthread_mutex_t *begin_call(void)
{
    (void)pthread_mutex_lock(&one_call);
    return &one_call;
}

static void end_call(pthread_mutex_t **lock)
{
    (void)pthread_mutex_unlock(*lock);
}

#define ONE_CALL pthread_mutex_t *held __attribute__((cleanup(end_call), unused)) = begin_call()

static _Noreturn void broken(const char *what)
{
    perror(what);
    abort();
}

/* ── The log ── */

static struct op *note(enum disk_op kind)
{
    if (ops_n == DISK_OPS) {
        (void)fprintf(stderr, "the log of the disk is full\n");
        abort();
    }
    struct op *o = &ops[ops_n++];
    *o = (struct op){.kind = kind};
    return o;
}

/* A path under the watched folder; false: it lies elsewhere. The folder itself is ".". */
static bool inside(const char *full, char out[96])
{
    size_t n = strlen(root);
    if (n == 0 || quiet || strncmp(full, root, n) != 0 || (full[n] != '/' && full[n] != 0))
        return false;
    (void)snprintf(out, 96, "%s", full[n] == 0 ? "." : full + n + 1);
    return true;
}

static bool inside_fd(int fd, char out[96])
{
    char link[64];
    char full[PATH_MAX];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, full, sizeof full - 1);
    if (n < 0)
        return false;
    full[n] = 0;
    return inside(full, out);
}

static bool inside_at(int dir, const char *path, char out[96])
{
    char full[2 * PATH_MAX];
    char base[96];
    if (path[0] == '/' || dir == AT_FDCWD)
        return inside(path, out);
    if (!inside_fd(dir, base))
        return false;
    (void)snprintf(full, sizeof full, "%s/%s", base, path);
    const char *p = full;
    while (strncmp(p, "./", 2) == 0)
        p += 2;
    (void)snprintf(out, 96, "%s", p);
    return true;
}

static int forget(const char *path, const struct stat *st, int kind, struct FTW *ftw);

size_t disk_watch(const char *folder)
{
    ONE_CALL;
    disk_stop();
    (void)snprintf(root, sizeof root, "%s", folder);
    if (nftw(folder, forget, 16, FTW_PHYS) != 0)
        broken("reading the folder");
    (void)note(DISK_SYNC_ALL);
    return ops_n;
}

/* For what lies there already: as if it had been written before. */
static int forget(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    char name[96];
    (void)ftw;
    if (!inside(path, name) || strcmp(name, ".") == 0)
        return 0;
    struct op *o = note(kind == FTW_D ? DISK_MKDIR : DISK_CREATE);
    (void)snprintf(o->path, sizeof o->path, "%s", name);
    o->file = st->st_ino;
    if (kind == FTW_D || st->st_size == 0)
        return 0;
    o = note(DISK_WRITE);
    (void)snprintf(o->path, sizeof o->path, "%s", name);
    o->file = st->st_ino;
    o->n = (size_t)st->st_size;
    o->data = malloc(o->n);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (o->data == NULL || fd < 0 || pread(fd, o->data, o->n, 0) != (ssize_t)o->n)
        broken(path);
    (void)close(fd);
    return 0;
}

void disk_stop(void)
{
    ONE_CALL;
    for (size_t i = 0; i < ops_n; i++)
        free(ops[i].data);
    ops_n = 0;
    root[0] = 0;
    disk_mend();
}

size_t disk_ops(void)
{
    ONE_CALL;
    return ops_n;
}

enum disk_op disk_kind(size_t op)
{
    return ops[op].kind;
}

const char *disk_path(size_t op)
{
    return ops[op].path;
}

void disk_sectors(size_t op, uint64_t *ret_first, uint64_t *ret_end)
{
    *ret_first = ops[op].at / DISK_SECTOR;
    *ret_end = (ops[op].at + ops[op].n + DISK_SECTOR - 1) / DISK_SECTOR;
}

void disk_print(size_t from, size_t to)
{
    static const char *const names[] = {"write", "cut", "create", "mkdir", "rename", "unlink", "rmdir", "sync", "sync folder", "sync all"};
    for (size_t i = from; i < to && i < ops_n; i++) {
        (void)fprintf(stderr, "# %4zu %s %s%s%s at %llu, %zu bytes%s\n", i, names[ops[i].kind], ops[i].path, ops[i].to[0] != 0 ? " to " : "",
                      ops[i].to, (unsigned long long)ops[i].at, ops[i].n, ops[i].failed ? ", FAILED" : "");
    }
}

/* ── Faults ── */

void disk_fail(size_t in, enum disk_fault how, int errnum)
{
    ONE_CALL;
    fault.armed = true;
    fault.met = fault.half_next = false;
    fault.at = ops_n + in;
    fault.how = how;
    fault.errnum = errnum;
}

void disk_mend(void)
{
    ONE_CALL;
    fault.armed = false;
}

bool disk_failed(void)
{
    ONE_CALL;
    return fault.met;
}

/* Whether this call is to fail. A fault that does not fit the call waits for the next that it fits. *n is cut for a short write. */
static bool fails(bool sync, size_t *n)
{
    if (!fault.armed || ops_n < fault.at)
        return false;
    bool write = n != NULL && *n > 1;
    bool now = false;
    if (fault.half_next) {
        if (n == NULL)
            return false;
        now = true;
        fault.armed = false;
    } else if (fault.how == FAULT_ERROR) {
        now = true;
        fault.armed = false;
    } else if (fault.how == FAULT_LASTING) {
        now = true;
    } else if (fault.how == FAULT_NOTHING_SYNCED) {
        now = sync;
    } else if (write) {
        *n /= 2;
        fault.met = true;
        fault.half_next = fault.how == FAULT_HALF;
        fault.armed = fault.half_next;
    }
    if (now) {
        fault.met = true;
        errno = fault.errnum;
    }
    return now;
}

/* ── Between the ledger and the system ── */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
int __real_ftruncate64(int fd, off_t size);
int __real_openat64(int dir, const char *path, int flags, ...);
int __real_open64(const char *path, int flags, ...);
int __real_mkdirat(int dir, const char *path, mode_t mode);
int __real_mkdir(const char *path, mode_t mode);
int __real_renameat(int dir, const char *from, int to_dir, const char *to);
int __real_unlinkat(int dir, const char *path, int flags);
int __real_unlink(const char *path);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_syncfs(int fd);

ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at)
{
    ONE_CALL;
    char path[96];
    if (!inside_fd(fd, path))
        return __real_pwrite64(fd, p, n, at);
    if (fails(false, &n))
        return -1;
    ssize_t done = __real_pwrite64(fd, p, n, at);
    struct stat st;
    if (done <= 0 || fstat(fd, &st) != 0)
        return done;
    struct op *o = note(DISK_WRITE);
    (void)snprintf(o->path, sizeof o->path, "%s", path);
    o->file = st.st_ino;
    o->at = (uint64_t)at;
    o->n = (size_t)done;
    o->data = malloc(o->n);
    if (o->data == NULL)
        broken("malloc");
    memcpy(o->data, p, o->n);
    return done;
}

static void note_file(enum disk_op kind, int fd, const char *path, uint64_t at)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        broken(path);
    struct op *o = note(kind);
    (void)snprintf(o->path, sizeof o->path, "%s", path);
    o->file = st.st_ino;
    o->at = at;
}

int __wrap_ftruncate64(int fd, off_t size)
{
    ONE_CALL;
    char path[96];
    if (!inside_fd(fd, path))
        return __real_ftruncate64(fd, size);
    if (fails(false, NULL))
        return -1;
    int rc = __real_ftruncate64(fd, size);
    if (rc == 0)
        note_file(DISK_CUT, fd, path, (uint64_t)size);
    return rc;
}

static int open_noted(int dir, const char *path, int flags, mode_t mode)
{
    char name[96];
    struct stat st;
    if ((flags & (O_CREAT | O_TRUNC)) == 0 || !inside_at(dir, path, name))
        return __real_openat64(dir, path, flags, mode);
    bool there = fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    bool cuts = there && (flags & O_TRUNC) != 0 && st.st_size > 0;
    if ((!there || cuts) && fails(false, NULL))
        return -1;
    int fd = __real_openat64(dir, path, flags, mode);
    if (fd >= 0 && !there)
        note_file(DISK_CREATE, fd, name, 0);
    else if (fd >= 0 && cuts)
        note_file(DISK_CUT, fd, name, 0);
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
}

int __wrap_openat64(int dir, const char *path, int flags, ...)
{
    ONE_CALL;
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_noted(dir, path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...)
{
    ONE_CALL;
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_noted(AT_FDCWD, path, flags, mode);
}

int __wrap_mkdirat(int dir, const char *path, mode_t mode)
{
    ONE_CALL;
    char name[96];
    if (!inside_at(dir, path, name) || faccessat(dir, path, F_OK, 0) == 0)
        return __real_mkdirat(dir, path, mode);
    if (fails(false, NULL))
        return -1;
    int rc = __real_mkdirat(dir, path, mode);
    if (rc == 0)
        (void)snprintf(note(DISK_MKDIR)->path, 96, "%s", name);
    return rc;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    ONE_CALL;
    return __wrap_mkdirat(AT_FDCWD, path, mode);
}

int __wrap_renameat(int dir, const char *from, int to_dir, const char *to)
{
    ONE_CALL;
    char name[96];
    char to_name[96];
    struct stat st;
    if (!inside_at(dir, from, name) || !inside_at(to_dir, to, to_name) || fstatat(dir, from, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return __real_renameat(dir, from, to_dir, to);
    if (fails(false, NULL))
        return -1;
    int rc = __real_renameat(dir, from, to_dir, to);
    if (rc == 0) {
        struct op *o = note(DISK_RENAME);
        memcpy(o->path, name, sizeof o->path);
        memcpy(o->to, to_name, sizeof o->to);
        o->file = st.st_ino;
    }
    return rc;
}

int __wrap_unlinkat(int dir, const char *path, int flags)
{
    ONE_CALL;
    char name[96];
    if (!inside_at(dir, path, name) || faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return __real_unlinkat(dir, path, flags);
    if (fails(false, NULL))
        return -1;
    int rc = __real_unlinkat(dir, path, flags);
    if (rc == 0)
        (void)snprintf(note((flags & AT_REMOVEDIR) != 0 ? DISK_RMDIR : DISK_UNLINK)->path, 96, "%s", name);
    return rc;
}

int __wrap_unlink(const char *path)
{
    ONE_CALL;
    return __wrap_unlinkat(AT_FDCWD, path, 0);
}

/* tmpfs has nothing to sync: only the log does. */
static int sync_noted(int fd)
{
    char path[96];
    struct stat st;
    if (!inside_fd(fd, path))
        return 0;
    bool failed = fails(true, NULL);
    int errnum = errno;
    if (fstat(fd, &st) != 0)
        broken(path);
    note_file(S_ISDIR(st.st_mode) ? DISK_SYNC_DIR : DISK_SYNC, fd, path, 0);
    ops[ops_n - 1].failed = failed;
    errno = errnum;
    return failed ? -1 : 0;
}

int __wrap_fsync(int fd)
{
    ONE_CALL;
    return sync_noted(fd);
}

int __wrap_fdatasync(int fd)
{
    ONE_CALL;
    return sync_noted(fd);
}

int __wrap_syncfs(int fd)
{
    ONE_CALL;
    char path[96];
    if (!inside_fd(fd, path))
        return 0;
    bool failed = fails(true, NULL);
    int errnum = errno;
    note(DISK_SYNC_ALL)->failed = failed;
    errno = errnum;
    return failed ? -1 : 0;
}

#pragma GCC diagnostic pop

/* ── Losing power ── */

/* The folder that the entry of a path is in. */
static bool in_folder(const char *path, const char *folder)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strcmp(folder, ".") == 0;
    return strlen(folder) == (size_t)(slash - path) && strncmp(path, folder, strlen(folder)) == 0;
}

static bool covers(const struct op *sync, const struct op *o)
{
    if (sync->kind == DISK_SYNC_ALL)
        return true;
    if (sync->kind == DISK_SYNC)
        return (o->kind == DISK_WRITE || o->kind == DISK_CUT) && o->file == sync->file;
    return sync->kind == DISK_SYNC_DIR && o->kind >= DISK_CREATE && o->kind <= DISK_RMDIR &&
           (in_folder(o->path, sync->path) || (o->kind == DISK_RENAME && in_folder(o->to, sync->path)));
}

/* The first sync behind a write settles what becomes of it. Names are the file system's own journal: a later sync that succeeds saves them. */
static bool is_durable(size_t op, size_t at)
{
    bool data = ops[op].kind == DISK_WRITE || ops[op].kind == DISK_CUT;
    for (size_t i = op + 1; i < at; i++) {
        if (DISK_IS_SYNC(ops[i].kind) && covers(&ops[i], &ops[op]) && (data || !ops[i].failed))
            return !ops[i].failed;
    }
    return false;
}

size_t disk_unsure(size_t at, size_t *ret_ops, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < at && n < max; i++) {
        if (!DISK_IS_SYNC(ops[i].kind) && !is_durable(i, at))
            ret_ops[n++] = i;
    }
    return n;
}

#define FILES 512

struct image {
    struct {
        ino_t ino;
        struct buf bytes;
    } files[FILES];
    size_t files_n;
    struct {
        char path[96];
        bool folder;
        ino_t ino;
    } names[FILES];
    size_t names_n;
};

static struct buf *image_file(struct image *m, ino_t ino)
{
    for (size_t i = 0; i < m->files_n; i++) {
        if (m->files[i].ino == ino)
            return &m->files[i].bytes;
    }
    if (m->files_n == FILES)
        broken("too many files");
    m->files[m->files_n].ino = ino;
    m->files[m->files_n].bytes = BUF_INIT(64u << 20);
    return &m->files[m->files_n++].bytes;
}

static void image_remove(struct image *m, const char *path)
{
    for (size_t i = 0; i < m->names_n; i++) {
        if (strcmp(m->names[i].path, path) == 0)
            m->names[i--] = m->names[--m->names_n];
    }
}

static void image_name(struct image *m, const char *path, bool folder, ino_t ino)
{
    image_remove(m, path);
    if (m->names_n == FILES)
        broken("too many names");
    (void)snprintf(m->names[m->names_n].path, sizeof m->names[0].path, "%s", path);
    m->names[m->names_n].folder = folder;
    m->names[m->names_n++].ino = ino;
}

static bool image_has_folder(const struct image *m, const char *path, size_t n)
{
    for (size_t i = 0; i < m->names_n; i++) {
        if (m->names[i].folder && strlen(m->names[i].path) == n && strncmp(m->names[i].path, path, n) == 0)
            return true;
    }
    return false;
}

static void grow(struct buf *b, uint64_t size)
{
    if (size <= b->n)
        return;
    size_t more = (size_t)size - b->n;
    if (!buf_reserve(b, more))
        broken("malloc");
    memset(b->p + b->n, 0, more);
    b->n = (size_t)size;
}

static size_t apply_write(struct image *m, size_t op, bool durable, disk_choice *choose, void *context)
{
    const struct op *o = &ops[op];
    struct buf *b = image_file(m, o->file);
    size_t choices = 0;
    bool all = true;
    for (uint64_t at = o->at; at < o->at + o->n;) {
        uint64_t end = (at / DISK_SECTOR + 1) * DISK_SECTOR;
        if (end > o->at + o->n)
            end = o->at + o->n;
        choices += !durable;
        if (durable || choose(context, op, at / DISK_SECTOR, false)) {
            grow(b, end);
            memcpy(b->p + at, o->data + (at - o->at), (size_t)(end - at));
        } else {
            all = false;
        }
        at = end;
    }
    if (!all && choose(context, op, 0, true))
        grow(b, o->at + o->n);
    return choices;
}

static size_t apply(struct image *m, size_t op, size_t at, disk_choice *choose, void *context)
{
    const struct op *o = &ops[op];
    if (DISK_IS_SYNC(o->kind))
        return 0;
    bool durable = is_durable(op, at);
    if (o->kind == DISK_WRITE)
        return apply_write(m, op, durable, choose, context);
    if (!durable && !choose(context, op, 0, false))
        return 1;
    if (o->kind == DISK_CUT) {
        struct buf *b = image_file(m, o->file);
        grow(b, o->at);
        b->n = (size_t)o->at;
    } else if (o->kind == DISK_CREATE || o->kind == DISK_MKDIR) {
        image_name(m, o->path, o->kind == DISK_MKDIR, o->file);
    } else if (o->kind == DISK_RENAME) {
        image_remove(m, o->path);
        image_name(m, o->to, false, o->file);
    } else {
        image_remove(m, o->path);
    }
    return durable ? 0 : 1;
}

static int shorter_first(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return (int)strlen(*x) - (int)strlen(*y);
}

static void put_folders(const struct image *m, const char *folder)
{
    const char *names[FILES];
    size_t n = 0;
    char full[2 * PATH_MAX];
    for (size_t i = 0; i < m->names_n; i++) {
        if (m->names[i].folder)
            names[n++] = m->names[i].path;
    }
    qsort(names, n, sizeof names[0], shorter_first);
    for (size_t i = 0; i < n; i++) { /* one whose parent is lost cannot be reached: making it fails, and so it should */
        (void)snprintf(full, sizeof full, "%s/%s", folder, names[i]);
        (void)mkdir(full, 0700);
    }
}

static void put_image(struct image *m, const char *folder)
{
    char full[2 * PATH_MAX];
    put_folders(m, folder);
    for (size_t i = 0; i < m->names_n; i++) {
        const char *slash = strrchr(m->names[i].path, '/');
        if (m->names[i].folder || (slash != NULL && !image_has_folder(m, m->names[i].path, (size_t)(slash - m->names[i].path))))
            continue;
        struct buf *b = image_file(m, m->names[i].ino);
        (void)snprintf(full, sizeof full, "%s/%s", folder, m->names[i].path);
        int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
            continue; /* a folder further up is lost */
        if (b->n > 0 && write(fd, b->p, b->n) != (ssize_t)b->n)
            broken(full);
        (void)close(fd);
    }
}

size_t disk_crash(size_t at, const char *folder, disk_choice *choose, void *context)
{
    struct image *m = calloc(1, sizeof *m);
    size_t choices = 0;
    if (m == NULL)
        broken("malloc");
    quiet = true;
    for (size_t i = 0; i < at && i < ops_n; i++)
        choices += apply(m, i, at, choose, context);
    put_image(m, folder);
    quiet = false;
    for (size_t i = 0; i < m->files_n; i++)
        buf_release(&m->files[i].bytes);
    free(m);
    return choices;
}
