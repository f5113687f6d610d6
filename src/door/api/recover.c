/* Who has lost every way to sign in is let in again by two others. One asks, with a reason; another approves, and is shown a code once, to be handed
 * over face to face or by a telephone number that was known before. The code makes one new passkey or one new password; every passkey and app that
 * there was opens nothing any more, and every session ends. Each step is a record. */
#include "door/api/passkey_private.h"
#include "door/api/people_private.h"
#include "lab/people/code.h"
#include "lab/people/password_rules.h"
#include "lab/people/recovery.h"
#include "record/crypto/crypto.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define PERMISSION "recovery.manage"
#define GROUPS 4 /* 100 bits */
#define WHY_MAX 2000
#define WRONG_A_MINUTE 10

/* ── what those who let in do ── */

static void put_row(void *context, const struct recovery *r)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_str(j, "id", r->id);
    jsonw_put_str(j, "account", r->account);
    jsonw_put_text(j, "why", r->why);
    jsonw_put_str(j, "asked_by", r->asked_by);
    put_time(j, "asked_at", r->asked_at);
    put_optional(j, "approved_by", span_str(r->approved_by));
    put_time(j, "until", r->until);
    jsonw_object_end(j);
}

void handle_recovery_list(struct call *c)
{
    struct error e = {0};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = recovery_list(c->db, c->now.wall, put_row, c, &e);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

/* The account of this name, open. False: the problem is set. */
static bool find_account(struct call *c, struct span typed, struct account *ret)
{
    char name[ACCOUNT_NAME_MAX + 1];
    struct error e = {0};
    bool found = false;
    if (account_name(typed, name) && account_get(c->db, span_str(name), ret, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found || ret->closed)
        problem(c, 404, "no-account", "There is no account with this name, or it is closed.");
    return found && !answered(c);
}

void handle_recovery_ask(struct call *c)
{
    enum { ACCOUNT, WHY, PASSWORD, FIELDS };
    struct body_field f[FIELDS] = {[ACCOUNT] = {.name = "account", .max = ACCOUNT_NAME_MAX},
                                   [WHY] = {.name = "why", .max = WHY_MAX},
                                   [PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true}};
    struct body body;
    struct account account = {0};
    uint8_t random[(RECOVERY_ID - 1) / 2];
    char id[RECOVERY_ID];
    uint64_t index = 0;
    if (!body_open(c, &body, f, FIELDS))
        return;
    struct record *r = NULL;
    if (!reason_valid(f[WHY].text))
        problem(c, 422, "why", "Say in a few words why, and how you know that it is this person.");
    else if (find_account(c, f[ACCOUNT].text, &account) && strcmp(account.name, c->person.name) == 0)
        problem(c, 409, "own-account", "Nobody lets themselves in again: another person asks, and a third one approves.");
    else if (!answered(c) && proof_again(c, f[PASSWORD].text, PERMISSION))
        r = decision(c, EVENT_RECOVERY_ASKED);
    if (r != NULL) {
        crypto_random(random, sizeof random);
        text_hex_to(id, random, sizeof random);
        record_str(r, KEY_ACCOUNT, account.name);
        record_str(r, KEY_RECOVERY, id);
        record_text(r, KEY_WHY, f[WHY].text);
        if (decide(c, r, &index))
            handle_recovery_list(c);
        free(r);
    }
    crypto_wipe(&account, sizeof account);
    body_close(&body);
}

/* The open recovery that the address names. */
static bool find(struct call *c, struct recovery *r)
{
    struct error e = {0};
    bool found = false;
    if (recovery_get(c->db, c->params[0], c->now.wall, r, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 404, "no-recovery", "This was used, withdrawn, or is more than a day old.");
    return found && !answered(c);
}

static void hash_code(const char *account, struct span typed, char out[RECOVERY_HASH])
{
    char plain[GROUPS * CODE_GROUP + 1];
    uint8_t hash[SHA256_SIZE];
    code_plain(typed, plain, sizeof plain);
    struct span parts[] = {SPAN_LIT("tourniquet recovery\n"), span_str(account), SPAN_LIT("\n"), span_str(plain)};
    crypto_sha256_parts(parts, 4, hash);
    text_hex_to(out, hash, sizeof hash);
    crypto_wipe(plain, sizeof plain);
}

static void approve(struct call *c, const struct recovery *x)
{
    char code[CODE_TEXT(GROUPS)];
    char hash[RECOVERY_HASH];
    uint64_t index = 0;
    struct record *r = decision(c, EVENT_RECOVERY_APPROVED);
    if (r == NULL)
        return;
    code_make(code, GROUPS);
    hash_code(x->account, span_str(code), hash);
    record_str(r, KEY_ACCOUNT, x->account);
    record_str(r, KEY_RECOVERY, x->id);
    record_str(r, KEY_RECOVERY_HASH, hash);
    if (decide(c, r, &index)) {
        c->reply->hidden = true;
        jsonw_object(&c->json);
        jsonw_put_str(&c->json, "account", x->account);
        jsonw_put_str(&c->json, "code", code);
        put_time(&c->json, "until", c->now.wall + RECOVERY_AGE);
        jsonw_object_end(&c->json);
    }
    free(r);
    crypto_wipe(code, sizeof code);
}

void handle_recovery_approve(struct call *c)
{
    struct recovery r = {0};
    if (!find(c, &r))
        return;
    if (strcmp(r.asked_by, c->person.name) == 0)
        refuse(c, 403, "second-person", "You asked for this yourself: another person has to approve it.", PERMISSION);
    else if (strcmp(r.account, c->person.name) == 0)
        refuse(c, 403, "second-person", "This is your own account: another person has to approve it.", PERMISSION);
    else if (r.hash[0] != 0)
        problem(c, 409, "approved", "This is approved already. Whoever approved it has the code; if it is lost, withdraw this and ask anew.");
    else if (proved(c, PERMISSION))
        approve(c, &r);
}

void handle_recovery_withdraw(struct call *c)
{
    struct recovery r = {0};
    uint64_t index = 0;
    struct record *record = find(c, &r) ? decision(c, EVENT_RECOVERY_WITHDRAWN) : NULL;
    if (record == NULL)
        return;
    record_str(record, KEY_ACCOUNT, r.account);
    record_str(record, KEY_RECOVERY, r.id);
    if (decide(c, record, &index))
        handle_recovery_list(c);
    free(record);
}

/* ── what the person does ── */

/* The account, if the code is its recovery's. Wrong ones are throttled by account and place, and all together. False: the problem is set. */
static bool code_right(struct call *c, struct span name, struct span code, struct account *account, struct recovery *ret)
{
    char plain[ACCOUNT_NAME_MAX + 1] = "";
    char hash[RECOVERY_HASH];
    struct error e = {0};
    int64_t wait = 0;
    bool found = false;
    bool known = account_name(name, plain);
    struct span who = known ? span_str(plain) : SPAN_LIT("?");
    if (!throttle_ask(c->api->throttle, who, span_str(c->origin), known_place(c, who), c->now.monotonic, &wait)) {
        problem_later(c, 429, "throttled", "Too many attempts. Wait a little, then try again.", wait);
        return false;
    }
    if (known && recovery_of(c->db, span_str(plain), c->now.wall, ret, &found, &e) != 0) {
        problem_store(c, &e);
        return false;
    }
    hash_code(plain, code, hash);
    bool right = found && ret->hash[0] != 0 && crypto_equal(hash, ret->hash, sizeof hash);
    if (right && (account_get(c->db, span_str(plain), account, &found, &e) != 0 || !found || account->closed))
        right = false;
    if (right) {
        throttle_right(c->api->throttle, who, span_str(c->origin));
        return true;
    }
    note_session(c, EVENT_SESSION_REFUSED, found ? plain : NULL, NULL, "wrong recovery code");
    if (!answered(c))
        problem(c, 401, "wrong-code", "Name or code is wrong, or the code was used or is more than a day old.");
    return false;
}

static struct span bond(const struct recovery *r)
{
    return span_str(r->id);
}

void handle_recovery_wish(struct call *c)
{
    struct body body;
    struct body_field f[] = {{.name = "name", .max = 256}, {.name = "code", .max = 64}};
    struct account account = {0};
    struct recovery r = {0};
    if (!body_open(c, &body, f, 2))
        return;
    if (code_right(c, f[0].text, f[1].text, &account, &r))
        passkey_put_wish(c, &account, bond(&r));
    crypto_wipe(&account, sizeof account);
    body_close(&body);
}

/* The code is used up before what it brings is there: whoever dies between needs a new one, and nobody gets two things for one code. */
static bool use_up(struct call *c, const struct recovery *x)
{
    uint64_t index = 0;
    struct record *r = decision(c, EVENT_RECOVERY_USED);
    if (r == NULL)
        return false;
    record_str(r, KEY_ACCOUNT, x->account);
    record_str(r, KEY_RECOVERY, x->id);
    bool ok = decide(c, r, &index);
    free(r);
    if (ok)
        people_end_sessions(c, x->account, NULL, "let in again by two others");
    return ok;
}

static bool add_passkey(struct call *c, const struct passkey *p)
{
    uint64_t index = 0;
    struct record *r = decision(c, EVENT_PASSKEY_ADDED);
    if (r == NULL)
        return false;
    passkey_record(r, p);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

static void by_passkey(struct call *c, const struct account *account, const struct recovery *r, const struct passkey_new *told)
{
    struct passkey p;
    if (passkey_accept(c, account, bond(r), told, &p) && use_up(c, r) && add_passkey(c, &p))
        sign_in(c, account, "recovery", true);
}

static bool keep_password(struct call *c, const char *account, const char *hash)
{
    struct record *r = people_record(c, EVENT_ACCOUNT_PASSWORD, account, SPAN_LIT("let in again by two others"));
    if (r != NULL)
        record_str(r, KEY_PASSWORD_HASH, hash);
    return people_decide(c, r);
}

static void by_password(struct call *c, const struct account *account, const struct recovery *r, struct span password)
{
    char hash[ACCOUNT_HASH_MAX] = "";
    if (password_good(c, account->name, account->display_name, password) && password_make(c, password, hash) && use_up(c, r) &&
        keep_password(c, account->name, hash))
        sign_in(c, account, "recovery", false);
    crypto_wipe(hash, sizeof hash);
}

void handle_recovery_redeem(struct call *c)
{
    enum { NAME, CODE, PASSWORD, LABEL, CLIENT, ATTESTATION, TRANSPORTS, FIELDS };
    struct body_field f[FIELDS] = {[NAME] = {.name = "name", .max = 256},
                                   [CODE] = {.name = "code", .max = 64},
                                   [PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true},
                                   [LABEL] = {.name = "label", .max = 4 * PASSKEY_NAME_MAX, .optional = true},
                                   [CLIENT] = {.name = "client", .max = 2 * PASSKEY_CLIENT_MAX, .optional = true},
                                   [ATTESTATION] = {.name = "attestation", .max = 2 * PASSKEY_ATTESTATION_MAX, .optional = true},
                                   [TRANSPORTS] = {.name = "transports", .max = 128, .optional = true}};
    struct body body;
    struct account account = {0};
    struct recovery r = {0};
    if (!body_open(c, &body, f, FIELDS))
        return;
    struct passkey_new told = {.name = f[LABEL].text, .client = f[CLIENT].text, .attestation = f[ATTESTATION].text, .transports = f[TRANSPORTS].text};
    if ((f[PASSWORD].text.n > 0) == (f[ATTESTATION].text.n > 0))
        problem(c, 422, "one-of-two", "Bring a new passkey or a new password: one of the two.");
    else if (!code_right(c, f[NAME].text, f[CODE].text, &account, &r))
        ; /* the problem is set */
    else if (f[PASSWORD].text.n > 0)
        by_password(c, &account, &r, f[PASSWORD].text);
    else
        by_passkey(c, &account, &r, &told);
    crypto_wipe(&account, sizeof account);
    body_close(&body);
}
