/* What authenticators and browsers say: CBOR, authenticator data, keys, attestation objects, clientDataJSON. What is read lies inside of what came;
 * nothing of it is a passkey of ours. */
#include "door/api/body.h"
#include "door/api/passkey_check.h"
#include "wire/cbor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span part, struct span whole)
{
    if (part.bad || (part.n > 0 && (part.p < whole.p || part.p + part.n > whole.p + whole.n)))
        abort();
}

static void look_at_key(const struct webauthn_key *k, struct span whole)
{
    inside(k->x, whole);
    inside(k->y, whole);
    inside(k->n, whole);
    inside(k->e, whole);
    if (k->x.n != (k->algorithm == WEBAUTHN_RS256 ? 0 : 32) || k->y.n != (k->algorithm == WEBAUTHN_ES256 ? 32 : 0))
        abort();
}

static void look_at_data(const struct webauthn_data *d, struct span whole)
{
    struct error e;
    struct webauthn_key again;
    if (d->rp_id_hash.n != 32)
        abort();
    inside(d->rp_id_hash, whole);
    if ((d->flags & WEBAUTHN_ATTESTED) == 0)
        return;
    inside(d->id, whole);
    look_at_key(&d->key, whole);
    if (d->id.n == 0 || d->id.n > WEBAUTHN_ID_MAX || webauthn_key_read(d->cose, &again, &e) != 0 || again.algorithm != d->key.algorithm)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct passkey_party party = {.id = "example.org", .origin = "https://example.org"};
    static const uint8_t challenge[PASSKEY_CHALLENGE] = {1};
    struct span in = span_of(data, size);
    struct span s = in;
    struct error e = {0};
    struct webauthn_attestation a;
    struct webauthn_data d;
    struct webauthn_key k;
    struct client_data said;
    if (cbor_skip(&s))
        inside(s, in);
    if (webauthn_attestation_read(in, &a, &e) == 0) {
        look_at_data(&a.data, in);
        inside(a.signature, in);
        inside(a.data_bytes, in);
    }
    if (webauthn_data_read(in, &d, &e) == 0)
        look_at_data(&d, in);
    if (webauthn_key_read(in, &k, &e) == 0)
        look_at_key(&k, in);
    (void)client_data_parse(in, &said);
    if (passkey_check_new(&party, challenge, in, in, &a) == PASSKEY_GOOD)
        abort();
    uint32_t counter;
    struct passkey_kept kept = {.cose = in};
    struct passkey_use use = {.data = in, .client = in, .signature = in};
    if (passkey_check_use(&party, challenge, &kept, &use, &counter) == PASSKEY_GOOD)
        abort();
    return 0;
}
