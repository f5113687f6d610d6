/* Text inside a line: **strong**, *soft*, `code`, [^source], and a backslash before a sign that is meant. Nothing else, and no HTML. */
#include "lab/courses/course.h"

struct writer {
    struct span rest;
    const uint8_t *start;
    enum course_run_kind as;
    course_run *each;
    void *context;
    const char *why;
};

static void give(const struct writer *w, const uint8_t *from, const uint8_t *to)
{
    if (to > from && w->each != NULL)
        w->each(w->context, w->as, span_of(from, (size_t)(to - from)));
}

/* Steps over a break of lines with the spaces before and the sign of a note behind; a reader sees one space. */
static void line_break(struct writer *w)
{
    while (w->rest.n > 0 && (*w->rest.p == '\n' || *w->rest.p == ' '))
        (void)span_skip(&w->rest, 1);
    if (span_peek(&w->rest, 0) == '>') {
        (void)span_skip(&w->rest, 1);
        while (span_peek(&w->rest, 0) == ' ')
            (void)span_skip(&w->rest, 1);
    }
    if (w->each != NULL && w->rest.n > 0)
        w->each(w->context, w->as, SPAN_LIT(" "));
}

static bool fault(struct writer *w, const char *why)
{
    w->why = why;
    return false;
}

/* ` has been seen. */
static bool code(struct writer *w)
{
    struct span whole = w->rest;
    (void)span_skip(&whole, 1);
    size_t n = span_find(&whole, '`');
    size_t line = span_find(&whole, '\n');
    if (n == whole.n || line < n || n == 0)
        return fault(w, "code needs a second ` in the same line");
    if (w->each != NULL)
        w->each(w->context, COURSE_CODE, span_of(whole.p, n));
    return span_skip(&w->rest, n + 2);
}

/* [ has been seen. */
static bool cite(struct writer *w)
{
    struct span whole = w->rest;
    (void)span_skip(&whole, 1);
    size_t n = span_find(&whole, ']');
    if (span_peek(&whole, 0) != '^' || n < 2 || n == whole.n || n > COURSE_ID)
        return fault(w, "expected a source, as in [^nist-63b]; links are no part of a course, and a bracket that is meant is \\[");
    if (w->each != NULL)
        w->each(w->context, COURSE_CITE, span_of(whole.p + 1, n - 1));
    return span_skip(&w->rest, n + 2);
}

/* * has been seen: begins or ends strong or soft text. */
static bool star(struct writer *w)
{
    bool two = span_peek(&w->rest, 1) == '*';
    enum course_run_kind kind = two ? COURSE_STRONG : COURSE_SOFT;
    uint8_t next = span_peek(&w->rest, two ? 2 : 1);
    if (w->as != COURSE_PLAIN && w->as != kind)
        return fault(w, "strong and soft text are not put into each other; a star that is meant is \\*");
    if (w->as == COURSE_PLAIN && (next == ' ' || next == '\n' || next == 0 || next == '*'))
        return fault(w, "a star that begins nothing; one that is meant is \\*");
    w->as = w->as == kind ? COURSE_PLAIN : kind;
    return span_skip(&w->rest, two ? 2 : 1);
}

static bool sign(struct writer *w)
{
    switch (*w->rest.p) {
    case '\n': line_break(w); return true;
    case '`': return code(w);
    case '[': return cite(w);
    case '*': return star(w);
    case '<': return fault(w, "no HTML in a course; a sign that is meant is \\<");
    default: return fault(w, "a backslash stands before one of \\ * ` [ ] < > # -");
    }
}

static bool escaped(const struct writer *w)
{
    return *w->rest.p == '\\' && w->rest.n > 1 && memchr("\\*`[]<>#-", w->rest.p[1], 9) != NULL;
}

bool course_runs(struct span written, course_run *each, void *context, size_t *ret_at, const char **ret_why)
{
    struct writer w = {.rest = written, .start = written.p, .each = each, .context = context};
    const uint8_t *from = written.p;
    const uint8_t *opened = written.p;
    bool good = true;
    while (good && w.rest.n > 0) {
        if (memchr("\n`[*<\\", *w.rest.p, 6) == NULL) {
            (void)span_skip(&w.rest, 1);
            continue;
        }
        give(&w, from, w.rest.p);
        from = w.rest.p;
        if (escaped(&w)) { /* the sign itself begins the next run */
            from++;
            (void)span_skip(&w.rest, 2);
            continue;
        }
        if (*w.rest.p == '*')
            opened = w.rest.p;
        good = sign(&w);
        from = good ? w.rest.p : from;
    }
    if (good)
        give(&w, from, w.rest.p);
    if (good && w.as != COURSE_PLAIN) {
        good = fault(&w, "strong or soft text that does not end; a star that is meant is \\*");
        from = opened;
    }
    if (!good && ret_at != NULL)
        *ret_at = (size_t)(from - w.start);
    if (!good && ret_why != NULL)
        *ret_why = w.why;
    return good;
}

static void plain(void *context, enum course_run_kind kind, struct span text)
{
    if (kind != COURSE_CITE)
        buf_add_span(context, text);
}

void course_plain(struct buf *out, struct span written)
{
    (void)course_runs(written, plain, out, NULL, NULL);
}
