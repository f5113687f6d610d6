/* One's own ways to sign in: passkeys and an app's codes. Adding and taking away needs a fresh proof, by what there is already: who has only borrowed
 * a browser adds no key of theirs. */
#include "base/text.h"
#include "door/api/passkey_private.h"
#include "lab/people/password_rules.h"
#include "record/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#define PASSWORD_FIELD                                                                                                                               \
    {                                                                                                                                                \
        .name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true                                                                            \
    }

/* ── GET /session/methods ── */

static void put_passkey(void *context, const struct passkey *p)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_str(j, "id", p->handle);
    jsonw_put_str(j, "name", p->name);
    jsonw_put_str(j, "transports", p->transports);
    jsonw_put_bool(j, "synchronised", (p->flags & WEBAUTHN_BACKUP_ABLE) != 0);
    put_time(j, "added", p->added);
    put_time(j, "used", p->used);
    put_time(j, "stopped", p->stopped);
    jsonw_object_end(j);
}

void methods_put(struct call *c)
{
    struct jsonw *j = &c->json;
    struct totp totp = {0};
    struct error e = {0};
    bool found = false;
    jsonw_object(j);
    jsonw_put_str(j, "host", c->api->party.id);
    jsonw_key(j, "passkeys");
    jsonw_array(j);
    int rc = passkey_list(c->db, span_str(c->person.name), put_passkey, c, &e);
    jsonw_array_end(j);
    if (rc == 0)
        rc = totp_get(c->db, span_str(c->person.name), &totp, &found, &e);
    crypto_wipe(totp.secret, sizeof totp.secret);
    put_time(j, "app_since", found ? totp.since : 0);
    jsonw_object_end(j);
    if (rc != 0)
        problem_store(c, &e);
}

void handle_methods(struct call *c)
{
    methods_put(c);
}

/* They belong to an account; at the local socket there is none. */
static bool own_account(struct call *c, struct account *ret)
{
    struct error e = {0};
    bool found = false;
    if (account_get(c->db, span_str(c->person.name), ret, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 409, "no-account", "Ways to sign in belong to an account. Sign in with it on the page.");
    else if ((c->person.roles & JOB_BIT(JOB_EMERGENCY)) != 0)
        problem(c, 409, "sealed", "This is the emergency account: its code in the envelope is its only key.");
    crypto_wipe(ret->password_hash, sizeof ret->password_hash);
    return !answered(c);
}

bool proved(struct call *c, const char *permission)
{
    struct body body;
    struct body_field f = PASSWORD_FIELD;
    if (!body_open(c, &body, &f, 1))
        return false;
    bool ok = proof_again(c, f.text, permission);
    body_close(&body);
    return ok;
}

static void change(struct call *c, enum event event, const struct passkey *p, struct span name)
{
    uint64_t index = 0;
    struct record *r = decision(c, event);
    if (r == NULL)
        return;
    record_str(r, KEY_ACCOUNT, c->person.name);
    if (p != NULL)
        record_str(r, KEY_PASSKEY_ID, p->id);
    record_text(r, KEY_NAME, name);
    if (decide(c, r, &index))
        methods_put(c);
    free(r);
}

/* ── passkeys ── */

void handle_passkey_new_wish(struct call *c)
{
    struct account account = {0};
    if (own_account(c, &account) && proved(c, "passkey.add"))
        passkey_put_wish(c, &account, span_str(c->person.session));
}

void handle_passkey_add(struct call *c)
{
    enum { NAME, CLIENT, ATTESTATION, TRANSPORTS, FIELDS };
    struct body_field f[FIELDS] = {[NAME] = {.name = "name", .max = 4 * PASSKEY_NAME_MAX},
                                   [CLIENT] = {.name = "client", .max = 2 * PASSKEY_CLIENT_MAX},
                                   [ATTESTATION] = {.name = "attestation", .max = 2 * PASSKEY_ATTESTATION_MAX},
                                   [TRANSPORTS] = {.name = "transports", .max = 128, .optional = true}};
    struct body body;
    struct account account = {0};
    struct passkey p;
    uint64_t index = 0;
    if (!own_account(c, &account) || !body_open(c, &body, f, FIELDS))
        return;
    struct passkey_new told = {.name = f[NAME].text, .client = f[CLIENT].text, .attestation = f[ATTESTATION].text, .transports = f[TRANSPORTS].text};
    bool good = passkey_accept(c, &account, span_str(c->person.session), &told, &p);
    body_close(&body);
    struct record *r = good ? decision(c, EVENT_PASSKEY_ADDED) : NULL;
    if (r == NULL)
        return;
    passkey_record(r, &p);
    if (decide(c, r, &index)) {
        session_second_factor(c->api->sessions, c->request->session);
        methods_put(c);
    }
    free(r);
}

/* The person's own passkey that the address names. */
static bool own_passkey(struct call *c, struct passkey *p)
{
    struct error e = {0};
    bool found = false;
    if (passkey_of(c->db, span_str(c->person.name), c->params[0], p, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 404, "no-passkey", "You have no such passkey.");
    return found;
}

void handle_passkey_rename(struct call *c)
{
    struct body body;
    struct body_field f = {.name = "name", .max = 4 * PASSKEY_NAME_MAX};
    struct passkey p;
    if (!own_passkey(c, &p) || !body_open(c, &body, &f, 1))
        return;
    if (passkey_name_valid(f.text))
        change(c, EVENT_PASSKEY_RENAMED, &p, f.text);
    else
        problem(c, 422, "passkey-name", "Give the key a name of 1 to 60 characters, by which you know it.");
    body_close(&body);
}

void handle_passkey_remove(struct call *c)
{
    struct passkey p;
    if (own_passkey(c, &p) && proved(c, "passkey.remove"))
        change(c, EVENT_PASSKEY_REMOVED, &p, (struct span){0});
}

/* Which passkey signed this request, and that it was good. */
void handle_passkey_test(struct call *c)
{
    struct passkey p;
    struct error e = {0};
    bool found = false;
    if (c->request->proof.n == 0) {
        problem(c, 422, "no-proof", "Touch a passkey: this request has to be signed by one.");
        return;
    }
    if (!proof_again(c, (struct span){0}, "passkey.test"))
        return;
    if (passkey_of(c->db, span_str(c->person.name), span_str(c->proof_key), &p, &found, &e) != 0 || !found) {
        problem_store(c, &e);
        return;
    }
    jsonw_object(&c->json);
    jsonw_put_str(&c->json, "id", p.handle);
    jsonw_put_str(&c->json, "name", p.name);
    jsonw_object_end(&c->json);
}

/* ── an app's codes ── */

/* A secret is bound to the session that it was made for, so that nobody is given somebody else's. */
static struct span totp_bond(struct call *c, struct span secret, char out[128])
{
    (void)snprintf(out, 128, "%s %.*s", c->person.session, (int)secret.n, secret.n > 0 ? (const char *)secret.p : "");
    return span_str(out);
}

void handle_totp_wish(struct call *c)
{
    char secret[TOTP_TEXT];
    char bond[128];
    uint8_t token[CHALLENGE_SIZE];
    struct account account = {0};
    if (!own_account(c, &account) || !proved(c, "totp.set"))
        return;
    totp_secret_make(secret);
    challenge_make(c->api->challenges, CHALLENGE_TOTP, totp_bond(c, span_str(secret), bond), c->now.monotonic, token);
    c->reply->hidden = true;
    jsonw_object(&c->json);
    jsonw_put_str(&c->json, "secret", secret);
    passkey_put_bytes(&c->json, "token", span_of(token, sizeof token));
    jsonw_put_str(&c->json, "site", c->api->site);
    jsonw_put_str(&c->json, "name", account.name);
    jsonw_object_end(&c->json);
    crypto_wipe(secret, sizeof secret);
    crypto_wipe(bond, sizeof bond);
}

static void set_totp(struct call *c, const char *secret, int64_t step)
{
    uint64_t index = 0;
    struct record *r = decision(c, EVENT_TOTP_SET);
    if (r == NULL)
        return;
    record_str(r, KEY_ACCOUNT, c->person.name);
    record_str(r, KEY_TOTP_SECRET, secret);
    record_int(r, KEY_TOTP_STEP, step);
    if (decide(c, r, &index)) {
        session_second_factor(c->api->sessions, c->request->session);
        methods_put(c);
    }
    free(r);
}

void handle_totp_set(struct call *c)
{
    enum { SECRET, TOKEN, CODE, FIELDS };
    struct body_field f[FIELDS] = {
        [SECRET] = {.name = "secret", .max = TOTP_TEXT - 1}, [TOKEN] = {.name = "token", .max = 64}, [CODE] = {.name = "code", .max = 16}};
    struct body body;
    struct account account = {0};
    struct buf token = BUF_INIT(CHALLENGE_SIZE);
    char secret[TOTP_TEXT];
    char bond[128];
    if (!own_account(c, &account) || !body_open(c, &body, f, FIELDS))
        return;
    (void)snprintf(secret, sizeof secret, "%.*s", (int)f[SECRET].text.n, (const char *)f[SECRET].text.p);
    int64_t step = totp_step(secret, f[CODE].text, c->now.wall, 0);
    if (!text_unbase64url(f[TOKEN].text, &token) || token.n != CHALLENGE_SIZE ||
        !challenge_live(c->api->challenges, CHALLENGE_TOTP, totp_bond(c, f[SECRET].text, bond), c->now.monotonic, token.p))
        problem(c, 409, "totp-late", "This took more than five minutes. Start again.");
    else if (step < 0)
        problem(c, 422, "wrong-code", "This is not the code that the app shows now. Look at its clock, and try the next code.");
    else if (challenge_use(c->api->challenges, c->now.monotonic, token.p))
        set_totp(c, secret, step);
    else
        problem(c, 409, "totp-late", "This was used already. Start again.");
    buf_release(&token);
    crypto_wipe(secret, sizeof secret);
    crypto_wipe(bond, sizeof bond);
    body_close(&body);
}

void handle_totp_remove(struct call *c)
{
    struct account account = {0};
    if (own_account(c, &account) && proved(c, "totp.remove"))
        change(c, EVENT_TOTP_REMOVED, NULL, (struct span){0});
}

bool totp_right(struct call *c, const struct account *account, struct span typed)
{
    struct totp totp = {0};
    struct error e = {0};
    bool set = false;
    bool right = false;
    uint64_t index = 0;
    look_away(c); /* no code counts twice: one is judged after the other */
    (void)pthread_mutex_lock(&c->api->passkeys);
    if (look(c) && totp_get(c->db, span_str(account->name), &totp, &set, &e) != 0)
        problem_store(c, &e);
    int64_t step = !answered(c) && set ? totp_step(totp.secret, typed, c->now.wall, totp.step) : -1;
    bool again = !answered(c) && set && step < 0 && totp_step(totp.secret, typed, c->now.wall, totp.step - 1) == totp.step;
    if (again && c->api->host.account_changed != NULL)
        c->api->host.account_changed(c->api->host.context, span_str(account->name), EVENT_TOTP_USED);
    struct record *r = step >= 0 ? decision(c, EVENT_TOTP_USED) : NULL;
    if (r != NULL) {
        record_str(r, KEY_ACCOUNT, account->name);
        record_int(r, KEY_TOTP_STEP, step);
        right = decide(c, r, &index);
        free(r);
    }
    (void)pthread_mutex_unlock(&c->api->passkeys);
    crypto_wipe(&totp, sizeof totp);
    return !answered(c) && (!set || right);
}
