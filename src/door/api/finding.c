#include "door/api/api_private.h"

#include "base/text.h"
#include "lab/respond/finding.h"

#include <stdio.h>
#include <stdlib.h>

#define WHY_MAX 500

void put_finding(struct call *c, const struct finding_row *row)
{
    struct jsonw *j = &c->json;
    char etag[24];
    (void)snprintf(etag, sizeof etag, "%llu", (unsigned long long)row->changed);
    jsonw_put_text(j, "id", row->id);
    jsonw_put_str(j, "etag", etag);
    jsonw_put_text(j, "kind", row->kind);
    jsonw_put_text(j, "severity", row->severity);
    jsonw_put_text(j, "title", said(c, row->title));
    jsonw_put_text(j, "advice", said(c, row->advice));
    put_optional(j, "technique", row->technique);
    jsonw_put_text(j, "state", row->state);
    put_optional(j, "taken_by", row->taken_by);
    put_time(j, "first_time", row->first_time);
    put_time(j, "last_time", row->last_time);
    jsonw_put_int(j, "count", row->count);
    put_optional(j, "device", row->device);
    put_optional(j, "device_title", row->device_title);
    put_ready(j, "flows", row->flows, "[]");
    put_ready(j, "messages", row->messages, "[]");
    put_ready(j, "records", row->records, "[]");
}

/* ── GET /findings ── */

struct listing {
    struct call *c;
    int64_t limit;
    int64_t given;
    struct page last;
};

static void put_row(void *context, const struct finding_row *row)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    l->last.number = row->n;
    l->last.order = row->rank;
    jsonw_object(&l->c->json);
    put_finding(l->c, row);
    jsonw_object_end(&l->c->json);
}

/* A severity or one of the words for several; nothing said: what needs a person. */
static bool read_severity(struct span severity, struct finding_query *ret)
{
    ret->rank_min = severity.n == 0 || span_is(severity, "minor") ? RANK_NEED : span_is(severity, "all") ? RANK_INFO : finding_rank(severity);
    ret->rank_max = span_is(severity, "minor") ? RANK_SHARED : severity.n == 0 || span_is(severity, "all") ? RANK_CRITICAL : ret->rank_min;
    return ret->rank_min >= 0;
}

static bool read_filter(struct call *c, char state[PARAM_MAX + 1], char severity[PARAM_MAX + 1], char kind[PARAM_MAX + 1], struct finding_query *ret)
{
    if (!query_text(c, "state", state) || !query_text(c, "severity", severity) || !query_text(c, "kind", kind))
        return false;
    *ret = (struct finding_query){.state = state[0] == 0 ? SPAN_LIT("open") : span_str(state), .kind = span_str(kind)};
    if (span_is(ret->state, "all"))
        ret->state = (struct span){0};
    if (ret->state.n > 0 && !finding_state_valid(ret->state)) {
        problem(c, 400, "state", "\"state\" is open, taken, dismissed or all.");
        return false;
    }
    if (!read_severity(span_str(severity), ret)) {
        problem(c, 400, "severity", "\"severity\" is info, low, medium, high, critical, minor (low and medium) or all.");
        return false;
    }
    return true;
}

void handle_finding_list(struct call *c)
{
    char state[PARAM_MAX + 1];
    char severity[PARAM_MAX + 1];
    char kind[PARAM_MAX + 1];
    struct finding_query query;
    struct page page;
    if (!read_filter(c, state, severity, kind, &query) || !query_page(c, "findings", &page))
        return;
    query.after = page.after;
    query.after_rank = page.order;
    query.after_n = page.number;
    query.limit = page.limit + 1;
    struct listing l = {.c = c, .limit = page.limit};
    struct error e = {0};
    list_begin(c);
    int rc = finding_list(c->db, &query, put_row, &l, &e);
    list_end(c, "findings", l.given > l.limit, &l.last, rc == 0 ? finding_total(c->db, &query, &e) : -1, &e);
}

/* ── GET /findings/{id} ── */

struct one {
    struct call *c;
    struct error error;
    bool unchanged;
    uint64_t changed;
    char state[16];
};

static void put_step(void *context, tq_time time, struct span event, struct span person, struct span why, uint64_t record)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    put_time(j, "time", time);
    jsonw_put_text(j, "event", event);
    put_optional(j, "person", person);
    put_optional(j, "why", person.n > 0 ? why : said(c, why)); /* the program's own word, or a person's */
    jsonw_put_uint(j, "record", record);
    jsonw_object_end(j);
}

static void put_packets(void *context, const struct finding_kept *kept)
{
    struct jsonw *j = &((struct call *)context)->json;
    jsonw_object(j);
    jsonw_put_uint(j, "record", kept->record);
    put_time(j, "time", kept->time);
    jsonw_put_int(j, "packets", kept->packets);
    jsonw_put_int(j, "bytes", kept->bytes);
    put_time(j, "removed_at", kept->removed);
    jsonw_object_end(j);
}

static void put_evidence(struct call *c, const struct finding_row *row, struct error *e)
{
    struct jsonw *j = &c->json;
    jsonw_key(j, "evidence");
    jsonw_object(j);
    put_ready(j, "flows", row->flows, "[]");
    put_ready(j, "messages", row->messages, "[]");
    put_ready(j, "records", row->records, "[]");
    jsonw_key(j, "packets");
    jsonw_array(j);
    (void)finding_packets(c->db, row->id, put_packets, c, e);
    jsonw_array_end(j);
    put_time(j, "packets_removed_at", finding_packets_removed(c->db, row->n));
    jsonw_object_end(j);
}

static void put_detail(void *context, const struct finding_row *row)
{
    struct one *o = context;
    struct jsonw *j = &o->c->json;
    if (not_modified(o->c, row->changed))
        return;
    jsonw_object(j);
    put_finding(o->c, row);
    jsonw_key(j, "history");
    jsonw_array(j);
    (void)finding_history(o->c->db, row->n, put_step, o->c, &o->error);
    jsonw_array_end(j);
    put_evidence(o->c, row, &o->error);
    jsonw_object_end(j);
}

static void put_single(void *context, const struct finding_row *row)
{
    struct one *o = context;
    set_etag(o->c, row->changed);
    jsonw_object(&o->c->json);
    put_finding(o->c, row);
    jsonw_object_end(&o->c->json);
}

static void answer_finding(struct call *c, finding_each *put)
{
    struct one o = {.c = c};
    bool found = false;
    if (finding_get(c->db, c->params[0], put, &o, &found, &o.error) != 0 || o.error.class != ERR_NONE)
        problem_store(c, &o.error);
    else if (!found)
        problem(c, 404, "no-finding", "There is no finding with this id.");
}

void handle_finding_get(struct call *c)
{
    answer_finding(c, put_detail);
}

/* ── decisions ── */

static void note_state(void *context, const struct finding_row *row)
{
    struct one *o = context;
    o->changed = row->changed;
    (void)snprintf(o->state, sizeof o->state, "%.*s", (int)row->state.n, (const char *)row->state.p);
}

bool reason_valid(struct span why)
{
    bool ink = false;
    for (size_t i = 0; i < why.n; i++) {
        if ((why.p[i] < 0x20 && why.p[i] != '\n') || why.p[i] == 0x7f)
            return false;
        ink |= why.p[i] > 0x20;
    }
    return ink && text_is_utf8(why);
}

static const char *wrong_state(const char *state)
{
    if (strcmp(state, "open") == 0)
        return "This finding is open: it can be taken or dismissed.";
    if (strcmp(state, "taken") == 0)
        return "Somebody has taken this finding already: it can be given back or dismissed.";
    return "This finding is dismissed: it can be opened again.";
}

static bool step(struct call *c, enum event event, struct span why)
{
    struct record *r = decision(c, event);
    if (r == NULL)
        return false;
    uint64_t index = 0;
    record_text(r, KEY_FINDING, c->params[0]);
    record_text(r, KEY_WHY, why);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

static void make_step(struct call *c, enum event event, bool needs_why)
{
    struct body body;
    struct body_field why = {.name = "why", .max = 4 * WHY_MAX, .optional = !needs_why};
    if (!body_open(c, &body, &why, 1))
        return;
    struct one o = {.c = c};
    bool found = false;
    if (finding_get(c->db, c->params[0], note_state, &o, &found, &o.error) != 0)
        problem_store(c, &o.error);
    else if (!found)
        problem(c, 404, "no-finding", "There is no finding with this id.");
    else if ((needs_why || why.text.n > 0) && !reason_valid(why.text))
        problem(c, 422, "why", "Say in a few words why.");
    else if (if_match(c, o.changed)) {
        if (!finding_may(event_name(event), span_str(o.state)))
            problem(c, 409, "state", wrong_state(o.state));
        else if (step(c, event, why.text))
            answer_finding(c, put_single);
    }
    body_close(&body);
}

void handle_finding_take(struct call *c)
{
    make_step(c, EVENT_FINDING_TAKEN, false);
}

void handle_finding_release(struct call *c)
{
    make_step(c, EVENT_FINDING_RELEASED, false);
}

void handle_finding_dismiss(struct call *c)
{
    make_step(c, EVENT_FINDING_DISMISSED, true);
}

void handle_finding_reopen(struct call *c)
{
    make_step(c, EVENT_FINDING_REOPENED, true);
}
