#include "door/api/api_private.h"

#include "lab/inventory/asset.h"
#include "lab/inventory/import.h"

#include <stdio.h>
#include <stdlib.h>

/* Lists of devices that people bring (first a preview, then with its token the decision) and take along. */

#define SHOWN_ROWS 5000 /* of a preview; those that change nothing are only counted */

/* ── bringing ── */

static struct import_plan *plan_of(struct call *c, struct span file)
{
    struct error e = {0};
    struct import_plan *p = import_plan_make(c->db, file, &e);
    if (p == NULL && e.class == ERR_MISUSE)
        problem(c, 422, "list", e.text);
    else if (p == NULL)
        problem_store(c, &e);
    return p;
}

/* Keeps the file until it is decided on: the oldest of a few goes. */
static void keep(struct call *c, const struct import_plan *p)
{
    struct api *api = c->api;
    (void)pthread_mutex_lock(&api->lock);
    struct api_list *slot = &api->lists[0];
    for (size_t i = 0; i < API_LISTS; i++) {
        if (strcmp(api->lists[i].token, p->token) == 0) {
            slot = &api->lists[i];
            break;
        }
        if (api->lists[i].at < slot->at)
            slot = &api->lists[i];
    }
    buf_release(&slot->file);
    slot->file = BUF_INIT(REQUEST_BODY_MAX);
    buf_add_span(&slot->file, c->request->body);
    (void)snprintf(slot->token, sizeof slot->token, "%s", p->token);
    slot->at = c->now.monotonic;
    (void)pthread_mutex_unlock(&api->lock);
}

/* The file that belongs to the token: that of the request, or the one kept. */
static bool fetch(struct call *c, struct buf *out)
{
    if (c->request->body.n > 0) {
        buf_add_span(out, c->request->body);
        return true;
    }
    (void)pthread_mutex_lock(&c->api->lock);
    for (size_t i = 0; i < API_LISTS; i++)
        if (span_is(c->params[0], c->api->lists[i].token) && c->now.monotonic - c->api->lists[i].at < API_LIST_AGE)
            buf_add_span(out, buf_span(&c->api->lists[i].file));
    (void)pthread_mutex_unlock(&c->api->lock);
    return out->n > 0;
}

static void put_counts(struct call *c, const int64_t counts[IMPORT_ACTIONS])
{
    jsonw_key(&c->json, "counts");
    jsonw_object(&c->json);
    for (int i = 0; i < IMPORT_ACTIONS; i++)
        jsonw_put_int(&c->json, import_action_name((enum import_action)i), counts[i]);
    jsonw_object_end(&c->json);
}

static void put_row(struct call *c, const struct import_plan *p, const struct import_row *row)
{
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_raw(j, span_of(p->texts.p + row->at, row->n));
    put_optional(j, "reason", row->why == NULL ? (struct span){0} : said(c, span_str(row->why)));
    jsonw_object_end(j);
}

void handle_device_preview(struct call *c)
{
    struct import_plan *p = plan_of(c, c->request->body);
    if (p == NULL)
        return;
    struct jsonw *j = &c->json;
    size_t shown = 0;
    size_t news = 0;
    keep(c, p);
    jsonw_object(j);
    jsonw_put_str(j, "token", p->token);
    put_counts(c, p->counts);
    put_ready(j, "columns", buf_span(&p->columns), "[]");
    jsonw_key(j, "rows");
    jsonw_array(j);
    for (size_t i = 0; i < p->n; i++) {
        news += p->rows[i].action != IMPORT_SAME;
        if (p->rows[i].action != IMPORT_SAME && shown++ < SHOWN_ROWS)
            put_row(c, p, &p->rows[i]);
    }
    jsonw_array_end(j);
    jsonw_put_bool(j, "cut", news > SHOWN_ROWS);
    jsonw_object_end(j);
    import_plan_free(p);
}

/* Records of up to IMPORT_ROWS rows, one after the other; those that take a list back say which (else *list is -1 and becomes its number), and all
 * but their last say that it goes on. false: the problem is set; *ret_rows are saved. */
static bool decide_rows(struct call *c, enum event event, const struct import_plan *p, int64_t *list, size_t *ret_rows)
{
    size_t i = 0;
    size_t left = 0;
    *ret_rows = 0;
    for (size_t k = 0; k < p->n; k++)
        left += p->rows[k].event_n > 0;
    bool last = left == 0 && event == EVENT_ASSET_IMPORTED;
    while (!last) {
        struct record *r = decision(c, event);
        size_t rows = 0;
        uint64_t index = 0;
        if (r == NULL)
            return false;
        last = left <= IMPORT_ROWS;
        if (*list >= 0)
            record_int(r, KEY_LIST, *list);
        if (event == EVENT_ASSET_UNIMPORTED && !last)
            record_int(r, KEY_CONTINUED, 1);
        for (; i < p->n && rows < IMPORT_ROWS; i++)
            if (p->rows[i].event_n > 0) {
                record_text(r, KEY_ROW, span_of(p->texts.p + p->rows[i].event_at, p->rows[i].event_n));
                rows++;
            }
        bool ok = decide(c, r, &index);
        free(r);
        if (!ok)
            return false;
        if (*list < 0)
            *list = (int64_t)index;
        *ret_rows += rows;
        left -= rows;
    }
    return true;
}

static void apply(struct call *c, const struct import_plan *p)
{
    size_t rows = 0;
    int64_t list = -1;
    if (!decide_rows(c, EVENT_ASSET_IMPORTED, p, &list, &rows)) {
        if (rows > 0) {
            char detail[200];
            (void)snprintf(detail, sizeof detail, "%zu rows are saved, the others are not. Bring the list again: what is saved shows as unchanged.",
                           rows);
            problem_later(c, 503, "part-saved", detail, 2);
        }
        return;
    }
    jsonw_object(&c->json);
    put_counts(c, p->counts);
    jsonw_put_int(&c->json, "saved", (int64_t)rows);
    jsonw_key(&c->json, "list");
    if (list >= 0)
        jsonw_int(&c->json, list);
    else
        jsonw_null(&c->json);
    jsonw_object_end(&c->json);
}

void handle_device_import(struct call *c)
{
    struct buf file = BUF_INIT(REQUEST_BODY_MAX);
    if (!fetch(c, &file)) {
        problem(c, 404, "no-list", "This preview is not kept any more. Bring the list again.");
    } else {
        struct import_plan *p = plan_of(c, buf_span(&file));
        if (p != NULL && !span_is(c->params[0], p->token))
            problem(c, 409, "changed", "The list, or what is known of its devices, has changed since the preview. Look at it again.");
        else if (p != NULL)
            apply(c, p);
        import_plan_free(p);
    }
    buf_release(&file);
}

/* ── taking back ── */

static void put_list(void *context, const struct import_list *list)
{
    struct jsonw *j = &((struct call *)context)->json;
    jsonw_object(j);
    jsonw_put_int(j, "list", list->record);
    put_optional(j, "person", list->person);
    put_time(j, "time", list->time);
    jsonw_put_int(j, "devices", list->devices);
    put_optional(j, "undone_by", list->undone_person);
    put_time(j, "undone_at", list->undone_time);
    jsonw_object_end(j);
}

void handle_device_imports(struct call *c)
{
    struct error e = {0};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = import_lists(c->db, -1, put_list, c, &e);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

struct meant {
    bool found, undone;
};

static void note_list(void *context, const struct import_list *list)
{
    *(struct meant *)context = (struct meant){.found = true, .undone = list->undone_time != 0};
}

/* The list of the request; false: the problem is set. */
static bool find_list(struct call *c, int64_t *ret_list)
{
    struct error e = {0};
    struct meant meant = {0};
    uint64_t number = 0;
    bool valid = span_decimal(c->params[0], INT64_MAX, &number);
    *ret_list = (int64_t)number;
    if (valid && import_lists(c->db, *ret_list, note_list, &meant, &e) != 0)
        problem_store(c, &e);
    else if (!meant.found)
        problem(c, 404, "no-list", "There is no such list, or it is too long ago: the last 20 can be taken back.");
    else if (meant.undone)
        problem(c, 409, "undone", "This list was taken back already.");
    return !answered(c);
}

static void answer_back(struct call *c, int64_t list, const struct import_plan *p)
{
    struct jsonw *j = &c->json;
    size_t shown = 0;
    jsonw_object(j);
    jsonw_put_int(j, "list", list);
    jsonw_put_int(j, "back", p->counts[IMPORT_CHANGE]);
    jsonw_put_int(j, "gone", p->counts[IMPORT_CREATE]);
    jsonw_put_int(j, "stay", p->counts[IMPORT_AMBIGUOUS]);
    jsonw_key(j, "stayed");
    jsonw_array(j);
    for (size_t i = 0; i < p->n; i++)
        if (p->rows[i].n > 0 && shown++ < SHOWN_ROWS) {
            jsonw_object(j);
            jsonw_raw(j, span_of(p->texts.p + p->rows[i].at, p->rows[i].n));
            jsonw_object_end(j);
        }
    jsonw_array_end(j);
    jsonw_object_end(j);
}

void handle_device_unimport(struct call *c)
{
    struct error e = {0};
    int64_t list = -1;
    size_t rows = 0;
    if (!find_list(c, &list))
        return;
    struct buf held = BUF_INIT(1u << 20);
    certificates_held(c, &held);
    struct import_plan *p = NULL;
    if (buf_ok(&held))
        p = import_back_make(c->db, list, buf_span(&held), &e);
    else
        (void)err_set(&e, ERR_SYSTEM, "no memory");
    buf_release(&held);
    if (p == NULL)
        problem_store(c, &e);
    else if (decide_rows(c, EVENT_ASSET_UNIMPORTED, p, &list, &rows))
        answer_back(c, list, p);
    else if (rows > 0)
        problem_later(c, 503, "part-saved", "A part is taken back, the rest is not. Take the list back again: it goes on there.", 2);
    import_plan_free(p);
}

/* ── taking along ── */

static void answer_file(struct call *c, int rc, const struct error *e, const char *type)
{
    if (rc != 0)
        problem_store(c, e);
    else
        (void)snprintf(c->reply->type, sizeof c->reply->type, "%s", type);
}

void handle_device_csv(struct call *c)
{
    struct error e = {0};
    answer_file(c, export_csv(c->db, &c->reply->body, &e), &e, "text/csv; charset=utf-8");
}

void handle_device_cyclonedx(struct call *c)
{
    struct error e = {0};
    answer_file(c, export_cyclonedx(c->db, c->api->site, &c->reply->body, &e), &e, "application/vnd.cyclonedx+json; version=1.6");
}
