#include "door/api/api_private.h"

#include "lab/inventory/asset.h"

#include <stdio.h>
#include <stdlib.h>

/* What people say of devices: names, edits, which are one and which are not. */

#define FIELD_BYTES (4 * 80)
#define FIELDS_MAX 16

struct current {
    int64_t n;
    uint64_t changed;
    char id[64];
    char ip[46]; /* the first of each, or "" */
    char mac[46];
};

/* The first text of a JSON array of texts that need no escapes. */
static void first_of(struct span array, char out[46])
{
    (void)span_until(&array, '"', NULL);
    struct span one = span_until(&array, '"', NULL);
    (void)snprintf(out, 46, "%.*s", (int)one.n, one.n == 0 ? "" : (const char *)one.p);
}

static void note_current(void *context, const struct asset_row *row)
{
    struct current *now = context;
    now->n = row->n;
    now->changed = row->changed;
    (void)snprintf(now->id, sizeof now->id, "%.*s", (int)row->id.n, (const char *)row->id.p);
    first_of(row->ips, now->ip);
    first_of(row->macs, now->mac);
}

/* Which device: by its id, and by where it is, for a view that is rebuilt when its first records are removed. */
static void put_device(struct record *r, const struct current *now)
{
    record_str(r, KEY_ASSET, now->id);
    record_str(r, KEY_IP, now->ip);
    record_str(r, KEY_MAC, now->mac);
}

/* The device of the request as it is; false: the problem is set. */
static bool find_current(struct call *c, struct current *now)
{
    struct error e = {0};
    bool found = false;
    if (asset_get(c->db, c->params[0], note_current, now, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 404, "no-device", "There is no device with this id.");
    return !answered(c);
}

/* Makes the decision about this device; `key` is left out where the text is empty. */
static bool decide_device(struct call *c, enum event event, const struct current *now, enum record_key key, struct span text)
{
    struct record *r = decision(c, event);
    if (r == NULL)
        return false;
    uint64_t index = 0;
    put_device(r, now);
    record_text(r, key, text);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

/* ── PUT /devices/{id}/name ── */

void handle_device_name(struct call *c)
{
    struct body body;
    struct body_field name = {.name = "name", .max = FIELD_BYTES};
    if (!body_open(c, &body, &name, 1))
        return;
    struct current now = {0};
    if (find_current(c, &now)) {
        if (!asset_name_valid(name.text))
            problem(c, 422, "name", "A name has at most 80 characters, on one line.");
        else if (if_match(c, now.changed) && decide_device(c, EVENT_ASSET_NAMED, &now, KEY_NAME, name.text))
            answer_device(c, false);
    }
    body_close(&body);
}

/* ── PATCH /devices/{id} ── */

static bool fits(struct call *c, const struct body_field *fields, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        any |= fields[i].given;
        const char *flaw = asset_edit_flaw(fields[i].name, fields[i].text);
        if (flaw != NULL) {
            char detail[256];
            (void)snprintf(detail, sizeof detail, "\"%s\": %s", fields[i].name, flaw);
            problem(c, 422, "field", detail);
            return false;
        }
    }
    if (!any)
        problem(c, 422, "field", "Name at least one field to set, or to take back with null.");
    return any;
}

static bool edit(struct call *c, const struct current *now, const struct body_field *fields, size_t n)
{
    struct record *r = decision(c, EVENT_ASSET_EDITED);
    if (r == NULL)
        return false;
    struct buf texts[FIELDS_MAX];
    uint64_t index = 0;
    put_device(r, now);
    for (size_t i = 0; i < n; i++) {
        texts[i] = BUF_INIT(FIELD_BYTES + 64);
        if (!fields[i].given)
            continue;
        buf_addf(&texts[i], "%s=", fields[i].name);
        buf_add_span(&texts[i], fields[i].text);
        record_text(r, KEY_EDIT, buf_span(&texts[i]));
    }
    bool ok = decide(c, r, &index);
    for (size_t i = 0; i < n; i++)
        buf_release(&texts[i]);
    free(r);
    return ok;
}

static bool retires(const struct body_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].name, "retired") == 0)
            return span_is(fields[i].text, "true");
    return false;
}

void handle_device_edit(struct call *c)
{
    const char *const *names;
    struct body_field fields[FIELDS_MAX] = {0};
    size_t n = asset_editable(&names);
    struct body body;
    for (size_t i = 0; i < n && i < FIELDS_MAX; i++)
        fields[i] = (struct body_field){.name = names[i], .optional = true, .boolean = strcmp(names[i], "retired") == 0, .max = FIELD_BYTES - 80};
    if (!body_open(c, &body, fields, n))
        return;
    struct current now = {0};
    if (fits(c, fields, n) && find_current(c, &now) && if_match(c, now.changed) && edit(c, &now, fields, n)) {
        if (retires(fields, n))
            certificates_end(c, now.n, "the device was retired");
        if (!answered(c))
            answer_device(c, true);
    }
    body_close(&body);
}

/* ── which are one ── */

static bool find_other(struct call *c, struct span id, struct current *ret)
{
    struct error e = {0};
    bool found = false;
    if (asset_get(c->db, id, note_current, ret, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 422, "other", "There is no other device with this id.");
    return !answered(c);
}

static void relate(struct call *c, enum event event)
{
    struct body body;
    struct body_field other = {.name = "other", .max = 64};
    if (!body_open(c, &body, &other, 1))
        return;
    struct error e = {0};
    struct current now = {0};
    struct current than = {0};
    bool found = false;
    bool same = false;
    bool distinct = false;
    if (find_current(c, &now) && find_other(c, other.text, &than) && if_match(c, now.changed)) {
        if (asset_relation(c->db, span_str(now.id), span_str(than.id), &found, &same, &distinct, &e) != 0)
            problem_store(c, &e);
        else if (same)
            problem(c, 409, "one", "They are one device already. To part them, split off an address or a serial number.");
        else if (event == EVENT_ASSET_DISTINCT && distinct)
            problem(c, 409, "distinct", "They are known to be different already.");
        else if (decide_device(c, event, &now, KEY_OTHER, span_str(than.id)))
            answer_device(c, true);
    }
    body_close(&body);
}

void handle_device_join(struct call *c)
{
    relate(c, EVENT_ASSET_JOINED);
}

void handle_device_distinct(struct call *c)
{
    relate(c, EVENT_ASSET_DISTINCT);
}

/* ── POST /devices/{id}/split ── */

void handle_device_split(struct call *c)
{
    struct body body;
    struct body_field fields[] = {{.name = "address", .optional = true, .max = 64}, {.name = "serial", .optional = true, .max = 128}};
    if (!body_open(c, &body, fields, 2))
        return;
    struct error e = {0};
    struct current now = {0};
    struct asset_part part = {0};
    struct span text = fields[0].text.n > 0 ? fields[0].text : fields[1].text;
    if ((fields[0].text.n > 0) == (fields[1].text.n > 0))
        problem(c, 422, "part", "Say which part is another device: its \"address\", or its \"serial\".");
    else if (find_current(c, &now) && if_match(c, now.changed)) {
        if (asset_part_find(c->db, now.n, text, &part, &e) != 0)
            problem_store(c, &e);
        else if (part.identity == 0)
            problem(c, 422, "part", "The device has no such address or serial number now.");
        else if (!part.possible)
            problem(c, 409, "whole", "Nothing would remain: this is all that the device is known by.");
        else if (decide_device(c, EVENT_ASSET_SPLIT, &now, KEY_PART, text))
            answer_device(c, true);
    }
    body_close(&body);
}
