/* People: who has an account, which roles, from whom and why; inviting, granting, closing.
 *
 * Invariants
 *  1. Nobody changes their own roles, resets, closes or confirms themselves: it takes somebody else who may.
 *  2. The last lab manager stays: else only the machine itself could let anybody in.
 *  3. Nobody but its owner learns a password: a manager hands out a one-time code, with which its owner chooses one.
 *  4. One person's word is not enough to let somebody in who has a passkey or an app: that takes two (recover.c).
 *  5. Where an account is closed or reset, its sessions end before the answer goes out. */
#include "door/api/people_private.h"

#include "base/text.h"
#include "lab/people/code.h"
#include "lab/people/password_rules.h"
#include "lab/people/totp.h"
#include "record/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>

/* ── what was typed ── */

bool people_why(struct call *c, struct span why)
{
    if (why.n > 4 * PEOPLE_WHY_MAX || !reason_valid(why)) {
        problem(c, 422, "why", "Say in a few words why: it goes on the record.");
        return false;
    }
    return true;
}

bool people_until(struct span text, tq_time now, tq_time *ret)
{
    char whole[32];
    *ret = 0;
    if (text.n == 0)
        return true;
    if (text.n == 10) { /* a day: to its end */
        (void)snprintf(whole, sizeof whole, "%.10sT23:59:59Z", (const char *)text.p);
        text = span_str(whole);
    }
    return time_parse(text, ret) && *ret > now && *ret - now <= PEOPLE_LONGEST;
}

/* A role that may be given at this door, with its end. False: the problem is set. */
bool people_role(struct call *c, struct span role, struct span until, struct wanted_role *ret)
{
    if (!job_find(role, &ret->job) || ret->job == JOB_LOCAL || ret->job == JOB_EMERGENCY) {
        problem(c, 422, "role", "There is no such role to give.");
        return false;
    }
    if (!people_until(until, c->now.wall, &ret->until)) {
        problem(c, 422, "until", "The end is a day to come (2027-01-31), five years away at most.");
        return false;
    }
    if (job_needs_end(ret->job) && (ret->until == 0 || ret->until - c->now.wall > PEOPLE_OUTSIDER)) {
        problem(c, 422, "until", "Access of somebody from outside ends on a day: say which, within a year.");
        return false;
    }
    return true;
}

/* ── the account meant ── */

bool people_get(struct call *c, struct account *ret)
{
    struct error e = {0};
    bool found = false;
    if (account_get(c->db, c->params[0], ret, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 404, "no-person", "There is no account with this name.");
    return !answered(c);
}

/* One that this person may change: somebody else's. */
static bool other(struct call *c, struct account *ret)
{
    if (!people_get(c, ret))
        return false;
    if (strcmp(ret->name, c->person.name) == 0)
        refuse(c, 403, "own-account", "Nobody changes their own access. Ask another manager.", PEOPLE_PERMISSION);
    return !answered(c);
}

static bool open_other(struct call *c, struct account *ret)
{
    if (!other(c, ret))
        return false;
    if (ret->closed)
        problem(c, 409, "closed", "This account is closed. It can be opened again.");
    return !answered(c);
}

static unsigned roles_of(struct call *c, const struct account *a)
{
    return account_roles(c->db, span_str(a->name), c->api->site, c->now.wall);
}

/* False: this is the last lab manager, and the problem is set. */
static bool not_the_last(struct call *c, const struct account *a, unsigned going)
{
    struct error e = {0};
    if ((roles_of(c, a) & going & JOB_BIT(JOB_MANAGER)) == 0 || account_holders(c->db, JOB_MANAGER, c->api->site, c->now.wall, &e) > 1)
        return true;
    problem(c, 409, "last-manager", "This is the last lab manager. Give the role to somebody else first.");
    return false;
}

/* ── writing it down ── */

struct record *people_record(struct call *c, enum event event, const char *account, struct span why)
{
    struct record *r = decision(c, event);
    if (r == NULL)
        return NULL;
    record_str(r, KEY_ACCOUNT, account);
    record_text(r, KEY_WHY, why);
    return r;
}

bool people_decide(struct call *c, struct record *r)
{
    uint64_t index = 0;
    bool ok = r != NULL && decide(c, r, &index);
    free(r);
    return ok;
}

bool people_maker(struct call *c, const struct wanted_role *role, struct span maker)
{
    if (maker.n > 0 && role->job != JOB_ENGINEER)
        problem(c, 422, "maker", "Only a maker's engineer belongs to a maker.");
    else if (maker.n > 0 && !account_display_name_valid(maker))
        problem(c, 422, "maker", "The name of a maker, as devices have it: 1 to 80 characters.");
    return !answered(c);
}

bool people_grant(struct call *c, const char *account, const struct wanted_role *role, struct span site, struct span maker, struct span why)
{
    struct record *r = people_record(c, EVENT_ACCOUNT_GRANTED, account, why);
    if (r == NULL)
        return false;
    record_str(r, KEY_ACCOUNT_ROLE, job_name(role->job));
    record_text(r, KEY_SITE, site);
    record_text(r, KEY_FOR_MAKER, maker);
    if (role->until != 0)
        record_int(r, KEY_UNTIL, role->until);
    return people_decide(c, r);
}

void invitation_make(tq_time now, struct invitation *ret)
{
    code_make(ret->code, INVITE_GROUPS);
    invitation_hash(span_str(ret->code), ret->hash);
    ret->until = now + INVITE_TIME;
}

void invitation_hash(struct span typed, char out[2 * SHA256_SIZE + 1])
{
    char plain[CODE_TEXT(INVITE_GROUPS)];
    uint8_t hash[SHA256_SIZE];
    code_plain(typed, plain, sizeof plain);
    struct span parts[] = {SPAN_LIT("tourniquet invitation"), span_str(plain)};
    crypto_sha256_parts(parts, 2, hash);
    text_hex_to(out, hash, sizeof hash);
    crypto_wipe(plain, sizeof plain);
}

static void record_invitation(struct record *r, const struct invitation *i)
{
    if (r == NULL)
        return;
    record_str(r, KEY_INVITE_HASH, i->hash);
    record_int(r, KEY_UNTIL, i->until);
}

bool people_invite(struct call *c, const char *name, struct span display_name, struct span why, struct invitation *ret)
{
    invitation_make(c->now.wall, ret);
    struct record *r = people_record(c, EVENT_ACCOUNT_CREATED, name, why);
    if (r != NULL)
        record_text(r, KEY_DISPLAY_NAME, display_name);
    record_invitation(r, ret);
    return people_decide(c, r);
}

void people_end_sessions(struct call *c, const char *account, const char *but, const char *why)
{
    struct session gone;
    while (session_end_one(c->api->sessions, account, NULL, but, &gone))
        note_session(c, EVENT_SESSION_CLOSED, gone.account, gone.handle, why);
}

/* ── POST /people ── */

enum { F_NAME, F_DISPLAY, F_ROLE, F_UNTIL, F_SITE, F_MAKER, F_WHY, F_PASSWORD, F_COUNT };

#define FIELD_PASSWORD_AGAIN                                                                                                                         \
    {                                                                                                                                                \
        .name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true                                                                            \
    }
#define FIELD_WHY                                                                                                                                    \
    {                                                                                                                                                \
        .name = "why", .max = 4 * PEOPLE_WHY_MAX                                                                                                     \
    }

/* i: NULL: nobody is shown a code. */
static void put_code(struct call *c, const char *name, const struct invitation *i)
{
    jsonw_object(&c->json);
    jsonw_put_str(&c->json, "name", name);
    put_optional(&c->json, "code", i == NULL ? (struct span){0} : span_str(i->code));
    put_time(&c->json, "until", i == NULL ? 0 : i->until);
    jsonw_object_end(&c->json);
}

static bool new_name(struct call *c, struct span typed, struct span shown, char name[ACCOUNT_NAME_MAX + 1])
{
    struct error e = {0};
    struct account a;
    bool taken = false;
    if (!account_name(typed, name))
        problem(c, 422, "name", "A name has 1 to 64 letters (a-z), digits, dots, dashes or underscores, and starts with a letter or digit.");
    else if (shown.n > 0 && !account_display_name_valid(shown))
        problem(c, 422, "display-name", "The name to show has 1 to 80 characters.");
    else if (account_get(c->db, span_str(name), &a, &taken, &e) != 0)
        problem_store(c, &e);
    else if (taken)
        problem(c, 409, "taken", "Somebody has or had this name: names are never given twice. A closed account can be opened again.");
    else if (account_total(c->db, &e) >= PEOPLE_MOST)
        problem(c, 409, "full", "There are 1,000 accounts already.");
    return !answered(c);
}

void handle_people_new(struct call *c)
{
    struct body body;
    struct body_field f[F_COUNT] = {[F_NAME] = {.name = "name", .max = 256},
                                    [F_DISPLAY] = {.name = "display_name", .max = 4 * ACCOUNT_DISPLAY_MAX, .optional = true},
                                    [F_ROLE] = {.name = "role", .max = 64, .optional = true},
                                    [F_UNTIL] = {.name = "until", .max = 40, .optional = true},
                                    [F_SITE] = {.name = "site", .max = 120, .optional = true},
                                    [F_MAKER] = {.name = "maker", .max = 127, .optional = true},
                                    [F_WHY] = FIELD_WHY,
                                    [F_PASSWORD] = FIELD_PASSWORD_AGAIN};
    char name[ACCOUNT_NAME_MAX + 1];
    struct wanted_role role = {0};
    struct invitation invitation;
    if (!body_open(c, &body, f, F_COUNT))
        return;
    struct span shown = f[F_DISPLAY].text.n > 0 ? f[F_DISPLAY].text : span_str(name);
    if (people_why(c, f[F_WHY].text) && new_name(c, f[F_NAME].text, f[F_DISPLAY].text, name) &&
        (f[F_ROLE].text.n == 0 || people_role(c, f[F_ROLE].text, f[F_UNTIL].text, &role)) && people_maker(c, &role, f[F_MAKER].text) &&
        proof_again(c, f[F_PASSWORD].text, PEOPLE_PERMISSION)) {
        shown = f[F_DISPLAY].text.n > 0 ? f[F_DISPLAY].text : span_str(name);
        if (people_invite(c, name, shown, f[F_WHY].text, &invitation) &&
            (f[F_ROLE].text.n == 0 || people_grant(c, name, &role, f[F_SITE].text, f[F_MAKER].text, f[F_WHY].text)))
            put_code(c, name, &invitation);
    }
    crypto_wipe(&invitation, sizeof invitation);
    body_close(&body);
}

/* ── PATCH /people/{name} ── */

void handle_people_edit(struct call *c)
{
    struct body body;
    struct account a;
    struct body_field f = {.name = "display_name", .max = 4 * ACCOUNT_DISPLAY_MAX};
    if (!body_open(c, &body, &f, 1))
        return;
    if (!account_display_name_valid(f.text)) {
        problem(c, 422, "display-name", "The name to show has 1 to 80 characters.");
    } else if (people_get(c, &a) && if_match(c, a.changed)) {
        struct record *r = people_record(c, EVENT_ACCOUNT_EDITED, a.name, (struct span){0});
        if (r != NULL)
            record_text(r, KEY_DISPLAY_NAME, f.text);
        if (people_decide(c, r))
            people_answer(c, a.name);
    }
    body_close(&body);
}

/* ── POST /people/{name}/grant, /withdraw ── */

void handle_people_grant(struct call *c)
{
    enum { ROLE, UNTIL, SITE, MAKER, WHY, PASSWORD, FIELDS };
    struct body body;
    struct account a;
    struct wanted_role role;
    struct body_field f[FIELDS] = {[ROLE] = {.name = "role", .max = 64},
                                   [UNTIL] = {.name = "until", .max = 40, .optional = true},
                                   [SITE] = {.name = "site", .max = 120, .optional = true},
                                   [MAKER] = {.name = "maker", .max = 127, .optional = true},
                                   [WHY] = FIELD_WHY,
                                   [PASSWORD] = FIELD_PASSWORD_AGAIN};
    if (!body_open(c, &body, f, FIELDS))
        return;
    if (people_why(c, f[WHY].text) && people_role(c, f[ROLE].text, f[UNTIL].text, &role) && people_maker(c, &role, f[MAKER].text) &&
        open_other(c, &a)) {
        if ((roles_of(c, &a) & JOB_BIT(JOB_EMERGENCY)) != 0)
            problem(c, 409, "sealed", "The emergency account keeps its one role.");
        else if (proof_again(c, f[PASSWORD].text, PEOPLE_PERMISSION) && people_grant(c, a.name, &role, f[SITE].text, f[MAKER].text, f[WHY].text))
            people_answer(c, a.name);
    }
    body_close(&body);
}

void handle_people_withdraw(struct call *c)
{
    enum { ROLE, WHY, PASSWORD, FIELDS };
    struct body body;
    struct account a;
    enum job job;
    struct body_field f[FIELDS] = {[ROLE] = {.name = "role", .max = 64}, [WHY] = FIELD_WHY, [PASSWORD] = FIELD_PASSWORD_AGAIN};
    if (!body_open(c, &body, f, FIELDS))
        return;
    if (people_why(c, f[WHY].text) && open_other(c, &a)) {
        if (!job_find(f[ROLE].text, &job) || (roles_of(c, &a) & JOB_BIT(job)) == 0) {
            problem(c, 409, "role", "This account does not have this role.");
        } else if (not_the_last(c, &a, JOB_BIT(job)) && proof_again(c, f[PASSWORD].text, PEOPLE_PERMISSION)) {
            struct record *r = people_record(c, EVENT_ACCOUNT_WITHDRAWN, a.name, f[WHY].text);
            if (r != NULL)
                record_str(r, KEY_ACCOUNT_ROLE, job_name(job));
            if (people_decide(c, r))
                people_answer(c, a.name);
        }
    }
    body_close(&body);
}

/* ── POST /people/{name}/close, /reopen, /reset ── */

enum { A_WHY, A_PASSWORD, A_COMPROMISED, A_FIELDS };

static bool open_why(struct call *c, struct body *body, struct body_field f[A_FIELDS], size_t n)
{
    f[A_WHY] = (struct body_field)FIELD_WHY;
    f[A_PASSWORD] = (struct body_field)FIELD_PASSWORD_AGAIN;
    f[A_COMPROMISED] = (struct body_field){.name = "compromised", .optional = true, .boolean = true, .max = 5};
    if (!body_open(c, body, f, n))
        return false;
    if (people_why(c, f[A_WHY].text))
        return true;
    body_close(body);
    return false;
}

void handle_people_close(struct call *c)
{
    struct body body;
    struct account a;
    struct body_field f[A_FIELDS];
    if (!open_why(c, &body, f, A_COMPROMISED))
        return;
    if (open_other(c, &a) && not_the_last(c, &a, ~0u) && proof_again(c, f[A_PASSWORD].text, PEOPLE_PERMISSION) &&
        people_decide(c, people_record(c, EVENT_ACCOUNT_CLOSED, a.name, f[A_WHY].text))) {
        people_end_sessions(c, a.name, NULL, "the account was closed");
        people_answer(c, a.name);
    }
    body_close(&body);
}

/* Somebody who can show more than a password is not let in by one other person's word: that takes two (recover.c), or whoever is at the machine. */
static bool takes_two(struct call *c, const char *name)
{
    struct totp totp = {0};
    struct error e = {0};
    bool app = false;
    int64_t passkeys = passkey_total(c->db, span_str(name), &e);
    if (passkeys < 0 || totp_get(c->db, span_str(name), &totp, &app, &e) != 0)
        problem_store(c, &e);
    crypto_wipe(&totp, sizeof totp);
    return c->request->door != DOOR_LOCAL && (passkeys > 0 || app);
}

/* The code takes the place of whatever let this person in. */
static void invite_again(struct call *c, enum event event, struct account *a, const struct body_field f[A_FIELDS], bool shown)
{
    struct invitation invitation;
    if (!proof_again(c, f[A_PASSWORD].text, PEOPLE_PERMISSION))
        return;
    invitation_make(c->now.wall, &invitation);
    struct record *r = people_record(c, event, a->name, f[A_WHY].text);
    record_invitation(r, &invitation);
    if (r != NULL && event == EVENT_ACCOUNT_RESET)
        record_int(r, KEY_COMPROMISED, span_is(f[A_COMPROMISED].text, "true"));
    if (people_decide(c, r)) {
        people_end_sessions(c, a->name, NULL, "its password counts no more");
        put_code(c, a->name, shown ? &invitation : NULL);
    }
    crypto_wipe(&invitation, sizeof invitation);
}

void handle_people_reopen(struct call *c)
{
    struct body body;
    struct account a;
    struct body_field f[A_FIELDS];
    if (!open_why(c, &body, f, A_COMPROMISED))
        return;
    if (other(c, &a)) {
        if (!a.closed)
            problem(c, 409, "open", "This account is not closed.");
        else if (strcmp(a.name, EMERGENCY_NAME) == 0)
            problem(c, 409, "sealed", "The emergency account is opened again by sealing it.");
        else
            invite_again(c, EVENT_ACCOUNT_REOPENED, &a, f, true);
    }
    body_close(&body);
}

void handle_people_reset(struct call *c)
{
    struct body body;
    struct account a;
    struct body_field f[A_FIELDS];
    if (!open_why(c, &body, f, A_FIELDS))
        return;
    if (open_other(c, &a)) {
        bool two = takes_two(c, a.name);
        if (answered(c))
            ; /* the problem is set */
        else if (strcmp(a.name, EMERGENCY_NAME) == 0)
            problem(c, 409, "sealed", "The emergency account has no password of a person: seal it anew.");
        else if (two && !span_is(f[A_COMPROMISED].text, "true"))
            problem(c, 409, "takes-two",
                    "This person has a passkey or an app: they sign in with it and choose a password themselves. Who has lost everything is let in "
                    "again by "
                    "two people together.");
        else
            invite_again(c, EVENT_ACCOUNT_RESET, &a, f, !two);
    }
    body_close(&body);
}

/* ── POST /access-review ── */

/* Takes the accounts of "ana:88,tom:91" into r; each must be as it was seen. False: the problem is set. */
static bool reviewed(struct call *c, struct span list, struct record *r)
{
    size_t n = 0;
    struct error e = {0};
    while (list.n > 0) {
        struct span one = span_until(&list, ',', NULL);
        struct span name = span_until(&one, ':', NULL);
        struct account a;
        bool found = false;
        uint64_t etag = 0;
        if (account_get(c->db, name, &a, &found, &e) != 0)
            problem_store(c, &e);
        else if (!found || n++ == PEOPLE_REVIEWED)
            problem(c, 422, "people", "\"people\" names accounts with what was seen of each: ana:88,tom:91. At most 150 at once.");
        else if (!span_decimal(one, INT64_MAX, &etag) || etag != a.changed)
            problem(c, 412, "changed", "Not saved: somebody's access changed since you looked. Look again, then confirm.");
        else if (strcmp(a.name, c->person.name) == 0)
            refuse(c, 403, "own-account", "Nobody confirms their own access. Ask another manager.", PEOPLE_PERMISSION);
        if (answered(c))
            return false;
        record_text(r, KEY_REVIEWED, name);
    }
    if (n == 0)
        problem(c, 422, "people", "Name at least one account.");
    return n > 0;
}

void handle_people_review(struct call *c)
{
    struct body body;
    struct body_field f[] = {{.name = "people", .max = 16384}, {.name = "why", .max = 4 * PEOPLE_WHY_MAX, .optional = true}};
    if (!body_open(c, &body, f, 2))
        return;
    uint64_t index = 0;
    struct record *r = decision(c, EVENT_ACCOUNT_REVIEWED);
    if (r != NULL) {
        record_text(r, KEY_WHY, f[1].text);
        if ((f[1].text.n == 0 || people_why(c, f[1].text)) && reviewed(c, f[0].text, r) && decide(c, r, &index)) {
            jsonw_object(&c->json);
            jsonw_put_uint(&c->json, "record", index);
            jsonw_object_end(&c->json);
        }
    }
    free(r);
    body_close(&body);
}

/* ── POST /emergency ── */

/* The account of the envelope, opened where it is not there or closed. */
static bool emergency_account(struct call *c, const char *hash, struct span why)
{
    struct error e = {0};
    struct account a;
    bool found = false;
    const struct wanted_role role = {.job = JOB_EMERGENCY};
    struct record *r;
    if (account_get(c->db, SPAN_LIT(EMERGENCY_NAME), &a, &found, &e) != 0) {
        problem_store(c, &e);
        return false;
    }
    if (found && (roles_of(c, &a) & JOB_BIT(JOB_EMERGENCY)) == 0 && !a.closed) {
        problem(c, 409, "taken", "Somebody has the name \"emergency\". Close that account first.");
        return false;
    }
    if (!found) {
        r = people_record(c, EVENT_ACCOUNT_CREATED, EMERGENCY_NAME, why);
        if (r != NULL) {
            record_str(r, KEY_DISPLAY_NAME, "Emergency account");
            record_str(r, KEY_ACCOUNT_ROLE, job_name(JOB_EMERGENCY));
            record_str(r, KEY_PASSWORD_HASH, hash);
        }
        return people_decide(c, r);
    }
    if (a.closed && (!people_decide(c, people_record(c, EVENT_ACCOUNT_REOPENED, EMERGENCY_NAME, why)) ||
                     !people_grant(c, EMERGENCY_NAME, &role, (struct span){0}, (struct span){0}, why)))
        return false;
    r = people_record(c, EVENT_ACCOUNT_PASSWORD, EMERGENCY_NAME, why);
    if (r != NULL)
        record_str(r, KEY_PASSWORD_HASH, hash);
    return people_decide(c, r);
}

void handle_emergency(struct call *c)
{
    struct body body;
    struct body_field f[A_FIELDS];
    struct invitation sealed;
    char hash[ACCOUNT_HASH_MAX];
    if (!open_why(c, &body, f, A_COMPROMISED))
        return;
    invitation_make(c->now.wall, &sealed);
    if (proof_again(c, f[A_PASSWORD].text, PEOPLE_PERMISSION) && password_make(c, span_str(sealed.code), hash) &&
        emergency_account(c, hash, f[A_WHY].text)) {
        people_end_sessions(c, EMERGENCY_NAME, NULL, "it was sealed anew");
        jsonw_object(&c->json);
        jsonw_put_str(&c->json, "name", EMERGENCY_NAME);
        jsonw_put_str(&c->json, "code", sealed.code);
        jsonw_object_end(&c->json);
    }
    crypto_wipe(&sealed, sizeof sealed);
    crypto_wipe(hash, sizeof hash);
    body_close(&body);
}
