/* The relay's engine alone, for scripts/bench: one link, MLLP, in clear from the analyzers, TLS 1.3 to the LIS, policy on, nothing recorded.
 *
 * usage: relay_engine LISTEN-PORT LIS-PORT AUTHORITY.pem      both on loopback */
#include "mllp_end.h"

#include "engine/relay/relay.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

struct host {
    struct relay *relay;
    unsigned lis;
};

static void dial(void *context, struct relay_link *link, enum relay_side side, uint64_t ticket)
{
    struct host *h = context;
    struct sockaddr_in to = loopback(h->lis);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)link;
    (void)side;
    bool good = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
    if (!good && fd >= 0)
        (void)close(fd);
    relay_dialed(h->relay, ticket, good ? fd : -1, good ? NULL : "no connection");
}

static int listen_on(unsigned port)
{
    const int one = 1;
    struct sockaddr_in at = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    return bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4096) == 0 ? fd : -1;
}

static SSL_CTX *context_of(const char *authority)
{
    SSL_CTX *c = SSL_CTX_new(TLS_client_method());
    if (c == NULL || SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 || SSL_CTX_load_verify_locations(c, authority, NULL) != 1)
        return NULL;
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
    return c;
}

static void work(struct relay *r)
{
    struct error e = {0};
    while (relay_wait(r, (tq_time)now_ns(), -1, &e) == 0)
        relay_work(r, (tq_time)now_ns());
    (void)fprintf(stderr, "relay_engine: %s\n", e.text);
}

int main(int argc, char **argv)
{
    static const char *const types[] = {"ORU^R01", "OUL^R22", "QBP^Q11"};
    static const char *const senders[] = {"LOAD|LAB", "CHEM|LAB"};
    struct error e = {0};
    struct hash_key key;
    uint64_t port = 0;
    uint64_t lis = 0;
    SSL_CTX *tls = argc == 4 ? context_of(argv[3]) : NULL;
    if (tls == NULL || !span_decimal(span_str(argv[1]), 65535, &port) || !span_decimal(span_str(argv[2]), 65535, &lis) ||
        getrandom(&key, sizeof key, 0) != sizeof key) {
        (void)fprintf(stderr, "usage: relay_engine LISTEN-PORT LIS-PORT AUTHORITY.pem\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    many_descriptors();
    struct host h = {.lis = (unsigned)lis};
    struct relay_host host = {.context = &h, .dial = dial};
    struct relay_link_options link = {.name = "bench", .protocol = RELAY_MLLP, .mode = RELAY_END_TO_END, .connections_max = 16384};
    link.side[RELAY_ANALYZER] = (struct relay_side_options){.listener = listen_on((unsigned)port)};
    link.side[RELAY_LIS] = (struct relay_side_options){.dial = true, .listener = -1, .tls = RELAY_TLS_REQUIRED, .context = tls};
    link.policy = (struct relay_policy){
        .unknown = RELAY_UNKNOWN_FLAG, .types = types, .types_n = 3, .senders = senders, .senders_n = 2, .size_max = 65536};
    h.relay = relay_new(&host, key, &e);
    if (h.relay == NULL || relay_add_link(h.relay, &link, &e) == NULL) {
        (void)fprintf(stderr, "relay_engine: %s\n", e.text);
        return 3;
    }
    work(h.relay);
    return 3;
}
