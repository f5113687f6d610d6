/* What can be seen of a spool without any key: parts, and the heads of their frames, by their lengths. Nothing here is proved. */
#include "record/spool/spool_private.h"

#define WINDOW 65536

/* Bytes of the file, read ahead. */
struct window {
    int fd;
    uint64_t at;
    size_t n;
    uint8_t bytes[WINDOW];
};

static int window_head(struct window *w, uint64_t at, struct span *ret, struct error *e)
{
    if (at < w->at || at + HEAD_CLEAR > w->at + w->n) {
        w->at = at;
        if (spool_read_at(w->fd, w->bytes, sizeof w->bytes, at, &w->n, e) != 0)
            return -1;
    }
    size_t skip = (size_t)(at - w->at);
    *ret = span_of(w->bytes + skip, w->n - skip < HEAD_CLEAR ? 0 : HEAD_CLEAR);
    return 0;
}

/* The frames of the part before `end`. */
static int look_at_part(struct window *w, uint64_t at, uint64_t end, struct spool_look *look, struct error *e)
{
    for (;;) {
        struct span head;
        if (window_head(w, at, &head, e) != 0)
            return -1;
        uint32_t n = span_be32(&head);
        if (head.bad || n == 0 || n > SPOOL_RECORD_MAX || end - at < HEAD + n + AES_GCM_TAG)
            return 0;
        at += HEAD + n + AES_GCM_TAG;
        look->records++;
    }
}

struct parts {
    struct window *window;
    struct spool_look *look;
    void (*each)(void *context, const struct spool_part *part);
    void *context;
};

static int each_part(int fd, uint64_t from, uint64_t size, const struct parts *p, struct error *e)
{
    struct spool_header next;
    int r = spool_find_header(fd, from, size, &next, e);
    while (r == 1) {
        struct spool_part part = next.part;
        r = spool_find_header(fd, part.offset + HEADER, size, &next, e);
        if (r < 0)
            break;
        if (p->each != NULL)
            p->each(p->context, &part);
        if (p->look == NULL)
            continue;
        if (p->look->parts++ == 0)
            p->look->since = part.begun;
        if (look_at_part(p->window, part.offset + HEADER, r == 1 ? next.part.offset : size, p->look, e) != 0)
            return -1;
    }
    return r;
}

int spool_look(int fd, struct spool_look *ret, struct error *e)
{
    static _Thread_local struct window window;
    uint64_t size = 0;
    if (spool_size(fd, &size, e) != 0)
        return -1;
    *ret = (struct spool_look){.bytes = size};
    window.fd = fd;
    window.n = 0;
    return each_part(fd, 0, size, &(struct parts){.window = &window, .look = ret}, e);
}

int spool_parts_between(int fd, uint64_t from, uint64_t to, void (*each)(void *context, const struct spool_part *part), void *context,
                        struct error *e)
{
    return each_part(fd, from, to, &(struct parts){.each = each, .context = context}, e);
}

int spool_parts(int fd, void (*each)(void *context, const struct spool_part *part), void *context, struct error *e)
{
    uint64_t size = 0;
    return spool_size(fd, &size, e) != 0 ? -1 : each_part(fd, 0, size, &(struct parts){.each = each, .context = context}, e);
}
