/* A receiver of HL7 v2 over MLLP that answers every message with AA, for scripts/bench and the process tests: loopback only.
 *
 * usage: mllp_sink PORT [--tls CERTIFICATE KEY] [--log FILE] [--hold MS]
 *   --tls   speaks TLS 1.3
 *   --log   before a message is answered, a line "CONTROL-ID DIGEST" is appended
 *   --hold  answers every message so many milliseconds later (one thread: all of them wait)
 *
 * Control ids that mllp_load makes ("C00012N000000345") are followed: a number that came already is a repetition, one that leaves others out a gap, a
 * lower one that was left out before comes too late. On SIGTERM it prints what it counted as one JSON line. */
#include "mllp_end.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct counts {
    uint64_t messages;
    uint64_t bytes;
    uint64_t junk;
    uint64_t connections;
    uint64_t foreign; /* control ids that mllp_load does not make */
    uint64_t repeated;
    uint64_t gaps;
    uint64_t late;
    uint64_t last_at; /* when the last message came: nanoseconds of CLOCK_MONOTONIC; 0: none did */
};

struct sink {
    struct counts counts;
    SSL_CTX *tls;
    int log;
    int poll;
    unsigned hold_us;
    uint64_t last[100000]; /* of each connection of the load generator: the highest number seen */
};

struct peer {
    struct sink *sink;
    struct end end;
    bool greeted;
    bool wants_out;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

/* The digits of s, all of which must be some, with leading zeros. */
static bool digits(struct span s, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *ret = v;
    return s.n > 0;
}

static void follow(struct sink *s, struct span id)
{
    struct span rest = id;
    uint64_t connection = 0;
    uint64_t number = 0;
    bool ours = id.n == ID_SIZE && span_u8(&rest) == 'C' && digits(span_take(&rest, 5), &connection) && span_u8(&rest) == 'N' &&
                digits(rest, &number);
    if (!ours) {
        s->counts.foreign++;
        return;
    }
    uint64_t *last = &s->last[connection];
    if (number == *last)
        s->counts.repeated++;
    else if (number < *last)
        s->counts.late++;
    else if (*last != 0 && number != *last + 1)
        s->counts.gaps++;
    if (number > *last)
        *last = number;
}

static bool answer(void *context, struct span message)
{
    struct peer *p = context;
    struct sink *s = p->sink;
    struct span id = field_of(message, "MSH", 10);
    s->counts.messages++;
    s->counts.bytes += message.n + 3;
    follow(s, id);
    if (s->log >= 0 && dprintf(s->log, "%.*s %016llx\n", (int)id.n, (const char *)id.p, (unsigned long long)digest_of(message)) < 0)
        return false;
    if (s->hold_us > 0)
        (void)usleep(s->hold_us);
    buf_addf(&p->end.out, "\x0bMSH|^~\\&|SINK|LAB|LOAD|LAB|20260302080000||ACK|A%.*s|P|2.5.1\rMSA|AA|%.*s\r\x1c\r", (int)id.n, (const char *)id.p,
             (int)id.n, (const char *)id.p);
    return buf_ok(&p->end.out);
}

static void drop(struct peer *p)
{
    end_close(&p->end);
    free(p);
}

static void accept_all(struct sink *s, int listener)
{
    const int one = 1;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct peer *p = fd < 0 ? NULL : calloc(1, sizeof *p);
        if (p == NULL)
            return;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        *p = (struct peer){.sink = s, .end = {.fd = fd, .content = BUF_INIT(MESSAGE_MOST), .out = BUF_INIT(MESSAGE_MOST)}};
        p->end.reader.any_block = true;
        if (s->tls != NULL && (p->end.tls = SSL_new(s->tls)) != NULL)
            (void)SSL_set_fd(p->end.tls, fd);
        s->counts.connections++;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
        if (epoll_ctl(s->poll, EPOLL_CTL_ADD, fd, &event) != 0)
            drop(p);
    }
}

/* False: the connection is over. */
static bool serve(struct peer *p, uint32_t events)
{
    if (p->end.tls != NULL && !p->greeted) {
        int r = SSL_accept(p->end.tls);
        p->greeted = r == 1;
        if (r != 1)
            return SSL_get_error(p->end.tls, r) == SSL_ERROR_WANT_READ;
    }
    bool more = (events & ~(uint32_t)EPOLLOUT) == 0 || end_blocks(&p->end, &p->sink->counts.junk, answer, p);
    int flushed = end_flush(&p->end);
    if (!more || flushed < 0)
        return false;
    if (p->wants_out != (flushed == 0)) {
        p->wants_out = flushed == 0;
        struct epoll_event event = {.events = EPOLLIN | (p->wants_out ? EPOLLOUT : 0u), .data.ptr = p};
        return epoll_ctl(p->sink->poll, EPOLL_CTL_MOD, p->end.fd, &event) == 0;
    }
    return true;
}

static int listen_on(struct sink *s, unsigned port)
{
    const int one = 1;
    struct sockaddr_in at = loopback(port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    s->poll = epoll_create1(EPOLL_CLOEXEC);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool heard = bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4096) == 0 && epoll_ctl(s->poll, EPOLL_CTL_ADD, fd, &event) == 0;
    return heard ? fd : -1;
}

static bool options(struct sink *s, int argc, char **argv, uint64_t *port)
{
    uint64_t hold = 0;
    bool good = argc > 1 && span_decimal(span_str(argv[1]), 65535, port);
    for (int i = 2; good && i < argc; i++) {
        if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
            s->tls = SSL_CTX_new(TLS_server_method());
            (void)SSL_CTX_set_min_proto_version(s->tls, TLS1_3_VERSION);
            (void)SSL_CTX_set_mode(s->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
            good = SSL_CTX_use_certificate_chain_file(s->tls, argv[i + 1]) == 1 &&
                   SSL_CTX_use_PrivateKey_file(s->tls, argv[i + 2], SSL_FILETYPE_PEM) == 1;
            i += 2;
        } else if (strcmp(argv[i], "--log") == 0 && i + 1 < argc) {
            s->log = open(argv[++i], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
            good = s->log >= 0;
        } else if (strcmp(argv[i], "--hold") == 0 && i + 1 < argc) {
            good = span_decimal(span_str(argv[++i]), 60000, &hold);
            s->hold_us = (unsigned)hold * 1000u;
        } else {
            good = false;
        }
    }
    return good;
}

static struct sink sink = {.log = -1};

int main(int argc, char **argv)
{
    uint64_t port = 0;
    if (!options(&sink, argc, argv, &port)) {
        (void)fprintf(stderr, "usage: mllp_sink PORT [--tls CERTIFICATE KEY] [--log FILE] [--hold MS]\n");
        return 2;
    }
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGPIPE, SIG_IGN);
    many_descriptors();
    int listener = listen_on(&sink, (unsigned)port);
    if (listener < 0) {
        perror("mllp_sink");
        return 3;
    }
    struct epoll_event events[256];
    while (!stop) {
        int n = epoll_wait(sink.poll, events, 256, 500);
        uint64_t before = sink.counts.messages;
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            if (p == NULL)
                accept_all(&sink, listener);
            else if (!serve(p, events[i].events))
                drop(p);
        }
        if (sink.counts.messages != before)
            sink.counts.last_at = now_ns();
    }
    const struct counts *c = &sink.counts;
    (void)printf(
        "{\"messages\": %llu, \"bytes\": %llu, \"junk\": %llu, \"connections\": %llu, \"foreign\": %llu, \"repeated\": %llu, \"gaps\": %llu, "
        "\"late\": %llu, \"last_at\": %.6f}\n",
        (unsigned long long)c->messages, (unsigned long long)c->bytes, (unsigned long long)c->junk, (unsigned long long)c->connections,
        (unsigned long long)c->foreign, (unsigned long long)c->repeated, (unsigned long long)c->gaps, (unsigned long long)c->late,
        (double)c->last_at / 1e9);
    return 0;
}
