#include "proc/own_catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int own_catalog_load(int fd, struct buf *out, struct error *e)
{
    for (ssize_t n = 1; n > 0;) {
        if (!buf_reserve(out, 4096))
            return err_set(e, ERR_MISUSE, "the catalog is over %zu bytes", out->max);
        n = pread(fd, out->p + out->n, 4096, (off_t)out->n);
        if (n < 0)
            return err_sys(e, errno, "reading the catalog");
        out->n += (size_t)n;
    }
    return 0;
}

struct span own_catalog_next(struct span *texts)
{
    return span_take(texts, span_be32(texts));
}

int own_catalog_file(const char *path, struct buf *out, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_MISUSE, "%s cannot be opened: %s", path, strerror(errno));
    struct error why = {0};
    int r = own_catalog_load(fd, out, &why);
    (void)close(fd);
    if (r == 0)
        return 0;
    return why.class == ERR_MISUSE ? err_set(e, ERR_MISUSE, "%s:1:1: over %zu bytes; part it into several files", path, out->max)
                                   : err_set(e, ERR_MISUSE, "%s: %s", path, why.text);
}

static int is_text(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 4 && d->d_name[0] != '.' && strcmp(d->d_name + n - 4, ".txt") == 0;
}

static int read_one(const char *path, struct catalog *c, struct buf *texts, struct error *e)
{
    struct buf text = BUF_INIT(CATALOG_FILE_BYTES);
    int r = own_catalog_file(path, &text, e);
    if (r == 0)
        r = catalog_add(c, buf_span(&text), path, true, e);
    if (r == 0 && texts != NULL) {
        buf_be32(texts, (uint32_t)text.n);
        buf_add_span(texts, buf_span(&text));
        if (!buf_ok(texts))
            r = err_set(e, ERR_MISUSE, "%s: the lab's own catalog is over %u bytes", path, OWN_CATALOG_MAX);
    }
    buf_release(&text);
    return r;
}

int own_catalog_read(const char *folder, struct catalog *c, struct buf *texts, struct error *e)
{
    struct dirent **files = NULL;
    int n = scandir(folder, &files, is_text, alphasort);
    int r = n < 0 ? err_set(e, ERR_MISUSE, "catalog: %s cannot be read: %s", folder, strerror(errno)) : 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
        if (r == 0)
            r = read_one(path, c, texts, e);
        free(files[i]);
    }
    free(files);
    return r;
}
