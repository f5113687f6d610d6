#include "door/api/api_private.h"

#include "lab/ledger_view.h"

#include <stdio.h>
#include <stdlib.h>

static void put_check(struct call *c, const struct ledger_check_row *check)
{
    struct jsonw *j = &c->json;
    jsonw_key(j, "verified");
    if (!check->any) {
        jsonw_null(j);
        return;
    }
    jsonw_object(j);
    put_time(j, "at", check->at);
    jsonw_put_bool(j, "holds", check->holds);
    jsonw_put_int(j, "records", check->records);
    jsonw_key(j, "first_bad");
    if (check->holds || check->first_bad < 0)
        jsonw_null(j);
    else
        jsonw_int(j, check->first_bad);
    put_optional(j, "why", said(c, span_str(check->why)));
    jsonw_object_end(j);
}

void handle_ledger_get(struct call *c)
{
    struct error e = {0};
    struct ledger_check_row check;
    struct api_ledger_state *s = calloc(1, sizeof *s);
    if (s == NULL || ledger_check_get(c->db, &check, &e) != 0) {
        free(s);
        problem_store(c, &e);
        return;
    }
    c->api->host.ledger_state(c->api->host.context, s);
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_uint(j, "records", s->records);
    jsonw_put_str(j, "origin", s->origin);
    jsonw_key(j, "checkpoint");
    jsonw_object(j);
    jsonw_put_uint(j, "size", s->records);
    jsonw_put_str(j, "root", s->root);
    put_time(j, "time", s->checkpoint_time);
    jsonw_put_str(j, "text", s->checkpoint);
    jsonw_object_end(j);
    put_check(c, &check);
    jsonw_put_bool(j, "verifying", s->verifying);
    jsonw_put_str(j, "verifier", s->verifier);
    put_time(j, "since", s->first_time != 0 ? s->first_time : ledger_since(c->db));
    jsonw_put_uint(j, "bytes", s->bytes);
    jsonw_object_end(j);
    free(s);
}

void handle_ledger_verify(struct call *c)
{
    struct error e = {0};
    if (c->api->host.ledger_verify(c->api->host.context, span_str(c->person.name), &e) != 0) {
        if (e.class == ERR_AGAIN)
            problem_later(c, 409, "verifying", "The ledger is being checked already. The outcome will show here.", 5);
        else
            problem(c, 503, "not-started", "The check could not be started. Try again in a moment.");
        return;
    }
    jsonw_object(&c->json);
    jsonw_put_bool(&c->json, "started", true);
    jsonw_object_end(&c->json);
}

/* ── GET /ledger/records ── */

struct listing {
    struct call *c;
    int64_t limit;
    int64_t given;
    struct page last;
};

/* "41 events: 30 conversations, 11 facts about devices" */
static void say_many(struct buf *out, const struct ledger_row *row)
{
    buf_addf(out, "%lld events", (long long)row->events);
    const char *join = ": ";
    if (row->flows > 0) {
        buf_addf(out, "%s%lld conversation%s", join, (long long)row->flows, row->flows == 1 ? "" : "s");
        join = ", ";
    }
    if (row->evidence > 0) {
        buf_addf(out, "%s%lld fact%s about devices", join, (long long)row->evidence, row->evidence == 1 ? "" : "s");
        join = ", ";
    }
    int64_t others = row->events - row->flows - row->evidence;
    if (others > 0 && join[0] == ',')
        buf_addf(out, ", %lld other%s", (long long)others, others == 1 ? "" : "s");
}

static void put_row(void *context, const struct ledger_row *row)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    l->last.number = (int64_t)row->record;
    struct jsonw *j = &l->c->json;
    struct buf many = BUF_INIT(256);
    jsonw_object(j);
    jsonw_put_uint(j, "index", row->record);
    jsonw_put_str(j, "stream", row->custody ? "custody" : "observation");
    put_time(j, "time", row->time);
    jsonw_put_text(j, "event", row->events > 1 ? SPAN_LIT("observations") : row->event);
    if (row->events > 1)
        say_many(&many, row);
    jsonw_put_text(j, "summary", said(l->c, row->events > 1 ? buf_span(&many) : row->summary));
    jsonw_object_end(j);
    buf_release(&many);
}

void handle_ledger_records(struct call *c)
{
    struct page page;
    char text[PARAM_MAX + 1];
    uint64_t from = 0;
    if (!query_page(c, "records", &page) || !query_text(c, "from", text))
        return;
    if (text[0] != 0 && !span_decimal(span_str(text), INT64_MAX - 1, &from)) {
        problem(c, 400, "query", "\"from\" is the number of a record.");
        return;
    }
    if (text[0] != 0 && !page.after)
        page = (struct page){.limit = page.limit, .after = true, .number = (int64_t)from + 1};
    struct listing l = {.c = c, .limit = page.limit};
    struct error e = {0};
    list_begin(c);
    int rc = ledger_list(c->db, page.after ? page.number : -1, page.limit + 1, put_row, &l, &e);
    list_end(c, "records", l.given > l.limit, &l.last, rc == 0 ? ledger_rows(c->db, &e) : -1, &e);
}

/* ── GET /ledger/proof/{index} ── */

void handle_ledger_proof(struct call *c)
{
    uint64_t index = 0;
    struct error e = {0};
    look_away(c); /* proofs come from the ledger's files: the views need not wait */
    if (!span_decimal(c->params[0], INT64_MAX, &index) || index >= views_visible(c->api->views)) {
        problem(c, 404, "no-record", "There is no record with this number.");
        return;
    }
    if (c->api->host.ledger_prove(c->api->host.context, index, &c->reply->body, &e) != 0) {
        if (e.class == ERR_MISUSE)
            problem(c, 404, "no-record", "There is no record with this number.");
        else
            problem(c, 503, "no-proof", "The proof could not be made. Check the ledger.");
        return;
    }
    (void)snprintf(c->reply->type, sizeof c->reply->type, "text/plain; charset=utf-8");
}
