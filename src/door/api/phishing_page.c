/* Where the link of a simulated mail leads: perhaps a sign-in that goes nowhere, then what it was, by which signs it could be known, and what helps
 * next time. What is typed is never sent: the page has no form, its fields no name (door/front/landing.c forbids the rest). */
#include "door/api/training.h"

#include "lab/phishing/phishing.h"
#include "lab/phishing/template.h"

#include <stdio.h>
#include <stdlib.h>

static void escape(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '<': buf_add_str(out, "&lt;"); break;
        case '>': buf_add_str(out, "&gt;"); break;
        case '&': buf_add_str(out, "&amp;"); break;
        case '"': buf_add_str(out, "&quot;"); break;
        default: buf_u8(out, s.p[i]);
        }
    }
}

static void head(struct buf *out, bool es, struct span title)
{
    buf_addf(out,
             "<!doctype html><html lang=\"%s\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><link "
             "rel=\"stylesheet\" href=\"/page.css\"><title>",
             es ? "es" : "en");
    escape(out, title);
    buf_add_str(out, "</title><main>");
}

static void fake_sign_in(struct buf *out, const struct phishing_words *w, bool es, struct span token)
{
    head(out, es, w->headline);
    buf_add_str(out, "<div class=\"box\"><h1>");
    escape(out, w->headline);
    buf_add_str(out, "</h1><p>");
    escape(out, w->prompt);
    buf_addf(out,
             "</p><label for=\"a\">%s</label><input id=\"a\" type=\"text\" autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\"><label "
             "for=\"b\">%s</label><input id=\"b\" type=\"password\" autocomplete=\"off\"><a class=\"button\" href=\"/%.*s/in\">",
             es ? "Nombre de usuario" : "User name", es ? "Contraseña" : "Password", (int)token.n, (const char *)token.p);
    escape(out, w->button);
    buf_add_str(out, "</a></div></main></html>\n");
}

static void teach(struct buf *out, const struct phishing_words *w, bool es, bool typed, bool refresher)
{
    head(out, es, es ? SPAN_LIT("Era un ejercicio") : SPAN_LIT("This was an exercise"));
    buf_addf(out, "<div class=\"box calm\"><h1>%s</h1><p>%s</p>",
             es ? "Era un ejercicio de su laboratorio. No ha pasado nada." : "This was an exercise of your lab. Nothing bad happened.",
             es ? "El correo que le trajo aquí imitaba a los que usan los estafadores. Le pasa a cualquiera: por eso se practica."
                : "The mail that led you here was made like those that thieves send. It happens to anybody: that is why it is practised.");
    if (typed)
        buf_addf(out, "<p>%s</p>",
                 es ? "Lo que escribió en la página no se envió ni se guardó: no salió de su navegador."
                    : "What you typed on the page was not sent and not kept: it never left your browser.");
    buf_addf(out, "</div><h2>%s</h2><ul>", es ? "En qué se notaba" : "How it could be known");
    for (size_t i = 0; i < w->signs; i++) {
        buf_add_str(out, "<li>");
        escape(out, w->sign[i]);
        buf_add_str(out, "</li>");
    }
    buf_addf(out, "</ul><h2>%s</h2><ul><li>%s</li><li>%s</li>%s%s%s</ul></main></html>\n", es ? "Y ahora" : "What now",
             es ? "Avise aún de este correo, con «Avisar» en Tourniquet: también después de abrirlo cuenta, y de eso se trata."
                : "Report the mail still, with Report in Tourniquet: that counts even after the link, and it is what matters.",
             es ? "A nadie se le dice que ha estado aquí. Se muestran recuentos, nunca nombres."
                : "Nobody is told that you were here. Counts are shown, never names.",
             refresher ? "<li>" : "",
             refresher
                 ? (es ? "En Aprender le espera una lección corta. Quien lleva la formación ve que un curso está pendiente, como cualquier otro; no "
                         "ve por qué."
                       : "A short lesson waits for you on Learn. Whoever looks after training sees a course that is due, as any other, and not why.")
                 : "",
             refresher ? "</li>" : "");
}

static bool note_visited(struct call *c, const struct phishing_mail *m, bool typed)
{
    uint64_t index = 0;
    struct record *r = malloc(sizeof *r);
    if (r == NULL)
        return false;
    record_start(r, EVENT_PHISH_VISITED, c->now.wall, NULL); /* neither who nor from where, in clear */
    record_str(r, KEY_CAMPAIGN, m->campaign);
    record_str(r, KEY_HOW, typed ? "sign-in" : "link");
    record_str(r, KEY_RECIPIENT, m->account);
    return training_decide(c, r, &index);
}

/* The first visit asks for a refresher. Why is not told: a manager sees a course that is due, as any other. */
static void assign(struct call *c, const struct phishing_mail *m, const struct phishing_campaign *p)
{
    uint64_t index = 0;
    (void)training_refresher(c, span_str(m->account), span_str(p->course), SPAN_LIT("a short repetition"), -1, TRAINING_REFRESHER_DAYS, &index);
}

static void answer(struct call *c, const struct phishing_mail *m, struct span token, bool typed)
{
    struct phishing_campaign p;
    struct phishing_template t;
    struct error e = {0};
    bool found = false;
    if (phishing_campaign_get(c->db, span_str(m->campaign), &p, &found, &e) != 0 || !found || !phishing_template_find(span_str(p.template), &t)) {
        problem(c, 404, "not-found", "There is nothing here.");
        return;
    }
    bool seen = span_is(c->request->query, "seen");
    if (seen && (m->visited == 0 || (typed && !m->signed_in)) && note_visited(c, m, typed) && m->visited == 0)
        assign(c, m, &p);
    bool es = strcmp(p.language, "es") == 0;
    const struct phishing_words *w = &t.words[es ? PHISHING_ES : PHISHING_EN];
    buf_clear(&c->reply->body); /* a page in any case: who came here learns what it was */
    if (t.sign_in && !typed)
        fake_sign_in(&c->reply->body, w, es, token);
    else
        teach(&c->reply->body, w, es, t.sign_in, p.course[0] != 0);
    c->reply->r.status = 200;
    (void)snprintf(c->reply->type, sizeof c->reply->type, "text/html; charset=utf-8");
}

static void of_token(struct call *c, struct span token, bool typed)
{
    char hash[PHISHING_HASH];
    struct phishing_mail m;
    struct error e = {0};
    bool found = false;
    phishing_hash(token, hash);
    if (token.n == PHISHING_TOKEN && phishing_mail_find(c->db, hash, &m, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 404, "not-found", "There is nothing here.");
    else
        answer(c, &m, token, typed);
}

void handle_phishing_landing(struct call *c)
{
    static const struct route route = {.method = "GET", .path = "/", .flags = ROUTE_OPEN, .summary = "", .success = 200};
    struct span path = c->request->path;
    bool more = false;
    c->route = &route;
    (void)span_skip(&path, 1);
    struct span token = span_until(&path, '/', &more);
    (void)pthread_mutex_lock(&c->api->change);
    if (look(c))
        of_token(c, token, more && span_is(path, "in"));
    look_away(c);
    (void)pthread_mutex_unlock(&c->api->change);
}
