/* The ledger's keys: GET /keys, and what is done with them. A change is a record; an erasure's record is durable before a key goes. Whoever changes
 * something shows again that it is they: a session alone, which somebody else may have taken, neither destroys a patient's records nor gets the key
 * that opens everything. */
#include "door/api/api_private.h"
#include "lab/people/password_rules.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define WHY_MAX 2000
#define SECRET_MAX 1024
#define PASSWORD_FIELD                                                                                                                               \
    {                                                                                                                                                \
        .name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true                                                                            \
    }

/* A keeper without these callbacks has no keys to show. */
static bool offered(struct call *c)
{
    look_away(c);
    if (c->api->host.keys != NULL)
        return true;
    problem(c, 503, "keys", "The keys cannot be asked for here.");
    return false;
}

static bool may_change(struct call *c, struct span password)
{
    return proof_again(c, password, "keys.manage") && offered(c);
}

static bool refused(struct call *c, const struct error *e)
{
    if (e->class == ERR_MISUSE)
        problem(c, 422, "keys", e->text);
    else
        problem(c, 503, "keys", "The keyring could not be written. Check the disk, and the ledger.");
    return false;
}

/* ── GET /keys ── */

void handle_keys_get(struct call *c)
{
    struct api_keys k = {0};
    struct error e = {0};
    if (!offered(c))
        return;
    if (c->api->host.keys(c->api->host.context, &k, &e) != 0) {
        (void)refused(c, &e);
        return;
    }
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_str(j, "source", k.source);
    jsonw_key(j, "protects");
    jsonw_array(j);
    jsonw_text(j, said(c, span_str(k.protects)));
    jsonw_array_end(j);
    put_time(j, "made", k.made);
    jsonw_put_uint(j, "epoch", k.epoch);
    put_time(j, "rotated_at", k.rotated);
    jsonw_key(j, "recovery");
    jsonw_object(j);
    put_time(j, "made", k.recovery_made);
    put_time(j, "tested", k.recovery_tested);
    jsonw_object_end(j);
    jsonw_put_uint(j, "period_keys", k.period_keys);
    jsonw_put_uint(j, "erased", k.erased);
    put_time(j, "last_erasure", k.last_erasure);
    put_optional(j, "at_risk", said(c, span_str(k.not )));
    jsonw_object_end(j);
}

/* ── POST /keys/erase ── */

/* "2026-11" as 202611; nothing: `missing`. */
static bool month(struct call *c, struct span text, uint32_t missing, uint32_t *ret)
{
    uint64_t year = 0;
    uint64_t m = 0;
    *ret = missing;
    if (text.n == 0)
        return true;
    struct span left = text;
    struct span y = span_take(&left, 4);
    bool dash = span_u8(&left) == '-';
    if (!dash || text.n != 7 || !span_decimal(y, 9999, &year)) {
        problem(c, 422, "month", "A month is written as 2026-11.");
        return false;
    }
    if (left.p[0] == '0')
        (void)span_skip(&left, 1);
    if (!span_decimal(left, 12, &m) || m == 0) {
        problem(c, 422, "month", "A month is written as 2026-11.");
        return false;
    }
    *ret = (uint32_t)(year * 100 + m);
    return true;
}

/* One after the other: the keyring knows up to which record erasures are carried out, so none may be recorded behind another and be carried out
 * before it. */
static pthread_mutex_t erasing = PTHREAD_MUTEX_INITIALIZER;

static void erase_now(struct call *c, struct api_erasure *x, struct span why)
{
    struct error e = {0};
    uint64_t record = 0;
    struct record *r = decision(c, EVENT_KEYS_ERASED);
    if (r == NULL)
        return;
    record_str(r, KEY_ERASED_PATIENT, x->patient);
    record_int(r, KEY_ERASED_FROM, x->from);
    record_int(r, KEY_ERASED_TO, x->to);
    record_int(r, KEY_ERASED_FIRST, (int64_t)x->first);
    record_int(r, KEY_ERASED_LAST, (int64_t)x->last);
    record_int(r, KEY_ERASED_KEYS, (int64_t)x->keys);
    record_text(r, KEY_WHY, why);
    bool ok = decide(c, r, &record);
    free(r);
    look_away(c);
    if (!ok)
        return;
    if (c->api->host.keys_erase(c->api->host.context, x, record, &x->keys, &e) != 0) {
        problem(c, 503, "keys", "The erasure is recorded, but the keyring could not be written. It is carried out at the next start.");
        return;
    }
    jsonw_object(&c->json);
    jsonw_put_str(&c->json, "patient", x->patient);
    jsonw_put_uint(&c->json, "keys", x->keys);
    jsonw_put_uint(&c->json, "record", record);
    jsonw_object_end(&c->json);
}

static void erase(struct call *c, struct api_erasure *x, struct span why)
{
    (void)pthread_mutex_lock(&erasing);
    erase_now(c, x, why);
    (void)pthread_mutex_unlock(&erasing);
}

/* What is destroyed stays destroyed: two people ask for the same patient and months. At the machine itself one is enough: whoever is root there could
 * take the keyring away. */
static void erase_by_two(struct call *c, struct api_erasure *x, struct span why)
{
    char what[128];
    struct buf both = BUF_INIT(2 * WHY_MAX);
    (void)snprintf(what, sizeof what, "erase %s %u %u", x->patient, x->from, x->to);
    if (second_person(c, what, why, &both,
                      "Asked for, and written down. It is done once another person who may do it asks for the same, within 15 minutes: what is "
                      "destroyed stays destroyed.",
                      "keys.manage")) {
        erase(c, x, buf_ok(&both) ? buf_span(&both) : why);
        if (c->reply->r.status < 400)
            second_person_done(c, what);
    }
    buf_release(&both);
}

void handle_keys_erase(struct call *c)
{
    struct body_field f[] = {{.name = "patient", .max = SECRET_MAX, .optional = true},
                             {.name = "token", .max = 18, .optional = true},
                             {.name = "from", .max = 7, .optional = true},
                             {.name = "to", .max = 7, .optional = true},
                             {.name = "why", .max = WHY_MAX},
                             PASSWORD_FIELD};
    struct body body;
    struct api_erasure x = {0};
    struct error e = {0};
    if (!body_open(c, &body, f, sizeof f / sizeof f[0]))
        return;
    if ((f[0].text.n > 0) == (f[1].text.n > 0))
        problem(c, 422, "patient", "Name the patient, by the identifier or by the token, and not by both.");
    else if (!reason_valid(f[4].text))
        problem(c, 422, "why", "Say in a few words why.");
    else if (may_change(c, f[5].text) && month(c, f[2].text, 0, &x.from) && month(c, f[3].text, UINT32_MAX, &x.to)) {
        (void)snprintf(x.patient, sizeof x.patient, "%.*s", (int)f[1].text.n, (const char *)f[1].text.p);
        if (c->api->host.keys_choose(c->api->host.context, f[0].text, &x, &e) != 0)
            (void)refused(c, &e);
        else if (x.keys == 0)
            problem(c, 404, "no-keys", "Nothing is kept of this patient in this time, or it is erased already.");
        else
            erase_by_two(c, &x, f[4].text);
    }
    body_close(&body);
}

/* ── POST /keys/rotate ── */

static bool note(struct call *c, enum event event, const char *what, struct span why)
{
    uint64_t record = 0;
    struct api_keys k = {0};
    struct error e = {0};
    struct record *r = decision(c, event);
    if (r == NULL)
        return false;
    if (event == EVENT_KEYS_ROTATED && c->api->host.keys(c->api->host.context, &k, &e) == 0) {
        record_str(r, KEY_KEYS_SOURCE, k.source);
        record_int(r, KEY_KEYS_EPOCH, k.epoch);
    }
    record_str(r, KEY_WHAT, what);
    record_text(r, KEY_WHY, why);
    bool ok = decide(c, r, &record);
    free(r);
    look_away(c);
    return ok;
}

/* A passphrase is worth what it takes to guess it: whoever has a copy of the keyring can try as often as they like. */
static bool good_passphrase(struct call *c, struct span passphrase)
{
    const struct span context[] = {span_str(c->api->site), span_str(c->person.name), SPAN_LIT("tourniquet"), SPAN_LIT("passphrase")};
    const char *why = passphrase.n == 0 ? NULL : password_refused(passphrase, context, sizeof context / sizeof context[0]);
    if (why != NULL)
        problem(c, 422, "weak-passphrase", why);
    return why == NULL;
}

void handle_keys_rotate(struct call *c)
{
    struct body_field f[] = {{.name = "source", .max = 16, .optional = true},
                             {.name = "passphrase", .max = SECRET_MAX, .optional = true},
                             {.name = "why", .max = WHY_MAX},
                             PASSWORD_FIELD};
    struct body body;
    struct error e = {0};
    if (!body_open(c, &body, f, sizeof f / sizeof f[0]))
        return;
    if (!reason_valid(f[2].text))
        problem(c, 422, "why", "Say in a few words why.");
    else if (!good_passphrase(c, f[1].text) || !may_change(c, f[3].text))
        ; /* the problem is set */
    else if (c->api->host.keys_rotate(c->api->host.context, f[0].text, f[1].text, &e) != 0)
        (void)refused(c, &e);
    else if (note(c, EVENT_KEYS_ROTATED, NULL, f[2].text))
        handle_keys_get(c);
    body_close(&body);
}

/* ── POST /keys/recovery, /keys/recovery/test ── */

void handle_keys_recovery(struct call *c)
{
    char text[API_RECOVERY_TEXT] = "";
    struct body_field f = PASSWORD_FIELD;
    struct body body;
    struct error e = {0};
    if (!body_open(c, &body, &f, 1))
        return;
    bool may = may_change(c, f.text);
    body_close(&body);
    if (!may)
        return;
    if (c->api->host.keys_recovery(c->api->host.context, (struct span){0}, text, &e) != 0) {
        (void)refused(c, &e);
    } else if (note(c, EVENT_KEYS_RECOVERY, "made", (struct span){0})) {
        c->reply->hidden = true;
        jsonw_object(&c->json);
        jsonw_put_str(&c->json, "recovery_key", text);
        jsonw_object_end(&c->json);
    }
    explicit_bzero(text, sizeof text);
}

void handle_keys_recovery_test(struct call *c)
{
    struct body_field f = {.name = "recovery_key", .max = 200};
    struct body body;
    struct error e = {0};
    char unused[API_RECOVERY_TEXT];
    if (!body_open(c, &body, &f, 1))
        return;
    if (!offered(c))
        ; /* the problem is set */
    else if (f.text.n == 0)
        problem(c, 422, "keys", "Type the recovery key.");
    else if (c->api->host.keys_recovery(c->api->host.context, f.text, unused, &e) != 0)
        (void)refused(c, &e);
    else if (note(c, EVENT_KEYS_RECOVERY, "tested", (struct span){0}))
        handle_keys_get(c);
    body_close(&body);
}
