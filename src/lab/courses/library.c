/* The courses that there are: those that come with the program, and a lab's own over them. */
#include "lab/courses/course_private.h"

#include "base/text.h"

#include <stdlib.h>

struct held_picture {
    struct course_picture shown;
    uint8_t *copy;
};

struct courses {
    size_t n, pictures_n;
    struct course *list[COURSES_MAX];
    struct held_picture pictures[COURSES_MAX];
    size_t policies_n;
    struct policy *policies[POLICIES_MAX];
};

struct courses *courses_empty(struct error *e)
{
    struct courses *s = calloc(1, sizeof *s);
    if (s == NULL)
        (void)err_set(e, ERR_SYSTEM, "no memory for the courses");
    return s;
}

void courses_free(struct courses *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        course_free(s->list[i]);
    for (size_t i = 0; i < s->pictures_n; i++)
        free(s->pictures[i].copy);
    for (size_t i = 0; i < s->policies_n; i++)
        policy_free(s->policies[i]);
    free(s);
}

/* ── pictures ── */

const struct course_picture *courses_picture(const struct courses *s, struct span name)
{
    for (size_t i = s->pictures_n; i-- > 0;)
        if (span_equal(s->pictures[i].shown.name, name))
            return &s->pictures[i].shown;
    return NULL;
}

static int add_picture(struct courses *s, struct span name, struct span text, bool own, struct error *e)
{
    if (!course_picture_name(name))
        return err_set(e, ERR_MISUSE, "pictures/%.*s: the name of a picture is at most %d small letters, digits and hyphens, and .svg",
                       (int)(name.n > 80 ? 80 : name.n), (const char *)name.p, COURSE_ID);
    if (text.n > COURSE_PICTURE_BYTES)
        return err_set(e, ERR_MISUSE, "pictures/%.*s: over %u bytes", (int)name.n, (const char *)name.p, COURSE_PICTURE_BYTES);
    if (!span_starts(text, SPAN_LIT("<svg ")) || !text_is_utf8(text))
        return err_set(e, ERR_MISUSE, "pictures/%.*s: expected an SVG file that begins with <svg, as UTF-8 text", (int)name.n, (const char *)name.p);
    if (s->pictures_n == COURSES_MAX)
        return err_set(e, ERR_MISUSE, "over %d pictures", COURSES_MAX);
    uint8_t *copy = malloc((size_t)name.n + text.n);
    if (copy == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for the courses");
    (void)span_copy(name, copy, name.n);
    (void)span_copy(text, copy + name.n, text.n);
    s->pictures[s->pictures_n++] = (struct held_picture){
        .copy = copy, .shown = {.name = span_of(copy, name.n), .text = span_of(copy + name.n, text.n), .own = own}};
    return 0;
}

int courses_add_picture(struct courses *s, struct span name, struct span text, struct error *e)
{
    return add_picture(s, name, text, true, e);
}

/* ── courses ── */

static int pictures_there(const struct courses *s, const struct course *c, const char *name, struct error *e)
{
    for (size_t i = 0; i < c->pieces_n; i++) {
        const struct course_piece *p = &c->pieces[i];
        if (p->kind == COURSE_PICTURE && courses_picture(s, p->picture) == NULL)
            return err_set(e, ERR_MISUSE, "%s:%u:1: there is no picture pictures/%.*s", name, p->line, (int)p->picture.n, (const char *)p->picture.p);
    }
    return 0;
}

static int add(struct courses *s, struct span text, const char *name, bool own, struct error *e)
{
    if (s->n == COURSES_MAX)
        return err_set(e, ERR_MISUSE, "%s:1:1: over %d courses", name, COURSES_MAX);
    struct course *c = course_read(text, name, e);
    if (c == NULL)
        return -1;
    struct course *other = NULL;
    for (size_t i = 0; i < s->n; i++)
        if (!s->list[i]->replaced && span_equal(s->list[i]->id, c->id))
            other = s->list[i];
    int r = pictures_there(s, c, name, e);
    if (r == 0 && other != NULL && other->own == own)
        r = err_set(e, ERR_MISUSE, "%s:1:1: the id \"%.*s\" is taken by another course", name, (int)c->id.n, (const char *)c->id.p);
    if (r != 0) {
        course_free(c);
        return -1;
    }
    if (other != NULL)
        other->replaced = true;
    c->own = own;
    s->list[s->n++] = c;
    return 0;
}

int courses_add(struct courses *s, struct span text, const char *name, struct error *e)
{
    return add(s, text, name, true, e);
}

static bool is_picture(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".svg") == 0;
}

struct courses *courses_new(struct error *e)
{
    struct courses *s = courses_empty(e);
    int r = s == NULL ? -1 : 0;
    for (size_t i = 0; r == 0 && i < course_files_count; i++)
        if (is_picture(course_files[i].name))
            r = add_picture(s, span_str(strrchr(course_files[i].name, '/') + 1), span_str(course_files[i].text), false, e);
    for (size_t i = 0; r == 0 && i < course_files_count; i++)
        if (!is_picture(course_files[i].name))
            r = add(s, span_str(course_files[i].text), course_files[i].name, false, e);
    if (r == 0)
        return s;
    courses_free(s);
    return NULL;
}

size_t courses_count(const struct courses *s)
{
    return s->n;
}

const struct course *courses_at(const struct courses *s, size_t n)
{
    return s->list[n];
}

const struct course *courses_find(const struct courses *s, struct span id)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->list[i]->replaced && span_equal(s->list[i]->id, id))
            return s->list[i];
    return NULL;
}

/* ── policies ── */

int courses_add_policy(struct courses *s, struct span text, const char *name, struct error *e)
{
    if (s->policies_n == POLICIES_MAX)
        return err_set(e, ERR_MISUSE, "%s:1:1: over %d policies", name, POLICIES_MAX);
    struct policy *p = policy_read(text, name, e);
    if (p == NULL)
        return -1;
    if (courses_policy(s, p->id) != NULL) {
        int r = err_set(e, ERR_MISUSE, "%s:1:1: the id \"%.*s\" is taken by another policy", name, (int)p->id.n, (const char *)p->id.p);
        policy_free(p);
        return r;
    }
    s->policies[s->policies_n++] = p;
    return 0;
}

size_t courses_policies(const struct courses *s)
{
    return s->policies_n;
}

const struct policy *courses_policy_at(const struct courses *s, size_t n)
{
    return s->policies[n];
}

const struct policy *courses_policy(const struct courses *s, struct span id)
{
    for (size_t i = 0; i < s->policies_n; i++)
        if (span_equal(s->policies[i]->id, id))
            return s->policies[i];
    return NULL;
}

/* ── a folder in one text ── */

void courses_pack(struct buf *out, char kind, struct span name, struct span text)
{
    buf_u8(out, (uint8_t)kind);
    buf_be16(out, (uint16_t)name.n);
    buf_add_span(out, name);
    buf_be32(out, text.n);
    buf_add_span(out, text);
}

int courses_unpack(struct courses *s, struct span packed, struct error *e)
{
    int r = 0;
    while (r == 0 && packed.n > 0) {
        char file[256];
        uint8_t kind = span_u8(&packed);
        struct span name = span_take(&packed, span_be16(&packed));
        struct span text = span_take(&packed, span_be32(&packed));
        if (!packed.bad && (kind == 's' || kind == 'z' || kind == 'a')) /* what else goes that way: proc/programme.c */
            continue;
        if (packed.bad || (kind != 'p' && kind != 'c' && kind != 'g') || name.n >= sizeof file)
            return err_set(e, ERR_CORRUPT, "the lab's own courses were not handed over whole");
        file[span_copy(name, file, sizeof file - 1)] = 0;
        r = kind == 'p' ? add_picture(s, name, text, true, e) : kind == 'c' ? add(s, text, file, true, e) : courses_add_policy(s, text, file, e);
    }
    return r;
}
