/* TLS on either side of a link: mutual, told by the first byte, broken, cut. */
#include "relay_bed.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <signal.h>

#define MSG(id) "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|" id "|P|2.5.1\rOBX|1|NM|2345-7^G||5\r\x1c\r"
#define ACK(code, id) "\x0bMSH|^~\\&|LIS|H|LAB|WARD|20260101||ACK^R01|A" id "|P|2.5.1\rMSA|" code "|" id "\r\x1c\r"

static struct bed bed;
static EVP_PKEY *authority_key;
static X509 *authority;

static X509 *certificate(const char *name, EVP_PKEY *key, int seconds)
{
    X509 *x = X509_new();
    assert_int_equal(X509_set_version(x, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 7), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -100);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), seconds);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0), 1);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    X509 *issuer = authority != NULL ? authority : x;
    assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(issuer)), 1);
    if (authority == NULL) {
        X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
        assert_int_equal(X509_add_ext(x, ca, -1), 1);
        X509_EXTENSION_free(ca);
    }
    assert_true(X509_sign(x, authority != NULL ? authority_key : key, EVP_sha256()) > 0);
    return x;
}

/* A context with a certificate of the authority, good for so many seconds; it asks for one of the same. */
static SSL_CTX *context(const char *name, int seconds)
{
    SSL_CTX *c = SSL_CTX_new(TLS_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = certificate(name, key, seconds);
    assert_int_equal(SSL_CTX_use_certificate(c, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(c, key), 1);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(c), authority), 1);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    assert_int_equal(SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION), 1);
    X509_free(x);
    EVP_PKEY_free(key);
    return c;
}

static int set_up(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    authority_key = EVP_EC_gen("P-256");
    authority = certificate("authority", authority_key, 1000);
    return 0;
}

static int take_down(void **state)
{
    (void)state;
    X509_free(authority);
    EVP_PKEY_free(authority_key);
    return 0;
}

/* A peer that speaks TLS on its end. */
static SSL *peer(SSL_CTX *c, int fd, bool client)
{
    SSL *ssl = SSL_new(c);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    if (client)
        SSL_set_connect_state(ssl);
    else
        SSL_set_accept_state(ssl);
    return ssl;
}

/* Both go on till the handshake is over. False: it failed. */
static bool shake(SSL *ssl)
{
    for (int i = 0; i < 20; i++) {
        ERR_clear_error();
        int n = SSL_do_handshake(ssl);
        if (n == 1) {
            bed_run(&bed);
            return true;
        }
        if (SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ)
            return false;
        bed_run(&bed);
    }
    return false;
}

static void say(SSL *ssl, const char *text)
{
    assert_int_equal(SSL_write(ssl, text, (int)strlen(text)), (int)strlen(text));
    bed_run(&bed);
}

static const char *heard(SSL *ssl)
{
    static char text[65536];
    ERR_clear_error();
    int n = SSL_read(ssl, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static bool over(SSL *ssl)
{
    char one;
    ERR_clear_error();
    int n = SSL_read(ssl, &one, 1);
    int e = SSL_get_error(ssl, n);
    return n <= 0 && e != SSL_ERROR_WANT_READ;
}

static struct relay_status status_of(struct bed *b)
{
    struct relay_status s;
    relay_status(b->link, b->now, &s);
    return s;
}

static void both_sides(void **state)
{
    (void)state;
    SSL_CTX *ours = context("relay", 1000);
    SSL_CTX *theirs = context("peer", 1000);
    struct relay_link_options o = bed_options();
    for (int i = 0; i < 2; i++) {
        o.side[i].tls = RELAY_TLS_REQUIRED;
        o.side[i].context = ours;
    }
    bed_start(&bed);
    bed_link(&bed, &o);
    int look = bed_connect(&bed, RELAY_ANALYZER); /* whether somebody listens: nothing to tell */
    (void)close(look);
    bed_run(&bed);
    assert_int_equal(bed.events[RELAY_EVENT_TLS_FAILED], 0);
    look = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, look, "\x16\x03\x01");
    (void)close(look);
    bed_run(&bed);
    assert_int_equal(bed.events[RELAY_EVENT_TLS_FAILED], 1);
    assert_string_equal(bed.text[RELAY_EVENT_TLS_FAILED], "TLS: the peer closed the connection");
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SSL *analyzer = peer(theirs, fd, true);
    assert_true(shake(analyzer)); /* only then is the LIS called */
    assert_true(bed.lis >= 0);
    SSL *lis = peer(theirs, bed.lis, false);
    assert_true(shake(lis));
    for (int i = 0; i < 5; i++) {
        say(analyzer, MSG("1") MSG("2"));
        assert_string_equal(heard(lis), MSG("1") MSG("2"));
        say(lis, ACK("AA", "1"));
        assert_string_equal(heard(analyzer), ACK("AA", "1"));
    }
    /* more than one record of TLS, in one go */
    static char large[50000] = "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|8|P|2.5.1\rNTE|1||";
    memset(large + strlen(large), 'x', sizeof large - strlen(large) - 4);
    memcpy(large + sizeof large - 4, "\r\x1c\r", 4);
    say(analyzer, large);
    size_t n = 0;
    for (int i = 0; i < 20 && n < sizeof large - 1; i++) {
        n += strlen(heard(lis));
        bed_run(&bed);
    }
    assert_int_equal(n, sizeof large - 1);
    assert_string_equal(status_of(&bed).side[RELAY_LIS].tls_version, "TLSv1.3");
    assert_int_equal(bed.opened, 2);
    (void)SSL_shutdown(analyzer);
    (void)close(fd);
    bed_run(&bed);
    assert_true(over(lis));
    SSL_free(analyzer);
    SSL_free(lis);
    bed_stop(&bed);
    SSL_CTX_free(ours);
    SSL_CTX_free(theirs);
}

/* Optional toward the analyzer: its first byte says which it is. */
static void first_byte(void **state)
{
    (void)state;
    SSL_CTX *ours = context("relay", 1000);
    SSL_CTX *theirs = context("peer", 1000);
    struct relay_link_options o = bed_options();
    o.side[RELAY_ANALYZER].tls = RELAY_TLS_OPTIONAL;
    o.side[RELAY_ANALYZER].context = ours;
    bed_start(&bed);
    bed_link(&bed, &o);
    int clear = bed_connect(&bed, RELAY_ANALYZER);
    bed_pass(&bed, 3600 * SECOND, 60 * SECOND); /* it may be silent for long */
    SEND(&bed, clear, MSG("1"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    assert_int_equal(bed.events[RELAY_EVENT_TLS_CLEAR], 1);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SSL *analyzer = peer(theirs, fd, true);
    assert_true(shake(analyzer));
    say(analyzer, MSG("2"));
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    SEND(&bed, bed.lis, ACK("AA", "2"));
    assert_string_equal(heard(analyzer), ACK("AA", "2"));
    SSL_free(analyzer);
    (void)close(fd);
    (void)close(clear);
    bed_stop(&bed);
    SSL_CTX_free(ours);
    SSL_CTX_free(theirs);
}

static void certificates_that_fail(void **state)
{
    (void)state;
    SSL_CTX *ours = context("relay", 1000);
    SSL_CTX *expired = context("peer", -10);
    struct relay_link_options o = bed_options();
    o.side[RELAY_LIS].tls = RELAY_TLS_REQUIRED;
    o.side[RELAY_LIS].context = ours;
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SSL *lis = peer(expired, bed.lis, false);
    (void)shake(lis);
    bed_run(&bed);
    assert_int_equal(bed.events[RELAY_EVENT_TLS_FAILED], 1);
    assert_string_equal(bed.text[RELAY_EVENT_TLS_FAILED], "TLS: certificate has expired");
    assert_int_equal(bed.events[RELAY_EVENT_DOWN], 1);
    assert_int_equal(status_of(&bed).state, RELAY_STATE_DOWN);
    assert_string_equal(bed_got(fd), "<end>");
    assert_int_equal(bed.opened, 1); /* the analyzer's alone */
    SSL_free(lis);
    (void)close(fd);
    /* a LIS that has no TLS at all, and one that says nothing */
    fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, bed.lis, MSG("1"));
    assert_string_equal(bed_got(fd), "<end>");
    (void)close(fd);
    fd = bed_connect(&bed, RELAY_ANALYZER);
    bed_pass(&bed, 11 * SECOND, SECOND);
    assert_string_equal(bed_got(fd), "<end>");
    assert_string_equal(status_of(&bed).side[RELAY_LIS].why, "TLS: the peer does not finish the handshake");
    (void)close(fd);
    bed_stop(&bed);
    SSL_CTX_free(ours);
    SSL_CTX_free(expired);
}

/* Optional toward the LIS: clear where it has none; but a certificate that does not hold is no reason for clear text. */
static void optional_toward_lis(void **state)
{
    (void)state;
    SSL_CTX *ours = context("relay", 1000);
    SSL_CTX *expired = context("peer", -10);
    struct relay_link_options o = bed_options();
    o.side[RELAY_LIS].tls = RELAY_TLS_OPTIONAL;
    o.side[RELAY_LIS].context = ours;
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    unsigned dials = bed.dials;
    bed_pass(&bed, 11 * SECOND, SECOND); /* it does not know what to make of TLS, and is silent */
    assert_int_equal(bed.dials, dials + 1);
    SEND(&bed, fd, MSG("1"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    assert_int_equal(bed.events[RELAY_EVENT_TLS_CLEAR], 1);
    (void)close(fd);
    bed_run(&bed);
    fd = bed_connect(&bed, RELAY_ANALYZER);
    SSL *lis = peer(expired, bed.lis, false);
    dials = bed.dials;
    (void)shake(lis);
    bed_run(&bed);
    assert_int_equal(bed.dials, dials);
    assert_string_equal(bed_got(fd), "<end>");
    SSL_free(lis);
    (void)close(fd);
    bed_stop(&bed);
    SSL_CTX_free(ours);
    SSL_CTX_free(expired);
}

static void broken_in_the_middle(void **state)
{
    (void)state;
    SSL_CTX *ours = context("relay", 1000);
    SSL_CTX *theirs = context("peer", 1000);
    struct relay_link_options o = bed_options();
    o.side[RELAY_LIS].tls = RELAY_TLS_REQUIRED;
    o.side[RELAY_LIS].context = ours;
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SSL *lis = peer(theirs, bed.lis, false);
    assert_true(shake(lis));
    SEND(&bed, fd, MSG("1"));
    SEND(&bed, bed.lis, "\x17\x03\x03\x00\x20 this is no record of this TLS at all");
    assert_string_equal(bed_got(fd), "<end>");
    assert_int_equal(bed.events[RELAY_EVENT_DOWN], 1);
    assert_int_equal(bed.events[RELAY_EVENT_TLS_FAILED], 1);
    assert_int_equal(strncmp(status_of(&bed).side[RELAY_LIS].why, "TLS: ", 5), 0);
    SSL_free(lis);
    (void)close(fd);
    bed_pass(&bed, 6 * SECOND, SECOND);
    fd = bed_connect(&bed, RELAY_ANALYZER);
    lis = peer(theirs, bed.lis, false);
    assert_true(shake(lis));
    (void)close(bed.lis); /* without a word in TLS, as many end */
    bed.lis = -1;
    bed_run(&bed);
    assert_string_equal(bed_got(fd), "<end>");
    assert_int_equal(bed.events[RELAY_EVENT_TLS_FAILED], 1);
    SSL_free(lis);
    (void)close(fd);
    bed_stop(&bed);
    SSL_CTX_free(ours);
    SSL_CTX_free(theirs);
}

static bool is_peer(void *context, const SSL *ssl)
{
    X509 *x = SSL_get0_peer_certificate(ssl);
    char name[64] = "";
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof name);
    return strcmp(name, context) == 0;
}

/* Revocation cuts what runs; a new context serves new connections, and the old ones live on. */
static void cut_and_rotated(void **state)
{
    (void)state;
    SSL_CTX *ours = context("relay", 1000);
    SSL_CTX *theirs = context("peer", 1000);
    SSL_CTX *others = context("other", 1000);
    SSL_CTX *newer = context("relay-2", 1000);
    struct relay_link_options o = bed_options();
    o.side[RELAY_ANALYZER].tls = RELAY_TLS_REQUIRED;
    o.side[RELAY_ANALYZER].context = ours;
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd[3];
    SSL *ssl[3];
    SSL_CTX *contexts[3] = {theirs, others, others};
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            relay_set_tls(bed.link, RELAY_ANALYZER, newer);
        fd[i] = bed_connect(&bed, RELAY_ANALYZER);
        ssl[i] = peer(contexts[i], fd[i], true);
        assert_true(shake(ssl[i]));
    }
    char name[64];
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl[2])), NID_commonName, name, sizeof name);
    assert_string_equal(name, "relay-2");
    char gone[] = "peer";
    assert_int_equal(relay_cut_peer(bed.link, RELAY_ANALYZER, is_peer, gone), 1);
    bed_run(&bed);
    assert_true(over(ssl[0]));
    say(ssl[1], MSG("1"));
    assert_string_equal(bed_got(bed.old[1]), MSG("1"));
    say(ssl[2], MSG("2"));
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    for (int i = 0; i < 3; i++) {
        SSL_free(ssl[i]);
        (void)close(fd[i]);
    }
    bed_stop(&bed);
    SSL_CTX_free(ours);
    SSL_CTX_free(theirs);
    SSL_CTX_free(others);
    SSL_CTX_free(newer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides),          cmocka_unit_test(first_byte),           cmocka_unit_test(certificates_that_fail),
        cmocka_unit_test(optional_toward_lis), cmocka_unit_test(broken_in_the_middle), cmocka_unit_test(cut_and_rotated),
    };
    return cmocka_run_group_tests(tests, set_up, take_down);
}
