#include "proc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ── who it is ── */

static int no_traces(struct error *e)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_sys(e, errno, "switching core files off");
    return 0;
}

/* Drops all but what the warden needs, and has: the right to change the firewall. */
static int keep_capabilities(enum role role, struct error *e)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct had[2] = {0};
    struct __user_cap_data_struct kept[2] = {0};
    if (role == ROLE_WARDEN && syscall(SYS_capget, &head, had) == 0)
        kept[0].permitted = kept[0].effective = had[0].permitted & (1u << CAP_NET_ADMIN);
    if (syscall(SYS_capset, &head, kept) != 0)
        return err_sys(e, errno, "dropping capabilities");
    return 0;
}

static int become(const struct sandbox *s, struct error *e)
{
    bool root = geteuid() == 0;
    if (s->role == ROLE_WARDEN && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return err_sys(e, errno, "keeping the right to change the firewall");
    if (root)
        for (int cap = 0; cap <= 63 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
            if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EPERM)
                return err_sys(e, errno, "dropping capability %d from the bounding set", cap);
    if (root && !s->unprivileged) {
        if (s->uid == 0)
            return err_set(e, ERR_MISUSE, "a role may not keep uid 0");
        if (setgroups(0, NULL) != 0 || setresgid(s->uid, s->uid, s->uid) != 0 || setresuid(s->uid, s->uid, s->uid) != 0)
            return err_sys(e, errno, "becoming uid %u", s->uid);
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return err_sys(e, errno, "clearing ambient capabilities");
    return keep_capabilities(s->role, e);
}

/* ── files: Landlock ── */

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (UINT64_C(1) << 13)
#endif
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)

/* Every file right that a Landlock of this ABI can take away. */
static uint64_t rights_of(long abi)
{
    uint64_t rights = (UINT64_C(1) << 13) - 1; /* EXECUTE … MAKE_SYM, ABI 1 */
    if (abi >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        rights |= FS_TRUNCATE;
    if (abi >= 5)
        rights |= FS_IOCTL_DEV;
    return rights;
}

static int allow_below(int ruleset, int dir, uint64_t rights, struct error *e)
{
    struct landlock_path_beneath_attr below = {.allowed_access = rights, .parent_fd = dir};
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0) != 0)
        return err_sys(e, errno, "allowing a folder in Landlock");
    return 0;
}

/* Where the C library looks names up. These are whole folders: the files in them are replaced, and a rule holds for a file, not for its name. */
static int allow_names(int ruleset, struct error *e)
{
    static const char *const folders[] = {"/etc", "/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf"};
    int r = 0;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && r == 0; i++) {
        int dir = open(folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            continue;
        r = allow_below(ruleset, dir, LANDLOCK_ACCESS_FS_READ_FILE, e);
        (void)close(dir);
    }
    return r;
}

static int close_files(const struct sandbox *s, char note[SANDBOX_NOTE], struct error *e)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) {
        (void)snprintf(note, SANDBOX_NOTE, "this kernel has no Landlock: files are kept from it by its system call list and its uid only");
        return 0;
    }
    uint64_t all = rights_of(abi);
    struct landlock_ruleset_attr attributes = {.handled_access_fs = all};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0);
    if (ruleset < 0)
        return err_sys(e, errno, "making a Landlock ruleset");
    int result = 0;
    if (s->data_fd >= 0) {
        uint64_t kept = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                        LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER |
                        FS_TRUNCATE;
        result = allow_below(ruleset, s->data_fd, kept & all, e);
        if (result == 0 && s->also_fd > 0)
            result = allow_below(ruleset, s->also_fd, kept & all, e);
    }
    if (result == 0 && s->role == ROLE_COURIER)
        result = allow_names(ruleset, e);
    if (result == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        result = err_sys(e, errno, "entering the Landlock ruleset");
    (void)close(ruleset);
    return result;
}

/* ── system calls: seccomp ── */

/* Memory, time, signals, threads' waiting, and descriptors that are open already. mmap and mprotect are allowed without PROT_EXEC, fstat without a
 * path. */
static const int common_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(fcntl),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(getrandom),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrusage),
    SCMP_SYS(tgkill),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
};

static const int sensor_calls[] = {SCMP_SYS(fadvise64)};

/* What a packet ring needs beside memory and poll: its counters, and why poll reports an error. */
static int add_ring(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp counters[] = {SCMP_A1(SCMP_CMP_EQ, SOL_PACKET), SCMP_A2(SCMP_CMP_EQ, PACKET_STATISTICS)};
    const struct scmp_arg_cmp trouble[] = {SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET), SCMP_A2(SCMP_CMP_EQ, SO_ERROR)};
    int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(getsockopt), 2, counters);
    return r != 0 ? r : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(getsockopt), 2, trouble);
}

static const int keeper_calls[] = {
    SCMP_SYS(openat),    SCMP_SYS(unlink),  SCMP_SYS(unlinkat),        SCMP_SYS(rename),    SCMP_SYS(renameat),    SCMP_SYS(renameat2),
    SCMP_SYS(mkdir),     SCMP_SYS(mkdirat), SCMP_SYS(rmdir),           SCMP_SYS(link),      SCMP_SYS(linkat),      SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(syncfs),  SCMP_SYS(sync_file_range), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),   SCMP_SYS(fadvise64),
    SCMP_SYS(pwrite64),  SCMP_SYS(pwritev), SCMP_SYS(preadv),          SCMP_SYS(flock),     SCMP_SYS(getdents64),  SCMP_SYS(newfstatat),
    SCMP_SYS(stat),      SCMP_SYS(lstat),   SCMP_SYS(statx),           SCMP_SYS(access),    SCMP_SYS(faccessat),   SCMP_SYS(faccessat2),
    SCMP_SYS(fchmod),    SCMP_SYS(statfs),  SCMP_SYS(fstatfs),         SCMP_SYS(readlink),  SCMP_SYS(readlinkat),  SCMP_SYS(getcwd),
    SCMP_SYS(umask),     SCMP_SYS(accept4), SCMP_SYS(getsockopt),      SCMP_SYS(shutdown),  SCMP_SYS(mlock),       SCMP_SYS(mlock2),
    SCMP_SYS(munlock),   SCMP_SYS(msync),   SCMP_SYS(getuid),          SCMP_SYS(geteuid),   SCMP_SYS(getgid),      SCMP_SYS(getegid),
    SCMP_SYS(sysinfo),   SCMP_SYS(uname),   SCMP_SYS(pipe2),           SCMP_SYS(eventfd2),  SCMP_SYS(setpriority), SCMP_SYS(sched_setattr),
};

static const int console_calls[] = {
    SCMP_SYS(accept),     SCMP_SYS(accept4),       SCMP_SYS(getsockname),    SCMP_SYS(getpeername),     SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt), SCMP_SYS(shutdown),      SCMP_SYS(epoll_wait),     SCMP_SYS(epoll_pwait),     SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_ctl),  SCMP_SYS(epoll_create1), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),      SCMP_SYS(mlock),         SCMP_SYS(mlock2),         SCMP_SYS(munlock),
};

static const int courier_calls[] = {
    SCMP_SYS(connect),  SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
    SCMP_SYS(sendmmsg), SCMP_SYS(pipe2),       SCMP_SYS(eventfd2),    SCMP_SYS(newfstatat), SCMP_SYS(getuid),     SCMP_SYS(geteuid),
    SCMP_SYS(getgid),   SCMP_SYS(getegid),     SCMP_SYS(uname),       SCMP_SYS(mlock),      SCMP_SYS(munlock),    SCMP_SYS(sysinfo),
};

/* It is handed every socket: it accepts, but opens, binds and connects none. The spool is a descriptor, too. */
static const int relay_calls[] = {
    SCMP_SYS(accept4),    SCMP_SYS(getsockname), SCMP_SYS(getpeername),  SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),    SCMP_SYS(shutdown),
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),  SCMP_SYS(epoll_create1), SCMP_SYS(eventfd2),
    SCMP_SYS(pwrite64),   SCMP_SYS(fdatasync),   SCMP_SYS(ftruncate),    SCMP_SYS(fallocate),  SCMP_SYS(fstatfs),       SCMP_SYS(mlock),
    SCMP_SYS(munlock),    SCMP_SYS(madvise),     SCMP_SYS(pwritev2),
};

/* Nobody in this house does these: whoever tries is an intruder. */
static const int deadly_calls[] = {
    SCMP_SYS(execve),      SCMP_SYS(execveat),        SCMP_SYS(ptrace),         SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
    SCMP_SYS(bpf),         SCMP_SYS(mount),           SCMP_SYS(umount2),        SCMP_SYS(pivot_root),       SCMP_SYS(chroot),
    SCMP_SYS(unshare),     SCMP_SYS(setns),           SCMP_SYS(init_module),    SCMP_SYS(finit_module),     SCMP_SYS(kexec_load),
    SCMP_SYS(userfaultfd), SCMP_SYS(perf_event_open), SCMP_SYS(io_uring_setup), SCMP_SYS(keyctl),           SCMP_SYS(add_key),
    SCMP_SYS(request_key),
};

static int add_calls(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int r = seccomp_rule_add(filter, action, calls[i], 0);
        if (r != 0 && r != -EDOM) /* EDOM: this architecture has no such call */
            return r;
    }
    return 0;
}

#define ADD(filter, action, calls) add_calls(filter, action, calls, sizeof(calls) / sizeof(calls)[0])

static int add_memory(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &no_exec);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &no_exec);
    return r;
}

/* Threads, but no processes. glibc tries clone3 first, whose flags a filter cannot see: "no such call" makes it take clone. */
static int add_threads(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
    int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &thread);
    return r != 0 ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* A process for each mail, with nothing that threads, namespaces or traces need; it is waited for, and may be limited. Of sockets it is handed one,
 * whose time may be limited. */
static int add_reader(scmp_filter_ctx filter)
{
    const uint64_t fork_flags = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CSIGNAL;
    const struct scmp_arg_cmp plain = SCMP_A0(SCMP_CMP_MASKED_EQ, UINT64_MAX & ~fork_flags, 0);
    const struct scmp_arg_cmp itself = SCMP_A0(SCMP_CMP_EQ, 0);
    const struct scmp_arg_cmp patience[] = {SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET), SCMP_A2(SCMP_CMP_EQ, SO_RCVTIMEO)};
    const struct scmp_arg_cmp sending[] = {SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET), SCMP_A2(SCMP_CMP_EQ, SO_SNDTIMEO)};
    const int calls[] = {SCMP_SYS(wait4), SCMP_SYS(pipe2)};
    int r = ADD(filter, SCMP_ACT_ALLOW, calls);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &plain);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, &itself);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2, patience);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2, sending);
    return r != 0 ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* It connects, over IP only; it never listens, binds or accepts. Names are resolved by the C library, which reads the few files that Landlock leaves.
 */
static int add_courier(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp four = SCMP_A0(SCMP_CMP_EQ, AF_INET);
    const struct scmp_arg_cmp six = SCMP_A0(SCMP_CMP_EQ, AF_INET6);
    const struct scmp_arg_cmp pair = SCMP_A0(SCMP_CMP_EQ, AF_UNIX);
    const struct scmp_arg_cmp read_only = SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
    const struct scmp_arg_cmp waiting = SCMP_A1(SCMP_CMP_EQ, FIONREAD);
    const struct {
        int call;
        const struct scmp_arg_cmp *when;
    } rules[] = {{SCMP_SYS(socket), &four},
                 {SCMP_SYS(socket), &six},
                 {SCMP_SYS(socketpair), &pair},
                 {SCMP_SYS(openat), &read_only},
                 {SCMP_SYS(ioctl), &waiting}};
    int r = ADD(filter, SCMP_ACT_ALLOW, courier_calls);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && r == 0; i++)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, 1, rules[i].when);
    return r != 0 ? r : add_threads(filter);
}

static int add_role(scmp_filter_ctx filter, enum role role)
{
    const struct scmp_arg_cmp by_descriptor = SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH);
    int r = 0;
    if (role != ROLE_KEEPER && role != ROLE_WITNESS && role != ROLE_COURIER) /* these may use paths: Landlock says which */
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, &by_descriptor);
    if (r != 0)
        return r;
    switch (role) {
    case ROLE_SENSOR: r = ADD(filter, SCMP_ACT_ALLOW, sensor_calls); return r != 0 ? r : add_ring(filter);
    case ROLE_KEEPER: r = ADD(filter, SCMP_ACT_ALLOW, keeper_calls); return r != 0 ? r : add_threads(filter);
    case ROLE_CONSOLE: return ADD(filter, SCMP_ACT_ALLOW, console_calls);
    case ROLE_COURIER: return add_courier(filter);
    case ROLE_RELAY: r = ADD(filter, SCMP_ACT_ALLOW, relay_calls); return r != 0 ? r : add_threads(filter);
    case ROLE_READER: return add_reader(filter);
    case ROLE_WITNESS: r = ADD(filter, SCMP_ACT_ALLOW, keeper_calls); return r != 0 ? r : ADD(filter, SCMP_ACT_ALLOW, console_calls);
    default: return 0;
    }
}

static int close_calls(enum role role, struct error *e)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for the system call list");
    int r = ADD(filter, SCMP_ACT_KILL_PROCESS, deadly_calls);
    if (r == 0)
        r = ADD(filter, SCMP_ACT_ALLOW, common_calls);
    if (r == 0)
        r = add_memory(filter);
    if (r == 0)
        r = add_role(filter, role);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r == 0 ? 0 : err_sys(e, -r, "loading the system call list of the %s", role_name(role));
}

int sandbox_narrow(const struct sandbox *s, char note[SANDBOX_NOTE], struct error *e)
{
    note[0] = 0;
    if ((s->role < ROLE_SENSOR || s->role > ROLE_RELAY) && s->role != ROLE_WITNESS && s->role != ROLE_WARDEN && s->role != ROLE_READER)
        return err_set(e, ERR_MISUSE, "there is no narrowing for the %s", role_name(s->role));
    if (no_traces(e) != 0 || become(s, e) != 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_sys(e, errno, "giving up new privileges");
    if (close_files(s, note, e) != 0)
        return -1;
    if (no_traces(e) != 0) /* a change of uid had switched it back */
        return -1;
    return close_calls(s->role, e);
}
