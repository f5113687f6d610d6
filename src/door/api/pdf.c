#include "door/api/pdf.h"

#include <stdlib.h>

#include <stdio.h>

/* Advance widths of the standard fonts (Adobe's metrics of Helvetica and Helvetica-Bold) from space to tilde, in thousandths. */
static const uint16_t plain[95] = {278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
                                   556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
                                   611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
                                   667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
                                   222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584};
static const uint16_t bold[95] = {278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
                                  556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
                                  611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
                                  667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
                                  278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584};

#define EXTRA 128 /* the first code of letters that are not ASCII */

/* Letters of Latin-1 and Latin Extended-A with the names that PDF knows them by, and the letter that is as wide. */
static const struct {
    uint16_t code;
    const char *name;
    char like;
} letters[] = {
    {0x00a1, "exclamdown", '!'},
    {0x00aa, "ordfeminine", 'a'},
    {0x00b7, "periodcentered", '.'},
    {0x00ba, "ordmasculine", 'o'},
    {0x00bf, "questiondown", '?'},
    {0x00c0, "Agrave", 'A'},
    {0x00c1, "Aacute", 'A'},
    {0x00c2, "Acircumflex", 'A'},
    {0x00c3, "Atilde", 'A'},
    {0x00c4, "Adieresis", 'A'},
    {0x00c5, "Aring", 'A'},
    {0x00c6, "AE", 'W'},
    {0x00c7, "Ccedilla", 'C'},
    {0x00c8, "Egrave", 'E'},
    {0x00c9, "Eacute", 'E'},
    {0x00ca, "Ecircumflex", 'E'},
    {0x00cb, "Edieresis", 'E'},
    {0x00cc, "Igrave", 'I'},
    {0x00cd, "Iacute", 'I'},
    {0x00ce, "Icircumflex", 'I'},
    {0x00cf, "Idieresis", 'I'},
    {0x00d0, "Eth", 'D'},
    {0x00d1, "Ntilde", 'N'},
    {0x00d2, "Ograve", 'O'},
    {0x00d3, "Oacute", 'O'},
    {0x00d4, "Ocircumflex", 'O'},
    {0x00d5, "Otilde", 'O'},
    {0x00d6, "Odieresis", 'O'},
    {0x00d8, "Oslash", 'O'},
    {0x00d9, "Ugrave", 'U'},
    {0x00da, "Uacute", 'U'},
    {0x00db, "Ucircumflex", 'U'},
    {0x00dc, "Udieresis", 'U'},
    {0x00dd, "Yacute", 'Y'},
    {0x00de, "Thorn", 'P'},
    {0x00df, "germandbls", 'b'},
    {0x00e0, "agrave", 'a'},
    {0x00e1, "aacute", 'a'},
    {0x00e2, "acircumflex", 'a'},
    {0x00e3, "atilde", 'a'},
    {0x00e4, "adieresis", 'a'},
    {0x00e5, "aring", 'a'},
    {0x00e6, "ae", 'm'},
    {0x00e7, "ccedilla", 'c'},
    {0x00e8, "egrave", 'e'},
    {0x00e9, "eacute", 'e'},
    {0x00ea, "ecircumflex", 'e'},
    {0x00eb, "edieresis", 'e'},
    {0x00ec, "igrave", 'i'},
    {0x00ed, "iacute", 'i'},
    {0x00ee, "icircumflex", 'i'},
    {0x00ef, "idieresis", 'i'},
    {0x00f0, "eth", 'o'},
    {0x00f1, "ntilde", 'n'},
    {0x00f2, "ograve", 'o'},
    {0x00f3, "oacute", 'o'},
    {0x00f4, "ocircumflex", 'o'},
    {0x00f5, "otilde", 'o'},
    {0x00f6, "odieresis", 'o'},
    {0x00f8, "oslash", 'o'},
    {0x00f9, "ugrave", 'u'},
    {0x00fa, "uacute", 'u'},
    {0x00fb, "ucircumflex", 'u'},
    {0x00fc, "udieresis", 'u'},
    {0x00fd, "yacute", 'y'},
    {0x00fe, "thorn", 'p'},
    {0x00ff, "ydieresis", 'y'},
    {0x0100, "Amacron", 'A'},
    {0x0101, "amacron", 'a'},
    {0x0102, "Abreve", 'A'},
    {0x0103, "abreve", 'a'},
    {0x0104, "Aogonek", 'A'},
    {0x0105, "aogonek", 'a'},
    {0x0106, "Cacute", 'C'},
    {0x0107, "cacute", 'c'},
    {0x0108, "Ccircumflex", 'C'},
    {0x0109, "ccircumflex", 'c'},
    {0x010a, "Cdotaccent", 'C'},
    {0x010b, "cdotaccent", 'c'},
    {0x010c, "Ccaron", 'C'},
    {0x010d, "ccaron", 'c'},
    {0x010e, "Dcaron", 'D'},
    {0x010f, "dcaron", 'd'},
    {0x0110, "Dcroat", 'D'},
    {0x0111, "dcroat", 'd'},
    {0x0112, "Emacron", 'E'},
    {0x0113, "emacron", 'e'},
    {0x0114, "Ebreve", 'E'},
    {0x0115, "ebreve", 'e'},
    {0x0116, "Edotaccent", 'E'},
    {0x0117, "edotaccent", 'e'},
    {0x0118, "Eogonek", 'E'},
    {0x0119, "eogonek", 'e'},
    {0x011a, "Ecaron", 'E'},
    {0x011b, "ecaron", 'e'},
    {0x011c, "Gcircumflex", 'G'},
    {0x011d, "gcircumflex", 'g'},
    {0x011e, "Gbreve", 'G'},
    {0x011f, "gbreve", 'g'},
    {0x0120, "Gdotaccent", 'G'},
    {0x0121, "gdotaccent", 'g'},
    {0x0122, "Gcommaaccent", 'G'},
    {0x0123, "gcommaaccent", 'g'},
    {0x0124, "Hcircumflex", 'H'},
    {0x0125, "hcircumflex", 'h'},
    {0x0128, "Itilde", 'I'},
    {0x0129, "itilde", 'i'},
    {0x012a, "Imacron", 'I'},
    {0x012b, "imacron", 'i'},
    {0x012c, "Ibreve", 'I'},
    {0x012d, "ibreve", 'i'},
    {0x012e, "Iogonek", 'I'},
    {0x012f, "iogonek", 'i'},
    {0x0130, "Idotaccent", 'I'},
    {0x0131, "dotlessi", 'i'},
    {0x0134, "Jcircumflex", 'J'},
    {0x0135, "jcircumflex", 'j'},
    {0x0136, "Kcommaaccent", 'K'},
    {0x0137, "kcommaaccent", 'k'},
    {0x0139, "Lacute", 'L'},
    {0x013a, "lacute", 'l'},
    {0x013b, "Lcommaaccent", 'L'},
    {0x013c, "lcommaaccent", 'l'},
    {0x013d, "Lcaron", 'L'},
    {0x013e, "lcaron", 'l'},
    {0x0141, "Lslash", 'L'},
    {0x0142, "lslash", 'l'},
    {0x0143, "Nacute", 'N'},
    {0x0144, "nacute", 'n'},
    {0x0145, "Ncommaaccent", 'N'},
    {0x0146, "ncommaaccent", 'n'},
    {0x0147, "Ncaron", 'N'},
    {0x0148, "ncaron", 'n'},
    {0x014c, "Omacron", 'O'},
    {0x014d, "omacron", 'o'},
    {0x014e, "Obreve", 'O'},
    {0x014f, "obreve", 'o'},
    {0x0150, "Ohungarumlaut", 'O'},
    {0x0151, "ohungarumlaut", 'o'},
    {0x0152, "OE", 'W'},
    {0x0153, "oe", 'm'},
    {0x0154, "Racute", 'R'},
    {0x0155, "racute", 'r'},
    {0x0156, "Rcommaaccent", 'R'},
    {0x0157, "rcommaaccent", 'r'},
    {0x0158, "Rcaron", 'R'},
    {0x0159, "rcaron", 'r'},
    {0x015a, "Sacute", 'S'},
    {0x015b, "sacute", 's'},
    {0x015c, "Scircumflex", 'S'},
    {0x015d, "scircumflex", 's'},
    {0x015e, "Scedilla", 'S'},
    {0x015f, "scedilla", 's'},
    {0x0160, "Scaron", 'S'},
    {0x0161, "scaron", 's'},
    {0x0162, "Tcedilla", 'T'},
    {0x0163, "tcedilla", 't'},
    {0x0164, "Tcaron", 'T'},
    {0x0165, "tcaron", 't'},
    {0x0168, "Utilde", 'U'},
    {0x0169, "utilde", 'u'},
    {0x016a, "Umacron", 'U'},
    {0x016b, "umacron", 'u'},
    {0x016c, "Ubreve", 'U'},
    {0x016d, "ubreve", 'u'},
    {0x016e, "Uring", 'U'},
    {0x016f, "uring", 'u'},
    {0x0170, "Uhungarumlaut", 'U'},
    {0x0171, "uhungarumlaut", 'u'},
    {0x0172, "Uogonek", 'U'},
    {0x0173, "uogonek", 'u'},
    {0x0174, "Wcircumflex", 'W'},
    {0x0175, "wcircumflex", 'w'},
    {0x0176, "Ycircumflex", 'Y'},
    {0x0177, "ycircumflex", 'y'},
    {0x0178, "Ydieresis", 'Y'},
    {0x0179, "Zacute", 'Z'},
    {0x017a, "zacute", 'z'},
    {0x017b, "Zdotaccent", 'Z'},
    {0x017c, "zdotaccent", 'z'},
    {0x017d, "Zcaron", 'Z'},
    {0x017e, "zcaron", 'z'},
    {0x2013, "endash", 'n'},
    {0x2014, "emdash", 'W'},
    {0x2019, "quoteright", '\''},
    {0x201c, "quotedblleft", 'r'},
    {0x201d, "quotedblright", 'r'},
};
#define LETTERS (sizeof letters / sizeof letters[0])

/* All of them have a code of their own where there are no more than 128. */
static int code_of(uint32_t c)
{
    for (size_t i = 0; i < LETTERS; i++)
        if (letters[i].code == c)
            return (int)i;
    return -1;
}

/* The next character of UTF-8; what is none gives U+FFFD. */
static uint32_t next(struct span *s)
{
    uint8_t c = span_u8(s);
    int more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : -1;
    uint32_t v = more <= 0 ? c : c & (0x3fu >> more);
    if (more < 0)
        return 0xfffd;
    while (more-- > 0) {
        if ((span_peek(s, 0) & 0xc0) != 0x80)
            return 0xfffd;
        v = v << 6 | (span_u8(s) & 0x3f);
    }
    return v;
}

static int width_of(enum pdf_font font, char c)
{
    if (font == PDF_MONO)
        return 600;
    return c < ' ' || c > '~' ? 556 : (font == PDF_BOLD ? bold : plain)[c - ' '];
}

int pdf_width(enum pdf_font font, struct span text)
{
    int sum = 0;
    while (text.n > 0) {
        uint32_t c = next(&text);
        int at = c < 0x7f ? -1 : code_of(c);
        sum += width_of(font, c < 0x7f ? (char)c : at >= 0 ? letters[at].like : '?');
    }
    return sum;
}

void pdf_begin(struct pdf *p, int width, int height)
{
    *p = (struct pdf){.page = BUF_INIT(4u << 20), .width = width, .height = height};
}

/* Letters beyond ASCII stand in two fonts of 128 each, F and F with 3 more: the lower half of the table, and the upper. */
void pdf_text(struct pdf *p, enum pdf_font font, int size, int x, int y, struct span text)
{
    buf_addf(&p->page, "BT 1 0 0 1 %d %d Tm ", x, y);
    int now = -1;
    while (text.n > 0) {
        uint32_t c = next(&text);
        int at = c < 0x7f ? -1 : code_of(c);
        p->lost = p->lost || (c >= 0x7f && at < 0);
        int set = at < EXTRA ? 0 : 1;
        uint8_t code = at < 0 ? (c >= ' ' && c < 0x7f ? (uint8_t)c : '?') : (uint8_t)(EXTRA + at % EXTRA);
        if (set != now)
            buf_addf(&p->page, "%s/F%d %d Tf <", now < 0 ? "" : "> Tj ", (int)font + 3 * set, size);
        now = set;
        buf_addf(&p->page, "%02x", code);
    }
    buf_add_str(&p->page, now < 0 ? "ET\n" : "> Tj ET\n");
}

void pdf_centre(struct pdf *p, enum pdf_font font, int size, int y, struct span text)
{
    pdf_text(p, font, size, p->width / 2 - pdf_width(font, text) * size / 2000, y, text);
}

void pdf_square(struct pdf *p, double x, double y, double width, double height)
{
    buf_addf(&p->page, "%.2f %.2f %.2f %.2f re f\n", x, y, width, height);
}

void pdf_grey(struct pdf *p, int percent)
{
    buf_addf(&p->page, "%.2f g\n", percent / 100.0);
}

bool pdf_next(struct pdf *p)
{
    if (p->ends == NULL)
        p->ends = calloc(PDF_PAGES, sizeof *p->ends);
    if (p->ends == NULL || p->pages + 1 >= PDF_PAGES)
        return false;
    p->ends[p->pages++] = p->page.n;
    return true;
}

bool pdf_lost(const struct pdf *p)
{
    return p->lost;
}

/* ── the file ── */

static void encoding(struct buf *out, int set)
{
    buf_addf(out, "<</Type/Encoding/BaseEncoding/WinAnsiEncoding/Differences[%d", EXTRA);
    for (size_t i = 0; i < EXTRA && (size_t)set * EXTRA + i < LETTERS; i++)
        buf_addf(out, "/%s", letters[(size_t)set * EXTRA + i].name);
    buf_add_str(out, "]>>");
}

/* Fixed objects are 1 to 13; a page and its drawing are two more each, the first page's 3 and 4. */
#define FIXED 13

static void put_page(struct buf *out, size_t start, const struct pdf *p, size_t page, int n, size_t *at)
{
    size_t from = page == 0 ? 0 : p->ends[page - 1];
    size_t to = page < p->pages ? p->ends[page] : p->page.n;
    at[n] = out->n - start;
    buf_addf(out, "%d 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources<</Font<<", n, p->width, p->height, n + 1);
    for (int i = 0; i < 6; i++)
        buf_addf(out, "/F%d %d 0 R", i, 8 + i);
    buf_add_str(out, ">>>>>>endobj\n");
    at[n + 1] = out->n - start;
    buf_addf(out, "%d 0 obj<</Length %zu>>stream\n", n + 1, to - from);
    buf_add(out, p->page.p + from, to - from);
    buf_add_str(out, "\nendstream endobj\n");
}

static void put_file(struct buf *out, const struct pdf *p, const char *title, size_t *at)
{
    static const char *const names[] = {"Helvetica", "Helvetica-Bold", "Courier"};
    size_t start = out->n;
    int last = FIXED + 2 * (int)p->pages;
    buf_add_str(out, "%PDF-1.4\n");
    at[1] = out->n - start;
    buf_add_str(out, "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n");
    at[2] = out->n - start;
    buf_add_str(out, "2 0 obj<</Type/Pages/Kids[3 0 R");
    for (size_t i = 1; i <= p->pages; i++)
        buf_addf(out, " %zu 0 R", FIXED + 2 * i - 1);
    buf_addf(out, "]/Count %zu>>endobj\n", p->pages + 1);
    put_page(out, start, p, 0, 3, at);
    for (int set = 0; set < 2; set++) {
        at[5 + set] = out->n - start;
        buf_addf(out, "%d 0 obj", 5 + set);
        encoding(out, set);
        buf_add_str(out, "endobj\n");
    }
    at[7] = out->n - start;
    buf_addf(out, "7 0 obj<</Title(%s)/Producer(Tourniquet)>>endobj\n", title);
    for (int i = 0; i < 6; i++) {
        at[8 + i] = out->n - start;
        buf_addf(out, "%d 0 obj<</Type/Font/Subtype/Type1/BaseFont/%s/Encoding %d 0 R>>endobj\n", 8 + i, names[i % 3], 5 + i / 3);
    }
    for (size_t i = 1; i <= p->pages; i++)
        put_page(out, start, p, i, FIXED + 2 * (int)i - 1, at);
    size_t table = out->n - start;
    buf_addf(out, "xref\n0 %d\n0000000000 65535 f \n", last + 1);
    for (int i = 1; i <= last; i++)
        buf_addf(out, "%010zu 00000 n \n", at[i]);
    buf_addf(out, "trailer<</Size %d/Root 1 0 R/Info 7 0 R>>\nstartxref\n%zu\n%%%%EOF\n", last + 1, table);
}

int pdf_end(struct pdf *p, const char *title, struct buf *out)
{
    size_t *at = calloc(FIXED + 2 * PDF_PAGES + 2, sizeof *at);
    bool ok = at != NULL && buf_ok(&p->page);
    if (ok)
        put_file(out, p, title, at);
    ok = ok && buf_ok(out);
    free(at);
    free(p->ends);
    buf_release(&p->page);
    return ok ? 0 : -1;
}
