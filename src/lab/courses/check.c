/* What holds a course together once its lines are read. */
#include "lab/courses/course_private.h"

#include <stdlib.h>

const char *course_question_kind_name(enum course_question_kind k)
{
    static const char *const names[] = {"one", "several", "order"};
    return names[k];
}

const char *course_audience_name(enum course_audience a)
{
    static const char *const names[COURSE_AUDIENCES] = {"everyone", "phlebotomist", "technologist",    "front-desk",
                                                        "it",       "manager",      "privacy-officer", "vendor"};
    return names[a];
}

const char *course_after_name(enum course_after a)
{
    return a == COURSE_AFTER_SIMULATION ? "simulation" : a == COURSE_AFTER_FINDING ? "finding" : NULL;
}

bool course_picture_name(struct span name)
{
    if (name.n < 5 || name.n > COURSE_ID + 4 || memcmp(name.p + name.n - 4, ".svg", 4) != 0)
        return false;
    for (size_t i = 0; i < name.n - 4; i++)
        if (!(name.p[i] >= 'a' && name.p[i] <= 'z') && !(name.p[i] >= '0' && name.p[i] <= '9') && name.p[i] != '-')
            return false;
    return true;
}

struct checker {
    struct course *c;
    const char *name;
    struct error *e;
    struct span unknown; /* a citation of nothing */
};

static void cited(void *context, enum course_run_kind kind, struct span text)
{
    struct checker *k = context;
    if (kind != COURSE_CITE)
        return;
    for (size_t i = 0; i < k->c->sources_n; i++)
        if (span_equal(k->c->sources[i].id, text)) {
            k->c->sources[i].used = true;
            return;
        }
    k->unknown = text;
}

/* Line and column of a place in the copy. */
static int fail_at(const struct checker *k, const uint8_t *at, const char *why, struct span what)
{
    uint32_t line = 1;
    size_t column = 1;
    for (const uint8_t *p = k->c->copy; p < at; p++) {
        line += *p == '\n';
        column = *p == '\n' ? 1 : column + 1;
    }
    return err_set(k->e, ERR_MISUSE, "%s:%u:%zu: %s%.*s", k->name, line, column, why, (int)(what.n > 80 ? 80 : what.n), (const char *)what.p);
}

static int check_text(struct checker *k, struct span text)
{
    size_t at = 0;
    const char *why = NULL;
    k->unknown = (struct span){0};
    if (!course_runs(text, cited, k, &at, &why))
        return fail_at(k, text.p + at, why, (struct span){0});
    return k->unknown.n == 0 ? 0 : fail_at(k, k->unknown.p, "no source of this name at the head of the file: ", k->unknown);
}

/* Only letters and digits (and bytes beyond ASCII), in small letters, with one space where anything else was. */
static void flatten(struct buf *b)
{
    size_t n = 0;
    bool gap = true;
    for (size_t i = 0; i < b->n; i++) {
        uint8_t c = b->p[i];
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c + 'a' - 'A');
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
        if (word || !gap)
            b->p[n++] = word ? c : ' ';
        gap = !word;
    }
    b->n = n > 0 && gap ? n - 1 : n;
}

static size_t words(struct span flat)
{
    size_t n = flat.n > 0;
    for (size_t i = 0; i < flat.n; i++)
        n += flat.p[i] == ' ';
    return n;
}

static int check_see(struct checker *k, const struct course_lesson *l, struct span text)
{
    struct buf see = BUF_INIT(COURSE_FILE_BYTES);
    int r = 0;
    for (size_t i = 0; i < l->questions && r == 0; i++) {
        const struct course_question *q = &k->c->questions[l->question0 + i];
        buf_clear(&see);
        course_plain(&see, q->see);
        flatten(&see);
        if (words(buf_span(&see)) < 4)
            r = fail_at(k, q->see.p, "at least four words of the lesson, please: ", q->see);
        else if (memmem(text.p, text.n, see.p, see.n) == NULL)
            r = fail_at(k, q->see.p, "these words do not stand in the text of this lesson: ", q->see);
    }
    buf_release(&see);
    return r;
}

static int check_lesson(struct checker *k, const struct course_lesson *l)
{
    struct buf text = BUF_INIT(COURSE_FILE_BYTES * 2);
    for (size_t i = 0; i < l->n; i++) {
        course_plain(&text, k->c->pieces[l->first + i].text);
        buf_u8(&text, '\n');
    }
    flatten(&text);
    int r = buf_ok(&text) ? check_see(k, l, buf_span(&text)) : err_set(k->e, ERR_SYSTEM, "%s: no memory for the course", k->name);
    buf_release(&text);
    return r;
}

int course_check(struct course *c, const char *name, struct error *e)
{
    struct checker k = {.c = c, .name = name, .e = e};
    int r = 0;
    for (size_t i = 0; i < c->pieces_n && r == 0; i++)
        r = check_text(&k, c->pieces[i].text);
    for (size_t i = 0; i < c->answers_n && r == 0; i++) {
        r = check_text(&k, c->answers[i].text);
        if (r == 0)
            r = check_text(&k, c->answers[i].feedback);
    }
    for (size_t i = 0; i < c->questions_n && r == 0; i++)
        r = check_text(&k, c->questions[i].see);
    for (size_t i = 0; i < c->lessons_n && r == 0; i++)
        r = check_lesson(&k, &c->lessons[i]);
    for (size_t i = 0; i < c->sources_n && r == 0; i++)
        if (!c->sources[i].used)
            r = fail_at(&k, c->sources[i].id.p, "no text cites this source: ", c->sources[i].id);
    return r;
}
