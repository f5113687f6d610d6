#include "door/api/body.h"

#include "base/wipe.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* The only file of the room that meets jansson: its names and base/json.h's would meet otherwise. */

#define DEPTH_MEMBERS 16

static bool take(const json_t *root, struct body_field *f, char why[160])
{
    const json_t *value = json_object_get(root, f->name);
    f->text = (struct span){0};
    f->given = value != NULL;
    if (f->boolean && json_is_boolean(value)) {
        f->text = json_is_true(value) ? SPAN_LIT("true") : SPAN_LIT("false");
        return true;
    }
    if (value == NULL || json_is_null(value)) {
        if (!f->optional)
            (void)snprintf(why, 160, "\"%s\" is missing.", f->name);
        return f->optional;
    }
    if (!json_is_string(value)) {
        (void)snprintf(why, 160, "\"%s\" must be a text.", f->name);
        return false;
    }
    f->text = span_of(json_string_value(value), json_string_length(value));
    if (f->text.n > f->max) {
        (void)snprintf(why, 160, "\"%s\" may have at most %zu bytes.", f->name, f->max);
        return false;
    }
    return true;
}

static bool only_known(json_t *root, const struct body_field *fields, size_t n, char why[160])
{
    for (void *at = json_object_iter(root); at != NULL; at = json_object_iter_next(root, at)) {
        bool known = false;
        for (size_t i = 0; i < n && !known; i++)
            known = strcmp(json_object_iter_key(at), fields[i].name) == 0;
        if (!known) {
            (void)snprintf(why, 160, "The body has a member that this request does not know.");
            return false;
        }
    }
    return true;
}

bool body_parse(struct body *b, struct span text, struct body_field *fields, size_t n, char ret_why[160])
{
    *b = (struct body){0};
    for (size_t i = 0; i < n; i++)
        fields[i].text = (struct span){0}, fields[i].given = false;
    bool required = false;
    for (size_t i = 0; i < n; i++)
        required |= !fields[i].optional;
    if (text.n == 0 && !required)
        return true;
    json_t *root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    b->root = root;
    bool ok = json_is_object(root) && json_object_size(root) <= DEPTH_MEMBERS;
    if (!ok)
        (void)snprintf(ret_why, 160, "The body must be a JSON object.");
    ok = ok && only_known(root, fields, n, ret_why);
    for (size_t i = 0; ok && i < n; i++)
        ok = take(root, &fields[i], ret_why);
    if (!ok)
        body_close(b);
    return ok;
}

void body_close(struct body *b)
{
    json_decref(b->root);
    b->root = NULL;
}

static bool copy_text(const json_t *root, const char *key, char *out, size_t size)
{
    const json_t *value = json_object_get(root, key);
    const char *text = json_string_value(value);
    if (text == NULL || json_string_length(value) >= size)
        return false;
    memcpy(out, text, json_string_length(value) + 1);
    return true;
}

bool client_data_parse(struct span json, struct client_data *ret)
{
    *ret = (struct client_data){0};
    json_t *root = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *cross = json_object_get(root, "crossOrigin");
    bool ok = copy_text(root, "type", ret->type, sizeof ret->type) && copy_text(root, "challenge", ret->challenge, sizeof ret->challenge) &&
              copy_text(root, "origin", ret->origin, sizeof ret->origin) && (cross == NULL || json_is_boolean(cross));
    ret->inside_another = json_is_true(cross) || json_object_get(root, "topOrigin") != NULL;
    json_decref(root);
    return ok;
}

void body_wipe_freed(void)
{
    json_set_alloc_funcs(malloc, wipe_free);
}
