#include "door/mailed.h"

#include "base/text.h"

#define VERSION 1

static void put(struct buf *out, struct span text)
{
    buf_be32(out, text.n);
    buf_add_span(out, text);
}

/* Cut between two characters. */
static void put_most(struct buf *out, struct span text, uint32_t most)
{
    if (text.n > most) {
        text.n = most;
        while (text.n > 0 && (text.p[text.n] & 0xc0) == 0x80)
            text.n--;
    }
    put(out, text);
}

static void put_short(struct buf *out, struct span text)
{
    put_most(out, text, MAILED_TEXT);
}

/* UTF-8 without controls; lines: line ends and tabs are let through. */
static bool harmless(struct span text, bool lines)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == 0x7f || (text.p[i] < 0x20 && !(lines && (text.p[i] == '\n' || text.p[i] == '\t'))))
            return false;
    return text_is_utf8(text);
}

static struct span get(struct span *s, uint32_t most, bool lines)
{
    uint32_t n = span_be32(s);
    if (n > most)
        (void)span_fail(s);
    struct span text = span_take(s, s->bad ? 0 : n);
    if (!s->bad && !harmless(text, lines))
        (void)span_fail(s);
    return s->bad ? (struct span){0} : text;
}

static bool get_bool(struct span *s)
{
    uint8_t v = span_u8(s);
    if (v > 1)
        (void)span_fail(s);
    return v == 1;
}

static size_t get_count(struct span *s, size_t most)
{
    size_t n = span_u8(s);
    if (n > most)
        (void)span_fail(s);
    return s->bad ? 0 : n;
}

void mailed_encode(struct buf *out, const struct mailed *m)
{
    buf_u8(out, VERSION);
    buf_u8(out, m->verdict);
    buf_u8(out, m->score);
    buf_u8(out, m->attached);
    buf_u8(out, (uint8_t)m->scan);
    put_short(out, m->claim_id);
    put_short(out, m->claim_mark);
    put_short(out, m->from);
    buf_be16(out, m->files);
    buf_be16(out, m->links);
    for (size_t i = 0; i < MAILED_SKETCH; i++)
        buf_be32(out, m->sketch[i]);
    buf_u8(out, (uint8_t)m->reasons_n);
    for (size_t i = 0; i < m->reasons_n; i++) {
        put_short(out, m->reasons[i].code);
        put_short(out, m->reasons[i].about);
    }
    buf_u8(out, (uint8_t)m->indicators_n);
    for (size_t i = 0; i < m->indicators_n; i++) {
        put_short(out, m->indicators[i].kind);
        put_short(out, m->indicators[i].value);
    }
    buf_be32(out, m->shown.n);
    buf_add_span(out, m->shown);
}

int mailed_decode(struct span in, struct mailed *ret, struct error *e)
{
    struct span s = in;
    uint8_t version = span_u8(&s);
    *ret = (struct mailed){0};
    ret->verdict = span_u8(&s);
    ret->score = span_u8(&s);
    uint8_t attached = span_u8(&s);
    uint8_t scan = span_u8(&s);
    ret->attached = attached == 1;
    ret->scan = scan <= MAILED_NO_ANSWER ? (enum mailed_scan)scan : MAILED_NOT_ASKED;
    ret->claim_id = get(&s, MAILED_TEXT, false);
    ret->claim_mark = get(&s, MAILED_TEXT, false);
    ret->from = get(&s, MAILED_TEXT, false);
    ret->files = span_be16(&s);
    ret->links = span_be16(&s);
    for (size_t i = 0; i < MAILED_SKETCH; i++)
        ret->sketch[i] = span_be32(&s);
    ret->reasons_n = get_count(&s, MAILED_REASONS);
    for (size_t i = 0; i < ret->reasons_n; i++) {
        ret->reasons[i].code = get(&s, MAILED_TEXT, false);
        ret->reasons[i].about = get(&s, MAILED_TEXT, false);
    }
    ret->indicators_n = get_count(&s, MAILED_INDICATORS);
    for (size_t i = 0; i < ret->indicators_n; i++) {
        ret->indicators[i].kind = get(&s, MAILED_TEXT, false);
        ret->indicators[i].value = get(&s, MAILED_TEXT, false);
    }
    uint32_t n = span_be32(&s);
    ret->shown = span_take(&s, n > MAILED_SHOWN ? UINT32_MAX : n);
    if (s.bad || s.n != 0 || version != VERSION || ret->verdict > 2 || ret->score > 100 || attached > 1 || scan > MAILED_NO_ANSWER)
        return err_set(e, ERR_PEER, "what the reader tells of a mail is malformed");
    return 0;
}

void mailed_shown_encode(struct buf *out, const struct mailed_shown *m)
{
    buf_u8(out, VERSION);
    put_short(out, m->name);
    put_short(out, m->from);
    put_short(out, m->reply_to);
    put_most(out, m->subject, MAILED_LONG);
    buf_u8(out, (uint8_t)m->files_n);
    for (size_t i = 0; i < m->files_n; i++) {
        put_short(out, m->files[i].name);
        put_short(out, m->files[i].type);
        put_short(out, m->files[i].sha256);
        buf_be64(out, m->files[i].bytes);
        buf_u8(out, m->files[i].inside);
    }
    buf_u8(out, (uint8_t)m->links_n);
    for (size_t i = 0; i < m->links_n; i++) {
        const struct mailed_link *l = &m->links[i];
        put_short(out, l->scheme);
        put_short(out, l->before);
        put_short(out, l->site);
        put_most(out, l->rest, MAILED_LONG);
        put_most(out, l->shown, MAILED_LONG);
        buf_u8(out, l->dressed);
    }
    put(out, m->text);
}

int mailed_shown_decode(struct span in, struct mailed_shown *ret, struct error *e)
{
    struct span s = in;
    uint8_t version = span_u8(&s);
    *ret = (struct mailed_shown){0};
    ret->name = get(&s, MAILED_TEXT, false);
    ret->from = get(&s, MAILED_TEXT, false);
    ret->reply_to = get(&s, MAILED_TEXT, false);
    ret->subject = get(&s, MAILED_LONG, false);
    ret->files_n = get_count(&s, MAILED_FILES);
    for (size_t i = 0; i < ret->files_n; i++) {
        struct mailed_file *f = &ret->files[i];
        f->name = get(&s, MAILED_TEXT, false);
        f->type = get(&s, MAILED_TEXT, false);
        f->sha256 = get(&s, MAILED_TEXT, false);
        f->bytes = span_be64(&s);
        f->inside = get_bool(&s);
    }
    ret->links_n = get_count(&s, MAILED_LINKS);
    for (size_t i = 0; i < ret->links_n; i++) {
        struct mailed_link *l = &ret->links[i];
        l->scheme = get(&s, MAILED_TEXT, false);
        l->before = get(&s, MAILED_TEXT, false);
        l->site = get(&s, MAILED_TEXT, false);
        l->rest = get(&s, MAILED_LONG, false);
        l->shown = get(&s, MAILED_LONG, false);
        l->dressed = get_bool(&s);
    }
    ret->text = get(&s, MAILED_SHOWN, true);
    if (s.bad || s.n != 0 || version != VERSION)
        return err_set(e, ERR_PEER, "what may be shown of a mail is malformed");
    return 0;
}
