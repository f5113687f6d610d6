/* Passkeys: signing in with one, and adding one. */
#include "door/api/passkey_private.h"

#include "base/text.h"
#include "record/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>

/* ── writing ── */

void passkey_put_bytes(struct jsonw *j, const char *key, struct span bytes)
{
    struct buf text = BUF_INIT(2048);
    text_base64url(&text, bytes);
    jsonw_put_text(j, key, buf_span(&text));
    buf_release(&text);
}

void passkey_put_descriptor(struct jsonw *j, struct span id, struct span transports)
{
    jsonw_object(j);
    jsonw_put_text(j, "id", id);
    jsonw_key(j, "transports");
    jsonw_array(j);
    while (transports.n > 0)
        jsonw_text(j, span_until(&transports, ' ', NULL));
    jsonw_array_end(j);
    jsonw_object_end(j);
}

/* 32 bytes that only we can make of a name: the same at every start. */
static void keyed(struct api *api, const char *what, struct span name, uint8_t out[SHA256_SIZE])
{
    struct crypto_hmac h;
    struct span parts[] = {span_str(what), name};
    crypto_hmac_set(&h, span_of(api->key, sizeof api->key));
    crypto_hmac_do(&h, parts, 2, out);
    crypto_wipe(&h, sizeof h);
}

/* ── POST /session/passkey/options ── */

struct allowed {
    struct call *c;
    size_t n;
};

static void put_allowed(void *context, const struct passkey *p)
{
    struct allowed *a = context;
    if (p->stopped != 0)
        return;
    passkey_put_descriptor(&a->c->json, span_str(p->id), span_str(p->transports));
    a->n++;
}

/* A name without passkeys, or without an account, gets one that is made up, always the same: who guesses names learns nothing (section 14.6.2). */
static void put_made_up(struct call *c, struct span name)
{
    uint8_t id[SHA256_SIZE];
    struct buf text = BUF_INIT(64);
    keyed(c->api, "passkey of nobody\n", name, id);
    text_base64url(&text, span_of(id, sizeof id));
    passkey_put_descriptor(&c->json, buf_span(&text), SPAN_LIT("internal"));
    buf_release(&text);
}

void handle_passkey_wish(struct call *c)
{
    struct body body;
    struct body_field f = {.name = "name", .max = 256, .optional = true};
    uint8_t challenge[CHALLENGE_SIZE];
    char name[ACCOUNT_NAME_MAX + 1] = "";
    struct allowed allowed = {.c = c};
    struct error e = {0};
    if (!body_open(c, &body, &f, 1))
        return;
    challenge_make(c->api->challenges, CHALLENGE_SIGN_IN, (struct span){0}, c->now.monotonic, challenge);
    jsonw_object(&c->json);
    passkey_put_bytes(&c->json, "challenge", span_of(challenge, sizeof challenge));
    jsonw_put_str(&c->json, "rp_id", c->api->party.id);
    jsonw_key(&c->json, "allow");
    jsonw_array(&c->json);
    int rc = 0;
    if (f.text.n > 0 && account_name(f.text, name))
        rc = passkey_list(c->db, span_str(name), put_allowed, &allowed, &e);
    if (f.text.n > 0 && allowed.n == 0)
        put_made_up(c, name[0] != 0 ? span_str(name) : f.text);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    body_close(&body);
    if (rc != 0)
        problem_store(c, &e);
}

/* ── POST /session/passkey ── */

/* The challenge that the browser says was signed. False: it says none. */
static bool told_challenge(struct span client, uint8_t out[CHALLENGE_SIZE])
{
    struct client_data said;
    struct buf bytes = BUF_INIT(CHALLENGE_SIZE);
    bool ok = client.n <= PASSKEY_CLIENT_MAX && client_data_parse(client, &said) && text_unbase64url(span_str(said.challenge), &bytes) &&
              bytes.n == CHALLENGE_SIZE;
    if (ok)
        memcpy(out, bytes.p, CHALLENGE_SIZE);
    buf_release(&bytes);
    return ok;
}

static void refuse_passkey(struct call *c, enum passkey_wrong wrong, const struct passkey *p)
{
    note_session(c, EVENT_SESSION_REFUSED, p->account[0] != 0 ? p->account : NULL, NULL, passkey_wrong_word(wrong));
    if (!answered(c))
        problem(c, 401, passkey_wrong_word(wrong), passkey_wrong_sentence(wrong));
}

static void sign_in_with(struct call *c, const struct passkey *p)
{
    struct account account = {0};
    struct error e = {0};
    bool found = false;
    if (account_get(c->db, span_str(p->account), &account, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found || account.closed)
        refuse_passkey(c, PASSKEY_UNKNOWN, p);
    else
        sign_in(c, &account, "passkey", true);
    crypto_wipe(&account, sizeof account);
}

void handle_passkey_sign_in(struct call *c)
{
    enum { ID, DATA, CLIENT, SIGNATURE, USER, FIELDS };
    static const size_t most[FIELDS] = {WEBAUTHN_ID_MAX, PASSKEY_DATA_MAX, PASSKEY_CLIENT_MAX, PASSKEY_SIGNATURE_MAX, 64};
    struct body_field f[FIELDS] = {[ID] = {.name = "id", .max = PASSKEY_ID_TEXT},
                                   [DATA] = {.name = "data", .max = 2 * PASSKEY_DATA_MAX},
                                   [CLIENT] = {.name = "client", .max = 2 * PASSKEY_CLIENT_MAX},
                                   [SIGNATURE] = {.name = "signature", .max = 2 * PASSKEY_SIGNATURE_MAX},
                                   [USER] = {.name = "user", .max = 128, .optional = true}};
    struct body body;
    struct buf bytes[FIELDS];
    char user[2 * 64 + 1] = "";
    struct passkey p = {0};
    enum passkey_wrong wrong = PASSKEY_MALFORMED;
    if (!body_open(c, &body, f, FIELDS))
        return;
    bool ok = true;
    for (size_t i = 0; i < FIELDS; i++) {
        bytes[i] = BUF_INIT(most[i]);
        ok = ok && text_unbase64url(f[i].text, &bytes[i]);
    }
    struct passkey_claim claim = {.id = f[ID].text, .what = CHALLENGE_SIGN_IN};
    if (ok && told_challenge(buf_span(&bytes[CLIENT]), claim.nonce)) {
        memcpy(claim.challenge, claim.nonce, CHALLENGE_SIZE);
        text_hex_to(user, bytes[USER].p, bytes[USER].n);
        claim.user = span_str(user);
        claim.use = (struct passkey_use){
            .data = buf_span(&bytes[DATA]), .client = buf_span(&bytes[CLIENT]), .signature = buf_span(&bytes[SIGNATURE])};
        wrong = passkey_judge(c, &claim, &p);
    }
    for (size_t i = 0; i < FIELDS; i++)
        buf_release(&bytes[i]);
    body_close(&body);
    if (answered(c))
        return;
    if (wrong == PASSKEY_GOOD)
        sign_in_with(c, &p);
    else
        refuse_passkey(c, wrong, &p);
}

/* ── a new one ── */

static void first_user(void *context, const struct passkey *p)
{
    char *user = context;
    if (user[0] == 0)
        memcpy(user, p->user, PASSKEY_USER);
}

/* What authenticators know this account by: as its first passkey does. False: the problem is set. */
static bool user_of(struct call *c, struct span account, char out[PASSKEY_USER])
{
    uint8_t made[SHA256_SIZE];
    struct error e = {0};
    out[0] = 0;
    if (passkey_list(c->db, account, first_user, out, &e) != 0) {
        problem_store(c, &e);
        return false;
    }
    if (out[0] == 0) {
        keyed(c->api, "passkey user\n", account, made);
        text_hex_to(out, made, sizeof made);
    }
    return true;
}

static void put_excluded(void *context, const struct passkey *p)
{
    struct call *c = context;
    passkey_put_descriptor(&c->json, span_str(p->id), span_str(p->transports));
}

void passkey_put_wish(struct call *c, const struct account *account, struct span who)
{
    char user[PASSKEY_USER];
    uint8_t handle[SHA256_SIZE];
    uint8_t challenge[CHALLENGE_SIZE];
    struct error e = {0};
    struct jsonw *j = &c->json;
    if (!user_of(c, span_str(account->name), user) || !text_unhex(span_str(user), handle, sizeof handle))
        return;
    challenge_make(c->api->challenges, CHALLENGE_NEW, who, c->now.monotonic, challenge);
    jsonw_object(j);
    passkey_put_bytes(j, "challenge", span_of(challenge, sizeof challenge));
    jsonw_put_str(j, "rp_id", c->api->party.id);
    jsonw_put_str(j, "site", c->api->site);
    passkey_put_bytes(j, "user", span_of(handle, sizeof handle));
    jsonw_put_str(j, "name", account->name);
    jsonw_put_str(j, "display_name", account->display_name);
    jsonw_key(j, "algorithms");
    jsonw_array(j);
    jsonw_int(j, WEBAUTHN_ES256);
    jsonw_int(j, WEBAUTHN_EDDSA);
    jsonw_int(j, WEBAUTHN_RS256);
    jsonw_array_end(j);
    jsonw_key(j, "exclude");
    jsonw_array(j);
    int rc = passkey_list(c->db, span_str(account->name), put_excluded, c, &e);
    jsonw_array_end(j);
    jsonw_object_end(j);
    if (rc != 0)
        problem_store(c, &e);
}

/* Words of the standard that we know, once each, in its order (section 5.8.4): what came otherwise is left out. */
static void known_transports(struct span said, char out[64])
{
    static const char *const known[] = {"usb", "nfc", "ble", "smart-card", "hybrid", "internal"};
    out[0] = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        bool there = false;
        for (struct span left = said; left.n > 0 && !there;)
            there = span_is(span_until(&left, ' ', NULL), known[i]);
        if (there)
            (void)snprintf(out + strlen(out), 64 - strlen(out), "%s%s", out[0] != 0 ? " " : "", known[i]);
    }
}

static bool not_there_yet(struct call *c, struct span account, struct span id)
{
    struct passkey other;
    struct error e = {0};
    bool found = false;
    int64_t n = passkey_total(c->db, account, &e);
    if (n < 0 || passkey_get(c->db, id, &other, &found, &e) != 0)
        problem_store(c, &e);
    else if (found)
        problem(c, 409, "passkey-known", "This key is registered already.");
    else if (n >= PASSKEYS_PER_ACCOUNT)
        problem(c, 409, "passkeys", "You have 20 passkeys already. Remove one first.");
    return !answered(c);
}

static void keep_text(char *out, size_t size, struct span text)
{
    (void)snprintf(out, size, "%.*s", (int)text.n, text.n > 0 ? (const char *)text.p : "");
}

/* What is kept of it. False: the problem is set. */
static bool keep(struct call *c, const struct account *account, const struct passkey_new *told, const struct webauthn_data *d, struct passkey *ret)
{
    struct buf id = BUF_INIT(sizeof ret->id);
    struct buf key = BUF_INIT(sizeof ret->key);
    *ret = (struct passkey){.counter = d->counter, .flags = d->flags & (uint8_t) ~(WEBAUTHN_ATTESTED | WEBAUTHN_EXTENDED)};
    text_base64url(&id, d->id);
    text_base64url(&key, d->cose);
    keep_text(ret->id, sizeof ret->id, buf_span(&id));
    keep_text(ret->key, sizeof ret->key, buf_span(&key));
    keep_text(ret->account, sizeof ret->account, span_str(account->name));
    keep_text(ret->name, sizeof ret->name, told->name);
    known_transports(told->transports, ret->transports);
    bool fits = buf_ok(&id) && buf_ok(&key);
    buf_release(&id);
    buf_release(&key);
    if (!fits)
        problem(c, 422, passkey_wrong_word(PASSKEY_MALFORMED), passkey_wrong_sentence(PASSKEY_MALFORMED));
    return fits && not_there_yet(c, span_str(account->name), span_str(ret->id)) && user_of(c, span_str(account->name), ret->user);
}

bool passkey_accept(struct call *c, const struct account *account, struct span who, const struct passkey_new *told, struct passkey *ret)
{
    struct buf client = BUF_INIT(PASSKEY_CLIENT_MAX);
    struct buf attestation = BUF_INIT(PASSKEY_ATTESTATION_MAX);
    struct webauthn_attestation a;
    uint8_t challenge[CHALLENGE_SIZE];
    enum passkey_wrong wrong = PASSKEY_MALFORMED;
    bool good = false;
    if (!passkey_name_valid(told->name)) {
        problem(c, 422, "passkey-name", "Give the key a name of 1 to 60 characters, by which you know it.");
        return false;
    }
    if (text_unbase64url(told->client, &client) && text_unbase64url(told->attestation, &attestation) && told_challenge(buf_span(&client), challenge))
        wrong = challenge_live(c->api->challenges, CHALLENGE_NEW, who, c->now.monotonic, challenge)
                    ? passkey_check_new(&c->api->party, challenge, buf_span(&client), buf_span(&attestation), &a)
                    : PASSKEY_OTHER;
    if (wrong != PASSKEY_GOOD)
        refuse(c, 422, passkey_wrong_word(wrong), passkey_wrong_sentence(wrong), "passkey.add");
    else if (keep(c, account, told, &a.data, ret))
        good = challenge_use(c->api->challenges, c->now.monotonic, challenge);
    if (!good && !answered(c))
        refuse(c, 422, passkey_wrong_word(PASSKEY_OTHER), passkey_wrong_sentence(PASSKEY_OTHER), "passkey.add");
    buf_release(&client);
    buf_release(&attestation);
    return good;
}

void passkey_record(struct record *r, const struct passkey *p)
{
    record_str(r, KEY_ACCOUNT, p->account);
    record_str(r, KEY_NAME, p->name);
    record_str(r, KEY_PASSKEY_ID, p->id);
    record_str(r, KEY_PASSKEY_KEY, p->key);
    record_str(r, KEY_PASSKEY_USER, p->user);
    record_str(r, KEY_PASSKEY_TRANSPORTS, p->transports);
    record_int(r, KEY_PASSKEY_COUNTER, p->counter);
    record_int(r, KEY_PASSKEY_FLAGS, p->flags);
}
