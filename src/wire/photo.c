#include "wire/photo.h"

#define SOI 0xd8
#define EOI 0xd9
#define SOS 0xda
#define ADOBE 12 /* bytes of Adobe's segment, which says how colours are stored */

enum photo_kind photo_kind(struct span start)
{
    static const char *const brands[] = {"heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1", "avif"};
    if (span_starts(start, SPAN_LIT("\xff\xd8\xff")))
        return PHOTO_JPEG;
    if (span_starts(start, SPAN_LIT("\x89PNG\r\n\x1a\n")))
        return PHOTO_PNG;
    if (start.n < 12 || memcmp(start.p + 4, "ftyp", 4) != 0)
        return PHOTO_NONE;
    for (size_t i = 0; i < sizeof brands / sizeof brands[0]; i++)
        if (memcmp(start.p + 8, brands[i], 4) == 0)
            return PHOTO_HEIC;
    return PHOTO_NONE;
}

/* A file being walked through. */
struct walk {
    struct span all;
    struct span rest;
    struct buf *out;
    struct photo *photo;
    struct error *e;
};

static int wrong(const struct walk *w, const char *what)
{
    return err_set(w->e, ERR_MISUSE, "the picture cannot be used: %s (byte %zu)", what, (size_t)(w->all.n - w->rest.n));
}

static int take_size(struct walk *w, uint32_t width, uint32_t height)
{
    if (width == 0 || height == 0)
        return wrong(w, "it has no size");
    if ((uint64_t)width * height > PHOTO_PIXELS)
        return wrong(w, "it has more than 50 million pixels; make it smaller");
    w->photo->width = width;
    w->photo->height = height;
    return 0;
}

/* ── JPEG ── */

/* SOF0, SOF1, SOF2: what every browser shows. */
static bool is_frame(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xc2;
}

static bool is_other_frame(uint8_t marker)
{
    return marker >= 0xc3 && marker <= 0xcf && marker != 0xc4;
}

/* Does this segment draw the picture? Tables, the frame, restart intervals, scans; of the application's own ones Adobe's. */
static bool draws(uint8_t marker, struct span body)
{
    if (marker == 0xee)
        return body.n == ADOBE && span_starts(body, SPAN_LIT("Adobe"));
    return marker == 0xdb || marker == 0xc4 || marker == 0xdd || marker == SOS || is_frame(marker);
}

static void put_segment(struct walk *w, uint8_t marker, struct span body)
{
    buf_u8(w->out, 0xff);
    buf_u8(w->out, marker);
    buf_be16(w->out, (uint16_t)(body.n + 2));
    buf_add_span(w->out, body);
}

/* The bytes of a scan: up to the next marker that is neither a stuffed FF nor a restart. */
static void copy_scan(struct walk *w)
{
    struct span scan = w->rest;
    size_t n = 0;
    while (n < scan.n) {
        struct span from = span_of(scan.p + n, scan.n - n);
        n += span_find(&from, 0xff);
        uint8_t next = span_peek(&scan, n + 1);
        if (n + 1 >= scan.n || (next != 0 && (next < 0xd0 || next > 0xd7)))
            break;
        n += 2;
    }
    buf_add_span(w->out, span_take(&w->rest, n < scan.n ? n : scan.n));
}

static int jpeg_frame(struct walk *w, struct span body)
{
    if (w->photo->width != 0)
        return wrong(w, "it has two frames");
    (void)span_u8(&body);
    uint16_t height = span_be16(&body);
    uint16_t width = span_be16(&body);
    return body.bad ? wrong(w, "its frame is cut") : take_size(w, width, height);
}

/* Steps to the next marker; -1: there is none. */
static int next_marker(struct walk *w)
{
    if (span_u8(&w->rest) != 0xff)
        return -1;
    uint8_t marker = 0xff;
    while (marker == 0xff && w->rest.n > 0)
        marker = span_u8(&w->rest);
    return w->rest.bad || marker == 0xff || marker == 0 ? -1 : marker;
}

static int strip_jpeg(struct walk *w)
{
    bool scanned = false;
    (void)span_skip(&w->rest, 2);
    buf_u8(w->out, 0xff);
    buf_u8(w->out, SOI);
    for (;;) {
        int marker = next_marker(w);
        if (marker == EOI && scanned) {
            buf_u8(w->out, 0xff);
            buf_u8(w->out, EOI);
            return 0;
        }
        if (marker == EOI)
            return wrong(w, "there is no picture in it");
        if (marker < 0xc0 || (marker >= 0xd0 && marker <= EOI))
            return wrong(w, w->rest.n == 0 ? "it ends too early" : "it is damaged");
        if (is_other_frame((uint8_t)marker))
            return wrong(w, "this kind of JPEG is not shown by browsers");
        uint16_t length = span_be16(&w->rest);
        struct span body = span_take(&w->rest, length < 2 ? UINT32_MAX : length - 2u);
        if (body.bad)
            return wrong(w, "a part of it is cut");
        if (is_frame((uint8_t)marker) && jpeg_frame(w, body) != 0)
            return -1;
        if (marker == SOS && w->photo->width == 0)
            return wrong(w, "it has no frame");
        if (draws((uint8_t)marker, body))
            put_segment(w, (uint8_t)marker, body);
        if (marker == SOS) {
            scanned = true;
            copy_scan(w);
        }
    }
}

/* ── PNG ── */

static bool chunk_draws(struct span type)
{
    return span_is(type, "IHDR") || span_is(type, "PLTE") || span_is(type, "IDAT") || span_is(type, "IEND") || span_is(type, "tRNS") ||
           span_is(type, "gAMA") || span_is(type, "sRGB");
}

static int png_header(struct walk *w, struct span body)
{
    uint32_t width = span_be32(&body);
    uint32_t height = span_be32(&body);
    if (body.bad || body.n != 5 || w->photo->width != 0)
        return wrong(w, "its header is damaged");
    return take_size(w, width, height);
}

static int strip_png(struct walk *w)
{
    bool drawn = false;
    buf_add_span(w->out, span_take(&w->rest, 8));
    while (w->rest.n > 0) {
        struct span whole = w->rest;
        uint32_t length = span_be32(&w->rest);
        struct span type = span_take(&w->rest, 4);
        struct span body = span_take(&w->rest, length);
        (void)span_skip(&w->rest, 4);
        if (w->rest.bad)
            return wrong(w, "a part of it is cut");
        bool header = span_is(type, "IHDR");
        if (header != (w->photo->width == 0))
            return wrong(w, "its header is not where it belongs");
        if (header && png_header(w, body) != 0)
            return -1;
        drawn = drawn || span_is(type, "IDAT");
        if (chunk_draws(type))
            buf_add_span(w->out, span_take(&whole, 12 + (size_t)length));
        if (span_is(type, "IEND"))
            return drawn ? 0 : wrong(w, "there is no picture in it");
    }
    return wrong(w, "it ends too early");
}

int photo_strip(struct span file, struct buf *out, struct photo *ret, struct error *e)
{
    size_t before = out->n;
    *ret = (struct photo){.kind = photo_kind(file)};
    struct walk w = {.all = file, .rest = file, .out = out, .photo = ret, .e = e};
    if (ret->kind == PHOTO_HEIC)
        return err_set(e, ERR_MISUSE, "a HEIC picture cannot be rid of what it says about place and person; send it as JPEG or PNG");
    if (ret->kind == PHOTO_NONE)
        return err_set(e, ERR_MISUSE, "this is no JPEG or PNG picture");
    if ((ret->kind == PHOTO_JPEG ? strip_jpeg(&w) : strip_png(&w)) != 0)
        return -1;
    if (!buf_ok(out))
        return err_set(e, ERR_LIMIT, "the picture is too large");
    ret->left_out = (uint32_t)(file.n - (out->n - before));
    return 0;
}
