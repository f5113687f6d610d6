#include "wire/poct1a.h"

#include "base/text.h"

enum { OUTSIDE, NAME, DECLARATION, REST, COMMENT, CDATA, INSTRUCTION };

static bool capital(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool name_byte(uint8_t c)
{
    return capital(c) || digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-' || c == ':' || c >= 0x80;
}

struct span poct1a_local(struct span name)
{
    struct span rest = name;
    bool prefixed;
    (void)span_until(&rest, ':', &prefixed);
    return prefixed ? rest : name;
}

/* ── the stream ── */

/* "HEL.R01", "OBS.R02": three capitals, R, two digits; or a maker's own directive, "DTV.MAKER.NAME". */
static bool is_root(struct span s)
{
    if (s.n < 7 || !capital(s.p[0]) || !capital(s.p[1]) || !capital(s.p[2]) || s.p[3] != '.')
        return false;
    if (s.n == 7 && s.p[4] == 'R' && digit(s.p[5]) && digit(s.p[6]))
        return true;
    if (memcmp(s.p, "DTV", 3) != 0)
        return false;
    for (size_t i = 4; i < s.n; i++)
        if (!capital(s.p[i]) && !digit(s.p[i]) && s.p[i] != '.' && s.p[i] != '_')
            return false;
    return true;
}

static struct span head(const struct poct1a_frame *f)
{
    return span_of(f->head, f->head_n);
}

static void begin_tag(struct poct1a_frame *f)
{
    f->state = NAME;
    f->head_n = 0;
    f->quote = 0;
    f->closing = f->empty = false;
}

/* The start of a tag is complete. */
static enum poct1a_event classify(struct poct1a_frame *f)
{
    struct span s = head(f);
    f->state = REST;
    if (span_is(s, "!DOCTYPE")) {
        f->doctype = f->doctype || !f->open;
    } else if (span_is(s, "?xml")) {
        f->state = DECLARATION;
        bool lost = f->open;
        f->open = false;
        return lost ? POCT1A_LOST : POCT1A_MORE;
    } else if (s.n > 0 && s.p[0] == '?') {
        f->state = INSTRUCTION;
    } else if (s.n > 0 && s.p[0] != '/' && is_root(poct1a_local(s))) {
        bool lost = f->open;
        memcpy(f->root, f->head, f->head_n);
        f->root_n = f->head_n;
        f->begin = true;
        f->open = false;
        return lost ? POCT1A_LOST : POCT1A_MORE;
    } else if (!f->open) {
        f->state = OUTSIDE; /* of no interest */
    } else if (s.n == f->root_n + 1u && s.p[0] == '/' && memcmp(s.p + 1, f->root, f->root_n) == 0) {
        f->closing = true;
    }
    return POCT1A_MORE;
}

static enum poct1a_event in_name(struct poct1a_frame *f, struct span *in)
{
    uint8_t c = in->p[0];
    bool first = f->head_n == 0;
    bool markup = f->head_n > 0 && f->head[0] == '!' && (c == '-' || c == '[');
    if (c == '<') {
        (void)span_skip(in, 1);
        begin_tag(f);
        return POCT1A_MORE;
    }
    if (!name_byte(c) && !markup && !(first && (c == '/' || c == '!' || c == '?'))) {
        if (!first)
            return classify(f);
        f->state = OUTSIDE;
        return POCT1A_MORE;
    }
    (void)span_skip(in, 1);
    if (f->head_n == POCT1A_NAME) {
        f->state = f->open ? REST : OUTSIDE;
        return POCT1A_MORE;
    }
    f->head[f->head_n++] = c;
    f->matched = 0;
    if (span_is(head(f), "!--"))
        f->state = COMMENT;
    else if (span_is(head(f), "![CDATA["))
        f->state = CDATA;
    return POCT1A_MORE;
}

static enum poct1a_event in_rest(struct poct1a_frame *f, struct span *in)
{
    uint8_t c = span_u8(in);
    if (c == '<') {
        begin_tag(f);
        return POCT1A_MORE;
    }
    if (f->quote != 0) {
        f->quote = c == f->quote ? 0 : f->quote;
        f->empty = false;
        return POCT1A_MORE;
    }
    if (c == '"' || c == '\'') {
        f->quote = c;
    } else if (c == '>') {
        f->state = OUTSIDE;
        bool end = f->open && (f->closing || (f->empty && f->head_n == f->root_n && memcmp(f->head, f->root, f->root_n) == 0));
        f->open = f->open && !end;
        return end ? POCT1A_END : POCT1A_MORE;
    }
    f->empty = c == '/';
    return POCT1A_MORE;
}

/* A processing instruction, up to "?>", whatever quotes stand in it; but a tag in one that never ends is read. */
static void in_instruction(struct poct1a_frame *f, struct span *in)
{
    uint8_t c = span_u8(in);
    if (c == '<') {
        begin_tag(f);
        return;
    }
    if (c == '>' && f->matched > 0)
        f->state = OUTSIDE;
    f->matched = c == '?';
}

/* Inside what ends with three bytes, two of them the same: "-->" or "]]>". */
static void until_third(struct poct1a_frame *f, struct span *in)
{
    uint8_t twice = f->state == COMMENT ? '-' : ']';
    uint8_t c = span_u8(in);
    if (c == twice)
        f->matched = f->matched < 2 ? f->matched + 1 : 2;
    else if (c == '>' && f->matched == 2)
        f->state = OUTSIDE;
    else
        f->matched = 0;
}

enum poct1a_event poct1a_frame_next(struct poct1a_frame *f, struct span *in)
{
    enum poct1a_event event = POCT1A_MORE;
    if (f->begin) {
        f->begin = false;
        f->open = true;
        return POCT1A_START;
    }
    while (in->n > 0 && event == POCT1A_MORE && !f->begin) {
        switch (f->state) {
        case OUTSIDE: {
            bool found;
            (void)span_until(in, '<', &found);
            if (found)
                begin_tag(f);
            break;
        }
        case NAME: event = in_name(f, in); break;
        case INSTRUCTION: in_instruction(f, in); break;
        case COMMENT:
        case CDATA: until_third(f, in); break;
        default: event = in_rest(f, in); break;
        }
    }
    return event == POCT1A_MORE && f->begin ? poct1a_frame_next(f, in) : event;
}

bool poct1a_frame_gap(struct poct1a_frame *f)
{
    bool open = f->open;
    *f = (struct poct1a_frame){0};
    return open;
}

bool poct1a_frame_idle(const struct poct1a_frame *f)
{
    return f->state == OUTSIDE && !f->open && !f->doctype;
}

/* ── a message ── */

void poct1a_start(struct poct1a_reader *r, struct span message)
{
    memset(r, 0, sizeof *r);
    r->rest = message;
    r->size = message.n;
}

static enum poct1a_token bad(struct poct1a_reader *r, const char *flaw)
{
    if (r->flaw == NULL) {
        r->flaw = flaw;
        r->at = r->size - r->rest.n;
    }
    r->rest.n = 0;
    return POCT1A_BAD;
}

static void skip_space(struct span *s)
{
    while (s->n > 0 && space(s->p[0]))
        (void)span_skip(s, 1);
}

static struct span take_name(struct span *s)
{
    size_t n = 0;
    while (n < s->n && name_byte(s->p[n]))
        n++;
    return span_take(s, n);
}

/* The character that a reference at the start of *s stands for, behind its '&'; steps over it. 0: none of the five and no number. */
static uint32_t reference(struct span *s)
{
    static const struct {
        const char *name;
        uint8_t c;
    } five[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    bool found;
    struct span ahead = span_of(s->p, s->n < 12 ? s->n : 12);
    struct span name = span_until(&ahead, ';', &found);
    if (!found)
        return 0;
    uint32_t value = 0;
    if (name.n > 1 && name.p[0] == '#') {
        bool hex = name.p[1] == 'x';
        if (name.n < (hex ? 3u : 2u))
            return 0;
        for (size_t i = hex ? 2 : 1; i < name.n; i++) {
            uint8_t c = name.p[i] | 0x20; /* digits have that bit already */
            uint32_t v = digit(c) ? c - (uint32_t)'0' : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10u : 99;
            if (v == 99 || value > 0x10ffff)
                return 0;
            value = value * (hex ? 16 : 10) + v;
        }
        if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000) || (value < 0x20 && value != 9 && value != 10 && value != 13))
            return 0;
    }
    for (size_t i = 0; value == 0 && i < sizeof five / sizeof five[0]; i++)
        if (span_is(name, five[i].name))
            value = five[i].c;
    if (value != 0)
        (void)span_skip(s, name.n + 1);
    return value;
}

static bool references_hold(struct span s)
{
    bool more = true;
    for (;;) {
        (void)span_until(&s, '&', &more);
        if (!more)
            return true;
        if (reference(&s) == 0)
            return false;
    }
}

static bool controls(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 && !space(s.p[i]))
            return true;
    return false;
}

static enum poct1a_token bad_reference(struct poct1a_reader *r)
{
    r->declares = r->flaw == NULL;
    return bad(r, "an entity that is not one of the five of XML");
}

static enum poct1a_token one_attribute(struct poct1a_reader *r)
{
    struct span name = take_name(&r->rest);
    skip_space(&r->rest);
    if (name.n == 0 || span_peek(&r->rest, 0) != '=')
        return bad(r, "a tag that is not well formed");
    (void)span_skip(&r->rest, 1);
    skip_space(&r->rest);
    uint8_t quote = span_peek(&r->rest, 0);
    if (quote != '"' && quote != '\'')
        return bad(r, "an attribute without quotes");
    struct span after = r->rest;
    (void)span_skip(&after, 1);
    bool ended;
    struct span value = span_until(&after, quote, &ended);
    if (!ended)
        return bad(r, "an attribute that does not end");
    if (value.n > POCT1A_VALUE)
        return bad(r, "an attribute over the limit of 4096 bytes");
    if (span_find(&value, '<') < value.n || controls(value))
        return bad(r, "a character that an attribute may not hold");
    if (!references_hold(value))
        return bad_reference(r);
    for (size_t i = 0; i < r->attributes; i++)
        if (span_equal(r->attribute[i].name, name))
            return bad(r, "an attribute that is given twice");
    if (r->attributes == POCT1A_ATTRIBUTES)
        return bad(r, "more than 16 attributes in a tag");
    r->attribute[r->attributes].name = name;
    r->attribute[r->attributes++].value = value;
    r->rest = after;
    return POCT1A_OPEN;
}

static enum poct1a_token open_tag(struct poct1a_reader *r)
{
    if (r->depth == 0 && r->rooted)
        return bad(r, "an element behind the root");
    if (r->depth == POCT1A_DEPTH)
        return bad(r, "elements nested deeper than 16");
    r->name = take_name(&r->rest);
    r->attributes = 0;
    if (r->name.n == 0)
        return bad(r, "a tag that is not well formed");
    for (;;) {
        bool apart = space(span_peek(&r->rest, 0));
        skip_space(&r->rest);
        uint8_t c = span_peek(&r->rest, 0);
        if (c == '>' || (c == '/' && span_peek(&r->rest, 1) == '>')) {
            r->empty = c == '/';
            (void)span_skip(&r->rest, r->empty ? 2 : 1);
            break;
        }
        if (!apart)
            return bad(r, "a tag that is not well formed");
        if (one_attribute(r) == POCT1A_BAD)
            return POCT1A_BAD;
    }
    r->rooted = true;
    r->open[r->depth++] = r->name;
    return POCT1A_OPEN;
}

static enum poct1a_token close_tag(struct poct1a_reader *r)
{
    struct span name = take_name(&r->rest);
    skip_space(&r->rest);
    if (r->depth == 0 || !span_equal(name, r->open[r->depth - 1]) || span_peek(&r->rest, 0) != '>')
        return bad(r, "an end tag that does not fit");
    (void)span_skip(&r->rest, 1);
    r->name = name;
    r->depth--;
    return POCT1A_CLOSE;
}

/* Steps over everything up to `end`. False: it does not come. */
static bool skip_past(struct span *s, struct span end, struct span *ret_inside)
{
    struct span all = *s;
    const uint8_t *hit = s->n == 0 ? NULL : memmem(s->p, s->n, end.p, end.n);
    if (hit == NULL)
        return false;
    *ret_inside = span_take(&all, (size_t)(hit - s->p));
    return span_skip(s, ret_inside->n + end.n);
}

/* Text, or a mark that is neither an element nor its end. *found: r->text is worth giving. */
static enum poct1a_token beside(struct poct1a_reader *r, bool *found)
{
    struct span inside;
    *found = false;
    if (span_starts(r->rest, SPAN_LIT("<!--"))) {
        (void)span_skip(&r->rest, 4);
        return skip_past(&r->rest, SPAN_LIT("-->"), &inside) ? POCT1A_TEXT : bad(r, "a comment that does not end");
    }
    if (span_starts(r->rest, SPAN_LIT("<![CDATA["))) {
        (void)span_skip(&r->rest, 9);
        *found = skip_past(&r->rest, SPAN_LIT("]]>"), &r->text) && r->depth > 0;
        return *found ? POCT1A_TEXT : bad(r, "marked text at a wrong place, or without end");
    }
    if (span_starts(r->rest, SPAN_LIT("<!"))) {
        r->declares = r->flaw == NULL;
        return bad(r, "a document type or entity declaration");
    }
    if (span_peek(&r->rest, 0) == '<') {
        struct span name = r->rest;
        (void)span_skip(&name, 2);
        if (span_is(take_name(&name), "xml"))
            return bad(r, "a declaration at a wrong place");
        return skip_past(&r->rest, SPAN_LIT("?>"), &inside) ? POCT1A_TEXT : bad(r, "a processing instruction that does not end");
    }
    struct span text = span_take(&r->rest, span_find(&r->rest, '<'));
    struct span trimmed = text;
    skip_space(&trimmed);
    if (trimmed.n > 0 && r->depth == 0)
        return bad(r, "text outside of the root");
    if (controls(text))
        return bad(r, "a control character");
    if (!references_hold(text))
        return bad_reference(r);
    r->text = text;
    *found = trimmed.n > 0;
    return POCT1A_TEXT;
}

enum poct1a_token poct1a_next(struct poct1a_reader *r)
{
    if (r->flaw != NULL)
        return POCT1A_BAD;
    if (r->empty) {
        r->empty = false;
        r->name = r->open[--r->depth];
        return POCT1A_CLOSE;
    }
    while (r->rest.n > 0) {
        uint8_t second = span_peek(&r->rest, 1);
        bool found;
        if (r->rest.p[0] == '<' && second == '/') {
            (void)span_skip(&r->rest, 2);
            return close_tag(r);
        }
        if (r->rest.p[0] == '<' && second != '!' && second != '?') {
            (void)span_skip(&r->rest, 1);
            return open_tag(r);
        }
        if (beside(r, &found) == POCT1A_BAD)
            return POCT1A_BAD;
        if (found)
            return POCT1A_TEXT;
    }
    return r->depth > 0 || !r->rooted ? bad(r, "an element that is not closed") : POCT1A_DONE;
}

struct span poct1a_attribute(const struct poct1a_reader *r, const char *name)
{
    for (size_t i = 0; i < r->attributes; i++)
        if (span_is(r->attribute[i].name, name))
            return r->attribute[i].value;
    return (struct span){0};
}

size_t poct1a_text(struct span raw, uint8_t *out)
{
    size_t n = 0;
    bool more = raw.n > 0;
    while (more) {
        struct span plain = span_until(&raw, '&', &more);
        if (plain.n > 0)
            memmove(out + n, plain.p, plain.n);
        n += plain.n;
        if (!more)
            break;
        uint32_t c = reference(&raw);
        n += text_utf8_put(out + n, c == 0 ? '&' : c); /* never longer than the reference it came from */
    }
    return n;
}

/* Does s begin with this shape? '0' is a digit, everything else itself. Steps over it. */
static bool shaped(struct span *s, const char *shape)
{
    size_t n = strlen(shape);
    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (shape[i] == '0' ? !digit(s->p[i]) : s->p[i] != (uint8_t)shape[i])
            return false;
    return span_skip(s, n);
}

size_t poct1a_time(struct span s, char out[POCT1A_TIME_TEXT])
{
    struct span rest = s;
    out[0] = 0;
    if (s.n >= POCT1A_TIME_TEXT || !shaped(&rest, "0000-00-00T00:00"))
        return 0;
    if (shaped(&rest, ":00") && shaped(&rest, ".0"))
        while (shaped(&rest, "0"))
            ;
    if (!shaped(&rest, "+00:00") && !shaped(&rest, "-00:00"))
        (void)shaped(&rest, "Z");
    if (rest.n > 0)
        return 0;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return s.n;
}
