#include "proc/link_tls_private.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>

/* What a context judges with. It lives as long as the context, which lives as long as a connection under it. */
struct judge {
    struct link_tls_terms terms;
    tq_time (*clock)(void);
    bool outside; /* an authority of others */
    char uri[CERTIFICATE_NAME];
    size_t revoked_n;
    uint8_t (*revoked)[32]; /* sorted */
};

struct link_tls {
    SSL_CTX *context;
    struct judge *judge; /* the context's */
};

/* Why a peer was refused, beyond OpenSSL's own reasons. */
enum { WHY_CHAIN, WHY_PIN, WHY_LINK, WHY_REVOKED };

/* What a connection showed; the connection's own. */
struct seen {
    X509 *leaf;
    int why;
    int error; /* X509_V_… */
    bool own;
    bool good;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int judge_index = -1; /* of an SSL_CTX */
static int seen_index = -1;  /* of an SSL */

static void free_judge(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long l, void *context)
{
    (void)parent, (void)data, (void)index, (void)l, (void)context;
    struct judge *j = p;
    if (j == NULL)
        return;
    free(j->revoked);
    free(j);
}

static void free_seen(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long l, void *context)
{
    (void)parent, (void)data, (void)index, (void)l, (void)context;
    struct seen *s = p;
    if (s == NULL)
        return;
    X509_free(s->leaf);
    free(s);
}

static void make_indices(void)
{
    judge_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_judge);
    seen_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_seen);
}

/* ── judging a peer ── */

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

static bool is_revoked(const struct judge *j, const X509 *x)
{
    uint8_t print[EVP_MAX_MD_SIZE];
    unsigned n = sizeof print;
    return X509_digest(x, EVP_sha256(), print, &n) != 1 || (j->revoked_n > 0 && bsearch(print, j->revoked, j->revoked_n, 32, by_bytes) != NULL);
}

static bool any_revoked(const struct judge *j, const STACK_OF(X509) * chain)
{
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (is_revoked(j, sk_X509_value(chain, i)))
            return true;
    return false;
}

static bool is_pinned(const struct judge *j, const struct certificate *c)
{
    for (size_t i = 0; i < j->terms.pins_n; i++)
        if (memcmp(j->terms.pins[i], c->pin, 32) == 0)
            return true;
    return false;
}

/* A pin without an authority stands in for chain and name; the dates hold as ever. */
static int judge_pinned(const struct judge *j, const struct certificate *c)
{
    tq_time now = j->clock();
    return now < c->not_before ? X509_V_ERR_CERT_NOT_YET_VALID : now > c->not_after ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_OK;
}

static void judge_peer(const struct judge *j, X509_STORE_CTX *ctx, struct seen *s)
{
    struct certificate c;
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
    X509_STORE_CTX_set_time(ctx, 0, (time_t)(j->clock() / TIME_SECOND));
    bool chained = X509_verify_cert(ctx) > 0;
    s->error = chained ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    if (s->error == X509_V_OK && !chained)
        s->error = X509_V_ERR_UNSPECIFIED;
    s->own = chained && !j->outside;
    if (!certificate_of(leaf, &c)) {
        s->error = X509_V_ERR_UNSPECIFIED;
    } else if (is_revoked(j, leaf) || any_revoked(j, X509_STORE_CTX_get0_chain(ctx))) {
        s->why = WHY_REVOKED;
        s->error = X509_V_ERR_CERT_REVOKED;
    } else if (j->terms.pins_n > 0 && !is_pinned(j, &c)) {
        s->why = WHY_PIN;
        s->error = X509_V_ERR_APPLICATION_VERIFICATION;
    } else if (j->terms.pins_n > 0 && !j->outside) {
        s->error = judge_pinned(j, &c);
    } else if (s->own && strcmp(c.uri, j->uri) != 0) {
        s->why = WHY_LINK;
        s->error = X509_V_ERR_APPLICATION_VERIFICATION;
    }
    s->good = s->error == X509_V_OK;
}

static int verify(X509_STORE_CTX *ctx, void *context)
{
    (void)context;
    SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct judge *j = ssl == NULL ? NULL : SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), judge_index);
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
    struct seen *s = calloc(1, sizeof *s);
    if (s == NULL || j == NULL || leaf == NULL || X509_up_ref(leaf) != 1) {
        free(s);
        X509_STORE_CTX_set_error(ctx, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    s->leaf = leaf;
    judge_peer(j, ctx, s);
    bool good = s->good;
    int error = s->error;
    free_seen(NULL, SSL_get_ex_data(ssl, seen_index), NULL, 0, 0, NULL);
    if (SSL_set_ex_data(ssl, seen_index, s) != 1) {
        free_seen(NULL, s, NULL, 0, 0, NULL);
        good = false;
        error = X509_V_ERR_OUT_OF_MEM;
    }
    X509_STORE_CTX_set_error(ctx, error);
    return good;
}

/* ── making a context ── */

/* The name that is asked for goes out as soon as a handshake begins. */
static void name_server(const SSL *ssl, int where, int ret)
{
    (void)ret;
    const struct judge *j = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), judge_index);
    uint8_t address[16];
    if ((where & SSL_CB_HANDSHAKE_START) != 0 && j->terms.host[0] != 0 && inet_pton(AF_INET, j->terms.host, address) != 1 &&
        inet_pton(AF_INET6, j->terms.host, address) != 1)
        (void)SSL_ctrl((SSL *)(uintptr_t)ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)j->terms.host);
}

static bool load_own(SSL_CTX *tls, struct span pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "");
    BIO_free(bio);
    bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *own = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    bool ok = key != NULL && own != NULL && SSL_CTX_use_certificate(tls, own) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1 &&
              SSL_CTX_check_private_key(tls) == 1;
    X509_free(own);
    EVP_PKEY_free(key);
    for (X509 *next; ok && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;)
        if (SSL_CTX_add0_chain_cert(tls, next) != 1) {
            X509_free(next);
            ok = false;
        }
    BIO_free(bio);
    ERR_clear_error(); /* the end of the text counts as an error there */
    return ok;
}

static bool load_authorities(SSL_CTX *tls, struct span pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(tls);
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    int n = 0;
    bool ok = bio != NULL && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
    for (X509 *x; ok && n < 64 && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; n++) {
        ok = X509_STORE_add_cert(store, x) == 1 && SSL_CTX_add_client_CA(tls, x) == 1;
        X509_free(x);
    }
    BIO_free(bio);
    ERR_clear_error();
    return ok && n > 0;
}

static bool set_terms(SSL_CTX *tls, const struct judge *j)
{
    const struct link_tls_terms *t = &j->terms;
    uint8_t address[16];
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(tls);
    SSL_CTX_set_security_level(tls, 2);
    bool ok = SSL_CTX_set_min_proto_version(tls, t->tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
              SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
              SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1 &&
              SSL_CTX_set_num_tickets(tls, 0) == 1;
    (void)SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | (t->optional ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT), NULL);
    SSL_CTX_set_verify_depth(tls, 4);
    SSL_CTX_set_cert_verify_callback(tls, verify, NULL);
    if (!t->dials)
        return ok;
    SSL_CTX_set_info_callback(tls, name_server);
    bool is_address = inet_pton(AF_INET, t->host, address) == 1 || inet_pton(AF_INET6, t->host, address) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return ok &&
           (t->host[0] == 0 || (is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, t->host) : X509_VERIFY_PARAM_set1_host(param, t->host, 0)) == 1);
}

static bool take_text(struct span *s, char *out, size_t size)
{
    struct span text = span_take(s, span_be16(s));
    if (text.n >= size || memchr(text.p, 0, text.n) != NULL)
        return false;
    memcpy(out, text.p, text.n);
    out[text.n] = 0;
    return !s->bad;
}

/* Reads the head and what is revoked; key, chain and authorities are left to the caller. */
static bool unpack(struct span s, struct judge *j, struct span *ret_own, struct span *ret_authorities)
{
    struct link_tls_terms *t = &j->terms;
    bool version = span_u8(&s) == LINK_TLS_VERSION;
    t->side = span_u8(&s) == LINK_TLS_ANALYZER ? LINK_TLS_ANALYZER : LINK_TLS_LIS;
    uint8_t flags = span_u8(&s);
    t->dials = (flags & PACKED_DIALS) != 0;
    t->optional = (flags & PACKED_OPTIONAL) != 0;
    t->tls12 = (flags & PACKED_TLS12) != 0;
    j->outside = (flags & PACKED_OUTSIDE) != 0;
    if (!version || !take_text(&s, t->link, sizeof t->link) || !take_text(&s, t->host, sizeof t->host))
        return false;
    t->pins_n = span_u8(&s);
    for (size_t i = 0; i < t->pins_n && i < LINK_TLS_PINS; i++)
        (void)span_copy(span_take(&s, 32), t->pins[i], 32);
    *ret_own = span_take(&s, span_be32(&s));
    *ret_authorities = span_take(&s, span_be32(&s));
    struct span revoked = span_take(&s, span_be32(&s));
    if (s.bad || s.n != 0 || t->pins_n > LINK_TLS_PINS || revoked.n % 32 != 0 || revoked.n / 32 > LINK_TLS_REVOKED || ret_own->n == 0)
        return false;
    j->revoked = revoked.n == 0 ? NULL : malloc(revoked.n);
    j->revoked_n = j->revoked == NULL ? 0 : revoked.n / 32;
    if (j->revoked != NULL) {
        memcpy(j->revoked, revoked.p, revoked.n);
        qsort(j->revoked, j->revoked_n, 32, by_bytes);
    }
    (void)snprintf(j->uri, sizeof j->uri, LINK_TLS_URI, t->link, link_tls_side_name(t->side));
    return revoked.n == 0 || j->revoked != NULL;
}

struct link_tls *link_tls_open(struct span packed, tq_time (*clock)(void), struct error *e)
{
    struct span own = {0};
    struct span authorities = {0};
    (void)pthread_once(&once, make_indices);
    struct link_tls *t = calloc(1, sizeof *t);
    struct judge *j = calloc(1, sizeof *j);
    const char *why = t == NULL || j == NULL || judge_index < 0 || seen_index < 0 ? "there is no memory" : NULL;
    if (why == NULL && !unpack(packed, j, &own, &authorities))
        why = "they are cut, or none";
    if (why == NULL && (t->context = SSL_CTX_new(j->terms.dials ? TLS_client_method() : TLS_server_method())) == NULL)
        why = "there is no memory";
    if (why == NULL && SSL_CTX_set_ex_data(t->context, judge_index, j) == 1) {
        j->clock = clock;
        t->judge = j;
        if (!set_terms(t->context, j))
            why = "there is no memory, or the host's name is none";
        else if (!load_own(t->context, own))
            why = "its own certificate and key are not readable, or do not go together";
        else if (!load_authorities(t->context, authorities))
            why = "the authority holds no certificate";
    } else if (why == NULL) {
        why = "there is no memory";
    }
    ERR_clear_error();
    if (why == NULL)
        return t;
    (void)err_set(e, ERR_CORRUPT, "the TLS keys of a link cannot be used: %s", why);
    if (t == NULL || t->judge == NULL)
        free_judge(NULL, j, NULL, 0, 0, NULL);
    link_tls_free(t);
    return NULL;
}

void link_tls_free(struct link_tls *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->context);
    free(t);
}

SSL_CTX *link_tls_context(const struct link_tls *t)
{
    return t->context;
}

const struct link_tls_terms *link_tls_terms(const struct link_tls *t)
{
    return &t->judge->terms;
}

/* ── what a handshake showed ── */

static void day_of(tq_time t, char out[TIME_TEXT])
{
    (void)time_format(t, out);
    out[10] = 0;
}

static const char *pin_of(const struct certificate *c, char out[46])
{
    (void)EVP_EncodeBlock((unsigned char *)out, c->pin, sizeof c->pin);
    return out;
}

static enum link_tls_reason reason_of(const struct seen *s)
{
    if (s->why == WHY_REVOKED)
        return LINK_TLS_REVOKED_NOW;
    if (s->why == WHY_PIN)
        return LINK_TLS_PINNED;
    if (s->why == WHY_LINK)
        return LINK_TLS_NAMED;
    switch (s->error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return LINK_TLS_DATES;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return LINK_TLS_NAMED;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: return LINK_TLS_FOREIGN;
    default: return LINK_TLS_FAILED;
    }
}

static void why_refused(const struct judge *j, const struct seen *s, const struct certificate *c, char out[200])
{
    char day[TIME_TEXT];
    char pin[46];
    if (s->why == WHY_REVOKED)
        (void)snprintf(out, 200, "its certificate is revoked");
    else if (s->why == WHY_PIN)
        (void)snprintf(out, 200, "its key is not the one that lab.yaml pins, but sha256/%s", pin_of(c, pin));
    else if (s->why == WHY_LINK)
        (void)snprintf(out, 200, "its certificate was made for another link, or for the other side");
    else if (s->error == X509_V_ERR_CERT_HAS_EXPIRED && s->leaf != NULL && j->clock() > c->not_after) {
        day_of(c->not_after, day);
        (void)snprintf(out, 200, "its certificate ended on %s", day);
    } else if (s->error == X509_V_ERR_CERT_NOT_YET_VALID && j->clock() < c->not_before) {
        day_of(c->not_before, day);
        (void)snprintf(out, 200, "its certificate begins on %s: is a clock wrong?", day);
    } else if (s->error == X509_V_ERR_HOSTNAME_MISMATCH || s->error == X509_V_ERR_IP_ADDRESS_MISMATCH)
        (void)snprintf(out, 200, "its certificate is for another name than %.100s", j->terms.host);
    else if (s->error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
        (void)snprintf(out, 200, "its certificate is signed by itself and not by the link's authority");
    else if (s->error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || s->error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
             s->error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN || s->error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT)
        (void)snprintf(out, 200, "its certificate is from another authority than the link's");
    else if (s->error == X509_V_ERR_CERT_SIGNATURE_FAILURE)
        (void)snprintf(out, 200, "its certificate is not signed by the authority that it names");
    else if (s->error == X509_V_ERR_INVALID_PURPOSE)
        (void)snprintf(out, 200, "its certificate is not made for TLS %s", j->terms.dials ? "servers" : "clients");
    else
        (void)snprintf(out, 200, "its certificate does not hold: %.100s", X509_verify_cert_error_string(s->error));
}

/* Why a handshake failed where the peer's certificate was not the reason, as far as OpenSSL's list of errors tells. */
static enum link_tls_reason why_failed(const struct judge *j, unsigned long code, char out[200])
{
    const char *words = NULL;
    if (code == 0 || ERR_GET_LIB(code) != ERR_LIB_SSL) {
        (void)snprintf(out, 200, "it did not finish the handshake");
        return LINK_TLS_FAILED;
    }
    switch (ERR_GET_REASON(code)) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: words = "it closed the connection before the handshake was over"; break;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: words = "it showed no certificate"; break;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER: words = "it does not speak TLS"; break;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        (void)snprintf(out, 200, "it speaks another version of TLS than this link takes (%s)", j->terms.tls12 ? "1.2 and 1.3" : "1.3");
        return LINK_TLS_OLD;
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_SSLV3_ALERT_BAD_RECORD_MAC: words = "what was sent was changed or damaged on the way"; break;
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA: words = "it does not know the authority of our certificate"; break;
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED: words = "it says that our certificate ended: is its clock right?"; break;
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED: words = "it says that our certificate is revoked"; break;
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: words = "it does not take our certificate"; break;
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED: words = "it wants a certificate and got none"; break;
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_NO_SHARED_CIPHER: words = "both sides have no cipher in common"; break;
    default: words = ERR_reason_error_string(code); break;
    }
    (void)snprintf(out, 200, "%s", words == NULL ? "TLS failed" : words);
    return LINK_TLS_FAILED;
}

void link_tls_peer(const SSL *ssl, struct link_tls_peer *ret)
{
    const struct judge *j = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), judge_index);
    const struct seen *s = SSL_get_ex_data(ssl, seen_index);
    struct certificate c = {0};
    unsigned long code = ERR_peek_last_error(); /* reading a certificate empties the list */
    *ret = (struct link_tls_peer){0};
    bool ended = SSL_is_init_finished(ssl) != 0;
    if (ended)
        (void)snprintf(ret->version, sizeof ret->version, "%s", SSL_version(ssl) == TLS1_3_VERSION ? "1.3" : "1.2");
    if (s != NULL && certificate_of(s->leaf, &c)) {
        ret->shown = true;
        (void)snprintf(ret->subject, sizeof ret->subject, "%s", c.subject);
        (void)snprintf(ret->issuer, sizeof ret->issuer, "%s", c.issuer);
        (void)snprintf(ret->serial, sizeof ret->serial, "%s", c.serial);
        memcpy(ret->fingerprint, c.fingerprint, sizeof ret->fingerprint);
        ret->not_after = c.not_after;
        ret->own = s->own;
    }
    ret->good = s == NULL ? ended : s->good && ended;
    if (s != NULL && !s->good) {
        why_refused(j, s, &c, ret->why);
        ret->reason = reason_of(s);
    } else if (!ended) {
        ret->reason = why_failed(j, code, ret->why);
    }
    ret->silent = !ended && BIO_number_read(SSL_get_rbio(ssl)) == 0;
}

void link_tls_broke(const SSL *ssl, struct link_tls_peer *ret)
{
    unsigned long code = ERR_peek_last_error();
    link_tls_peer(ssl, ret);
    if (ret->good)
        ret->reason = why_failed(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), judge_index), code, ret->why);
    ret->good = false;
}

bool link_tls_revokes(const struct link_tls *t, const SSL *ssl)
{
    const struct seen *s = SSL_get_ex_data(ssl, seen_index);
    return s != NULL && (is_revoked(t->judge, s->leaf) || any_revoked(t->judge, SSL_get0_verified_chain(ssl)));
}
