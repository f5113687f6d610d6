/* What is told of people: lists, one person with everything granted to it, and why somebody could do something. */
#include "door/api/people_private.h"

#include "lab/people/act.h"
#include "lab/people/passkey.h"
#include "lab/people/totp.h"
#include "record/crypto/crypto.h"

#include <stdio.h>

struct sessions_of {
    const char *account;
    int64_t n;
};

static void count_session(void *context, const struct session *s)
{
    struct sessions_of *o = context;
    o->n += strcmp(s->account, o->account) == 0;
}

struct gathered {
    struct call *c;
    bool all; /* those that ended too */
    unsigned roles;
    tq_time at;
    tq_time ends; /* the first of those in force to end by itself; 0: none does */
    const char *permission;
};

static void gather(void *context, const struct account_grant *g)
{
    struct gathered *x = context;
    if (!grant_in_force(g, x->c->api->site, x->at))
        return;
    x->roles |= JOB_BIT(g->role);
    if (g->until != 0 && (x->ends == 0 || g->until < x->ends))
        x->ends = g->until;
}

static void put_grant(void *context, const struct account_grant *g)
{
    struct gathered *x = context;
    struct jsonw *j = &x->c->json;
    bool in_force = grant_in_force(g, x->c->api->site, x->at);
    if (!x->all && (!in_force || (x->permission != NULL && !jobs_may(JOB_BIT(g->role), x->permission))))
        return;
    jsonw_object(j);
    jsonw_put_str(j, "role", job_name(g->role));
    put_optional(j, "site", g->site);
    put_optional(j, "maker", g->maker);
    put_time(j, "since", g->since);
    put_time(j, "until", g->until);
    put_optional(j, "by", g->by);
    put_optional(j, "why", g->why);
    jsonw_put_uint(j, "record", g->record);
    put_time(j, "ended", g->ended);
    put_optional(j, "ended_by", g->ended_by);
    put_optional(j, "ended_why", g->ended_why);
    jsonw_put_bool(j, "in_force", in_force);
    jsonw_object_end(j);
}

static bool has_second_factor(struct call *c, const struct account *a)
{
    struct totp totp = {0};
    struct error e = {0};
    bool app = false;
    (void)totp_get(c->db, span_str(a->name), &totp, &app, &e);
    crypto_wipe(&totp, sizeof totp);
    return app || passkey_total(c->db, span_str(a->name), &e) > 0;
}

/* The members of a person in a list, without the braces. */
static void put_account(struct call *c, const struct account *a)
{
    struct jsonw *j = &c->json;
    struct error e = {0};
    struct gathered x = {.c = c, .at = c->now.wall};
    struct sessions_of open = {.account = a->name};
    tq_time confirmed = a->reviewed > a->created ? a->reviewed : a->created;
    (void)account_grants(c->db, span_str(a->name), gather, &x, &e);
    sessions_each(c->api->sessions, c->now.monotonic, count_session, &open);
    jsonw_put_str(j, "name", a->name);
    jsonw_put_uint(j, "etag", a->changed);
    jsonw_put_str(j, "display_name", a->display_name);
    jsonw_put_str(j, "state", account_state(a));
    put_roles(j, x.roles);
    put_time(j, "ends", x.ends);
    put_time(j, "token_ends", a->closed ? 0 : api_token_ends(c->db, span_str(a->name), c->now.wall));
    put_time(j, "created", a->created);
    put_optional(j, "created_by", span_str(a->created_by));
    put_time(j, "closed", a->closed_at);
    put_time(j, "last_sign_in", a->last_sign_in);
    put_time(j, "password_set", a->password_set);
    put_time(j, "invited_until", a->invite_hash[0] != 0 ? a->invite_until : 0);
    put_time(j, "reviewed", a->reviewed);
    put_optional(j, "reviewed_by", span_str(a->reviewed_by));
    jsonw_put_bool(j, "review_due", !a->closed && c->now.wall - confirmed > ACCOUNT_REVIEW_DUE);
    jsonw_put_bool(j, "second_factor", has_second_factor(c, a));
    jsonw_put_int(j, "sessions", open.n);
    jsonw_put_bool(j, "emergency", (x.roles & JOB_BIT(JOB_EMERGENCY)) != 0);
}

/* ── GET /people ── */

struct listing {
    struct call *c;
    int64_t limit;
    int64_t given;
    struct page last;
};

static void put_row(void *context, const struct account *a)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    (void)snprintf(l->last.text, sizeof l->last.text, "%s", a->name);
    jsonw_object(&l->c->json);
    put_account(l->c, a);
    jsonw_object_end(&l->c->json);
}

void people_due(const struct call *c, struct account_query *ret)
{
    ret->due = c->now.wall - ACCOUNT_REVIEW_DUE;
    ret->but = span_str(c->person.name);
}

void handle_people_list(struct call *c)
{
    struct page page;
    char text[NAMED_MAX + 1];
    char state[PARAM_MAX + 1];
    struct error e = {0};
    if (!query_page(c, "people", &page) || !query_named(c, "q", text) || !query_text(c, "state", state))
        return;
    struct listing l = {.c = c, .limit = page.limit};
    struct account_query q = {.text = span_str(text), .closed = strcmp(state, "all") == 0, .limit = page.limit + 1};
    if (page.after)
        q.after = span_str(page.text);
    if (strcmp(state, "due") == 0)
        people_due(c, &q);
    if (strcmp(state, "ending") == 0)
        q.ending = c->now.wall;
    list_begin(c);
    int rc = account_list(c->db, &q, put_row, &l, &e);
    list_end(c, "people", l.given > l.limit, &l.last, rc == 0 ? account_count(c->db, &q, &e) : -1, &e);
}

/* ── GET /people/{name} ── */

static void put_one(struct call *c, const struct account *a)
{
    struct error e = {0};
    struct gathered x = {.c = c, .at = c->now.wall, .all = true};
    set_etag(c, a->changed);
    jsonw_object(&c->json);
    put_account(c, a);
    jsonw_key(&c->json, "grants");
    jsonw_array(&c->json);
    int rc = account_grants(c->db, span_str(a->name), put_grant, &x, &e);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

void handle_people_get(struct call *c)
{
    struct account a;
    if (people_get(c, &a) && !not_modified(c, a.changed))
        put_one(c, &a);
}

void people_answer(struct call *c, const char *name)
{
    struct error e = {0};
    struct account a;
    bool found = false;
    if (account_get(c->db, span_str(name), &a, &found, &e) != 0 || !found)
        problem_store(c, &e);
    else
        put_one(c, &a);
}

/* ── GET /people/{name}/why ── */

struct found_act {
    bool any;
    tq_time time;
    char permission[64];
    struct call *c;
};

static void put_act_here(void *context, const struct act_row *row)
{
    struct found_act *f = context;
    f->any = true;
    f->time = row->time;
    (void)snprintf(f->permission, sizeof f->permission, "%.*s", (int)row->permission.n, (const char *)row->permission.p);
    jsonw_key(&f->c->json, "act");
    jsonw_object(&f->c->json);
    act_put(f->c, row);
    jsonw_object_end(&f->c->json);
}

/* record -1: now. */
static void tell_why(struct call *c, const struct account *a, int64_t record, const char *permission)
{
    struct error e = {0};
    struct found_act f = {.c = c, .time = c->now.wall};
    jsonw_object(&c->json);
    jsonw_put_str(&c->json, "person", a->name);
    jsonw_put_str(&c->json, "display_name", a->display_name);
    struct act_query q = {.person = span_str(a->name), .record = record, .limit = 1};
    if (record >= 0 && act_list(c->db, &q, put_act_here, &f, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    if (record >= 0 && !f.any) {
        problem(c, 404, "no-record", "This person made no such record, or it is not among the newest 100,000.");
        return;
    }
    if (!f.any)
        jsonw_put_str(&c->json, "act", NULL);
    const char *wanted = permission[0] != 0 ? permission : f.permission;
    struct gathered x = {.c = c, .at = f.time, .permission = wanted[0] != 0 ? wanted : NULL};
    unsigned roles = account_roles(c->db, span_str(a->name), c->api->site, f.time);
    put_time(&c->json, "at", f.time);
    put_optional(&c->json, "permission", span_str(wanted));
    jsonw_put_bool(&c->json, "may", wanted[0] == 0 ? roles != 0 : jobs_may(roles, wanted));
    jsonw_key(&c->json, "grants");
    jsonw_array(&c->json);
    int rc = account_grants(c->db, span_str(a->name), put_grant, &x, &e);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

/* Which of a person's roles gave a permission, now or when a record was made, granted by whom, when and why. */
void handle_people_why(struct call *c)
{
    char permission[PARAM_MAX + 1];
    char record[PARAM_MAX + 1];
    struct account a;
    uint64_t index = 0;
    if (!query_text(c, "permission", permission) || !query_text(c, "record", record) || !people_get(c, &a))
        return;
    if (record[0] != 0 && !span_decimal(span_str(record), INT64_MAX, &index)) {
        problem(c, 400, "query", "\"record\" is the number of a record.");
        return;
    }
    tell_why(c, &a, record[0] != 0 ? (int64_t)index : -1, permission);
}

/* ── GET /acts/{record}/why ── */

struct whose_act {
    char person[ACCOUNT_NAME_MAX + 32];
    char account[ACCOUNT_NAME_MAX + 32];
};

static void note_whose(void *context, const struct act_row *row)
{
    struct whose_act *w = context;
    (void)snprintf(w->person, sizeof w->person, "%.*s", (int)row->person.n, (const char *)row->person.p);
    (void)snprintf(w->account, sizeof w->account, "%.*s", (int)row->account.n, (const char *)row->account.p);
}

/* Why could whoever did it? Everybody learns that of what they did themselves, and of what was done with their account. */
void handle_act_why(struct call *c)
{
    struct error e = {0};
    struct account a;
    struct whose_act w = {0};
    uint64_t index = 0;
    bool found = false;
    if (!span_decimal(c->params[0], INT64_MAX, &index)) {
        problem(c, 404, "no-record", "There is no such record among the newest 100,000 doings.");
        return;
    }
    struct act_query q = {.record = (int64_t)index, .limit = 1};
    if (act_list(c->db, &q, note_whose, &w, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    bool own = w.person[0] != 0 && strcmp(w.person, c->person.name) == 0;
    bool about = w.account[0] != 0 && strcmp(w.account, c->person.name) == 0;
    if (!own && !about && !(may(c, "acts.read") && may(c, "people.read")))
        refuse(c, 403, "not-permitted", "Your role may see your own doings only.", "acts.read");
    else if (w.person[0] == 0 || account_get(c->db, span_str(w.person), &a, &found, &e) != 0 || !found)
        problem(c, 404, "no-record", "No account did this: nobody is known, or it was done at the machine itself.");
    else
        tell_why(c, &a, (int64_t)index, "");
}

/* ── GET /roles ── */

void handle_roles(struct call *c)
{
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_key(j, "roles");
    jsonw_array(j);
    for (int r = 0; r < JOB_COUNT; r++) {
        jsonw_object(j);
        jsonw_put_str(j, "name", job_name((enum job)r));
        jsonw_put_bool(j, "needs_end", job_needs_end((enum job)r));
        jsonw_put_bool(j, "given", r != JOB_LOCAL && r != JOB_EMERGENCY);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_key(j, "permissions");
    jsonw_array(j);
    for (size_t i = 0; i < permission_count(); i++) {
        struct permission p = permission_at(i);
        jsonw_object(j);
        jsonw_put_str(j, "name", p.name);
        jsonw_put_str(j, "what", p.what);
        jsonw_put_bool(j, "token", p.token);
        jsonw_key(j, "roles");
        jsonw_array(j);
        for (int r = 0; r < JOB_COUNT; r++)
            if ((p.roles & JOB_BIT(r)) != 0)
                jsonw_str(j, job_name((enum job)r));
        jsonw_array_end(j);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_object_end(j);
}
