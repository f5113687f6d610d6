#include "lab/phishing/template.h"

#include <string.h>

static struct span trimmed(struct span s)
{
    while (s.n > 0 && s.p[0] == ' ')
        (void)span_skip(&s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

struct reading {
    const char *name;
    int line;
    struct phishing_template *t;
    struct phishing_words *w; /* NULL: above the first language */
    struct span *block;       /* lines that begin with a space go on with it */
};

static int wrong(const struct reading *r, struct error *e, const char *what)
{
    return err_set(e, ERR_MISUSE, "%s:%d: %s", r->name, r->line, what);
}

static int take_head(struct reading *r, struct span key, struct span value, struct error *e)
{
    if (value.n == 0 || value.n > PHISHING_ID)
        return wrong(r, e, "expected a value of at most 40 bytes");
    if (span_is(key, "id"))
        r->t->id = value;
    else if (span_is(key, "course"))
        r->t->course = value;
    else if (span_is(key, "page") && (span_is(value, "sign-in") || span_is(value, "notice")))
        r->t->sign_in = span_is(value, "sign-in");
    else
        return wrong(r, e, "expected id, course, or page: sign-in or notice");
    return 0;
}

static int take_words(struct reading *r, struct span key, struct span value, struct error *e)
{
    struct phishing_words *w = r->w;
    const struct {
        const char *name;
        struct span *to;
    } known[] = {{"name", &w->name},         {"sender", &w->sender}, {"subject", &w->subject},
                 {"headline", &w->headline}, {"prompt", &w->prompt}, {"button", &w->button}};
    if (span_is(key, "text") && value.n == 0) {
        r->block = &w->text;
        return 0;
    }
    if (value.n == 0)
        return wrong(r, e, "expected a text behind the colon");
    if (span_is(key, "sign")) {
        if (w->signs == PHISHING_SIGNS)
            return wrong(r, e, "at most 8 signs");
        w->sign[w->signs++] = value;
        return 0;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (span_is(key, known[i].name)) {
            *known[i].to = value;
            return 0;
        }
    return wrong(r, e, "expected name, sender, subject, text, headline, prompt, button or sign");
}

static int take_line(struct reading *r, struct span line, struct error *e)
{
    if (line.n > PHISHING_LINE)
        return wrong(r, e, "the line is longer than 400 bytes");
    if (r->block != NULL && (line.n == 0 || line.p[0] == ' ')) {
        if (r->block->p == NULL)
            *r->block = line;
        else
            r->block->n = (uint32_t)(line.p + line.n - r->block->p);
        return 0;
    }
    r->block = NULL;
    if (trimmed(line).n == 0 || line.p[0] == '#')
        return 0;
    if (span_is(trimmed(line), "[en]") || span_is(trimmed(line), "[es]")) {
        r->w = &r->t->words[line.p[2] == 'n' ? PHISHING_EN : PHISHING_ES];
        return r->w->name.n == 0 ? 0 : wrong(r, e, "this language was there before");
    }
    bool colon = false;
    struct span key = trimmed(span_until(&line, ':', &colon));
    if (!colon)
        return wrong(r, e, "expected key: value, [en] or [es]");
    return r->w == NULL ? take_head(r, key, trimmed(line), e) : take_words(r, key, trimmed(line), e);
}

static bool holds(struct span text, const char *what)
{
    return memmem(text.p, text.n, what, strlen(what)) != NULL;
}

static int whole(struct reading *r, struct error *e)
{
    const struct phishing_template *t = r->t;
    if (t->id.n == 0 || t->course.n == 0)
        return wrong(r, e, "id or course is missing");
    for (int i = 0; i < 2; i++) {
        const struct phishing_words *w = &t->words[i];
        if (w->name.n == 0 || w->sender.n == 0 || w->subject.n == 0 || w->headline.n == 0 || w->prompt.n == 0 || w->button.n == 0 || w->signs < 2)
            return wrong(r, e, i == 0 ? "[en] is not whole: it needs two signs at least" : "[es] is not whole: it needs two signs at least");
        if (w->text.n == 0 || !holds(w->text, "{link}"))
            return wrong(r, e, "a text has no {link}");
    }
    return 0;
}

int phishing_template_read(struct phishing_template *ret, const char *name, struct span text, struct error *e)
{
    struct phishing_template t = {0};
    struct reading r = {.name = name, .t = &t};
    while (text.n > 0) {
        r.line++;
        if (take_line(&r, span_until(&text, '\n', NULL), e) != 0)
            return -1;
    }
    if (whole(&r, e) != 0)
        return -1;
    *ret = t;
    return 0;
}

size_t phishing_template_count(void)
{
    return phishing_files_count;
}

bool phishing_template_at(size_t i, struct phishing_template *ret)
{
    struct error e = {0};
    return i < phishing_files_count && phishing_template_read(ret, phishing_files[i].name, span_str(phishing_files[i].text), &e) == 0;
}

bool phishing_template_find(struct span id, struct phishing_template *ret)
{
    for (size_t i = 0; i < phishing_files_count; i++)
        if (phishing_template_at(i, ret) && span_equal(ret->id, id))
            return true;
    return false;
}

void phishing_text(struct buf *out, const struct phishing_words *w, struct span name, struct span link)
{
    struct span rest = w->text;
    while (rest.n > 0) {
        struct span line = span_until(&rest, '\n', NULL);
        if (line.n > 0 && line.p[0] == ' ')
            (void)span_skip(&line, 1);
        while (line.n > 0) {
            bool stop = false;
            buf_add_span(out, span_until(&line, '{', &stop));
            if (!stop)
                break;
            struct span what = span_until(&line, '}', NULL);
            buf_add_span(out, span_is(what, "name") ? name : span_is(what, "link") ? link : what);
        }
        buf_add_str(out, "\n");
    }
}
