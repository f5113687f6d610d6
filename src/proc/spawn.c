#include "proc/spawn.h"

#include "proc/role.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCKED_MOST (512u << 20) /* bytes of keys that the keeper may keep out of the swap file: all that a keyring can have */
#define UID_BASE 65100 /* 65101 …: above what Debian gives to users, below nobody; inside systemd's range for uids that last as long as a service */

int spawn_find(char folder[SPAWN_PATH], struct error *e)
{
    char self[SPAWN_PATH - 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return err_sys(e, errno, "finding this program's own place");
    self[n] = 0;
    char *slash = strrchr(self, '/');
    if (slash != NULL)
        *slash = 0;
    const char *const beside[] = {"/libexec/tourniquet", "/../libexec/tourniquet", NULL};
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        char probe[SPAWN_PATH + 16];
        if (beside[i] != NULL)
            (void)snprintf(folder, SPAWN_PATH, "%s%s", self, beside[i]);
        else
            (void)snprintf(folder, SPAWN_PATH, "%s", TOURNIQUET_LIBEXEC);
        (void)snprintf(probe, sizeof probe, "%s/keeper", folder);
        if (access(probe, X_OK) == 0)
            return 0;
    }
    return err_set(e, ERR_SYSTEM, "the parts of Tourniquet (libexec/tourniquet/keeper …) are neither beside this program nor in " TOURNIQUET_LIBEXEC);
}

/* In the child: only async-signal-safe calls. */
_Noreturn static void become_role(int program, const char *name, int control)
{
    const struct rlimit locked = {LOCKED_MOST, LOCKED_MOST};
    if (strcmp(name, "keeper") == 0) /* where it may not be raised, the keeper says that keys may be swapped out */
        (void)setrlimit(RLIMIT_MEMLOCK, &locked);
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
        _exit(126);
    if (control == ROLE_CONTROL_FD ? fcntl(control, F_SETFD, 0) != 0 : dup2(control, ROLE_CONTROL_FD) < 0)
        _exit(126);
    (void)close_range(ROLE_CONTROL_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC); /* the program's own, too: once it runs */
    /* An empty environment, but for the options of a sanitizer build. */
    char *environment[3] = {NULL, NULL, NULL};
#ifdef SANITIZED_ADDRESS
    static char options[] = "ASAN_OPTIONS=detect_leaks=0:abort_on_error=1";
    static char undefined[] = "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1";
    environment[0] = options;
    environment[1] = undefined;
#endif
#ifdef SANITIZED_THREAD /* what it finds goes to standard error: nothing else is open, and no program that knows names may be started */
    static char threads[] = "TSAN_OPTIONS=log_path=stderr:symbolize=0:die_after_fork=0";
    environment[0] = threads;
#endif
    char title[48] = "tourniquet-"; /* as `ps` shows it */
    memcpy(title + strlen(title), name, strlen(name) + 1);
    char *const arguments[] = {title, NULL};
    (void)execveat(program, "", arguments, environment, AT_EMPTY_PATH);
    _exit(127);
}

int spawn_role(int program, enum role role, pid_t *ret_pid, int *ret_control, struct error *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_sys(e, errno, "making a channel to the %s", role_name(role));
    pid_t pid = fork();
    if (pid == 0)
        become_role(program, role_name(role), pair[1]);
    int why = errno;
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return err_sys(e, why, "starting the %s", role_name(role));
    }
    *ret_pid = pid;
    *ret_control = pair[0];
    return 0;
}

uid_t spawn_uid(enum role role)
{
    char name[64];
    (void)snprintf(name, sizeof name, "tourniquet-%s", role_name(role));
    const struct passwd *p = getpwnam(name);
    return p != NULL && p->pw_uid != 0 ? p->pw_uid : (uid_t)(UID_BASE + (unsigned)role);
}
