/* GET /acts: who did what, and what was done with whose account. Without acts.read a person sees her own, and those about her. */
#include "door/api/api_private.h"

#include "lab/people/act.h"

struct listing {
    struct call *c;
    int64_t limit;
    int64_t given;
    struct page last;
};

void act_put(struct jsonw *j, const struct act_row *row)
{
    jsonw_put_uint(j, "record", row->record);
    put_time(j, "time", row->time);
    put_optional(j, "person", row->person);
    put_optional(j, "display_name", row->display_name);
    put_optional(j, "account", row->account);
    jsonw_put_text(j, "event", row->event);
    jsonw_put_text(j, "what", row->what);
    put_optional(j, "permission", row->permission);
    put_optional(j, "role", row->role);
    put_optional(j, "why", row->why);
    put_optional(j, "origin", row->origin);
}

static void put_row(void *context, const struct act_row *row)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    l->last.number = (int64_t)row->record;
    jsonw_object(&l->c->json);
    act_put(&l->c->json, row);
    jsonw_object_end(&l->c->json);
}

static void answer(struct call *c, struct act_query *q, int64_t limit)
{
    struct listing l = {.c = c, .limit = limit};
    struct error e = {0};
    q->limit = limit + 1;
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = act_list(c->db, q, put_row, &l, &e);
    jsonw_array_end(&c->json);
    put_next(&c->json, "acts", l.given > l.limit, &l.last);
    int64_t total = rc == 0 ? act_total(c->db, q, &e) : -1;
    jsonw_put_int(&c->json, "total", total);
    jsonw_object_end(&c->json);
    if (total < 0)
        problem_store(c, &e);
}

void handle_act_list(struct call *c)
{
    struct page page;
    char person[NAMED_MAX + 1];
    char event[PARAM_MAX + 1];
    char text[NAMED_MAX + 1];
    if (!query_page(c, "acts", &page) || !query_named(c, "person", person) || !query_text(c, "event", event) || !query_named(c, "q", text))
        return;
    struct span own = span_str(c->person.name);
    bool all = may(c, "acts.read");
    if (!all && person[0] != 0 && !span_is(own, person)) {
        refuse(c, 403, "not-permitted", "Your role may see your own doings only.", "acts.read");
        return;
    }
    struct span whose = all ? span_str(person) : own;
    struct act_query q = {.person = whose, .account = whose, .event = span_str(event), .text = span_str(text), .record = -1};
    if (page.after)
        q.before = page.number;
    answer(c, &q, page.limit);
}
