/* stream_in: bytes of a file, unpacked, through one window.
 *
 *   read function ──► plain ─────────────► window
 *                └──► gzip or zstd ──────► window
 *   view function ──► plain ─────────────► the window is where they lie
 *
 * The window is the only memory that holds capture bytes: the caller sees it as one run of bytes, takes from its front and asks for more. */
#ifndef TQ_SENSE_STREAM_IN_H
#define TQ_SENSE_STREAM_IN_H

#include "engine/sense/source.h"

struct stream_in {
    const uint8_t *window;
    uint8_t *room;     /* where the window is, but for what is read in place */
    size_t at;         /* first byte not yet taken */
    size_t end;        /* end of what is there */
    uint64_t position; /* place of `at` in the unpacked stream */
    bool ended;        /* no more bytes will come */
    source_read *read;
    void *context;
    source_view *view; /* NULL: bytes are read */
    void *view_context;
    struct unpack *unpack; /* NULL: plain */
    const char *trouble;   /* why the packed stream ended early; NULL: it did not */
    bool started;
};

#define STREAM_IN_MOST 524288u /* most bytes that stream_in_need may ask for */

int stream_in_init(struct stream_in *in, source_read *read, void *context, struct error *e);
void stream_in_release(struct stream_in *in);

/* Fills the window until n (≤ STREAM_IN_MOST) bytes are there, or the stream ends. -1: reading failed (ERR_SYSTEM). Returns 0; check stream_in_left.
 */
int stream_in_fill(struct stream_in *in, size_t n, struct error *e);

static inline size_t stream_in_left(const struct stream_in *in)
{
    return in->end - in->at;
}

static inline struct span stream_in_span(const struct stream_in *in)
{
    return span_of(in->window + in->at, in->end - in->at);
}

/* Makes sure that n bytes are there: 1 yes, 0 the stream ends before, -1 reading failed. */
static inline int stream_in_need(struct stream_in *in, size_t n, struct error *e)
{
    if (in->end - in->at >= n)
        return 1;
    if (stream_in_fill(in, n, e) != 0)
        return -1;
    return in->end - in->at >= n;
}

/* Steps over n bytes that are there. */
static inline void stream_in_take(struct stream_in *in, size_t n)
{
    in->at += n;
    in->position += n;
}

/* Steps over n bytes, reading as needed: how many could be skipped, in *ret. -1: reading failed. */
int stream_in_skip(struct stream_in *in, uint64_t n, uint64_t *ret, struct error *e);

#endif
