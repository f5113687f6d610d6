#include "engine/sense/app_private.h"

static void take(struct app_context *c, struct buf *b)
{
    if (b->p != NULL || c->spares == 0)
        return;
    *b = c->spare[--c->spares];
    c->held += b->size;
}

bool app_hold(struct app_context *c, struct buf *b, struct span s, bool *over)
{
    b->max = c->options.limits.message;
    *over = s.n > b->max || b->n > b->max - s.n;
    if (*over)
        return false;
    take(c, b);
    b->max = c->options.limits.message;
    size_t want = b->n + s.n;
    size_t most = c->options.limits.messages_total;
    /* buf grows by half: what it may take at most is asked for before it takes it */
    if (want > b->size && (c->held > most || want + want / 2 + 256 > most - c->held))
        return false;
    size_t before = b->size;
    buf_add_span(b, s);
    c->held += b->size - before;
    if (buf_ok(b))
        return true;
    b->failed = false;
    return false;
}

bool app_hold_decoded(struct app_context *c, struct charset_reader *r, struct span text, struct buf *plain)
{
    uint8_t piece[4096];
    bool over;
    while (text.n > 0) {
        if (app_hold(c, plain, span_of(piece, charset_read(r, &text, piece, sizeof piece)), &over))
            continue;
        app_hold_release(c, plain);
        return false;
    }
    return true;
}

void app_hold_release(struct app_context *c, struct buf *b)
{
    c->held -= b->size;
    if (b->p != NULL && c->spares < APP_SPARES && b->size <= APP_SPARE_BYTES) {
        buf_clear(b);
        c->spare[c->spares++] = *b;
        *b = (struct buf){0};
        return;
    }
    buf_release(b);
}

void app_hold_shrink(struct app_context *c, struct buf *b, size_t n)
{
    struct buf small = {0};
    bool over;
    if (n > b->n)
        n = b->n;
    struct buf old = *b;
    (void)app_hold(c, &small, span_of(old.p, n), &over); /* without memory for it nothing is kept */
    app_hold_release(c, &old);
    *b = small;
}
