#include "wire/webauthn.h"

#include "wire/cbor.h"

/* Labels of COSE keys (RFC 9052, section 7.1; RFC 9053, section 7; RFC 8230, section 4). */
enum { COSE_KTY = 1, COSE_ALG = 3, COSE_CRV = -1, COSE_X = -2, COSE_Y = -3, COSE_N = -1, COSE_E = -2 };
enum { KTY_OKP = 1, KTY_EC2 = 2, KTY_RSA = 3, CRV_P256 = 1, CRV_ED25519 = 6 };

#define KEY_PAIRS 8

struct cose {
    int64_t kty, alg, crv;
    struct span x, y; /* of RSA: n stands at -1, e at -2 */
    struct span n;
    unsigned seen;
};

static bool seen_before(struct cose *c, unsigned bit)
{
    bool twice = (c->seen & bit) != 0;
    c->seen |= bit;
    return twice;
}

static bool read_pair(struct span *s, struct cose *c)
{
    struct cbor_item item;
    int64_t label = 0;
    if (!cbor_int(s, &label))
        return false;
    unsigned bit = label == COSE_KTY ? 1 : label == COSE_ALG ? 2 : label == COSE_CRV ? 4 : label == COSE_X ? 8 : label == COSE_Y ? 16 : 0;
    if (bit == 0)
        return cbor_skip(s);
    if (seen_before(c, bit))
        return span_fail(s);
    switch (label) {
    case COSE_KTY: return cbor_int(s, &c->kty);
    case COSE_ALG: return cbor_int(s, &c->alg);
    case COSE_X: c->x = cbor_take(s, CBOR_BYTES); return !s->bad;
    case COSE_Y: c->y = cbor_take(s, CBOR_BYTES); return !s->bad;
    default: /* -1: a curve's number, or RSA's modulus */
        if (!cbor_next(s, &item) || (item.type != CBOR_UNSIGNED && item.type != CBOR_BYTES))
            return span_fail(s);
        c->n = item.bytes;
        c->crv = item.type == CBOR_UNSIGNED && item.value < 1000 ? (int64_t)item.value : 0;
        return true;
    }
}

static bool read_key(struct span *s, struct webauthn_key *ret, struct error *e)
{
    struct cose c = {0};
    uint64_t pairs = 0;
    if (!cbor_map(s, KEY_PAIRS, &pairs))
        return err_set(e, ERR_PEER, "the public key is no COSE key") == 0;
    while (pairs-- > 0)
        if (!read_pair(s, &c))
            return err_set(e, ERR_PEER, "the public key is malformed") == 0;
    *ret = (struct webauthn_key){.algorithm = (enum webauthn_algorithm)c.alg};
    if (c.kty == KTY_EC2 && c.alg == WEBAUTHN_ES256 && c.crv == CRV_P256 && c.x.n == 32 && c.y.n == 32) {
        ret->x = c.x, ret->y = c.y;
    } else if (c.kty == KTY_OKP && c.alg == WEBAUTHN_EDDSA && c.crv == CRV_ED25519 && c.x.n == 32) {
        ret->x = c.x;
    } else if (c.kty == KTY_RSA && c.alg == WEBAUTHN_RS256 && c.n.n >= 256 && c.n.n <= 1024 && c.x.n >= 1 && c.x.n <= 8) {
        ret->n = c.n, ret->e = c.x;
    } else {
        return err_set(e, ERR_PEER, "the public key is of none of the kinds ES256, EdDSA, RS256") == 0;
    }
    return true;
}

int webauthn_key_read(struct span in, struct webauthn_key *ret, struct error *e)
{
    if (!read_key(&in, ret, e))
        return -1;
    return in.n == 0 ? 0 : err_set(e, ERR_PEER, "something follows the public key");
}

static bool read_credential(struct span *s, struct webauthn_data *d, struct error *e)
{
    d->aaguid = span_take(s, WEBAUTHN_AAGUID);
    size_t n = span_be16(s);
    d->id = span_take(s, n);
    if (s->bad || n == 0 || n > WEBAUTHN_ID_MAX)
        return err_set(e, ERR_PEER, "the credential's id is cut, empty or too long") == 0;
    struct span before = *s;
    if (!read_key(s, &d->key, e))
        return false;
    d->cose = span_of(before.p, before.n - s->n);
    return d->cose.n <= WEBAUTHN_KEY_MAX || err_set(e, ERR_PEER, "the public key is too long") == 0;
}

int webauthn_data_read(struct span in, struct webauthn_data *ret, struct error *e)
{
    struct webauthn_data d = {0};
    d.rp_id_hash = span_take(&in, 32);
    d.flags = span_u8(&in);
    d.counter = span_be32(&in);
    if (in.bad)
        return err_set(e, ERR_PEER, "the authenticator's data is cut");
    if ((d.flags & WEBAUTHN_ATTESTED) != 0 && !read_credential(&in, &d, e))
        return -1;
    if ((d.flags & WEBAUTHN_EXTENDED) != 0) {
        struct span map = in;
        uint64_t pairs = 0;
        if (!cbor_map(&map, 64, &pairs) || !cbor_skip(&in))
            return err_set(e, ERR_PEER, "the authenticator's extensions are malformed");
    }
    if (in.n != 0)
        return err_set(e, ERR_PEER, "something follows the authenticator's data");
    *ret = d;
    return 0;
}

/* The statement of a packed attestation: alg, sig, and no certificates (section 8.2). */
static bool read_statement(struct span *s, bool packed, struct webauthn_attestation *a)
{
    uint64_t pairs = 0;
    if (!cbor_map(s, packed ? 2 : 0, &pairs) || (packed && pairs != 2))
        return false;
    while (pairs-- > 0) {
        struct span key = cbor_take(s, CBOR_TEXT);
        if (span_is(key, "alg") && a->algorithm == 0)
            (void)cbor_int(s, &a->algorithm);
        else if (span_is(key, "sig") && a->signature.n == 0)
            a->signature = cbor_take(s, CBOR_BYTES);
        else
            return false;
    }
    return !s->bad && (!packed || (a->algorithm != 0 && a->signature.n > 0));
}

int webauthn_attestation_read(struct span in, struct webauthn_attestation *ret, struct error *e)
{
    struct webauthn_attestation a = {0};
    struct span statement = {0};
    struct span format = {0};
    uint64_t pairs = 0;
    if (!cbor_map(&in, 3, &pairs) || pairs != 3)
        return err_set(e, ERR_PEER, "the attestation is no map of three");
    while (pairs-- > 0) {
        struct span key = cbor_take(&in, CBOR_TEXT);
        struct span before = in;
        if (span_is(key, "fmt") && format.n == 0) {
            format = cbor_take(&in, CBOR_TEXT);
        } else if (span_is(key, "authData") && a.data_bytes.n == 0) {
            a.data_bytes = cbor_take(&in, CBOR_BYTES);
        } else if (span_is(key, "attStmt") && statement.n == 0 && cbor_skip(&in)) {
            statement = span_of(before.p, before.n - in.n);
        } else {
            return err_set(e, ERR_PEER, "the attestation has a member that is unknown, or comes twice");
        }
    }
    if (in.bad || in.n != 0)
        return err_set(e, ERR_PEER, "the attestation is malformed");
    a.format = span_is(format, "none") ? WEBAUTHN_NONE : WEBAUTHN_PACKED_SELF;
    if (a.format != WEBAUTHN_NONE && !span_is(format, "packed"))
        return err_set(e, ERR_PEER, "the attestation is of a format that was not asked for");
    if (!read_statement(&statement, a.format == WEBAUTHN_PACKED_SELF, &a) || statement.n != 0)
        return err_set(e, ERR_PEER, "the attestation's statement is not of its format, or brings certificates that were not asked for");
    if (webauthn_data_read(a.data_bytes, &a.data, e) != 0)
        return -1;
    if ((a.data.flags & WEBAUTHN_ATTESTED) == 0)
        return err_set(e, ERR_PEER, "the attestation holds no credential");
    *ret = a;
    return 0;
}
