#include "door/api/gate.h"

#include "base/json.h"
#include "base/text.h"
#include "door/api/api_private.h"
#include "lab/people/password_rules.h"
#include "record/crypto/crypto.h"
#include "record/crypto/password.h"

#include <stdio.h>
#include <stdlib.h>

#define WRONG_A_MINUTE 5

struct gate {
    char site[128];
    char token[33];
    struct gate_host host;
    pthread_mutex_t trying;          /* one passphrase at a time */
    pthread_mutex_t lock;            /* guards what follows */
    struct throttle_window wrong[2]; /* page, local socket */
    uint64_t wrong_all;
};

struct gate *gate_new(const char *site, const struct gate_host *host, struct error *e)
{
    struct gate *g = calloc(1, sizeof *g);
    uint8_t random[16];
    if (g == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the gate");
        return NULL;
    }
    (void)snprintf(g->site, sizeof g->site, "%s", site);
    g->host = *host;
    crypto_random(random, sizeof random);
    text_hex_to(g->token, random, sizeof random);
    (void)pthread_mutex_init(&g->trying, NULL);
    (void)pthread_mutex_init(&g->lock, NULL);
    return g;
}

void gate_free(struct gate *g)
{
    if (g == NULL)
        return;
    (void)pthread_mutex_destroy(&g->trying);
    (void)pthread_mutex_destroy(&g->lock);
    free(g);
}

uint64_t gate_wrong(struct gate *g)
{
    (void)pthread_mutex_lock(&g->lock);
    uint64_t n = g->wrong_all;
    (void)pthread_mutex_unlock(&g->lock);
    return n;
}

void gate_put(struct jsonw *j, const struct gate_state *s, const char *token)
{
    static const char *const stages[] = {[GATE_LOCKED] = "locked", [GATE_FRESH] = "new", [GATE_OPENING] = "opening", [GATE_OPEN] = "open"};
    jsonw_object(j);
    jsonw_put_bool(j, "locked", s->stage == GATE_LOCKED || s->stage == GATE_FRESH);
    jsonw_put_str(j, "stage", stages[s->stage]);
    put_time(j, "since", s->since);
    jsonw_put_uint(j, "records", s->records);
    jsonw_put_uint(j, "bytes", s->bytes);
    jsonw_put_uint(j, "max_bytes", s->max);
    jsonw_put_uint(j, "lost", s->lost);
    jsonw_put_bool(j, "nearly_full", s->nearly_full);
    jsonw_put_bool(j, "keeping", s->keeping);
    jsonw_put_str(j, "csrf", token);
    jsonw_object_end(j);
}

/* ── POST /unlock ── */

static bool may_try(struct gate *g, struct call *c)
{
    int64_t wait = 0;
    bool local = c->request->door == DOOR_LOCAL;
    (void)pthread_mutex_lock(&g->lock);
    bool open = throttle_window_open(&g->wrong[local], WRONG_A_MINUTE, c->now.monotonic, &wait);
    if (open)
        throttle_window_count(&g->wrong[local]); /* taken back where it is right */
    (void)pthread_mutex_unlock(&g->lock);
    if (!open)
        problem_later(c, 429, "throttled", "Too many wrong passphrases. Wait a little, then try again.", wait);
    return open;
}

static void tried(struct gate *g, struct call *c, bool wrong)
{
    bool local = c->request->door == DOOR_LOCAL;
    (void)pthread_mutex_lock(&g->lock);
    if (wrong)
        g->wrong_all++;
    else if (g->wrong[local].count > 0)
        g->wrong[local].count--;
    (void)pthread_mutex_unlock(&g->lock);
}

static void try_it(struct gate *g, struct call *c, struct span passphrase)
{
    struct error e = {0};
    struct gate_state s;
    int r = g->host.unlock(g->host.context, passphrase, c->origin, &e);
    tried(g, c, r != 0 && e.class == ERR_LOCKED);
    if (r != 0 && e.class == ERR_LOCKED) {
        problem(c, 403, "wrong-passphrase", "This is not the passphrase.");
    } else if (r != 0) {
        problem(c, 503, "not-unlocked", e.text);
    } else {
        g->host.state(g->host.context, &s);
        gate_put(&c->json, &s, "");
        c->reply->r.status = 200;
    }
}

/* A first one is chosen, and only at the machine itself: the page's certificate is nobody's yet. */
static bool good_first(struct gate *g, struct call *c, const struct gate_state *s, bool fresh, struct span passphrase)
{
    if (s->stage == GATE_FRESH && c->request->door != DOOR_LOCAL) {
        problem(c, 409, "fresh", "The first passphrase is chosen at the machine itself: tourniquet unlock --new");
        return false;
    }
    if (fresh != (s->stage == GATE_FRESH)) {
        problem(c, 409, fresh ? "has-passphrase" : "fresh",
                fresh ? "This data folder has its passphrase already: unlock it without --new."
                      : "There is no passphrase yet. Choose one with: tourniquet unlock --new");
        return false;
    }
    const struct span context[] = {span_str(g->site), SPAN_LIT("tourniquet"), SPAN_LIT("passphrase")};
    const char *why = fresh ? password_refused(passphrase, context, 3) : NULL;
    if (why != NULL)
        problem(c, 422, "weak-passphrase", why);
    return why == NULL;
}

static void handle_post(struct gate *g, struct call *c)
{
    struct body body;
    struct body_field f[] = {{.name = "passphrase", .max = PASSWORD_MAX}, {.name = "new", .optional = true, .boolean = true, .max = 5}};
    char why[160];
    struct gate_state s;
    bool console = c->request->door == DOOR_CONSOLE;
    if (console && (c->request->csrf.n != sizeof g->token - 1 || !crypto_equal(c->request->csrf.p, g->token, sizeof g->token - 1))) {
        problem(c, 403, "csrf", "The request does not come from this page: its X-CSRF header is missing or wrong. Reload the page.");
        return;
    }
    if (!body_parse(&body, c->request->body, f, 2, why)) {
        problem(c, 400, "body", why);
        return;
    }
    (void)pthread_mutex_lock(&g->trying);
    g->host.state(g->host.context, &s);
    if (s.stage != GATE_LOCKED && s.stage != GATE_FRESH)
        problem(c, 409, "open", "It is unlocked already.");
    else if (good_first(g, c, &s, span_is(f[1].text, "true"), f[0].text) && may_try(g, c))
        try_it(g, c, f[0].text);
    (void)pthread_mutex_unlock(&g->trying);
    body_close(&body);
}

/* ── once it is open: in the api's table ── */

void handle_unlock_get(struct call *c)
{
    gate_put(&c->json, &(struct gate_state){.stage = GATE_OPEN, .keeping = true}, "");
}

void handle_unlock_post(struct call *c)
{
    problem(c, 409, "open", "It is unlocked already.");
}

/* ── everything else ── */

void gate_metrics(const struct gate_state *s, struct buf *out)
{
    const struct {
        const char *name;
        const char *help;
        uint64_t value;
    } all[] = {{"locked", "1 while the ledger's keys wait for a passphrase.", s->stage != GATE_OPEN},
               {"spool_records", "Records that wait for the ledger to be unlocked.", s->records},
               {"spool_bytes", "Bytes that they take.", s->bytes},
               {"spool_max_bytes", "Bytes that they may take.", s->max},
               {"spool_lost_records", "Records that found no room there.", s->lost}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buf_addf(out, "# HELP tourniquet_%s %s\n# TYPE tourniquet_%s gauge\ntourniquet_%s %llu\n", all[i].name, all[i].help, all[i].name, all[i].name,
                 (unsigned long long)all[i].value);
}

static void put_metrics(struct call *c, const struct gate_state *s)
{
    gate_metrics(s, &c->reply->body);
    c->reply->r.status = 200;
    (void)snprintf(c->reply->type, sizeof c->reply->type, "text/plain; version=0.0.4; charset=utf-8");
}

static void put_not_ready(struct call *c)
{
    c->reply->r.status = 503;
    jsonw_object(&c->json);
    jsonw_put_bool(&c->json, "ready", false);
    jsonw_put_str(&c->json, "why", "locked");
    jsonw_object_end(&c->json);
}

static void handle(struct gate *g, struct call *c)
{
    const struct request *r = c->request;
    struct gate_state s;
    bool get = span_is(r->method, "GET");
    g->host.state(g->host.context, &s);
    if (span_is(r->path, "/api/v1/unlock") && get) {
        gate_put(&c->json, &s, r->door == DOOR_LOCAL ? "" : g->token);
        c->reply->r.status = 200;
    } else if (span_is(r->path, "/api/v1/unlock") && span_is(r->method, "POST")) {
        handle_post(g, c);
    } else if (span_is(r->path, "/api/v1/unlock")) {
        problem(c, 405, "method", "This address takes other methods.");
    } else if (span_is(r->path, "/readyz") && get) {
        put_not_ready(c);
    } else if (span_is(r->path, "/metrics") && get && r->door == DOOR_LOCAL) {
        put_metrics(c, &s);
    } else {
        problem_later(c, 503, "locked",
                      s.stage == GATE_OPENING ? "It is being unlocked. Try again in a moment."
                                              : "The ledger is locked: it waits for its passphrase (tourniquet unlock, or the page).",
                      s.stage == GATE_OPENING ? 2 : 0);
    }
}

void gate_handle(struct gate *g, struct api_clock now, const struct request *request, struct api_reply *ret)
{
    buf_clear(&ret->body);
    ret->r = (struct reply){0};
    ret->type[0] = ret->etag[0] = 0;
    crypto_wipe(ret->session, sizeof ret->session);
    struct call c = {.now = now, .request = request, .reply = ret, .json = jsonw_to(&ret->body)};
    name_origin(&c);
    handle(g, &c);
    if (ret->body.n > 0 && ret->type[0] == 0)
        (void)snprintf(ret->type, sizeof ret->type, "application/json");
    ret->r.id = request->id;
    ret->r.type = span_str(ret->type);
    ret->r.body = buf_span(&ret->body);
}
