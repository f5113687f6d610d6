/* Phishing simulations: planned and stopped by people, counted fairly, and told to whom they reached. Where their links lead: phishing_page.c. */
#include "door/api/training.h"

#include "base/text.h"
#include "door/api/people_private.h"
#include "lab/phishing/phishing.h"
#include "lab/phishing/template.h"

#include <stdio.h>
#include <stdlib.h>

#define LONGEST (31 * 86400 * TIME_SECOND)
#define RATE_MOST 600
#define RATE_USUAL 60
#define COUNTED 5000 /* people of an audience that are counted one by one */
#define TOKENS 64    /* in one text */

/* ── counts ── */

static void put_counts(struct jsonw *j, const struct phishing_counts *n)
{
    bool fair = n->sent >= PHISHING_FAIR;
    jsonw_put_int(j, "sent", n->sent);
    jsonw_put_int(j, "failed", n->failed);
    jsonw_put_bool(j, "shown", fair);
    if (!fair)
        return;
    jsonw_put_int(j, "reported", n->reported);
    jsonw_put_int(j, "visited", n->visited);
    jsonw_put_int(j, "both", n->both);
    jsonw_put_int(j, "neither", n->neither);
}

static void take_counts(void *context, struct span name, const struct phishing_counts *n)
{
    (void)name;
    *(struct phishing_counts *)context = *n;
}

#define GROUPS 64
struct groups {
    size_t n;
    struct {
        char name[64];
        struct phishing_counts counts;
    } all[GROUPS];
};

static void take_group(void *context, struct span name, const struct phishing_counts *n)
{
    struct groups *g = context;
    if (g->n == GROUPS)
        return;
    g->all[g->n].name[span_copy(name, g->all[g->n].name, sizeof g->all[0].name - 1)] = 0;
    g->all[g->n++].counts = *n;
}

/* Small groups stay unseen; where one alone is small, the smallest other goes with it: else the difference would tell. */
static size_t hide(struct groups *g)
{
    size_t hidden = 0;
    size_t smallest = GROUPS;
    for (size_t i = 0; i < g->n; i++) {
        bool small = g->all[i].counts.sent < PHISHING_FAIR;
        hidden += small;
        if (!small && (smallest == GROUPS || g->all[i].counts.sent < g->all[smallest].counts.sent))
            smallest = i;
        if (small)
            g->all[i].name[0] = 0;
    }
    if (hidden == 1 && smallest != GROUPS) {
        g->all[smallest].name[0] = 0;
        hidden++;
    }
    return hidden;
}

static int put_groups(struct call *c, const char *key, enum phishing_by by, const struct phishing_campaign *p, struct error *e)
{
    struct jsonw *j = &c->json;
    struct groups *g = calloc(1, sizeof *g);
    if (g == NULL)
        return err_set(e, ERR_SYSTEM, "no memory");
    int rc = phishing_counts(c->db, by, span_str(p->id), 0, INT64_MAX, take_group, g, e);
    size_t hidden = hide(g);
    jsonw_key(j, key);
    jsonw_object(j);
    jsonw_key(j, "rows");
    jsonw_array(j);
    for (size_t i = 0; i < g->n; i++) {
        if (g->all[i].name[0] == 0)
            continue;
        jsonw_object(j);
        jsonw_put_str(j, "name", g->all[i].name);
        put_counts(j, &g->all[i].counts);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_put_uint(j, "hidden", hidden);
    jsonw_object_end(j);
    free(g);
    return rc;
}

/* ── a simulation ── */

static void put_lines(struct jsonw *j, const char *key, const char *lines)
{
    struct span rest = span_str(lines);
    jsonw_key(j, key);
    jsonw_array(j);
    while (rest.n > 0) {
        struct span one = span_until(&rest, '\n', NULL);
        if (one.n > 0)
            jsonw_text(j, one);
    }
    jsonw_array_end(j);
}

static int put_campaign(struct call *c, const struct phishing_campaign *p, struct error *e)
{
    struct jsonw *j = &c->json;
    struct phishing_counts n = {0};
    int rc = phishing_counts(c->db, PHISHING_BY_ALL, span_str(p->id), 0, INT64_MAX, take_counts, &n, e);
    jsonw_put_str(j, "id", p->id);
    jsonw_put_str(j, "template", p->template);
    jsonw_put_str(j, "language", p->language);
    put_lines(j, "roles", p->audience);
    put_optional(j, "site", span_str(p->site));
    put_time(j, "starts", p->starts);
    put_time(j, "until", p->until);
    jsonw_put_int(j, "rate", p->rate);
    jsonw_put_str(j, "course", p->course);
    jsonw_put_str(j, "by", p->by);
    put_time(j, "planned", p->time);
    jsonw_put_str(j, "state", phishing_state(p, c->now.wall));
    put_time(j, "stopped", p->stopped);
    put_optional(j, "stopped_by", span_str(p->stopped_by));
    put_optional(j, "stopped_why", span_str(p->stopped_why));
    jsonw_put_uint(j, "record", p->record);
    put_counts(j, &n);
    return rc;
}

static void put_words(struct jsonw *j, const char *language, const struct phishing_words *w)
{
    struct buf text = BUF_INIT(16384);
    phishing_text(&text, w, SPAN_LIT("{name}"), SPAN_LIT("{link}"));
    jsonw_key(j, language);
    jsonw_object(j);
    jsonw_put_text(j, "name", w->name);
    jsonw_put_text(j, "sender", w->sender);
    jsonw_put_text(j, "subject", w->subject);
    jsonw_put_text(j, "text", buf_span(&text));
    jsonw_key(j, "signs");
    jsonw_array(j);
    for (size_t i = 0; i < w->signs; i++)
        jsonw_text(j, w->sign[i]);
    jsonw_array_end(j);
    jsonw_object_end(j);
    buf_release(&text);
}

struct listing {
    struct call *c;
    struct error error;
    int rc;
};

static void list_one(void *context, const struct phishing_campaign *p)
{
    struct listing *l = context;
    jsonw_object(&l->c->json);
    if (put_campaign(l->c, p, &l->error) != 0)
        l->rc = -1;
    jsonw_object_end(&l->c->json);
}

static void put_ready_to_send(struct call *c)
{
    const struct api *api = c->api;
    jsonw_key(&c->json, "ready");
    jsonw_object(&c->json);
    jsonw_put_bool(&c->json, "mail", api->training.mail);
    put_optional(&c->json, "landing", span_str(api->landing));
    put_lines(&c->json, "domains", api->phishing_domains);
    jsonw_put_int(&c->json, "every_days", api->phishing_every);
    jsonw_put_str(&c->json, "language", strcmp(api->phishing_language, "es") == 0 ? "es" : "en");
    jsonw_put_bool(&c->json, "all", api->training.mail && api->landing[0] != 0 && api->phishing_domains[0] != 0);
    jsonw_object_end(&c->json);
}

void handle_phishing_list(struct call *c)
{
    struct jsonw *j = &c->json;
    struct listing l = {.c = c};
    struct phishing_template t;
    jsonw_object(j);
    put_ready_to_send(c);
    jsonw_key(j, "templates");
    jsonw_array(j);
    for (size_t i = 0; i < phishing_template_count(); i++) {
        if (!phishing_template_at(i, &t))
            continue;
        jsonw_object(j);
        jsonw_put_text(j, "id", t.id);
        jsonw_put_text(j, "course", t.course);
        jsonw_put_bool(j, "sign_in", t.sign_in);
        put_words(j, "en", &t.words[PHISHING_EN]);
        put_words(j, "es", &t.words[PHISHING_ES]);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_key(j, "items");
    jsonw_array(j);
    l.rc = 0;
    int rc = phishing_campaigns(c->db, list_one, &l, &l.error);
    jsonw_array_end(j);
    jsonw_object_end(j);
    if (rc != 0 || l.rc != 0)
        problem_store(c, &l.error);
}

/* ── one ── */

struct audience {
    struct call *c;
    int64_t all, reachable;
};

static void count_person(void *context, struct span account, struct span display_name)
{
    struct audience *x = context;
    struct training_contact contact;
    struct error e = {0};
    (void)display_name;
    x->all++;
    if (training_contact_get(x->c->db, account, &contact, &e) == 0 && phishing_allowed(x->c->api->phishing_domains, span_str(contact.mail)))
        x->reachable++;
}

static void answer_one(struct call *c, const struct phishing_campaign *p)
{
    struct error e = {0};
    struct jsonw *j = &c->json;
    struct audience waiting = {.c = c};
    jsonw_object(j);
    int rc = put_campaign(c, p, &e);
    if (rc == 0)
        rc = phishing_targets(c->db, p, c->now.wall - c->api->phishing_every * 86400 * TIME_SECOND, COUNTED, count_person, &waiting, &e);
    jsonw_put_int(j, "waiting", waiting.reachable);
    jsonw_put_int(j, "unreachable", waiting.all - waiting.reachable);
    if (rc == 0)
        rc = put_groups(c, "by_role", PHISHING_BY_ROLE, p, &e);
    if (rc == 0)
        rc = put_groups(c, "by_site", PHISHING_BY_SITE, p, &e);
    jsonw_object_end(j);
    if (rc != 0)
        problem_store(c, &e);
    else
        set_etag(c, p->changed);
}

static bool find(struct call *c, struct phishing_campaign *ret)
{
    struct error e = {0};
    bool found = false;
    if (phishing_campaign_get(c->db, c->params[0], ret, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 404, "not-found", "There is no such simulation.");
    return found && !answered(c);
}

void handle_phishing_get(struct call *c)
{
    struct phishing_campaign p;
    if (find(c, &p))
        answer_one(c, &p);
}

void handle_phishing_stop(struct call *c)
{
    struct body body;
    struct body_field f[] = {{.name = "why", .max = 4 * PEOPLE_WHY_MAX}};
    struct phishing_campaign p;
    uint64_t index = 0;
    if (!body_open(c, &body, f, 1))
        return;
    if (find(c, &p) && people_why(c, f[0].text)) {
        const char *state = phishing_state(&p, c->now.wall);
        if (strcmp(state, "stopped") == 0 || strcmp(state, "over") == 0)
            problem(c, 409, "over", "It is over already: no mail of it goes out any more.");
        struct record *r = answered(c) ? NULL : decision(c, EVENT_PHISH_ENDED);
        if (r != NULL) {
            record_str(r, KEY_CAMPAIGN, p.id);
            record_text(r, KEY_WHY, f[0].text);
        }
        if (training_decide(c, r, &index) && find(c, &p))
            answer_one(c, &p);
    }
    body_close(&body);
}

/* ── planning ── */

enum { TEMPLATE, LANGUAGE, ROLES, SITE, STARTS, UNTIL, RATE, COURSE, FIELDS };

static bool take_time(struct call *c, struct span text, tq_time missing, tq_time *ret)
{
    *ret = missing;
    if (text.n == 0 || time_parse(text, ret))
        return true;
    problem(c, 422, "time", "A time is written as 2026-12-31T08:00:00Z.");
    return false;
}

static bool take_roles(struct call *c, struct span list, struct phishing_campaign *p)
{
    size_t n = 0;
    while (list.n > 0) {
        enum job job;
        struct span role = span_until(&list, ',', NULL);
        if (!job_find(role, &job) || job == JOB_LOCAL || job == JOB_EMERGENCY || n + role.n + 3 > sizeof p->audience) {
            problem(c, 422, "role", "There is no such role.");
            return false;
        }
        p->audience[n++] = '\n';
        n += span_copy(role, p->audience + n, sizeof p->audience - n - 2);
    }
    if (n > 0)
        p->audience[n++] = '\n';
    p->audience[n] = 0;
    return true;
}

static bool can_send(struct call *c)
{
    if (!c->api->training.mail)
        problem(c, 409, "no-mail", "There is no mail server: lab.yaml, key mail.");
    else if (c->api->landing[0] == 0)
        problem(c, 409, "no-landing", "There is no page for the links to lead to: lab.yaml, key listeners, for: landing.");
    else if (c->api->phishing_domains[0] == 0)
        problem(c, 409, "no-domains", "No domain is allowed: lab.yaml, key phishing.domains.");
    return !answered(c);
}

/* Results of fewer than five people are shown to nobody: such a simulation would be of no use, or would single somebody out. */
static bool enough_people(struct call *c, const struct phishing_campaign *p)
{
    struct error e = {0};
    struct audience x = {.c = c};
    int64_t held = phishing_campaign_count(c->db, &e);
    if (held < 0 || phishing_targets(c->db, p, INT64_MAX, COUNTED, count_person, &x, &e) != 0)
        problem_store(c, &e);
    else if (held >= PHISHING_MOST)
        problem(c, 409, "full", "There are 500 simulations already.");
    else if (x.reachable < PHISHING_FAIR)
        problem(c, 422, "too-few",
                "Fewer than five of these people have an address in an allowed domain. A simulation for so few would single somebody out.");
    return !answered(c);
}

static bool sensible(struct call *c, const struct body_field f[FIELDS], struct phishing_campaign *p)
{
    struct phishing_template t;
    uint64_t rate = RATE_USUAL;
    if (!phishing_template_find(f[TEMPLATE].text, &t)) {
        problem(c, 422, "template", "There is no template of this id.");
        return false;
    }
    struct span course = f[COURSE].text.n > 0 ? f[COURSE].text : t.course;
    if (f[LANGUAGE].text.n > 0 && !span_is(f[LANGUAGE].text, "en") && !span_is(f[LANGUAGE].text, "es"))
        problem(c, 422, "language", "\"language\" is en or es.");
    else if (courses_of(c) != NULL && courses_find(c->api->courses, course) == NULL)
        problem(c, 422, "course", "There is no course of this id.");
    else if (f[RATE].text.n > 0 && (!span_decimal(f[RATE].text, RATE_MOST, &rate) || rate == 0))
        problem(c, 422, "rate", "\"rate\" is a number of mails an hour, 1 to 600.");
    if (answered(c) || !take_time(c, f[STARTS].text, c->now.wall, &p->starts) || !take_time(c, f[UNTIL].text, 0, &p->until) ||
        !take_roles(c, f[ROLES].text, p))
        return false;
    if (p->until <= p->starts || p->until <= c->now.wall || p->until - p->starts > LONGEST || p->starts > c->now.wall + 366 * 86400 * TIME_SECOND)
        problem(c, 422, "until", "A simulation ends after it starts, in the future, and within 31 days.");
    p->rate = (int64_t)rate;
    p->template[span_copy(t.id, p->template, sizeof p->template - 1)] = 0;
    p->course[span_copy(course, p->course, sizeof p->course - 1)] = 0;
    p->site[span_copy(f[SITE].text, p->site, sizeof p->site - 1)] = 0;
    (void)snprintf(p->language, sizeof p->language, "%s",
                   f[LANGUAGE].text.n > 0 ? (span_is(f[LANGUAGE].text, "es") ? "es" : "en") : c->api->phishing_language);
    return !answered(c);
}

static bool plan(struct call *c, struct phishing_campaign *p)
{
    uint8_t random[(PHISHING_CAMPAIGN - 1) / 2];
    char starts[TIME_TEXT];
    char until[TIME_TEXT];
    uint64_t index = 0;
    struct record *r = decision(c, EVENT_PHISH_PLANNED);
    if (r == NULL)
        return false;
    crypto_random(random, sizeof random);
    text_hex_to(p->id, random, sizeof random);
    (void)time_format(p->starts, starts);
    (void)time_format(p->until, until);
    record_str(r, KEY_CAMPAIGN, p->id);
    record_str(r, KEY_TEMPLATE, p->template);
    record_str(r, KEY_LANGUAGE, p->language);
    struct span rest = span_str(p->audience);
    while (rest.n > 0)
        record_text(r, KEY_AUDIENCE, span_until(&rest, '\n', NULL));
    record_str(r, KEY_SITE, p->site[0] != 0 ? p->site : NULL);
    record_int(r, KEY_STARTS, p->starts);
    record_int(r, KEY_UNTIL, p->until);
    record_int(r, KEY_LINK_RATE, p->rate);
    record_str(r, KEY_COURSE, p->course);
    return training_decide(c, r, &index);
}

void handle_phishing_plan(struct call *c)
{
    struct body body;
    struct body_field f[FIELDS] = {
        [TEMPLATE] = {.name = "template", .max = PHISHING_ID},      [LANGUAGE] = {.name = "language", .max = 2, .optional = true},
        [ROLES] = {.name = "roles", .max = 300, .optional = true},  [SITE] = {.name = "site", .max = TRAINING_SITE - 1, .optional = true},
        [STARTS] = {.name = "starts", .max = 40, .optional = true}, [UNTIL] = {.name = "until", .max = 40},
        [RATE] = {.name = "rate", .max = 4, .optional = true},      [COURSE] = {.name = "course", .max = COURSE_ID, .optional = true}};
    struct phishing_campaign p = {0};
    bool found = false;
    struct error e = {0};
    if (!body_open(c, &body, f, FIELDS))
        return;
    if (can_send(c) && sensible(c, f, &p) && enough_people(c, &p) && plan(c, &p)) {
        if (phishing_campaign_get(c->db, span_str(p.id), &p, &found, &e) != 0 || !found)
            problem_store(c, &e);
        else
            answer_one(c, &p);
    }
    body_close(&body);
}

/* ── one's own ── */

static void put_mine(void *context, const struct phishing_mail *m)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    struct phishing_campaign p;
    struct phishing_template t;
    struct error e = {0};
    bool found = false;
    if (m->failed || phishing_campaign_get(c->db, span_str(m->campaign), &p, &found, &e) != 0 || !found ||
        !phishing_template_find(span_str(p.template), &t))
        return;
    const char *state = phishing_state(&p, c->now.wall);
    if (m->visited == 0 && m->reported == 0 && strcmp(state, "running") == 0)
        return; /* whoever looks here would know which mail it was */
    const struct phishing_words *w = &t.words[strcmp(p.language, "es") == 0 ? PHISHING_ES : PHISHING_EN];
    jsonw_object(j);
    jsonw_put_str(j, "campaign", p.id);
    jsonw_put_text(j, "name", w->name);
    jsonw_put_text(j, "sender", w->sender);
    jsonw_put_text(j, "subject", w->subject);
    put_time(j, "time", m->time);
    put_time(j, "visited", m->visited);
    jsonw_put_bool(j, "signed_in", m->signed_in);
    put_time(j, "reported", m->reported);
    jsonw_put_str(j, "course", p.course);
    jsonw_key(j, "signs");
    jsonw_array(j);
    for (size_t i = 0; i < w->signs; i++)
        jsonw_text(j, w->sign[i]);
    jsonw_array_end(j);
    jsonw_object_end(j);
}

void handle_phishing_mine(struct call *c)
{
    struct error e = {0};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = phishing_mails(c->db, span_str(c->person.name), put_mine, c, &e);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

/* ── reported ── */

/* Nobody stands on it in clear: neither who, nor from where. */
static bool note_reported(struct call *c, const struct phishing_mail *m, const char *how)
{
    uint64_t index = 0;
    struct record *r = m->reported != 0 ? NULL : malloc(sizeof *r);
    if (r == NULL)
        return false;
    record_start(r, EVENT_PHISH_REPORTED, c->now.wall, NULL);
    record_str(r, KEY_CAMPAIGN, m->campaign);
    record_str(r, KEY_HOW, how);
    record_str(r, KEY_RECIPIENT, m->account);
    return training_decide(c, r, &index);
}

static bool is_hex(uint8_t b)
{
    return (b >= '0' && b <= '9') || (b >= 'a' && b <= 'f');
}

bool phishing_reported_text(struct call *c, struct span text, const char *how)
{
    size_t tried = 0;
    for (size_t i = 0; i < text.n && tried < TOKENS;) {
        size_t end = i;
        while (end < text.n && is_hex(text.p[end]))
            end++;
        if (end - i == PHISHING_TOKEN) {
            char hash[PHISHING_HASH];
            struct phishing_mail m;
            struct error e = {0};
            bool found = false;
            tried++;
            phishing_hash(span_of(text.p + i, PHISHING_TOKEN), hash);
            if (phishing_mail_find(c->db, hash, &m, &found, &e) == 0 && found) {
                if (c->person.known && strcmp(m.account, c->person.name) == 0)
                    (void)note_reported(c, &m, how);
                return true;
            }
        }
        i = end > i ? end : i + 1;
    }
    return false;
}

struct latest {
    struct span campaign; /* empty: any */
    tq_time since;
    bool any;
    struct phishing_mail mail;
};

static void take_latest(void *context, const struct phishing_mail *m)
{
    struct latest *l = context;
    if (l->any || m->failed || m->reported != 0 || m->time < l->since || (l->campaign.n > 0 && !span_is(l->campaign, m->campaign)))
        return;
    l->any = true;
    l->mail = *m;
}

static void reported_latest(struct call *c, struct span campaign, tq_time since, const char *how)
{
    struct error e = {0};
    struct latest l = {.campaign = campaign, .since = since};
    if (c->person.known && phishing_mails(c->db, span_str(c->person.name), take_latest, &l, &e) == 0 && l.any)
        (void)note_reported(c, &l.mail, how);
}

void phishing_reported_some(struct call *c)
{
    reported_latest(c, span_of(NULL, 0), c->now.wall - PHISHING_REPORT_DAYS * 86400 * TIME_SECOND, "report");
}

void phishing_reported_mail(struct call *c, struct span campaign)
{
    if (campaign.n > 0)
        reported_latest(c, campaign, 0, "mail");
}
