/* photo: a picture that somebody took, as a file: what it is by its content, and the same picture without what else is in the file (where and when it
 * was taken, with what, thumbnails, remarks, whatever is hung on behind its end). Nothing is decoded: segments and chunks that draw the picture are
 * kept as they are, all others left out.
 *
 * JPEG: ITU-T T.81, annex B (baseline, extended and progressive, Huffman). PNG: W3C PNG (third edition), section 5. HEIC (ISO/IEC 23008-12) is only
 * recognised: what it says of itself is woven into its boxes, and cannot be left out by a walk. */
#ifndef TQ_WIRE_PHOTO_H
#define TQ_WIRE_PHOTO_H

#include "base/buf.h"
#include "base/error.h"

#define PHOTO_PIXELS 50000000 /* most of one picture: what shows it needs four bytes for each */

enum photo_kind { PHOTO_NONE, PHOTO_JPEG, PHOTO_PNG, PHOTO_HEIC };

struct photo {
    enum photo_kind kind;
    uint32_t width, height; /* pixels */
    uint32_t left_out;      /* bytes that were not kept */
};

/* What the first bytes say it is; 32 are enough. */
enum photo_kind photo_kind(struct span start);

/* Appends the picture alone. ERR_MISUSE: no JPEG or PNG, of a kind that browsers do not show, too many pixels, or damaged; what and at which byte.
 * The output is never longer than the input. */
int photo_strip(struct span file, struct buf *out, struct photo *ret, struct error *e);

#endif
