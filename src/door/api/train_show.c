/* What managers and auditors see of training: who is due, and counts. Never an answer, a number of tries or of right answers. */
#include "door/api/training.h"

#include "base/text.h"

#include <stdio.h>

/* ── GET /training ── */

struct counting {
    struct call *c;
    enum training_by by;
};

static void put_counts(struct jsonw *j, const struct training_counts *n)
{
    int64_t all = 0;
    for (int i = 0; i < TRAINING_STATES; i++) {
        jsonw_put_int(j, training_state_name((enum training_state)i), n->n[i]);
        all += n->n[i];
    }
    jsonw_put_int(j, "all", all);
}

static void put_row(void *context, struct span name, const struct training_counts *n)
{
    struct counting *x = context;
    struct jsonw *j = &x->c->json;
    bool policy = x->by == TRAINING_BY_COURSE && span_starts(name, SPAN_LIT(TRAINING_POLICY));
    jsonw_object(j);
    jsonw_put_text(j, "id", name);
    jsonw_put_text(j, "title", x->by == TRAINING_BY_COURSE ? course_title(x->c, name) : name);
    jsonw_put_str(j, "kind", policy ? "policy" : x->by == TRAINING_BY_COURSE ? "course" : x->by == TRAINING_BY_ROLE ? "role" : "site");
    put_counts(j, n);
    jsonw_object_end(j);
}

static void put_whole(void *context, struct span name, const struct training_counts *n)
{
    (void)name;
    put_counts(context, n);
}

static void put_month(void *context, const struct training_month *m)
{
    struct jsonw *j = context;
    char month[16];
    (void)snprintf(month, sizeof month, "%04d-%02d", (int)(m->month / 100), (int)(m->month % 100));
    jsonw_object(j);
    jsonw_put_str(j, "month", month);
    jsonw_put_int(j, "on_time", m->on_time);
    jsonw_put_int(j, "late", m->late);
    jsonw_object_end(j);
}

static void put_standing(void *context, const struct training_standing *s)
{
    struct jsonw *j = context;
    jsonw_object(j);
    put_day(j, "day", s->day);
    jsonw_put_int(j, "all", s->assigned);
    jsonw_put_int(j, "done", s->done);
    jsonw_put_int(j, "late", s->late);
    jsonw_put_uint(j, "record", s->record);
    jsonw_object_end(j);
}

static int put_by(struct call *c, const char *key, enum training_by by, const char *course, const char *role, const char *site, struct error *e)
{
    struct counting x = {.c = c, .by = by};
    jsonw_key(&c->json, key);
    jsonw_array(&c->json);
    int rc = training_counts(c->db, by, span_str(course), span_str(role), span_str(site), training_today(c), put_row, &x, e);
    jsonw_array_end(&c->json);
    return rc;
}

static int put_checkpoint(struct call *c)
{
    struct api_ledger_state s = {0};
    c->api->host.ledger_state(c->api->host.context, &s);
    jsonw_key(&c->json, "ledger");
    jsonw_object(&c->json);
    jsonw_put_uint(&c->json, "records", s.records);
    jsonw_put_str(&c->json, "root", s.root);
    jsonw_put_str(&c->json, "origin", s.origin);
    jsonw_object_end(&c->json);
    return 0;
}

void handle_training_overview(struct call *c)
{
    struct error e = {0};
    struct jsonw *j = &c->json;
    char course[PARAM_MAX + 1];
    char role[PARAM_MAX + 1];
    char site[PARAM_MAX + 1];
    int64_t people = 0;
    int64_t late = 0;
    if (!query_text(c, "course", course) || !query_text(c, "role", role) || !query_text(c, "site", site))
        return;
    jsonw_object(j);
    put_day(j, "today", training_today(c));
    jsonw_put_bool(j, "mail", c->api->training.mail);
    jsonw_put_int(j, "escalate_days", c->api->training.escalate);
    jsonw_put_str(j, "site", c->api->site);
    int rc = training_totals(c->db, training_today(c), &people, &late, &e);
    jsonw_put_int(j, "people", people);
    jsonw_put_int(j, "people_late", late);
    if (rc == 0)
        rc = training_counts(c->db, TRAINING_BY_ALL, span_str(course), span_str(role), span_str(site), training_today(c), put_whole, j, &e);
    if (rc == 0)
        rc = put_by(c, "courses", TRAINING_BY_COURSE, course, role, site, &e);
    if (rc == 0)
        rc = put_by(c, "roles", TRAINING_BY_ROLE, course, role, site, &e);
    if (rc == 0)
        rc = put_by(c, "sites", TRAINING_BY_SITE, course, role, site, &e);
    jsonw_key(j, "months");
    jsonw_array(j);
    if (rc == 0)
        rc = training_months(c->db, span_str(course), 24, put_month, j, &e);
    jsonw_array_end(j);
    jsonw_key(j, "standings");
    jsonw_array(j);
    if (rc == 0)
        rc = training_standings(c->db, 36, put_standing, j, &e);
    jsonw_array_end(j);
    if (rc == 0)
        rc = put_checkpoint(c);
    jsonw_object_end(j);
    if (rc != 0)
        problem_store(c, &e);
}

/* ── GET /training/people ── */

struct listing {
    struct call *c;
    int64_t limit, given;
    struct page last;
};

static void put_person_row(void *context, const struct training_person *p)
{
    struct listing *l = context;
    struct jsonw *j = &l->c->json;
    if (l->given++ >= l->limit)
        return;
    l->last.order = p->next;
    l->last.text[span_copy(p->account, l->last.text, sizeof l->last.text - 1)] = 0;
    jsonw_object(j);
    jsonw_put_text(j, "name", p->account);
    jsonw_put_text(j, "display_name", p->display_name);
    jsonw_put_int(j, "all", p->duties);
    jsonw_put_int(j, "done", p->done);
    jsonw_put_int(j, "late", p->late);
    put_day(j, "next", p->next);
    put_optional(j, "manager", p->manager);
    jsonw_put_bool(j, "mail", p->mail);
    jsonw_object_end(j);
}

static int state_of(const char *text)
{
    for (int i = 0; i < TRAINING_STATES; i++)
        if (strcmp(training_state_name((enum training_state)i), text) == 0)
            return i;
    return -1;
}

void handle_training_people(struct call *c)
{
    struct page page;
    struct error e = {0};
    char text[NAMED_MAX + 1];
    char course[PARAM_MAX + 1];
    char role[PARAM_MAX + 1];
    char site[PARAM_MAX + 1];
    char state[PARAM_MAX + 1];
    char sort[PARAM_MAX + 1];
    if (!query_page(c, "training", &page) || !query_named(c, "q", text) || !query_text(c, "course", course) || !query_text(c, "role", role) ||
        !query_text(c, "site", site) || !query_text(c, "state", state) || !query_text(c, "sort", sort))
        return;
    if (state[0] != 0 && state_of(state) < 0) {
        problem(c, 400, "state", "\"state\" is one of done, renew, open, late.");
        return;
    }
    struct listing l = {.c = c, .limit = page.limit};
    struct training_people q = {.text = span_str(text),
                                .course = span_str(course),
                                .role = span_str(role),
                                .site = span_str(site),
                                .state = state_of(state),
                                .today = training_today(c),
                                .order = strcmp(sort, "name") == 0 ? TRAINING_BY_NAME : TRAINING_BY_DUE,
                                .after = page.after,
                                .after_next = page.order,
                                .after_account = span_str(page.text),
                                .limit = page.limit + 1};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = training_people(c->db, &q, put_person_row, &l, &e);
    jsonw_array_end(&c->json);
    put_next(&c->json, "training", l.given > l.limit, &l.last);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

/* ── GET /training/people/{name} ── */

void handle_training_person(struct call *c)
{
    struct error e = {0};
    struct account a;
    bool found = false;
    struct training_contact contact;
    if (account_get(c->db, c->params[0], &a, &found, &e) != 0 || training_contact_get(c->db, c->params[0], &contact, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    if (!found) {
        problem(c, 404, "not-found", "There is no account of this name.");
        return;
    }
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_str(j, "name", a.name);
    jsonw_put_str(j, "display_name", a.display_name);
    jsonw_put_bool(j, "closed", a.closed);
    put_optional(j, "mail", may(c, TRAINING_MANAGE) ? span_str(contact.mail) : SPAN_LIT(""));
    put_optional(j, "manager", span_str(contact.manager));
    put_roles(j, account_roles(c->db, c->params[0], c->api->site, c->now.wall));
    put_day(j, "today", training_today(c));
    training_put_person(c, c->params[0]);
    if (!answered(c))
        jsonw_object_end(j);
}

/* ── GET /training/rules ── */

static void put_rule(void *context, const struct training_rule *r)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_int(j, "rule", r->n);
    jsonw_put_text(j, "course", r->course);
    jsonw_put_text(j, "title", course_title(c, r->course));
    put_optional(j, "role", r->role);
    put_optional(j, "site", r->site);
    put_optional(j, "account", r->account);
    put_day(j, "from", r->from_day);
    jsonw_put_int(j, "days", r->days);
    jsonw_put_int(j, "renew_months", r->renew);
    put_optional(j, "by", r->by);
    put_optional(j, "why", r->why);
    put_time(j, "time", r->time);
    jsonw_object_end(j);
}

static void put_policy(void *context, const struct training_policy *p)
{
    struct jsonw *j = context;
    jsonw_object(j);
    jsonw_put_text(j, "id", p->id);
    jsonw_put_text(j, "title", p->title);
    jsonw_put_int(j, "version", p->version);
    put_day(j, "since", p->day);
    jsonw_put_uint(j, "record", p->record);
    jsonw_object_end(j);
}

void handle_training_rules(struct call *c)
{
    struct error e = {0};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = training_rules(c->db, put_rule, c, &e);
    jsonw_array_end(&c->json);
    jsonw_key(&c->json, "policies");
    jsonw_array(&c->json);
    if (rc == 0)
        rc = training_policies(c->db, put_policy, &c->json, &e);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

/* ── GET /training/classes ── */

static void put_class(void *context, const struct training_class *k)
{
    struct listing *l = context;
    struct jsonw *j = &l->c->json;
    if (l->given++ >= l->limit)
        return;
    l->last.number = (int64_t)k->record;
    jsonw_object(j);
    jsonw_put_uint(j, "record", k->record);
    put_optional(j, "course", k->course);
    jsonw_put_text(j, "topic", k->topic);
    jsonw_put_text(j, "trainer", k->trainer);
    put_day(j, "day", k->day);
    jsonw_put_int(j, "people", k->people);
    put_optional(j, "sha256", k->sha256);
    put_optional(j, "by", k->by);
    jsonw_object_end(j);
}

void handle_training_classes(struct call *c)
{
    struct error e = {0};
    struct page page;
    if (!query_page(c, "classes", &page))
        return;
    struct listing l = {.c = c, .limit = page.limit};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = training_classes(c->db, page.after ? (uint64_t)page.number : UINT64_MAX, page.limit + 1, put_class, &l, &e);
    jsonw_array_end(&c->json);
    put_next(&c->json, "classes", l.given > l.limit, &l.last);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

/* ── GET /training/topics: where a course is hard, of all together ── */

struct topics {
    const struct course *course;
    int64_t answered[COURSE_LESSONS], right[COURSE_LESSONS];
};

static void add_question(void *context, const struct training_question *q)
{
    struct topics *t = context;
    const struct course_question *found = course_question_find(t->course, q->question);
    const struct course_lesson *lesson = found == NULL ? NULL : course_lesson_of(t->course, found);
    if (lesson == NULL)
        return;
    t->answered[lesson - t->course->lessons] += q->answered;
    t->right[lesson - t->course->lessons] += q->right;
}

void handle_training_topics(struct call *c)
{
    struct error e = {0};
    const struct courses *s = courses_of(c);
    struct topics t = {.course = s == NULL ? NULL : courses_find(s, c->params[0])};
    if (s != NULL && t.course == NULL)
        problem(c, 404, "not-found", "There is no course of this id.");
    if (t.course == NULL)
        return;
    if (training_questions(c->db, t.course->id, add_question, &t, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    int64_t people = training_passed(c->db, t.course->id, &e);
    bool fair = people >= TRAINING_FAIR; /* of fewer, somebody could be told apart */
    jsonw_object(&c->json);
    jsonw_put_bool(&c->json, "enough", fair);
    jsonw_put_int(&c->json, "least", TRAINING_FAIR);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    for (size_t i = 0; i < t.course->lessons_n; i++) {
        jsonw_object(&c->json);
        jsonw_put_text(&c->json, "lesson", t.course->lessons[i].title);
        jsonw_key(&c->json, "right_percent");
        if (fair && t.answered[i] >= TRAINING_FAIR)
            jsonw_int(&c->json, t.right[i] * 100 / t.answered[i]);
        else
            jsonw_null(&c->json);
        jsonw_object_end(&c->json);
    }
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
}

/* ── lists to take along ── */

static void csv_text(struct buf *out, struct span text)
{
    bool formula = text.n > 0 && strchr("=+-@\t", text.p[0]) != NULL; /* a spreadsheet would run it */
    buf_add_str(out, formula ? "\"'" : "\"");
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_u8(out, '"');
        buf_u8(out, text.p[i]);
    }
    buf_u8(out, '"');
}

static void csv_day(struct buf *out, int64_t day)
{
    char text[DAY_TEXT];
    buf_add_str(out, day_format(day, text));
}

static void csv_checkpoint(struct call *c, struct buf *out)
{
    struct api_ledger_state s = {0};
    char time[TIME_TEXT];
    c->api->host.ledger_state(c->api->host.context, &s);
    (void)time_format(c->now.wall, time);
    buf_addf(out, "# 45 CFR 164.308(a)(5) security awareness and training; site %s; made %.19sZ; ledger %s, %llu records, root %s\r\n", c->api->site,
             time, s.origin, (unsigned long long)s.records, s.root);
}

struct csv {
    struct call *c;
    struct buf *out;
    uint64_t n;
    char account[ACCOUNT_NAME_MAX + 1];
    char course[TRAINING_COURSE];
    uint64_t record;
};

static void csv_duty(void *context, const struct training_duty *d)
{
    struct csv *x = context;
    x->n++;
    x->account[span_copy(d->account, x->account, sizeof x->account - 1)] = 0;
    x->course[span_copy(d->course, x->course, sizeof x->course - 1)] = 0;
    csv_text(x->out, d->account);
    buf_u8(x->out, ',');
    csv_text(x->out, d->display_name);
    buf_u8(x->out, ',');
    csv_text(x->out, d->course);
    buf_u8(x->out, ',');
    csv_text(x->out, course_title(x->c, d->course));
    buf_addf(x->out, ",%s,", training_state_name(d->state));
    csv_day(x->out, d->assigned);
    buf_u8(x->out, ',');
    csv_day(x->out, d->due);
    buf_u8(x->out, ',');
    if (d->record >= 0) {
        csv_day(x->out, d->done_day);
        buf_addf(x->out, ",%.*s,%lld,%lld\r\n", (int)d->how.n, (const char *)d->how.p, (long long)d->version, (long long)d->record);
    } else {
        buf_add_str(x->out, ",,,\r\n");
    }
}

static void answer_csv(struct call *c)
{
    (void)snprintf(c->reply->type, sizeof c->reply->type, "text/csv; charset=utf-8");
}

void handle_training_csv(struct call *c)
{
    struct error e = {0};
    char course[PARAM_MAX + 1];
    char role[PARAM_MAX + 1];
    char site[PARAM_MAX + 1];
    struct csv x = {.c = c, .out = &c->reply->body};
    if (!query_text(c, "course", course) || !query_text(c, "role", role) || !query_text(c, "site", site))
        return;
    csv_checkpoint(c, x.out);
    buf_add_str(x.out, "account,name,course,title,state,assigned,due,done,how,version,record\r\n");
    do {
        struct training_query q = {.course = span_str(course),
                                   .role = span_str(role),
                                   .site = span_str(site),
                                   .state = -1,
                                   .today = training_today(c),
                                   .after_account = span_str(x.account),
                                   .after_course = span_str(x.course),
                                   .limit = 5000};
        x.n = 0;
        char account[sizeof x.account];
        char last[sizeof x.course];
        memcpy(account, x.account, sizeof account);
        memcpy(last, x.course, sizeof last);
        q.after_account = span_str(account);
        q.after_course = span_str(last);
        if (training_duty_list(c->db, &q, csv_duty, &x, &e) != 0) {
            problem_store(c, &e);
            return;
        }
    } while (x.n == 5000 && buf_ok(x.out));
    answer_csv(c);
}

static void csv_done(void *context, const struct training_done *d)
{
    struct csv *x = context;
    char time[TIME_TEXT];
    x->n++;
    x->record = d->record;
    x->account[span_copy(d->account, x->account, sizeof x->account - 1)] = 0;
    (void)time_format(d->time, time);
    csv_text(x->out, d->account);
    buf_u8(x->out, ',');
    csv_text(x->out, d->display_name);
    buf_u8(x->out, ',');
    csv_text(x->out, d->course);
    buf_u8(x->out, ',');
    csv_text(x->out, d->title);
    buf_addf(x->out, ",%lld,%.*s,", (long long)d->version, (int)d->how.n, (const char *)d->how.p);
    csv_text(x->out, d->by);
    buf_u8(x->out, ',');
    csv_day(x->out, d->day);
    buf_addf(x->out, ",%.19sZ,%s,%llu\r\n", time, d->late ? "yes" : "no", (unsigned long long)d->record);
}

void handle_training_history_csv(struct call *c)
{
    struct error e = {0};
    char from[PARAM_MAX + 1];
    char to[PARAM_MAX + 1];
    int64_t first = 0;
    int64_t last = ZONE_DAY_NEVER;
    struct csv x = {.c = c, .out = &c->reply->body};
    if (!query_text(c, "from", from) || !query_text(c, "to", to))
        return;
    if ((from[0] != 0 && !day_parse(span_str(from), &first)) || (to[0] != 0 && !day_parse(span_str(to), &last))) {
        problem(c, 400, "day", "\"from\" and \"to\" are days: 2026-12-31");
        return;
    }
    csv_checkpoint(c, x.out);
    buf_add_str(x.out, "account,name,course,title,version,how,by,day,recorded,late,record\r\n");
    do {
        char account[sizeof x.account];
        memcpy(account, x.account, sizeof account);
        x.n = 0;
        if (training_history(c->db, SPAN_LIT(""), first, last, x.record, span_str(account), 5000, csv_done, &x, &e) != 0) {
            problem_store(c, &e);
            return;
        }
    } while (x.n == 5000 && buf_ok(x.out));
    answer_csv(c);
}
