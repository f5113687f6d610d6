#include "wire/mllp.h"

/* Delimiters are printable and neither letters, digits nor spaces (HL7 v2.5.1, 2.5.4). */
static bool is_delimiter(uint8_t c)
{
    return (c > 0x20 && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c < 0x7f);
}

int mllp_signature(struct span s)
{
    static const char names[3][4] = {"MSH", "FHS", "BHS"};
    static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};
    if (span_peek(&s, 0) != MLLP_START_BYTE)
        return -1;
    (void)span_skip(&s, 1);
    if (span_peek(&s, 0) == mark[0]) {
        size_t n = s.n < sizeof mark ? s.n : sizeof mark;
        if (memcmp(s.p, mark, n) != 0)
            return -1;
        (void)span_skip(&s, n);
    }
    size_t letters = s.n < 3 ? s.n : 3;
    bool named = letters == 0;
    for (size_t i = 0; i < 3 && !named; i++)
        named = memcmp(s.p, names[i], letters) == 0;
    if (!named || (s.n > 3 && !is_delimiter(s.p[3])) || (s.n > 4 && !is_delimiter(s.p[4])))
        return -1;
    return s.n >= MLLP_NAMED - 1 ? 1 : 0;
}

static enum mllp_event give(struct mllp *m, enum mllp_event event, size_t skip, struct span *ret)
{
    memcpy(m->out, m->held, m->held_n);
    *ret = span_of(m->out + skip, m->held_n - skip);
    m->held_n = 0;
    return event;
}

/* Bytes were held back because the input ended in the middle of what may be a start. */
static enum mllp_event resume(struct mllp *m, struct span *in, struct span *ret)
{
    int verdict = 0;
    while (in->n > 0 && verdict == 0) {
        m->held[m->held_n] = in->p[0];
        verdict = mllp_signature(span_of(m->held, (size_t)m->held_n + 1));
        if (verdict < 0)
            break; /* this byte is not part of it and may be a start itself */
        m->held_n++;
        (void)span_skip(in, 1);
    }
    if (verdict == 0)
        return MLLP_MORE;
    if (verdict < 0)
        return give(m, m->state == MLLP_BODY ? MLLP_CONTENT : MLLP_JUNK, 0, ret);
    bool inside = m->state == MLLP_BODY;
    m->state = MLLP_BODY;
    /* The bytes after 0x0B come out next; marked by a held part that no longer begins with 0x0B. */
    m->held_n--;
    memmove(m->held, m->held + 1, m->held_n);
    return inside ? MLLP_RESTART : MLLP_START;
}

static void hold(struct mllp *m, struct span *in)
{
    memcpy(m->held, in->p, in->n);
    m->held_n = (uint8_t)in->n;
    (void)span_skip(in, in->n);
}

static enum mllp_event idle(struct mllp *m, struct span *in, struct span *ret)
{
    size_t at = span_find(in, MLLP_START_BYTE);
    while (at < in->n) {
        struct span from = span_of(in->p + at, in->n - at < MLLP_HELD ? in->n - at : MLLP_HELD);
        int verdict = m->any_block ? 1 : mllp_signature(from);
        if (verdict >= 0 && at > 0)
            break; /* what lies before it comes out first */
        if (verdict > 0) {
            (void)span_skip(in, 1);
            m->state = MLLP_BODY;
            return MLLP_START;
        }
        if (verdict == 0) {
            hold(m, in);
            return MLLP_MORE;
        }
        struct span behind = span_of(in->p + at + 1, in->n - at - 1);
        at += 1 + span_find(&behind, MLLP_START_BYTE);
    }
    *ret = span_take(in, at);
    return MLLP_JUNK;
}

static enum mllp_event content(struct span *in, size_t n, struct span *ret)
{
    *ret = span_take(in, n);
    return MLLP_CONTENT;
}

static enum mllp_event end(struct mllp *m, bool without_cr)
{
    m->state = MLLP_IDLE;
    m->end_without_cr = without_cr;
    return MLLP_END;
}

/* 0x1C is read: 0x0D ends the block; a new start or a line feed ends it too, with a flag; anything else makes the 0x1C a byte of the content. */
static enum mllp_event tail(struct mllp *m, struct span *in, struct span *ret)
{
    uint8_t c = in->p[0];
    if (c == '\r') {
        (void)span_skip(in, 1);
        return end(m, false);
    }
    if (c == '\n' || c == MLLP_START_BYTE) {
        if (c == '\n')
            (void)span_skip(in, 1);
        return end(m, true);
    }
    m->state = MLLP_BODY;
    m->out[0] = MLLP_END_BYTE;
    *ret = span_of(m->out, 1);
    return MLLP_CONTENT;
}

/* Where the block may end or be cut off: the place of the first 0x1C, and in *ret_start that of the first 0x0B before it (else the same). Looked for
 * window by window, so that many false starts in a large input don't each search all of it. */
static size_t find_end(const struct span *in, size_t *ret_start)
{
    for (size_t from = 0; from < in->n;) {
        struct span window = span_of(in->p + from, in->n - from < 1024 ? in->n - from : 1024);
        size_t end_at = span_find(&window, MLLP_END_BYTE);
        struct span before = span_of(window.p, end_at);
        size_t start = span_find(&before, MLLP_START_BYTE);
        if (end_at < window.n || start < end_at) {
            *ret_start = from + start;
            return from + end_at;
        }
        from += window.n;
    }
    *ret_start = in->n;
    return in->n;
}

static enum mllp_event body(struct mllp *m, struct span *in, struct span *ret)
{
    size_t at;
    size_t end_at = find_end(in, &at);
    while (at < end_at) {
        struct span from = span_of(in->p + at, in->n - at < MLLP_HELD ? in->n - at : MLLP_HELD);
        int verdict = mllp_signature(from);
        if (verdict >= 0 && at > 0)
            return content(in, at, ret);
        if (verdict > 0) {
            (void)span_skip(in, 1);
            return MLLP_RESTART;
        }
        if (verdict == 0) {
            hold(m, in);
            return MLLP_MORE;
        }
        struct span behind = span_of(in->p + at + 1, end_at - at - 1);
        at += 1 + span_find(&behind, MLLP_START_BYTE);
    }
    if (end_at > 0) /* up to the end, or of a window without one: then it goes on with the next call */
        return content(in, end_at, ret);
    (void)span_skip(in, 1);
    m->state = MLLP_TAIL;
    return in->n == 0 ? MLLP_MORE : tail(m, in, ret);
}

enum mllp_event mllp_next(struct mllp *m, struct span *in, struct span *ret)
{
    if (m->held_n > 0) {
        if (m->held[0] != MLLP_START_BYTE)
            return give(m, MLLP_CONTENT, 0, ret);
        if (m->any_block && m->state == MLLP_IDLE) { /* the stream turned out to be MLLP while the start was held back */
            m->state = MLLP_BODY;
            memmove(m->held, m->held + 1, MLLP_HELD - 1);
            m->held_n--;
            return MLLP_START;
        }
        if (in->n == 0)
            return MLLP_MORE;
        enum mllp_event event = resume(m, in, ret);
        if (event != MLLP_MORE)
            return event;
    }
    if (in->n == 0)
        return MLLP_MORE;
    switch (m->state) {
    case MLLP_IDLE: return idle(m, in, ret);
    case MLLP_BODY: return body(m, in, ret);
    case MLLP_TAIL: return tail(m, in, ret);
    }
    return MLLP_MORE;
}

enum mllp_event mllp_close(struct mllp *m)
{
    enum mllp_state was = m->state;
    m->held_n = 0;
    m->state = MLLP_IDLE;
    if (was == MLLP_TAIL)
        return end(m, true);
    return was == MLLP_BODY ? MLLP_RESTART : MLLP_MORE;
}

void mllp_gap(struct mllp *m)
{
    m->held_n = 0;
    if (m->state == MLLP_TAIL)
        m->state = MLLP_BODY;
}
