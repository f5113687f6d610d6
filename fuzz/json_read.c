/* The reader of JSON in place beside jansson: what one takes the other takes, and both find the same in it. */
#include "base/json_read.h"

#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static json_t *meant(struct span quoted)
{
    struct buf text = BUF_INIT(quoted.n + 1u);
    jsonr_unescape(quoted, &text);
    check(buf_ok(&text) && text.n <= quoted.n && (!jsonr_is_plain(quoted) || span_equal(buf_span(&text), quoted)));
    json_t *r = json_stringn(text.n > 0 ? (const char *)text.p : "", text.n);
    buf_release(&text);
    return r;
}

/* The same value as jansson's, made of what the reader finds. */
static json_t *made_of(struct span value)
{
    struct span name, inner;
    int64_t n;
    if (span_peek(&value, 0) == '{') {
        json_t *r = json_object();
        struct jsonr walk = jsonr_object(value);
        while (jsonr_member(&walk, &name, &inner)) {
            json_t *key = meant(name);
            check(json_object_setn_new(r, json_string_value(key), json_string_length(key), made_of(inner)) == 0);
            json_decref(key);
        }
        check(jsonr_ended(&walk));
        return r;
    }
    if (span_peek(&value, 0) == '[') {
        json_t *r = json_array();
        struct jsonr walk = jsonr_list(value);
        while (jsonr_item(&walk, &inner))
            check(json_array_append_new(r, made_of(inner)) == 0);
        check(jsonr_ended(&walk));
        return r;
    }
    if (jsonr_quoted(value, &inner))
        return meant(inner);
    if (jsonr_int(value, &n))
        return json_integer(n);
    return json_loadb((const char *)value.p, value.n, JSON_DECODE_ANY, NULL);
}

static bool deep(const uint8_t *data, size_t size)
{
    size_t depth = 0;
    for (size_t i = 0; i < size; i++)
        depth += data[i] == '{' || data[i] == '[';
    return depth >= JSONR_DEPTH;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    json_t *other = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
    struct jsonr walk = jsonr_object(text);
    struct span name, value;
    while (jsonr_member(&walk, &name, &value))
        continue;
    bool whole = jsonr_ended(&walk);
    bool zero = size > 0 && memchr(data, 0, size) != NULL; /* jansson steps over one that stands behind a number */
    if (json_is_object(other))
        check(whole || deep(data, size) || zero);
    else if (whole) /* jansson refuses numbers that a double cannot hold */
        check(other == NULL && (memchr(data, 'e', size) != NULL || memchr(data, 'E', size) != NULL || memchr(data, '.', size) != NULL));
    if (whole && other != NULL) {
        struct buf compact = BUF_INIT(size + 1);
        jsonr_compact(text, &compact);
        json_t *ours = made_of(buf_span(&compact));
        check(buf_ok(&compact) && json_equal(ours, other));
        json_decref(ours);
        buf_release(&compact);
    }
    json_decref(other);
    return 0;
}
