/* TLS of a link's side: real handshakes in memory, each peer that must be refused, and why. */
#include "../cmocka_all.h"

#include "proc/link_tls.h"
#include "proc/pki_files.h"
#include "record/crypto/authority.h"

#include "base/text.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY (INT64_C(86400) * TIME_SECOND)
#define NOW (INT64_C(1764000000) * TIME_SECOND)

static tq_time present;
static char folder[] = "/tmp/tq-link-tls-XXXXXX";
static int data = -1;
static struct authority *ours;
static struct authority *others;

static tq_time clock_of_test(void)
{
    return present;
}

static void write_file(const char *path, struct span bytes)
{
    int fd = openat(data, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.p, bytes.n), (ssize_t)bytes.n);
    (void)close(fd);
}

/* Key and chain of a certificate, in one text. */
static void make(const struct authority *a, const char *name, const char *uri, tq_time now, bool client, struct buf *out)
{
    struct error e = {0};
    struct buf key = BUF_SECRET(CERTIFICATE_PEM);
    struct buf chain = BUF_INIT(CERTIFICATE_PEM);
    const char *names[] = {name};
    struct authority_terms t = {.names = names, .n = 1, .uri = uri, .client = client, .now = now, .days = 90};
    assert_int_equal(authority_make(a, &t, &key, &chain, &e), 0);
    buf_add_span(out, buf_span(&key));
    buf_add_span(out, buf_span(&chain));
    buf_release(&key);
    buf_release(&chain);
}

static int begin(void **state)
{
    (void)state;
    struct error e = {0};
    assert_non_null(mkdtemp(folder));
    data = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(data, PKI_FOLDER, 0700), 0);
    assert_int_equal(mkdirat(data, PKI_LINKS, 0700), 0);
    ours = authority_new_links("main-street", NULL, 0, NOW, &e);
    others = authority_new_links("elsewhere", NULL, 0, NOW, &e);
    assert_non_null(ours);
    assert_non_null(others);
    struct buf pem = BUF_INIT(CERTIFICATE_PEM);
    assert_int_equal(authority_certificate_pem(ours, &pem, &e), 0);
    write_file(PKI_AUTHORITY, buf_span(&pem));
    buf_clear(&pem);
    make(ours, "relay.example", "tourniquet:link/chem/ours", NOW, true, &pem);
    write_file("links/chem.lis.pem", buf_span(&pem));
    write_file("links/chem.analyzer.pem", buf_span(&pem));
    buf_release(&pem);
    return 0;
}

static int end(void **state)
{
    (void)state;
    authority_free(ours);
    authority_free(others);
    (void)close(data);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static struct link_tls *open_side(const struct link_tls_terms *t)
{
    struct error e = {0};
    struct buf packed = BUF_SECRET(LINK_TLS_PACKED);
    assert_int_equal(link_tls_pack(data, t, &packed, &e), 0);
    struct link_tls *tls = link_tls_open(buf_span(&packed), clock_of_test, &e);
    buf_release(&packed);
    assert_non_null(tls);
    return tls;
}

/* A peer of our own making: pem is its key and chain, "" none. */
static SSL_CTX *peer_context(bool server, const char *pem, int newest)
{
    SSL_CTX *c = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    SSL_CTX_set_verify(c, server ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    (void)SSL_CTX_set_max_proto_version(c, newest);
    if (pem[0] == 0)
        return c;
    BIO *in = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    BIO_free(in);
    in = BIO_new_mem_buf(pem, -1);
    X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    assert_int_equal(SSL_CTX_use_certificate(c, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(c, key), 1);
    X509_free(x);
    EVP_PKEY_free(key);
    return c;
}

static int take_any(X509_STORE_CTX *ctx, void *context)
{
    (void)context;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

struct pair {
    SSL *ours;
    SSL *theirs;
};

static struct pair connect_pair(const struct link_tls *tls, const char *pem, int newest)
{
    bool dials = link_tls_terms(tls)->dials;
    SSL_CTX *c = peer_context(dials, pem, newest);
    SSL_CTX_set_cert_verify_callback(c, take_any, NULL);
    struct pair p = {SSL_new(link_tls_context(tls)), SSL_new(c)};
    SSL_CTX_free(c);
    BIO *a = NULL;
    BIO *b = NULL;
    assert_int_equal(BIO_new_bio_pair(&a, 65536, &b, 65536), 1);
    SSL_set_bio(p.ours, a, a);
    SSL_set_bio(p.theirs, b, b);
    if (dials) {
        SSL_set_connect_state(p.ours);
        SSL_set_accept_state(p.theirs);
    } else {
        SSL_set_accept_state(p.ours);
        SSL_set_connect_state(p.theirs);
    }
    return p;
}

static void pair_free(struct pair *p)
{
    SSL_free(p->ours);
    SSL_free(p->theirs);
}

static struct link_tls_peer shake(struct pair *p)
{
    struct link_tls_peer peer;
    for (int i = 0; i < 8; i++) {
        (void)SSL_do_handshake(p->theirs);
        ERR_clear_error();
        int r = SSL_do_handshake(p->ours);
        if (r == 0 || (r < 0 && SSL_get_error(p->ours, r) != SSL_ERROR_WANT_READ))
            break;
        ERR_clear_error();
    }
    link_tls_peer(p->ours, &peer);
    ERR_clear_error();
    return peer;
}

static void expect(const struct link_tls_terms *t, const char *pem, bool good, const char *why)
{
    struct link_tls *tls = open_side(t);
    struct pair p = connect_pair(tls, pem, TLS1_3_VERSION);
    struct link_tls_peer peer = shake(&p);
    if (peer.good != good || strstr(peer.why, why) == NULL)
        fail_msg("good %d, why: %s (expected %d: %s)", peer.good, peer.why, good, why);
    if (good)
        assert_string_equal(peer.version, "1.3");
    pair_free(&p);
    link_tls_free(tls);
}

static const char *text_of(struct buf *b)
{
    return buf_text(b);
}

#define LIS_URI "tourniquet:link/chem/lis"

static const struct link_tls_terms to_lis = {.link = "chem", .side = LINK_TLS_LIS, .dials = true, .host = "lis.example"};
static const struct link_tls_terms from_analyzer = {.link = "chem", .side = LINK_TLS_ANALYZER};

static void judges_a_lis(void **state)
{
    (void)state;
    struct buf pem = BUF_SECRET(CERTIFICATE_PEM);
    present = NOW;
    make(ours, "lis.example", LIS_URI, NOW, true, &pem);
    expect(&to_lis, text_of(&pem), true, "");
    present = NOW + 91 * DAY;
    expect(&to_lis, text_of(&pem), false, "ended on 2026-02-22");
    present = NOW - 2 * DAY;
    expect(&to_lis, text_of(&pem), false, "is a clock wrong?");
    present = NOW;

    buf_clear(&pem);
    make(ours, "other.example", LIS_URI, NOW, true, &pem);
    expect(&to_lis, text_of(&pem), false, "another name than lis.example");
    buf_clear(&pem);
    make(ours, "lis.example", "tourniquet:link/haem/lis", NOW, true, &pem);
    expect(&to_lis, text_of(&pem), false, "made for another link");
    buf_clear(&pem);
    make(ours, "lis.example", NULL, NOW, true, &pem);
    expect(&to_lis, text_of(&pem), false, "made for another link");
    buf_clear(&pem);
    make(others, "lis.example", LIS_URI, NOW, true, &pem);
    expect(&to_lis, text_of(&pem), false, "another authority");
    buf_release(&pem);
}

static void self_signed(struct buf *out, uint8_t pin[32])
{
    struct error e = {0};
    struct certificate c;
    struct authority *a = authority_new("lis", NOW, &e);
    assert_int_equal(authority_key_pem(a, out, &e), 0);
    size_t at = out->n;
    assert_int_equal(authority_certificate_pem(a, out, &e), 0);
    assert_int_equal(certificate_read(span_of(out->p + at, out->n - at), &c, &e), 0);
    memcpy(pin, c.pin, 32);
    authority_free(a);
}

static void pins_and_outside_authorities(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf pem = BUF_SECRET(CERTIFICATE_PEM);
    struct buf authority = BUF_INIT(CERTIFICATE_PEM);
    uint8_t pin[32];
    present = NOW;
    self_signed(&pem, pin);
    expect(&to_lis, text_of(&pem), false, "signed by itself");
    struct link_tls_terms t = to_lis;
    t.pins_n = 2;
    memset(t.pins[0], 7, 32);
    expect(&t, text_of(&pem), false, "pins");
    memcpy(t.pins[1], pin, 32);
    expect(&t, text_of(&pem), true, "");
    present = NOW + 4000 * DAY; /* a pin does not lengthen a life */
    expect(&t, text_of(&pem), false, "ended on");
    present = NOW;

    t = to_lis;
    assert_int_equal(authority_certificate_pem(others, &authority, &e), 0);
    t.authority = buf_span(&authority);
    buf_clear(&pem);
    make(others, "lis.example", NULL, NOW, true, &pem);
    expect(&t, text_of(&pem), true, "");
    t.pins_n = 1; /* with an authority both must hold */
    expect(&t, text_of(&pem), false, "pins");
    t.pins_n = 0;
    buf_clear(&pem);
    make(ours, "lis.example", LIS_URI, NOW, true, &pem);
    expect(&t, text_of(&pem), false, "another authority");
    buf_release(&pem);
    buf_release(&authority);
}

static void judges_an_analyzer(void **state)
{
    (void)state;
    struct buf pem = BUF_SECRET(CERTIFICATE_PEM);
    present = NOW;
    make(ours, "10.0.5.9", "tourniquet:link/chem/analyzer", NOW, true, &pem);
    expect(&from_analyzer, text_of(&pem), true, "");
    expect(&from_analyzer, "", false, "showed no certificate");
    struct link_tls_terms t = from_analyzer;
    t.optional = true;
    expect(&t, "", true, "");
    buf_clear(&pem);
    make(ours, "10.0.5.9", LIS_URI, NOW, true, &pem);
    expect(&t, text_of(&pem), false, "other side"); /* shown, so it must hold */
    buf_clear(&pem);
    make(ours, "10.0.5.9", "tourniquet:link/chem/analyzer", NOW, false, &pem);
    expect(&from_analyzer, text_of(&pem), false, "not made for TLS clients");
    buf_release(&pem);
}

static void old_versions(void **state)
{
    (void)state;
    struct buf pem = BUF_SECRET(CERTIFICATE_PEM);
    struct link_tls_terms t = from_analyzer;
    present = NOW;
    make(ours, "10.0.5.9", "tourniquet:link/chem/analyzer", NOW, true, &pem);
    struct link_tls *tls = open_side(&t);
    struct pair p = connect_pair(tls, text_of(&pem), TLS1_2_VERSION);
    struct link_tls_peer peer = shake(&p);
    assert_false(peer.good);
    assert_string_equal(peer.why, "it speaks another version of TLS than this link takes (1.3)");
    assert_int_equal(peer.reason, LINK_TLS_OLD);
    pair_free(&p);
    link_tls_free(tls);
    t.tls12 = true;
    tls = open_side(&t);
    p = connect_pair(tls, text_of(&pem), TLS1_2_VERSION);
    peer = shake(&p);
    assert_true(peer.good);
    assert_string_equal(peer.version, "1.2");
    pair_free(&p);
    p = connect_pair(tls, text_of(&pem), TLS1_1_VERSION);
    SSL_set_security_level(p.theirs, 0);
    peer = shake(&p);
    assert_false(peer.good);
    pair_free(&p);
    link_tls_free(tls);
    buf_release(&pem);
}

/* Revoked: refused from the next handshake on; what runs is known to be cut. A connection outlives the keys that it began with. */
static void revocation_and_renewal(void **state)
{
    (void)state;
    struct buf pem = BUF_SECRET(CERTIFICATE_PEM);
    present = NOW;
    make(ours, "lis.example", LIS_URI, NOW, true, &pem);
    struct link_tls *before = open_side(&to_lis);
    struct pair p = connect_pair(before, text_of(&pem), TLS1_3_VERSION);
    struct link_tls_peer peer = shake(&p);
    assert_true(peer.good && peer.own);
    assert_false(link_tls_revokes(before, p.ours));

    char line[66];
    text_hex_to(line, peer.fingerprint, 32);
    line[64] = '\n';
    write_file(PKI_REVOKED, span_of(line, 65));
    struct link_tls *after = open_side(&to_lis);
    link_tls_free(before);
    assert_true(link_tls_revokes(after, p.ours));
    char got[8] = "";
    (void)SSL_do_handshake(p.theirs);
    assert_int_equal(SSL_write(p.ours, "result", 6), 6);
    assert_int_equal(SSL_read(p.theirs, got, sizeof got), 6);
    assert_memory_equal(got, "result", 6);
    pair_free(&p);
    p = connect_pair(after, text_of(&pem), TLS1_3_VERSION);
    peer = shake(&p);
    assert_false(peer.good);
    assert_string_equal(peer.why, "its certificate is revoked");
    pair_free(&p);
    link_tls_free(after);
    assert_int_equal(unlinkat(data, PKI_REVOKED, 0), 0);
    buf_release(&pem);
}

static void what_is_kept_is_checked(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf packed = BUF_SECRET(LINK_TLS_PACKED);
    struct link_tls_terms t = to_lis;
    (void)snprintf(t.link, sizeof t.link, "none");
    assert_int_equal(link_tls_pack(data, &t, &packed, &e), -1);
    assert_int_equal(e.class, ERR_AGAIN);
    write_file(PKI_REVOKED, SPAN_LIT("no fingerprint\n"));
    buf_clear(&packed);
    assert_int_equal(link_tls_pack(data, &to_lis, &packed, &e), -1);
    assert_int_equal(e.class, ERR_CORRUPT);
    assert_int_equal(unlinkat(data, PKI_REVOKED, 0), 0);
    buf_clear(&packed);
    assert_int_equal(link_tls_pack(data, &to_lis, &packed, &e), 0);
    for (size_t n = 0; n < packed.n; n += n < 200 ? 1 : 37) {
        assert_null(link_tls_open(span_of(packed.p, n), clock_of_test, &e));
        assert_int_equal(e.class, ERR_CORRUPT);
    }
    buf_release(&packed);
}

/* What has to be done about a refusal goes by its reason, and a pin that does not hold is named. */
static void reasons(void **state)
{
    (void)state;
    struct buf pem = BUF_SECRET(CERTIFICATE_PEM);
    struct buf shown = BUF_INIT(64);
    uint8_t pin[32];
    present = NOW;
    self_signed(&pem, pin);
    struct link_tls_terms t = to_lis;
    t.pins_n = 1;
    struct link_tls *tls = open_side(&t);
    struct pair p = connect_pair(tls, text_of(&pem), TLS1_3_VERSION);
    struct link_tls_peer peer = shake(&p);
    const char *digest = strstr(peer.why, "pins, but sha256/");
    assert_int_equal(peer.reason, LINK_TLS_PINNED);
    assert_non_null(digest);
    assert_true(text_unbase64(span_str(digest + 17), &shown));
    assert_int_equal(shown.n, 32);
    assert_memory_equal(shown.p, pin, 32);
    pair_free(&p);
    memcpy(t.pins[0], pin, 32);
    link_tls_free(tls);
    tls = open_side(&t);
    present = NOW + 4000 * DAY;
    p = connect_pair(tls, text_of(&pem), TLS1_3_VERSION);
    peer = shake(&p);
    assert_int_equal(peer.reason, LINK_TLS_DATES);
    pair_free(&p);
    present = NOW;
    /* it went well, and breaks: the next record is none */
    p = connect_pair(tls, text_of(&pem), TLS1_3_VERSION);
    peer = shake(&p);
    assert_true(peer.good);
    static const uint8_t broken[] = "\x17\x03\x03\x00\x20 this is no record of this TLS at all";
    char got[8];
    assert_int_equal(BIO_write(SSL_get_wbio(p.theirs), broken, sizeof broken - 1), sizeof broken - 1);
    ERR_clear_error();
    assert_int_equal(SSL_read(p.ours, got, sizeof got), -1);
    link_tls_broke(p.ours, &peer);
    assert_false(peer.good);
    assert_string_equal(peer.why, "what was sent was changed or damaged on the way");
    ERR_clear_error();
    pair_free(&p);
    link_tls_free(tls);
    buf_release(&shown);
    buf_release(&pem);
}

static void reads_pins(void **state)
{
    (void)state;
    uint8_t pin[32];
    assert_true(link_tls_pin(SPAN_LIT("sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), pin));
    assert_int_equal(pin[31], 31);
    assert_true(link_tls_pin(SPAN_LIT("sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"), pin));
    assert_true(link_tls_pin(SPAN_LIT("00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F"), pin));
    assert_int_equal(pin[16], 16);
    assert_false(link_tls_pin(SPAN_LIT("sha256/AAEC"), pin));
    assert_false(link_tls_pin(SPAN_LIT(""), pin));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_a_lis),
        cmocka_unit_test(pins_and_outside_authorities),
        cmocka_unit_test(judges_an_analyzer),
        cmocka_unit_test(old_versions),
        cmocka_unit_test(revocation_and_renewal),
        cmocka_unit_test(what_is_kept_is_checked),
        cmocka_unit_test(reasons),
        cmocka_unit_test(reads_pins),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
