/* What people do with their own access: taking up an invitation, a new password, their sessions; and the site's rules for passwords. */
#include "door/api/people_private.h"

#include "lab/people/breached.h"
#include "lab/people/password_rules.h"
#include "lab/people/policy.h"
#include "record/crypto/crypto.h"
#include "record/crypto/password.h"

#include <stdio.h>
#include <stdlib.h>

/* ── passwords ── */

bool password_good(struct call *c, const char *name, const char *display_name, struct span password)
{
    const struct span context[] = {span_str(name), span_str(display_name), span_str(c->api->site), SPAN_LIT("tourniquet")};
    const char *why = password_refused(password, context, 4);
    if (why != NULL)
        problem(c, 422, "weak-password", why);
    return why == NULL;
}

bool password_choose(struct call *c, const struct account *a, struct span password, const char *why)
{
    char hash[ACCOUNT_HASH_MAX];
    if (!password_good(c, a->name, a->display_name, password) || !password_make(c, password, hash))
        return false;
    struct record *r = people_record(c, EVENT_ACCOUNT_PASSWORD, a->name, span_str(why));
    if (r != NULL)
        record_str(r, KEY_PASSWORD_HASH, hash);
    bool ok = people_decide(c, r);
    crypto_wipe(hash, sizeof hash); /* the record pointed to it */
    return ok;
}

/* Why a right password lets nobody in until another is chosen; NULL: it does. */
static const char *outworn(struct call *c, const struct account *a, struct span password, const char **ret_code)
{
    struct access_policy p;
    struct error e = {0};
    *ret_code = "password-breached";
    if (breached_has(password))
        return "This password is on the list of those that leaked elsewhere. Choose another one to go on.";
    *ret_code = "password-old";
    if (access_policy_get(c->db, &p, &e) == 0 && p.password_days > 0 && c->now.wall - a->password_set > p.password_days * PEOPLE_DAY)
        return "Your password is older than this site allows. Choose another one to go on.";
    return NULL;
}

bool password_serves(struct call *c, struct account *a, struct span password, struct span chosen)
{
    struct error e = {0};
    const char *code;
    bool found = false;
    char hash[ACCOUNT_HASH_MAX];
    bool sealed = strcmp(a->name, EMERGENCY_NAME) == 0;
    const char *why = sealed ? NULL : outworn(c, a, password, &code);
    person_of(c, a, "");
    if (why != NULL && chosen.n == 0) {
        problem(c, 403, code, why);
        return false;
    }
    if (chosen.n > 0 && !sealed) {
        if (span_equal(chosen, password)) {
            problem(c, 422, "weak-password", "Choose another password than the one that you have.");
            return false;
        }
        return password_choose(c, a, chosen, why != NULL ? why : "at a sign-in") && account_get(c->db, span_str(a->name), a, &found, &e) == 0;
    }
    if (password_outdated(a->password_hash) && password_make(c, password, hash)) { /* made with less work than today's */
        struct record *r = people_record(c, EVENT_ACCOUNT_PASSWORD, a->name, (struct span){0});
        if (r != NULL) {
            record_str(r, KEY_STATE, "rehashed");
            record_str(r, KEY_PASSWORD_HASH, hash);
        }
        bool ok = people_decide(c, r);
        crypto_wipe(hash, sizeof hash);
        return ok;
    }
    return !answered(c);
}

bool known_place(struct call *c, struct span account)
{
    return account_knows(c->db, account, span_str(c->origin), c->now.wall - 90 * PEOPLE_DAY);
}

/* ── POST /invitation ── */

static bool code_right(const struct account *a, struct span typed, tq_time now)
{
    char hash[2 * SHA256_SIZE + 1];
    invitation_hash(typed, hash);
    return !a->closed && strlen(a->invite_hash) == sizeof hash - 1 && now < a->invite_until && crypto_equal(a->invite_hash, hash, sizeof hash - 1);
}

void handle_invitation(struct call *c)
{
    enum { NAME, CODE, PASSWORD, FIELDS };
    struct body body;
    struct body_field f[FIELDS] = {
        [NAME] = {.name = "name", .max = 256}, [CODE] = {.name = "code", .max = 128}, [PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST}};
    if (!body_open(c, &body, f, FIELDS))
        return;
    char name[ACCOUNT_NAME_MAX + 1] = "?";
    struct account a = {0};
    struct error e = {0};
    bool known = false;
    int64_t wait = 0;
    bool named = account_name(f[NAME].text, name);
    struct span who = span_str(named ? name : "?");
    struct span peer = span_str(c->origin);
    if (!throttle_ask(c->api->throttle, who, peer, known_place(c, who), c->now.monotonic, &wait)) {
        problem_later(c, 429, "throttled", "Too many attempts. Wait a little, then try again.", wait);
    } else if (named && account_get(c->db, who, &a, &known, &e) != 0) {
        problem_store(c, &e);
    } else if (!known || !code_right(&a, f[CODE].text, c->now.wall)) {
        note_session(c, EVENT_SESSION_REFUSED, known ? name : NULL, NULL, "wrong invitation code");
        if (!answered(c))
            problem(c, 401, "wrong-code", "Name or code is wrong, or the code is too old. Ask who invited you for a new one.");
    } else {
        throttle_right(c->api->throttle, who, peer);
        person_of(c, &a, "");
        if (password_choose(c, &a, f[PASSWORD].text, "with a one-time code") && account_get(c->db, who, &a, &known, &e) == 0)
            sign_in(c, &a, "invitation", false);
    }
    crypto_wipe(&a, sizeof a);
    body_close(&body);
}

/* ── POST /session/password ── */

/* The account of whoever asks, where it has a password of a person. False: the problem is set. */
static bool own_account(struct call *c, struct account *ret)
{
    struct error e = {0};
    bool found = false;
    if (account_get(c->db, span_str(c->person.name), ret, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 409, "no-account", "At the local socket nobody has an account. Sign in at the page.");
    else if ((c->person.roles & JOB_BIT(JOB_EMERGENCY)) != 0)
        problem(c, 409, "sealed", "This is the emergency account: a lab manager seals it anew.");
    return !answered(c);
}

void handle_own_password(struct call *c)
{
    struct body body;
    struct account a = {0};
    struct body_field f[] = {{.name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true},
                             {.name = "new_password", .max = 4 * PASSWORD_LONGEST}};
    if (!body_open(c, &body, f, 2))
        return;
    if (own_account(c, &a) && password_good(c, a.name, a.display_name, f[1].text) && proof_again(c, f[0].text, "own password") &&
        password_choose(c, &a, f[1].text, "its owner wanted another one")) {
        people_end_sessions(c, a.name, c->person.session, "its password was changed elsewhere");
        if (!answered(c))
            put_person(c);
    }
    crypto_wipe(&a, sizeof a);
    body_close(&body);
}

/* ── GET /sessions, DELETE /sessions/{handle} ── */

struct listing {
    struct call *c;
    const char *account; /* "": all */
};

static void put_session(void *context, const struct session *s)
{
    struct listing *l = context;
    struct call *c = l->c;
    struct jsonw *j = &c->json;
    if (l->account[0] != 0 && strcmp(s->account, l->account) != 0)
        return;
    jsonw_object(j);
    jsonw_put_str(j, "id", s->handle);
    jsonw_put_str(j, "account", s->account);
    put_optional(j, "origin", span_str(s->origin));
    put_time(j, "opened", c->now.wall - (c->now.monotonic - s->opened));
    put_time(j, "last_used", c->now.wall - (c->now.monotonic - s->last));
    jsonw_put_bool(j, "this", strcmp(s->handle, c->person.session) == 0);
    jsonw_object_end(j);
}

void handle_session_list(struct call *c)
{
    char account[NAMED_MAX + 1];
    if (!query_named(c, "account", account))
        return;
    if (strcmp(account, c->person.name) != 0 && account[0] != 0 && !may(c, "people.read")) {
        refuse(c, 403, "not-permitted", "Your role may see your own sessions only.", "people.read");
        return;
    }
    struct listing l = {.c = c, .account = account[0] != 0 || may(c, "people.read") ? account : c->person.name};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    sessions_each(c->api->sessions, c->now.monotonic, put_session, &l);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
}

void handle_session_end(struct call *c)
{
    struct session gone;
    char handle[SESSION_HANDLE];
    bool own = !may(c, PEOPLE_PERMISSION);
    handle[span_copy(c->params[0], handle, sizeof handle - 1)] = 0;
    bool mine = strcmp(handle, c->person.session) == 0;
    if (!proved(c, own ? "own session" : PEOPLE_PERMISSION)) /* whoever found an open browser does not shut out its owner */
        return;
    if (!session_end_one(c->api->sessions, own ? c->person.name : NULL, handle, NULL, &gone)) {
        problem(c, 404, "no-session", "There is no such session, or it is not yours.");
        return;
    }
    note_session(c, EVENT_SESSION_CLOSED, gone.account, gone.handle,
                 strcmp(gone.account, c->person.name) == 0 ? "ended by its owner" : "ended by somebody else");
    if (!answered(c))
        c->reply->r.clear_session = mine;
}

/* ── GET and PUT /access-policy ── */

static void put_policy(struct call *c)
{
    struct access_policy p;
    struct error e = {0};
    struct jsonw *j = &c->json;
    if (access_policy_get(c->db, &p, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    jsonw_object(j);
    jsonw_put_int(j, "password_shortest", PASSWORD_SHORTEST);
    jsonw_put_int(j, "password_longest", PASSWORD_LONGEST);
    jsonw_put_int(j, "password_days", p.password_days);
    jsonw_put_str(j, "second_factor", second_factor_name(p.second_factor));
    jsonw_put_int(j, "breached", (int64_t)breached_count());
    jsonw_put_int(j, "session_idle_s", SESSION_IDLE / TIME_SECOND);
    jsonw_put_int(j, "session_longest_s", SESSION_LONGEST / TIME_SECOND);
    put_optional(j, "by", span_str(p.by));
    put_time(j, "changed", p.time);
    put_optional(j, "why", span_str(p.why));
    jsonw_object_end(j);
}

void handle_policy_get(struct call *c)
{
    put_policy(c);
}

void handle_policy_put(struct call *c)
{
    enum { DAYS, FACTOR, WHY, PASSWORD, FIELDS };
    struct body body;
    uint64_t days = 0;
    struct access_policy now;
    struct error e = {0};
    if (access_policy_get(c->db, &now, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    enum second_factor factor = now.second_factor; /* what is not named stays */
    days = (uint64_t)now.password_days;
    struct body_field f[FIELDS] = {[DAYS] = {.name = "password_days", .max = 5, .optional = true},
                                   [FACTOR] = {.name = "second_factor", .max = 16, .optional = true},
                                   [WHY] = {.name = "why", .max = 4 * PEOPLE_WHY_MAX},
                                   [PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true}};
    if (!body_open(c, &body, f, FIELDS))
        return;
    if (f[FACTOR].text.n > 0 && !second_factor_find(f[FACTOR].text, &factor)) {
        problem(c, 422, "second-factor", "A second factor is asked of none, managers or everybody.");
    } else if (factor > now.second_factor && c->request->door != DOOR_LOCAL && !c->person.two_factors) {
        problem(c, 409, "own-second-factor", "Sign in with a passkey or a code of an app yourself first: else your own roles would count no more.");
    } else if ((f[DAYS].text.n > 0 && !span_decimal(f[DAYS].text, POLICY_DAYS_MOST, &days)) || (days != 0 && days < POLICY_DAYS_LEAST)) {
        problem(c, 422, "password-days", "A longest age has 30 to 1,095 days; 0: none.");
    } else if (people_why(c, f[WHY].text) && proof_again(c, f[PASSWORD].text, PEOPLE_PERMISSION)) {
        struct record *r = decision(c, EVENT_ACCESS_POLICY);
        if (r != NULL) {
            record_int(r, KEY_PASSWORD_DAYS, (int64_t)days);
            record_str(r, KEY_SECOND_FACTOR, second_factor_name(factor));
            record_text(r, KEY_WHY, f[WHY].text);
        }
        if (people_decide(c, r))
            put_policy(c);
    }
    body_close(&body);
}
