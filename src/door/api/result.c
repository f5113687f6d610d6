#include "door/api/api_private.h"

#include "lab/inventory/message.h"
#include "lab/inventory/result.h"

/* Results and the messages that brought them. */

struct listing {
    struct call *c;
    int64_t limit;
    int64_t given;
    struct page last;
};

static void put_result(void *context, const struct result_row *row)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    l->last.number = row->n;
    struct jsonw *j = &l->c->json;
    jsonw_object(j);
    jsonw_put_uint(j, "record", row->record);
    jsonw_put_uint(j, "position", row->position);
    put_time(j, "time", row->time);
    put_time(j, "recorded", row->recorded);
    put_optional(j, "sender", row->sender);
    put_optional(j, "sender_device", row->sender_device);
    put_optional(j, "receiver", row->receiver);
    jsonw_key(j, "test");
    jsonw_object(j);
    put_optional(j, "code", row->test_code);
    put_optional(j, "system", row->test_system);
    put_optional(j, "text", row->test_text);
    jsonw_object_end(j);
    put_optional(j, "patient", row->patient);
    put_optional(j, "specimen", row->specimen);
    put_optional(j, "units", row->units);
    put_ready(j, "flags", row->flags, "[]");
    put_optional(j, "status", row->status);
    put_optional(j, "observed_at", row->observed_at);
    jsonw_key(j, "message");
    jsonw_object(j);
    put_optional(j, "id", row->message);
    put_optional(j, "protocol", row->protocol);
    put_optional(j, "type", row->type);
    put_optional(j, "control_id", row->control_id);
    jsonw_object_end(j);
    jsonw_put_str(j, "verdict", "single");
    jsonw_object_end(j);
}

void handle_result_list(struct call *c)
{
    char search[PARAM_MAX + 1];
    char sender[PARAM_MAX + 1];
    struct page page;
    if (!query_text(c, "q", search) || !query_text(c, "sender", sender) || !query_page(c, "results", &page))
        return;
    lower(search);
    struct listing l = {.c = c, .limit = page.limit};
    struct result_query query = {
        .search = span_str(search), .sender = span_str(sender), .before = page.after ? page.number : 0, .limit = page.limit + 1};
    struct error e = {0};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = result_list(c->db, &query, put_result, &l, &e);
    jsonw_array_end(&c->json);
    put_next(&c->json, "results", l.given > l.limit, &l.last);
    int64_t total = rc == 0 ? result_total(c->db, &query, &e) : -1;
    jsonw_put_int(&c->json, "total", total);
    jsonw_object_end(&c->json);
    if (total < 0)
        problem_store(c, &e);
}

static void put_message(void *context, const struct message_row *row)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    l->last.number = row->n;
    struct jsonw *j = &l->c->json;
    jsonw_object(j);
    jsonw_put_uint(j, "record", row->record);
    jsonw_put_uint(j, "position", row->position);
    put_time(j, "time", row->time);
    jsonw_put_text(j, "id", row->id);
    jsonw_put_text(j, "protocol", row->protocol);
    put_optional(j, "type", row->type);
    put_optional(j, "control_id", row->control_id);
    put_optional(j, "sender", row->sender);
    put_optional(j, "receiver", row->receiver);
    put_optional(j, "version", row->version);
    put_optional(j, "charset", row->charset);
    jsonw_put_int(j, "results", row->results);
    jsonw_put_int(j, "bytes", row->bytes);
    put_optional(j, "malformed", row->malformed);
    jsonw_key(j, "ack");
    if (row->ack_code.n == 0) {
        jsonw_null(j);
    } else {
        jsonw_object(j);
        jsonw_put_text(j, "code", row->ack_code);
        put_optional(j, "for", row->ack_for);
        jsonw_object_end(j);
    }
    put_ready(j, "flow", row->flow, "null");
    jsonw_object_end(j);
}

void handle_message_list(struct call *c)
{
    struct page page;
    if (!query_page(c, "messages", &page))
        return;
    struct listing l = {.c = c, .limit = page.limit};
    struct error e = {0};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = message_list(c->db, page.after ? page.number : 0, page.limit + 1, put_message, &l, &e);
    jsonw_array_end(&c->json);
    put_next(&c->json, "messages", l.given > l.limit, &l.last);
    int64_t total = rc == 0 ? message_total(c->db, &e) : -1;
    jsonw_put_int(&c->json, "total", total);
    jsonw_object_end(&c->json);
    if (total < 0)
        problem_store(c, &e);
}
