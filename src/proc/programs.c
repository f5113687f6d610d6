#include "proc/programs.h"

#include "base/span.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 10000
#define ABOVE 16

static const enum role started[] = {ROLE_SENSOR, ROLE_DETECTOR, ROLE_KEEPER, ROLE_CONSOLE, ROLE_COURIER, ROLE_RELAY, ROLE_WARDEN, ROLE_READER};
#define STARTED (sizeof started / sizeof started[0])

const char *programs_version(void)
{
    return TQ_VERSION;
}

void programs_none(struct programs *p)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        p->fd[i] = -1;
    p->mark = 0;
}

void programs_close(struct programs *p)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (p->fd[i] >= 0)
            (void)close(p->fd[i]);
    programs_none(p);
}

int programs_open(const char *folder, struct programs *ret, struct error *e)
{
    struct programs p;
    programs_none(&p);
    for (size_t i = 0; i < STARTED; i++) {
        char path[4200];
        struct stat st;
        (void)snprintf(path, sizeof path, "%s/%s", folder, role_name(started[i]));
        int low = open(path, O_RDONLY | O_CLOEXEC);
        int fd = p.fd[started[i]] = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, ABOVE); /* where a role's own descriptors are put (spawn.c) */
        if (low >= 0)
            (void)close(low);
        if (fd < 0 || fstat(fd, &st) != 0) {
            int why = errno;
            programs_close(&p);
            return err_sys(e, why, "a part of Tourniquet, %s, cannot be opened", path);
        }
        p.mark = p.mark * 1099511628211u + (uint64_t)st.st_ino * 31 + (uint64_t)st.st_mtim.tv_sec * 1000003 + (uint64_t)st.st_mtim.tv_nsec;
    }
    *ret = p;
    return 0;
}

int programs_self(char *out, size_t size, struct error *e)
{
    static const char gone[] = " (deleted)";
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    if (n <= 0)
        return err_sys(e, errno, "finding this program's own place");
    out[n] = 0;
    size_t end = (size_t)n > sizeof gone - 1 ? (size_t)n - (sizeof gone - 1) : 0;
    if (end > 0 && strcmp(out + end, gone) == 0)
        out[end] = 0;
    return 0;
}

_Noreturn static void become(const char *path, int answer)
{
    char name[] = "tourniquet";
    char verb[] = "upgrade";
    char build[] = "--build";
    char *const arguments[] = {name, verb, build, NULL};
    char *const environment[] = {NULL};
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDERR_FILENO) < 0 || dup2(answer, STDOUT_FILENO) < 0)
        _exit(126);
    (void)close_range(3, ~0u, 0);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(path, arguments, environment);
    _exit(127);
}

static size_t read_answer(int fd, char *out, size_t size)
{
    size_t n = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (n < size - 1 && poll(&p, 1, ANSWER_MS) > 0) {
        ssize_t got = read(fd, out + n, size - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    out[n] = 0;
    return n;
}

int programs_ask(const char *path, char ret_version[PROGRAM_VERSION], uint32_t *ret_dialect, struct error *e)
{
    int ends[2];
    char answer[128];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(e, errno, "asking the new program");
    pid_t pid = fork();
    if (pid == 0)
        become(path, ends[1]);
    int why = errno;
    (void)close(ends[1]);
    size_t n = pid < 0 ? 0 : read_answer(ends[0], answer, sizeof answer);
    (void)close(ends[0]);
    if (pid < 0)
        return err_sys(e, why, "asking the new program");
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    struct span s = span_of(answer, n);
    struct span name = span_until(&s, ' ', NULL);
    struct span version = span_until(&s, ' ', NULL);
    struct span number = span_until(&s, '\n', NULL);
    uint64_t dialect;
    if (!span_is(name, "tourniquet") || version.n == 0 || version.n >= PROGRAM_VERSION || !span_decimal(number, UINT32_MAX, &dialect))
        return err_set(e, ERR_SYSTEM, "the program %s does not run, or is none of ours", path);
    (void)snprintf(ret_version, PROGRAM_VERSION, "%.*s", (int)version.n, (const char *)version.p);
    *ret_dialect = (uint32_t)dialect;
    return 0;
}
