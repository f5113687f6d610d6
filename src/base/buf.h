/* A byte buffer that grows up to a cap given at birth. A write that does not fit, or finds no memory, makes it failed (sticky) and writes nothing;
 * check buf_ok once at the end. Contents are wiped when BUF_SECRET was asked for. */
#ifndef TQ_BASE_BUF_H
#define TQ_BASE_BUF_H

#include "base/span.h"

struct buf {
    uint8_t *p;
    size_t n;    /* bytes written */
    size_t size; /* bytes allocated */
    size_t max;  /* cap */
    bool failed;
    bool secret;
};

#define BUF_INIT(limit) ((struct buf){.max = (limit)})
#define BUF_SECRET(limit) ((struct buf){.max = (limit), .secret = true})

void buf_release(struct buf *b);           /* frees (wipes if secret); the buffer may be used again, with the same cap */
void buf_clear(struct buf *b);             /* empties, keeps memory, forgets failure */
bool buf_grow(struct buf *b, size_t more); /* buf_reserve where there is no room */
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_be16(struct buf *b, uint16_t v);
void buf_be24(struct buf *b, uint32_t v);
void buf_be32(struct buf *b, uint32_t v);
void buf_be64(struct buf *b, uint64_t v);
void buf_le16(struct buf *b, uint16_t v);
void buf_le32(struct buf *b, uint32_t v);
void buf_drop_front(struct buf *b, size_t n); /* forgets the first n bytes (moves the rest down) */
const char *buf_text(struct buf *b);          /* the contents with a final zero that is not counted; "" when failed */

/* Makes room for `more` bytes. */
static inline bool buf_reserve(struct buf *b, size_t more)
{
    return (!b->failed && b->size - b->n >= more) || buf_grow(b, more);
}

static inline void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n == 0 || !buf_reserve(b, n))
        return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static inline void buf_add_span(struct buf *b, struct span s)
{
    buf_add(b, s.p, s.n);
}

static inline void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

static inline void buf_u8(struct buf *b, uint8_t v)
{
    if (buf_reserve(b, 1))
        b->p[b->n++] = v;
}

static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

static inline struct span buf_span(const struct buf *b)
{
    return span_of(b->p, b->n);
}

#endif
