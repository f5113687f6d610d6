/* The narrowing of every role, tried out: what a role may do works, what it may not fails or kills it. Each try is a child process that narrows
 * itself. */
#include "../unit/cmocka_all.h"

#include "proc/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum outcome { WORKED, FAILED, KILLED };

static int data_fd = -1;
static char data_path[] = "/tmp/tourniquet-sandbox-XXXXXX";

/* Runs a try in a narrowed child: its errno is its exit status, 0 when it worked. */
static enum outcome outcome_of(enum role role, int (*try)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sandbox s = {.role = role,
                            .unprivileged = geteuid() != 0,
                            .uid = 65100 + (unsigned)role,
                            .data_fd = role == ROLE_KEEPER || role == ROLE_WITNESS ? data_fd : -1};
        char note[SANDBOX_NOTE];
        struct error e = {0};
        if (s.data_fd >= 0 && fchdir(data_fd) != 0)
            _exit(200);
        if (sandbox_narrow(&s, note, &e) != 0) {
            (void)fprintf(stderr, "# %s\n", e.text);
            _exit(201);
        }
        _exit(try() == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGSYS);
        return KILLED;
    }
    assert_true(WEXITSTATUS(status) < 200);
    return WEXITSTATUS(status) == 0 ? WORKED : FAILED;
}

static const enum role roles[] = {ROLE_SENSOR, ROLE_DETECTOR, ROLE_KEEPER, ROLE_CONSOLE, ROLE_COURIER, ROLE_RELAY, ROLE_WITNESS, ROLE_READER};

static void all_give(int (*try)(void), enum outcome wanted)
{
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        assert_int_equal(outcome_of(roles[i], try), wanted);
}

static int open_passwd(void)
{
    return open("/etc/passwd", O_RDONLY) < 0;
}

static int read_own_exe(void)
{
    return open("/proc/self/exe", O_RDONLY) < 0;
}

static int write_tmp(void)
{
    return open("/tmp/tourniquet-sandbox-escape", O_CREAT | O_WRONLY, 0600) < 0;
}

static int open_ip_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int listen_somewhere(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = {.sin_family = AF_INET};
    return fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) != 0 || listen(fd, 1) != 0;
}

static int write_etc(void)
{
    return open("/etc/tourniquet-sandbox-escape", O_CREAT | O_WRONLY, 0600) < 0;
}

static int open_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}

static int start_shell(void)
{
    char *const arguments[] = {(char[]){"sh"}, NULL};
    char *const none[] = {NULL};
    return execve("/bin/sh", arguments, none);
}

static int trace_parent(void)
{
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) != 0;
}

static int fork_child(void)
{
    return syscall(SYS_fork) < 0;
}

/* As the reader does it for each mail: forked, limited, waited for; and what it made makes no other. */
static int fork_reader(void)
{
    const struct rlimit none = {0, 0};
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(setrlimit(RLIMIT_NPROC, &none) != 0 || socket(AF_INET, SOCK_STREAM, 0) >= 0 || open("/etc/passwd", O_RDONLY) >= 0 ? 1 : 7);
    return pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7;
}

static int limit_parent(void)
{
    const struct rlimit none = {0, 0};
    return prlimit(getppid(), RLIMIT_CORE, &none, NULL) != 0;
}

static int make_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int become_root(void)
{
    return syscall(SYS_setresuid, 0, 0, 0) != 0;
}

static int kill_parent(void)
{
    return kill(getppid(), 0) != 0;
}

static int write_and_time(void)
{
    struct timespec t;
    uint8_t random[16];
    void *p = malloc(1 << 20);
    int r = p == NULL || write(STDERR_FILENO, "", 0) != 0 || clock_gettime(CLOCK_BOOTTIME, &t) != 0 ||
            syscall(SYS_getrandom, random, sizeof random, 0) != 16;
    free(p);
    return r;
}

static int keep_a_file(void)
{
    int fd = open("kept", O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);
    return fd < 0 || pwrite(fd, "x", 1, 0) != 1 || fsync(fd) != 0 || mkdir("below", 0700) != 0 || rename("kept", "below/kept") != 0 ||
           unlink("below/kept") != 0 || rmdir("below") != 0;
}

static int leave_the_folder(void)
{
    return open("../../etc/passwd", O_RDONLY) < 0;
}

static void *nothing(void *context)
{
    return context;
}

static int ask_ring(void)
{
    char stats[64];
    socklen_t size = sizeof stats;
    int no_ring = getsockopt(STDERR_FILENO, SOL_PACKET, PACKET_STATISTICS, stats, &size) != 0 && errno == ENOTSOCK;
    int no_trouble = getsockopt(STDERR_FILENO, SOL_SOCKET, SO_ERROR, stats, &size) != 0 && errno == ENOTSOCK;
    return !no_ring || !no_trouble;
}

static int ask_other(void)
{
    int kind;
    socklen_t size = sizeof kind;
    return getsockopt(STDERR_FILENO, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 || errno != ENOTSOCK;
}

static int start_thread(void)
{
    pthread_t t;
    return pthread_create(&t, NULL, nothing, NULL) != 0 || pthread_join(t, NULL) != 0;
}

static int accept_connection(void)
{
    return accept4(-1, NULL, NULL, 0) >= 0 || errno != EBADF;
}

static void test_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) /* the courier looks names up: it may read below /etc */
        assert_int_equal(outcome_of(roles[i], open_passwd), roles[i] == ROLE_COURIER ? WORKED : FAILED);
    all_give(read_own_exe, FAILED);
    all_give(write_tmp, FAILED);
    assert_int_equal(access("/tmp/tourniquet-sandbox-escape", F_OK), -1);
}

static void test_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        assert_int_equal(outcome_of(roles[i], open_ip_socket), roles[i] == ROLE_COURIER ? WORKED : FAILED);
    assert_int_equal(outcome_of(ROLE_COURIER, listen_somewhere), FAILED);
    assert_int_equal(outcome_of(ROLE_COURIER, write_etc), FAILED);
    assert_int_equal(outcome_of(ROLE_COURIER, accept_connection), FAILED);
    assert_int_equal(outcome_of(ROLE_RELAY, listen_somewhere), FAILED); /* it accepts on what it was handed, and opens nothing */
    assert_int_equal(outcome_of(ROLE_RELAY, accept_connection), WORKED);
    all_give(open_unix_socket, FAILED);
}

static void test_processes(void **state)
{
    (void)state;
    all_give(start_shell, KILLED);
    all_give(trace_parent, KILLED);
    all_give(fork_child, FAILED);
    assert_int_equal(outcome_of(ROLE_READER, fork_reader), WORKED);
    assert_int_equal(outcome_of(ROLE_DETECTOR, fork_reader), FAILED);
    assert_int_equal(outcome_of(ROLE_READER, start_thread), FAILED);
    all_give(limit_parent, FAILED);
    all_give(kill_parent, FAILED);
    all_give(become_root, FAILED);
}

static void test_code(void **state)
{
    (void)state;
    all_give(make_code, FAILED);
}

static void test_what_is_allowed(void **state)
{
    (void)state;
    all_give(write_and_time, WORKED);
    assert_int_equal(outcome_of(ROLE_CONSOLE, accept_connection), WORKED);
    assert_int_equal(outcome_of(ROLE_WITNESS, accept_connection), WORKED);
    assert_int_equal(outcome_of(ROLE_SENSOR, ask_ring), WORKED);
    assert_int_equal(outcome_of(ROLE_SENSOR, ask_other), FAILED);
    assert_int_equal(outcome_of(ROLE_DETECTOR, ask_ring), FAILED);
    assert_int_equal(outcome_of(ROLE_SENSOR, accept_connection), FAILED);
    assert_int_equal(outcome_of(ROLE_DETECTOR, accept_connection), FAILED);
}

static void test_keeper_has_its_folder(void **state)
{
    (void)state;
    assert_int_equal(outcome_of(ROLE_KEEPER, keep_a_file), WORKED);
    assert_int_equal(outcome_of(ROLE_KEEPER, leave_the_folder), FAILED);
    assert_int_equal(outcome_of(ROLE_WITNESS, leave_the_folder), FAILED);
    assert_int_equal(outcome_of(ROLE_WITNESS, start_thread), FAILED);
    assert_int_equal(outcome_of(ROLE_KEEPER, start_thread), WORKED);
    assert_int_equal(outcome_of(ROLE_SENSOR, start_thread), FAILED);
    assert_int_equal(outcome_of(ROLE_CONSOLE, keep_a_file), FAILED);
}

static void test_wrong_roles(void **state)
{
    (void)state;
    char note[SANDBOX_NOTE];
    struct error e = {0};
    struct sandbox s = {.role = ROLE_SUPERVISOR, .unprivileged = true, .data_fd = -1};
    assert_int_equal(sandbox_narrow(&s, note, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(data_path) == NULL)
        return -1;
    data_fd = open(data_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return data_fd < 0 || (geteuid() == 0 && fchown(data_fd, 65100 + ROLE_KEEPER, 65100 + ROLE_KEEPER) != 0) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(data_fd);
    return rmdir(data_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),       cmocka_unit_test(test_network),         cmocka_unit_test(test_processes),
        cmocka_unit_test(test_code),        cmocka_unit_test(test_what_is_allowed), cmocka_unit_test(test_keeper_has_its_folder),
        cmocka_unit_test(test_wrong_roles),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
