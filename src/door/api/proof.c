/* Dangerous acts need a fresh proof that it is still the same person: a passkey that signs exactly this request, or the password again.
 *
 * X-Proof: nonce.id.data.client.signature, each in base64url. The nonce comes from POST /session/proof, belongs to the session and counts once within
 * five minutes; the challenge is made of it and of the request's method, path, query and body, so that a console that was taken over, or a page that
 * was changed under way, can have nothing else done with it. */
#include "door/api/passkey_private.h"

#include "base/text.h"
#include "record/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#define PARTS 5

void proof_challenge(const struct request *r, const uint8_t nonce[CHALLENGE_SIZE], uint8_t out[CHALLENGE_SIZE])
{
    uint8_t body[SHA256_SIZE];
    crypto_sha256(r->body, body);
    struct span parts[] = {SPAN_LIT("tourniquet proof v1\n"),
                           span_of(nonce, CHALLENGE_SIZE),
                           r->method,
                           SPAN_LIT("\n"),
                           r->path,
                           SPAN_LIT("\n"),
                           r->query,
                           SPAN_LIT("\n"),
                           span_of(body, sizeof body)};
    crypto_sha256_parts(parts, sizeof parts / sizeof parts[0], out);
}

/* ── judging the use of a passkey ── */

/* There are two of it: it is stopped, and that is a finding. */
static void stop(struct call *c, const struct passkey *p, uint32_t counter)
{
    uint64_t index = 0;
    char title[160];
    struct record *r = decision(c, EVENT_PASSKEY_STOPPED);
    if (r == NULL)
        return;
    record_str(r, KEY_ACCOUNT, p->account);
    record_str(r, KEY_PASSKEY_ID, p->id);
    record_int(r, KEY_PASSKEY_COUNTER, counter);
    record_str(r, KEY_WHY, "its counter did not go on");
    if (decide(c, r, &index)) {
        (void)snprintf(title, sizeof title, "A passkey of {0} seems to exist twice; it is stopped.");
        record_start(r, EVENT_FINDING, c->now.wall, NULL);
        record_str(r, KEY_KIND, "access.passkey_cloned");
        record_str(r, KEY_CAUSE, p->id);
        record_str(r, KEY_SEVERITY, "high");
        record_str(r, KEY_TITLE, title);
        record_str(r, KEY_SUBJECT, p->account);
        record_int(r, KEY_EVIDENCE_RECORD, (int64_t)index);
        record_str(r, KEY_ADVICE,
                   "Ask this person whether they still have the key. Remove it, and let them add a new one; look at what was done in their name.");
        (void)decide(c, r, &index);
    }
    free(r);
}

static bool note_use(struct call *c, const struct passkey *p, uint32_t counter, const char *permission)
{
    uint64_t index = 0;
    struct record *r = decision(c, EVENT_PASSKEY_USED);
    if (r == NULL)
        return false;
    record_str(r, KEY_ACCOUNT, p->account);
    record_str(r, KEY_PASSKEY_ID, p->id);
    record_int(r, KEY_PASSKEY_COUNTER, counter);
    record_str(r, KEY_PERMISSION, permission);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

enum passkey_wrong passkey_judge(struct call *c, const struct passkey_claim *claim, struct passkey *p)
{
    struct api *api = c->api;
    struct buf key = BUF_INIT(WEBAUTHN_KEY_MAX);
    uint32_t counter = 0;
    bool found = false;
    struct error e = {0};
    look_away(c); /* what others of this key did meanwhile must be seen: one is judged after the other */
    (void)pthread_mutex_lock(&api->passkeys);
    enum passkey_wrong wrong = PASSKEY_UNKNOWN;
    if (look(c) && passkey_get(c->db, claim->id, p, &found, &e) != 0)
        problem_store(c, &e);
    bool theirs = found && p->stopped == 0 && (claim->account.n == 0 || span_is(claim->account, p->account)) &&
                  (claim->user.n == 0 || span_is(claim->user, p->user));
    if (!answered(c) && theirs && text_unbase64url(span_str(p->key), &key)) {
        struct passkey_kept kept = {.cose = buf_span(&key), .counter = p->counter, .flags = p->flags};
        wrong = challenge_live(api->challenges, claim->what, claim->who, c->now.monotonic, claim->nonce)
                    ? passkey_check_use(&api->party, claim->challenge, &kept, &claim->use, &counter)
                    : PASSKEY_OTHER;
    }
    if ((wrong == PASSKEY_GOOD || wrong == PASSKEY_CLONED) && !challenge_use(api->challenges, c->now.monotonic, claim->nonce))
        wrong = PASSKEY_OTHER;
    if (wrong == PASSKEY_CLONED)
        stop(c, p, counter);
    else if (wrong == PASSKEY_GOOD)
        (void)note_use(c, p, counter, claim->permission);
    (void)pthread_mutex_unlock(&api->passkeys);
    buf_release(&key);
    return wrong;
}

/* ── X-Proof ── */

static bool read_proof(struct span text, struct buf bytes[PARTS], struct span *ret_id)
{
    static const size_t most[PARTS] = {CHALLENGE_SIZE, WEBAUTHN_ID_MAX, PASSKEY_DATA_MAX, PASSKEY_CLIENT_MAX, PASSKEY_SIGNATURE_MAX};
    bool more = true;
    for (size_t i = 0; i < PARTS; i++) {
        bytes[i] = BUF_INIT(most[i]);
        struct span part = span_until(&text, '.', i + 1 < PARTS ? &more : NULL);
        if (i == 1)
            *ret_id = part;
        if (!more || part.n == 0 || !text_unbase64url(part, &bytes[i]))
            return false;
    }
    return text.n == 0 && bytes[0].n == CHALLENGE_SIZE;
}

static bool by_passkey(struct call *c, const char *permission)
{
    struct buf bytes[PARTS] = {0};
    struct passkey_claim claim = {
        .what = CHALLENGE_PROOF, .who = span_str(c->person.session), .account = span_str(c->person.name), .permission = permission};
    struct passkey p = {0};
    enum passkey_wrong wrong = PASSKEY_MALFORMED;
    if (read_proof(c->request->proof, bytes, &claim.id)) {
        memcpy(claim.nonce, bytes[0].p, CHALLENGE_SIZE);
        proof_challenge(c->request, claim.nonce, claim.challenge);
        claim.use = (struct passkey_use){.data = buf_span(&bytes[2]), .client = buf_span(&bytes[3]), .signature = buf_span(&bytes[4])};
        wrong = passkey_judge(c, &claim, &p);
    }
    for (size_t i = 0; i < PARTS; i++)
        buf_release(&bytes[i]);
    if (wrong != PASSKEY_GOOD && !answered(c))
        refuse(c, 403, passkey_wrong_word(wrong), passkey_wrong_sentence(wrong), permission);
    if (answered(c))
        return false;
    c->proof = "passkey";
    memcpy(c->proof_key, p.handle, sizeof c->proof_key);
    return true;
}

bool proof_again(struct call *c, struct span password, const char *permission)
{
    if (c->request->door == DOOR_LOCAL)
        return true;
    if (c->request->proof.n > 0)
        return by_passkey(c, permission);
    if (!password_again(c, password, permission))
        return false;
    c->proof = "password";
    return true;
}

/* ── POST /session/proof ── */

static void put_allowed(void *context, const struct passkey *p)
{
    struct call *c = context;
    if (p->stopped == 0)
        passkey_put_descriptor(&c->json, span_str(p->id), span_str(p->transports));
}

void handle_proof_wish(struct call *c)
{
    uint8_t nonce[CHALLENGE_SIZE];
    struct error e = {0};
    if (c->request->door == DOOR_LOCAL) {
        problem(c, 409, "local", "At the local socket nobody is asked for a proof.");
        return;
    }
    challenge_make(c->api->challenges, CHALLENGE_PROOF, span_str(c->person.session), c->now.monotonic, nonce);
    jsonw_object(&c->json);
    passkey_put_bytes(&c->json, "nonce", span_of(nonce, sizeof nonce));
    jsonw_put_str(&c->json, "rp_id", c->api->party.id);
    jsonw_key(&c->json, "allow");
    jsonw_array(&c->json);
    int rc = passkey_list(c->db, span_str(c->person.name), put_allowed, c, &e);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}
