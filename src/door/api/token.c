/* API tokens: a program uses the API in somebody's name, with some of that person's permissions, until a day.
 *
 * Invariants
 *  1. A token may what its scopes name and what its owner may now: who loses a role, or leaves, takes it from the token too.
 *  2. Nothing that shows patients' data or gives power over others can be in a scope (lab/people/job.c says what).
 *  3. A token makes, ends and changes no token, session or password. */
#include "door/api/people_private.h"

#include "base/text.h"
#include "lab/people/password_rules.h"
#include "lab/people/token.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKENS_MOST 20 /* good ones of one person */
#define TOKEN_DAYS 90
#define TOKEN_DAYS_MOST 366

static void put_token(struct call *c, const struct api_token *t)
{
    struct jsonw *j = &c->json;
    struct span rest = span_str(t->scopes);
    jsonw_put_str(j, "id", t->id);
    jsonw_put_str(j, "account", t->account);
    jsonw_put_str(j, "label", t->label);
    jsonw_key(j, "scopes");
    jsonw_array(j);
    while (rest.n > 0)
        jsonw_text(j, span_until(&rest, ' ', NULL));
    jsonw_array_end(j);
    put_time(j, "created", t->created);
    put_time(j, "until", t->until);
    put_time(j, "last_used", rate_last(c->api->rates, span_str(t->id)));
    put_time(j, "revoked", t->revoked);
    put_optional(j, "revoked_by", span_str(t->revoked_by));
    put_optional(j, "revoked_why", span_str(t->revoked_why));
    jsonw_put_bool(j, "good", t->revoked == 0 && c->now.wall < t->until);
}

/* ── GET /tokens ── */

static void put_item(void *context, const struct api_token *t)
{
    struct call *c = context;
    jsonw_object(&c->json);
    put_token(c, t);
    jsonw_object_end(&c->json);
}

void handle_token_list(struct call *c)
{
    char account[NAMED_MAX + 1];
    struct error e = {0};
    if (!query_named(c, "account", account))
        return;
    if (account[0] != 0 && strcmp(account, c->person.name) != 0 && !may(c, "people.read")) {
        refuse(c, 403, "not-permitted", "Your role may see your own tokens only.", "people.read");
        return;
    }
    const char *whose = account[0] != 0 || may(c, "people.read") ? account : c->person.name;
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = api_token_list(c->db, span_str(whose), put_item, c, &e);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

/* ── POST /tokens ── */

/* "device.read finding.read" into the record; each one is the person's own, and no scope that a token may not have. False: the problem is set. */
static bool take_scopes(struct call *c, unsigned roles, struct span text, struct record *r)
{
    size_t n = 0;
    while (text.n > 0) {
        struct span one = span_until(&text, ' ', NULL);
        bool good = false;
        for (size_t i = 0; i < permission_count() && !good; i++) {
            struct permission p = permission_at(i);
            good = span_is(one, p.name) && p.token && (p.roles & roles) != 0;
        }
        if (one.n == 0)
            continue;
        if (!good || n++ == API_TOKEN_SCOPES) {
            problem(c, 422, "scopes", "A scope is a permission of its owner that a token may have (GET /roles), with spaces between.");
            return false;
        }
        record_text(r, KEY_SCOPE, one);
    }
    if (n == 0)
        problem(c, 422, "scopes", "Name at least one scope.");
    return n > 0;
}

/* Whose it is to be: one's own; whoever is at the local socket names the account. False: the problem is set. */
static bool owner(struct call *c, struct span named, struct account *ret, unsigned *ret_roles)
{
    struct error e = {0};
    bool found = false;
    bool local = c->request->door == DOOR_LOCAL;
    struct span whose = local ? named : span_str(c->person.name);
    if (named.n > 0 && !span_equal(named, whose))
        refuse(c, 403, "not-permitted", "A token is made by its owner.", "own token");
    else if (account_get(c->db, whose, ret, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found || ret->closed)
        problem(c, 409, "no-account", "There is no open account with this name. At the local socket, say whose token it is to be.");
    if (answered(c))
        return false;
    *ret_roles = account_roles(c->db, whose, c->api->site, c->now.wall);
    if ((*ret_roles & JOB_BIT(JOB_EMERGENCY)) != 0)
        problem(c, 409, "sealed", "The emergency account has no tokens.");
    else if (api_token_count(c->db, whose, c->now.wall, &e) >= TOKENS_MOST)
        problem(c, 409, "full", "There are 20 tokens of this account already. Revoke one that is not used.");
    return !answered(c);
}

static void make(struct call *c, const struct account *a, unsigned roles, struct span label, struct span scopes, uint64_t days, struct span password)
{
    char text[API_TOKEN_TEXT];
    char id[API_TOKEN_ID];
    char hash[API_TOKEN_HASH];
    struct record *r = decision(c, EVENT_TOKEN_CREATED);
    if (r == NULL)
        return;
    api_token_make(text, id, hash);
    record_str(r, KEY_ACCOUNT, a->name);
    record_str(r, KEY_TOKEN, id);
    record_text(r, KEY_LABEL, label);
    record_str(r, KEY_TOKEN_HASH, hash);
    record_int(r, KEY_UNTIL, c->now.wall + (int64_t)days * PEOPLE_DAY);
    struct api_token made;
    struct error e = {0};
    bool found = false;
    if (!take_scopes(c, roles, scopes, r) || !proof_again(c, password, "own token"))
        free(r);
    else if (people_decide(c, r)) {
        if (api_token_get(c->db, span_str(id), &made, &found, &e) != 0 || !found) {
            problem(c, 409, "full", "There are too many tokens of this account.");
        } else {
            jsonw_object(&c->json);
            put_token(c, &made);
            jsonw_put_str(&c->json, "token", text);
            jsonw_object_end(&c->json);
        }
    }
    crypto_wipe(text, sizeof text);
}

void handle_token_new(struct call *c)
{
    enum { LABEL, SCOPES, DAYS, ACCOUNT, PASSWORD, FIELDS };
    struct body body;
    struct account a;
    unsigned roles = 0;
    uint64_t days = TOKEN_DAYS;
    struct body_field f[FIELDS] = {[LABEL] = {.name = "label", .max = 4 * API_TOKEN_LABEL},
                                   [SCOPES] = {.name = "scopes", .max = 1024},
                                   [DAYS] = {.name = "days", .max = 5, .optional = true},
                                   [ACCOUNT] = {.name = "account", .max = ACCOUNT_NAME_MAX, .optional = true},
                                   [PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true}};
    if (!body_open(c, &body, f, FIELDS))
        return;
    if (!account_display_name_valid(f[LABEL].text))
        problem(c, 422, "label", "Say in 1 to 80 characters which program it is for.");
    else if (f[DAYS].text.n > 0 && (!span_decimal(f[DAYS].text, TOKEN_DAYS_MOST, &days) || days == 0))
        problem(c, 422, "days", "A token is good for 1 to 366 days.");
    else if (owner(c, f[ACCOUNT].text, &a, &roles))
        make(c, &a, roles, f[LABEL].text, f[SCOPES].text, days, f[PASSWORD].text);
    body_close(&body);
}

/* ── DELETE /tokens/{id} ── */

void handle_token_revoke(struct call *c)
{
    struct api_token t;
    struct error e = {0};
    bool found = false;
    if (api_token_get(c->db, c->params[0], &t, &found, &e) != 0) {
        problem_store(c, &e);
    } else if (!found || (strcmp(t.account, c->person.name) != 0 && !may(c, PEOPLE_PERMISSION))) {
        problem(c, 404, "no-token", "There is no such token, or it is not yours.");
    } else if (t.revoked == 0) {
        struct record *r = people_record(c, EVENT_TOKEN_REVOKED, t.account, (struct span){0});
        if (r != NULL) {
            record_str(r, KEY_TOKEN, t.id);
            record_str(r, KEY_LABEL, t.label);
        }
        (void)people_decide(c, r);
    }
}
