/* The whole life of passkeys, codes and recoveries through the api, with an authenticator of our own. */
#include "authenticator.h"
#include "door/api/passkey_private.h"
#include "keeper.h"
#include "lab/people/challenge.h"
#include "lab/people/recovery.h"
#include "lab/people/totp.h"

#define ORIGIN "https://localhost:8443"

/* A passkey in somebody's hand. */
struct token {
    struct test_key key;
    char id[16]; /* base64url of its id: "a2V5MQ" */
    const char *raw;
    char user[96];
    uint32_t counter;
    uint8_t flags;
    const char *origin;
    const char *party;
};

static struct token token_new(const char *raw)
{
    struct token t = {.key = test_key_make(WEBAUTHN_ES256), .raw = raw, .flags = 5, .origin = ORIGIN, .party = "localhost"};
    struct buf id = BUF_INIT(16);
    text_base64url(&id, span_str(raw));
    (void)snprintf(t.id, sizeof t.id, "%s", buf_text(&id));
    buf_release(&id);
    return t;
}

static void challenge_of(const char *text, uint8_t out[32])
{
    struct buf b = BUF_INIT(32);
    assert_true(text_unbase64url(span_str(text), &b));
    assert_int_equal(b.n, 32);
    memcpy(out, b.p, 32);
    buf_release(&b);
}

static void add_text(struct buf *out, const char *key, struct span bytes)
{
    buf_addf(out, ",\"%s\":\"", key);
    text_base64url(out, bytes);
    buf_add_str(out, "\"");
}

/* The members of an assertion, each with a comma before. */
static void answer(struct token *t, const uint8_t challenge[32], struct buf *data, struct buf *client, struct buf *signature)
{
    struct said s = {.type = "webauthn.get", .id = t->party, .origin = t->origin, .flags = t->flags, .counter = ++t->counter};
    memcpy(s.challenge, challenge, 32);
    *data = BUF_INIT(256), *client = BUF_INIT(1024), *signature = BUF_INIT(512);
    add_client(client, &s);
    add_head(data, &s);
    sign(signature, &t->key, buf_span(data), buf_span(client));
}

static int add_passkey(struct keeper *k, struct token *t, const char *name, const char *password)
{
    char wish[600];
    struct buf client = BUF_INIT(1024);
    struct buf all = BUF_INIT(2048);
    struct buf body = BUF_INIT(4096);
    struct said s = {.type = "webauthn.create", .id = t->party, .origin = t->origin, .flags = t->flags | 0x40, .counter = t->counter};
    (void)snprintf(wish, sizeof wish, "{\"password\":\"%s\"}", password);
    int status = keeper_ask(k, "POST /api/v1/passkeys/options", wish, NULL);
    if (status != 200)
        return status;
    challenge_of(keeper_member(k, "challenge"), s.challenge);
    (void)snprintf(t->user, sizeof t->user, "%s", keeper_member(k, "user"));
    add_client(&client, &s);
    attest(&all, &t->key, &s, span_str(t->raw), buf_span(&client), "none", 0);
    buf_addf(&body, "{\"name\":\"%s\",\"transports\":\"usb lemonade internal\"", name);
    add_text(&body, "client", buf_span(&client));
    add_text(&body, "attestation", buf_span(&all));
    buf_add_str(&body, "}");
    status = keeper_ask(k, "POST /api/v1/passkeys", buf_text(&body), NULL);
    buf_release(&client);
    buf_release(&all);
    buf_release(&body);
    return status;
}

static int sign_in_by(struct keeper *k, struct token *t, const char *wish, const char *user)
{
    struct buf data, client, signature;
    struct buf body = BUF_INIT(4096);
    uint8_t challenge[32];
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/passkey/options", wish, NULL), 200);
    challenge_of(keeper_member(k, "challenge"), challenge);
    answer(t, challenge, &data, &client, &signature);
    buf_addf(&body, "{\"id\":\"%s\"", t->id);
    add_text(&body, "data", buf_span(&data));
    add_text(&body, "client", buf_span(&client));
    add_text(&body, "signature", buf_span(&signature));
    if (user != NULL)
        buf_addf(&body, ",\"user\":\"%s\"", user);
    buf_add_str(&body, "}");
    int status = keeper_ask(k, "POST /api/v1/session/passkey", buf_text(&body), NULL);
    (void)snprintf(k->said, sizeof k->said, "%s", buf_text(&body));
    buf_release(&data);
    buf_release(&client);
    buf_release(&signature);
    buf_release(&body);
    return status;
}

static void sign_out(struct keeper *k)
{
    assert_int_equal(keeper_ask(k, "DELETE /api/v1/session", NULL, NULL), 204);
    k->session[0] = k->csrf[0] = 0;
}

/* X-Proof for this request: "METHOD /path", body. */
static void prove(struct keeper *k, struct token *t, const char *what, const char *body)
{
    struct buf data, client, signature;
    struct buf out = BUF_INIT(4096);
    uint8_t nonce[32], challenge[32];
    struct span rest = span_str(what);
    struct request r = {.method = span_until(&rest, ' ', NULL)};
    r.path = span_until(&rest, '?', NULL);
    r.query = rest;
    r.body = span_str(body);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/proof", NULL, NULL), 200);
    challenge_of(keeper_member(k, "nonce"), nonce);
    proof_challenge(&r, nonce, challenge);
    answer(t, challenge, &data, &client, &signature);
    text_base64url(&out, span_of(nonce, 32));
    buf_addf(&out, ".%s.", t->id);
    text_base64url(&out, buf_span(&data));
    buf_add_str(&out, ".");
    text_base64url(&out, buf_span(&client));
    buf_add_str(&out, ".");
    text_base64url(&out, buf_span(&signature));
    (void)snprintf(k->proof, sizeof k->proof, "%s", buf_text(&out));
    buf_release(&data);
    buf_release(&client);
    buf_release(&signature);
    buf_release(&out);
}

/* Makes an account and signs in with it. */
static void enter_as(struct keeper *k, const char *name, const char *role)
{
    static char hash[PASSWORD_TEXT];
    char body[200];
    struct error e = {0};
    if (hash[0] == 0)
        assert_int_equal(password_hash(span_str(KEEPER_PASSWORD), hash, &e), 0);
    keeper_account(k, name, role, hash);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"" KEEPER_PASSWORD "\"}", name);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session", body, NULL), 200);
    keeper_take_session(k);
}

static void whole_life(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    struct token one = token_new("key1");
    struct token two = token_new("key2");
    assert_int_equal(keeper_set_up(k), 201);
    assert_non_null(strstr(keeper_text(k), "\"sign_in\":{\"passkeys\":0,\"app\":false,\"withheld\":false}"));
    assert_int_equal(add_passkey(k, &one, "Phone", "wrong password here"), 403);
    k->now.monotonic += 60 * TIME_SECOND;
    assert_int_equal(add_passkey(k, &one, "", KEEPER_PASSWORD), 422);
    assert_int_equal(add_passkey(k, &one, "Phone", KEEPER_PASSWORD), 201);
    assert_string_equal(keeper_member(k, "name"), "Phone");
    assert_string_equal(keeper_member(k, "transports"), "usb internal");
    assert_string_equal(keeper_member(k, "host"), "localhost");
    assert_non_null(strstr(k->last, "\"event\":\"passkey.added\""));
    assert_int_equal(add_passkey(k, &one, "Phone again", KEEPER_PASSWORD), 409);
    assert_string_equal(keeper_member(k, "code"), "passkey-known");
    k->now.wall += TIME_SECOND;
    assert_int_equal(add_passkey(k, &two, "Key in the drawer", KEEPER_PASSWORD), 201);
    sign_out(k);

    /* without a name (discoverable), with a name, with a user handle */
    assert_int_equal(sign_in_by(k, &one, "{}", one.user), 200);
    assert_non_null(strstr(k->last, "\"event\":\"session.opened\""));
    assert_non_null(strstr(k->last, "\"proof\":\"passkey\""));
    keeper_take_session(k);
    assert_non_null(strstr(keeper_text(k), "\"sign_in\":{\"passkeys\":2,\"app\":false,\"withheld\":false}"));
    sign_out(k);
    assert_int_equal(sign_in_by(k, &two, "{\"name\":\"ana\"}", NULL), 200);
    /* the same answer again: its challenge is used up */
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/passkey", k->said, NULL), 401);
    assert_string_equal(keeper_member(k, "code"), "passkey-challenge");
    assert_int_equal(sign_in_by(k, &two, "{}", "AAAA"), 401); /* another person's handle */
    assert_string_equal(keeper_member(k, "code"), "passkey-unknown");

    assert_int_equal(sign_in_by(k, &one, "{}", one.user), 200);
    keeper_take_session(k);
    assert_int_equal(keeper_ask(k, "GET /api/v1/session/methods", NULL, NULL), 200);
    char id[32];
    char path[128];
    (void)snprintf(id, sizeof id, "%s", keeper_member(k, "id"));
    (void)snprintf(path, sizeof path, "PATCH /api/v1/passkeys/%s", id);
    assert_int_equal(keeper_ask(k, path, "{\"name\":\"Ana's phone\"}", NULL), 200);
    assert_non_null(strstr(keeper_text(k), "Ana's phone"));
    (void)snprintf(path, sizeof path, "POST /api/v1/passkeys/%s/remove", id);
    assert_int_equal(keeper_ask(k, path, "{}", NULL), 403);
    assert_string_equal(keeper_member(k, "code"), "password");
    prove(k, &two, path, "{}");
    assert_int_equal(keeper_ask(k, path, "{}", NULL), 200);
    assert_null(strstr(keeper_text(k), "Ana's phone"));
    assert_non_null(strstr(k->last, "\"proof\":\"passkey\""));
    sign_out(k);
    assert_int_equal(sign_in_by(k, &one, "{}", NULL), 401); /* it was removed */
    assert_string_equal(keeper_member(k, "code"), "passkey-unknown");
    test_key_drop(&one.key);
    test_key_drop(&two.key);
    keeper_free(k);
}

static void what_is_refused(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    struct token t = token_new("key1");
    assert_int_equal(keeper_set_up(k), 201);
    t.flags = 1; /* touched, but by whom? */
    assert_int_equal(add_passkey(k, &t, "Phone", KEEPER_PASSWORD), 422);
    assert_string_equal(keeper_member(k, "code"), "passkey-unverified");
    t.flags = 5;
    t.origin = "https://localhost:8444";
    assert_int_equal(add_passkey(k, &t, "Phone", KEEPER_PASSWORD), 422);
    assert_string_equal(keeper_member(k, "code"), "passkey-origin");
    t.origin = ORIGIN;
    assert_int_equal(add_passkey(k, &t, "Phone", KEEPER_PASSWORD), 201);
    sign_out(k);
    static const struct {
        const char *origin, *party;
        uint8_t flags;
        const char *code;
    } cases[] = {{"https://evil.example", "localhost", 5, "passkey-origin"},
                 {ORIGIN, "evil.example", 5, "passkey-host"},
                 {ORIGIN, "localhost", 1, "passkey-unverified"},
                 {ORIGIN, "localhost", 4, "passkey-untouched"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        t.origin = cases[i].origin, t.party = cases[i].party, t.flags = cases[i].flags;
        assert_int_equal(sign_in_by(k, &t, "{}", NULL), 401);
        assert_string_equal(keeper_member(k, "code"), cases[i].code);
        assert_non_null(strstr(k->last, "\"event\":\"session.refused\""));
        assert_non_null(strstr(k->last, cases[i].code));
    }
    t.origin = ORIGIN, t.party = "localhost", t.flags = 5;
    /* a challenge that was made for something else, and one that is too old */
    assert_int_equal(sign_in_by(k, &t, "{}", NULL), 200);
    keeper_take_session(k);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/proof", NULL, NULL), 200);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/passkey", "{\"id\":\"a\",\"data\":\"!\",\"client\":\"\",\"signature\":\"\"}", NULL), 401);
    assert_string_equal(keeper_member(k, "code"), "passkey-malformed");
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/passkey", "{}", NULL), 400);
    test_key_drop(&t.key);
    keeper_free(k);
}

static void two_of_one_key(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    struct token t = token_new("key1");
    assert_int_equal(keeper_set_up(k), 201);
    assert_int_equal(add_passkey(k, &t, "Phone", KEEPER_PASSWORD), 201);
    sign_out(k);
    struct token clone = t;
    for (int i = 0; i < 3; i++)
        assert_int_equal(sign_in_by(k, &t, "{}", NULL), 200);
    assert_int_equal(sign_in_by(k, &clone, "{}", NULL), 401); /* its counter is behind */
    assert_string_equal(keeper_member(k, "code"), "passkey-cloned");
    assert_int_equal(sign_in_by(k, &t, "{}", NULL), 401); /* the real one is stopped too: nobody knows which it is */
    assert_string_equal(keeper_member(k, "code"), "passkey-unknown");
    assert_int_equal(keeper_ask(k, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 200);
    keeper_take_session(k);
    assert_non_null(strstr(keeper_text(k), "\"passkeys\":0"));
    assert_int_equal(keeper_ask(k, "GET /api/v1/findings?kind=access.passkey_cloned", NULL, NULL), 200);
    assert_non_null(strstr(keeper_text(k), "A passkey of ana seems to exist twice"));
    test_key_drop(&t.key);
    keeper_free(k);
}

static void made_up_names(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    char first[64];
    assert_int_equal(keeper_set_up(k), 201);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/passkey/options", "{\"name\":\"nobody\"}", NULL), 200);
    (void)snprintf(first, sizeof first, "%s", keeper_member(k, "id"));
    assert_int_equal(strlen(first), 43);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/passkey/options", "{\"name\":\"Nobody\"}", NULL), 200);
    assert_string_equal(keeper_member(k, "id"), first);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/passkey/options", "{\"name\":\"ana\"}", NULL), 200);
    assert_int_equal(strlen(keeper_member(k, "id")), 43); /* an account without passkeys looks like no account */
    assert_string_not_equal(keeper_member(k, "id"), first);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/passkey/options", "{}", NULL), 200);
    assert_non_null(strstr(keeper_text(k), "\"allow\":[]"));
    keeper_free(k);
}

/* The proof is of exactly one request, once, within its session. */
static void proofs(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    struct token t = token_new("key1");
    enter_as(k, "pia", "privacy officer");
    assert_int_equal(add_passkey(k, &t, "Phone", KEEPER_PASSWORD), 201);
    prove(k, &t, "POST /api/v1/keys/rotate", "{\"why\":\"once a year\"}");
    assert_int_equal(keeper_ask(k, "POST /api/v1/keys/rotate", "{\"why\":\"once a year\"}", NULL), 200);
    assert_non_null(strstr(k->last, "\"proof\":\"passkey\""));
    keeper_again(k); /* the same proof again */
    assert_int_equal(keeper_ask(k, "POST /api/v1/keys/rotate", "{\"why\":\"once a year\"}", NULL), 403);
    assert_string_equal(keeper_member(k, "code"), "passkey-challenge");
    prove(k, &t, "POST /api/v1/keys/rotate", "{\"why\":\"once a year\"}");
    assert_int_equal(keeper_ask(k, "POST /api/v1/keys/rotate", "{\"why\":\"once a week\"}", NULL), 403); /* another body */
    assert_string_equal(keeper_member(k, "code"), "passkey-challenge");
    prove(k, &t, "POST /api/v1/keys/recovery", "{}");
    assert_int_equal(keeper_ask(k, "POST /api/v1/keys/rotate", "{\"why\":\"x y z\"}", NULL), 403); /* another address */
    prove(k, &t, "POST /api/v1/keys/recovery", "{}");
    k->now.monotonic += CHALLENGE_AGE;
    assert_int_equal(keeper_ask(k, "POST /api/v1/keys/recovery", "{}", NULL), 403); /* too old */
    prove(k, &t, "POST /api/v1/keys/recovery", "{}");
    k->proof[strlen(k->proof) - 4] ^= 1;
    assert_int_equal(keeper_ask(k, "POST /api/v1/keys/recovery", "{}", NULL), 403);
    static const char *const bad[] = {"x", "....", "a.b.c.d", "a.b.c.d.e", "AAAA.AAAA.AAAA.AAAA.AAAA.AAAA"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(k->proof, sizeof k->proof, "%s", bad[i]);
        assert_int_equal(keeper_ask(k, "POST /api/v1/keys/recovery", "{\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 403);
        assert_string_equal(keeper_member(k, "code"), "passkey-malformed");
    }
    /* of another session */
    prove(k, &t, "POST /api/v1/keys/recovery", "{}");
    char proof[sizeof k->proof];
    memcpy(proof, k->proof, sizeof proof);
    k->proof[0] = 0;
    assert_int_equal(sign_in_by(k, &t, "{}", NULL), 200);
    keeper_take_session(k);
    memcpy(k->proof, proof, sizeof proof);
    assert_int_equal(keeper_ask(k, "POST /api/v1/keys/recovery", "{}", NULL), 403);
    /* the password goes on to be good, and the record says that it was that */
    assert_int_equal(keeper_ask(k, "POST /api/v1/keys/recovery", "{\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 200);
    assert_non_null(strstr(k->last, "\"proof\":\"password\""));
    /* trying a key out */
    assert_int_equal(keeper_ask(k, "POST /api/v1/passkeys/test", "{}", NULL), 422);
    prove(k, &t, "POST /api/v1/passkeys/test", "{}");
    assert_int_equal(keeper_ask(k, "POST /api/v1/passkeys/test", "{}", NULL), 200);
    assert_string_equal(keeper_member(k, "name"), "Phone");
    assert_int_equal(keeper_ask_local(k, "POST /api/v1/keys/recovery", "{}", NULL), 200); /* at the local socket nobody has one */
    test_key_drop(&t.key);
    keeper_free(k);
}

static void nobody_elses_key(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    struct token anas = token_new("key1");
    struct token bens = token_new("key2");
    assert_int_equal(keeper_set_up(k), 201);
    assert_int_equal(add_passkey(k, &anas, "Phone", KEEPER_PASSWORD), 201);
    enter_as(k, "ben", "IT");
    assert_int_equal(add_passkey(k, &bens, "Ben's", KEEPER_PASSWORD), 201);
    prove(k, &anas, "POST /api/v1/passkeys/test", "{}");
    assert_int_equal(keeper_ask(k, "POST /api/v1/passkeys/test", "{}", NULL), 403);
    assert_string_equal(keeper_member(k, "code"), "passkey-unknown");
    prove(k, &bens, "POST /api/v1/passkeys/test", "{}");
    assert_int_equal(keeper_ask(k, "POST /api/v1/passkeys/test", "{}", NULL), 200);
    test_key_drop(&anas.key);
    test_key_drop(&bens.key);
    keeper_free(k);
}

/* ── codes of an app ── */

static int enter(struct keeper *k, const char *secret, int64_t steps, const char *more)
{
    char code[7];
    char body[256];
    assert_true(totp_code(secret, k->now.wall / TOTP_STEP + steps, code));
    (void)snprintf(body, sizeof body, "{\"name\":\"ana\",\"password\":\"" KEEPER_PASSWORD "\",\"code\":\"%s%s\"}", code, more);
    return keeper_ask(k, "POST /api/v1/session", body, NULL);
}

/* Whoever is signed in sets up an app. */
static void add_app(struct keeper *k)
{
    char secret[TOTP_TEXT];
    char token[64];
    char code[7];
    char body[256];
    assert_int_equal(keeper_ask(k, "POST /api/v1/totp/options", "{\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 200);
    (void)snprintf(secret, sizeof secret, "%s", keeper_member(k, "secret"));
    (void)snprintf(token, sizeof token, "%s", keeper_member(k, "token"));
    assert_true(totp_code(secret, k->now.wall / TOTP_STEP, code));
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\",\"token\":\"%s\",\"code\":\"%s\"}", secret, token, code);
    assert_int_equal(keeper_ask(k, "POST /api/v1/totp", body, NULL), 200);
}

#define RULE(who) "{\"password_days\":\"0\",\"second_factor\":\"" who "\",\"why\":\"our insurer asks for it\",\"password\":\"" KEEPER_PASSWORD "\"}"

/* Where the site's rules want a second factor, roles count only in a session that was opened with one; what it takes to set one up is always there.
 */
static void a_second_factor_is_asked_for(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    assert_int_equal(keeper_ask(k, "PUT /api/v1/access-policy", RULE("managers"), NULL), 409); /* else she would be out herself */
    assert_string_equal(keeper_member(k, "code"), "own-second-factor");
    add_app(k);
    assert_int_equal(keeper_ask(k, "PUT /api/v1/access-policy", RULE("some"), NULL), 422);
    assert_int_equal(keeper_ask(k, "PUT /api/v1/access-policy", RULE("managers"), NULL), 200);
    assert_non_null(strstr(k->last, "\"second_factor\":\"managers\""));
    assert_int_equal(keeper_ask(k, "GET /api/v1/people", NULL, NULL), 200); /* the app was set up in this session */
    assert_non_null(strstr(keeper_text(k), "\"second_factor\":true"));
    keeper_sign_in(k, "tom", "technologist");
    assert_int_equal(keeper_ask(k, "GET /api/v1/findings", NULL, NULL), 200);
    keeper_sign_in(k, "bea", "lab manager");
    assert_non_null(strstr(keeper_text(k), "\"permissions\":[]"));
    assert_non_null(strstr(keeper_text(k), "\"withheld\":true"));
    assert_int_equal(keeper_ask(k, "GET /api/v1/people", NULL, NULL), 403);
    assert_string_equal(keeper_member(k, "code"), "second-factor");
    assert_non_null(strstr(k->last, "request.refused"));
    assert_int_equal(keeper_ask(k, "PUT /api/v1/access-policy", RULE("none"), NULL), 403);
    assert_int_equal(keeper_ask(k, "GET /api/v1/findings", NULL, NULL), 403);
    add_app(k);
    assert_int_equal(keeper_ask(k, "GET /api/v1/people", NULL, NULL), 200);
    assert_int_equal(keeper_ask(k, "GET /api/v1/session", NULL, NULL), 200);
    assert_non_null(strstr(keeper_text(k), "\"withheld\":false"));
    assert_int_equal(keeper_ask(k, "PUT /api/v1/access-policy", RULE("everybody"), NULL), 200);
    assert_int_equal(
        keeper_ask(k, "PUT /api/v1/access-policy", "{\"password_days\":\"90\",\"why\":\"and that, too\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL),
        200); /* what it does not name stays */
    assert_string_equal(keeper_member(k, "second_factor"), "everybody");
    assert_int_equal(keeper_ask(k, "PUT /api/v1/access-policy", RULE("everybody"), NULL), 200);
    assert_string_equal(keeper_member(k, "second_factor"), "everybody");
    keeper_sign_in(k, "eve", "technologist");
    assert_int_equal(keeper_ask(k, "GET /api/v1/findings", NULL, NULL), 403);
    keeper_free(k);
}

static void codes(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    char secret[TOTP_TEXT];
    char token[64];
    char code[7];
    char body[256];
    assert_int_equal(keeper_set_up(k), 201);
    assert_int_equal(keeper_ask(k, "POST /api/v1/totp/options", "{\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 200);
    (void)snprintf(secret, sizeof secret, "%s", keeper_member(k, "secret"));
    (void)snprintf(token, sizeof token, "%s", keeper_member(k, "token"));
    assert_int_equal(strlen(secret), 32);
    assert_true(totp_code(secret, k->now.wall / TOTP_STEP, code));
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\",\"token\":\"%s\",\"code\":\"000000\"}", secret, token);
    assert_int_equal(keeper_ask(k, "POST /api/v1/totp", body, NULL), strcmp(code, "000000") == 0 ? 200 : 422);
    (void)snprintf(body, sizeof body, "{\"secret\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"token\":\"%s\",\"code\":\"%s\"}", token, code);
    assert_int_equal(keeper_ask(k, "POST /api/v1/totp", body, NULL), 409); /* not the secret that was made here */
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\",\"token\":\"%s\",\"code\":\"%.3s %s\"}", secret, token, code, code + 3);
    assert_int_equal(keeper_ask(k, "POST /api/v1/totp", body, NULL), 200);
    assert_null(strstr(k->last, secret)); /* it is in no record that can be seen */
    assert_null(strstr(keeper_text(k), secret));
    sign_out(k);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 401);
    assert_string_equal(keeper_member(k, "code"), "code-needed");
    assert_int_equal(enter(k, secret, 0, ""), 401); /* the one that set it up is used */
    k->now.wall += 60 * TIME_SECOND, k->now.monotonic += 60 * TIME_SECOND;
    assert_int_equal(enter(k, secret, 0, "1"), 401);
    assert_int_equal(enter(k, secret, -2, ""), 401);
    k->now.wall += 600 * TIME_SECOND, k->now.monotonic += 600 * TIME_SECOND;
    assert_int_equal(enter(k, secret, -1, ""), 200);
    assert_non_null(strstr(k->last, "\"proof\":\"password+code\""));
    assert_int_equal(enter(k, secret, -1, ""), 401); /* no code counts twice */
    assert_string_equal(keeper_member(k, "code"), "wrong-code");
    assert_int_equal(enter(k, secret, 1, ""), 200);
    assert_int_equal(enter(k, secret, 0, ""), 401); /* nor one before it */
    k->now.wall += 900 * TIME_SECOND, k->now.monotonic += 900 * TIME_SECOND;
    assert_int_equal(enter(k, secret, 0, ""), 200);
    keeper_take_session(k);
    assert_int_equal(keeper_ask(k, "POST /api/v1/totp/remove", "{\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 200);
    assert_string_equal(k->changed, "ana:totp.set ana:totp.used ana:totp.used ana:totp.removed "); /* the codes that came twice, too */
    assert_int_equal(keeper_ask(k, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 200);
    keeper_free(k);
}

static void secrets(void **state)
{
    (void)state;
    char code[7];
    assert_true(totp_code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 1, code)); /* "12345678901234567890", RFC 4226's key */
    assert_string_equal(code, "287082");
    assert_false(totp_code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ", 1, code));
    assert_false(totp_code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", 1, code));
    char secret[TOTP_TEXT];
    totp_secret_make(secret);
    assert_true(totp_code(secret, 5, code));
    assert_int_equal(totp_step(secret, span_str(code), 5 * TOTP_STEP, 4), 5);
    assert_int_equal(totp_step(secret, span_str(code), 5 * TOTP_STEP, 5), -1);
    assert_int_equal(totp_step(secret, span_str(code), 7 * TOTP_STEP, 0), -1);
}

/* ── recovery ── */

static void recover_start(struct keeper *k, char path[128])
{
    enter_as(k, "mia", "lab manager");
    assert_int_equal(keeper_ask(k, "POST /api/v1/recoveries",
                                "{\"account\":\"ana\",\"why\":\"her phone fell into the sink\",\"password\":\"wrong one here\"}", NULL),
                     403);
    k->now.monotonic += 60 * TIME_SECOND;
    assert_int_equal(
        keeper_ask(k, "POST /api/v1/recoveries", "{\"account\":\"mia\",\"why\":\"my own phone is gone\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL),
        409);
    assert_int_equal(
        keeper_ask(k, "POST /api/v1/recoveries", "{\"account\":\"nemo\",\"why\":\"who is that\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 404);
    assert_int_equal(keeper_ask(k, "POST /api/v1/recoveries",
                                "{\"account\":\"Ana\",\"why\":\"her phone fell into the sink\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL),
                     201);
    (void)snprintf(path, 128, "POST /api/v1/recoveries/%s/approve", keeper_member(k, "id"));
    assert_int_equal(keeper_ask(k, path, "{\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 403); /* she asked for it herself */
    assert_string_equal(keeper_member(k, "code"), "second-person");
}

static void recovery(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    struct token old = token_new("key1");
    struct token fresh = token_new("key2");
    char path[128], code[64], body[200], session[65], csrf[40];
    assert_int_equal(keeper_set_up(k), 201);
    assert_int_equal(add_passkey(k, &old, "Phone", KEEPER_PASSWORD), 201);
    memcpy(session, k->session, sizeof session), memcpy(csrf, k->csrf, sizeof csrf);
    recover_start(k, path);
    enter_as(k, "ivo", "IT");
    assert_int_equal(keeper_ask(k, path, "{}", NULL), 403);
    assert_int_equal(keeper_ask(k, path, "{\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 200);
    (void)snprintf(code, sizeof code, "%s", keeper_member(k, "code"));
    assert_int_equal(strlen(code), 23);
    assert_null(strstr(k->last, code));
    assert_int_equal(keeper_ask(k, path, "{\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 409); /* once */
    k->session[0] = k->csrf[0] = 0;

    assert_int_equal(keeper_ask(k, "POST /api/v1/recovery/options", "{\"name\":\"ana\",\"code\":\"AAAAA-AAAAA-AAAAA-AAAAA\"}", NULL), 401);
    assert_int_equal(keeper_ask(k, "POST /api/v1/recovery/options", "{\"name\":\"mia\",\"code\":\"AAAAA-AAAAA-AAAAA-AAAAA\"}", NULL), 401);
    (void)snprintf(body, sizeof body, "{\"name\":\"ana\",\"code\":\"%s\"}", code);
    assert_int_equal(keeper_ask(k, "POST /api/v1/recovery/options", body, NULL), 200);
    struct said s = {.type = "webauthn.create", .id = "localhost", .origin = ORIGIN, .flags = 0x45};
    struct buf client = BUF_INIT(1024), all = BUF_INIT(2048), text = BUF_INIT(4096);
    challenge_of(keeper_member(k, "challenge"), s.challenge);
    add_client(&client, &s);
    attest(&all, &fresh.key, &s, span_str(fresh.raw), buf_span(&client), "none", 0);
    buf_addf(&text, "{\"name\":\"ana\",\"code\":\"%s\",\"label\":\"New phone\"", code);
    add_text(&text, "client", buf_span(&client));
    add_text(&text, "attestation", buf_span(&all));
    buf_add_str(&text, "}");
    assert_int_equal(keeper_ask(k, "POST /api/v1/recovery", buf_text(&text), NULL), 201);
    assert_non_null(strstr(k->last, "\"proof\":\"recovery\""));
    keeper_take_session(k);
    assert_int_equal(keeper_ask(k, "GET /api/v1/session/methods", NULL, NULL), 200);
    assert_string_equal(keeper_member(k, "name"), "New phone");
    assert_null(strstr(keeper_text(k), "\"Phone\""));
    sign_out(k);
    assert_int_equal(keeper_ask(k, "POST /api/v1/recovery", buf_text(&text), NULL), 401); /* the code is used */
    assert_int_equal(sign_in_by(k, &old, "{}", NULL), 401);                               /* what was lost opens nothing */
    assert_int_equal(sign_in_by(k, &fresh, "{\"name\":\"ana\"}", NULL), 200);
    memcpy(k->session, session, sizeof session), memcpy(k->csrf, csrf, sizeof csrf);
    assert_int_equal(keeper_ask(k, "GET /api/v1/session", NULL, NULL), 401); /* nor does an old session */
    buf_release(&client);
    buf_release(&all);
    buf_release(&text);
    test_key_drop(&old.key);
    test_key_drop(&fresh.key);
    keeper_free(k);
}

/* One manager alone lets nobody in who has more than a password. */
static void reset_takes_two(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    struct token t = token_new("key1");
    static const char reset[] = "{\"why\":\"she forgot it again\",\"password\":\"" KEEPER_PASSWORD "\"}";
    assert_int_equal(keeper_set_up(k), 201);
    assert_int_equal(add_passkey(k, &t, "Phone", KEEPER_PASSWORD), 201);
    enter_as(k, "mia", "lab manager");
    assert_int_equal(keeper_ask(k, "POST /api/v1/people/ana/reset", reset, NULL), 409);
    assert_string_equal(keeper_member(k, "code"), "takes-two");
    /* a password that somebody else knows counts no more at once, and nobody is shown a code */
    assert_int_equal(keeper_ask(k, "POST /api/v1/people/ana/reset",
                                "{\"why\":\"it hung on the wall\",\"password\":\"" KEEPER_PASSWORD "\",\"compromised\":\"true\"}", NULL),
                     200);
    assert_non_null(strstr(keeper_text(k), "\"code\":null"));
    k->session[0] = k->csrf[0] = 0;
    assert_int_equal(keeper_ask(k, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 401);
    assert_int_equal(sign_in_by(k, &t, "{}", NULL), 200);
    keeper_take_session(k);
    static const char chosen[] = "{\"new_password\":\"quiet lantern mosaic 31\"}";
    prove(k, &t, "POST /api/v1/session/password", chosen);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session/password", chosen, NULL), 200);
    k->session[0] = k->csrf[0] = 0;
    assert_int_equal(keeper_ask(k, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"quiet lantern mosaic 31\"}", NULL), 200);
    assert_int_equal(keeper_ask_local(k, "POST /api/v1/people/ana/reset", reset, NULL), 200); /* whoever is at the machine can */
    assert_int_equal(strlen(keeper_member(k, "code")), 29);
    test_key_drop(&t.key);
    keeper_free(k);
}

/* Closed is closed: passkeys go, and do not come back with the account. */
static void closed_account(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    struct token t = token_new("key1");
    assert_int_equal(keeper_set_up(k), 201);
    enter_as(k, "ben", "IT");
    assert_int_equal(add_passkey(k, &t, "Phone", KEEPER_PASSWORD), 201);
    assert_int_equal(sign_in_by(k, &t, "{}", NULL), 200);
    enter_as(k, "mia", "lab manager");
    assert_int_equal(
        keeper_ask(k, "POST /api/v1/people/ben/close", "{\"why\":\"he works elsewhere now\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 200);
    assert_int_equal(sign_in_by(k, &t, "{}", NULL), 401);
    k->now.monotonic += 60 * TIME_SECOND;
    assert_int_equal(keeper_ask(k, "POST /api/v1/people/ben/reopen", "{\"why\":\"he is back with us\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL),
                     200);
    assert_int_equal(sign_in_by(k, &t, "{}", NULL), 401);
    assert_string_equal(keeper_member(k, "code"), "passkey-unknown");
    test_key_drop(&t.key);
    keeper_free(k);
}

static void recovery_by_password(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    char path[128], code[64], body[256];
    assert_int_equal(keeper_set_up(k), 201);
    recover_start(k, path);
    assert_int_equal(keeper_ask_local(k, path, "{}", NULL), 200); /* whoever is at the machine may be the second */
    (void)snprintf(code, sizeof code, "%s", keeper_member(k, "code"));
    k->session[0] = k->csrf[0] = 0;
    (void)snprintf(body, sizeof body, "{\"name\":\"ana\",\"code\":\"%s\",\"password\":\"password1234\"}", code);
    assert_int_equal(keeper_ask(k, "POST /api/v1/recovery", body, NULL), 422); /* and the code is still good */
    (void)snprintf(body, sizeof body, "{\"name\":\"ana\",\"code\":\"%s\"}", code);
    assert_int_equal(keeper_ask(k, "POST /api/v1/recovery", body, NULL), 422);
    (void)snprintf(body, sizeof body, "{\"name\":\"ana\",\"code\":\"%s\",\"password\":\"quiet lantern mosaic 31\"}", code);
    assert_int_equal(keeper_ask(k, "POST /api/v1/recovery", body, NULL), 201);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL), 401);
    assert_int_equal(keeper_ask(k, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"quiet lantern mosaic 31\"}", NULL), 200);
    keeper_free(k);
}

static void recovery_ends(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    char path[128], code[64], body[256];
    assert_int_equal(keeper_set_up(k), 201);
    recover_start(k, path);
    assert_int_equal(keeper_ask_local(k, path, "{}", NULL), 200);
    (void)snprintf(code, sizeof code, "%s", keeper_member(k, "code"));
    memcpy(strstr(path, "/approve"), "/withdraw", 10);
    assert_int_equal(keeper_ask(k, path, NULL, NULL), 200);
    assert_non_null(strstr(keeper_text(k), "\"items\":[]"));
    (void)snprintf(body, sizeof body, "{\"name\":\"ana\",\"code\":\"%s\"}", code);
    assert_int_equal(keeper_ask(k, "POST /api/v1/recovery/options", body, NULL), 401);
    assert_int_equal(keeper_ask(k, path, NULL, NULL), 404);
    k->now.monotonic += 60 * TIME_SECOND;
    assert_int_equal(keeper_ask(k, "POST /api/v1/recoveries",
                                "{\"account\":\"ana\",\"why\":\"her phone is gone again\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL),
                     201);
    (void)snprintf(path, sizeof path, "POST /api/v1/recoveries/%s/approve", keeper_member(k, "id"));
    k->now.wall += RECOVERY_AGE + TIME_SECOND;
    assert_int_equal(keeper_ask_local(k, path, "{}", NULL), 404); /* a day is enough */
    keeper_free(k);
}

/* ── challenges ── */

static void challenges(void **state)
{
    (void)state;
    struct error e = {0};
    struct challenges *s = challenges_new(&e);
    uint8_t c[32];
    tq_time now = 5000 * TIME_SECOND;
    challenge_make(s, CHALLENGE_PROOF, span_str("session"), now, c);
    assert_true(challenge_live(s, CHALLENGE_PROOF, span_str("session"), now, c));
    assert_false(challenge_live(s, CHALLENGE_NEW, span_str("session"), now, c));
    assert_false(challenge_live(s, CHALLENGE_PROOF, span_str("another"), now, c));
    assert_false(challenge_live(s, CHALLENGE_PROOF, span_str("session"), now + CHALLENGE_AGE, c));
    for (size_t i = 0; i < 32; i++) {
        c[i] ^= 1;
        assert_false(challenge_live(s, CHALLENGE_PROOF, span_str("session"), now, c));
        c[i] ^= 1;
    }
    assert_true(challenge_use(s, now, c));
    assert_false(challenge_live(s, CHALLENGE_PROOF, span_str("session"), now, c));
    assert_false(challenge_use(s, now, c));
    /* a full list of uses refuses, and is empty again when they are old */
    for (size_t i = 1; i < CHALLENGES_USED; i++) {
        challenge_make(s, CHALLENGE_PROOF, span_str("session"), now, c);
        assert_true(challenge_use(s, now, c));
    }
    challenge_make(s, CHALLENGE_PROOF, span_str("session"), now, c);
    assert_false(challenge_use(s, now, c));
    now += CHALLENGE_AGE + 2 * TIME_SECOND;
    challenge_make(s, CHALLENGE_PROOF, span_str("session"), now, c);
    assert_true(challenge_use(s, now, c));
    challenges_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_life),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(two_of_one_key),
        cmocka_unit_test(made_up_names),
        cmocka_unit_test(proofs),
        cmocka_unit_test(recovery),
        cmocka_unit_test(recovery_by_password),
        cmocka_unit_test(recovery_ends),
        cmocka_unit_test(reset_takes_two),
        cmocka_unit_test(closed_account),
        cmocka_unit_test(nobody_elses_key),
        cmocka_unit_test(codes),
        cmocka_unit_test(a_second_factor_is_asked_for),
        cmocka_unit_test(secrets),
        cmocka_unit_test(challenges),
    };
    return cmocka_run_group_tests_name("passkeys", tests, NULL, NULL);
}
