#include "door/api/api_private.h"

#include "lab/people/code.h"
#include "lab/people/password_rules.h"
#include "lab/people/totp.h"
#include "record/crypto/crypto.h"
#include "record/crypto/password.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Setting up, signing in and out. */

#define WRONG_CODES_A_MINUTE 5
#define HASHING_WAIT_S 2

void setup_code_make(char out[SETUP_CODE_TEXT])
{
    code_make(out, 2);
}

bool setup_code_matches(struct span typed, const char *code)
{
    char a[SETUP_CODE_TEXT];
    char b[SETUP_CODE_TEXT];
    code_plain(typed, a, sizeof a);
    code_plain(span_str(code), b, sizeof b);
    bool same = crypto_equal(a, b, sizeof a);
    crypto_wipe(a, sizeof a);
    crypto_wipe(b, sizeof b);
    return same && code[0] != 0;
}

/* One at a time may hash; who waits long is sent away, so that readers stay free for others. */
static bool hashing_begin(struct call *c)
{
    tq_time end = c->now.monotonic + HASHING_WAIT_S * TIME_SECOND;
    struct timespec until = {.tv_sec = end / TIME_SECOND, .tv_nsec = end % TIME_SECOND};
    look_away(c);
    if (pthread_mutex_clocklock(&c->api->hashing, CLOCK_MONOTONIC, &until) == 0)
        return true;
    problem_later(c, 429, "busy", "Many are signing in at once. Try again in a moment.", 2);
    return false;
}

static bool hashing_end(struct call *c)
{
    (void)pthread_mutex_unlock(&c->api->hashing);
    return look(c);
}

/* ── GET /session ── */

/* "role": the first; "roles"; "permissions": what they give together. */
void put_roles(struct jsonw *j, unsigned roles)
{
    enum job first = JOB_COUNT;
    jsonw_key(j, "roles");
    jsonw_array(j);
    for (int r = JOB_COUNT - 1; r >= 0; r--)
        if ((roles & JOB_BIT(r)) != 0)
            first = (enum job)r;
    for (int r = 0; r < JOB_COUNT; r++)
        if ((roles & JOB_BIT(r)) != 0)
            jsonw_str(j, job_name((enum job)r));
    jsonw_array_end(j);
    jsonw_put_str(j, "role", job_name(first));
    jsonw_key(j, "permissions");
    jsonw_array(j);
    for (size_t i = 0; i < permission_count(); i++)
        if ((permission_at(i).roles & roles) != 0)
            jsonw_str(j, permission_at(i).name);
    jsonw_array_end(j);
}

/* "sign_in": what the person can show that it is they. */
static void put_sign_in(struct call *c)
{
    struct totp totp = {0};
    struct error e = {0};
    bool app = false;
    int64_t passkeys = passkey_total(c->db, span_str(c->person.name), &e);
    (void)totp_get(c->db, span_str(c->person.name), &totp, &app, &e);
    crypto_wipe(&totp, sizeof totp);
    jsonw_key(&c->json, "sign_in");
    jsonw_object(&c->json);
    jsonw_put_int(&c->json, "passkeys", passkeys > 0 ? passkeys : 0);
    jsonw_put_bool(&c->json, "app", app);
    jsonw_put_bool(&c->json, "withheld", c->person.withheld);
    jsonw_object_end(&c->json);
}

void put_person(struct call *c)
{
    char csrf[SESSION_CSRF];
    session_csrf(c->reply->session[0] != 0 ? span_str(c->reply->session) : c->request->session, csrf);
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_key(j, "person");
    jsonw_object(j);
    jsonw_put_str(j, "name", c->person.name);
    jsonw_put_str(j, "display_name", c->person.display_name);
    put_roles(j, c->person.roles);
    put_optional(j, "token", span_str(c->person.token));
    jsonw_object_end(j);
    jsonw_put_str(j, "csrf", c->request->door == DOOR_LOCAL ? "" : csrf);
    jsonw_put_str(j, "site", c->api->site);
    put_optional(j, "time_zone", span_str(c->api->time_zone));
    put_optional(j, "mail_to", span_str(c->api->mail_to));
    jsonw_put_int(j, "lock_s", c->api->lock_s);
    put_sign_in(c);
    jsonw_object_end(j);
}

void handle_session_get(struct call *c)
{
    put_person(c);
}

/* The sealed account: everybody is to know. */
static void alarm_emergency(struct call *c, const char *handle, uint64_t record)
{
    struct record *r = malloc(sizeof *r);
    char cause[64];
    uint64_t index = 0;
    struct error e = {0};
    if (r == NULL)
        return;
    (void)snprintf(cause, sizeof cause, "emergency account\n%s", handle);
    record_start(r, EVENT_FINDING, c->now.wall, NULL);
    record_str(r, KEY_KIND, "access.emergency");
    record_str(r, KEY_CAUSE, cause);
    record_str(r, KEY_SEVERITY, "critical");
    record_str(r, KEY_TITLE, "Somebody signed in with the emergency account.");
    record_int(r, KEY_EVIDENCE_RECORD, (int64_t)record);
    record_str(r, KEY_ADVICE, "Find out who opened the envelope, and why. When the emergency is over, seal the account anew under People.");
    look_away(c);
    (void)c->api->host.decide(c->api->host.context, r, &index, &e);
    (void)look(c);
    free(r);
}

/* Was the account closed, or its password taken from it, while somebody signed in with it? Its sessions had ended then, and this one came after. */
static bool password_gone(struct call *c, const char *name)
{
    struct account now = {0};
    struct error e = {0};
    bool found = false;
    bool gone = account_get(c->db, span_str(name), &now, &found, &e) != 0 || !found || now.closed || now.password_known;
    crypto_wipe(&now, sizeof now);
    if (gone)
        problem(c, 401, "wrong-sign-in", "Name or password is wrong.");
    return gone;
}

void sign_in(struct call *c, const struct account *account, const char *method, bool two_factors)
{
    struct session session;
    if (!session_open(c->api->sessions, account->name, c->origin, two_factors, c->now.monotonic, c->reply->session, &session)) {
        c->reply->session[0] = 0;
        problem_later(c, 503, "sessions", "Too many people are signed in. Try again later.", 60);
        return;
    }
    person_of(c, account, session.handle);

    c->proof = method;
    struct record *r = decision(c, EVENT_SESSION_OPENED);
    uint64_t index = 0;
    bool noted = false;
    if (r != NULL) {
        record_str(r, KEY_ACCOUNT, account->name);
        record_str(r, KEY_SESSION, session.handle);
        noted = decide(c, r, &index);
        free(r);
    }
    if (noted && strncmp(method, "password", 8) == 0 && password_gone(c, account->name))
        noted = false;
    if (!noted) { /* nobody is let in without a record of it */
        (void)session_close(c->api->sessions, span_str(c->reply->session), &session);
        crypto_wipe(c->reply->session, sizeof c->reply->session);
        return;
    }
    if ((c->person.roles & JOB_BIT(JOB_EMERGENCY)) != 0)
        alarm_emergency(c, session.handle, index);
    withhold_roles(c, two_factors);
    if (!answered(c))
        put_person(c);
}

/* ── POST /session ── */

/* True: this is the account and its password. Takes the same time for a name that does not exist. */
static bool password_right(struct call *c, struct span name, struct span password, struct account *account, bool *ret_account)
{
    char plain[ACCOUNT_NAME_MAX + 1];
    struct error e = {0};
    *ret_account = false;
    if (account_name(name, plain) && account_get(c->db, span_str(plain), account, ret_account, &e) != 0) {
        problem_store(c, &e);
        return false;
    }
    if (!hashing_begin(c))
        return false;
    bool right = false;
    if (*ret_account && !account->closed && !account->password_known && account->password_hash[0] != 0)
        right = password_verify(password, account->password_hash);
    else
        password_verify_nobody(password);
    return hashing_end(c) && right;
}

bool password_make(struct call *c, struct span password, char hash[ACCOUNT_HASH_MAX])
{
    struct error e = {0};
    if (!hashing_begin(c))
        return false;
    int rc = password_hash(password, hash, &e);
    if (!hashing_end(c))
        return false;
    if (rc != 0)
        problem(c, 503, "memory", "Not saved: the machine is out of memory.");
    return rc == 0;
}

bool password_again(struct call *c, struct span password, const char *permission)
{
    struct account account = {0};
    struct span who = span_str(c->person.name);
    struct span peer = span_str(c->origin);
    int64_t wait = 0;
    bool known = false;
    if (c->request->door == DOOR_LOCAL)
        return true;
    if (password.n == 0) {
        refuse(c, 403, "password", "Enter your password again: it shows that it is you.", permission);
        return false;
    }
    if (!throttle_ask(c->api->throttle, who, peer, known_place(c, who), c->now.monotonic, &wait)) {
        refuse(c, 429, "throttled", "Too many attempts. Wait a little, then try again.", permission);
        return false;
    }
    bool right = password_right(c, who, password, &account, &known);
    crypto_wipe(&account, sizeof account);
    if (right)
        throttle_right(c->api->throttle, who, peer);
    else if (!answered(c))
        refuse(c, 403, "wrong-password", "That is not your password.", permission);
    return right;
}

static void refuse_sign_in(struct call *c, bool known, const char *account)
{
    /* what was typed as a name may be a password: only names that exist are written down */
    note_session(c, EVENT_SESSION_REFUSED, known ? account : NULL, NULL, known ? "wrong password" : "no such account");
    if (!answered(c))
        problem(c, 401, "wrong-sign-in", "Name or password is wrong.");
}

enum { SIGN_NAME, SIGN_PASSWORD, SIGN_NEW, SIGN_CODE, SIGN_FIELDS };

/* The password is right: where the account has an app, its code has to be, too. */
static void sign_in_with_code(struct call *c, struct account *account, const struct body_field f[SIGN_FIELDS], struct span peer)
{
    struct totp totp = {0};
    struct error e = {0};
    struct span code = f[SIGN_CODE].text;
    bool app = false;
    int rc = totp_get(c->db, span_str(account->name), &totp, &app, &e);
    crypto_wipe(&totp, sizeof totp);
    if (rc != 0) {
        problem_store(c, &e);
    } else if (app && code.n == 0) {
        problem(c, 401, "code-needed", "Enter the code that your app shows now.");
    } else if (!app || totp_right(c, account, code)) {
        throttle_right(c->api->throttle, span_str(account->name), peer);
        if (password_serves(c, account, f[SIGN_PASSWORD].text, f[SIGN_NEW].text))
            sign_in(c, account, app ? "password+code" : "password", app);
    } else if (!answered(c)) {
        note_session(c, EVENT_SESSION_REFUSED, account->name, NULL, "wrong code");
        if (!answered(c))
            problem(c, 401, "wrong-code", "This is not the code that the app shows now, or it was used already. Wait for the next one.");
    }
}

void handle_session_post(struct call *c)
{
    struct body body;
    struct body_field fields[SIGN_FIELDS] = {[SIGN_NAME] = {.name = "name", .max = 256},
                                             [SIGN_PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST},
                                             [SIGN_NEW] = {.name = "new_password", .max = 4 * PASSWORD_LONGEST, .optional = true},
                                             [SIGN_CODE] = {.name = "code", .max = 16, .optional = true}};
    if (!body_open(c, &body, fields, SIGN_FIELDS))
        return;
    char name[ACCOUNT_NAME_MAX + 1];
    struct span who = account_name(fields[0].text, name) ? span_str(name) : SPAN_LIT("?");
    struct span peer = span_str(c->origin);
    int64_t wait = 0;
    struct account account = {0};
    bool known = false;
    if (!throttle_ask(c->api->throttle, who, peer, known_place(c, who), c->now.monotonic, &wait)) {
        note_session(c, EVENT_SESSION_REFUSED, NULL, NULL, "too many attempts");
        if (!answered(c))
            problem_later(c, 429, "throttled", "Too many attempts. Wait a little, then try again.", wait);
    } else if (password_right(c, fields[0].text, fields[1].text, &account, &known)) {
        sign_in_with_code(c, &account, fields, peer);
    } else if (!answered(c)) {
        refuse_sign_in(c, known, name);
    }
    crypto_wipe(&account, sizeof account);
    body_close(&body);
}

/* ── DELETE /session ── */

void handle_session_delete(struct call *c)
{
    struct session session;
    if (c->request->door == DOOR_LOCAL || !session_close(c->api->sessions, c->request->session, &session))
        return;
    note_session(c, EVENT_SESSION_CLOSED, session.account, session.handle, "signed out");
    if (!answered(c))
        c->reply->r.clear_session = true;
}

/* ── /setup ── */

void handle_setup_get(struct call *c)
{
    struct error e = {0};
    int64_t n = account_total(c->db, &e);
    if (n < 0) {
        problem_store(c, &e);
        return;
    }
    jsonw_object(&c->json);
    jsonw_put_bool(&c->json, "needed", n == 0);
    jsonw_object_end(&c->json);
}

enum { SETUP_CODE, SETUP_NAME, SETUP_PASSWORD, SETUP_DISPLAY, SETUP_FIELDS };

/* The code, throttled. True: right. */
static bool code_right(struct call *c, struct span typed)
{
    int64_t wait = 0;
    (void)pthread_mutex_lock(&c->api->lock);
    bool open = throttle_window_open(&c->api->setup_wrong, WRONG_CODES_A_MINUTE, c->now.monotonic, &wait);
    bool right = open && setup_code_matches(typed, c->api->setup_code);
    if (open && !right)
        throttle_window_count(&c->api->setup_wrong);
    (void)pthread_mutex_unlock(&c->api->lock);
    if (!open)
        problem_later(c, 429, "throttled", "Too many wrong codes. Wait a little, then try again.", wait);
    else if (!right)
        refuse(c, 403, "wrong-code", "This is not the set-up code. It stands where Tourniquet was started.", "setup");
    return right;
}

static bool acceptable(struct call *c, struct body_field *f, struct account *account)
{
    if (!account_name(f[SETUP_NAME].text, account->name)) {
        problem(c, 422, "name", "A name has 1 to 64 letters (a-z), digits, dots, dashes or underscores, and starts with a letter or digit.");
        return false;
    }
    struct span display = f[SETUP_DISPLAY].text.n > 0 ? f[SETUP_DISPLAY].text : span_str(account->name);
    if (!account_display_name_valid(display)) {
        problem(c, 422, "display-name", "The name to show has 1 to 80 characters.");
        return false;
    }
    (void)snprintf(account->display_name, sizeof account->display_name, "%.*s", (int)display.n, (const char *)display.p);
    return password_good(c, account->name, account->display_name, f[SETUP_PASSWORD].text);
}

static bool make_account(struct call *c, struct account *account, struct span password)
{
    if (!password_make(c, password, account->password_hash))
        return false;
    c->person = (struct person){.known = true};
    (void)snprintf(c->person.name, sizeof c->person.name, "%s", account->name);
    struct record *r = decision(c, EVENT_ACCOUNT_CREATED);
    if (r == NULL)
        return false;
    record_str(r, KEY_ACCOUNT, account->name);
    record_str(r, KEY_DISPLAY_NAME, account->display_name);
    record_str(r, KEY_ACCOUNT_ROLE, job_name(JOB_MANAGER));
    record_str(r, KEY_PASSWORD_HASH, account->password_hash);
    uint64_t index = 0;
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

void handle_setup_post(struct call *c)
{
    struct body body;
    struct body_field fields[SETUP_FIELDS] = {
        [SETUP_CODE] = {.name = "code", .max = 64},
        [SETUP_NAME] = {.name = "name", .max = 256},
        [SETUP_PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST},
        [SETUP_DISPLAY] = {.name = "display_name", .max = 4 * ACCOUNT_DISPLAY_MAX, .optional = true},
    };
    if (!body_open(c, &body, fields, SETUP_FIELDS))
        return;
    struct error e = {0};
    struct account account = {0};
    int64_t accounts = account_total(c->db, &e);
    if (accounts < 0)
        problem_store(c, &e);
    else if (accounts > 0)
        problem(c, 409, "done", "The first administrator exists already. Sign in.");
    else if (code_right(c, fields[SETUP_CODE].text) && acceptable(c, fields, &account) && make_account(c, &account, fields[SETUP_PASSWORD].text)) {
        (void)pthread_mutex_lock(&c->api->lock);
        crypto_wipe(c->api->setup_code, sizeof c->api->setup_code);
        (void)pthread_mutex_unlock(&c->api->lock);
        sign_in(c, &account, "password", false);
    }
    crypto_wipe(&account, sizeof account);
    body_close(&body);
}
