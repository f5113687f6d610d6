#include "door/api/api_private.h"

#include "lab/inventory/network.h"
#include "lab/people/policy.h"
#include "lab/training/training.h"
#include "record/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>

/* From a request to its answer: find the route, find out who asks, check CSRF and permission, call the handler. */

#define REFUSALS_A_MINUTE 60
#define SWEEP_EVERY (60 * TIME_SECOND)

/* ── birth and end ── */

static bool any_account(struct api *api, struct error *e)
{
    struct store_conn *c = store_reader_open(api->store, e);
    if (c == NULL || store_look(c, e) != 0) {
        store_reader_close(c);
        return false;
    }
    int64_t n = account_total(c, e);
    store_look_end(c);
    store_reader_close(c);
    return n != 0;
}

struct api *api_new(const struct api_options *o, struct error *e)
{
    struct api *api = calloc(1, sizeof *api);
    if (api == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the api");
        return NULL;
    }
    (void)snprintf(api->site, sizeof api->site, "%s", o->site);
    api->store = o->store;
    api->views = o->views;
    api->host = o->host;
    api->courses = o->courses;
    api->training = o->training.questions > 0 ? o->training : API_TRAINING;
    (void)snprintf(api->name, sizeof api->name, "%s", o->name != NULL ? o->name : "localhost");
    (void)snprintf(api->origin, sizeof api->origin, "%s", o->origin != NULL ? o->origin : "https://localhost:8443");
    (void)snprintf(api->landing, sizeof api->landing, "%s", o->phishing.landing != NULL ? o->phishing.landing : "");
    (void)snprintf(api->phishing_domains, sizeof api->phishing_domains, "%s", o->phishing.domains != NULL ? o->phishing.domains : "");
    (void)snprintf(api->phishing_language, sizeof api->phishing_language, "%.3s", o->phishing.language != NULL ? o->phishing.language : "en");
    api->phishing_every = o->phishing.every > 0 ? o->phishing.every : 30;
    (void)snprintf(api->time_zone, sizeof api->time_zone, "%s", o->time_zone != NULL ? o->time_zone : "");
    if (o->postbox != NULL && o->postbox[0] != 0)
        (void)snprintf(api->mail_to, sizeof api->mail_to, "mail@%s", o->postbox);
    (void)snprintf(api->told_to, sizeof api->told_to, "%s", o->told_to != NULL ? o->told_to : "");
    (void)snprintf(api->told_from, sizeof api->told_from, "%s", o->told_from != NULL ? o->told_from : "high");
    api->lock_s = o->lock_s > 0 ? o->lock_s : 120;
    api->party = (struct passkey_party){.id = api->name, .origin = api->origin};
    if (o->key != NULL)
        memcpy(api->key, o->key, sizeof api->key);
    (void)pthread_mutex_init(&api->change, NULL);
    (void)pthread_mutex_init(&api->hashing, NULL);
    (void)pthread_mutex_init(&api->passkeys, NULL);
    (void)pthread_mutex_init(&api->lock, NULL);
    struct error own = {0};
    bool accounts = any_account(api, &own);
    api->sessions = own.class == ERR_NONE ? sessions_new(&own) : NULL;
    api->throttle = api->sessions != NULL ? throttle_new(&own) : NULL;
    api->rates = api->throttle != NULL ? rates_new(&own) : NULL;
    api->challenges = api->rates != NULL ? challenges_new(&own) : NULL;
    api->network = api->challenges != NULL ? network_keeper_new() : NULL;
    if (api->network == NULL) {
        if (e != NULL)
            *e = own;
        api_free(api);
        return NULL;
    }
    if (!accounts)
        setup_code_make(api->setup_code);
    return api;
}

void api_free(struct api *api)
{
    if (api == NULL)
        return;
    for (size_t i = 0; i < api->idle; i++)
        store_reader_close(api->readers[i]);
    for (size_t i = 0; i < API_LISTS; i++)
        buf_release(&api->lists[i].file);
    for (size_t i = 0; i < API_UPLOADS; i++)
        buf_release(&api->uploads[i].bytes);
    network_keeper_free(api->network);
    sessions_free(api->sessions);
    throttle_free(api->throttle);
    rates_free(api->rates);
    challenges_free(api->challenges);
    (void)pthread_mutex_destroy(&api->passkeys);
    crypto_wipe(api->key, sizeof api->key);
    (void)pthread_mutex_destroy(&api->change);
    (void)pthread_mutex_destroy(&api->hashing);
    (void)pthread_mutex_destroy(&api->lock);
    crypto_wipe(api->setup_code, sizeof api->setup_code);
    free(api);
}

bool api_setup_code(struct api *api, char out[SETUP_CODE_TEXT])
{
    (void)pthread_mutex_lock(&api->lock);
    memcpy(out, api->setup_code, SETUP_CODE_TEXT);
    (void)pthread_mutex_unlock(&api->lock);
    return out[0] != 0;
}

void api_reply_release(struct api_reply *reply)
{
    buf_release(&reply->body);
    crypto_wipe(reply->session, sizeof reply->session);
}

/* ── connections ── */

static struct store_conn *borrow(struct api *api, struct error *e)
{
    struct store_conn *c = NULL;
    (void)pthread_mutex_lock(&api->lock);
    if (api->idle > 0)
        c = api->readers[--api->idle];
    (void)pthread_mutex_unlock(&api->lock);
    return c != NULL ? c : store_reader_open(api->store, e);
}

static void give_back(struct api *api, struct store_conn *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&api->lock);
    bool kept = api->idle < API_READERS;
    if (kept)
        api->readers[api->idle++] = c;
    (void)pthread_mutex_unlock(&api->lock);
    if (!kept)
        store_reader_close(c);
}

bool look(struct call *c)
{
    struct error e = {0};
    c->looking = store_look(c->db, &e) == 0;
    if (!c->looking)
        problem_store(c, &e);
    return c->looking;
}

void look_away(struct call *c)
{
    if (c->looking)
        store_look_end(c->db);
    c->looking = false;
}

/* ── routes ── */

/* Compares a path with a pattern; segments in braces are parameters: 1-128 of a-z A-Z 0-9 - _ . @ */
static bool match(struct span path, const char *pattern, struct span params[ROUTE_PARAMS])
{
    struct span p = span_str(pattern);
    size_t n = 0;
    for (;;) {
        bool more_path = false;
        bool more_pattern = false;
        struct span want = span_until(&p, '/', &more_pattern);
        struct span have = span_until(&path, '/', &more_path);
        bool param = want.n > 0 && want.p[0] == '{';
        if (more_path != more_pattern || (!param && !span_equal(want, have)))
            return false;
        if (param) {
            if (have.n == 0 || have.n > 128 || n == ROUTE_PARAMS)
                return false;
            for (size_t i = 0; i < have.n; i++) {
                uint8_t ch = have.p[i];
                bool plain = (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') || ch == '-' || ch == '_' || ch == '.' ||
                             ch == '@';
                if (!plain)
                    return false;
            }
            params[n++] = have;
        }
        if (!more_path)
            return true;
    }
}

static const struct route *find_route(const struct request *r, struct span params[ROUTE_PARAMS], bool *ret_path_known)
{
    *ret_path_known = false;
    for (size_t i = 0; i < api_route_count; i++) {
        if (!match(r->path, api_routes[i].path, params))
            continue;
        *ret_path_known = true;
        if (span_is(r->method, api_routes[i].method))
            return &api_routes[i];
    }
    return NULL;
}

/* ── who asks ── */

/* The peer as records may show it: at most 64 characters of what addresses and "uid 0" are made of. */
void name_origin(struct call *c)
{
    char peer[65];
    size_t n = 0;
    for (size_t i = 0; i < c->request->peer.n && n < sizeof peer - 1; i++) {
        uint8_t ch = c->request->peer.p[i];
        bool plain = (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') || (ch != 0 && strchr(".:%[] ", ch) != NULL);
        if (plain)
            peer[n++] = (char)ch;
    }
    peer[n] = 0;
    if (c->request->door == DOOR_LOCAL)
        (void)snprintf(c->origin, sizeof c->origin, "local socket, %s", n > 0 ? peer : "unknown user");
    else
        (void)snprintf(c->origin, sizeof c->origin, "%s", n > 0 ? peer : "unknown address");
}

bool may(const struct call *c, const char *permission)
{
    if (!jobs_may(c->person.roles, permission))
        return false;
    return c->person.token[0] == 0 || api_token_scope(span_str(c->person.scopes), permission);
}

void person_of(struct call *c, const struct account *account, const char *session)
{
    struct person *p = &c->person;
    *p = (struct person){.known = true, .roles = account_roles(c->db, span_str(account->name), c->api->site, c->now.wall)};
    (void)snprintf(p->session, sizeof p->session, "%s", session);
    (void)snprintf(p->name, sizeof p->name, "%s", account->name);
    (void)snprintf(p->display_name, sizeof p->display_name, "%s", account->display_name);
}

void withhold_roles(struct call *c, bool two_factors)
{
    struct person *p = &c->person;
    struct access_policy policy;
    struct error e = {0};
    p->two_factors = two_factors;
    if (two_factors || (p->roles & JOB_BIT(JOB_EMERGENCY)) != 0)
        return;
    bool unknown = access_policy_get(c->db, &policy, &e) != 0;
    if (unknown || policy.second_factor == SECOND_FACTOR_EVERYBODY || (policy.second_factor == SECOND_FACTOR_MANAGERS && jobs_manage(p->roles))) {
        p->withheld = p->roles != 0;
        p->roles = 0;
    }
}

/* An API token: its owner, narrowed to its scopes. */
static void identify_token(struct call *c)
{
    struct api_token t;
    struct account account;
    bool found = false;
    struct error e = {0};
    if (api_token_find(c->db, c->request->bearer, c->now.wall, &t, &found, &e) != 0 || !found ||
        account_get(c->db, span_str(t.account), &account, &found, &e) != 0 || !found)
        return;
    if (!account.closed) {
        person_of(c, &account, "");
        memcpy(c->person.token, t.id, sizeof t.id);
        memcpy(c->person.scopes, t.scopes, sizeof t.scopes);
    }
    crypto_wipe(&account, sizeof account);
}

/* Who forwarded a mail: the one account that has this address. The lab's own mail server vouches for it. */
static void identify_sender(struct call *c)
{
    struct account account = {0};
    bool found = false;
    char name[ACCOUNT_NAME_MAX + 1];
    struct error e = {0};
    if (training_contact_find(c->db, c->request->session, name, &found, &e) == 0 && found &&
        account_get(c->db, span_str(name), &account, &found, &e) == 0 && found && !account.closed)
        person_of(c, &account, "");
    crypto_wipe(&account, sizeof account);
}

/* What an open page asks again and again: that alone must not keep a session of nobody alive. */
static bool asks_by_itself(struct span path)
{
    return span_is(path, "/api/v1/stream") || span_is(path, "/api/v1/tasks");
}

static void identify(struct call *c)
{
    struct person *p = &c->person;
    if (c->request->door == DOOR_MAIL) {
        identify_sender(c);
        return;
    }
    if (c->request->door == DOOR_LOCAL) {
        *p = (struct person){.known = true, .roles = JOB_BIT(JOB_LOCAL), .display_name = "Local administrator"};
        (void)snprintf(p->name, sizeof p->name, "%.*s", (int)sizeof p->name - 1, c->origin);
        return;
    }
    if (c->request->bearer.n > 0) {
        identify_token(c);
        return;
    }
    struct session session;
    struct account account;
    bool found = false;
    struct error e = {0};
    bool (*find)(struct sessions *, struct span, tq_time, struct session *) = asks_by_itself(c->request->path) ? session_look : session_use;
    if (!find(c->api->sessions, c->request->session, c->now.monotonic, &session) ||
        account_get(c->db, span_str(session.account), &account, &found, &e) != 0 || !found)
        return;
    if (!account.closed) { /* a password that somebody else may know ended its sessions (people.c, sign_in) */
        person_of(c, &account, session.handle);
        withhold_roles(c, session.two_factors);
    }
    crypto_wipe(&account, sizeof account);
}

static bool csrf_right(const struct call *c)
{
    char want[SESSION_CSRF];
    session_csrf(c->request->session, want);
    return c->request->csrf.n == SESSION_CSRF - 1 && crypto_equal(c->request->csrf.p, want, SESSION_CSRF - 1);
}

/* Not more often than a page or program needs. False: the problem is set. */
static bool not_too_often(struct call *c)
{
    const struct person *p = &c->person;
    bool token = p->token[0] != 0;
    int64_t wait = 0;
    if (!token && p->session[0] == 0)
        return true; /* the local socket */
    if (rate_take(c->api->rates, span_str(token ? p->token : p->session), token ? RATE_TOKEN : RATE_SESSION, c->now.monotonic, c->now.wall, &wait))
        return true;
    problem_later(c, 429, "rate", token ? "This token asked 600 times within a minute. Ask less often." : "Too many requests. Wait a little.", wait);
    return false;
}

static bool for_tokens(const struct route *r)
{
    return r->permission != NULL || (r->flags & ROUTE_TOKEN) != 0;
}

/* Session or token, rate, CSRF, permission, If-Match: true when the handler may run. */
static bool allowed(struct call *c)
{
    const struct route *route = c->route;
    if ((route->flags & ROUTE_OPEN) != 0)
        return true;
    if (!c->person.known) {
        if (c->request->bearer.n > 0) {
            problem(c, 401, "token", "This token is unknown, revoked or over, or its owner's account is closed.");
        } else if (c->request->session.n > 0) {
            c->reply->r.clear_session = true;
            problem(c, 401, "signed-out", "Your session has ended. Sign in again.");
        } else {
            problem(c, 401, "not-signed-in", "Sign in first.");
        }
        return false;
    }
    if (!not_too_often(c))
        return false;
    bool change = strcmp(route->method, "GET") != 0;
    if (c->person.token[0] != 0 && !for_tokens(route)) {
        refuse(c, 403, "not-permitted", "A token may not do this: it takes a person.", "no token");
        return false;
    }
    if (change && c->request->door == DOOR_CONSOLE && c->person.token[0] == 0 && !csrf_right(c)) {
        refuse(c, 403, "csrf", "The request does not come from this page: its X-CSRF header is missing or wrong. Reload the page.",
               route->permission);
        return false;
    }
    if (route->permission != NULL && c->person.withheld) {
        refuse(c, 403, "second-factor", "Your roles count once you signed in with a passkey or a code of an app. Set one up under My sign-in.",
               route->permission);
        return false;
    }
    if (route->permission != NULL && !may(c, route->permission)) {
        refuse(c, 403, "not-permitted",
               c->person.token[0] != 0 ? "This token, or its owner, may not do this." : "Your role may not do this. Ask the lab manager.",
               route->permission);
        return false;
    }
    if ((route->flags & ROUTE_IF_MATCH) != 0 && c->request->if_match.n == 0) {
        problem(c, 428, "if-match-missing", "Say which state you saw: send its ETag in If-Match.");
        return false;
    }
    return true;
}

/* ── handling ── */

static bool due_for_sweep(struct api *api, tq_time now)
{
    (void)pthread_mutex_lock(&api->lock);
    bool due = now - api->swept >= SWEEP_EVERY || now < api->swept;
    if (due)
        api->swept = now;
    (void)pthread_mutex_unlock(&api->lock);
    return due;
}

static void sweep(struct call *c)
{
    struct session gone;
    bool idle = false;
    while (session_expired(c->api->sessions, c->now.monotonic, &gone, &idle))
        note_session(c, EVENT_SESSION_CLOSED, gone.account, gone.handle, idle ? "30 minutes without a request" : "12 hours old");
}

/* Where the request takes data out: who is signed in shows again that it is they (a program with its own token was given just that), and a record of
 * it first. False: the problem is set. */
static bool exported(struct call *c)
{
    uint64_t index = 0;
    if ((c->route->flags & ROUTE_EXPORT) == 0)
        return true;
    if (c->request->door != DOOR_LOCAL && c->person.token[0] == 0 &&
        !(strcmp(c->route->method, "POST") == 0 ? proved(c, c->route->permission) : proof_again(c, (struct span){0}, c->route->permission)))
        return false;
    struct record *r = decision(c, EVENT_DATA_EXPORTED);
    if (r == NULL)
        return false;
    record_str(r, KEY_WHAT, c->route->summary);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

static void run(struct call *c)
{
    if (c->request->door == DOOR_LANDING) { /* nothing else is to be had there, whatever is asked */
        handle_phishing_landing(c);
        return;
    }
    bool path_known = false;
    c->route = find_route(c->request, c->params, &path_known);
    if (c->route == NULL) {
        problem(c, path_known ? 405 : 404, path_known ? "method" : "not-found",
                path_known ? "This address takes other methods." : "There is nothing at this address.");
        return;
    }
    if (c->request->door == DOOR_MAIL && c->route->handle != handle_session_get && c->route->handle != handle_mail_report &&
        c->route->handle != handle_mail_piece) {
        problem(c, 404, "not-found", "There is nothing at this address.");
        return;
    }
    bool serial = (c->route->flags & ROUTE_SERIAL) != 0;
    if (serial)
        (void)pthread_mutex_lock(&c->api->change);
    if (look(c)) {
        identify(c);
        if (allowed(c) && exported(c))
            c->route->handle(c);
    }
    look_away(c);
    if (serial)
        (void)pthread_mutex_unlock(&c->api->change);
}

static void finish(struct call *c)
{
    struct api_reply *reply = c->reply;
    if (reply->r.status == 0) {
        reply->r.status = (uint16_t)c->route->success;
        if (reply->body.n > 0 && reply->type[0] == 0)
            (void)snprintf(reply->type, sizeof reply->type, "application/json");
    }
    if (!buf_ok(&reply->body)) {
        buf_release(&reply->body);
        c->json = jsonw_to(&reply->body);
        reply->r.status = 0;
        problem(c, 500, "too-large", "The answer is too large. Ask for fewer rows.");
    }
    reply->r.id = c->request->id;
    reply->r.type = span_str(reply->type);
    reply->r.etag = span_str(reply->etag);
    reply->r.set_session = span_str(reply->session);
    reply->r.body = buf_span(&reply->body);
    atomic_fetch_add(&c->api->answers[reply->r.status / 100 % 6], 1);
}

void api_handle(struct api *api, struct api_clock now, const struct request *request, struct api_reply *ret)
{
    buf_clear(&ret->body);
    ret->r = (struct reply){0};
    ret->type[0] = 0;
    ret->etag[0] = 0;
    ret->hidden = false;
    crypto_wipe(ret->session, sizeof ret->session);
    struct call c = {.api = api, .now = now, .request = request, .reply = ret, .json = jsonw_to(&ret->body)};
    struct error e = {0};
    name_origin(&c);
    c.db = borrow(api, &e);
    if (c.db == NULL) {
        problem_store(&c, &e);
    } else {
        if (due_for_sweep(api, now.monotonic))
            sweep(&c);
        run(&c);
    }
    give_back(api, c.db);
    finish(&c);
    buf_release(&c.spoken);
}

void api_settle(struct api *api, struct api_clock now)
{
    struct store_conn *db = network_due(api->network) ? borrow(api, NULL) : NULL;
    if (db != NULL && store_look(db, NULL) == 0) {
        network_renew(api->network, db, now.monotonic);
        store_look_end(db);
    }
    give_back(api, db);
}

/* ── decisions ── */

static struct record *begin_record(struct call *c, enum event event)
{
    struct record *r = malloc(sizeof *r);
    if (r == NULL) {
        problem(c, 503, "memory", "Not saved: the machine is out of memory.");
        return NULL;
    }
    record_start(r, event, c->now.wall, NULL);
    if (c->person.known)
        record_str(r, KEY_PERSON, c->person.name);
    record_str(r, KEY_ORIGIN, c->origin);
    record_str(r, KEY_TOKEN, c->person.token[0] != 0 ? c->person.token : NULL);
    record_str(r, KEY_PROOF, c->proof);
    return r;
}

struct record *decision(struct call *c, enum event event)
{
    struct record *r = begin_record(c, event);
    if (r != NULL && c->route->permission != NULL) { /* by what right: it can be asked years later */
        record_str(r, KEY_PERMISSION, c->route->permission);
        record_str(r, KEY_BY_ROLE, job_name(job_giving(c->person.roles, c->route->permission)));
    }
    return r;
}

static int hand_over(struct call *c, const struct record *r, uint64_t *ret_index, struct error *e)
{
    bool looking = c->looking;
    look_away(c); /* the projector must be able to write while we wait for it */
    int rc = c->api->host.decide(c->api->host.context, r, ret_index, e);
    if (looking && !look(c))
        return err_set(e, ERR_SYSTEM, "the views cannot be read");
    return rc;
}

/* Who did it is no matter: whoever took over an account would change just this. */
static void tell_owner(struct call *c, const struct record *r)
{
    static const enum event told[] = {EVENT_ACCOUNT_PASSWORD,  EVENT_ACCOUNT_RESET, EVENT_PASSKEY_ADDED, EVENT_PASSKEY_REMOVED,
                                      EVENT_PASSKEY_STOPPED,   EVENT_TOTP_SET,      EVENT_TOTP_REMOVED,  EVENT_RECOVERY_ASKED,
                                      EVENT_RECOVERY_APPROVED, EVENT_RECOVERY_USED};
    struct span account = record_get(r, KEY_ACCOUNT);
    for (size_t i = 0; i < sizeof told / sizeof told[0] && c->api->host.account_changed != NULL && account.n > 0; i++)
        if (told[i] == r->event)
            c->api->host.account_changed(c->api->host.context, account, r->event);
}

bool decide(struct call *c, const struct record *r, uint64_t *ret_index)
{
    struct error e = {0};
    if (hand_over(c, r, ret_index, &e) == 0) {
        tell_owner(c, r);
        return true;
    }
    if (answered(c))
        return false;
    if (e.class == ERR_AGAIN)
        problem_later(c, 503, "slow", "Taken down, but not shown yet. Reload in a moment before you try again.", 2);
    else
        problem(c, 503, "not-saved", "Not saved: the ledger cannot be written. Look at the free disk space, then try again.");
    return false;
}

/* Takes one of the minute's places for refusals; left_out: how many went without a record since the last one. */
static bool may_note(struct api *api, tq_time now, int64_t *ret_left_out)
{
    int64_t wait = 0;
    (void)pthread_mutex_lock(&api->lock);
    bool open = throttle_window_open(&api->refusals, REFUSALS_A_MINUTE, now, &wait);
    if (open) {
        throttle_window_count(&api->refusals);
        *ret_left_out = api->refusals_left_out;
        api->refusals_left_out = 0;
    } else {
        api->refusals_left_out++;
    }
    (void)pthread_mutex_unlock(&api->lock);
    return open;
}

static void say_why(char out[160], const char *why, int64_t left_out)
{
    if (left_out > 0)
        (void)snprintf(out, 160, "%s; %lld more refusals before it are not listed", why, (long long)left_out);
    else
        (void)snprintf(out, 160, "%s", why);
}

void refuse(struct call *c, int status, const char *code, const char *detail, const char *permission)
{
    atomic_fetch_add(&c->api->refused, 1);
    int64_t left_out = 0;
    struct record *r = may_note(c->api, c->now.monotonic, &left_out) ? begin_record(c, EVENT_REQUEST_REFUSED) : NULL;
    if (r != NULL) {
        char why[160];
        uint64_t index;
        struct error e;
        say_why(why, code, left_out);
        record_str(r, KEY_PERMISSION, permission);
        record_str(r, KEY_WHY, why);
        (void)hand_over(c, r, &index, &e);
        free(r);
    }
    problem(c, status, code, detail);
}

void note_session(struct call *c, enum event event, const char *account, const char *session, const char *why)
{
    int64_t left_out = 0;
    bool refused = event == EVENT_SESSION_REFUSED;
    if (refused)
        atomic_fetch_add(&c->api->refused, 1);
    if (refused && !may_note(c->api, c->now.monotonic, &left_out))
        return;
    struct record *r = malloc(sizeof *r);
    if (r == NULL)
        return;
    char words[160];
    uint64_t index;
    struct error e;
    record_start(r, event, c->now.wall, NULL);
    if (c->person.known)
        record_str(r, KEY_PERSON, c->person.name);
    record_str(r, KEY_ACCOUNT, account);
    record_str(r, KEY_SESSION, session);
    record_str(r, KEY_ORIGIN, event == EVENT_SESSION_CLOSED && !c->person.known ? NULL : c->origin);
    if (why != NULL) {
        say_why(words, why, left_out);
        record_str(r, KEY_WHY, words);
    }
    (void)hand_over(c, r, &index, &e);
    free(r);
}
