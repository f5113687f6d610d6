#include "door/api/api_private.h"

#include "lab/inventory/admission.h"
#include "lab/inventory/asset.h"

#include <stdio.h>
#include <stdlib.h>

#define LIST "devices"

struct render {
    struct call *c;
    struct error error;
};

/* The members of a device, without the braces and without `instruments`: a count in lists, a list for a single one. */
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
    jsonw_put_int(j, "confidence", row->confidence);
    put_optional(j, "class", row->class);
    put_optional(j, "maker", row->maker);
    put_optional(j, "model", row->model);
    put_optional(j, "serial", row->serial);
    put_optional(j, "software", row->software);
    put_optional(j, "os", row->os);
    put_optional(j, "hostname", row->hostname);
    put_ready(j, "ip", row->ips, "[]");
    put_ready(j, "mac", row->macs, "[]");
    put_ready(j, "protocols", row->protocols, "[]");
    put_optional(j, "owner", row->owner);
    put_optional(j, "place", row->place);
    put_optional(j, "criticality", row->criticality);
    put_optional(j, "zone", row->zone);
    put_optional(j, "behind", row->behind);
    put_time(j, "first_seen", row->first_seen);
    put_time(j, "last_seen", row->last_seen);
    jsonw_put_int(j, "messages", row->messages);
    jsonw_put_int(j, "messages_per_hour", row->messages_per_hour);
    jsonw_key(j, "clock_skew_s");
    if (row->skew_known)
        jsonw_int(j, row->skew_s);
    else
        jsonw_null(j);
    jsonw_put_bool(j, "retired", row->retired);
    jsonw_put_text(j, "admission", row->admission);
    jsonw_put_int(j, "findings_open", row->findings_open);
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
    jsonw_put_int(j, "instruments", row->instruments);
    jsonw_object_end(j);
    l->last.number = row->n;
    l->last.order = l->sort == ASSET_BY_FIRST_SEEN  ? row->first_seen
                    : l->sort == ASSET_BY_LAST_SEEN ? row->last_seen
                    : l->sort == ASSET_BY_UNKNOWN   ? !span_is(row->role, "unknown")
                                                    : 0;
    bool by_title = l->sort == ASSET_BY_TITLE || l->sort == ASSET_BY_UNKNOWN;
    struct span title = row->title;
    while (title.n >= sizeof l->last.text || (title.n > 0 && title.n < row->title.n && (title.p[title.n] & 0xc0) == 0x80))
        title.n--; /* cut between two characters */
    (void)snprintf(l->last.text, sizeof l->last.text, "%.*s", by_title ? (int)title.n : 0, (const char *)title.p);
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
        [ASSET_BY_UNKNOWN] = {"unknown", LIST ".unknown"},
    };
    for (int i = 0; i < ASSET_SORTS; i++)
        if (strcmp(text[0] == 0 ? "title" : text, sorts[i].name) == 0) {
            *ret = (enum asset_sort)i;
            *ret_list = sorts[i].list;
            return true;
        }
    problem(c, 400, "sort", "\"sort\" is title, first_seen, last_seen or unknown.");
    return false;
}

static bool admission_known(struct call *c, const char *text)
{
    static const char *const states[] = {"", "vouched", "refused", "waiting", "unknown", "not-vouched"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(text, states[i]) == 0)
            return true;
    problem(c, 400, "admission", "\"admission\" is vouched, refused, waiting, unknown or not-vouched.");
    return false;
}

void handle_device_list(struct call *c)
{
    char search[PARAM_MAX + 1];
    char role[PARAM_MAX + 1];
    char zone[NAMED_MAX + 1];
    char criticality[PARAM_MAX + 1];
    char admission[PARAM_MAX + 1];
    char sort[PARAM_MAX + 1];
    const char *list = LIST;
    struct page page;
    struct listing l = {.render = {.c = c}};
    if (!query_text(c, "q", search) || !query_text(c, "role", role) || !query_named(c, "zone", zone) || !query_text(c, "criticality", criticality) ||
        !query_text(c, "admission", admission) || !query_text(c, "sort", sort) || !admission_known(c, admission) ||
        !read_sort(c, sort, &l.sort, &list) || !query_page(c, list, &page))
        return;
    lower(search);
    l.limit = page.limit;
    struct asset_query query = {.search = span_str(search),
                                .role = span_str(role),
                                .zone = span_str(zone),
                                .criticality = span_str(criticality),
                                .admission = span_str(admission),
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

static void put_reason(void *context, struct span text, struct span source, tq_time time, int64_t record)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_text(j, "text", said(c, text));
    jsonw_put_text(j, "source", source);
    put_time(j, "time", time);
    jsonw_key(j, "record");
    if (record < 0)
        jsonw_null(j);
    else
        jsonw_int(j, record);
    jsonw_object_end(j);
}

static void put_evidence(void *context, tq_time time, struct span source, struct span fields, int64_t record)
{
    struct call *c = context;
    jsonw_object(&c->json);
    put_time(&c->json, "time", time);
    jsonw_put_text(&c->json, "source", source);
    put_ready(&c->json, "fields", fields, "{}");
    jsonw_put_int(&c->json, "record", record);
    jsonw_object_end(&c->json);
}

static void put_peer(void *context, const struct asset_peer *peer)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_text(j, "ip", peer->ip);
    put_optional(j, "name", peer->name);
    put_optional(j, "device", peer->device);
    put_optional(j, "app", peer->app);
    jsonw_put_int(j, "packets", peer->packets);
    jsonw_put_int(j, "bytes", peer->bytes);
    put_time(j, "last_seen", peer->last_seen);
    jsonw_object_end(j);
}

static void put_report(void *context, struct span code, struct span text, int64_t count)
{
    struct call *c = context;
    jsonw_object(&c->json);
    jsonw_put_text(&c->json, "code", code);
    put_optional(&c->json, "text", text);
    jsonw_put_int(&c->json, "count", count);
    jsonw_object_end(&c->json);
}

static void put_link(void *context, struct span id, struct span title, const char *why)
{
    struct call *c = context;
    jsonw_object(&c->json);
    jsonw_put_text(&c->json, "id", id);
    jsonw_put_text(&c->json, "title", title);
    if (why != NULL)
        jsonw_put_text(&c->json, "why", said(c, span_str(why)));
    jsonw_object_end(&c->json);
}

static void put_edit(void *context, struct span field, struct span value, struct span person, tq_time time)
{
    struct call *c = context;
    jsonw_object(&c->json);
    jsonw_put_text(&c->json, "field", field);
    jsonw_put_text(&c->json, "value", value);
    put_optional(&c->json, "person", person);
    put_time(&c->json, "time", time);
    jsonw_object_end(&c->json);
}

static void put_held(void *context, struct span address, tq_time from, tq_time to, bool now)
{
    struct call *c = context;
    jsonw_object(&c->json);
    jsonw_put_text(&c->json, "address", address);
    put_time(&c->json, "from", from);
    put_time(&c->json, "to", to);
    jsonw_put_bool(&c->json, "now", now);
    jsonw_object_end(&c->json);
}

static void put_candidate(void *context, const struct catalog_candidate *k)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_text(j, "maker", k->maker);
    put_optional(j, "model", k->model);
    put_optional(j, "class", k->class);
    jsonw_put_int(j, "confidence", k->confidence);
    jsonw_key(j, "reasons");
    jsonw_array(j);
    for (size_t i = 0; i < k->reasons_n; i++) {
        struct buf text = BUF_INIT(2048);
        catalog_sentence(&text, k, &k->reasons[i]);
        jsonw_text(j, said(c, buf_span(&text)));
        buf_release(&text);
    }
    jsonw_array_end(j);
    jsonw_object_end(j);
}

static void put_hours(struct render *r, int64_t n)
{
    int64_t hours[24];
    (void)asset_hours(r->c->db, n, hours, &r->error);
    jsonw_key(&r->c->json, "hours");
    jsonw_array(&r->c->json);
    for (int i = 0; i < 24; i++)
        jsonw_int(&r->c->json, hours[i]);
    jsonw_array_end(&r->c->json);
}

static void put_admitted(void *context, const struct admission_row *row)
{
    struct jsonw *j = &((struct call *)context)->json;
    put_optional(j, "by", row->person);
    put_time(j, "at", row->time);
    put_optional(j, "why", row->why);
    jsonw_key(j, "record");
    if (row->record < 0)
        jsonw_null(j);
    else
        jsonw_int(j, row->record);
    jsonw_put_bool(j, "mixed", row->mixed);
    put_ready(j, "new_macs", row->new_macs, "[]");
}

/* Who decided whether it may be there. */
static void put_admission(struct render *r, int64_t n)
{
    jsonw_key(&r->c->json, "admitted");
    jsonw_object(&r->c->json);
    (void)admission_get(r->c->db, n, put_admitted, r->c, &r->error);
    jsonw_object_end(&r->c->json);
}

/* The lists of the page, each in its own statement: there is one device. */
static void put_lists(struct render *r, const struct asset_row *row)
{
    struct call *c = r->c;
    struct jsonw *j = &c->json;
    struct error *e = &r->error;
    int64_t n = row->n;
#define PUT_LIST(name, call)                                                                                                                         \
    do {                                                                                                                                             \
        jsonw_key(j, name);                                                                                                                          \
        jsonw_array(j);                                                                                                                              \
        (void)(call);                                                                                                                                \
        jsonw_array_end(j);                                                                                                                          \
    } while (0)
    PUT_LIST("candidates", asset_candidates(c->db, views_catalog(c->api->views), n, put_candidate, c, e));
    PUT_LIST("why", asset_why(c->db, views_catalog(c->api->views), row, put_reason, c, e));
    PUT_LIST("evidence", asset_evidence(c->db, n, put_evidence, c, e));
    PUT_LIST("peers", asset_peers(c->db, n, put_peer, c, e));
    PUT_LIST("reports", asset_reports(c->db, n, put_report, c, e));
    PUT_LIST("instruments", asset_instruments(c->db, n, put_link, c, e));
    PUT_LIST("duplicates", asset_duplicates(c->db, n, put_link, c, e));
    PUT_LIST("edits", asset_edits(c->db, n, put_edit, c, e));
    PUT_LIST("address_history", asset_address_history(c->db, n, put_held, c, e));
#undef PUT_LIST
}

static void put_detail(void *context, const struct asset_row *row)
{
    struct render *r = context;
    struct jsonw *j = &r->c->json;
    set_etag(r->c, row->changed); /* counters go on without it: no 304 here */
    jsonw_object(j);
    put_device(r, row);
    put_hours(r, row->n);
    put_admission(r, row->n);
    put_lists(r, row);
    jsonw_object_end(j);
}

static void put_single(void *context, const struct asset_row *row)
{
    struct render *r = context;
    set_etag(r->c, row->changed);
    jsonw_object(&r->c->json);
    put_device(r, row);
    jsonw_put_int(&r->c->json, "instruments", row->instruments);
    jsonw_object_end(&r->c->json);
}

void answer_device(struct call *c, bool whole)
{
    asset_each *put = whole ? put_detail : put_single;
    struct render r = {.c = c};
    bool found = false;
    if (asset_get(c->db, c->params[0], put, &r, &found, &r.error) != 0 || r.error.class != ERR_NONE)
        problem_store(c, &r.error);
    else if (!found)
        problem(c, 404, "no-device", "There is no device with this id.");
}

void handle_device_get(struct call *c)
{
    answer_device(c, true);
}
