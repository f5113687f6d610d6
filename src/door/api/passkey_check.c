#include "door/api/passkey_check.h"

#include "base/text.h"
#include "door/api/body.h"
#include "record/crypto/crypto.h"
#include "record/crypto/signature.h"

static const struct {
    const char *word;
    const char *sentence;
} wrongs[PASSKEY_WRONGS] = {
    [PASSKEY_GOOD] = {"good", "It is good."},
    [PASSKEY_MALFORMED] = {"passkey-malformed", "The browser sent something that is no passkey's answer. Try again, or with another browser."},
    [PASSKEY_TYPE] = {"passkey-type", "The browser answered another question than it was asked. Reload the page and try again."},
    [PASSKEY_OTHER] = {"passkey-challenge", "This answer is too old, or was used already, or belongs to another request. Try again."},
    [PASSKEY_ORIGIN] = {"passkey-origin", "This was asked for by another page than ours. Open the page by its own name and try again."},
    [PASSKEY_PARTY] = {"passkey-host", "This passkey was made for another site."},
    [PASSKEY_UNTOUCHED] = {"passkey-untouched", "Nobody touched the key. Try again."},
    [PASSKEY_UNVERIFIED] =
        {"passkey-unverified",
         "The key was touched, but it does not know by whom. Set a PIN, fingerprint or face for it in the settings of your device."},
    [PASSKEY_FLAGS] = {"passkey-flags", "The key contradicts itself. Use another one."},
    [PASSKEY_ALGORITHM] = {"passkey-algorithm", "The key signs in a way that it did not announce. Use another one."},
    [PASSKEY_SIGNATURE] = {"passkey-signature", "The signature is not this key's."},
    [PASSKEY_CLONED] = {"passkey-cloned", "There seem to be two of this key: it is stopped. Use another way to sign in, and tell the lab manager."},
    [PASSKEY_UNKNOWN] = {"passkey-unknown", "This passkey is not known here any more, or not yours. Use another way to sign in."},
};

const char *passkey_wrong_word(enum passkey_wrong wrong)
{
    return wrongs[wrong < PASSKEY_WRONGS ? wrong : PASSKEY_MALFORMED].word;
}

const char *passkey_wrong_sentence(enum passkey_wrong wrong)
{
    return wrongs[wrong < PASSKEY_WRONGS ? wrong : PASSKEY_MALFORMED].sentence;
}

/* ── what the browser says (section 5.8.1) ── */

static enum passkey_wrong check_client(const struct passkey_party *party, const char *type, const uint8_t challenge[PASSKEY_CHALLENGE],
                                       struct span client)
{
    struct client_data said;
    struct buf want = BUF_INIT(64);
    if (client.n > PASSKEY_CLIENT_MAX || !client_data_parse(client, &said))
        return PASSKEY_MALFORMED;
    text_base64url(&want, span_of(challenge, PASSKEY_CHALLENGE));
    bool ours = buf_ok(&want) && want.n == strlen(said.challenge) && crypto_equal(want.p, said.challenge, want.n);
    buf_release(&want);
    if (strcmp(said.type, type) != 0)
        return PASSKEY_TYPE;
    if (!ours)
        return PASSKEY_OTHER;
    return strcmp(said.origin, party->origin) == 0 && !said.inside_another ? PASSKEY_GOOD : PASSKEY_ORIGIN;
}

/* ── what the authenticator says (section 6.1) ── */

static enum passkey_wrong check_data(const struct passkey_party *party, const struct webauthn_data *d)
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(span_str(party->id), hash);
    if (!span_equal(d->rp_id_hash, span_of(hash, sizeof hash)))
        return PASSKEY_PARTY;
    if ((d->flags & WEBAUTHN_PRESENT) == 0)
        return PASSKEY_UNTOUCHED;
    if ((d->flags & WEBAUTHN_VERIFIED) == 0)
        return PASSKEY_UNVERIFIED;
    bool impossible = (d->flags & WEBAUTHN_BACKED_UP) != 0 && (d->flags & WEBAUTHN_BACKUP_ABLE) == 0;
    return impossible ? PASSKEY_FLAGS : PASSKEY_GOOD;
}

/* What is signed: the authenticator's data, and the hash of what the browser says. */
static bool signed_by(const struct webauthn_key *key, struct span data, struct span client, struct span signature)
{
    uint8_t message[PASSKEY_ATTESTATION_MAX + SHA256_SIZE];
    if (data.n > PASSKEY_ATTESTATION_MAX || signature.n > PASSKEY_SIGNATURE_MAX)
        return false;
    size_t n = span_copy(data, message, PASSKEY_ATTESTATION_MAX);
    crypto_sha256(client, message + n);
    struct span all = span_of(message, n + SHA256_SIZE);
    switch (key->algorithm) {
    case WEBAUTHN_ES256: return crypto_es256_verify(key->x, key->y, all, signature);
    case WEBAUTHN_RS256: return crypto_rs256_verify(key->n, key->e, all, signature);
    case WEBAUTHN_EDDSA: return signature.n == ED25519_SIGNATURE && crypto_verify(key->x.p, all, signature.p);
    }
    return false;
}

enum passkey_wrong passkey_check_new(const struct passkey_party *party, const uint8_t challenge[PASSKEY_CHALLENGE], struct span client,
                                     struct span attestation, struct webauthn_attestation *ret)
{
    struct webauthn_attestation a;
    struct error e = {0};
    enum passkey_wrong wrong = check_client(party, "webauthn.create", challenge, client);
    if (wrong != PASSKEY_GOOD)
        return wrong;
    if (attestation.n > PASSKEY_ATTESTATION_MAX || webauthn_attestation_read(attestation, &a, &e) != 0)
        return PASSKEY_MALFORMED;
    wrong = check_data(party, &a.data);
    if (wrong != PASSKEY_GOOD)
        return wrong;
    if (a.format == WEBAUTHN_PACKED_SELF && a.algorithm != (int64_t)a.data.key.algorithm)
        return PASSKEY_ALGORITHM;
    if (a.format == WEBAUTHN_PACKED_SELF && !signed_by(&a.data.key, a.data_bytes, client, a.signature))
        return PASSKEY_SIGNATURE;
    *ret = a;
    return PASSKEY_GOOD;
}

enum passkey_wrong passkey_check_use(const struct passkey_party *party, const uint8_t challenge[PASSKEY_CHALLENGE], const struct passkey_kept *kept,
                                     const struct passkey_use *use, uint32_t *ret_counter)
{
    struct webauthn_data d;
    struct webauthn_key key;
    struct error e = {0};
    enum passkey_wrong wrong = check_client(party, "webauthn.get", challenge, use->client);
    if (wrong != PASSKEY_GOOD)
        return wrong;
    if (use->data.n > PASSKEY_DATA_MAX || webauthn_data_read(use->data, &d, &e) != 0 || webauthn_key_read(kept->cose, &key, &e) != 0)
        return PASSKEY_MALFORMED;
    wrong = check_data(party, &d);
    if (wrong != PASSKEY_GOOD)
        return wrong;
    if (((d.flags ^ kept->flags) & WEBAUTHN_BACKUP_ABLE) != 0)
        return PASSKEY_FLAGS;
    if (!signed_by(&key, use->data, use->client, use->signature))
        return PASSKEY_SIGNATURE;
    if ((d.counter != 0 || kept->counter != 0) && d.counter <= kept->counter)
        return PASSKEY_CLONED;
    *ret_counter = d.counter;
    return PASSKEY_GOOD;
}
