#include "door/front/tls.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

static int tls_failed(struct error *e, const char *what)
{
    char words[160];
    ERR_error_string_n(ERR_get_error(), words, sizeof words);
    ERR_clear_error();
    return err_set(e, ERR_MISUSE, "the %s cannot be used: %s", what, words);
}

static int load_identity(SSL_CTX *tls, struct span certificate, struct span key, struct error *e)
{
    BIO *bio = BIO_new_mem_buf(certificate.p, (int)certificate.n);
    X509 *own = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    int ok = own != NULL && SSL_CTX_use_certificate(tls, own) == 1;
    X509_free(own);
    for (X509 *next; ok && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;)
        if (SSL_CTX_add0_chain_cert(tls, next) != 1) {
            X509_free(next);
            ok = 0;
        }
    BIO_free(bio);
    if (!ok)
        return tls_failed(e, "certificate");
    ERR_clear_error(); /* the end of the PEM text counts as an error there */
    bio = BIO_new_mem_buf(key.p, (int)key.n);
    EVP_PKEY *k = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    ok = k != NULL && SSL_CTX_use_PrivateKey(tls, k) == 1 && SSL_CTX_check_private_key(tls) == 1;
    EVP_PKEY_free(k);
    BIO_free(bio);
    return ok ? 0 : tls_failed(e, "TLS key");
}

SSL_CTX *tls_server(struct span certificate, struct span key, struct error *e)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for TLS");
        return NULL;
    }
    (void)SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20");
    (void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    if (load_identity(tls, certificate, key, e) != 0) {
        SSL_CTX_free(tls);
        return NULL;
    }
    return tls;
}

struct bufferevent *tls_connection(SSL_CTX *tls, struct event_base *base)
{
    SSL *ssl = SSL_new(tls);
    struct bufferevent *b = ssl == NULL ? NULL : bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (b == NULL)
        SSL_free(ssl);
    else
        bufferevent_openssl_set_allow_dirty_shutdown(b, 1);
    return b;
}
