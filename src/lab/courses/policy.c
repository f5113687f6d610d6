/* A policy's file: what it says of itself between two lines "---", then its text. Nothing is asked; whoever has read it says so. */
#include "lab/courses/course_private.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define PIECES 1000
#define MONTHS 120
#define DAYS 365

struct policy_reader {
    struct policy *p;
    const char *name;
    struct error *e;
    uint32_t line;
    unsigned seen; /* keys, a bit each */
    bool open;     /* the next line goes on with the last piece */
};

static int fail(const struct policy_reader *r, size_t column, const char *what)
{
    return err_set(r->e, ERR_MISUSE, "%s:%u:%zu: %s", r->name, r->line, column, what);
}

static struct span trim(struct span s)
{
    while (s.n > 0 && *s.p == ' ')
        (void)span_skip(&s, 1);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

static bool is_id(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
            return false;
    return s.n > 0 && s.n <= COURSE_ID;
}

static bool in_range(struct span v, uint64_t least, uint64_t most, uint32_t *ret)
{
    uint64_t n = 0;
    if (!span_decimal(v, most, &n) || n < least)
        return false;
    *ret = (uint32_t)n;
    return true;
}

static bool audience(struct span v, unsigned *ret)
{
    *ret = 0;
    bool more = true;
    while (more) {
        struct span one = trim(span_until(&v, ',', &more));
        int a = 0;
        while (a < COURSE_AUDIENCES && !span_is(one, course_audience_name((enum course_audience)a)))
            a++;
        if (a == COURSE_AUDIENCES)
            return false;
        *ret |= 1u << a;
    }
    return true;
}

/* ── the head ── */

enum { KEY_OF_ID, KEY_OF_TITLE, KEY_OF_FOR, KEY_OF_LANGUAGE, KEY_OF_VERSION, KEY_OF_DAYS, KEY_OF_RENEW, KEYS };
static const struct {
    const char *name;
    const char *wanted;
} keys[KEYS] = {
    [KEY_OF_ID] = {"id", "expected an id of small letters, digits and hyphens, at most 40, as in clean-desk"},
    [KEY_OF_TITLE] = {"title", "expected a title of at most 120 bytes"},
    [KEY_OF_FOR] = {"for", "expected some of: everyone, phlebotomist, technologist, front-desk, it, manager, privacy-officer, vendor, with commas"},
    [KEY_OF_LANGUAGE] = {"language", "expected en or es"},
    [KEY_OF_VERSION] = {"version", "expected a number from 1 to 9999: one more whenever what it asks for changes"},
    [KEY_OF_DAYS] = {"days", "expected 1 to 365 days, to read it in"},
    [KEY_OF_RENEW] = {"renew", "expected 1 to 120 months, after which it is read again"},
};

static bool take_key(struct policy *p, int key, struct span v)
{
    switch (key) {
    case KEY_OF_ID: p->id = v; return is_id(v);
    case KEY_OF_TITLE: p->title = v; return v.n > 0 && v.n <= 120;
    case KEY_OF_FOR: return audience(v, &p->audience);
    case KEY_OF_LANGUAGE: p->language = v; return span_is(v, "en") || span_is(v, "es");
    case KEY_OF_VERSION: return in_range(v, 1, 9999, &p->version);
    case KEY_OF_DAYS: return in_range(v, 1, DAYS, &p->days);
    default: return in_range(v, 1, MONTHS, &p->renew);
    }
}

static int read_key(struct policy_reader *r, struct span line)
{
    bool colon = false;
    struct span rest = line;
    struct span name = trim(span_until(&rest, ':', &colon));
    for (int k = 0; colon && k < KEYS; k++) {
        if (!span_is(name, keys[k].name))
            continue;
        if ((r->seen & 1u << k) != 0)
            return fail(r, 1, "this key stands there twice");
        r->seen |= 1u << k;
        return take_key(r->p, k, trim(rest)) ? 0 : fail(r, (size_t)(rest.p - line.p) + 1, keys[k].wanted);
    }
    return fail(r, 1, "expected one of: id, title, for, language, version, days, renew, and a colon");
}

static int read_head(struct policy_reader *r, struct span *text)
{
    struct span line = span_until(text, '\n', NULL);
    r->line = 1;
    if (!span_is(line, "---"))
        return fail(r, 1, "expected --- : a policy begins with what it is");
    while (true) {
        bool more = false;
        line = span_until(text, '\n', &more);
        r->line++;
        if (span_is(line, "---"))
            break;
        if (!more)
            return fail(r, 1, "expected --- behind what the policy is");
        if (trim(line).n > 0 && read_key(r, line) != 0)
            return -1;
    }
    for (int k = 0; k < KEY_OF_RENEW; k++)
        if ((r->seen & 1u << k) == 0)
            return err_set(r->e, ERR_MISUSE, "%s:%u:1: the key \"%s\" is missing", r->name, r->line, keys[k].name);
    return 0;
}

/* ── the text ── */

static bool starts(struct span line, const char *with, struct span *rest)
{
    if (!span_starts(line, span_str(with)))
        return false;
    (void)span_skip(&line, strlen(with));
    *rest = trim(line);
    return true;
}

static bool step(struct span line, struct span *rest)
{
    size_t n = 0;
    while (n < line.n && n < 3 && line.p[n] >= '0' && line.p[n] <= '9')
        n++;
    if (n == 0 || n + 1 >= line.n || line.p[n] != '.' || line.p[n + 1] != ' ')
        return false;
    (void)span_skip(&line, n + 2);
    *rest = trim(line);
    return true;
}

static int check(const struct policy_reader *r, struct span text)
{
    size_t at = 0;
    const char *why = NULL;
    if (text.n == 0)
        return fail(r, 1, "there is nothing behind this mark");
    return course_runs(text, NULL, NULL, &at, &why) ? 0 : fail(r, at + 1, why != NULL ? why : "this is not well written");
}

static int read_line(struct policy_reader *r, struct span line)
{
    struct policy *p = r->p;
    struct span text = trim(line);
    enum course_piece_kind kind = COURSE_TEXT;
    if (text.n == 0) {
        r->open = false;
        return 0;
    }
    if (starts(line, "### ", &text) || starts(line, "## ", &text) || starts(line, "# ", &text))
        kind = COURSE_HEADING;
    else if (starts(line, "- ", &text))
        kind = COURSE_ITEM;
    else if (step(line, &text))
        kind = COURSE_STEP;
    else if (starts(line, "> ", &text))
        kind = COURSE_NOTE;
    if (check(r, text) != 0)
        return -1;
    if (kind == COURSE_TEXT && r->open) { /* the words go on: both lie in the copy, side by side but for what stands between */
        struct span *last = &p->pieces[p->pieces_n - 1].text;
        memset((uint8_t *)(uintptr_t)last->p + last->n, ' ', (size_t)(text.p - last->p) - last->n);
        last->n = (uint32_t)(text.p + text.n - last->p);
        return 0;
    }
    if (p->pieces_n == PIECES)
        return fail(r, 1, "over 1000 paragraphs and items");
    p->pieces[p->pieces_n++] = (struct course_piece){.kind = kind, .line = r->line, .text = text};
    r->open = kind != COURSE_HEADING;
    return 0;
}

struct policy *policy_read(struct span text, const char *name, struct error *e)
{
    if (text.n > COURSE_FILE_BYTES || !text_is_utf8(text) || memchr(text.n == 0 ? (const uint8_t *)"" : text.p, 0, text.n) != NULL) {
        (void)err_set(e, ERR_MISUSE, "%s:1:1: expected UTF-8 text of at most %u bytes", name, COURSE_FILE_BYTES);
        return NULL;
    }
    struct policy *p = calloc(1, sizeof *p);
    if (p != NULL) {
        p->copy = malloc(2 * (size_t)text.n + 1);
        p->pieces = calloc(PIECES, sizeof *p->pieces);
    }
    if (p == NULL || p->copy == NULL || p->pieces == NULL) {
        (void)err_set(e, ERR_SYSTEM, "%s: no memory for the policy", name);
        policy_free(p);
        return NULL;
    }
    (void)span_copy(text, p->copy, text.n);
    p->file = span_of(p->copy + text.n, span_copy(text, p->copy + text.n, text.n));
    struct policy_reader r = {.p = p, .name = name, .e = e};
    struct span rest = span_of(p->copy, text.n);
    int rc = read_head(&r, &rest);
    bool more = true;
    while (rc == 0 && more) {
        struct span line = span_until(&rest, '\n', &more);
        r.line++;
        while (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        rc = line.n > COURSE_LINE ? fail(&r, COURSE_LINE, "the line is over 2000 bytes") : read_line(&r, line);
    }
    if (rc == 0 && p->pieces_n == 0)
        rc = fail(&r, 1, "expected the policy's text");
    if (rc == 0)
        return p;
    policy_free(p);
    return NULL;
}

void policy_free(struct policy *p)
{
    if (p == NULL)
        return;
    free(p->copy);
    free(p->pieces);
    free(p);
}

void policy_json(struct buf *out, const struct policy *p)
{
    struct jsonw j = jsonw_to(out);
    jsonw_object(&j);
    jsonw_put_text(&j, "id", p->id);
    jsonw_put_text(&j, "title", p->title);
    jsonw_put_text(&j, "language", p->language);
    jsonw_put_uint(&j, "version", p->version);
    course_put_blocks(&j, "text", p->pieces, p->pieces_n);
    jsonw_object_end(&j);
}
