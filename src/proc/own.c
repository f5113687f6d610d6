#include "proc/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COURSES_FOLLOW UINT32_MAX /* in the place of a file's length */

int own_load(int fd, struct buf *out, struct error *e)
{
    for (ssize_t n = 1; n > 0;) {
        if (!buf_reserve(out, 4096))
            return err_set(e, ERR_MISUSE, "it is over %zu bytes", out->max);
        n = pread(fd, out->p + out->n, 4096, (off_t)out->n);
        if (n < 0)
            return err_sys(e, errno, "reading");
        out->n += (size_t)n;
    }
    return 0;
}

bool own_next(struct span *texts, struct span *ret)
{
    if (texts->n == 0)
        return false;
    uint32_t n = span_be32(texts);
    if (n == COURSES_FOLLOW)
        return false;
    *ret = span_take(texts, n);
    return true;
}

void own_courses_follow(struct buf *texts)
{
    buf_be32(texts, COURSES_FOLLOW);
}

int own_file(const char *path, struct buf *out, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_MISUSE, "%s cannot be opened: %s", path, strerror(errno));
    struct error why = {0};
    int r = own_load(fd, out, &why);
    (void)close(fd);
    if (r == 0)
        return 0;
    return why.class == ERR_MISUSE ? err_set(e, ERR_MISUSE, "%s:1:1: over %zu bytes; part it into several files", path, out->max)
                                   : err_set(e, ERR_MISUSE, "%s: %s", path, why.text);
}

/* ── passwords that leaked ── */

int own_breached_read(const char *path, struct buf *texts, struct error *e)
{
    struct buf file = BUF_INIT(BREACHED_FILE_MAX);
    struct buf marks = BUF_INIT(BREACHED_MOST * BREACHED_MARK);
    int r = path[0] != 0 ? own_file(path, &file, e) : 0;
    if (r == 0)
        r = breached_read(buf_span(&file), &marks, e);
    buf_be32(texts, (uint32_t)marks.n);
    buf_add_span(texts, buf_span(&marks));
    buf_release(&file);
    buf_release(&marks);
    return r;
}

struct span own_breached(struct span *texts)
{
    return texts->n == 0 ? (struct span){0} : span_take(texts, span_be32(texts));
}

/* ── a folder's files, one after the other ── */

struct files {
    const char *folder;
    const char *ending;
    uint32_t most; /* bytes of one */
    int (*take)(void *context, const char *path, const char *name, struct span text, struct error *e);
    void *context;
};

static bool ends(const char *name, const char *ending)
{
    size_t n = strlen(name);
    size_t k = strlen(ending);
    return n > k && name[0] != '.' && strcmp(name + n - k, ending) == 0;
}

static int take_file(const struct files *f, const char *name, struct error *e)
{
    char path[4096];
    struct buf text = BUF_INIT(f->most);
    (void)snprintf(path, sizeof path, "%s/%s", f->folder, name);
    int r = own_file(path, &text, e);
    if (r == 0)
        r = f->take(f->context, path, name, buf_span(&text), e);
    buf_release(&text);
    return r;
}

static int take_files(const struct files *f, const char *key, struct error *e)
{
    struct dirent **found = NULL;
    int n = scandir(f->folder, &found, NULL, alphasort);
    int r = n < 0 ? err_set(e, ERR_MISUSE, "%s: %s cannot be read: %s", key, f->folder, strerror(errno)) : 0;
    for (int i = 0; i < n; i++) {
        if (r == 0 && ends(found[i]->d_name, f->ending))
            r = take_file(f, found[i]->d_name, e);
        free(found[i]);
    }
    free(found);
    return r;
}

/* ── the catalog ── */

struct catalog_taker {
    struct catalog *c;
    struct buf *texts;
};

static int take_entries(void *context, const char *path, const char *name, struct span text, struct error *e)
{
    struct catalog_taker *t = context;
    (void)name;
    if (catalog_add(t->c, text, path, true, e) != 0)
        return -1;
    if (t->texts == NULL)
        return 0;
    buf_be32(t->texts, text.n);
    buf_add_span(t->texts, text);
    return buf_ok(t->texts) ? 0 : err_set(e, ERR_MISUSE, "%s: the lab's own catalog is over %u bytes", path, OWN_CATALOG_MAX);
}

int own_catalog_read(const char *folder, struct catalog *c, struct buf *texts, struct error *e)
{
    struct catalog_taker t = {.c = c, .texts = texts};
    struct files f = {.folder = folder, .ending = ".txt", .most = CATALOG_FILE_BYTES, .take = take_entries, .context = &t};
    return take_files(&f, "catalog", e);
}

/* ── courses ── */

struct course_taker {
    struct courses *s;
    struct buf *packed;
};

static int pack(const struct course_taker *t, char kind, const char *path, const char *name, struct span text, struct error *e)
{
    if (t->packed == NULL)
        return 0;
    courses_pack(t->packed, kind, span_str(name), text);
    return buf_ok(t->packed) ? 0 : err_set(e, ERR_MISUSE, "%s: the lab's own courses are over %u bytes", path, OWN_COURSES_MAX);
}

static int take_picture(void *context, const char *path, const char *name, struct span text, struct error *e)
{
    struct course_taker *t = context;
    return courses_add_picture(t->s, span_str(name), text, e) != 0 ? -1 : pack(t, 'p', path, name, text, e);
}

static int take_course(void *context, const char *path, const char *name, struct span text, struct error *e)
{
    struct course_taker *t = context;
    if (strcmp(name, "README.md") == 0)
        return 0;
    return courses_add(t->s, text, path, e) != 0 ? -1 : pack(t, 'c', path, name, text, e);
}

int own_pictures_read(const char *folder, struct courses *s, struct buf *packed, struct error *e)
{
    char pictures[4096];
    struct course_taker t = {.s = s, .packed = packed};
    struct files f = {.folder = pictures, .ending = ".svg", .most = COURSE_PICTURE_BYTES, .take = take_picture, .context = &t};
    (void)snprintf(pictures, sizeof pictures, "%s/pictures", folder);
    return access(pictures, F_OK) != 0 ? 0 : take_files(&f, "courses", e);
}

int own_courses_read(const char *folder, struct courses *s, struct buf *packed, struct error *e)
{
    struct course_taker t = {.s = s, .packed = packed};
    struct files f = {.folder = folder, .ending = ".md", .most = COURSE_FILE_BYTES, .take = take_course, .context = &t};
    return own_pictures_read(folder, s, packed, e) != 0 ? -1 : take_files(&f, "courses", e);
}

static int take_policy(void *context, const char *path, const char *name, struct span text, struct error *e)
{
    struct course_taker *t = context;
    if (strcmp(name, "README.md") == 0)
        return 0;
    return courses_add_policy(t->s, text, path, e) != 0 ? -1 : pack(t, 'g', path, name, text, e);
}

int own_policies_read(const char *folder, struct courses *s, struct buf *packed, struct error *e)
{
    struct course_taker t = {.s = s, .packed = packed};
    struct files f = {.folder = folder, .ending = ".md", .most = COURSE_FILE_BYTES, .take = take_policy, .context = &t};
    return take_files(&f, "policies", e);
}
