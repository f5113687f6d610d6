/* What stands in the way of reading a message where it lies: another character set than UTF-8, segments in pieces, and pieces in an earlier message.
 *
 * 1. A message is copied only when it must be: bytes that are no UTF-8, switches between sets, ADD segments, a message that it continues.
 * 2. What is kept of a message that goes on in the next one: the segments that its next results need (PID, SPM, SAC, ORC, OBR), and the segment that
 * was left open. More pieces of that one are only appended: many small pieces cost no more than one large message. */
#include "engine/sense/app_hl7_private.h"

#include <inttypes.h>
#include <stdlib.h>

#define POINTER_MAX 180 /* bytes of DSC-1 */
#define CONTEXT_MAX 6   /* segments kept of a message that goes on */
#define CONTEXT_BYTES 16384

struct hl7_carry {
    struct buf text; /* whole segments, each with its CR, then the open one */
    size_t open_at;  /* text.n: none is open */
    struct hl7_delims delims;
    uint8_t pointer[POINTER_MAX];
    size_t pointer_n;
    bool short_of; /* not all that belongs to it had room: whose the private texts are is not certain */
    char id[64];   /* of the message that was read last */
};

/* ── character sets ── */

/* Sets that say nothing about bytes from 0x80 on, and UTF-8. */
static bool extends_ascii(enum charset set)
{
    return set == CHARSET_NONE || set == CHARSET_ASCII || set == CHARSET_ISO_2022 || set == CHARSET_UTF8;
}

static bool western(enum charset set)
{
    return set == CHARSET_8859_1 || set == CHARSET_8859_15 || set == CHARSET_WINDOWS_1252;
}

static bool has_switch(const struct hl7_delims *d, struct span s)
{
    if (span_find(&s, 0x1b) < s.n)
        return true;
    while (s.n > 0) {
        (void)span_skip(&s, span_find(&s, d->escape));
        uint8_t kind = span_peek(&s, 1);
        if (kind == 'C' || kind == 'M')
            return true;
        if (s.n > 0)
            (void)span_skip(&s, 1);
    }
    return false;
}

/* What it was read as, where that is not what it says. */
static const char *read_as(enum charset said, const struct charset_reader *r)
{
    if (!extends_ascii(said))
        return r->utf8 || r->latin1 || r->lost ? "mixed" : NULL;
    if (r->latin1)
        return r->utf8 ? "mixed" : "ISO 8859-1";
    return r->utf8 && said != CHARSET_UTF8 ? "UTF-8" : NULL;
}

struct span hl7_decoded(struct app_context *c, struct hl7_delims *d, const struct hl7_reading *r, struct span message, struct buf *plain,
                        struct lab_message *m)
{
    enum charset said = (enum charset)d->charset;
    enum charset_look look = charset_look(message);
    bool switches = (r->alternates || said == CHARSET_ISO_2022) && has_switch(d, message);
    if (said >= CHARSET_UTF16BE && said <= CHARSET_UTF32LE)
        said = CHARSET_NONE; /* a header that can be read byte by byte is in none of these */
    d->charset = (uint8_t)said;
    if (look == CHARSET_LOOKS_ASCII && !switches)
        return message;
    if (look == CHARSET_LOOKS_UTF8 && !switches && (extends_ascii(said) || western(said))) {
        /* Western letters make no well-formed UTF-8 by accident: a text full of it that says otherwise lies */
        m->charset_read = said == CHARSET_UTF8 ? NULL : "UTF-8";
        d->charset = CHARSET_UTF8;
        return message;
    }
    struct charset_reader reader = {.base = said, .switches = switches, .escape = d->escape};
    if (!app_hold_decoded(c, &reader, message, plain)) {
        m->charset_read = "not read"; /* no room for it */
        return message;
    }
    m->charset_read = read_as(said, &reader);
    return buf_span(plain);
}

/* ── continuation ── */

static bool is_continued(const struct hl7_carry *carry, const struct hl7_delims *d, const struct hl7_reading *r)
{
    return carry != NULL && r->pointer.n > 0 && span_equal(r->pointer, span_of(carry->pointer, carry->pointer_n)) &&
           carry->delims.field == d->field && carry->delims.component == d->component && carry->delims.repetition == d->repetition &&
           carry->delims.escape == d->escape && carry->delims.sub == d->sub;
}

void hl7_carry_forget(struct app_context *c, struct hl7_side *s)
{
    if (s->carry == NULL)
        return;
    app_hold_release(c, &s->carry->text);
    free(s->carry);
    s->carry = NULL;
}

/* What an ADD segment adds. */
static struct span added(struct span segment)
{
    (void)span_skip(&segment, segment.n < 4 ? segment.n : 4);
    return segment;
}

static bool add(struct app_context *c, struct buf *b, struct span s)
{
    bool over;
    return s.n == 0 || app_hold(c, b, s, &over);
}

static const struct span line_end = {.p = (const uint8_t *)"\r", .n = 1};

/* The segments of the message, with ADD in front of none: `open` says whether a segment is open in *b already. */
static bool join(struct app_context *c, const struct hl7_delims *d, struct span rest, struct buf *b, bool open)
{
    struct span segment;
    bool ok = true;
    while (ok && hl7_segment(d, &rest, &segment)) {
        bool adds = hl7_name(segment) == NAME('A', 'D', 'D') && hl7_segment_named(d, segment);
        if (adds && open && added(segment).n > 0) {
            ok = add(c, b, added(segment));
            continue;
        }
        if (open)
            ok = add(c, b, line_end);
        ok = ok && add(c, b, segment);
        open = true;
    }
    return ok && (!open || add(c, b, line_end));
}

struct span hl7_joined(const struct app_where *w, const struct hl7_delims *d, const struct hl7_reading *r, struct span message, struct buf *joined,
                       struct lab_message *m)
{
    struct app_context *c = w->c;
    struct hl7_side *s = &w->f->side[w->direction].hl7;
    bool continues = is_continued(s->carry, d, r);
    if (!continues && !(r->added && !r->added_first))
        return message;
    struct span rest = message;
    bool ok = true;
    bool open = false;
    if (continues) {
        struct span header;
        ok = hl7_segment(d, &rest, &header) && add(c, joined, header) && add(c, joined, line_end) && add(c, joined, buf_span(&s->carry->text));
        open = s->carry->open_at < s->carry->text.n;
        m->private_cut = m->private_cut || s->carry->short_of;
    }
    if (ok && join(c, d, rest, joined, open))
        return buf_span(joined);
    app_hold_release(c, joined);
    lab_malformed(m, "message of %" PRIu64 " bytes could not be joined with what it continues: over a limit", m->bytes);
    return message;
}

/* The segments that the next results need, in their order; a PID begins anew. */
static size_t context_of(const struct hl7_delims *d, struct span rest, const uint8_t *end, struct span out[CONTEXT_MAX])
{
    static const uint32_t names[CONTEXT_MAX] = {NAME('P', 'I', 'D'), NAME('S', 'P', 'M'), NAME('S', 'A', 'C'),
                                                NAME('O', 'R', 'C'), NAME('O', 'B', 'R'), 0};
    size_t n = 0;
    struct span segment;
    while (hl7_segment(d, &rest, &segment) && segment.p < end) {
        uint32_t name = hl7_name(segment);
        size_t at = 0;
        while (names[at] != 0 && names[at] != name)
            at++;
        if (names[at] == 0)
            continue;
        if (at == 0)
            n = 0;
        size_t i = 0;
        while (i < n && hl7_name(out[i]) != name)
            i++;
        for (; i + 1 < n; i++) /* the newest of a kind takes the last place */
            out[i] = out[i + 1];
        if (i == n)
            n++;
        out[n - 1] = segment;
    }
    return n;
}

static bool keep_pointer(struct hl7_carry *carry, const struct hl7_reading *r, const struct lab_message *m)
{
    if (r->next.n > POINTER_MAX)
        return false;
    memcpy(carry->pointer, r->next.p, r->next.n);
    carry->pointer_n = r->next.n;
    memcpy(carry->id, m->id, sizeof carry->id);
    return true;
}

static void begin_carry(struct app_context *c, struct hl7_side *s, const struct hl7_delims *d, const struct hl7_reading *r, struct span message,
                        const struct lab_message *m)
{
    struct hl7_carry *carry = calloc(1, sizeof *carry);
    if (carry == NULL)
        return;
    struct span context[CONTEXT_MAX];
    const uint8_t *end = r->partial.n > 0 ? r->partial.p : message.p + message.n;
    size_t n = context_of(d, message, end, context);
    bool ok = keep_pointer(carry, r, m);
    carry->delims = *d;
    carry->short_of = m->private_cut;
    for (size_t i = 0; i < n && ok; i++) {
        if (context[i].n > CONTEXT_BYTES - carry->text.n)
            carry->short_of = true;
        else
            ok = add(c, &carry->text, context[i]) && add(c, &carry->text, line_end);
    }
    carry->open_at = carry->text.n;
    ok = ok && add(c, &carry->text, r->partial);
    s->carry = carry;
    if (!ok)
        hl7_carry_forget(c, s);
}

/* All that ADD segments add. */
static bool add_pieces(struct app_context *c, const struct hl7_delims *d, struct span rest, struct buf *b)
{
    struct span segment;
    bool ok = true;
    while (ok && hl7_segment(d, &rest, &segment))
        if (hl7_name(segment) == NAME('A', 'D', 'D'))
            ok = add(c, b, added(segment));
    return ok;
}

bool hl7_carry_more(const struct app_where *w, const struct hl7_delims *d, const struct hl7_reading *r, struct span message, struct lab_message *m)
{
    struct hl7_side *s = &w->f->side[w->direction].hl7;
    if (!is_continued(s->carry, d, r))
        return false;
    struct hl7_carry *carry = s->carry;
    memcpy(w->c->continues, carry->id, sizeof w->c->continues);
    m->continues = w->c->continues;
    if (!r->only_added || r->partial.n == 0 || r->next.n == 0 || r->interactive || carry->open_at == carry->text.n)
        return false;
    if (!keep_pointer(carry, r, m) || !add_pieces(w->c, d, message, &carry->text)) {
        hl7_carry_forget(w->c, s);
        lab_malformed(m, "message of %" PRIu64 " bytes could not be joined with what it continues: over a limit", m->bytes);
    }
    return true;
}

void hl7_carry_on(const struct app_where *w, const struct hl7_delims *d, const struct hl7_reading *r, struct span message,
                  const struct lab_message *m)
{
    struct hl7_side *s = &w->f->side[w->direction].hl7;
    if (m->continues != NULL || r->next.n > 0)
        hl7_carry_forget(w->c, s);
    if (r->next.n > 0 && !r->interactive)
        begin_carry(w->c, s, d, r, message, m);
}
