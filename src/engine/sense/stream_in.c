#include "engine/sense/stream_in.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define BLOCK 131072u /* read at a time: what was read is used while it is in the processor's cache */
#define WINDOW (STREAM_IN_MOST + BLOCK)
#define PACKED 65536u
#define ZSTD_WINDOW_LOG 24 /* 16 MiB: frames that need more (zstd --ultra, --long) would break the memory promise */

enum packing { PACKED_GZIP, PACKED_ZSTD };

struct unpack {
    enum packing kind;
    bool member_open; /* inside a gzip member or zstd frame */
    bool input_ended;
    size_t at;
    size_t end;
    z_stream z;
    ZSTD_DStream *zstd;
    uint8_t in[PACKED];
};

static ssize_t read_some(struct stream_in *in, uint8_t *into, size_t n)
{
    ssize_t got;
    do
        got = in->read(in->context, into, n);
    while (got < 0 && errno == EINTR);
    return got;
}

int stream_in_init(struct stream_in *in, source_read *read, void *context, struct error *e)
{
    *in = (struct stream_in){.read = read, .context = context};
    in->window = in->room = malloc(WINDOW);
    return in->room != NULL ? 0 : err_set(e, ERR_SYSTEM, "no memory to read a capture");
}

static void unpack_free(struct unpack *u)
{
    if (u == NULL)
        return;
    if (u->kind == PACKED_GZIP)
        (void)inflateEnd(&u->z);
    else
        (void)ZSTD_freeDStream(u->zstd);
    free(u);
}

void stream_in_release(struct stream_in *in)
{
    unpack_free(in->unpack);
    free(in->room);
    *in = (struct stream_in){0};
}

static bool unpack_open(struct unpack *u)
{
    if (u->kind == PACKED_GZIP)
        return inflateInit2(&u->z, 15 + 16) == Z_OK;
    u->zstd = ZSTD_createDStream();
    return u->zstd != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
}

/* Looks at the first bytes, which are in the window, and puts an unpacker between where they are packed. */
static int choose(struct stream_in *in, struct error *e)
{
    struct span s = stream_in_span(in);
    enum packing kind;
    if (span_starts(s, span_of("\x1f\x8b", 2)))
        kind = PACKED_GZIP;
    else if (span_starts(s, span_of("\x28\xb5\x2f\xfd", 4)) ||
             (s.n >= 4 && (s.p[0] & 0xf0) == 0x50 && span_starts(span_of(s.p + 1, 3), span_of("\x2a\x4d\x18", 3))))
        kind = PACKED_ZSTD;
    else
        return 0;
    struct unpack *u = calloc(1, sizeof *u);
    if (u == NULL)
        return err_set(e, ERR_SYSTEM, "no memory to unpack a capture");
    u->kind = kind;
    if (!unpack_open(u)) {
        unpack_free(u);
        return err_set(e, ERR_SYSTEM, "no memory to unpack a capture");
    }
    u->end = s.n < sizeof u->in ? s.n : sizeof u->in; /* the first read was not larger than this: see stream_in_fill */
    memcpy(u->in, s.p, u->end);
    in->at = in->end = 0;
    in->ended = false;
    in->unpack = u;
    return 0;
}

static ssize_t inflate_into(struct stream_in *in, uint8_t *into, size_t n)
{
    struct unpack *u = in->unpack;
    if (!u->member_open) {
        if (u->in[u->at] != 0x1f) { /* padding or rubbish behind the last member: gzip ignores it too */
            u->at = u->end;
            in->ended = true;
            return 0;
        }
        (void)inflateReset(&u->z);
        u->member_open = true;
    }
    u->z.next_in = u->in + u->at;
    u->z.avail_in = (unsigned)(u->end - u->at);
    u->z.next_out = into;
    u->z.avail_out = (unsigned)n;
    int status = inflate(&u->z, Z_NO_FLUSH);
    u->at = u->end - u->z.avail_in;
    if (status == Z_STREAM_END)
        u->member_open = false;
    else if (status != Z_OK && status != Z_BUF_ERROR) {
        in->trouble = "the gzip stream is corrupt";
        in->ended = true;
    }
    return (ssize_t)(n - u->z.avail_out);
}

static ssize_t zstd_into(struct stream_in *in, uint8_t *into, size_t n)
{
    struct unpack *u = in->unpack;
    ZSTD_inBuffer from = {u->in, u->end, u->at};
    ZSTD_outBuffer to = {into, n, 0};
    size_t status = ZSTD_decompressStream(u->zstd, &to, &from);
    u->at = from.pos;
    if (ZSTD_isError(status)) {
        in->trouble = ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge
                          ? "the zstd frame needs a window of more than 16 MiB: pack it again without --long or --ultra"
                          : "the zstd stream is corrupt";
        in->ended = true;
    } else {
        u->member_open = status != 0;
    }
    return (ssize_t)to.pos;
}

/* Bytes for the window from a packed stream: as a read function. */
static ssize_t unpack_some(struct stream_in *in, uint8_t *into, size_t n)
{
    struct unpack *u = in->unpack;
    while (!in->ended) {
        if (u->at == u->end && !u->input_ended) {
            ssize_t got = read_some(in, u->in, sizeof u->in);
            if (got < 0)
                return -1;
            u->input_ended = got == 0;
            u->at = 0;
            u->end = (size_t)got;
        }
        if (u->at == u->end && !u->member_open)
            break;
        bool dry = u->at == u->end;
        ssize_t got = u->kind == PACKED_GZIP ? inflate_into(in, into, n) : zstd_into(in, into, n);
        if (got > 0)
            return got;
        if (dry && !in->ended) {
            in->trouble = "the packed stream is cut";
            break;
        }
    }
    return 0;
}

/* The window goes to where the bytes lie. False: they are to be read from there on, and none are here. */
static bool view(struct stream_in *in, size_t n)
{
    const uint8_t *bytes = NULL;
    ssize_t got = in->view(in->view_context, in->position, n, &bytes);
    in->at = 0;
    in->end = got > 0 ? (size_t)got : 0;
    in->window = got > 0 ? bytes : in->room;
    in->ended = got >= 0 && in->end < n;
    if (got < 0)
        in->view = NULL;
    return got >= 0;
}

int stream_in_fill(struct stream_in *in, size_t n, struct error *e)
{
    if (in->view != NULL && in->started && in->unpack == NULL && (in->ended || view(in, n)))
        return 0;
    if (in->at > 0) {
        memmove(in->room, in->room + in->at, in->end - in->at);
        in->end -= in->at;
        in->at = 0;
    }
    while (in->end < n && !in->ended) {
        size_t room = WINDOW - in->end < BLOCK ? WINDOW - in->end : BLOCK;
        if (!in->started && room > PACKED - in->end)
            room = PACKED - in->end;
        ssize_t got = in->unpack != NULL ? unpack_some(in, in->room + in->end, room) : read_some(in, in->room + in->end, room);
        if (got < 0)
            return err_sys(e, errno, "reading the capture");
        in->ended = in->ended || got == 0;
        in->end += (size_t)got;
        if (!in->started && (in->end >= 4 || in->ended)) {
            in->started = true;
            if (choose(in, e) != 0)
                return -1;
        }
    }
    return 0;
}

int stream_in_skip(struct stream_in *in, uint64_t n, uint64_t *ret, struct error *e)
{
    uint64_t left = n;
    while (left > 0) {
        int there = stream_in_need(in, 1, e);
        if (there < 0)
            return -1;
        if (there == 0)
            break;
        size_t step = stream_in_left(in) < left ? stream_in_left(in) : (size_t)left;
        stream_in_take(in, step);
        left -= step;
    }
    *ret = n - left;
    return 0;
}
