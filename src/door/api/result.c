#include "door/api/api_private.h"

#include <stdio.h>

#include "lab/inventory/custody.h"
#include "lab/inventory/message.h"
#include "lab/inventory/result.h"

/* Results and the messages that brought them. */

struct listing {
    struct call *c;
    int64_t limit;
    int64_t given;
    struct page last;
};

static void put_record(struct jsonw *j, const char *key, int64_t record)
{
    jsonw_key(j, key);
    if (record < 0)
        jsonw_null(j);
    else
        jsonw_int(j, record);
}

static void put_verdict(struct call *c, const struct result_row *row)
{
    struct jsonw *j = &c->json;
    struct buf text = BUF_INIT(512);
    custody_say(row, &text);
    jsonw_key(j, "verdict");
    jsonw_object(j);
    jsonw_put_str(j, "state", custody_word((enum custody_state)row->state));
    jsonw_put_text(j, "why", row->why);
    put_optional(j, "changed", row->part);
    jsonw_put_text(j, "text", said(c, buf_span(&text)));
    put_record(j, "received", row->received);
    put_record(j, "forwarded", row->forwarded);
    put_optional(j, "finding", row->finding);
    jsonw_object_end(j);
    buf_release(&text);
}

void result_put(struct call *c, const struct result_row *row)
{
    struct jsonw *j = &c->json;
    jsonw_put_uint(j, "record", row->record);
    jsonw_put_uint(j, "position", row->position);
    put_time(j, "time", row->time);
    put_time(j, "recorded", row->recorded);
    put_optional(j, "sender", row->sender);
    put_optional(j, "sender_device", row->sender_device);
    put_optional(j, "receiver", row->receiver);
    put_optional(j, "receiver_device", row->receiver_device);
    put_optional(j, "sender_title", row->sender_title);
    put_optional(j, "receiver_title", row->receiver_title);
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
    put_record(j, "record", row->message_record);
    put_optional(j, "link", row->link);
    put_optional(j, "leg", row->leg);
    jsonw_object_end(j);
    put_verdict(c, row);
}

static void put_result(void *context, const struct result_row *row)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    l->last.number = row->n;
    jsonw_object(&l->c->json);
    result_put(l->c, row);
    jsonw_object_end(&l->c->json);
}

void handle_result_list(struct call *c)
{
    char search[PARAM_MAX + 1];
    char sender[PARAM_MAX + 1];
    char verdict[PARAM_MAX + 1];
    char seen[PARAM_MAX + 1];
    struct page page;
    if (!query_text(c, "q", search) || !query_text(c, "sender", sender) || !query_text(c, "verdict", verdict) || !query_text(c, "seen", seen) ||
        !query_page(c, "results", &page))
        return;
    if ((verdict[0] != 0 && custody_of_word(span_str(verdict)) < 0) || (seen[0] != 0 && strcmp(seen, "first") != 0)) {
        problem(c, 400, "query", "\"verdict\" is one of the verdicts of results, \"seen\" is \"first\".");
        return;
    }
    lower(search);
    struct listing l = {.c = c, .limit = page.limit};
    struct result_query query = {.search = span_str(search),
                                 .sender = span_str(sender),
                                 .verdict = verdict[0] == 0 ? -1 : custody_of_word(span_str(verdict)),
                                 .first = seen[0] != 0,
                                 .before = page.after ? page.number : 0,
                                 .limit = page.limit + 1};
    struct error e = {0};
    list_begin(c);
    int rc = result_list(c->db, &query, put_result, &l, &e);
    list_end(c, "results", l.given > l.limit, &l.last, rc == 0 ? result_total(c->db, &query, &e) : -1, &e);
}

/* ── GET /results/summary, GET /results/{record} ── */

void handle_result_summary(struct call *c)
{
    struct custody_summary s;
    struct error e = {0};
    if (custody_summary(c->db, &s, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_int(j, "total", s.total);
    for (int i = CUSTODY_STATES - 1; i >= 0; i--) {
        char key[16];
        (void)snprintf(key, sizeof key, "%s", custody_word((enum custody_state)i));
        for (char *at = key; *at != 0; at++)
            *at = *at == '-' ? '_' : *at;
        jsonw_put_int(j, key, s.of[i]);
    }
    put_time(j, "since", s.since);
    jsonw_object_end(j);
}

void result_put_step(struct jsonw *j, const struct result_row *row)
{
    jsonw_key(j, "step");
    if (row->step.n == 0) {
        jsonw_null(j);
    } else {
        jsonw_object(j);
        jsonw_put_text(j, "verdict", row->step);
        put_optional(j, "changed", row->changed);
        jsonw_object_end(j);
    }
}

static void put_sighting(void *context, const struct result_row *row)
{
    struct listing *l = context;
    struct jsonw *j = &l->c->json;
    if (l->given++ == 0) {
        result_put(l->c, row);
        jsonw_key(j, "way");
        jsonw_array(j);
    }
    jsonw_object(j);
    result_put(l->c, row);
    result_put_step(j, row);
    jsonw_object_end(j);
}

void handle_result_get(struct call *c)
{
    uint64_t record = 0;
    struct error e = {0};
    struct listing l = {.c = c};
    if (!span_decimal(c->params[0], INT64_MAX, &record)) {
        problem(c, 404, "no-result", "There is no result with this number.");
        return;
    }
    jsonw_object(&c->json);
    int rc = custody_chain(c->db, record, put_sighting, &l, &e);
    if (l.given > 0)
        jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
    else if (l.given == 0)
        problem(c, 404, "no-result", "There is no result with this number, or it is not among those kept.");
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
    put_optional(j, "link", row->link);
    put_optional(j, "leg", row->leg);
    put_optional(j, "side", row->side);
    put_optional(j, "policy", row->verdict);
    jsonw_object_end(j);
}

void handle_message_list(struct call *c)
{
    struct page page;
    if (!query_page(c, "messages", &page))
        return;
    struct listing l = {.c = c, .limit = page.limit};
    struct error e = {0};
    list_begin(c);
    int rc = message_list(c->db, page.after ? page.number : 0, page.limit + 1, put_message, &l, &e);
    list_end(c, "messages", l.given > l.limit, &l.last, rc == 0 ? message_total(c->db, &e) : -1, &e);
}
