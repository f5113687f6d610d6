/* HL7 over MLLP: blocks → messages.
 *
 * 1. A block is counted once, when its end is seen; so is a block with a hole (bytes that the capture lost) whose end, or successor, is seen. A block
 * that the sender cut off (a new one begins, the stream ends) is reported as malformed, and not counted.
 * 2. While a block lies in one segment it is read in place; otherwise its content is kept in hl7_side.text, never beyond the limits.
 * 3. Behind a hole reading goes on at the next segment end, and the segment before the hole is dropped: no value is read from a torn segment. */
#include "engine/sense/app_hl7_private.h"

#include <inttypes.h>
#include <stdio.h>

static void block_start(struct hl7_side *s)
{
    s->whole = (struct span){0};
    s->bytes = 0;
    s->over = s->starved = s->hole = s->skip_line = false;
    s->framed = true;
}

/* Of a message over a limit its beginning is kept, the same however the stream is cut. */
static void keep(const struct app_where *w, struct hl7_side *s, struct span part)
{
    if (s->over || s->starved || part.n == 0)
        return;
    bool over;
    if (app_hold(w->c, &s->text, part, &over))
        return;
    if (over)
        s->over = true;
    else
        s->starved = true;
    app_hold_shrink(w->c, &s->text, APP_KEEP_OVERSIZE);
    size_t room = APP_KEEP_OVERSIZE - s->text.n;
    if (part.n > room)
        part.n = room;
    (void)app_hold(w->c, &s->text, part, &over);
}

static void flush(const struct app_where *w, struct hl7_side *s)
{
    struct span whole = s->whole;
    s->whole = (struct span){0};
    keep(w, s, whole);
}

static void part(const struct app_where *w, struct hl7_side *s, struct span bytes, struct span input)
{
    s->bytes += bytes.n;
    if (s->skip_line) {
        size_t at = span_find(&bytes, '\r');
        s->skip_line = at == bytes.n;
        (void)span_skip(&bytes, s->skip_line ? at : at + 1);
    }
    bool in_place = bytes.n > 0 && bytes.p >= input.p && bytes.p < input.p + input.n;
    if (in_place && s->whole.n == 0 && s->text.n == 0 && !s->hole) {
        s->whole = bytes;
        return;
    }
    flush(w, s);
    keep(w, s, bytes);
}

/* The flaws of a block's framing, the worst first. */
static void flaw_of(const struct app_where *w, const struct hl7_side *s, const char *cut_off, char out[APP_REASON])
{
    size_t limit = w->c->options.limits.message;
    if (s->over || s->bytes > limit)
        (void)snprintf(out, APP_REASON, "message of %" PRIu64 " bytes is over the limit of %zu", s->bytes, limit);
    else if (s->starved)
        (void)snprintf(out, APP_REASON, "message of %" PRIu64 " bytes could not be kept: too many unfinished messages", s->bytes);
    else if (s->hole)
        (void)snprintf(out, APP_REASON, "bytes are missing at byte %" PRIu64 ": the capture lost them", s->hole_at);
    else if (cut_off != NULL)
        (void)snprintf(out, APP_REASON, "framing: %s at byte %" PRIu64, cut_off, s->bytes);
    else if (s->mllp.end_without_cr)
        (void)snprintf(out, APP_REASON, "framing: no 0x0D after the 0x1C at byte %" PRIu64, s->bytes);
    else if (s->junk > 0 && s->framed)
        (void)snprintf(out, APP_REASON, "framing: %" PRIu64 " bytes outside a block before this one", s->junk);
    else
        out[0] = 0;
}

static bool is_commit(struct span content)
{
    return content.n == 1 && (content.p[0] == 0x06 || content.p[0] == 0x15);
}

/* The open block is over; cut_off says how, where it is not complete. */
static void block_end(const struct app_where *w, struct hl7_side *s, const char *cut_off, bool counted)
{
    if (s->over || s->starved)
        flush(w, s);
    bool split = s->text.n > 0;
    if (split)
        flush(w, s);
    struct hl7_content content = {.message = split ? buf_span(&s->text) : s->whole, .bytes = s->bytes};
    size_t limit = w->c->options.limits.message;
    if (content.message.n > limit)
        content.message.n = APP_KEEP_OVERSIZE;
    content.header_only = s->over || s->starved || s->bytes > limit;
    char flaw[APP_REASON];
    flaw_of(w, s, cut_off, flaw);
    content.flaw = flaw;
    content.charset = s->charset;
    content.counted = counted;
    if (is_commit(content.message))
        hl7_commit(w, content.message.p[0] == 0x06);
    else
        hl7_block(w, &content);
    if (s->text.p != NULL)
        app_hold_release(w->c, &s->text);
    s->whole = (struct span){0};
    s->bytes = s->junk = 0;
    s->hole = false;
}

static void junk(struct hl7_side *s, struct span bytes)
{
    if (!s->framed || s->lost_between)
        return; /* a capture that begins, or goes on, in the middle of a message */
    for (size_t i = 0; i < bytes.n; i++)
        s->junk += bytes.p[i] != '\r' && bytes.p[i] != '\n';
}

/* ── framed by something else ── */

void app_hl7_body_start(const struct app_where *w, enum charset set)
{
    struct hl7_side *s = &w->f->side[w->direction].hl7;
    block_start(s);
    s->charset = (uint8_t)set;
}

void app_hl7_body(const struct app_where *w, struct span bytes, struct span input)
{
    if (bytes.n > 0)
        part(w, &w->f->side[w->direction].hl7, bytes, input);
}

void app_hl7_body_pause(const struct app_where *w)
{
    flush(w, &w->f->side[w->direction].hl7);
}

static void tear(struct hl7_side *s)
{
    if (!s->hole)
        s->hole_at = s->bytes;
    s->hole = s->skip_line = true;
    while (s->text.n > 0 && s->text.p[s->text.n - 1] != '\r')
        s->text.n--;
}

void app_hl7_body_gap(const struct app_where *w)
{
    tear(&w->f->side[w->direction].hl7);
}

void app_hl7_body_end(const struct app_where *w, const char *cut_off)
{
    block_end(w, &w->f->side[w->direction].hl7, cut_off, cut_off == NULL);
}

void app_hl7_body_forget(const struct app_where *w)
{
    hl7_carry_forget(w->c, &w->f->side[w->direction].hl7);
}

/* ── a stream of blocks ── */

bool app_hl7_probe(struct hl7_side *s, struct span *in)
{
    struct span got;
    for (;;) {
        switch (mllp_next(&s->mllp, in, &got)) {
        case MLLP_START: block_start(s); return true;
        case MLLP_MORE: return false;
        default: break;
        }
    }
}

void app_hl7_data(const struct app_where *w, struct span bytes)
{
    struct hl7_side *s = &w->f->side[w->direction].hl7;
    s->mllp.any_block = true;
    struct span in = bytes;
    struct span got = {0};
    for (;;) {
        switch (mllp_next(&s->mllp, &in, &got)) {
        case MLLP_MORE: flush(w, s); return;
        case MLLP_JUNK: junk(s, got); break;
        case MLLP_RESTART:
            block_end(w, s, "the block is not ended and another one begins", s->hole);
            block_start(s);
            break;
        case MLLP_START:
            s->lost_between = false;
            block_start(s);
            break;
        case MLLP_CONTENT: part(w, s, got, bytes); break;
        case MLLP_END: block_end(w, s, NULL, true); break;
        }
    }
}

void app_hl7_gap(const struct app_where *w)
{
    struct hl7_side *s = &w->f->side[w->direction].hl7;
    mllp_gap(&s->mllp);
    if (s->mllp.state == MLLP_IDLE) {
        s->lost_between = true;
        return;
    }
    tear(s);
}

void app_hl7_close(const struct app_where *w)
{
    struct hl7_side *s = &w->f->side[w->direction].hl7;
    enum mllp_event event = mllp_close(&s->mllp);
    if (event == MLLP_END) {
        block_end(w, s, NULL, true);
    } else if (event == MLLP_RESTART) {
        s->hole = false; /* whether its end was lost is not known: it is not counted */
        block_end(w, s, "the stream ends before the block does", false);
    } else if (s->junk > 0) {
        char flaw[APP_REASON];
        (void)snprintf(flaw, sizeof flaw, "framing: %" PRIu64 " bytes outside a block at the end of the stream", s->junk);
        hl7_block(w, &(struct hl7_content){.bytes = s->junk, .flaw = flaw});
    }
    s->junk = 0;
    hl7_carry_forget(w->c, s);
}
