/* demo_links: two analyzers and the LIS's two ears, played over loopback in a process of its own, so that the demo's links carry something. What they
 * send is what the simulated lab's analyzers send, in real time and never faster than five messages a second. */
#include "cmd/demo_links.h"

#include "engine/sense/sense.h"
#include "engine/simulate/simulate.h"
#include "proc/clock.h"
#include "wire/astm_write.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEED 7104
#define SPECIMENS_FROM 100000 /* not those of the staged hour: a specimen's results belong to the patient that it was ordered for */
#define SPECIMENS_AN_HOUR 5000
#define HOURS 100
#define BEFORE (300 * TIME_SECOND) /* what the first messages are behind */
#define LEAST_PAUSE_MS 200
#define ANSWER_MS 20000
#define FRAME_TEXT 240
#define LINKTYPE_ETHERNET 1
#define PORT_HL7 5100  /* where the simulated middleware listens for analyzers that speak HL7 … */
#define PORT_ASTM 4001 /* … and for the one that speaks ASTM */

enum kind { HL7, ASTM, KINDS };

struct player {
    struct config_endpoint to[KINDS];
    int fd[KINDS]; /* -1: not connected */
    struct sense *sense;
};

/* ── the LIS ── */

struct ear {
    int fd;
    enum kind kind;
};

static bool send_all(int fd, const void *p, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t sent = send(fd, (const uint8_t *)p + done, n - done, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        done += (size_t)sent;
    }
    return true;
}

/* Acknowledges a whole block with the control id that it has. */
static bool answer_hl7(int fd, struct span block)
{
    struct buf out = BUF_INIT(1024);
    struct span rest = block;
    struct span id = {0};
    for (int i = 0; i < 10; i++)
        id = span_until(&rest, '|', NULL);
    buf_addf(&out, "\x0bMSH|^~\\&|LIS|MAIN|||||ACK|A%.*s|P|2.5.1\rMSA|AA|%.*s\r\x1c\r", (int)(id.n < 50 ? id.n : 50), (const char *)id.p,
             (int)(id.n < 50 ? id.n : 50), (const char *)id.p);
    bool sent = buf_ok(&out) && send_all(fd, out.p, out.n);
    buf_release(&out);
    return sent;
}

static void *hear(void *context)
{
    struct ear *e = context;
    struct buf held = BUF_INIT(1u << 20);
    uint8_t piece[4096];
    ssize_t n;
    while ((n = recv(e->fd, piece, sizeof piece, 0)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            bool good = true;
            buf_u8(&held, piece[i]);
            if (e->kind == ASTM && (piece[i] == ASTM_BYTE_ENQ || piece[i] == '\n'))
                good = send_all(e->fd, (uint8_t[]){ASTM_BYTE_ACK}, 1);
            if (e->kind == HL7 && held.n > 1 && held.p[held.n - 2] == 0x1c && piece[i] == '\r') {
                good = answer_hl7(e->fd, buf_span(&held));
                buf_clear(&held);
            }
            if (e->kind == ASTM || !buf_ok(&held))
                buf_clear(&held);
            if (!good)
                (void)shutdown(e->fd, SHUT_RDWR);
        }
    }
    (void)close(e->fd);
    buf_release(&held);
    free(e);
    return NULL;
}

static void *listen_for(void *context)
{
    struct ear *listening = context;
    for (;;) {
        struct ear *e = malloc(sizeof *e);
        int fd = accept4(listening->fd, NULL, NULL, SOCK_CLOEXEC);
        pthread_t thread;
        if (fd < 0 || e == NULL) {
            free(e);
            if (fd >= 0)
                (void)close(fd);
            (void)usleep(100000);
            continue;
        }
        *e = (struct ear){.fd = fd, .kind = listening->kind};
        if (pthread_create(&thread, NULL, hear, e) == 0)
            (void)pthread_detach(thread);
    }
    return NULL;
}

/* ── the analyzers ── */

static int connect_to(const struct config_endpoint *to)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(to->port)};
    struct timeval patience = {.tv_sec = ANSWER_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, to->host, &at.sin_addr) != 1 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* Reads up to this byte. */
static bool wait_byte(int fd, uint8_t wanted)
{
    uint8_t c = 0;
    while (recv(fd, &c, 1, 0) == 1)
        if (c == wanted)
            return true;
    return false;
}

static bool send_hl7(int fd, struct span message)
{
    struct buf out = BUF_INIT(RECORD_BODY + 16);
    buf_u8(&out, 0x0b);
    buf_add_span(&out, message);
    buf_add_str(&out, "\x1c\r");
    bool done = buf_ok(&out) && send_all(fd, out.p, out.n) && wait_byte(fd, 0x1c) && wait_byte(fd, '\r');
    buf_release(&out);
    return done;
}

static bool send_astm(int fd, struct span records)
{
    bool done = send_all(fd, (uint8_t[]){ASTM_BYTE_ENQ}, 1) && wait_byte(fd, ASTM_BYTE_ACK);
    for (unsigned number = 1; done && records.n > 0; number++) {
        struct buf frame = BUF_INIT(1024);
        struct span text = span_take(&records, records.n < FRAME_TEXT ? records.n : FRAME_TEXT);
        astm_write_frame(&frame, number, text, records.n == 0);
        done = send_all(fd, frame.p, frame.n) && wait_byte(fd, ASTM_BYTE_ACK);
        buf_release(&frame);
    }
    return done && send_all(fd, (uint8_t[]){ASTM_BYTE_EOT}, 1);
}

/* The message under another name: these are other analyzers than those of the staged hour. */
static void rename_sender(enum kind kind, struct span body, struct buf *out)
{
    struct span rest = body;
    for (int i = 0; i < (kind == HL7 ? 2 : 4); i++) {
        bool more = false;
        buf_add_span(out, span_until(&rest, '|', &more));
        buf_u8(out, '|');
    }
    (void)span_until(&rest, '|', NULL);
    buf_add_str(out, kind == HL7 ? "LinkedCBC|" : "LinkedChem^Demo|");
    buf_add_span(out, rest);
}

static void play(struct player *p, enum kind kind, struct span body)
{
    struct buf message = BUF_INIT(RECORD_BODY + 64);
    rename_sender(kind, body, &message);
    if (p->fd[kind] < 0)
        p->fd[kind] = connect_to(&p->to[kind]);
    bool done = p->fd[kind] >= 0 && (kind == HL7 ? send_hl7 : send_astm)(p->fd[kind], buf_span(&message));
    if (!done && p->fd[kind] >= 0) {
        (void)close(p->fd[kind]);
        p->fd[kind] = -1;
    }
    buf_release(&message);
    (void)usleep(LEAST_PAUSE_MS * 1000);
}

/* Of the simulated lab's messages, those that these two analyzers send. */
static void take_record(void *context, const struct record *r)
{
    struct player *p = context;
    struct buf body = BUF_INIT(RECORD_BODY);
    bool hl7 = r->event == EVENT_LAB_MESSAGE && r->flow.dport == PORT_HL7 && span_is(record_get(r, KEY_PROTOCOL), "hl7");
    bool astm = r->event == EVENT_LAB_MESSAGE && r->flow.dport == PORT_ASTM && span_is(record_get(r, KEY_PROTOCOL), "astm");
    bool own = span_starts(record_get(r, KEY_SENDER), SPAN_LIT("LAB1^")) || hl7;
    if ((!hl7 && !astm) || !own || record_number(r, KEY_RESULTS, 0) == 0)
        return;
    for (size_t i = 0; i < r->n; i++)
        if (r->fields[i].key == KEY_BODY)
            buf_add_span(&body, r->fields[i].text);
    if (buf_ok(&body) && body.n > 2 && (hl7 || body.p[0] == 'H')) /* the first of a conversation may be told without its first frame */
        play(p, hl7 ? HL7 : ASTM, buf_span(&body));
    buf_release(&body);
}

static void wait_until(tq_time t)
{
    for (tq_time left = t - clock_now(); left > 0; left = t - clock_now())
        (void)usleep((unsigned)((left < TIME_SECOND ? left : TIME_SECOND) / 1000));
}

/* An hour of the lab, as it passes. */
static void play_hour(struct player *p, uint64_t seed, tq_time start, uint32_t specimens_from)
{
    struct error e = {0};
    struct simulate_options options = {.seed = seed, .seconds = SIMULATE_SECONDS, .start = start, .specimens_from = specimens_from};
    struct sense_options listening = {.sink = {.put = take_record, .context = p}, .bodies = true};
    struct simulate *s = simulate_new(&options, &e);
    struct sense *sense = s == NULL ? NULL : sense_new(&listening, &e);
    struct span bytes;
    tq_time at;
    while (sense != NULL && simulate_next(s, &at, &bytes, &e) == 1) {
        wait_until(at);
        sense_packet(sense, at, LINKTYPE_ETHERNET, bytes, bytes.n);
    }
    if (sense == NULL)
        (void)sleep(60);
    sense_free(sense);
    simulate_free(s);
}

_Noreturn static void run(const struct demo_links *d)
{
    static struct ear ears[KINDS];
    struct player p = {.to = {d->analyzer[HL7], d->analyzer[ASTM]}, .fd = {-1, -1}};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_IGN); /* the demo ends us */
    for (int i = 0; i < KINDS; i++) {
        pthread_t thread;
        ears[i] = (struct ear){.fd = d->lis_fd[i], .kind = (enum kind)i};
        if (pthread_create(&thread, NULL, listen_for, &ears[i]) != 0)
            _exit(1);
    }
    tq_time start = clock_now() - BEFORE;
    for (uint64_t hour = 0;; hour++)
        play_hour(&p, SEED + hour, start + (tq_time)hour * SIMULATE_SECONDS * TIME_SECOND,
                  SPECIMENS_FROM + (uint32_t)(hour % HOURS) * SPECIMENS_AN_HOUR);
}

pid_t demo_links_start(const struct demo_links *d)
{
    pid_t pid = fork();
    if (pid == 0)
        run(d);
    return pid;
}
