/* The reader: reads mails that people report, and nothing else. A mail is as hostile as a file can be, so each is read by a process of its own,
 * forked when it came, that is gone when it is done: whoever gets to run something in there has one mail, which they wrote themselves, and a socket
 * pair's end to nobody. It has no network, no file, no key, and cannot make processes.
 *
 *   idle → MAIL comes → (a connection to the virus scanner is asked of the supervisor) → fork → its answer, or its death → MAIL_READ → idle
 *
 * One mail at a time: the next one waits in the channel. */
#include "proc/clock.h"
#include "proc/mail_job.h"
#include "proc/role.h"

#include "door/mailed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPU_SECONDS 8
#define LONGEST (14 * TIME_SECOND) /* less than the keeper waits */
#define MEMORY (768u << 20)
#define ANSWERS (1u << 20)
#define SCANNER_MS 500

struct reader {
    struct role_self self;
    struct channel keeper;
    struct mail_known *known;
    uint32_t job;
    pid_t pid; /* 0: idle */
    int answer;
    struct buf got;
    tq_time until;
    bool stopping;
};

static struct reader r = {.keeper = {.fd = -1}, .answer = -1, .got = {.max = MAILED_MAX + 1, .secret = true}};

/* ── the process that reads one mail ── */

_Noreturn static void read_one(const struct mail_job *job, int scanner, const int pipe[2])
{
    const struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS};
    const struct rlimit no_processes = {0, 0};
    struct buf out = BUF_INIT(MAILED_MAX);
    struct error e = {0};
    if (setrlimit(RLIMIT_CPU, &cpu) != 0 || setrlimit(RLIMIT_NPROC, &no_processes) != 0)
        _exit(1);
    int answer = pipe[1];
    (void)close(pipe[0]);
    (void)close(ROLE_CONTROL_FD);
    (void)close(r.keeper.fd);
    uint8_t status = MAIL_TOLD;
    if (mail_job_do(r.known, job, scanner, &out, &e) != 0)
        status = e.class == ERR_MISUSE ? MAIL_NONE : MAIL_HARM;
    if (write(answer, &status, 1) != 1)
        _exit(1);
    for (size_t at = 0; status == MAIL_TOLD && at < out.n;) {
        ssize_t n = write(answer, out.p + at, out.n - at);
        if (n <= 0)
            _exit(1);
        at += (size_t)n;
    }
    _exit(0);
}

/* ── around it ── */

static void tell(uint8_t status, struct span told)
{
    struct buf out = BUF_SECRET(MAILED_MAX + 8); /* whoever takes over the next process finds nothing of this mail in what it inherits */
    buf_be32(&out, r.job);
    buf_u8(&out, status);
    buf_add_span(&out, told);
    if (buf_ok(&out))
        (void)channel_put(&r.keeper, MESSAGE_MAIL_READ, buf_span(&out), NULL); /* where the keeper is gone, nobody waits */
    buf_release(&out);
}

/* Its process ended, or has to. One that had no use of its time, because others had the processor, says nothing about its mail. */
static void done(bool ended)
{
    int status = 0;
    struct rusage used = {0};
    bool late = !ended && clock_monotonic() >= r.until;
    if (!ended)
        (void)syscall(SYS_tgkill, r.pid, r.pid, SIGKILL);
    while (wait4(r.pid, &status, 0, &used) < 0 && errno == EINTR)
        continue;
    bool starved = late && used.ru_utime.tv_sec + used.ru_stime.tv_sec < CPU_SECONDS / 2;
    (void)close(r.answer);
    r.answer = -1;
    r.pid = 0;
    bool whole = ended && WIFEXITED(status) && WEXITSTATUS(status) == 0 && buf_ok(&r.got) && r.got.n > 0;
    struct span told = buf_span(&r.got);
    uint8_t said = whole ? span_u8(&told) : starved ? MAIL_LATER : MAIL_HARM;
    tell(said, said == MAIL_TOLD ? told : (struct span){0});
    buf_release(&r.got);
}

static void read_answer(void)
{
    uint8_t piece[65536];
    ssize_t n = read(r.answer, piece, sizeof piece);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0)
        buf_add(&r.got, piece, (size_t)n);
    if (n <= 0)
        done(true);
    else if (!buf_ok(&r.got))
        done(false);
}

/* What the supervisor says. The descriptor of a scanner's connection goes to ret_scanner, where somebody waits for it. */
static bool hear(int ms, int *ret_scanner)
{
    struct message m;
    int got = role_control(&r.self, ms, &m);
    if (got < 0)
        r.stopping = true;
    if (got != 1)
        return false;
    if (m.type == MESSAGE_SCANNER) {
        if (ret_scanner != NULL && m.fd_count == 1)
            *ret_scanner = m.fds[0];
        else if (m.fd_count == 1)
            (void)close(m.fds[0]);
        return ret_scanner == NULL;
    }
    int fd;
    if (role_peer(&m, &fd, NULL) == ROLE_KEEPER) {
        channel_close(&r.keeper);
        channel_open(&r.keeper, fd, ROLE_READER, ROLE_KEEPER, ANSWERS);
        r.keeper.in.secret = true; /* patients may be named in a mail */
        r.keeper.out.secret = true;
    }
    return true;
}

static int ask_scanner(void)
{
    int fd = -1;
    tq_time until = clock_monotonic() + SCANNER_MS * TIME_MS;
    if (channel_send(&r.self.control, MESSAGE_SCANNER, (struct span){0}, NULL) != 0)
        return -1;
    while (!r.stopping) {
        tq_time left = (until - clock_monotonic()) / TIME_MS;
        if (left < 0 || !hear((int)left, &fd))
            break;
    }
    return fd;
}

static int begin(struct span body, struct error *e)
{
    struct mail_job job;
    int pipe[2];
    if (mail_job_decode(body, &job, e) != 0)
        return -1;
    r.job = job.id;
    int keeper = r.keeper.fd;
    int scanner = job.scan ? ask_scanner() : -1;
    if (r.stopping || r.keeper.fd != keeper) { /* who asked is gone, and the mail with it */
        if (scanner >= 0)
            (void)close(scanner);
        return 0;
    }
    r.pid = pipe2(pipe, O_CLOEXEC) == 0 ? fork() : -1;
    if (r.pid == 0)
        read_one(&job, scanner, pipe);
    if (scanner >= 0)
        (void)close(scanner);
    if (r.pid < 0) {
        r.pid = 0;
        tell(MAIL_LATER, (struct span){0});
        return 0;
    }
    (void)close(pipe[1]);
    r.answer = pipe[0];
    r.until = clock_monotonic() + LONGEST;
    return 0;
}

static void read_keeper(void)
{
    struct error e = {0};
    struct message m;
    int got = channel_read(&r.keeper, &e);
    if (got != 0 && e.class == ERR_AGAIN)
        got = 0;
    if (got == 0 && (got = channel_next(&r.keeper, &m, &e)) == 1)
        got = begin(m.body, &e);
    channel_forget(&r.keeper);
    if (got == 0)
        return;
    if (e.class == ERR_PEER)
        role_complain(&r.self, ROLE_KEEPER, &e);
    channel_close(&r.keeper);
}

static void turn(void)
{
    bool busy = r.pid != 0;
    tq_time left = busy ? (r.until - clock_monotonic()) / TIME_MS + 1 : 60000;
    struct pollfd p[] = {{.fd = r.self.control.fd, .events = POLLIN},
                         {.fd = r.keeper.fd, .events = (short)((busy ? 0 : POLLIN) | (channel_waiting(&r.keeper) > 0 ? POLLOUT : 0))},
                         {.fd = r.answer, .events = POLLIN}};
    if (poll(p, 3, left < 0 ? 0 : (int)left) < 0)
        return;
    if (r.keeper.fd >= 0 && channel_waiting(&r.keeper) > 0)
        (void)channel_write(&r.keeper, NULL); /* where it is gone, reading tells */
    if (busy && p[2].revents != 0)
        read_answer();
    else if (busy && clock_monotonic() >= r.until)
        done(false);
    if (!busy && (p[1].revents & ~POLLOUT) != 0)
        read_keeper();
    if (p[0].revents != 0)
        while (hear(0, NULL))
            continue;
}

int main(void)
{
    struct error e = {0};
    char note[256];
    role_begin(&r.self, ROLE_READER);
    r.known = mail_known_new(&e);
    if (r.known == NULL)
        role_fail(&r.self, &e);
#ifndef SANITIZED /* its shadow takes terabytes of addresses */
    const struct rlimit memory = {MEMORY, MEMORY};
    (void)setrlimit(RLIMIT_AS, &memory);
#endif
    role_narrow(&r.self, -1, note);
    role_ready(&r.self, note);
    while (hear(0, NULL))
        continue;
    while (!r.stopping)
        turn();
    _exit(0);
}
