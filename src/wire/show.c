#include "wire/show.h"

#include "wire/astm.h"

static const struct hl7_delims usual_hl7 = {.field = '|', .component = '^', .repetition = '~', .escape = '\\', .sub = '&'};
static const struct hl7_delims usual_astm = {.field = '|', .component = '^', .repetition = '\\', .escape = '&'};

enum show_form show_form(struct span protocol)
{
    return span_is(protocol, "hl7") ? SHOW_HL7 : span_is(protocol, "astm") ? SHOW_ASTM : span_is(protocol, "poct1a") ? SHOW_POCT1A : SHOW_LINES;
}

/* ── character sets ── */

/* What MSH-18 says, and whether sets may be switched. */
static struct charset_reader reader_of(struct span message)
{
    struct charset_reader r = {.base = CHARSET_NONE};
    struct hl7_delims d;
    struct span rest = message;
    struct span segment;
    if (!hl7_delims(message, &d) || !hl7_segment(&d, &rest, &segment) || hl7_name(segment) != HL7_NAME('M', 'S', 'H'))
        return r;
    struct span f[21];
    (void)hl7_fields(&d, segment, f, 21);
    struct span first = hl7_part(f[18], d.repetition, 1);
    (void)charset_named(first, &r.base);
    if (r.base >= CHARSET_UTF16BE && r.base <= CHARSET_UTF32LE)
        r.base = CHARSET_NONE; /* a header that can be read byte by byte is in none of these */
    r.switches = f[20].n > 0 || first.n < f[18].n || r.base == CHARSET_ISO_2022;
    r.escape = d.escape;
    return r;
}

static bool says_nothing(enum charset set)
{
    return set == CHARSET_NONE || set == CHARSET_ASCII || set == CHARSET_ISO_2022 || set == CHARSET_UTF8 || set == CHARSET_8859_1 ||
           set == CHARSET_8859_15 || set == CHARSET_WINDOWS_1252; /* Western letters make no well-formed UTF-8 by accident */
}

struct span show_text(enum show_form form, struct span bytes, struct buf *plain, const char **ret_charset)
{
    enum charset_look look = charset_look(bytes);
    struct charset_reader r = form == SHOW_HL7 ? reader_of(bytes) : (struct charset_reader){.base = CHARSET_NONE};
    *ret_charset = look == CHARSET_LOOKS_ASCII ? "ASCII" : "UTF-8";
    if (!r.switches && (look == CHARSET_LOOKS_ASCII || (look == CHARSET_LOOKS_UTF8 && says_nothing(r.base))))
        return bytes;
    *ret_charset = r.base == CHARSET_NONE ? "ISO 8859-1" : "as MSH-18 says";
    uint8_t piece[4096];
    while (bytes.n > 0)
        buf_add(plain, piece, charset_read(&r, &bytes, piece, sizeof piece));
    return buf_span(plain);
}

/* ── lines ── */

void show_start(struct show_reader *r, enum show_form form, struct span text)
{
    *r = (struct show_reader){.form = form, .rest = text, .delims = form == SHOW_ASTM ? usual_astm : usual_hl7};
    if (form == SHOW_HL7)
        (void)hl7_delims(text, &r->delims);
    else if (form == SHOW_POCT1A)
        poct1a_start(&r->xml, text);
}

/* A name at most SHOW_NAME bytes long, cut between two characters. */
static struct span short_name(struct span s)
{
    if (s.n <= SHOW_NAME)
        return s;
    s.n = SHOW_NAME;
    while (s.n > 0 && (s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return s;
}

static bool hl7_line(struct show_reader *r, struct show_line *ret)
{
    struct span segment;
    if (!hl7_segment(&r->delims, &r->rest, &segment))
        return false;
    r->header = hl7_delims(segment, &r->delims);
    ret->name = hl7_segment_named(&r->delims, segment) ? span_of(segment.p, 3) : (struct span){0};
    r->line = segment;
    r->number = 0;
    if (ret->name.n > 0)
        (void)span_skip(&r->line, segment.n > 3 && !r->header ? 4 : 3); /* a header's first field is the separator itself */
    return true;
}

static bool astm_line(struct show_reader *r, struct show_line *ret)
{
    if (!astm_record(&r->rest, &r->line))
        return false;
    r->header = astm_delims(r->line, &r->delims);
    ret->name = astm_type(&r->delims, r->line) != 0 ? span_of(r->line.p, 1) : (struct span){0};
    r->number = 0;
    if (ret->name.n > 0) { /* field 1 is the name */
        (void)span_skip(&r->line, r->line.n > 1 ? 2 : 1);
        r->number = 1;
    }
    return true;
}

static bool xml_line(struct show_reader *r, struct show_line *ret)
{
    for (;;) {
        enum poct1a_token token = poct1a_next(&r->xml);
        r->rest = r->xml.rest;
        r->number = 0;
        if (token == POCT1A_OPEN) {
            ret->name = r->xml.name;
            ret->depth = r->xml.depth - 1;
            r->text = false;
            return true;
        }
        if (token == POCT1A_TEXT) {
            ret->depth = r->xml.depth;
            r->text = true;
            r->line = r->xml.text;
            return true;
        }
        if (token != POCT1A_CLOSE)
            return false;
    }
}

static bool plain_line(struct show_reader *r)
{
    if (r->rest.n == 0)
        return false;
    struct span s = r->rest;
    r->line = span_take(&s, span_find_either(&s, '\r', '\n'));
    (void)span_skip(&s, s.n > 0);
    r->rest = s;
    r->number = 0;
    return true;
}

bool show_line(struct show_reader *r, struct show_line *ret)
{
    *ret = (struct show_line){0};
    bool there = false;
    switch (r->form) {
    case SHOW_HL7: there = hl7_line(r, ret); break;
    case SHOW_ASTM: there = astm_line(r, ret); break;
    case SHOW_POCT1A: there = xml_line(r, ret); break;
    case SHOW_LINES: there = plain_line(r); break;
    }
    ret->name = short_name(ret->name);
    return there;
}

/* ── fields ── */

/* A field of HL7 or ASTM. The first two of a header are the separator and the delimiters, which no separator parts. */
static bool separated(struct show_reader *r, struct show_field *ret)
{
    bool more = true;
    while (r->line.n > 0) {
        ret->number = ++r->number;
        bool first_of_hl7 = r->form == SHOW_HL7 && r->header && ret->number == 1;
        ret->text = first_of_hl7 ? span_take(&r->line, 1) : span_until(&r->line, r->delims.field, &more);
        ret->withheld = r->form == SHOW_ASTM && r->header && ret->number == 4 && ret->text.n > 0;
        if (ret->text.n > 0)
            break;
    }
    if (ret->withheld)
        ret->text.n = 0;
    return ret->text.n > 0 || ret->withheld;
}

static bool attribute(struct show_reader *r, struct show_field *ret)
{
    while (r->number < r->xml.attributes) {
        ret->name = r->xml.attribute[r->number].name;
        ret->text = r->xml.attribute[r->number].value;
        ret->number = ++r->number;
        if (ret->text.n > 0)
            return true;
    }
    return false;
}

bool show_field(struct show_reader *r, struct show_field *ret)
{
    *ret = (struct show_field){0};
    if (r->form == SHOW_HL7 || r->form == SHOW_ASTM)
        return separated(r, ret);
    if (r->form == SHOW_POCT1A && !r->text)
        return attribute(r, ret);
    ret->text = r->line;
    ret->number = 1;
    r->line.n = 0;
    return ret->text.n > 0;
}

size_t show_left(const struct show_reader *r)
{
    return r->form == SHOW_POCT1A ? r->xml.flaw == NULL ? r->rest.n : r->xml.size - r->xml.at : r->rest.n;
}
