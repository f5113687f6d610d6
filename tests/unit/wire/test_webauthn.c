/* CBOR as CTAP2 writes it, and what authenticators say: vectors of RFC 8949 (appendix A) and W3C Web Authentication Level 3 (section 16), and what is
 * refused of them. */
#include "base/text.h"
#include "webauthn_vectors.h"
#include "wire/cbor.h"
#include "wire/webauthn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

static struct span hex(const char *text)
{
    static uint8_t space[64][2048];
    static size_t turn;
    uint8_t *out = space[turn++ % 64];
    size_t n = strlen(text) / 2;
    assert_true(n <= sizeof space[0] && text_unhex(span_str(text), out, n));
    return span_of(out, n);
}

static void cbor_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int64_t value;
    } good[] = {{"00", 0},
                {"17", 23},
                {"1818", 24},
                {"18ff", 255},
                {"190100", 256},
                {"19ffff", 65535},
                {"1a00010000", 65536},
                {"1affffffff", 4294967295},
                {"1b000000e8d4a51000", 1000000000000},
                {"20", -1},
                {"29", -10},
                {"3863", -100},
                {"3903e7", -1000},
                {"1b7fffffffffffffff", INT64_MAX}};
    /* heads that are longer than need be, not given out, indefinite, cut, or no integer of 63 bits */
    static const char *const bad[] = {"1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "1c", "1f", "18", "1901", "1bffffffffffffffff", "40",
                                      "f5",   ""};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t v = 77;
        struct span s = hex(good[i].hex);
        assert_true(cbor_int(&s, &v));
        assert_int_equal(v, good[i].value);
        assert_int_equal(s.n, 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t v;
        struct span s = hex(bad[i]);
        assert_false(cbor_int(&s, &v));
        assert_true(s.bad);
    }
}

static void cbor_steps_over_items(void **state)
{
    (void)state;
    static const char *const good[] = {"00", "4401020304", "6449455446", "80",        "a0", "83010203", "8301820203820405", "a26161016162820203",
                                       "f4", "f5",         "f6",         "8181818100" /* four levels */};
    static const char *const bad[] = {"c074",
                                      "f90000",
                                      "fb3ff199999999999a",
                                      "9fff",
                                      "5f42010243030405ff",
                                      "f7",
                                      "f0",
                                      "f818",
                                      "820a",
                                      "818181818100",
                                      "9b0fffffffffffffff",
                                      "bb0fffffffffffffff",
                                      "5b0fffffffffffffff",
                                      "5a00000010ff",
                                      "a201",
                                      "44010203"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct span s = hex(good[i]);
        assert_true(cbor_skip(&s));
        assert_int_equal(s.n, 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct span s = hex(bad[i]);
        assert_false(cbor_skip(&s));
        assert_true(s.bad);
    }
}

static void none_es256(void **state)
{
    (void)state;
    struct webauthn_attestation a;
    struct error e = {0};
    assert_int_equal(webauthn_attestation_read(hex(NONE_ES256_ATTESTATION), &a, &e), 0);
    assert_int_equal(a.format, WEBAUTHN_NONE);
    assert_int_equal(a.data.flags, 0x59);
    assert_int_equal(a.data.counter, 0);
    assert_true(span_equal(a.data.aaguid, hex("8446ccb9ab1db374750b2367ff6f3a1f")));
    assert_true(span_equal(a.data.id, hex(NONE_ES256_ID)));
    assert_int_equal(a.data.key.algorithm, WEBAUTHN_ES256);
    assert_true(span_equal(a.data.key.x, hex("afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61")));
    assert_true(span_equal(a.data.key.y, hex("930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220")));
    struct webauthn_key again;
    assert_int_equal(webauthn_key_read(a.data.cose, &again, &e), 0);
    assert_true(span_equal(again.x, a.data.key.x));
}

static void packed_self(void **state)
{
    (void)state;
    struct webauthn_attestation a;
    struct error e = {0};
    assert_int_equal(webauthn_attestation_read(hex(SELF_ES256_ATTESTATION), &a, &e), 0);
    assert_int_equal(a.format, WEBAUTHN_PACKED_SELF);
    assert_int_equal(a.algorithm, -7);
    assert_int_equal(a.signature.n, 70);
}

static void other_algorithms(void **state)
{
    (void)state;
    struct webauthn_data d;
    struct error e = {0};
    assert_int_equal(webauthn_data_read(hex(EDDSA_DATA), &d, &e), 0);
    assert_int_equal(d.key.algorithm, WEBAUTHN_EDDSA);
    assert_int_equal(d.key.x.n, 32);
    assert_int_equal(webauthn_data_read(hex(RS256_DATA), &d, &e), 0);
    assert_int_equal(d.key.algorithm, WEBAUTHN_RS256);
    assert_int_equal(d.key.n.n, 436);
    assert_int_equal(d.key.e.n, 3);
}

/* Every cut, and every byte that follows, is refused. */
static void cut_anywhere(void **state)
{
    (void)state;
    struct webauthn_attestation a;
    struct error e = {0};
    struct span whole = hex(SELF_ES256_ATTESTATION);
    for (size_t n = 0; n < whole.n; n++) {
        uint8_t *copy = malloc(n + 1); /* so that a sanitizer sees a read behind the end */
        memcpy(copy, whole.p, n);
        assert_int_equal(webauthn_attestation_read(span_of(copy, n), &a, &e), -1);
        free(copy);
    }
    uint8_t longer[1024];
    memcpy(longer, whole.p, whole.n);
    longer[whole.n] = 0;
    assert_int_equal(webauthn_attestation_read(span_of(longer, whole.n + 1), &a, &e), -1);
    struct webauthn_data d;
    struct span data = hex(EDDSA_DATA);
    for (size_t n = 0; n < data.n; n++)
        assert_int_equal(webauthn_data_read(span_of(data.p, n), &d, &e), -1);
}

static void refused(void **state)
{
    (void)state;
    struct webauthn_attestation a;
    struct webauthn_key key;
    struct error e = {0};
    /* a format that was not asked for; certificates that were not asked for */
    static const char *const attestations[] = {
        "a363666d74686669646f2d7532666761747453746d74a068617574684461746140",
        "a363666d74667061636b65646761747453746d74a363616c672663736967410063783563804068617574684461746140",
        "a363666d74646e6f6e656761747453746d74a163616c672668617574684461746140", /* a statement of "none" that is not empty */
        "a363666d74646e6f6e6563666d74646e6f6e6568617574684461746140",           /* a member twice */
        "a263666d74646e6f6e6568617574684461746140",
        "80",
    };
    for (size_t i = 0; i < sizeof attestations / sizeof attestations[0]; i++)
        assert_int_equal(webauthn_attestation_read(hex(attestations[i]), &a, &e), -1);
    static const char *const keys[] = {
        "a0",
        "a401010327200621582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf8", /* cut */
        "a30101032720062158",
        "a4010103262006215820"
        "44e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832", /* Ed25519 that says ES256 */
        "a40101032720072158"
        "2044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832", /* another curve */
        "a401010327200621581f"
        "44e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf8",                           /* too short */
        "a5010101010327200621582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832", /* kty twice */
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_int_equal(webauthn_key_read(hex(keys[i]), &key, &e), -1);
    struct webauthn_data d;
    /* flags promise a credential or extensions that are not there; an empty id */
    assert_int_equal(webauthn_data_read(hex("bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b54500000000"), &d, &e), -1);
    assert_int_equal(webauthn_data_read(hex("bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b58500000000"), &d, &e), -1);
    assert_int_equal(webauthn_data_read(hex("bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b58500000000a1"), &d, &e), -1);
    assert_int_equal(webauthn_data_read(hex("bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b58500000000a0"), &d, &e), 0);
    assert_int_equal(
        webauthn_data_read(
            hex("bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b541000000000000000000000000000000000000000000000000a0"), &d, &e),
        -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cbor_numbers),     cmocka_unit_test(cbor_steps_over_items), cmocka_unit_test(none_es256), cmocka_unit_test(packed_self),
        cmocka_unit_test(other_algorithms), cmocka_unit_test(cut_anywhere),          cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests_name("webauthn", tests, NULL, NULL);
}
