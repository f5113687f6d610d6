/* pdf: pages of text and filled squares as a PDF 1.4 file (ISO 32000-1): enough for a certificate or a list, and nothing that a reader would have to
 * trust: no script, no link, no embedded file, no font. Letters beyond those of Latin writing with its accents cannot be written by the fonts that
 * every reader has; each becomes a "?" and pdf_lost says so. */
#ifndef TQ_DOOR_API_PDF_H
#define TQ_DOOR_API_PDF_H

#include "base/buf.h"

enum pdf_font { PDF_PLAIN, PDF_BOLD, PDF_MONO };

struct pdf {
    struct buf page; /* the drawing of all pages, one behind the other */
    size_t pages;    /* that are full … */
    size_t *ends;    /* … and where in `page` each ends */
    int width, height;
    bool lost;
};

/* Points of 1/72 inch; 0, 0 is the lower left corner. */
void pdf_begin(struct pdf *p, int width, int height);
void pdf_text(struct pdf *p, enum pdf_font font, int size, int x, int y, struct span text); /* UTF-8 */
void pdf_centre(struct pdf *p, enum pdf_font font, int size, int y, struct span text);
void pdf_square(struct pdf *p, double x, double y, double width, double height);
void pdf_grey(struct pdf *p, int percent); /* of what is drawn from now on: 0 black */
#define PDF_PAGES 500
bool pdf_next(struct pdf *p); /* what is drawn from now on stands on a further page; false: there are PDF_PAGES already, or no memory */
bool pdf_lost(const struct pdf *p);
/* Appends the file and frees the pages. title: ASCII. -1: no memory. */
int pdf_end(struct pdf *p, const char *title, struct buf *out);

/* How wide a text is, in thousandths of its size. */
int pdf_width(enum pdf_font font, struct span text);

#endif
