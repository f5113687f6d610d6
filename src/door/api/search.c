/* One box over everything: GET /search?q=, and POST /search for what must not stand in an address.
 *
 * Invariants
 *  1. What is answered is what the lists of each noun would show to the same person: each kind is asked for its own permission.
 *  2. Specimens are found by their token. A number in clear becomes one here, in the keeper, comes in a body only, and is kept nowhere. */
#include "door/api/api_private.h"

#include "door/api/certificate.h"
#include "door/spoken.h"
#include "lab/courses/course.h"
#include "lab/phishing/phishing.h"
#include "lab/phishing/template.h"
#include "lab/search.h"

#include <stdio.h>
#include <stdlib.h>

#define LEAST 2
#define TOKEN_LEAST 5 /* "S-" and three letters */

struct found {
    struct call *c;
    size_t n;
};

static void put_hit(void *context, const struct search_hit *hit)
{
    struct found *f = context;
    struct jsonw *j = &f->c->json;
    f->n++;
    jsonw_object(j);
    jsonw_put_str(j, "kind", hit->kind);
    jsonw_put_text(j, "id", hit->id);
    jsonw_put_text(j, "title", strcmp(hit->kind, "finding") == 0 || strcmp(hit->kind, "record") == 0 ? said(f->c, hit->title) : hit->title);
    put_optional(j, "note", hit->note);
    put_optional(j, "state", hit->state);
    put_time(j, "time", hit->time);
    jsonw_object_end(j);
}

/* Are the small letters of `text` somewhere in these? ASCII letters count as the same. */
static bool holds(struct span in, struct span text)
{
    for (size_t i = 0; i + text.n <= in.n; i++) {
        size_t k = 0;
        while (k < text.n && (in.p[i + k] >= 'A' && in.p[i + k] <= 'Z' ? in.p[i + k] | 0x20 : in.p[i + k]) == text.p[k])
            k++;
        if (k == text.n)
            return true;
    }
    return false;
}

static void put_links(struct call *c, struct span text, struct found *f)
{
    struct api_link *all = c->api->host.links == NULL ? NULL : calloc(API_LINKS, sizeof *all);
    size_t n = all == NULL ? 0 : c->api->host.links(c->api->host.context, all, API_LINKS);
    size_t given = 0;
    for (size_t i = 0; i < n && given < SEARCH_EACH; i++)
        if (holds(span_str(all[i].name), text) || holds(span_str(all[i].side[0].where), text) || holds(span_str(all[i].side[1].where), text)) {
            put_hit(f, &(struct search_hit){.kind = "link",
                                            .id = span_str(all[i].name),
                                            .title = span_str(all[i].name),
                                            .note = span_str(all[i].side[0].where),
                                            .state = span_str(all[i].state)});
            given++;
        }
    free(all);
}

static void put_courses(struct call *c, struct span text, struct found *f)
{
    size_t given = 0;
    for (size_t i = 0; c->api->courses != NULL && i < courses_count(c->api->courses) && given < SEARCH_EACH; i++) {
        const struct course *course = courses_at(c->api->courses, i);
        if (course->replaced || (!holds(course->title, text) && !holds(course->about, text)))
            continue;
        put_hit(f, &(struct search_hit){.kind = "course", .id = course->id, .title = course->title});
        given++;
    }
}

struct seeking {
    struct found *found;
    struct span text;
    size_t given;
};

/* By whom it is for, the names in it, its number or its fingerprint. The newest come first. */
static void put_certificate(void *to, const struct api_certificate *x)
{
    struct seeking *s = to;
    if (s->given >= SEARCH_EACH || x->replaced ||
        (!holds(span_str(x->link), s->text) && !holds(span_str(x->names), s->text) && !holds(span_str(x->subject), s->text) &&
         !holds(span_str(x->serial), s->text) && !holds(span_str(x->fingerprint), s->text)))
        return;
    const char *title = x->names[0] != 0 ? x->names : x->subject[0] != 0 ? x->subject : x->serial;
    put_hit(s->found,
            &(struct search_hit){
                .kind = "certificate", .id = span_str(x->serial), .title = span_str(title), .note = span_str(x->link), .time = x->not_after});
    s->given++;
}

/* A simulation is called by its template; the name is that of the asker's language. */
static void put_simulation(void *to, const struct phishing_campaign *p)
{
    struct seeking *s = to;
    struct call *c = s->found->c;
    struct phishing_template t;
    if (s->given >= SEARCH_EACH || !phishing_template_find(span_str(p->template), &t))
        return;
    struct span name = t.words[tongue_of(c->request->language) == TONGUE_SPANISH ? PHISHING_ES : PHISHING_EN].name;
    if (!holds(name, s->text) && !holds(t.id, s->text))
        return;
    put_hit(s->found,
            &(struct search_hit){
                .kind = "simulation", .id = span_str(p->id), .title = name, .note = span_str(phishing_state(p, c->now.wall)), .time = p->starts});
    s->given++;
}

/* "s-ab3k…" as tokens are written. False: it is none. */
static bool specimen_token(struct span text, char out[32])
{
    if (text.n < TOKEN_LEAST || text.n >= 32 || text.p[0] != 's' || text.p[1] != '-')
        return false;
    for (size_t i = 2; i < text.n; i++)
        if (!((text.p[i] >= 'a' && text.p[i] <= 'z') || (text.p[i] >= '2' && text.p[i] <= '7')))
            return false;
    (void)snprintf(out, 32, "S-%.*s", (int)text.n - 2, (const char *)text.p + 2);
    return true;
}

/* clear: what was typed may be a specimen's number. */
static void answer(struct call *c, char *text, bool clear)
{
    char token[32] = "";
    struct error e = {0};
    struct span typed = span_str(text);
    while (typed.n > 0 && typed.p[0] == ' ')
        (void)span_skip(&typed, 1);
    while (typed.n > 0 && typed.p[typed.n - 1] == ' ')
        typed.n--;
    bool results = may(c, "result.read");
    if (results && clear && typed.n >= LEAST && c->api->host.specimen != NULL && c->api->host.specimen(c->api->host.context, typed, token, &e) != 0)
        token[0] = 0;
    lower(text);
    if (!clear && !specimen_token(typed, token))
        token[0] = 0;
    struct search_wish wish = {.text = typed,
                               .specimen = span_str(token),
                               .devices = may(c, "device.read"),
                               .findings = may(c, "finding.read"),
                               .results = results,
                               .people = may(c, "people.read"),
                               .mails = may(c, "mail.decide"),
                               .records = may(c, "ledger.read"),
                               .doors = may(c, "doors.read"),
                               .doors_of = may(c, "visits.read") ? SPAN_LIT("") : span_str(c->person.name),
                               .reports = may(c, "report.handle"),
                               .person = c->person.token[0] == 0 ? span_str(c->person.name) : SPAN_LIT("")};
    struct found f = {.c = c};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = search_all(c->db, &wish, put_hit, &f, &e);
    if (rc == 0 && typed.n >= LEAST) {
        if (may(c, "links.read"))
            put_links(c, typed, &f);
        if (may(c, "certificate.read") && c->api->host.pki != NULL)
            c->api->host.pki->list(c->api->host.context, put_certificate, &(struct seeking){.found = &f, .text = typed});
        if (may(c, "phishing.read"))
            rc = phishing_campaigns(c->db, put_simulation, &(struct seeking){.found = &f, .text = typed}, &e);
        put_courses(c, typed, &f);
    }
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

void handle_search(struct call *c)
{
    char text[NAMED_MAX + 1];
    if (query_named(c, "q", text))
        answer(c, text, false);
}

void handle_search_clear(struct call *c)
{
    struct body body;
    struct body_field f = {.name = "q", .max = NAMED_MAX};
    char text[NAMED_MAX + 1];
    if (!body_open(c, &body, &f, 1))
        return;
    (void)snprintf(text, sizeof text, "%.*s", (int)f.text.n, (const char *)f.text.p);
    body_close(&body);
    answer(c, text, true);
}
