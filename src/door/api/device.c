#include "door/api/api_private.h"

#include "lab/inventory/asset.h"

#include <stdio.h>
#include <stdlib.h>

#define LIST "devices"

struct render {
    struct call *c;
    struct error error;
    const struct asset_row *row; /* of the sentences */
};

static void put_item(void *context, struct span text)
{
    struct call *c = context;
    jsonw_text(&c->json, text);
}

static void put_fact(void *context, struct span field, struct span value, struct span source, tq_time time)
{
    struct call *c = context;
    struct buf text = BUF_INIT(2048);
    asset_sentence(&text, field, value, source);
    jsonw_object(&c->json);
    jsonw_put_text(&c->json, "text", buf_span(&text));
    jsonw_put_text(&c->json, "source", source);
    put_time(&c->json, "time", time);
    jsonw_object_end(&c->json);
    buf_release(&text);
}

static void put_why(struct render *r, const struct asset_row *row)
{
    struct call *c = r->c;
    jsonw_key(&c->json, "why");
    jsonw_array(&c->json);
    struct buf text = BUF_INIT(512);
    if (asset_role_sentence(&text, row)) {
        jsonw_object(&c->json);
        jsonw_put_text(&c->json, "text", buf_span(&text));
        jsonw_put_str(&c->json, "source", row->results_sent + row->results_received > 0 ? "messages" : "flows");
        put_time(&c->json, "time", row->last_seen);
        jsonw_object_end(&c->json);
    }
    buf_release(&text);
    (void)asset_facts(c->db, row->n, put_fact, c, &r->error);
    jsonw_array_end(&c->json);
}

/* The members of a device, without the braces. */
static void put_device(struct render *r, const struct asset_row *row)
{
    struct jsonw *j = &r->c->json;
    char etag[24];
    (void)snprintf(etag, sizeof etag, "%llu", (unsigned long long)row->changed);
    jsonw_put_text(j, "id", row->id);
    jsonw_put_str(j, "etag", etag);
    put_optional(j, "name", row->name);
    jsonw_put_text(j, "title", row->title);
    jsonw_put_text(j, "role", row->role);
    jsonw_put_text(j, "role_basis", row->role_basis);
    put_optional(j, "maker", row->maker);
    put_optional(j, "model", row->model);
    put_optional(j, "serial", row->serial);
    put_optional(j, "software", row->software);
    put_optional(j, "hostname", row->hostname);
    static const char *const kinds[] = {"ip", "mac"};
    for (int i = 0; i < 2; i++) {
        jsonw_key(j, kinds[i]);
        jsonw_array(j);
        (void)asset_addresses(r->c->db, row->n, kinds[i], put_item, r->c, &r->error);
        jsonw_array_end(j);
    }
    jsonw_key(j, "protocols");
    jsonw_array(j);
    (void)asset_protocols(r->c->db, row->n, put_item, r->c, &r->error);
    jsonw_array_end(j);
    put_time(j, "first_seen", row->first_seen);
    put_time(j, "last_seen", row->last_seen);
    jsonw_put_int(j, "messages", row->messages);
    jsonw_put_int(j, "findings_open", row->findings_open);
    put_why(r, row);
}

/* ── GET /devices ── */

struct listing {
    struct render render;
    enum asset_sort sort;
    int64_t limit;
    int64_t given;
    struct page last;
};

static void put_row(void *context, const struct asset_row *row)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return; /* the one row more that says whether there is a next page */
    struct jsonw *j = &l->render.c->json;
    jsonw_object(j);
    put_device(&l->render, row);
    jsonw_object_end(j);
    l->last.number = row->n;
    l->last.order = l->sort == ASSET_BY_FIRST_SEEN ? row->first_seen : l->sort == ASSET_BY_LAST_SEEN ? row->last_seen : 0;
    struct span title = row->title;
    while (title.n >= sizeof l->last.text || (title.n > 0 && title.n < row->title.n && (title.p[title.n] & 0xc0) == 0x80))
        title.n--; /* cut between two characters */
    (void)snprintf(l->last.text, sizeof l->last.text, "%.*s", l->sort == ASSET_BY_TITLE ? (int)title.n : 0, (const char *)title.p);
}

static bool read_sort(struct call *c, const char *text, enum asset_sort *ret, const char **ret_list)
{
    static const struct {
        const char *name;
        const char *list;
    } sorts[ASSET_SORTS] = {
        [ASSET_BY_TITLE] = {"title", LIST},
        [ASSET_BY_FIRST_SEEN] = {"first_seen", LIST ".first"},
        [ASSET_BY_LAST_SEEN] = {"last_seen", LIST ".last"},
    };
    for (int i = 0; i < ASSET_SORTS; i++)
        if (strcmp(text[0] == 0 ? "title" : text, sorts[i].name) == 0) {
            *ret = (enum asset_sort)i;
            *ret_list = sorts[i].list;
            return true;
        }
    problem(c, 400, "sort", "\"sort\" is title, first_seen or last_seen.");
    return false;
}

void handle_device_list(struct call *c)
{
    char search[PARAM_MAX + 1];
    char role[PARAM_MAX + 1];
    char sort[PARAM_MAX + 1];
    const char *list = LIST;
    struct page page;
    struct listing l = {.render = {.c = c}};
    if (!query_text(c, "q", search) || !query_text(c, "role", role) || !query_text(c, "sort", sort) || !read_sort(c, sort, &l.sort, &list) ||
        !query_page(c, list, &page))
        return;
    lower(search);
    l.limit = page.limit;
    struct asset_query query = {.search = span_str(search),
                                .role = span_str(role),
                                .sort = l.sort,
                                .after = page.after,
                                .after_title = span_str(page.text),
                                .after_time = page.order,
                                .after_n = page.number,
                                .limit = page.limit + 1};
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_key(j, "items");
    jsonw_array(j);
    int rc = asset_list(c->db, &query, put_row, &l, &l.render.error);
    jsonw_array_end(j);
    put_next(j, list, l.given > l.limit, &l.last);
    int64_t total = asset_total(c->db, &query, &l.render.error);
    jsonw_put_int(j, "total", total);
    jsonw_object_end(j);
    if (rc != 0 || total < 0 || l.render.error.class != ERR_NONE)
        problem_store(c, &l.render.error);
}

/* ── GET /devices/{id} ── */

static void put_evidence(void *context, tq_time time, struct span source, struct span fields)
{
    struct call *c = context;
    jsonw_object(&c->json);
    put_time(&c->json, "time", time);
    jsonw_put_text(&c->json, "source", source);
    put_ready(&c->json, "fields", fields, "{}");
    jsonw_object_end(&c->json);
}

static void put_peer(void *context, const struct asset_peer *peer)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_text(j, "ip", peer->ip);
    put_optional(j, "name", peer->name);
    put_optional(j, "app", peer->app);
    jsonw_put_int(j, "packets", peer->packets);
    jsonw_put_int(j, "bytes", peer->bytes);
    put_time(j, "last_seen", peer->last_seen);
    jsonw_object_end(j);
}

static void put_detail(void *context, const struct asset_row *row)
{
    struct render *r = context;
    struct call *c = r->c;
    struct jsonw *j = &c->json;
    set_etag(c, row->changed); /* counters go on without it: no 304 here */
    jsonw_object(j);
    put_device(r, row);
    jsonw_key(j, "evidence");
    jsonw_array(j);
    (void)asset_evidence(c->db, row->n, put_evidence, c, &r->error);
    jsonw_array_end(j);
    jsonw_key(j, "peers");
    jsonw_array(j);
    (void)asset_peers(c->db, row->n, put_peer, c, &r->error);
    jsonw_array_end(j);
    jsonw_object_end(j);
}

static void put_single(void *context, const struct asset_row *row)
{
    struct render *r = context;
    set_etag(r->c, row->changed);
    jsonw_object(&r->c->json);
    put_device(r, row);
    jsonw_object_end(&r->c->json);
}

static void answer_device(struct call *c, asset_each *put)
{
    struct render r = {.c = c};
    bool found = false;
    if (asset_get(c->db, c->params[0], put, &r, &found, &r.error) != 0 || r.error.class != ERR_NONE)
        problem_store(c, &r.error);
    else if (!found)
        problem(c, 404, "no-device", "There is no device with this id.");
}

void handle_device_get(struct call *c)
{
    answer_device(c, put_detail);
}

/* ── PUT /devices/{id}/name ── */

struct current {
    uint64_t changed;
    char id[64];
};

static void note_current(void *context, const struct asset_row *row)
{
    struct current *now = context;
    now->changed = row->changed;
    (void)snprintf(now->id, sizeof now->id, "%.*s", (int)row->id.n, (const char *)row->id.p);
}

static bool name_device(struct call *c, const struct current *now, struct span name)
{
    struct record *r = decision(c, EVENT_ASSET_NAMED);
    if (r == NULL)
        return false;
    uint64_t index = 0;
    record_str(r, KEY_ASSET, now->id);
    record_text(r, KEY_NAME, name);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

void handle_device_name(struct call *c)
{
    struct body body;
    struct body_field name = {.name = "name", .max = 4 * 80};
    if (!body_open(c, &body, &name, 1))
        return;
    struct error e = {0};
    struct current now = {0};
    bool found = false;
    if (asset_get(c->db, c->params[0], note_current, &now, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 404, "no-device", "There is no device with this id.");
    else if (!asset_name_valid(name.text))
        problem(c, 422, "name", "A name has at most 80 characters, on one line.");
    else if (if_match(c, now.changed) && name_device(c, &now, name.text))
        answer_device(c, put_single);
    body_close(&body);
}
