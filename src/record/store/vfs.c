/* What SQLite asks of files, answered by pages.c; its locks and the WAL's index, which live in this process's memory.
 *
 * Invariants
 *  1. There is the database and its WAL. Journals, temporary files and everything else are refused: where SQLite should want one in spite of its
 *     settings, a statement fails, and nothing in clear reaches the disk.
 *  2. All connections are this process's (pages.c holds a lock on the folder), so locks and index need no file.
 *  3. SQLite writes a frame as its head and then its page. The head waits (`pending`) until the page comes, and both are sealed together. A head that
 *     no page follows at once, or a page without a head, replaces that part of a frame that is there: SQLite does so when a transaction changes a
 *     page twice that had to leave the cache.
 *  4. What does not hold is SQLITE_IOERR_DATA and nothing else: SQLite takes no page of it in. */
#include "record/store/vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define WAL_NAME VFS_FILE "-wal"
#define REGIONS 512 /* of the WAL's index, 32 KiB each: enough for FRAMES_MAX frames */

struct vfs {
    sqlite3_vfs base;
    char name[24];
    struct pages *pages;
    pthread_mutex_t lock; /* guards what follows */
    unsigned shared;      /* connections that hold at least SQLITE_LOCK_SHARED */
    const void *reserved; /* the file that holds more, or wants to */
    bool pending;         /* it waits for the others to go: nobody new comes in */
    unsigned index_shared[SQLITE_SHM_NLOCK];
    bool index_exclusive[SQLITE_SHM_NLOCK];
    void *regions[REGIONS];
};

struct file {
    sqlite3_file base;
    struct vfs *vfs;
    struct page_hand *hand;
    bool wal;
    int level;        /* SQLITE_LOCK_… of this connection */
    uint32_t pending; /* the frame whose head waits; 0: none */
    uint8_t head[FRAME_HEAD];
    uint8_t text[FRAME_BYTES];
};

static atomic_uint next_number;

static int code_of(enum page_result r, int otherwise)
{
    switch (r) {
    case PAGE_OK:
    case PAGE_ABSENT: return SQLITE_OK;
    case PAGE_DAMAGED: return SQLITE_IOERR_DATA;
    case PAGE_FULL: return SQLITE_FULL;
    default: return otherwise;
    }
}

/* ── the database ── */

static int db_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
    struct file *f = (struct file *)file;
    uint32_t number = (uint32_t)(at / PAGE_BYTES + 1);
    size_t in = (size_t)(at % PAGE_BYTES);
    if (n < 0 || at / PAGE_BYTES >= PAGES_MAX || in + (size_t)n > PAGE_BYTES)
        return SQLITE_IOERR_READ;
    bool whole = n == PAGE_BYTES;
    enum page_result r = page_read(f->vfs->pages, f->hand, number, whole ? out : f->text);
    if (!whole)
        memcpy(out, f->text + in, (size_t)n);
    return r == PAGE_ABSENT && number > pages_count(f->vfs->pages) ? SQLITE_IOERR_SHORT_READ : code_of(r, SQLITE_IOERR_READ);
}

static int db_write(sqlite3_file *file, const void *in, int n, sqlite3_int64 at)
{
    struct file *f = (struct file *)file;
    if (n != PAGE_BYTES || at % PAGE_BYTES != 0)
        return SQLITE_IOERR_WRITE;
    return at / PAGE_BYTES >= PAGES_MAX ? SQLITE_FULL
                                        : code_of(page_write(f->vfs->pages, f->hand, (uint32_t)(at / PAGE_BYTES + 1), in), SQLITE_IOERR_WRITE);
}

static int db_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (size < 0 || size % PAGE_BYTES != 0 || size / PAGE_BYTES > PAGES_MAX)
        return SQLITE_IOERR_TRUNCATE;
    return code_of(pages_resize(((const struct file *)file)->vfs->pages, (uint32_t)(size / PAGE_BYTES)), SQLITE_IOERR_TRUNCATE);
}

static int db_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)pages_count(((const struct file *)file)->vfs->pages) * PAGE_BYTES;
    return SQLITE_OK;
}

/* ── the WAL ── */

/* Writes a frame of which only one part is new; the other part is as it was. */
static int wal_patch(struct file *f, uint32_t number, size_t in, const void *part, size_t n)
{
    enum page_result r = frame_read(f->vfs->pages, f->hand, number, f->text);
    if (r == PAGE_OK) {
        memcpy(f->text + in, part, n);
        r = frame_write(f->vfs->pages, f->hand, number, f->text);
    } else if (r == PAGE_ABSENT) {
        r = PAGE_ERROR;
    }
    return code_of(r, SQLITE_IOERR_WRITE);
}

static int wal_settle(struct file *f)
{
    uint32_t number = f->pending;
    f->pending = 0;
    return number == 0 ? SQLITE_OK : wal_patch(f, number, 0, f->head, FRAME_HEAD);
}

static int wal_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
    struct file *f = (struct file *)file;
    int rc = wal_settle(f);
    if (rc != SQLITE_OK)
        return rc;
    if (at < LOG_HEAD) {
        uint8_t head[LOG_HEAD];
        if (n < 0 || at + n > LOG_HEAD)
            return SQLITE_IOERR_READ;
        memset(out, 0, (size_t)n);
        if (!pages_log_there(f->vfs->pages))
            return SQLITE_IOERR_SHORT_READ;
        pages_log_head(f->vfs->pages, head);
        memcpy(out, head + at, (size_t)n);
        return SQLITE_OK;
    }
    uint64_t number = (uint64_t)(at - LOG_HEAD) / FRAME_BYTES + 1;
    size_t in = (size_t)((at - LOG_HEAD) % FRAME_BYTES);
    if (n < 0 || number > FRAMES_MAX || in + (size_t)n > FRAME_BYTES)
        return SQLITE_IOERR_READ;
    enum page_result r = frame_read(f->vfs->pages, f->hand, (uint32_t)number, f->text);
    memcpy(out, f->text + in, (size_t)n);
    return r == PAGE_ABSENT ? SQLITE_IOERR_SHORT_READ : code_of(r, SQLITE_IOERR_READ);
}

static int wal_write(sqlite3_file *file, const void *in, int n, sqlite3_int64 at)
{
    struct file *f = (struct file *)file;
    if (at == 0 && n == LOG_HEAD) {
        f->pending = 0;
        return code_of(pages_log_start(f->vfs->pages, f->hand, in), SQLITE_IOERR_WRITE);
    }
    uint64_t number = at < LOG_HEAD ? 0 : (uint64_t)(at - LOG_HEAD) / FRAME_BYTES + 1;
    size_t part = at < LOG_HEAD ? 0 : (size_t)((at - LOG_HEAD) % FRAME_BYTES);
    if (number == 0)
        return SQLITE_IOERR_WRITE;
    if (number > FRAMES_MAX)
        return SQLITE_FULL;
    if (part == FRAME_HEAD && n == PAGE_BYTES && f->pending == number) {
        f->pending = 0;
        memcpy(f->text, f->head, FRAME_HEAD);
        memcpy(f->text + FRAME_HEAD, in, PAGE_BYTES);
        return code_of(frame_write(f->vfs->pages, f->hand, (uint32_t)number, f->text), SQLITE_IOERR_WRITE);
    }
    int rc = wal_settle(f);
    if (rc != SQLITE_OK)
        return rc;
    if (part == 0 && n == FRAME_HEAD) {
        memcpy(f->head, in, FRAME_HEAD);
        f->pending = (uint32_t)number;
        return SQLITE_OK;
    }
    return part == FRAME_HEAD && n == PAGE_BYTES ? wal_patch(f, (uint32_t)number, part, in, PAGE_BYTES) : SQLITE_IOERR_WRITE;
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct file *f = (struct file *)file;
    f->pending = 0;
    return size == 0 ? code_of(pages_log_end(f->vfs->pages), SQLITE_IOERR_TRUNCATE) : SQLITE_IOERR_TRUNCATE;
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    const struct pages *p = ((const struct file *)file)->vfs->pages;
    *ret = pages_log_there(p) ? LOG_HEAD + (sqlite3_int64)pages_log_frames(p) * FRAME_BYTES : 0;
    return SQLITE_OK;
}

/* ── both ── */

static int file_close(sqlite3_file *file)
{
    struct file *f = (struct file *)file;
    if (f->wal)
        (void)wal_settle(f);
    page_hand_free(f->hand);
    explicit_bzero(f->text, sizeof f->text);
    explicit_bzero(f->head, sizeof f->head);
    f->hand = NULL;
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags)
{
    struct file *f = (struct file *)file;
    (void)flags; /* pages.c syncs what has to be, in its order */
    return f->wal ? wal_settle(f) : SQLITE_OK;
}

static int file_control(sqlite3_file *file, int op, void *argument)
{
    (void)argument;
    if (op != SQLITE_FCNTL_CKPT_DONE)
        return SQLITE_NOTFOUND;
    (void)pages_written(((struct file *)file)->vfs->pages); /* where it fails, pages_copy_end does */
    return SQLITE_OK;
}

static int file_sector(sqlite3_file *file)
{
    (void)file;
    return PAGE_BYTES;
}

static int file_traits(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ── locks of the database ── */

static int lock_take(struct vfs *v, struct file *f, int level)
{
    bool other = v->reserved != NULL && v->reserved != f;
    if (level == SQLITE_LOCK_SHARED) {
        if (v->pending)
            return SQLITE_BUSY;
        v->shared++;
        f->level = level;
        return SQLITE_OK;
    }
    if (other)
        return SQLITE_BUSY;
    v->reserved = f;
    if (level > SQLITE_LOCK_RESERVED) {
        v->pending = true;
        f->level = SQLITE_LOCK_PENDING;
        if (v->shared > 1)
            return SQLITE_BUSY;
    }
    f->level = level;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
    struct file *f = (struct file *)file;
    if (level <= f->level)
        return SQLITE_OK;
    (void)pthread_mutex_lock(&f->vfs->lock);
    int rc = lock_take(f->vfs, f, level);
    (void)pthread_mutex_unlock(&f->vfs->lock);
    return rc;
}

static int file_unlock(sqlite3_file *file, int level)
{
    struct file *f = (struct file *)file;
    struct vfs *v = f->vfs;
    if (level >= f->level)
        return SQLITE_OK;
    (void)pthread_mutex_lock(&v->lock);
    if (v->reserved == f) {
        v->reserved = NULL;
        v->pending = false;
    }
    if (level == SQLITE_LOCK_NONE)
        v->shared--;
    f->level = level;
    (void)pthread_mutex_unlock(&v->lock);
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *file, int *ret)
{
    struct vfs *v = ((struct file *)file)->vfs;
    (void)pthread_mutex_lock(&v->lock);
    *ret = v->reserved != NULL;
    (void)pthread_mutex_unlock(&v->lock);
    return SQLITE_OK;
}

/* ── the WAL's index, in memory ── */

static int index_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
    struct vfs *v = ((struct file *)file)->vfs;
    int rc = SQLITE_OK;
    *ret = NULL;
    if (region < 0 || region >= REGIONS)
        return SQLITE_FULL;
    (void)pthread_mutex_lock(&v->lock);
    if (v->regions[region] == NULL && extend != 0 && (v->regions[region] = calloc(1, (size_t)size)) == NULL)
        rc = SQLITE_IOERR_NOMEM;
    *ret = v->regions[region];
    (void)pthread_mutex_unlock(&v->lock);
    return rc;
}

static int index_lock(sqlite3_file *file, int first, int n, int flags)
{
    struct vfs *v = ((struct file *)file)->vfs;
    bool take = (flags & SQLITE_SHM_LOCK) != 0;
    bool shared = (flags & SQLITE_SHM_SHARED) != 0;
    bool free = true;
    (void)pthread_mutex_lock(&v->lock);
    for (int i = first; take && i < first + n; i++)
        if (v->index_exclusive[i] || (!shared && v->index_shared[i] > 0))
            free = false;
    for (int i = first; free && i < first + n; i++) {
        if (shared)
            v->index_shared[i] = take ? v->index_shared[i] + 1 : v->index_shared[i] - 1;
        else
            v->index_exclusive[i] = take;
    }
    (void)pthread_mutex_unlock(&v->lock);
    return free ? SQLITE_OK : SQLITE_BUSY;
}

static void index_barrier(sqlite3_file *file)
{
    struct vfs *v = ((struct file *)file)->vfs;
    (void)pthread_mutex_lock(&v->lock); /* whoever comes after sees what was before */
    (void)pthread_mutex_unlock(&v->lock);
}

static int index_unmap(sqlite3_file *file, int remove)
{
    (void)file;
    (void)remove; /* it goes with the store */
    return SQLITE_OK;
}

static const sqlite3_io_methods db_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = db_read,
    .xWrite = db_write,
    .xTruncate = db_truncate,
    .xSync = file_sync,
    .xFileSize = db_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = index_map,
    .xShmLock = index_lock,
    .xShmBarrier = index_barrier,
    .xShmUnmap = index_unmap,
};

static const sqlite3_io_methods wal_methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = file_sync,
    .xFileSize = wal_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
};

/* ── the VFS ── */

static int vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    struct vfs *v = base->pAppData;
    struct file *f = (struct file *)file;
    f->base.pMethods = NULL;
    bool wal = (flags & SQLITE_OPEN_WAL) != 0;
    if (name == NULL || (!wal && (flags & SQLITE_OPEN_MAIN_DB) == 0) || strcmp(name, wal ? WAL_NAME : VFS_FILE) != 0)
        return SQLITE_CANTOPEN;
    memset(f, 0, sizeof *f);
    f->vfs = v;
    f->wal = wal;
    f->hand = page_hand_new(v->pages);
    if (f->hand == NULL)
        return SQLITE_NOMEM;
    f->base.pMethods = wal ? &wal_methods : &db_methods;
    if (ret_flags != NULL)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *name, int sync)
{
    const struct vfs *v = base->pAppData;
    (void)sync;
    if (strcmp(name, WAL_NAME) == 0 && pages_log_there(v->pages))
        return code_of(pages_log_end(v->pages), SQLITE_IOERR_DELETE);
    return SQLITE_IOERR_DELETE_NOENT;
}

static int vfs_access(sqlite3_vfs *base, const char *name, int flags, int *ret)
{
    const struct vfs *v = base->pAppData;
    (void)flags;
    *ret = strcmp(name, WAL_NAME) == 0 ? pages_log_there(v->pages) : strcmp(name, VFS_FILE) == 0;
    return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *base, const char *name, int n, char *out)
{
    (void)base;
    return snprintf(out, (size_t)n, "%s", name) < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *base, int n, char *out)
{
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    (void)base;
    return usual->xRandomness(usual, n, out);
}

static int vfs_sleep(sqlite3_vfs *base, int microseconds)
{
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    (void)base;
    return usual->xSleep(usual, microseconds);
}

static int vfs_time(sqlite3_vfs *base, double *ret)
{
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    (void)base;
    return usual->xCurrentTime(usual, ret);
}

static int vfs_last_error(sqlite3_vfs *base, int n, char *out)
{
    (void)base;
    if (n > 0)
        out[0] = 0;
    return 0;
}

struct vfs *vfs_new(struct pages *pages, struct error *e)
{
    struct vfs *v = calloc(1, sizeof *v);
    if (v == NULL) {
        (void)err_set(e, ERR_SYSTEM, "store: no memory");
        return NULL;
    }
    v->pages = pages;
    (void)snprintf(v->name, sizeof v->name, "sealed-%u", atomic_fetch_add(&next_number, 1));
    (void)pthread_mutex_init(&v->lock, NULL);
    v->base = (sqlite3_vfs){.iVersion = 1,
                            .szOsFile = sizeof(struct file),
                            .mxPathname = 64,
                            .zName = v->name,
                            .pAppData = v,
                            .xOpen = vfs_open,
                            .xDelete = vfs_delete,
                            .xAccess = vfs_access,
                            .xFullPathname = vfs_full_name,
                            .xRandomness = vfs_random,
                            .xSleep = vfs_sleep,
                            .xCurrentTime = vfs_time,
                            .xGetLastError = vfs_last_error};
    int rc = sqlite3_vfs_register(&v->base, 0);
    if (rc != SQLITE_OK) {
        (void)err_set(e, ERR_SYSTEM, "store: %s", sqlite3_errstr(rc));
        (void)pthread_mutex_destroy(&v->lock);
        free(v);
        return NULL;
    }
    return v;
}

const char *vfs_name(const struct vfs *v)
{
    return v->name;
}

void vfs_free(struct vfs *v)
{
    if (v == NULL)
        return;
    (void)sqlite3_vfs_unregister(&v->base);
    for (size_t i = 0; i < REGIONS; i++)
        free(v->regions[i]);
    (void)pthread_mutex_destroy(&v->lock);
    free(v);
}
