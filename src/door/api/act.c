/* GET /acts: who did what, and what was done with whose account. Without acts.read a person sees her own, and those about her. */
#include "door/api/api_private.h"

#include "lab/people/act.h"

#include <stdio.h>

struct listing {
    struct call *c;
    int64_t limit;
    int64_t given;
    struct page last;
};

void act_put(struct call *c, const struct act_row *row)
{
    struct jsonw *j = &c->json;
    jsonw_put_uint(j, "record", row->record);
    put_time(j, "time", row->time);
    put_optional(j, "person", row->person);
    put_optional(j, "display_name", row->display_name);
    put_optional(j, "account", row->account);
    jsonw_put_text(j, "event", row->event);
    jsonw_put_text(j, "what", said(c, row->what));
    put_optional(j, "permission", row->permission);
    put_optional(j, "role", row->role);
    put_optional(j, "why", row->why);
    put_optional(j, "origin", row->origin);
    put_optional(j, "object", row->object);
    put_optional(j, "device", row->asset);
}

static void put_row(void *context, const struct act_row *row)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    l->last.number = (int64_t)row->record;
    jsonw_object(&l->c->json);
    act_put(l->c, row);
    jsonw_object_end(&l->c->json);
}

static void answer(struct call *c, struct act_query *q, int64_t limit)
{
    struct listing l = {.c = c, .limit = limit};
    struct error e = {0};
    q->limit = limit + 1;
    list_begin(c);
    int rc = act_list(c->db, q, put_row, &l, &e);
    list_end(c, "acts", l.given > l.limit, &l.last, rc == 0 ? act_total(c->db, q, &e) : -1, &e);
}

/* A time (RFC 3339), or a day (2026-11-29), in UTC; days_more: of the end, the day is in. */
static bool read_when(struct call *c, const char *name, int days_more, tq_time *ret)
{
    char text[PARAM_MAX + 1];
    char whole[PARAM_MAX + 32];
    *ret = 0;
    if (!query_text(c, name, text))
        return false;
    (void)snprintf(whole, sizeof whole, "%sT00:00:00Z", text);
    if (text[0] == 0 || time_parse(span_str(text), ret))
        return true;
    if (time_parse(span_str(whole), ret)) {
        *ret += days_more * INT64_C(86400) * TIME_SECOND;
        return true;
    }
    problem(c, 400, name, "A time is written 2026-11-29T14:00:00Z, a day 2026-11-29.");
    return false;
}

void handle_act_list(struct call *c)
{
    char device[PARAM_MAX + 1];
    char permission[PARAM_MAX + 1];
    tq_time since = 0;
    tq_time until = 0;
    struct page page;
    char person[NAMED_MAX + 1];
    char event[PARAM_MAX + 1];
    char text[NAMED_MAX + 1];
    if (!query_page(c, "acts", &page) || !query_named(c, "person", person) || !query_text(c, "event", event) || !query_named(c, "q", text) ||
        !query_text(c, "device", device) || !query_text(c, "permission", permission) || !read_when(c, "since", 0, &since) ||
        !read_when(c, "until", 1, &until))
        return;
    struct span own = span_str(c->person.name);
    bool all = may(c, "acts.read");
    if (!all && person[0] != 0 && !span_is(own, person)) {
        refuse(c, 403, "not-permitted", "Your role may see your own doings only.", "acts.read");
        return;
    }
    struct span whose = all ? span_str(person) : own;
    struct act_query q = {.person = whose,
                          .account = whose,
                          .event = span_str(event),
                          .text = span_str(text),
                          .record = -1,
                          .asset = span_str(device),
                          .permission = span_str(permission),
                          .since = since,
                          .until = until};
    if (page.after)
        q.before = page.number;
    answer(c, &q, page.limit);
}
