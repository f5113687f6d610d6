#include "wire/mail_tree.h"

#include "wire/mail_head.h"

#define BOUNDARY 256

static bool is_type(const struct mail_part *p, const char *start)
{
    return strncmp(p->type, start, strlen(start)) == 0;
}

/* Splits a part into its fields and its body. */
static void part_open(struct mail_part *p, struct span bytes, bool digest)
{
    struct span rest = bytes;
    struct mail_field f;
    bool typed = false;
    bool encoded = false;
    (void)memset(p->type, 0, sizeof p->type);
    while (mail_field_next(&rest, &f)) {
        if (!typed && mail_is(f.name, "content-type")) {
            mail_token(f.value, p->type, sizeof p->type);
            typed = strchr(p->type, '/') != NULL;
        } else if (!encoded && mail_is(f.name, "content-transfer-encoding")) {
            p->encoding = mail_encoding_named(f.value);
            encoded = true;
        }
    }
    p->head = span_of(bytes.p, bytes.n - rest.n);
    p->body = rest;
    if (!typed)
        (void)memcpy(p->type, digest ? "message/rfc822" : "text/plain", digest ? 15 : 11);
}

/* Is a boundary's line at the start of s? *closes: it is the last one. Returns the bytes up to the next line, 0: it is not. */
static size_t delimiter(struct span s, struct span boundary, bool *closes)
{
    if (s.n < boundary.n + 2 || s.p[0] != '-' || s.p[1] != '-' || memcmp(s.p + 2, boundary.p, boundary.n) != 0)
        return 0;
    size_t i = boundary.n + 2;
    *closes = i + 1 < s.n && s.p[i] == '-' && s.p[i + 1] == '-';
    if (*closes)
        i += 2;
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r'))
        i++;
    if (i < s.n && s.p[i] != '\n')
        return 0;
    return i < s.n ? i + 1 : i;
}

static void add(struct mail_tree *t, struct span bytes, size_t parent, bool digest)
{
    if (t->n == MAIL_PARTS) {
        t->too_many = true;
        return;
    }
    struct mail_part *p = &t->parts[t->n];
    const struct mail_part *up = &t->parts[parent];
    *p = (struct mail_part){.parent = (uint16_t)parent, .depth = (uint16_t)(up->depth + 1), .inner = up->inner || up->message};
    part_open(p, bytes, digest);
    t->n++;
}

/* Adds the parts between the boundaries of part i. */
static void divide(struct mail_tree *t, size_t i, struct span boundary)
{
    struct span rest = t->parts[i].body;
    const uint8_t *start = NULL;
    bool digest = is_type(&t->parts[i], "multipart/digest");
    bool closes = false;
    bool line_start = true;
    while (rest.n > 0 && !closes) {
        size_t skip = line_start ? delimiter(rest, boundary, &closes) : 0;
        if (skip > 0) {
            if (start != NULL) {
                size_t n = (size_t)(rest.p - start);
                n -= n > 0 && start[n - 1] == '\n';
                n -= n > 0 && start[n - 1] == '\r';
                add(t, span_of(start, n), i, digest);
            }
            (void)span_skip(&rest, skip);
            start = rest.p;
            continue;
        }
        (void)span_until(&rest, '\n', NULL);
    }
    if (!closes) {
        t->unclosed = true;
        if (start != NULL)
            add(t, span_of(start, (size_t)(rest.p - start)), i, digest);
    }
    t->parts[i].divided = start != NULL;
}

void mail_tree_read(struct mail_tree *t, struct span message)
{
    t->n = 1;
    t->too_deep = t->too_many = t->unclosed = false;
    t->parts[0] = (struct mail_part){0};
    part_open(&t->parts[0], message, false);
    for (size_t i = 0; i < t->n; i++) { /* parts are added behind: breadth first */
        struct mail_part *p = &t->parts[i];
        bool holds_message = strcmp(p->type, "message/rfc822") == 0 || strcmp(p->type, "message/global") == 0;
        bool holds_parts = is_type(p, "multipart/");
        if (!holds_message && !holds_parts)
            continue;
        if (p->depth + 1 >= MAIL_DEPTH) {
            t->too_deep = true;
            continue;
        }
        if (holds_message && p->encoding != MAIL_PLAIN)
            continue;
        if (holds_message) {
            p->message = true;
            p->divided = true;
            add(t, p->body, i, false);
            continue;
        }
        struct span type;
        struct buf boundary = BUF_INIT(BOUNDARY);
        if (mail_field_find(p->head, "content-type", 0, &type) && mail_parameter(type, "boundary", &boundary) && boundary.n > 0)
            divide(t, i, mail_trim(buf_span(&boundary)));
        else
            t->unclosed = true;
        buf_release(&boundary);
    }
}
