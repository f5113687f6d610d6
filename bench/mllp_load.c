/* HL7 v2 over MLLP as analyzers send it: every connection sends a result of 1 KB and waits for its answer. For scripts/bench and the process tests:
 * loopback only, one thread.
 *
 * usage: mllp_load PORT [--connections N] [--rate R] [--warm S] [--seconds S] [--tls] [--observe PID,PID…] [--stubborn] [--patience S] [--log FILE]
 *        mllp_load PORT --connections N --idle
 *   --rate      messages a second over all connections, each at its due time; latency counts from there, so that a slow answer cannot hide those
 *               that it kept from being sent. Without it, each connection sends again as soon as it was answered
 *   --observe   processor time of these processes, all threads, while messages are counted
 *   --stubborn  what was not acknowledged (a cut, a refusal, no answer in time) is sent again unchanged, on a new connection where need be, and the
 *               program ends when everything is acknowledged or patience is over
 *   --patience  seconds that an answer may take; 10
 *   --log       for every acknowledgement, a line "CONTROL-ID DIGEST", before the next message goes out
 *   --idle      opens the connections, says so in a JSON line, and keeps them until its standard input ends
 *
 * Every answer is read: MSA-1 must be AA and MSA-2 the control id. Prints one JSON line; times in microseconds. Exit status 1: something was not
 * acknowledged as it should. */
#include "mllp_end.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define OBSERVED_MOST 16u
#define RECONNECT (SECOND / 20)

/* Latencies: exact to 1 in 64. */
#define FINE 64u
struct histogram {
    uint64_t n[59 * FINE];
    uint64_t all;
    uint64_t max;
};

struct load {
    unsigned port;
    unsigned connections;
    uint64_t rate;
    uint64_t warm;
    uint64_t seconds;
    uint64_t patience;
    bool stubborn;
    bool idle;
    int log;
    SSL_CTX *tls;
    pid_t observed[OBSERVED_MOST];
    size_t observed_n;
    uint64_t cpu[OBSERVED_MOST];
    struct client *clients;
    int poll;
    bool counting;
    bool sending;
    uint64_t step; /* between two messages of a connection; 0: as soon as it was answered */
    struct histogram latency;
    uint64_t refused; /* answers to the right message that are not AA */
    uint64_t wrong;   /* answers to no message, or to another */
    uint64_t broken;  /* connections that ended or gave no answer in time */
    uint64_t resent;
    uint64_t acknowledged; /* from the beginning to the end */
    uint64_t junk;
    uint64_t walk; /* when some connection has something to do by itself */
};

struct client {
    struct load *load;
    struct end end;
    unsigned index;
    uint64_t number; /* of the message under way or the last one */
    uint64_t due;    /* when to send, or to connect */
    uint64_t since;
    bool waiting; /* for an answer */
    bool again;   /* the message under way must be sent once more */
};

static void count(struct histogram *h, uint64_t v)
{
    unsigned shift = v < FINE ? 0 : 63u - (unsigned)__builtin_clzll(v) - 6u;
    h->n[v < FINE ? v : (shift + 1u) * FINE + (v >> shift) - FINE]++;
    h->all++;
    if (v > h->max)
        h->max = v;
}

/* The least value that at least share of all do not exceed, in microseconds. */
static double quantile(const struct histogram *h, double share)
{
    uint64_t need = (uint64_t)((double)h->all * share);
    uint64_t seen = 0;
    for (unsigned i = 0; i < 59 * FINE; i++) {
        seen += h->n[i];
        if (seen > need || seen == h->all)
            return (i < FINE ? i : (double)((uint64_t)(i % FINE + FINE) << (i / FINE - 1u))) / 1000.0;
    }
    return 0;
}

static uint64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t = {0};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* The message of every client, made once: what differs is written into these places. */
static struct template
{
    struct buf text;
    size_t sender;
    size_t id;
    size_t patient;
    size_t order;
    size_t specimen;
    size_t value[8];
}
template = {.text = BUF_INIT(4096)};

static void make_template(void)
{
    struct buf *b = &template.text;
    buf_add_str(b, "\x0bMSH|^~\\&|LOAD-");
    template.sender = b->n;
    buf_add_str(b, "00000|LAB|LIS|LAB|20260302080000||ORU^R01^ORU_R01|");
    template.id = b->n;
    buf_add_str(b, "C00000N000000000|P|2.5.1\rPID|1||P");
    template.patient = b->n;
    buf_add_str(b, "0000000^^^LAB^MR||EXAMPLE^ALEX||19800101|F\rORC|RE\rOBR|1|O");
    template.order = b->n;
    buf_add_str(b, "00000000|S");
    template.specimen = b->n;
    buf_add_str(b, "00000000|CHEM^Chemistry^L|||20260302080000\r");
    for (unsigned i = 0; i < 8; i++) {
        buf_addf(b, "OBX|%u|NM|%u-7^ANALYTE-%u^LN^A%u^Analyte %u^L||", i + 1, 2345 + i, i, i, i);
        template.value[i] = b->n;
        buf_add_str(b, "0.0|mmol/L|0.0-9.9|N|||F|||20260302080000||AUTO|A1|SN10001\r");
    }
    buf_add(b, "\x1c\r", 2);
}

static void put_digits(size_t at, unsigned width, uint64_t v)
{
    for (; width > 0; width--, v /= 10)
        template.text.p[at + width - 1] = (uint8_t)('0' + v % 10);
}

/* Numbers that look like chance, the same for the same specimen (splitmix64's last step): no two specimens have all values alike, as in a laboratory.
 */
static uint64_t values_of(uint64_t specimen)
{
    uint64_t v = (specimen + 1) * UINT64_C(0x9e3779b97f4a7c15);
    v = (v ^ (v >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ (v >> 27)) * UINT64_C(0x94d049bb133111eb);
    return v ^ (v >> 31);
}

/* The same for the same client and number: what is sent again is unchanged. Every client has a name of its own, as analyzers do, and every message a
 * specimen and a patient. */
static struct span message_of(const struct client *c)
{
    uint64_t specimen = c->index * UINT64_C(1000003) + c->number;
    put_digits(template.sender, 5, c->index);
    put_digits(template.id + 1, 5, c->index);
    put_digits(template.id + 7, 9, c->number);
    put_digits(template.patient, 7, specimen);
    put_digits(template.order, 8, specimen);
    put_digits(template.specimen, 8, specimen);
    uint64_t values = values_of(specimen);
    for (unsigned i = 0; i < 8; i++, values >>= 8) {
        put_digits(template.value[i], 1, (values & 15) % 9 + 1);
        put_digits(template.value[i] + 2, 1, (values >> 4 & 15) % 10);
    }
    return buf_span(&template.text);
}

static void lost(struct client *c)
{
    end_close(&c->end);
    c->load->broken++;
    c->again = c->again || c->waiting;
    c->waiting = false;
    c->due = now_ns() + RECONNECT;
}

static bool dial(struct client *c)
{
    struct load *l = c->load;
    const int one = 1;
    struct timeval patience = {.tv_sec = 10};
    struct sockaddr_in to = loopback(l->port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    c->end = (struct end){.fd = fd, .content = BUF_INIT(MESSAGE_MOST), .out = BUF_INIT(MESSAGE_MOST)};
    c->end.reader.any_block = true;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    bool good = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    if (good && l->tls != NULL) {
        c->end.tls = SSL_new(l->tls);
        good = c->end.tls != NULL && SSL_set_fd(c->end.tls, fd) == 1 && SSL_connect(c->end.tls) == 1;
    }
    good = good && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && epoll_ctl(l->poll, EPOLL_CTL_ADD, fd, &event) == 0;
    if (!good)
        end_close(&c->end);
    return good;
}

static void send_message(struct client *c, uint64_t from)
{
    struct load *l = c->load;
    if (c->again)
        l->resent++;
    else
        c->number++;
    c->again = false;
    c->waiting = true;
    c->since = from;
    buf_add_span(&c->end.out, message_of(c));
    /* A message that does not fit into the socket's buffer is rare enough to wait for. */
    int flushed = end_flush(&c->end);
    for (unsigned tries = 0; flushed == 0 && tries < 1000; tries++, flushed = end_flush(&c->end))
        (void)usleep(1000);
    if (flushed != 1)
        lost(c);
}

static bool answered(void *context, struct span message)
{
    struct client *c = context;
    struct load *l = c->load;
    struct span sent = message_of(c);
    struct span id = span_of(sent.p + template.id, ID_SIZE);
    uint64_t now = now_ns();
    if (!c->waiting || !span_equal(field_of(message, "MSA", 2), id)) {
        l->wrong++;
        return true;
    }
    c->waiting = false;
    if (!span_equal(field_of(message, "MSA", 1), SPAN_LIT("AA"))) {
        l->refused++;
        c->again = l->stubborn;
        c->due = now + RECONNECT;
        return true;
    }
    l->acknowledged++;
    if (l->counting)
        count(&l->latency, now - c->since);
    if (c->due < l->walk)
        l->walk = c->due;
    if (l->log >= 0)
        (void)dprintf(l->log, "%.*s %016llx\n", (int)id.n, (const char *)id.p, (unsigned long long)digest_of(span_of(sent.p + 1, sent.n - 3)));
    return true;
}

/* Sends and connects what is due. Returns when something will be. */
static uint64_t act(struct load *l, uint64_t now)
{
    uint64_t next = now + SECOND / 10;
    for (unsigned i = 0; i < l->connections; i++) {
        struct client *c = &l->clients[i];
        if (c->waiting && now > c->since + l->patience * SECOND)
            lost(c);
        if (c->waiting || (!l->sending && !c->again))
            continue;
        if (now >= c->due && c->end.fd < 0 && (!l->stubborn || !dial(c)))
            c->due = now + RECONNECT;
        if (now >= c->due && c->end.fd >= 0) {
            uint64_t from = l->step > 0 && !c->again ? c->due : now;
            if (l->step > 0 && !c->again)
                c->due += l->step;
            send_message(c, from);
        }
        if (!c->waiting && c->due < next)
            next = c->due;
    }
    return next;
}

static void hear(struct load *l, uint64_t until)
{
    struct epoll_event events[256];
    uint64_t now = now_ns();
    uint64_t left = until > now ? until - now : 0;
    struct timespec most = {.tv_sec = (time_t)(left / SECOND), .tv_nsec = (long)(left % SECOND)};
    int n = epoll_pwait2(l->poll, events, 256, &most, NULL);
    for (int i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;
        if (c->end.fd < 0)
            continue;
        if (!end_blocks(&c->end, &l->junk, answered, c))
            lost(c);
        else if (l->step == 0 && l->sending && !c->waiting && !c->again)
            send_message(c, now_ns());
    }
}

static bool outstanding(const struct load *l)
{
    for (unsigned i = 0; i < l->connections; i++)
        if (l->clients[i].waiting || l->clients[i].again)
            return true;
    return false;
}

/* Closed loop: who sends next is known from the answers, so the walk over all connections is needed now and then only. */
static void run(struct load *l)
{
    uint64_t start = now_ns();
    uint64_t from = start + l->warm * SECOND;
    uint64_t until = from + l->seconds * SECOND;
    l->step = l->rate > 0 ? l->connections * SECOND / l->rate : 0;
    for (unsigned i = 0; i < l->connections; i++)
        l->clients[i].due = start + l->step * i / l->connections;
    l->walk = start;
    l->sending = true;
    for (uint64_t now = start; now < until; now = now_ns()) {
        if (!l->counting && now >= from) {
            l->counting = true;
            for (size_t i = 0; i < l->observed_n; i++)
                l->cpu[i] = cpu_of(l->observed[i]);
        }
        if (now >= l->walk)
            l->walk = act(l, now);
        hear(l, l->walk);
    }
    l->counting = false;
    l->sending = false;
    for (size_t i = 0; i < l->observed_n; i++)
        l->cpu[i] = cpu_of(l->observed[i]) - l->cpu[i];
    uint64_t end = now_ns() + l->patience * SECOND;
    for (uint64_t now = now_ns(); l->stubborn && outstanding(l) && now < end; now = now_ns())
        hear(l, act(l, now));
}

static void print(const struct load *l)
{
    double n = l->latency.all > 0 ? (double)l->latency.all : 1;
    (void)printf("{\"connections\": %u, \"rate\": %llu, \"message_bytes\": %zu, \"messages\": %llu, \"per_s\": %.0f, \"p50\": %.1f, \"p99\": %.1f, "
                 "\"p999\": %.1f, \"max\": %.1f",
                 l->connections, (unsigned long long)l->rate, template.text.n, (unsigned long long)l->latency.all, n / (double)l->seconds,
                 quantile(&l->latency, 0.5), quantile(&l->latency, 0.99), quantile(&l->latency, 0.999), (double)l->latency.max / 1000.0);
    (void)printf(", \"refused\": %llu, \"wrong\": %llu, \"broken\": %llu, \"resent\": %llu, \"acknowledged\": %llu, \"outstanding\": %s, \"cpu\": [",
                 (unsigned long long)l->refused, (unsigned long long)l->wrong, (unsigned long long)l->broken, (unsigned long long)l->resent,
                 (unsigned long long)l->acknowledged, outstanding(l) ? "true" : "false");
    for (size_t i = 0; i < l->observed_n; i++)
        (void)printf("%s%.3f", i > 0 ? ", " : "", (double)l->cpu[i] / 1000.0 / n);
    (void)printf("]}\n");
}

static bool observe(struct load *l, const char *list)
{
    struct span rest = span_str(list);
    bool more = true;
    uint64_t pid = 0;
    while (more && l->observed_n < OBSERVED_MOST) {
        if (!span_decimal(span_until(&rest, ',', &more), 4194304, &pid))
            return false;
        l->observed[l->observed_n++] = (pid_t)pid;
    }
    return !more;
}

static bool options(struct load *l, int argc, char **argv)
{
    uint64_t number = 0;
    bool good = argc > 1 && span_decimal(span_str(argv[1]), 65535, &number);
    l->port = (unsigned)number;
    for (int i = 2; good && i < argc; i++) {
        const char *o = argv[i];
        if (strcmp(o, "--stubborn") == 0) {
            l->stubborn = true;
            continue;
        }
        if (strcmp(o, "--idle") == 0) {
            l->idle = true;
            continue;
        }
        if (strcmp(o, "--tls") == 0) {
            l->tls = SSL_CTX_new(TLS_client_method());
            (void)SSL_CTX_set_min_proto_version(l->tls, TLS1_3_VERSION);
            continue;
        }
        const char *v = i + 1 < argc ? argv[++i] : "";
        bool is_number = span_decimal(span_str(v), 100000000, &number);
        if (strcmp(o, "--connections") == 0 && is_number && number >= 1 && number <= CONNECTIONS_MOST)
            l->connections = (unsigned)number;
        else if (strcmp(o, "--rate") == 0 && is_number && number >= 1)
            l->rate = number;
        else if (strcmp(o, "--warm") == 0 && is_number && number <= 3600)
            l->warm = number;
        else if (strcmp(o, "--seconds") == 0 && is_number && number >= 1 && number <= 86400)
            l->seconds = number;
        else if (strcmp(o, "--patience") == 0 && is_number && number >= 1 && number <= 3600)
            l->patience = number;
        else if (strcmp(o, "--observe") == 0)
            good = observe(l, v);
        else if (strcmp(o, "--log") == 0)
            good = (l->log = open(v, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) >= 0;
        else
            good = false;
    }
    return good;
}

static struct load load = {.connections = 1, .warm = 1, .seconds = 5, .patience = 10, .log = -1};

int main(int argc, char **argv)
{
    if (!options(&load, argc, argv) || (load.clients = calloc(load.connections, sizeof *load.clients)) == NULL) {
        (void)fprintf(stderr, "usage: mllp_load PORT [--connections N] [--rate R] [--warm S] [--seconds S] [--tls] [--observe PID,PID…] [--stubborn] "
                              "[--patience S] [--log FILE] [--idle]\n");
        return 2;
    }
    make_template();
    many_descriptors();
    load.poll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < load.connections; i++) {
        load.clients[i] = (struct client){.load = &load, .index = i, .end = {.fd = -1}};
        if (!dial(&load.clients[i]) && !load.stubborn) {
            perror("mllp_load: connecting");
            return 3;
        }
    }
    if (load.idle) {
        char c;
        (void)printf("{\"open\": %u}\n", load.connections);
        (void)fflush(stdout);
        while (read(STDIN_FILENO, &c, 1) > 0)
            continue;
        return 0;
    }
    run(&load);
    print(&load);
    if (load.stubborn)
        return outstanding(&load) ? 1 : 0;
    return load.latency.all == 0 || load.refused > 0 || load.wrong > 0 || load.broken > 0 ? 1 : 0;
}
