#include "lab/event.h"

#include "base/json_read.h"

#include <stdlib.h>

#define MEMBERS 64 /* to begin with */

/* A text that had escapes, as it is meant. */
struct meant {
    struct meant *next;
    size_t n;
    char text[];
};

struct member {
    struct span name;
    struct span value;
};

/* An opened object: where its members are in its text. */
struct object {
    struct meant *meant;
    struct jsonr list; /* the walk of event_item that was the last … */
    const uint8_t *at; /* … over the list that begins here; NULL: none … */
    size_t next;       /* … and the item that it comes to … */
    struct span item;  /* … behind this one */
    size_t n;
    size_t size;
    struct member members[];
};

static enum event event_by_name(struct span name)
{
    for (int e = EVENT_NONE + 1; e < EVENT_COUNT; e++) {
        const char *known = event_name((enum event)e);
        if (span_peek(&name, 0) == (uint8_t)known[0] && span_is(name, known))
            return (enum event)e;
    }
    return EVENT_NONE;
}

static struct object *larger(struct object *o, size_t size)
{
    struct object *r = realloc(o, sizeof *r + size * sizeof r->members[0]);
    if (r == NULL)
        free(o);
    else
        r->size = size;
    return r;
}

static struct object *open_object(struct span json)
{
    struct jsonr walk = jsonr_object(json);
    struct member m;
    struct object *o = larger(NULL, MEMBERS);
    if (o == NULL)
        return NULL;
    o->meant = NULL;
    o->at = NULL;
    o->n = 0;
    while (o != NULL && jsonr_member(&walk, &m.name, &m.value)) {
        if (o->n == o->size)
            o = larger(o, 2 * o->size);
        if (o != NULL)
            o->members[o->n++] = m;
    }
    if (o != NULL && jsonr_ended(&walk))
        return o;
    free(o);
    return NULL;
}

static void close_object(struct object *o)
{
    for (struct meant *m = o == NULL ? NULL : o->meant, *next; m != NULL; m = next) {
        next = m->next;
        explicit_bzero(m->text, m->n);
        free(m);
    }
    free(o);
}

/* What it means; it holds as long as the object. */
static struct span unescaped(struct object *o, struct span quoted)
{
    struct meant *m = malloc(sizeof *m + quoted.n);
    if (m == NULL)
        return (struct span){0};
    struct buf text = {.p = (uint8_t *)m->text, .size = quoted.n, .max = quoted.n}; /* never grows */
    jsonr_unescape(quoted, &text);
    *m = (struct meant){.next = o->meant, .n = text.n};
    o->meant = m;
    return span_of(m->text, text.n);
}

/* A text ends at a zero byte: nothing that a view shows goes on behind one. */
static struct span text_of(struct object *o, struct span value)
{
    struct span quoted;
    if (!jsonr_quoted(value, &quoted))
        return SPAN_LIT("");
    if (jsonr_is_plain(quoted))
        return quoted;
    struct span s = unescaped(o, quoted);
    return span_take(&s, span_find(&s, 0));
}

/* A name with escapes is longer than what it means, and begins as that or with one. */
static bool is_name(struct object *o, struct span name, struct span wanted)
{
    uint8_t first = span_peek(&name, 0);
    if (name.n < wanted.n || (first != span_peek(&wanted, 0) && first != '\\'))
        return false;
    return span_equal(name, wanted) || (!jsonr_is_plain(name) && span_equal(unescaped(o, name), wanted));
}

/* Of two members of one name the last counts. */
static struct span member_of(struct object *o, struct span wanted)
{
    for (size_t i = o->n; i > 0; i--)
        if (is_name(o, o->members[i - 1].name, wanted))
            return o->members[i - 1].value;
    return (struct span){0};
}

bool event_open(struct event_view *v, struct span json)
{
    struct object *o = open_object(json);
    tq_time time = 0;
    struct span name = o == NULL ? (struct span){0} : member_of(o, SPAN_LIT("event"));
    if (span_peek(&name, 0) != '"' || !time_parse(text_of(o, member_of(o, SPAN_LIT("time"))), &time)) {
        close_object(o);
        return false;
    }
    *v = (struct event_view){.root = o, .event = event_by_name(text_of(o, name)), .time = time};
    return true;
}

bool event_open_bare(struct event_view *v, struct span json)
{
    struct object *o = open_object(json);
    if (o == NULL)
        return false;
    *v = (struct event_view){.root = o};
    return true;
}

void event_release(struct event_view *v)
{
    close_object(v->root);
    v->root = NULL;
}

/* The value's text; empty: there is none. */
static struct span find(const struct event_view *v, const char *path)
{
    if (v->root == NULL) /* nothing was opened: an erased record */
        return (struct span){0};
    struct span rest = span_str(path);
    struct span value = member_of(v->root, span_until(&rest, '.', NULL));
    if (rest.n == 0)
        return value;
    struct jsonr inner = jsonr_object(value);
    struct member m;
    value = (struct span){0};
    while (jsonr_member(&inner, &m.name, &m.value))
        if (is_name(v->root, m.name, rest))
            value = m.value;
    return value;
}

static int64_t number(struct span value, int64_t missing)
{
    int64_t n;
    if (jsonr_int(value, &n))
        return n;
    return span_is(value, "true") ? 1 : span_is(value, "false") ? 0 : missing;
}

struct span event_text(const struct event_view *v, const char *path)
{
    return text_of(v->root, find(v, path));
}

bool event_has(const struct event_view *v, const char *path)
{
    struct span value = find(v, path);
    struct jsonr list = jsonr_list(value);
    struct span item;
    return jsonr_item(&list, &item) || text_of(v->root, value).n > 0;
}

int64_t event_int(const struct event_view *v, const char *path, int64_t missing)
{
    return number(find(v, path), missing);
}

tq_time event_when(const struct event_view *v, const char *path)
{
    tq_time t = 0;
    return time_parse(event_text(v, path), &t) ? t : 0;
}

/* Lists are asked item by item: the walk goes on where it was. */
static struct span item_of(const struct event_view *v, const char *path, size_t i)
{
    struct object *o = v->root;
    struct span value = find(v, path);
    if (value.n == 0)
        return value;
    if (o->at != value.p || o->next > i + 1) {
        o->list = jsonr_list(value);
        o->at = value.p;
        o->next = 0;
    }
    while (o->next <= i) {
        if (!jsonr_item(&o->list, &o->item))
            return (struct span){0};
        o->next++;
    }
    return o->item;
}

struct span event_item(const struct event_view *v, const char *path, size_t i)
{
    struct span value = find(v, path);
    return text_of(v->root, i == 0 && span_peek(&value, 0) == '"' ? value : item_of(v, path, i));
}

int64_t event_item_int(const struct event_view *v, const char *path, size_t i, int64_t missing)
{
    return number(item_of(v, path, i), missing);
}

void event_json(const struct event_view *v, const char *path, struct buf *out)
{
    struct span value = find(v, path);
    if (!span_is(value, "null"))
        jsonr_compact(value, out);
}

bool event_member(struct span json, const char *key, char *out, size_t size)
{
    struct event_view v;
    if (!event_open_bare(&v, json))
        return false;
    struct span value = find(&v, key);
    struct span text = text_of(v.root, value);
    bool fits = text.n > 0 && text.n < size;
    if (fits)
        out[span_copy(text, out, size)] = 0;
    event_release(&v);
    return fits;
}
