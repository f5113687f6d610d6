#include "lab/event.h"

#include <jansson.h>

static enum event event_by_name(const char *name)
{
    for (int e = EVENT_NONE + 1; e < EVENT_COUNT; e++)
        if (strcmp(event_name((enum event)e), name) == 0)
            return (enum event)e;
    return EVENT_NONE;
}

static struct span string_span(const json_t *value)
{
    const char *s = json_is_string(value) ? json_string_value(value) : NULL;
    return s == NULL ? SPAN_LIT("") : span_str(s); /* a text ends at a zero byte: nothing that a view shows goes on behind one */
}

bool event_open(struct event_view *v, struct span json)
{
    json_t *root = json_loadb((const char *)json.p, json.n, JSON_ALLOW_NUL, NULL);
    const char *name = json_string_value(json_object_get(root, "event"));
    tq_time time = 0;
    if (name == NULL || !time_parse(string_span(json_object_get(root, "time")), &time)) {
        json_decref(root);
        return false;
    }
    *v = (struct event_view){.root = root, .event = event_by_name(name), .time = time};
    return true;
}

bool event_open_bare(struct event_view *v, struct span json)
{
    json_t *root = json.n == 0 ? NULL : json_loadb((const char *)json.p, json.n, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return false;
    }
    *v = (struct event_view){.root = root};
    return true;
}

void event_release(struct event_view *v)
{
    json_decref(v->root);
    v->root = NULL;
}

static const json_t *find(const struct event_view *v, const char *path)
{
    const char *dot = strchr(path, '.');
    if (dot == NULL)
        return json_object_get(v->root, path);
    return json_object_get(json_object_getn(v->root, path, (size_t)(dot - path)), dot + 1);
}

static int64_t number(const json_t *value, int64_t missing)
{
    if (json_is_integer(value))
        return json_integer_value(value);
    return json_is_boolean(value) ? json_is_true(value) : missing;
}

struct span event_text(const struct event_view *v, const char *path)
{
    return string_span(find(v, path));
}

bool event_has(const struct event_view *v, const char *path)
{
    const json_t *value = find(v, path);
    return json_array_size(value) > 0 || string_span(value).n > 0;
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

struct span event_item(const struct event_view *v, const char *path, size_t i)
{
    const json_t *list = find(v, path);
    if (json_is_string(list) && i == 0)
        return string_span(list);
    return string_span(json_array_get(list, i));
}

int64_t event_item_int(const struct event_view *v, const char *path, size_t i, int64_t missing)
{
    return number(json_array_get(find(v, path), i), missing);
}

static int add_piece(const char *piece, size_t n, void *context)
{
    buf_add(context, piece, n);
    return 0;
}

void event_json(const struct event_view *v, const char *path, struct buf *out)
{
    const json_t *value = find(v, path);
    if (value != NULL && !json_is_null(value))
        (void)json_dump_callback(value, add_piece, out, JSON_COMPACT | JSON_ENCODE_ANY);
}

bool event_member(struct span json, const char *key, char *out, size_t size)
{
    json_t *root = json_loadb((const char *)json.p, json.n, 0, NULL);
    const char *text = json_string_value(json_object_get(root, key));
    size_t n = text == NULL ? 0 : strlen(text);
    bool fits = n > 0 && n < size;
    if (fits)
        memcpy(out, text, n + 1);
    json_decref(root);
    return fits;
}
