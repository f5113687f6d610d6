/* A bad wire, from a seed: what it does to a connection is the same every time, as far as the machine's own timing lets it.
 *
 * usage: bad_wire proxy SEED LISTEN-PORT TO-PORT [NAME=N]…    both on loopback; connections are passed on
 *        bad_wire frames SEED /proc/PID/ns/net [NAME=N]…      two Ethernet devices, "bad0" here and "bad1" in that network namespace
 *
 *   delay=MS   each piece (or frame) waits up to so long; frames overtake each other
 *   lose=N     frames: so many of 1000 are lost
 *   twice=N    frames: so many of 1000 come twice
 *   dark=MS    frames: now and then nothing at all passes for so long
 *   drip=N     proxy: of 1000 pieces so many are passed on a byte at a time, 5 ms each
 *   cut=N      proxy: after so many of 1000 pieces the connection is reset at both ends, what was on its way is lost
 *   half=N     proxy: after so many of 1000 pieces nothing passes any more that way for two seconds; then it is cut, towards one end only
 *
 * Says "ready" and runs until SIGTERM; then it prints what it did as one JSON line. At most 256 connections, 64 KiB on their way in each direction.
 */
#include "base/hash.h"
#include "engine/simulate/random.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 256
#define ON_THE_WAY 65536
#define FRAMES 4096
#define FRAME_MAX 2048
#define MS UINT64_C(1000000)

enum { DELAY, LOSE, TWICE, DARK, DRIP, CUT, HALF, KNOBS };
static const char *const knob_names[KNOBS] = {"delay", "lose", "twice", "dark", "drip", "cut", "half"};

static struct {
    struct rng rng;
    uint64_t knobs[KNOBS];
    uint64_t pieces;
    uint64_t did[KNOBS];
} wire;

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool chance(unsigned knob)
{
    bool hit = wire.knobs[knob] > 0 && rng_below(&wire.rng, 1000) < wire.knobs[knob];
    wire.did[knob] += hit;
    return hit;
}

static uint64_t some_delay(void)
{
    return wire.knobs[DELAY] == 0 ? 0 : rng_below(&wire.rng, (uint32_t)wire.knobs[DELAY] * 1000u) * UINT64_C(1000);
}

/* ── proxy ── */

/* One direction: bytes that were read and wait. */
struct way {
    uint8_t bytes[ON_THE_WAY];
    size_t n;
    uint64_t due; /* when the first `piece` of them go on */
    size_t piece;
    uint64_t dead; /* half open: nothing passes, and then it is cut; 0: alive */
    bool ended;    /* its sender said so */
};

static struct connection {
    int fd[2];       /* 0: who connected */
    struct way *way; /* two; way[i] is what fd[i] sent */
} connections[CONNECTIONS];

static void cut(struct connection *c, bool both)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 2; i++) {
        if (both || i == 1)
            (void)setsockopt(c->fd[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        (void)close(c->fd[i]);
    }
    free(c->way);
    *c = (struct connection){.fd = {-1, -1}};
}

static int connect_to(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void take_connection(int listener, unsigned to)
{
    const int one = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int peer = fd < 0 ? -1 : connect_to(to);
    struct connection *c = connections;
    while (c < connections + CONNECTIONS && c->way != NULL)
        c++;
    struct way *way = peer < 0 || c == connections + CONNECTIONS ? NULL : calloc(2, sizeof *way);
    if (way == NULL) {
        (void)close(fd);
        (void)close(peer);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *c = (struct connection){.fd = {fd, peer}, .way = way};
}

/* False: the connection is over. */
static bool take_bytes(struct connection *c, int from)
{
    struct way *w = &c->way[from];
    ssize_t n = recv(c->fd[from], w->bytes + w->n, ON_THE_WAY - w->n, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n < 0)
        return false;
    w->ended = w->ended || n == 0;
    if (n > 0 && w->n == 0)
        w->due = 0;
    w->n += (size_t)n;
    return true;
}

static void choose_piece(struct way *w, uint64_t now)
{
    bool drips = chance(DRIP);
    wire.pieces++;
    w->piece = drips ? 1 : 1 + rng_below(&wire.rng, (uint32_t)w->n);
    w->due = now + (drips ? 5 * MS : some_delay());
}

/* Passes on what is due. False: the connection is over. */
static bool pass_on(struct connection *c, int from, uint64_t now)
{
    struct way *w = &c->way[from];
    if (w->dead != 0)
        return now < w->dead;
    if (w->n == 0)
        return !w->ended || shutdown(c->fd[!from], SHUT_WR) == 0;
    if (w->due == 0)
        choose_piece(w, now);
    if (now < w->due)
        return true;
    ssize_t n = send(c->fd[!from], w->bytes, w->piece, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    memmove(w->bytes, w->bytes + n, w->n - (size_t)n);
    w->n -= (size_t)n;
    w->due = 0;
    if (chance(CUT))
        return false;
    if (chance(HALF))
        w->dead = now + 2000 * MS;
    return true;
}

static void serve(uint64_t now)
{
    for (struct connection *c = connections; c < connections + CONNECTIONS; c++) {
        bool lives = c->way != NULL;
        bool dies_half = lives && (c->way[0].dead != 0 || c->way[1].dead != 0);
        for (int i = 0; lives && i < 2; i++)
            lives = pass_on(c, i, now);
        if (c->way != NULL && (!lives || (c->way[0].ended && c->way[1].ended && c->way[0].n + c->way[1].n == 0)))
            cut(c, !lives && !dies_half);
    }
}

static void run_proxy(int listener, unsigned to)
{
    static struct pollfd polled[2 * CONNECTIONS + 1];
    static struct connection *of[2 * CONNECTIONS + 1];
    while (!stop) {
        nfds_t n = 1;
        polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (struct connection *c = connections; c < connections + CONNECTIONS; c++)
            for (int i = 0; c->way != NULL && i < 2; i++) {
                bool reads = !c->way[i].ended && c->way[i].n < ON_THE_WAY;
                polled[n] = (struct pollfd){.fd = reads ? c->fd[i] : -1, .events = POLLIN};
                of[n++] = c;
            }
        (void)poll(polled, n, 1);
        for (nfds_t i = 1; i < n; i++)
            if (polled[i].revents != 0 && of[i]->way != NULL && !take_bytes(of[i], polled[i].fd == of[i]->fd[1]))
                cut(of[i], true);
        serve(now_ns());
        if (polled[0].revents != 0)
            take_connection(listener, to);
    }
}

static int listen_on(unsigned port)
{
    const int one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    return bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 64) == 0 ? fd : -1;
}

/* ── frames ── */

static struct frame {
    uint64_t due; /* 0: free */
    int to;
    size_t n;
    uint8_t bytes[FRAME_MAX];
} frames[FRAMES];

static int device(const char *name)
{
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    (void)snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &r) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void take_frames(int from, int to, bool dark)
{
    static uint8_t bytes[FRAME_MAX];
    ssize_t n;
    while ((n = read(from, bytes, sizeof bytes)) > 0) {
        wire.pieces++;
        if (dark || chance(LOSE))
            continue;
        for (int copies = chance(TWICE) ? 2 : 1; copies > 0; copies--) {
            struct frame *f = frames;
            while (f < frames + FRAMES && f->due != 0)
                f++;
            if (f == frames + FRAMES) /* full: lost, as in a switch */
                break;
            *f = (struct frame){.due = now_ns() + some_delay() + 1, .to = to, .n = (size_t)n};
            memcpy(f->bytes, bytes, (size_t)n);
        }
    }
}

/* The earliest due frame first, so that without a delay nothing changes places. */
static void pass_frames(uint64_t now)
{
    for (;;) {
        struct frame *first = NULL;
        for (struct frame *f = frames; f < frames + FRAMES; f++)
            if (f->due != 0 && f->due <= now && (first == NULL || f->due < first->due))
                first = f;
        if (first == NULL)
            return;
        (void)!write(first->to, first->bytes, first->n);
        first->due = 0;
    }
}

static void run_frames(int a, int b)
{
    uint64_t dark_from = now_ns() + 1000 * MS;
    while (!stop) {
        struct pollfd polled[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
        (void)poll(polled, 2, 1);
        uint64_t now = now_ns();
        bool dark = wire.knobs[DARK] > 0 && now >= dark_from;
        if (dark && now >= dark_from + wire.knobs[DARK] * MS) {
            dark_from = now + (500 + rng_below(&wire.rng, 2000)) * MS;
            wire.did[DARK]++;
        }
        take_frames(a, b, dark);
        take_frames(b, a, dark);
        pass_frames(now);
    }
}

static int start_frames(const char *namespace, int *ret_other)
{
    int a = device("bad0");
    int there = open(namespace, O_RDONLY | O_CLOEXEC);
    if (a < 0 || there < 0 || setns(there, CLONE_NEWNET) != 0)
        return -1;
    *ret_other = device("bad1");
    return *ret_other < 0 ? -1 : a;
}

/* ── start and end ── */

static bool knobs(int argc, char **argv, int from)
{
    for (int i = from; i < argc; i++) {
        struct span value = span_str(argv[i]);
        struct span name = span_until(&value, '=', NULL);
        size_t k = 0;
        while (k < KNOBS && !span_is(name, knob_names[k]))
            k++;
        if (k == KNOBS || !span_decimal(value, 60000, &wire.knobs[k]))
            return false;
    }
    return true;
}

static void print(void)
{
    (void)printf("{\"pieces\": %llu", (unsigned long long)wire.pieces);
    for (size_t i = 0; i < KNOBS; i++)
        (void)printf(", \"%s\": %llu", knob_names[i], (unsigned long long)wire.did[i]);
    (void)printf("}\n");
}

int main(int argc, char **argv)
{
    uint64_t seed = 0;
    uint64_t port = 0;
    uint64_t to = 0;
    bool proxy = argc >= 5 && strcmp(argv[1], "proxy") == 0 && span_decimal(span_str(argv[3]), 65535, &port) &&
                 span_decimal(span_str(argv[4]), 65535, &to) && knobs(argc, argv, 5);
    bool taps = argc >= 4 && strcmp(argv[1], "frames") == 0 && knobs(argc, argv, 4);
    if ((!proxy && !taps) || !span_decimal(span_str(argv[2]), UINT64_MAX, &seed)) {
        (void)fprintf(stderr, "usage: bad_wire proxy SEED LISTEN-PORT TO-PORT [NAME=N]… | bad_wire frames SEED NAMESPACE [NAME=N]…\n");
        return 2;
    }
    rng_seed(&wire.rng, seed);
    (void)signal(SIGTERM, on_signal);
    int other = -1;
    int fd = proxy ? listen_on((unsigned)port) : start_frames(argv[3], &other);
    if (fd < 0) {
        perror("bad_wire");
        return 3;
    }
    (void)puts("ready");
    (void)fflush(stdout);
    if (proxy)
        run_proxy(fd, (unsigned)to);
    else
        run_frames(fd, other);
    print();
    return 0;
}
