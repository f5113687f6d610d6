#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_release(struct buf *b)
{
    if (b->secret && b->p != NULL)
        explicit_bzero(b->p, b->size);
    free(b->p);
    *b = (struct buf){.max = b->max, .secret = b->secret};
}

void buf_clear(struct buf *b)
{
    if (b->secret && b->p != NULL)
        explicit_bzero(b->p, b->n);
    b->n = 0;
    b->failed = false;
}

bool buf_grow(struct buf *b, size_t more)
{
    if (b->failed)
        return false;
    if (more > b->max || b->n > b->max - more) {
        b->failed = true;
        return false;
    }
    size_t want = b->n + more;
    if (want <= b->size)
        return true;
    size_t size = b->size < 256 ? 256 : b->size;
    while (size < want)
        size += size / 2;
    if (size > b->max)
        size = b->max;
    uint8_t *p = malloc(size);
    if (p == NULL) {
        b->failed = true;
        return false;
    }
    if (b->n > 0)
        memcpy(p, b->p, b->n);
    if (b->secret && b->p != NULL)
        explicit_bzero(b->p, b->size);
    free(b->p);
    b->p = p;
    b->size = size;
    return true;
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
    } else if (buf_reserve(b, (size_t)n + 1)) { /* vsnprintf wants room for its final zero, so the cap holds one byte less here */
        (void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_be16(struct buf *b, uint16_t v)
{
    buf_add(b, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

void buf_be24(struct buf *b, uint32_t v)
{
    buf_add(b, (uint8_t[]){(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}, 3);
}

void buf_be32(struct buf *b, uint32_t v)
{
    buf_add(b, (uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}, 4);
}

void buf_be64(struct buf *b, uint64_t v)
{
    buf_be32(b, (uint32_t)(v >> 32));
    buf_be32(b, (uint32_t)v);
}

void buf_le16(struct buf *b, uint16_t v)
{
    buf_be16(b, __builtin_bswap16(v));
}

void buf_le32(struct buf *b, uint32_t v)
{
    buf_be32(b, __builtin_bswap32(v));
}

void buf_drop_front(struct buf *b, size_t n)
{
    if (n > b->n)
        n = b->n;
    if (b->n > n)
        memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
    if (b->secret && n > 0)
        explicit_bzero(b->p + b->n, n);
}

const char *buf_text(struct buf *b)
{
    if (b->failed)
        return "";
    if (b->n == b->size) {
        if (b->n == b->max || !buf_reserve(b, 1)) {
            b->failed = true;
            return "";
        }
    }
    b->p[b->n] = 0;
    return (const char *)b->p;
}
