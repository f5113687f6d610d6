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
            jsonw_raw(j, span_of(p->texts.p + p->rows[i].at, p->rows[i].n));
    }
    jsonw_array_end(j);
    jsonw_put_bool(j, "cut", news > SHOWN_ROWS);
    jsonw_object_end(j);
    import_plan_free(p);
}

/* Records of up to IMPORT_ROWS rows, one after the other. false: the problem is set; *ret_rows are saved. */
static bool decide_rows(struct call *c, const struct import_plan *p, size_t *ret_rows)
{
    size_t i = 0;
    *ret_rows = 0;
    while (i < p->n) {
        struct record *r = decision(c, EVENT_ASSET_IMPORTED);
        size_t rows = 0;
        uint64_t index = 0;
        if (r == NULL)
            return false;
        for (; i < p->n && rows < IMPORT_ROWS; i++)
            if (p->rows[i].event_n > 0) {
                record_text(r, KEY_ROW, span_of(p->texts.p + p->rows[i].event_at, p->rows[i].event_n));
                rows++;
            }
        bool ok = rows == 0 || decide(c, r, &index);
        free(r);
        if (!ok)
            return false;
        *ret_rows += rows;
    }
    return true;
}

static void apply(struct call *c, const struct import_plan *p)
{
    size_t rows = 0;
    if (!decide_rows(c, p, &rows)) {
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
